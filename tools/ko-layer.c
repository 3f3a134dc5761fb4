#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tool.h"
#include "base/trace.h"
#include "formats/elf.h"
#include "formats/layer.h"
#include "inputs/naming.h"

static const char *builddir, *store, *data, *name, *out;
static struct depfile_options depfiles;
static int jobs;

static const struct opt opts[] = {
	{ 0, "builddir", "DIR", OPT_STRING, &builddir,
		"where is noted what was made (default .ko)" },
	{ 0, "oci", "DIR", OPT_STRING, &store, "image store (default BUILDDIR/oci)" },
	{ 0, "name", "NAME", OPT_STRING, &name, "what the program is called in the image" },
	{ 0, "data", "DIR", OPT_STRING, &data, "put a directory's content into the root" },
	DEPFILE_OPTIONS(&depfiles),
	{ 'j', "jobs", "N", OPT_NUMBER, &jobs, "threads (default: one for each CPU)" },
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

/* Adds a layer of a record, the next one after what ended then. -1 where there is none. */
static int add_layer(json_t *layers, const json_t *record, json_t *layer, int64_t *then)
{
	if (layer && trace_wanted())
		trace_event("layer", record_get(layer, "kind"), *then,
			json_pack("{s:s, s:O, s:O}", "of", record_title(record), "size",
				json_object_get(layer, "size"), "digest",
				json_object_get(layer, "digest")));
	*then = trace_now();
	return json_array_append_new(layers, layer);
}

static int make_layers(const struct layer_maker *maker, const json_t *record, json_t *entry,
	json_t *layers, struct err *err)
{
	cleanup(strs_release) struct strs capabilities = { 0 };
	const char *platform = record_need(entry, "platform", err);
	const char *executable, *dir = record_get(entry, "directory");
	const char *importpath = record_get(record, "importpath");
	scratch char *program = naming_program(importpath ? importpath : record_title(record));
	int64_t then = trace_now();

	if (dir)
		return add_layer(layers, record, layer_data(maker, dir, err), &then);
	executable = record_need(entry, "executable", err);
	if (!executable || !platform)
		return -1;
	record_strings(record, "capabilities", &capabilities);
	if (data && add_layer(layers, record, layer_data(maker, data, err), &then))
		return -1;
	if (importpath &&
		add_layer(layers, record,
			layer_kodata(maker, record_get(entry, "kodata"), platform, err), &then))
		return -1;
	return add_layer(layers, record,
		layer_program(maker, executable, record_get(entry, "hash"), program, platform,
			&capabilities, err),
		&then);
}

static int make_all(const struct layer_maker *maker, const struct records *records, struct err *err)
{
	for (size_t i = 0; i < records_count(records); i++) {
		json_t *record = records_at(records, i);
		json_t *entry;
		size_t j;

		json_array_foreach (json_object_get(record, "platforms"), j, entry) {
			json_t *layers = json_array();

			if (make_layers(maker, record, entry, layers, err)) {
				json_decref(layers);
				return -1;
			}
			json_object_set_new(entry, "layers", layers);
		}
	}
	return 0;
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

static int run(const struct strs *operands, struct err *err)
{
	cleanup(records_release) struct records records = { 0 };
	cleanup(depfile_release) struct depfile depfile = { 0 };
	cleanup(oci_release) struct oci oci = { 0 };
	cleanup(strs_release) struct strs secrets = { 0 };
	scratch char *memo = NULL;
	struct layer_maker maker = { &oci, NULL, 0, &depfile, &secrets };

	set_defaults();
	maker.memo = memo = path_join(builddir, "layers");
	maker.jobs = (unsigned)jobs;
	if (records_read_all(&records, operands, add_operand, err) || oci_open(&oci, store, err) ||
		make_all(&maker, &records, err))
		return -1;
	for (size_t i = 0; i < secrets.n; i++)
		log_note("%s looks secret and goes into the image", secrets.v[i]);
	if (depfile_write_all(&depfile, &depfiles, out, err))
		return -1;
	return records_write(&records, out, err);
}

int main(int argc, char *argv[])
{
	return tool_main(&tool, argc, argv, run);
}
