#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tool.h"
#include "go/build.h"
#include "go/debugger.h"
#include "go/group.h"
#include "inputs/kopath.h"
#include "inputs/naming.h"
#include "inputs/workspace.h"

static struct strs platforms;
static const char *dir, *builddir, *found_file, *out;
static struct depfile_options depfiles;
static bool debug, split;
static struct workspace workspace;

static const struct opt opts[] = {
	{ 0, "platform", "LIST", OPT_CSV, &platforms,
		"os/arch[/variant],... (default: the records')" },
	{ 0, "dir", "DIR", OPT_STRING, &dir,
		"where go is run, for operands and records without one" },
	{ 0, "builddir", "DIR", OPT_STRING, &builddir, "where executables are kept (default .ko)" },
	{ 0, "found", "RECORDS", OPT_STRING, &found_file, "where references stand, for messages" },
	DEPFILE_OPTIONS(&depfiles),
	{ 0, "print-inputs", NULL, OPT_FLAG, &depfiles.lines,
		"print all inputs, for ninja's deps = msvc" },
	{ 0, "disable-optimizations", NULL, OPT_FLAG, &debug, "compile with -gcflags 'all=-N -l'" },
	{ 0, "split", NULL, OPT_FLAG, &split, "compile nothing: only write the records anew" },
	{ 'o', "output", "FILE", OPT_STRING, &out, "records; % stands for a name" },
};

static const struct opt_tool tool = { "ko-gobuild",
	"[--platform LIST] [--builddir DIR] [-o FILE] [RECORDS | IMPORTPATH...]",
	"Compile Go programs: one go build for all that belong together, none for what is up to "
	"date.",
	opts, countof(opts) };

/* A record for a program that was named on the command line. */
static int add_operand(struct records *records, const char *operand, struct err *err)
{
	cleanup(location_release) struct location location = { 0 };
	scratch char *path = kopath_parse(operand, NULL, err);
	scratch char *name = NULL;

	if (!path || (!workspace.root && workspace_find(&workspace, dir ? dir : ".", err)))
		return -1;
	if (kopath_is_dir(path) ? workspace_locate_dir(&workspace, path, NULL, &location, err)
				: workspace_locate(&workspace, path, NULL, &location, err))
		return -1;
	name = naming_name(NAMING_LAST, location.importpath);
	records_add(records,
		json_pack("{s:s, s:s, s:s}", "importpath", location.importpath, "dir", location.dir,
			"name", name));
	return 0;
}

static void add_flag(json_t *record, const char *flag)
{
	cleanup(strs_release) struct strs flags = { 0 };

	record_strings(record, "flags", &flags);
	strs_add(&flags, flag);
	record_set_strings(record, "flags", &flags);
}

/* These platforms and no others; what is known of them stays. */
static void set_platforms(json_t *record, const struct strs *list)
{
	json_t *entries = json_array();

	for (size_t i = 0; i < list->n; i++)
		json_array_append(entries, record_platform(record, list->v[i]));
	json_object_set_new(record, "platforms", entries);
}

/* Fills in what neither records nor options say, and lists the platforms in use. */
static void complete(struct records *records, struct strs *all)
{
	cleanup(strs_release) struct strs defaults = { 0 };

	go_default_platforms(&defaults);
	for (size_t i = 0; i < records_count(records); i++) {
		json_t *record = records_at(records, i);

		if (dir && !record_get(record, "dir"))
			json_object_set_new(record, "dir", json_string(dir));
		if (debug)
			add_flag(record, "-gcflags=all=-N -l");
		if (platforms.n)
			set_platforms(record, &platforms);
		else if (!json_array_size(json_object_get(record, "platforms")))
			set_platforms(record, &defaults);
		record_platforms(record, all);
	}
	strs_sort(all);
}

static int build(const struct strs *operands, struct buf *said, struct err *err)
{
	cleanup(records_release) struct records records = { 0 };
	cleanup(records_release) struct records found = { 0 };
	cleanup(strs_release) struct strs all = { 0 };
	cleanup(depfile_release) struct depfile depfile = { 0 };

	if (records_read_all(&records, operands, add_operand, err))
		return -1;
	if (split)
		return records_write(&records, out, err);
	if (found_file && file_exists(found_file) && records_read(&found, found_file, err))
		return -1;
	complete(&records, &all);
	if (go_build_all(&records, &all, file_build_dir(builddir), &found, &depfile, said, err) ||
		debugger_build(&records, &all, file_build_dir(builddir), said, err))
		return -1;
	if (depfile_write_all(&depfile, &depfiles, out, err))
		return -1;
	return records_write(&records, out, err);
}

/* go's own words come after the line that says which program they are about. */
static int run(const struct strs *operands, struct err *err)
{
	cleanup(buf_release) struct buf said = { 0 };
	int status;

	if (!build(operands, &said, err))
		return 0;
	status = log_error(err);
	(void)file_write_all(STDERR_FILENO, buf_str(&said), said.len, err);
	return status;
}

int main(int argc, char *argv[])
{
	return tool_main(&tool, argc, argv, run);
}
