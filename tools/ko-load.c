#include <stdlib.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tool.h"
#include "engine/load.h"
#include "net/assemble.h"
#include "net/progress.h"

static const char *oci_dir, *build_dir, *builder, *repo, *ca_file, *stats_file, *refs_file, *out;
static const char *identity;
static struct strs tags, insecure;
static bool tag_only, local, confirm;

static const struct opt opts[] = {
	{ 0, "builder", "NAME", OPT_STRING, &builder,
		"docker, podman or buildah (default KO_BUILDER, else docker)" },
	{ 'L', "local", NULL, OPT_FLAG, &local, "load only, whatever --repo is" },
	{ 0, "oci", "DIR", OPT_STRING, &oci_dir, "image store (default BUILDDIR/oci)" },
	{ 0, "builddir", "DIR", OPT_STRING, &build_dir, "build directory (default .ko)" },
	{ 0, "repo", "REPOSITORY", OPT_STRING, &repo,
		"ko.local, kind.local or where the engine pushes to (default KO_DOCKER_REPO)" },
	{ 't', "tag", "TAG", OPT_CSV_OR_NONE, &tags, "tags (default latest, or the record's)" },
	{ 0, "tag-only", NULL, OPT_FLAG, &tag_only, "references are repository:tag" },
	{ 0, "confirm", NULL, OPT_FLAG, &confirm,
		"ask the registry for images that have been pushed; push those that are gone" },
	REGISTRY_OPTIONS(&insecure, &ca_file),
	{ 0, "stats", "FILE", OPT_STRING, &stats_file, "write counts as JSON" },
	{ 0, "image-refs", "FILE", OPT_STRING, &refs_file,
		"also write the references, one a line" },
	{ 0, "engine", "TEXT", OPT_STRING, &identity, NULL },
	{ 'o', "output", "FILE", OPT_STRING, &out, "records; % stands for a name" },
};

static const struct opt_tool tool = { "ko-load",
	"[--builder NAME] [--repo REPOSITORY] [--oci DIR] [--tag TAG]... [-o FILE] [RECORDS...]",
	"Load images into a container engine or a kind cluster; with a registry as repository, "
	"have "
	"the\nengine push them.",
	opts, countof(opts) };

static int write_refs(const struct records *records, struct err *err)
{
	cleanup(buf_release) struct buf text = { 0 };

	for (size_t i = 0; i < records_count(records); i++)
		buf_addf(&text, "%s\n", record_get(records_at(records, i), "ref"));
	return file_output(refs_file, buf_str(&text), text.len, err) < 0 ? -1 : 0;
}

static int write_stats(const struct load *load, struct err *err)
{
	cleanup(buf_release) struct buf text = { 0 };

	buf_addf(&text, "{\"images\":%zu,\"loaded\":%zu,\"bytesSent\":%lld}\n", load->images,
		load->loaded, (long long)load->bytes);
	return file_output(stats_file, buf_str(&text), text.len, err) < 0 ? -1 : 0;
}

static int write_results(const struct load *load, const struct records *records, struct err *err)
{
	for (size_t i = 0; i < load->notes.n; i++)
		log_note("%s", load->notes.v[i]);
	if ((refs_file && write_refs(records, err)) || (stats_file && write_stats(load, err)))
		return -1;
	return records_write(records, out, err);
}

static int run(const struct strs *operands, struct err *err)
{
	scratch char *store = file_store_dir(oci_dir, build_dir);
	cleanup(records_release) struct records records = { 0 };
	cleanup(oci_release) struct oci oci = { 0 };
	struct registry_settings network = { .insecure = &insecure,
		.ca_file = ca_file,
		.progress = progress_possible() ? progress_show : NULL };
	cleanup(base_finder_release) struct base_finder finder = {
		.oci = &oci, .builddir = file_build_dir(build_dir), .network = &network
	};
	cleanup(load_release) struct load load = { .oci = &oci,
		.builder = builder ? builder : getenv("KO_BUILDER"),
		.repo = repo,
		.tags = &tags,
		.tag_only = tag_only,
		.local = local,
		.confirm = confirm,
		.origin = operands->n == 1 ? operands->v[0] : NULL,
		.insecure = &insecure,
		.finder = &finder };

	if (records_read_all(&records, operands, NULL, err) || oci_open(&oci, store, err) ||
		assemble_images(&finder, &records, err) || load_images(&load, &records, err))
		return -1;
	if (finder.note)
		log_note("%s", finder.note);
	return write_results(&load, &records, err);
}

int main(int argc, char *argv[])
{
	return tool_main(&tool, argc, argv, run);
}
