#include "base/depfile.h"
#include "base/environment.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tool.h"
#include "net/base.h"

static const char *oci_dir, *builddir, *lock, *ca_file, *out;
static struct strs platforms, insecure;
static bool update, offline;
static struct depfile_options depfiles;

static const struct opt opts[] = {
	{ 0, "oci", "DIR", OPT_STRING, &oci_dir, "image store (default BUILDDIR/oci)" },
	{ 0, "builddir", "DIR", OPT_STRING, &builddir, "build directory (default .ko)" },
	{ 0, "lock", "FILE", OPT_STRING, &lock,
		"what the reference stands for (default BUILDDIR/bases/...)" },
	{ 0, "platform", "LIST", OPT_CSV, &platforms,
		"os/arch[/variant],... or all (default all)" },
	{ 0, "update", NULL, OPT_FLAG, &update, "ask the registry whether the tag has moved" },
	{ 0, "offline", NULL, OPT_FLAG, &offline, "use what is there, ask no registry" },
	REGISTRY_OPTIONS(&insecure, &ca_file),
	DEPFILE_OPTIONS(&depfiles),
	{ 'o', "output", "FILE", OPT_STRING, &out, "base record (default: standard output)" },
};

static const struct opt_tool tool = { "ko-base",
	"[--oci DIR] [--lock FILE] [--platform LIST] [-o FILE] [REFERENCE]",
	"Find a base image: its manifests and configs, not its layers.", opts, countof(opts) };

static int write_depfiles(const struct base_finder *finder, struct err *err)
{
	cleanup(depfile_release) struct depfile depfile = { 0 };

	if (finder->source)
		depfile_add(&depfile, finder->source);
	return depfile_write_all(&depfile, &depfiles, out, err);
}

static int run(const struct strs *operands, struct err *err)
{
	scratch char *store = file_store_dir(oci_dir, builddir);
	cleanup(records_release) struct records records = { 0 };
	cleanup(oci_release) struct oci oci = { 0 };
	struct registry_settings network = { .insecure = &insecure, .ca_file = ca_file };
	cleanup(base_finder_release) struct base_finder finder = { .oci = &oci,
		.builddir = file_build_dir(builddir),
		.lock = lock,
		.platforms = &platforms,
		.update = update || environment_flag("KO_BASE_UPDATE"),
		.offline = offline,
		.network = &network };
	json_t *base;

	if (operands->n > 1)
		return err_set(
			err, ERR_USAGE, "one reference at a time, not also %s", operands->v[1]);
	if (oci_open(&oci, store, err))
		return -1;
	base = base_find(&finder, operands->n ? operands->v[0] : base_default(), err);
	if (!base)
		return -1;
	if (finder.note)
		log_note("%s", finder.note);
	records_add(&records, base);
	if (write_depfiles(&finder, err))
		return -1;
	return records_write(&records, out, err);
}

int main(int argc, char *argv[])
{
	return tool_main(&tool, argc, argv, run);
}
