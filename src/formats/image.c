/*
 * The fields are those that ko gives its images, so that the same program has the same config:
 * author, created, Entrypoint, Env (PATH and KO_DATA_PATH), User, Labels, diff_ids and history are
 * ours, Cmd goes, all else is the base's, fields that nobody knows too. Order of a config's fields:
 * as ko's library writes them, then what it does not know. An image without a program, of data
 * alone, keeps the base's Entrypoint and Cmd.
 *
 * What says who made the base, where its source is and which version it has is not true of our
 * image: labels and annotations of that kind are left out, unless the record's "inheritLabels" is
 * true. So are the base manifest's subject and artifactType.
 */
#include "image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/mem.h"
#include "platform.h"

#define BASE_NAME "org.opencontainers.image.base.name"
#define BASE_DIGEST "org.opencontainers.image.base.digest"
#define NO_TIME "0001-01-01T00:00:00Z"

/* One platform's image in the making. */
struct making {
	const struct oci *oci;
	const json_t *record; /* of the image */
	const json_t *base;   /* base record */
	const json_t *entry;  /* the platform in the image's record */
	const json_t *on;     /* the platform in the base record */
	const char *program;
	bool docker, windows;
	char *created, *data_created; /* NULL: not set */
	json_t *config, *manifest;    /* the base's, being edited */
};

bool image_is_index(const char *media_type)
{
	return !strcmp(media_type, OCI_INDEX) || !strcmp(media_type, DOCKER_LIST);
}

bool image_is_manifest(const char *media_type)
{
	return !strcmp(media_type, OCI_MANIFEST) || !strcmp(media_type, DOCKER_MANIFEST);
}

/* The time that an environment variable gives in seconds since 1970, as RFC 3339 in UTC. */
static int epoch(char **text, const char *variable, struct err *err)
{
	const char *value = getenv(variable);
	char out[32], *end;
	long long seconds;
	time_t t;
	struct tm tm;

	if (!value || !*value)
		return 0;
	errno = 0;
	seconds = strtoll(value, &end, 10);
	t = (time_t)seconds;
	if (errno || *end || seconds < 0 || seconds > 253402300799 || !gmtime_r(&t, &tm))
		return err_set(
			err, ERR_USAGE, "%s=%s: seconds since 1970 are wanted", variable, value);
	strftime(out, sizeof out, "%Y-%m-%dT%H:%M:%SZ", &tm);
	*text = xstrdup(out);
	return 0;
}

/* The object or array under key, made when it is absent or something else. Borrowed. */
static json_t *child(json_t *object, const char *key, json_type type)
{
	json_t *value = json_object_get(object, key);

	if (!value || json_typeof(value) != type) {
		value = type == JSON_OBJECT ? json_object() : json_array();
		json_object_set_new(object, key, value);
	}
	return value;
}

static void set_environment(const struct making *m, json_t *config)
{
	json_t *env = child(config, "Env", JSON_ARRAY);
	const char *data =
		m->windows ? "KO_DATA_PATH=C:\\var\\run\\ko" : "KO_DATA_PATH=/var/run/ko";
	const json_t *own = json_object_get(m->record, "containerEnv");
	bool found = false;
	json_t *item;
	size_t i;

	json_array_foreach (env, i, item) {
		const char *text = json_string_value(item);

		if (!text || (m->windows ? strncasecmp : strncmp)(text, "PATH=", 5))
			continue;
		scratch char *path =
			xasprintf("%s%s", text, m->windows ? ";C:\\ko-app" : ":/ko-app");

		json_array_set_new(env, i, json_string(path));
		found = true;
	}
	if (!found)
		json_array_append_new(
			env, json_string(m->windows ? "PATH=C:\\ko-app" : "PATH=/ko-app"));
	json_array_append_new(env, json_string(data));
	json_array_extend(env, (json_t *)own);
}

