#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tool.h"
#include "formats/elf.h"
#include "graph/layers.h"

static const char *builddir, *store, *data, *name, *compression, *out;
static struct depfile_options depfiles;
static bool follow;
static int jobs;

static const struct opt opts[] = {
	{ 0, "builddir", "DIR", OPT_STRING, &builddir,
		"where is noted what was made (default .ko)" },
	{ 0, "oci", "DIR", OPT_STRING, &store, "image store (default BUILDDIR/oci)" },
	{ 0, "name", "NAME", OPT_STRING, &name, "what the program is called in the image" },
	{ 0, "data", "DIR", OPT_STRING, &data, "put a directory's content into the root" },
	{ 0, "compression", "KIND", OPT_STRING, &compression,
		"gzip, gzip:0 to gzip:9, zstd, zstd:1 to zstd:19" },
	DEPFILE_OPTIONS(&depfiles),
	{ 'j', "jobs", "N", OPT_NUMBER, &jobs, "threads (default: one for each CPU)" },
	{ 0, "follow", NULL, OPT_FLAG, &follow,
		"take records from standard input as they come, and pass each on at once" },
	{ 'o', "output", "FILE", OPT_STRING, &out, "records; % stands for a name" },
};

static const struct opt_tool tool = { "ko-layer",
	"[--oci DIR] [--data DIR] [--name NAME] [-o FILE] [RECORDS | FILE | DIRECTORY...]",
	"Make layers of programs, of the kodata directories beside them, and of other directories.",
	opts, countof(opts) };

/* The record of a program or directory that was named on the command line. */
static int add_operand(struct records *records, const char *operand, struct err *err)
{
	int fd = open(operand, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	const char *platform = fd < 0 ? NULL : elf_platform(fd);
	scratch char *path = path_absolute(operand);
	json_t *record = json_pack("{s:s}", "name", name ? name : path_base(path));
	size_t before = records_count(records);

	if (fd < 0)
		return err_sys(err, "%s", operand);
	close(fd);
	if (record) {
		json_object_set_new(record_platform(record, platform ? platform : "linux/amd64"),
			file_is_dir(operand) ? "directory" : "executable", json_string(operand));
		records_add(records, record);
	}
	if (records_count(records) > before)
		return 0;
	return err_set(err, ERR_USAGE, "%s: its name is taken or no UTF-8; give it one by --name",
		operand);
}

static void set_defaults(void)
{
	const char *threads = getenv("KO_JOBS");

	builddir = file_build_dir(builddir);
	store = file_store_dir(store, builddir);
	data = data ? data : getenv("KO_DATA_PATH");
	/* this value is the one that images have for the programs in them */
	if (data && (!*data || !strcmp(data, "/var/run/ko")))
		data = NULL;
	if (!jobs && threads)
		jobs = (int)strtol(threads, NULL, 10);
}

static void note_missing_debuggers(const struct records *records)
{
	for (size_t i = 0; i < records_count(records); i++) {
		const json_t *record = records_at(records, i), *entry;
		size_t j;

		json_array_foreach (json_object_get(record, "platforms"), j, entry) {
			if (record_get(record, "debugger") && !json_object_get(entry, "debugger"))
				log_note("%s: Delve does not run on %s: the image is made without "
					 "it",
					record_title(record), record_get(entry, "platform"));
		}
	}
}

static int run(const struct strs *operands, struct err *err)
{
	cleanup(records_release) struct records records = { 0 };
	cleanup(depfile_release) struct depfile depfile = { 0 };
	cleanup(oci_release) struct oci oci = { 0 };
	cleanup(cache_release) struct cache cache = { 0 };
	cleanup(strs_release) struct strs secrets = { 0 };
	scratch char *memo = NULL;
	struct layer_maker maker = {
		.oci = &oci, .cache = &cache, .depfile = &depfile, .secrets = &secrets
	};

	set_defaults();
	maker.memo = memo = path_join(builddir, "layers");
	maker.jobs = (unsigned)jobs;
	maker.compression = compression;
	if (cache_open(&cache, err) || oci_open(&oci, store, err))
		return -1;
	if (follow)
		return layers_follow(&maker, data, err);
	if (records_read_all(&records, operands, add_operand, err) ||
		layers_make(&maker, data, &records, err))
		return -1;
	if (cache.trouble.class)
		log_debug(1, "cache of layers: %s", cache.trouble.text);
	note_missing_debuggers(&records);
	for (size_t i = 0; i < secrets.n; i++)
		log_note("%s looks secret and goes into the image", secrets.v[i]);
	if (depfile_write_all(&depfile, &depfiles, out, err))
		return -1;
	layers_announce(&records);
	return records_write(&records, out, err);
}

int main(int argc, char *argv[])
{
	return tool_main(&tool, argc, argv, run);
}
