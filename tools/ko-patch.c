#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tool.h"
#include "inputs/manifests.h"
#include "inputs/patch.h"

static struct strs filenames, lists;
static struct strs refs;
static const char *labels, *out;
static bool recursive, skip_invalid;

static const struct opt opts[] = {
	{ 'f', "filename", "FILE", OPT_LIST, &filenames,
		"manifests: a file, a directory or - (repeatable)" },
	{ 'R', "recursive", NULL, OPT_FLAG, &recursive, "go down into directories" },
	{ 'l', "selector", "SELECTOR", OPT_STRING, &labels, "only objects whose labels match" },
	{ 0, "files-from", "FILE", OPT_LIST, &lists,
		"a file with the names of manifests, one a line" },
	{ 0, "refs", "RECORDS", OPT_LIST, &refs, "records with references to images" },
	{ 0, "skip-invalid", NULL, OPT_FLAG, &skip_invalid,
		"pass files on that are no YAML, instead of failing" },
	{ 'o', "output", "FILE", OPT_STRING, &out,
		"resolved manifests (default: standard output)" },
};

static const struct opt_tool tool = { "ko-patch",
	"[-f FILE|DIR|-]... [-R] [-l SELECTOR] [--refs RECORDS] [-o FILE] [RECORDS...]",
	"Put references to images in place of ko:// in manifests; no other byte changes.", opts,
	countof(opts) };

static int read_records(
	struct records *records, const struct strs *operands, bool stdin_taken, struct err *err)
{
	cleanup(strs_release) struct strs files = { 0 };

	for (size_t i = 0; i < refs.n; i++)
		strs_add(&files, refs.v[i]);
	for (size_t i = 0; i < operands->n; i++)
		strs_add(&files, operands->v[i]);
	if (!files.n)
		strs_add(&files, "-");
	if (stdin_taken && strs_has(&files, "-"))
		return err_set(err, ERR_USAGE,
			"manifests (-f -) and records cannot both be standard input; name a file "
			"of "
			"records");
	for (size_t i = 0; i < files.n; i++) {
		if (records_read(records, files.v[i], err))
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

static int patch_file(struct patch *patch, const char *path, bool alone,
	const struct selector *selector, struct err *err)
{
	cleanup(manifest_release) struct manifest manifest = { 0 };

	if (manifest_load(&manifest, path, selector, skip_invalid, err))
		return -1;
	return patch_add(patch, &manifest, alone, err);
}

static int patch_files(const struct strs *files, const struct images *images,
	const struct selector *selector, struct err *err)
{
	struct patch patch = { .images = images, .out = { .path = out, .limit = SPOOL_MEMORY } };
	int result = 0;

	for (size_t i = 0; !result && i < files->n; i++)
		result = patch_file(&patch, files->v[i], files->n == 1, selector, err);
	if (!result && spool_finish(&patch.out, err) < 0)
		result = -1;
	spool_release(&patch.out);
	return result;
}

static int run(const struct strs *operands, struct err *err)
{
	cleanup(manifests_release) struct manifests manifests = { 0 };
	cleanup(records_release) struct records records = { 0 };
	cleanup(images_release) struct images images = { 0 };
	cleanup(selector_release) struct selector selector = { 0 };

	if (!labels)
		labels = getenv("KO_SELECTOR");
	if ((labels && selector_parse(&selector, labels, err)) || find_files(&manifests, err) ||
		read_records(&records, operands, strs_has(&manifests.files, "-"), err))
		return -1;
	images_from(&images, &records);
	return patch_files(&manifests.files, &images, &selector, err);
}

int main(int argc, char *argv[])
{
	return tool_main(&tool, argc, argv, run);
}
