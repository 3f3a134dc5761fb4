#include "base/file.h"
#include "base/mem.h"
#include "base/tool.h"
#include "go/why.h"

static const char *builddir;

static const struct opt opts[] = {
	{ 0, "builddir", "DIR", OPT_STRING, &builddir, "where executables are kept (default .ko)" },
};

static const struct opt_tool tool = { "ko-why", "[--builddir DIR] [RECORDS...]",
	"Say why programs would be compiled again, or why they were the last time.", opts,
	countof(opts) };

static int run(const struct strs *operands, struct err *err)
{
	cleanup(records_release) struct records records = { 0 };
	cleanup(buf_release) struct buf out = { 0 };

	if (records_read_all(&records, operands, NULL, err) ||
		go_why(&out, &records, file_build_dir(builddir), err))
		return -1;
	return file_output(NULL, buf_str(&out), out.len, err) < 0 ? -1 : 0;
}

int main(int argc, char *argv[])
{
	return tool_main(&tool, argc, argv, run);
}
