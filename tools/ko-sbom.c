#include "base/depfile.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/tool.h"
#include "go/sbom.h"

static const char *oci_dir, *builddir, *dir, *out;
static struct depfile_options depfiles;

static const struct opt opts[] = {
	{ 0, "sbom-dir", "DIR", OPT_STRING, &dir, "also write the documents to files" },
	{ 0, "oci", "DIR", OPT_STRING, &oci_dir, "image store (default BUILDDIR/oci)" },
	{ 0, "builddir", "DIR", OPT_STRING, &builddir, "build directory (default .ko)" },
	DEPFILE_OPTIONS(&depfiles),
	{ 'o', "output", "FILE", OPT_STRING, &out, "records; % stands for a name" },
};

static const struct opt_tool tool = { "ko-sbom",
	"[--sbom-dir DIR] [--oci DIR] [-o FILE] [RECORDS...]",
	"Make bills of materials of images, as SPDX: which Go modules are in their programs.", opts,
	countof(opts) };

static int run(const struct strs *operands, struct err *err)
{
	scratch char *store = file_store_dir(oci_dir, builddir);
	cleanup(records_release) struct records records = { 0 };
	cleanup(oci_release) struct oci oci = { 0 };
	cleanup(depfile_release) struct depfile made = { 0 };
	struct sbom_maker maker = { &oci, dir, &made };

	if (records_read_all(&records, operands, NULL, err) || oci_open(&oci, store, err))
		return -1;
	for (size_t i = 0; i < records_count(&records); i++) {
		if (sbom_make(&maker, records_at(&records, i), err))
			return -1;
	}
	if (depfile_write_all(&made, &depfiles, out, err))
		return -1;
	return records_write(&records, out, err);
}

int main(int argc, char *argv[])
{
	return tool_main(&tool, argc, argv, run);
}