/* Variables of the same name: the last one counts, in the place of the first. */
static void merge_environment(json_t *config)
{
	json_t *env = json_object_get(config, "Env");
	json_t *merged = json_array();
	json_t *item, *old;
	size_t i, j;

	json_array_foreach (env, i, item) {
		const char *text = json_string_value(item);
		size_t n = text ? strcspn(text, "=") + 1 : 0;

		json_array_foreach (merged, j, old) {
			if (text && !strncmp(json_string_value(old), text, n))
				break;
		}
		if (j < json_array_size(merged))
			json_array_set(merged, j, item);
		else if (text)
			json_array_append(merged, item);
	}
	json_object_set_new(config, "Env", merged);
}

/* Takes out what describes the base (image-spec, annotations.md; the older label-schema.org). An
 * object that is empty then goes too. */
static void drop_vendor(const struct making *m, json_t *from, const char *key)
{
	json_t *object = json_object_get(from, key), *value;
	const char *name;
	void *next;

	if (json_is_true(json_object_get(m->record, "inheritLabels")) || !json_is_object(object))
		return;
	json_object_foreach_safe(object, next, name, value)
	{
		if (starts_with(name, "org.opencontainers.image.") ||
			starts_with(name, "org.label-schema."))
			json_object_del(object, name);
	}
	if (!json_object_size(object))
		json_object_del(from, key);
}

static const char *layer_kind(const json_t *layer)
{
	const char *kind = record_get(layer, "kind");

	return kind ? kind : "program";
}

static bool has_layer(const struct making *m, const char *kind)
{
	json_t *layer;
	size_t i;

	json_array_foreach (json_object_get(m->entry, "layers"), i, layer) {
		if (!strcmp(layer_kind(layer), kind))
			return true;
	}
	return false;
}

/* The program, or Delve, which waits for somebody before it starts the program. */
static void set_entrypoint(const struct making *m, json_t *config)
{
	static const char *const delve[] = { "/ko-app/dlv", "exec", "--listen=:40000", "--headless",
		"--log", "--accept-multiclient", "--api-version=2", "--" };
	scratch char *path = xasprintf(m->windows ? "C:\\ko-app\\%s" : "/ko-app/%s", m->program);
	json_t *words;

	if (!has_layer(m, "program"))
		return;
	words = json_array();
	for (size_t i = 0; has_layer(m, "debugger") && i < countof(delve); i++)
		json_array_append_new(words, json_string(delve[i]));
	json_array_append_new(words, json_string(path));
	json_object_set_new(config, "Entrypoint", words);
	json_object_del(config, "Cmd");
}

/* What is set for the platform, or else for all of them. */
static const json_t *own_field(const struct making *m, const char *key)
{
	const json_t *own = json_object_get(m->entry, key);

	return own ? own : json_object_get(m->record, key);
}

static void set_run_config(const struct making *m)
{
	json_t *config = child(m->config, "config", JSON_OBJECT);
	const json_t *labels = own_field(m, "labels");
	const char *user = record_get(m->record, "user");

	drop_vendor(m, config, "Labels");
	set_entrypoint(m, config);
	set_environment(m, config);
	if (json_array_size(json_object_get(m->record, "containerEnv")))
		merge_environment(config);
	if (user && *user)
		json_object_set_new(config, "User", json_string(user));
	if (json_object_size(labels))
		json_object_update(child(config, "Labels", JSON_OBJECT), (json_t *)labels);
}

/* What a layer is, in the words that ko has for it. malloced. */
static char *layer_comment(const struct making *m, const char *kind)
{
	if (!strcmp(kind, "program"))
		return xasprintf("go build output, at /ko-app/%s", m->program);
	if (!strcmp(kind, "debugger"))
		return xstrdup("Delve debugger, at /ko-app/dlv");
	return xstrdup(!strcmp(kind, "data") ? "data directory contents, at /"
					     : "kodata contents, at $KO_DATA_PATH");
}

static json_t *history_entry(const struct making *m, const char *kind)
{
	const char *importpath = record_get(m->record, "importpath");
	bool data = !strcmp(kind, "data") || !strcmp(kind, "kodata");
	const char *created = data ? m->data_created : m->created;
	scratch char *by = importpath ? xasprintf("ko build ko://%s", importpath)
				      : xasprintf("ko-layer %s", m->program);
	scratch char *comment = layer_comment(m, kind);

	return json_pack("{s:s, s:s, s:s, s:s}", "author", "ko", "created",
		created ? created : NO_TIME, "created_by", by, "comment", comment);
}

