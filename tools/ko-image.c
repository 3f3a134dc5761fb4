#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/tool.h"
#include "formats/image.h"
#include "inputs/naming.h"

static const char *oci_dir, *builddir, *base_file, *user, *out;
static struct strs labels, annotations;
static bool inherit;

static const struct opt opts[] = {
	{ 0, "oci", "DIR", OPT_STRING, &oci_dir, "image store (default BUILDDIR/oci)" },
	{ 0, "builddir", "DIR", OPT_STRING, &builddir, "build directory (default .ko)" },
	{ 0, "base", "RECORD", OPT_STRING, &base_file,
		"record of the base image (default: the built-in base)" },
	{ 0, "label", "NAME=VALUE", OPT_LIST, &labels, "label of the images (repeatable)" },
	{ 0, "annotation", "NAME=VALUE", OPT_LIST, &annotations,
		"annotation of manifests and indexes (repeatable)" },
	{ 0, "user", "USER", OPT_STRING, &user, "user that the program runs as" },
	{ 0, "inherit-labels", NULL, OPT_FLAG, &inherit,
		"keep labels and annotations that describe the base image" },
	{ 'o', "output", "FILE", OPT_STRING, &out, "records; % stands for a name" },
};

static const struct opt_tool tool = { "ko-image",
	"[--oci DIR] [--base RECORD] [--label NAME=VALUE]... [-o FILE] [RECORDS...]",
	"Make images of layers and a base image: configs, manifests and indexes.", opts,
	countof(opts) };

/* The base record of the file, or of the built-in base. New, or NULL. */
static json_t *read_base(const struct oci *oci, struct err *err)
{
	cleanup(records_release) struct records bases = { 0 };
	const json_t *base;

	if (!base_file)
		return image_static_base(oci, err);
	if (records_read(&bases, base_file, err))
		return NULL;
	base = records_at(&bases, 0);
	if (records_count(&bases) != 1 || !record_get(base, "base") ||
		!json_object_get(base, "platforms")) {
		err_set(err, ERR_INPUT, "%s: not a base record; ko-base makes one", base_file);
		return NULL;
	}
	return json_incref((json_t *)base);
}

/* Adds NAME=VALUE words to an object of the record. */
static int set_pairs(json_t *record, const char *key, const struct strs *pairs, struct err *err)
{
	for (size_t i = 0; i < pairs->n; i++) {
		const char *equals = strchr(pairs->v[i], '=');
		json_t *object = json_object_get(record, key), *value;
		scratch char *name = NULL;

		if (!equals || equals == pairs->v[i])
			return err_set(err, ERR_USAGE, "missing '=' in %s: NAME=VALUE is wanted",
				pairs->v[i]);
		value = json_string(equals + 1);
		if (!value)
			return err_set(err, ERR_USAGE, "%s: not UTF-8", pairs->v[i]);
		if (!object) {
			object = json_object();
			json_object_set_new(record, key, object);
		}
		name = xstrndup(pairs->v[i], (size_t)(equals - pairs->v[i]));
		json_object_set_new(object, name, value);
	}
	return 0;
}

static int apply_options(json_t *record, struct err *err)
{
	if (user && json_object_set_new(record, "user", json_string(user)))
		return err_set(err, ERR_USAGE, "%s: not UTF-8", user);
	if (inherit)
		json_object_set_new(record, "inheritLabels", json_true());
	return set_pairs(record, "labels", &labels, err) ||
			set_pairs(record, "annotations", &annotations, err)
		? -1
		: 0;
}

static int run(const struct strs *operands, struct err *err)
{
	scratch char *store = file_store_dir(oci_dir, builddir);
	cleanup(records_release) struct records records = { 0 };
	cleanup(oci_release) struct oci oci = { 0 };
	cleanup(json_release) json_t *base = NULL;

	if (records_read_all(&records, operands, NULL, err) || oci_open(&oci, store, err))
		return -1;
	base = read_base(&oci, err);
	if (!base)
		return -1;
	for (size_t i = 0; i < records_count(&records); i++) {
		json_t *record = records_at(&records, i);
		scratch char *program = naming_program(record_title(record));
		const char *named = record_get(record, "base");

		if (!base_file && named && strcmp(named, record_get(base, "base")))
			return err_set(err, ERR_USAGE,
				"%s: its base image is %s; give --base a record that ko-base made "
				"of it",
				record_title(record), named);
		if (apply_options(record, err) || image_assemble(&oci, record, base, program, err))
			return -1;
	}
	return records_write(&records, out, err);
}

int main(int argc, char *argv[])
{
	return tool_main(&tool, argc, argv, run);
}
