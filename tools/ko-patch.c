#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/opt.h"
#include "inputs/manifests.h"
#include "inputs/patch.h"

static struct strs filenames, lists;
static struct strs refs;
static const char *out;
static bool recursive, skip_invalid;

static const struct opt opts[] = {
	{ 'f', "filename", "FILE", OPT_LIST, &filenames,
		"manifests: a file, a directory or - (repeatable)" },
	{ 'R', "recursive", NULL, OPT_FLAG, &recursive, "go down into directories" },
	{ 0, "files-from", "FILE", OPT_LIST, &lists,
		"a file with the names of manifests, one a line" },
	{ 0, "refs", "RECORDS", OPT_LIST, &refs, "records with references to images" },
	{ 0, "skip-invalid", NULL, OPT_FLAG, &skip_invalid,
		"pass files on that are no YAML, instead of failing" },
	{ 'o', "output", "FILE", OPT_STRING, &out,
		"resolved manifests (default: standard output)" },
};

static const struct opt_tool tool = { "ko-patch",
	"[-f FILE|DIR|-]... [-R] [--refs RECORDS] [-o FILE] [RECORDS...]",
	"Put references to images in place of ko:// in manifests; no other byte changes.", opts,
	countof(opts) };

static int read_records(struct records *records, const struct strs *operands, struct err *err)
{
	if (!refs.n && !operands->n)
		return records_read(records, "-", err);
	for (size_t i = 0; i < refs.n + operands->n; i++) {
		const char *path = i < refs.n ? refs.v[i] : operands->v[i - refs.n];

		if (records_read(records, path, err))
			return -1;
	}
	return 0;
}

static int find_files(struct manifests *manifests, struct err *err)
{
	for (size_t i = 0; i < lists.n; i++) {
		cleanup(buf_release) struct buf text = { 0 };

		if (file_read(lists.v[i], FILE_LIMIT, &text, err))
			return -1;
		strs_split(&manifests->files, buf_str(&text), "\n");
	}
	return manifests_find(manifests, &filenames, recursive, err);
}

static int patch_file(struct buf *stream, const char *path, bool alone,
	const struct records *records, struct err *err)
{
	cleanup(manifest_release) struct manifest manifest = { 0 };
	cleanup(buf_release) struct buf patched = { 0 };

	if (manifest_load(&manifest, path, skip_invalid, err) ||
		patch_text(&patched, &manifest, records, err) ||
		(alone && manifest_encode(&manifest, &patched, err)))
		return -1;
	patch_join(stream, buf_str(&patched), patched.len);
	return 0;
}

static int run(const struct strs *operands, struct err *err)
{
	cleanup(manifests_release) struct manifests manifests = { 0 };
	cleanup(records_release) struct records records = { 0 };
	cleanup(buf_release) struct buf stream = { 0 };

	if (find_files(&manifests, err) || read_records(&records, operands, err))
		return -1;
	for (size_t i = 0; i < manifests.files.n; i++) {
		if (patch_file(
			    &stream, manifests.files.v[i], manifests.files.n == 1, &records, err))
			return -1;
	}
	return file_output(out, buf_str(&stream), stream.len, err) < 0 ? -1 : 0;
}

int main(int argc, char *argv[])
{
	cleanup(strs_release) struct strs operands = { 0 };
	struct err err;
	int status;

	log_init("ko-patch");
	file_mark_start();
	status = opt_parse(&tool, argc, argv, &operands, NULL, &err);
	if (status)
		return status > 0 ? 0 : log_error(&err);
	return run(&operands, &err) || log_close_stdout(&err) ? log_error(&err) : 0;
}