/* The layer's media type in the family of the base's manifest. */
static const char *layer_type(const struct making *m, const char *media_type, struct err *err)
{
	if (!m->docker)
		return media_type;
	if (!strcmp(media_type, OCI_LAYER_GZIP))
		return DOCKER_LAYER_GZIP;
	err_set(err, ERR_USAGE,
		"%s: a base image of Docker's old form takes gzip layers only, not %s",
		record_title(m->record), media_type);
	return NULL;
}

static int add_layer(const struct making *m, const json_t *layer, struct err *err)
{
	cleanup(descriptor_release) struct descriptor d = { 0 };
	const char *diff_id = record_get(layer, "diffID");
	const char *type;

	if (descriptor_from(&d, layer, record_title(m->record), err))
		return -1;
	if (!diff_id || !digest_valid(diff_id))
		return err_set(err, ERR_INPUT, "record of %s: a layer has no diffID",
			record_title(m->record));
	type = layer_type(m, d.media_type, err);
	if (!type)
		return -1;
	json_array_append_new(
		child(m->manifest, "layers", JSON_ARRAY), descriptor_json(type, d.digest, d.size));
	json_array_append_new(
		child(child(m->config, "rootfs", JSON_OBJECT), "diff_ids", JSON_ARRAY),
		json_string(diff_id));
	json_array_append_new(
		child(m->config, "history", JSON_ARRAY), history_entry(m, layer_kind(layer)));
	return 0;
}

static int add_layers(const struct making *m, struct err *err)
{
	const json_t *layers = json_object_get(m->entry, "layers");
	json_t *layer;
	size_t i;

	json_array_foreach (layers, i, layer) {
		if (add_layer(m, layer, err))
			return -1;
	}
	return 0;
}

/* Puts the fields of an object into this order; others come after them. */
static json_t *in_order(const json_t *object, const char *const keys[], size_t n)
{
	json_t *result = json_object();

	for (size_t i = 0; i < n; i++) {
		json_t *value = json_object_get(object, keys[i]);

		if (value)
			json_object_set(result, keys[i], value);
	}
	json_object_update_missing(result, (json_t *)object);
	return result;
}

static json_t *config_in_order(const json_t *config)
{
	static const char *const keys[] = { "architecture", "author", "container", "created",
		"docker_version", "history", "os", "rootfs", "config", "os.version", "variant",
		"os.features" };

	return in_order(config, keys, countof(keys));
}

static json_t *manifest_in_order(const json_t *manifest)
{
	static const char *const keys[] = { "schemaVersion", "mediaType", "config", "layers",
		"annotations" };

	return in_order(manifest, keys, countof(keys));
}

/* The base's annotations, the image's, and what the image is based on; sorted by name. */
static void set_annotations(
	json_t *on, const struct making *m, const json_t *own, const char *digest)
{
	cleanup(json_release) json_t *all = json_object();
	cleanup(strs_release) struct strs keys = { 0 };
	const char *name = record_get(m->base, "canonical");
	json_t *sorted = json_object();
	const char *key;
	json_t *value;

	json_object_update(all, json_object_get(on, "annotations"));
	json_object_update(all, (json_t *)own);
	json_object_set_new(all, BASE_DIGEST, json_string(digest));
	name = name ? name : record_get(m->base, "base");
	json_object_del(all, BASE_NAME);
	if (!starts_with(name, "oci:")) /* a directory of this machine is no reference */
		json_object_set_new(all, BASE_NAME, json_string(name));
	json_object_foreach (all, key, value)
		strs_add(&keys, key);
	strs_sort(&keys);
	for (size_t i = 0; i < keys.n; i++)
		json_object_set(sorted, keys.v[i], json_object_get(all, keys.v[i]));
	json_object_set_new(on, "annotations", sorted);
}

