#include <stdlib.h>
#include <string.h>

#include "base/depfile.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/tool.h"
#include "graph/destination.h"
#include "graph/graph.h"

static struct plan_options options;
static struct destination destination = { .push = true };
static const char *ninja_file, *make_file, *depfile_name, *depfile_target, *builddir, *oci, *out;
static bool self;

static const struct opt opts[] = {
	PLAN_FILE_OPTIONS(&options),
	PLAN_IMAGE_OPTIONS(&options),
	{ 0, "base", "RECORD", OPT_LIST, &options.bases,
		"record of a base image, which says what its platforms are" },
	{ 0, "ninja", "FILE", OPT_STRING, &ninja_file,
		"write a graph for ninja instead of records" },
	{ 0, "make", "FILE", OPT_STRING, &make_file, "write a graph for make instead of records" },
	{ 0, "depfile", "FILE", OPT_STRING, &depfile_name, "write what the graph depends on" },
	{ 0, "depfile-target", "FILE", OPT_STRING, &depfile_target,
		"the file that depends on it (default: the graph)" },
	{ 0, "builddir", "DIR", OPT_STRING, &builddir, "executables and memos (default .ko)" },
	{ 0, "oci", "DIR", OPT_STRING, &oci, "image store (default BUILDDIR/oci)" },
	DESTINATION_OPTIONS(&destination),
	{ 0, "self", NULL, OPT_FLAG, &self, NULL },
	{ 'o', "output", "FILE", OPT_STRING, &out, "records (default: standard output)" },
};

static const struct opt_tool tool = { "ko-scan",
	"[-f FILE|DIR|-]... [-R] [--ninja FILE | --make FILE] [IMPORTPATH...]",
	"Find the programs that manifests name as ko://IMPORTPATH; print a record for each, or "
	"write\n"
	"the build graph for all of them.",
	opts, countof(opts) };

/* The words that make this same graph again. */
static void own_words(struct strs *words)
{
	strs_add(words, "--self");
	strs_take(words, xasprintf("--ninja=%s", ninja_file));
	strs_take(words, xasprintf("--depfile=%s.d", ninja_file));
	strs_take(words, xasprintf("--builddir=%s", builddir));
	strs_take(words, xasprintf("--oci=%s", oci));
	destination_words(&destination, words);
	plan_options_words(&options, words);
}

static int write_graph(const struct plan *plan, struct err *err)
{
	cleanup(strs_release) struct strs base = { 0 };
	cleanup(strs_release) struct strs push = { 0 };
	cleanup(strs_release) struct strs confirm = { 0 };
	cleanup(strs_release) struct strs save = { 0 };
	cleanup(strs_release) struct strs sbom = { 0 };
	cleanup(strs_release) struct strs patch = { 0 };
	cleanup(strs_release) struct strs words = { 0 };
	const char *file = ninja_file ? ninja_file : make_file;
	int saves = destination_save_words(&destination, &save, err);
	int lists = destination_sbom_words(&destination, &plan->records, &sbom, err);
	scratch char *bin = proc_own_dir();
	struct graph_options graph = { .file = file,
		.builddir = builddir,
		.oci = oci,
		.data = getenv("KO_DATA_PATH"),
		.base = &base,
		.tool = destination_tool(&destination),
		.push = &push,
		.confirm = &confirm,
		.save = saves ? &save : NULL,
		.sbom = lists ? &sbom : NULL,
		.patch = &patch };

	if (saves < 0 || lists < 0)
		return -1;
	destination_trust_words(&destination, &base);
	destination_push_words(&destination, &push);
	if (lists && !strcmp(graph.tool, "ko-push"))
		strs_take(&push, xasprintf("--known=%s/refs.json", plan->graph_dir));
	strs_add(&confirm, "--confirm");
	destination_place_words(&destination, &confirm);
	strs_take(&patch, xasprintf("--selector=%s", options.selector ? options.selector : ""));
	if (options.skip_invalid)
		strs_add(&patch, "--skip-invalid");
	if (self) {
		own_words(&words);
		graph.scan = &words;
		graph.bin = bin;
	}
	return ninja_file ? graph_ninja(plan, &graph, err) : graph_make(plan, &graph, err);
}

static int write_depfile(const struct plan *plan, struct err *err)
{
	cleanup(depfile_release) struct depfile depfile = { 0 };

	for (size_t i = 0; i < plan->inputs.n; i++)
		depfile_add(&depfile, plan->inputs.v[i]);
	return depfile_write(&depfile, depfile_name, make_file ? DEPFILE_MAKE : DEPFILE_NINJA,
		depfile_target       ? depfile_target
			: ninja_file ? ninja_file
				     : make_file,
		err);
}

/* Settings that come from the environment when they are not on the command line. */
static int set_defaults(struct err *err)
{
	builddir = file_build_dir(builddir);
	oci = file_store_dir(oci, builddir);
	if (!options.selector)
		options.selector = getenv("KO_SELECTOR");
	return destination_defaults(&destination, err);
}

static int run(const struct strs *operands, struct err *err)
{
	cleanup(plan_release) struct plan plan = { 0 };

	for (size_t i = 0; i < operands->n; i++)
		strs_add(&options.importpaths, operands->v[i]);
	if (ninja_file || make_file)
		plan.graph_dir = path_dir(ninja_file ? ninja_file : make_file);
	if (set_defaults(err) || plan_make(&plan, &options, err))
		return -1;
	if (!ninja_file && !make_file)
		return records_write(&plan.records, out, err);
	if (write_graph(&plan, err))
		return -1;
	return depfile_name ? write_depfile(&plan, err) : 0;
}

int main(int argc, char *argv[])
{
	return tool_main(&tool, argc, argv, run);
}
