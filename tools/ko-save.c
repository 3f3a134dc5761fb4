#include <string.h>

#include "base/depfile.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tool.h"
#include "net/assemble.h"
#include "net/save.h"

static const char *oci_dir, *builddir, *repo, *ca_file, *layout, *tarball, *out;
static struct strs tags, insecure;
static struct depfile_options depfiles;

static const struct opt opts[] = {
	{ 0, "oci-layout-path", "DIR", OPT_STRING, &layout, "add the images to this image layout" },
	{ 0, "tarball", "FILE", OPT_STRING, &tarball,
		"write an archive of the images; -: to standard output" },
	{ 0, "oci", "DIR", OPT_STRING, &oci_dir, "image store (default BUILDDIR/oci)" },
	{ 0, "builddir", "DIR", OPT_STRING, &builddir, "build directory (default .ko)" },
	{ 0, "repo", "REPOSITORY", OPT_STRING, &repo,
		"what names of images begin with (default KO_DOCKER_REPO); empty: ko.local" },
	{ 't', "tag", "TAG", OPT_CSV_OR_NONE, &tags,
		"tags (default latest, or the record's); empty: none" },
	REGISTRY_OPTIONS(&insecure, &ca_file),
	DEPFILE_OPTIONS(&depfiles),
	{ 'o', "output", "FILE", OPT_STRING, &out, "records; % stands for a name" },
};

static const struct opt_tool tool = { "ko-save",
	"[--oci-layout-path DIR] [--tarball FILE] [--oci DIR] [-o FILE] [RECORDS...]",
	"Save images for other programs: in an OCI layout, in an archive.", opts, countof(opts) };

static int run(const struct strs *operands, struct err *err)
{
	scratch char *store = file_store_dir(oci_dir, builddir);
	cleanup(records_release) struct records records = { 0 };
	cleanup(oci_release) struct oci oci = { 0 };
	cleanup(depfile_release) struct depfile made = { 0 };
	struct registry_settings network = { .insecure = &insecure, .ca_file = ca_file };
	cleanup(base_finder_release) struct base_finder finder = {
		.oci = &oci, .builddir = file_build_dir(builddir), .network = &network
	};
	struct save save = { .oci = &oci,
		.repo = repo,
		.tags = &tags,
		.finder = &finder,
		.layout = layout,
		.tarball = tarball,
		.made = &made };

	if (!layout && !tarball)
		return err_set(err, ERR_USAGE,
			"nothing to save to: name --oci-layout-path DIR or --tarball FILE");
	if (records_read_all(&records, operands, NULL, err) || oci_open(&oci, store, err) ||
		assemble_images(&finder, &records, err))
		return -1;
	if (finder.note)
		log_note("%s", finder.note);
	if (save_images(&save, &records, err) || depfile_write_all(&made, &depfiles, out, err))
		return -1;
	if (tarball && !strcmp(tarball, "-") && !out)
		return 0;
	return records_write(&records, out, err);
}

int main(int argc, char *argv[])
{
	return tool_main(&tool, argc, argv, run);
}