/* A base that contradicts itself gives an image that no engine runs. */
static int check_base(const struct making *m, struct err *err)
{
	const json_t *rootfs = json_object_get(m->config, "rootfs");
	const char *type = record_get(rootfs, "type");
	const char *base = record_get(m->base, "base");

	if (!json_is_object(m->manifest) || !type || strcmp(type, "layers"))
		return err_set(err, ERR_INPUT,
			"base image %s: not an image: its config has no rootfs of layers", base);
	if (json_array_size(json_object_get(rootfs, "diff_ids")) !=
		json_array_size(json_object_get(m->manifest, "layers")))
		return err_set(err, ERR_INPUT,
			"base image %s: its config and its manifest differ in the number of layers",
			base);
	return 0;
}

static int read_base(struct making *m, struct err *err)
{
	cleanup(descriptor_release) struct descriptor manifest = { 0 };
	cleanup(descriptor_release) struct descriptor config = { 0 };
	const char *base = record_get(m->base, "base");
	const char *os;

	if (descriptor_from(&manifest, json_object_get(m->on, "manifest"), base, err) ||
		descriptor_from(&config, json_object_get(m->on, "config"), base, err))
		return -1;
	if (!image_is_manifest(manifest.media_type))
		return err_set(err, ERR_INPUT, "base image %s: media type %s is not an image's",
			base, manifest.media_type);
	m->docker = !strcmp(manifest.media_type, DOCKER_MANIFEST);
	m->manifest = oci_get_json(m->oci, manifest.digest, NULL, err);
	m->config = m->manifest ? oci_get_json(m->oci, config.digest, NULL, err) : NULL;
	if (!m->config)
		return err_prefix(err, "base image %s", base);
	os = record_get(m->config, "os");
	m->windows = os && !strcmp(os, "windows");
	return check_base(m, err);
}

/* Stores the edited config and manifest; the manifest's descriptor, new, or NULL. */
static json_t *write_image(const struct making *m, struct err *err)
{
	cleanup(json_release) json_t *config = config_in_order(m->config);
	cleanup(json_release) json_t *manifest = NULL;
	const char *type = record_get(json_object_get(m->on, "config"), "mediaType");
	json_t *descriptor = oci_put_json(m->oci, config, type, err);

	if (!descriptor)
		return NULL;
	json_object_set_new(m->manifest, "config", descriptor);
	json_object_del(m->manifest, "subject");
	json_object_del(m->manifest, "artifactType");
	drop_vendor(m, m->manifest, "annotations");
	set_annotations(m->manifest, m, own_field(m, "annotations"),
		record_get(json_object_get(m->on, "manifest"), "digest"));
	manifest = manifest_in_order(m->manifest);
	return oci_put_json(m->oci, manifest, m->docker ? DOCKER_MANIFEST : OCI_MANIFEST, err);
}

static json_t *make_image(struct making *m, struct err *err)
{
	json_t *descriptor = NULL;

	if (!read_base(m, err)) {
		json_object_set_new(m->config, "author", json_string("github.com/ko-build/ko"));
		if (m->created || !record_get(m->config, "created"))
			json_object_set_new(m->config, "created",
				json_string(m->created ? m->created : NO_TIME));
		set_run_config(m);
		if (!add_layers(m, err))
			descriptor = write_image(m, err);
	}
	json_release(&m->config);
	json_release(&m->manifest);
	return descriptor;
}

/* The base's entry for a platform: of the same name, or else the first one that matches. */
static const json_t *find_base(const json_t *base, const char *text, struct err *err)
{
	const json_t *list = json_object_get(base, "platforms");
	struct platform wanted, have;
	const json_t *entry;
	size_t i;

	json_array_foreach (list, i, entry) {
		const char *name = record_get(entry, "platform");

		if (name && !strcmp(name, text))
			return entry;
	}
	if (platform_parse(&wanted, text, err))
		return NULL;
	json_array_foreach (list, i, entry) {
		const char *name = record_get(entry, "platform");

		if (name && !platform_parse(&have, name, err) && platform_matches(&wanted, &have))
			return entry;
	}
	err_set(err, ERR_USAGE, "base image %s has no platform %s", record_get(base, "base"), text);
	return NULL;
}

/* The index's descriptor of an image: the base's platform, urls and annotations stay. */
static json_t *index_entry(const struct making *m, const json_t *descriptor)
{
	static const char *const keys[] = { "urls", "annotations", "platform" };
	const json_t *from = json_object_get(m->on, "manifest");
	const char *text = record_get(m->on, "platform");
	json_t *entry = json_deep_copy(descriptor);
	struct platform platform;
	struct err ignored;

	for (size_t i = 0; i < countof(keys); i++) {
		json_t *value = json_object_get(from, keys[i]);

		if (value)
			json_object_set_new(entry, keys[i], json_deep_copy(value));
	}
	drop_vendor(m, entry, "annotations");
	if (!json_object_get(entry, "platform") && !platform_parse(&platform, text, &ignored))
		json_object_set_new(entry, "platform", platform_json(&platform));
	return entry;
}

/* Stores an index over the images that were made. */
static json_t *make_index(const struct making *m, json_t *entries, struct err *err)
{
	const char *type = record_get(m->base, "mediaType");
	const char *index_type = m->docker ? DOCKER_LIST : OCI_INDEX;
	cleanup(json_release) json_t *index =
		json_pack("{s:i, s:s, s:O}", "schemaVersion", 2, "mediaType",
			type && image_is_index(type) ? type : index_type, "manifests", entries);

	set_annotations(
		index, m, json_object_get(m->record, "annotations"), record_get(m->base, "digest"));
	return oci_put_json(m->oci, index, record_get(index, "mediaType"), err);
}

/* Makes the images of all platforms that the base has; entries gets their descriptors, in the
 * order of the base. */
static int make_images(struct making *m, json_t *record, json_t *entries, struct err *err)
{
	const json_t *platforms = json_object_get(record, "platforms");
	const json_t *base_platforms = json_object_get(m->base, "platforms");
	const json_t *on;
	size_t i, j;
	json_t *entry;
	int result = -1;

	json_array_foreach (base_platforms, i, on) {
		json_array_foreach (platforms, j, entry) {
			const char *platform = record_get(entry, "platform");
			json_t *manifest;

			if (!platform || find_base(m->base, platform, err) != on)
				continue;
			m->entry = entry;
			m->on = on;
			if (!json_array_size(json_object_get(entry, "layers")))
				return err_set(err, ERR_INPUT,
					"record of %s: no layers for %s; has ko-layer run?",
					record_title(record), platform);
			manifest = make_image(m, err);
			if (!manifest)
				return err_prefix(err, "%s for %s", record_title(record), platform);
			json_object_set_new(entry, "manifest", manifest);
			json_array_append_new(entries, index_entry(m, manifest));
			result = 0;
		}
	}
	if (!result)
		return 0;
	if (!json_array_size(platforms))
		return err_set(err, ERR_INPUT, "record of %s: no platforms; has ko-layer run?",
			record_title(record));
	return err_set(err, ERR_USAGE, "%s: base image %s has none of the platforms wanted",
		record_title(record), record_get(m->base, "base"));
}

static json_t *base_note(const json_t *base)
{
	static const char *const keys[] = { "canonical", "digest", "mediaType" };
	json_t *note = json_object();

	json_object_set(note, "reference", json_object_get(base, "base"));
	for (size_t i = 0; i < countof(keys); i++) {
		json_t *value = json_object_get(base, keys[i]);

		if (value)
			json_object_set(note, keys[i], value);
	}
	return note;
}

static int assemble(struct making *m, json_t *record, json_t *entries, struct err *err)
{
	json_t *top;

	if (epoch(&m->created, "SOURCE_DATE_EPOCH", err) ||
		epoch(&m->data_created, "KO_DATA_DATE_EPOCH", err) ||
		make_images(m, record, entries, err))
		return -1;
	top = json_array_size(entries) > 1 ? make_index(m, entries, err)
					   : json_deep_copy(json_object_get(m->entry, "manifest"));
	if (!top)
		return -1;
	json_object_set_new(record, "image", top);
	json_object_set_new(record, "baseImage", base_note(m->base));
	return 0;
}

int image_assemble(const struct oci *oci, json_t *record, const json_t *base, const char *program,
	struct err *err)
{
	struct making m = { .oci = oci, .record = record, .base = base, .program = program };
	cleanup(json_release) json_t *entries = json_array();
	int result = assemble(&m, record, entries, err);

	free(m.created);
	free(m.data_created);
	return result;
}
