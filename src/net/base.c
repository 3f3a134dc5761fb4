/*
 * Finding a base takes three steps: its top, the manifests of the platforms that are wanted, their
 * configs. Each step names the blobs that it needs; those that the store lacks are brought there,
 * all of a step at the same time, and compared with their digest. So what is at hand already costs
 * no request, and with a lock file the whole costs none.
 */
#include "base.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "formats/fingerprint.h"
#include "formats/image.h"
#include "formats/platform.h"
#include "formats/static.h"
#include "inputs/ref.h"

#define ENTRIES_LIMIT 1024

struct finding {
	struct base_finder *finder;
	const char *reference;
	struct base_place place;
	char digest[DIGEST_SIZE]; /* of the top; "" while unknown */
	char *media_type;         /* of the top */
	json_t *record;           /* in the making */
};

const char *base_default(void)
{
	static const char *const variables[] = { "KO_BASEIMAGE", "KO_DEFAULTBASEIMAGE" };

	for (size_t i = 0; i < countof(variables); i++) {
		const char *value = getenv(variables[i]);

		if (value && *value)
			return value;
	}
	return STATIC_REFERENCE;
}

/* "DIR" or "DIR:NAME", where NAME may hold colons too: the directory is what is there. */
static void parse_directory(struct base_place *place, const char *text)
{
	for (const char *colon = strchr(text, ':'); colon; colon = strchr(colon + 1, ':')) {
		scratch char *dir = xstrndup(text, (size_t)(colon - text));

		if (file_is_dir(dir)) {
			place->dir = steal(&dir);
			place->tag = xstrdup(colon + 1);
			return;
		}
	}
	place->dir = xstrdup(text);
}

int base_place_parse(struct base_place *place, const char *reference, struct err *err)
{
	struct image_ref ref = { 0 };

	*place = (struct base_place){ 0 };
	if (!strcmp(reference, STATIC_REFERENCE) || starts_with(reference, "oci:")) {
		place->canonical = xstrdup(reference);
		if (starts_with(reference, "oci:"))
			parse_directory(place, reference + strlen("oci:"));
		return 0;
	}
	if (starts_with(reference, "ko.local/"))
		return err_set(err, ERR_USAGE,
			"base image %s: images of a local engine cannot be a "
			"base; " STATIC_REFERENCE " is built in",
			reference);
	if (ref_parse(&ref, reference, err))
		return err_prefix(err, "base image");
	if (!ref.tag && !ref.digest)
		ref.tag = xstrdup("latest");
	place->canonical = ref_text(&ref);
	place->host = steal(&ref.host);
	place->path = steal(&ref.repository);
	place->tag = ref.digest ? steal(&ref.digest) : steal(&ref.tag);
	ref_release(&ref);
	return 0;
}

void base_place_release(struct base_place *place)
{
	free(place->dir);
	free(place->host);
	free(place->path);
	free(place->tag);
	free(place->canonical);
	*place = (struct base_place){ 0 };
}

struct registry *base_registry(struct base_finder *finder, struct err *err)
{
	if (!finder->registry)
		finder->registry = registry_new(finder->network, err);
	return finder->registry;
}

void base_finder_release(struct base_finder *finder)
{
	registry_free(finder->registry);
	finder->registry = NULL;
	free(steal(&finder->note));
	free(steal(&finder->source));
}

/* The registry to ask, or NULL when that is not wanted. */
static struct registry *ask(struct finding *f, struct err *err)
{
	if (f->finder->offline) {
		err_set(err, ERR_FAILED,
			"base image %s: not in the store %s; run once without --offline",
			f->reference, f->finder->oci->dir);
		return NULL;
	}
	return base_registry(f->finder, err);
}

static struct repo repo_of(const struct finding *f)
{
	return (struct repo){ f->place.host, f->place.path };
}

/* Keeps what a request brought. */
static int keep(void *arg, const struct registry_result *result, struct err *err)
{
	struct finding *f = arg;
	char digest[DIGEST_SIZE];

	if (!result->found)
		return err_set(err, ERR_REFUSED,
			"base image %s: the registry does not have a part of it", f->reference);
	return oci_put(f->finder->oci, result->body, (size_t)result->size, digest, err);
}

static int have_top(void *arg, const struct registry_result *result, struct err *err)
{
	struct finding *f = arg;

	if (!result->found)
		return err_set(
			err, ERR_REFUSED, "base image %s: not found in the registry", f->reference);
	free(f->media_type);
	f->media_type = xstrdup(result->media_type);
	return oci_put(f->finder->oci, result->body, (size_t)result->size, f->digest, err);
}

static int copy_blob(const struct finding *f, const char *digest, struct err *err)
{
	cleanup(buf_release) struct buf bytes = { 0 };
	const struct oci from = { f->place.dir };
	scratch char *path = oci_path(&from, digest);
	char actual[DIGEST_SIZE];

	if (file_read(path, OCI_JSON_LIMIT, &bytes, err))
		return err_prefix(err, "base image %s", f->reference);
	digest_of(bytes.data, bytes.len, actual);
	if (strcmp(actual, digest))
		return err_set(err, ERR_INPUT, "base image %s: %s: damaged: its digest is %s",
			f->reference, path, actual);
	return oci_put(f->finder->oci, bytes.data, bytes.len, actual, err);
}

/* Makes the store hold manifests (or configs) that are named by descriptors in an array, each under
 * key in an entry. */
static int bring(
	struct finding *f, const json_t *entries, const char *key, bool manifests, struct err *err)
{
	const struct registry_done done = { keep, f };
	struct registry *registry = NULL;
	json_t *entry;
	size_t i;

	json_array_foreach (entries, i, entry) {
		cleanup(descriptor_release) struct descriptor d = { 0 };

		if (descriptor_from(&d, json_object_get(entry, key), f->reference, err))
			return -1;
		if (oci_has(f->finder->oci, d.digest, d.size))
			continue;
		if (f->place.dir) {
			if (copy_blob(f, d.digest, err))
				return -1;
			continue;
		}
		registry = ask(f, err);
		if (!registry)
			return -1;
		if (manifests)
			registry_get_manifest(registry, repo_of(f), d.digest, done);
		else
			registry_get_blob(registry, repo_of(f), d.digest, d.size, done);
	}
	return registry ? registry_run(registry, err) : 0;
}

/* Whether one of the platforms that are wanted is this one. */
static bool wants(const struct base_finder *finder, const struct platform *have)
{
	const struct strs *wanted = finder->platforms;
	struct platform want;
	struct err ignored;

	if (!wanted || !wanted->n || strs_has(wanted, "all"))
		return true;
	for (size_t i = 0; i < wanted->n; i++) {
		if (!platform_parse(&want, wanted->v[i], &ignored) && platform_matches(&want, have))
			return true;
	}
	return false;
}

/* Whether a base record has a platform that is wanted. */
static bool has_platform(const json_t *record, const struct platform *want)
{
	struct platform have;
	struct err ignored;
	json_t *entry;
	size_t i;

	json_array_foreach (json_object_get(record, "platforms"), i, entry) {
		if (!platform_parse(&have, record_get(entry, "platform"), &ignored) &&
			platform_matches(want, &have))
			return true;
	}
	return false;
}

/* Says which of the platforms that are wanted the base lacks. */
static void note_missing(struct base_finder *finder, const json_t *record)
{
	const struct strs *wanted = finder->platforms;
	struct platform want;
	struct err ignored;

	for (size_t i = 0; wanted && i < wanted->n && !finder->note; i++) {
		if (!platform_parse(&want, wanted->v[i], &ignored) && strcmp(wanted->v[i], "all") &&
			!has_platform(record, &want))
			finder->note = xasprintf(
				"base image %s has no platform %s: no image is made for it",
				record_get(record, "base"), wanted->v[i]);
	}
}

static bool wants_text(const struct base_finder *finder, const char *text)
{
	struct platform have;
	struct err ignored;

	return !platform_parse(&have, text, &ignored) && wants(finder, &have);
}

static int check_platforms(const struct base_finder *finder, struct err *err)
{
	const struct strs *wanted = finder->platforms;
	struct platform platform;

	for (size_t i = 0; wanted && i < wanted->n; i++) {
		if (!strcmp(wanted->v[i], "all")) {
			if (wanted->n > 1)
				return err_set(err, ERR_USAGE,
					"all or specific platforms should be used, not both");
		} else if (platform_parse(&platform, wanted->v[i], err)) {
			return -1;
		}
	}
	return 0;
}

/* The platforms of an index that are wanted, as entries of the record that lack their config. */
static int take_index(struct finding *f, const json_t *index, struct err *err)
{
	const json_t *list = json_object_get(index, "manifests");
	json_t *chosen = json_object_get(f->record, "platforms");
	json_t *descriptor;
	size_t i;

	if (json_array_size(list) > ENTRIES_LIMIT)
		return err_set(err, ERR_INPUT, "base image %s: more than %d entries in its index",
			f->reference, ENTRIES_LIMIT);
	json_array_foreach (list, i, descriptor) {
		struct platform platform = { 0 };
		const char *type = record_get(descriptor, "mediaType");

		if (!platform_from(&platform, json_object_get(descriptor, "platform")) ||
			!wants(f->finder, &platform))
			continue;
		if (!type || !image_is_manifest(type))
			return err_set(err, ERR_INPUT,
				"base image %s: its index has an entry of media type %s; images "
				"are wanted",
				f->reference, type ? type : "none");
		scratch char *text = platform_text(&platform);

		json_array_append_new(
			chosen, json_pack("{s:s, s:O}", "platform", text, "manifest", descriptor));
	}
	if (!json_array_size(chosen))
		return err_set(err, ERR_USAGE, "no matching platforms in base image index of %s",
			f->reference);
	return bring(f, chosen, "manifest", true, err);
}

/* Adds the config's descriptor to an entry. */
static int take_manifest(struct finding *f, json_t *entry, struct err *err)
{
	const char *digest = record_get(json_object_get(entry, "manifest"), "digest");
	cleanup(json_release) json_t *manifest = oci_get_json(f->finder->oci, digest, NULL, err);
	const json_t *config = json_object_get(manifest, "config");
	const char *type = record_get(config, "mediaType");

	if (!manifest)
		return -1;
	if (!type || (strcmp(type, OCI_CONFIG) && strcmp(type, DOCKER_CONFIG)))
		return err_set(err, ERR_INPUT,
			"base image %s: not an image: its config has media type %s", f->reference,
			type ? type : "none");
	if (json_array_size(json_object_get(manifest, "layers")) > ENTRIES_LIMIT)
		return err_set(err, ERR_INPUT, "base image %s: more than %d layers", f->reference,
			ENTRIES_LIMIT);
	return json_object_set(entry, "config", (json_t *)config);
}

/* A base that is one image has the platform that its config names. */
static int name_platform(struct finding *f, json_t *entry, struct err *err)
{
	const char *digest = record_get(json_object_get(entry, "config"), "digest");
	cleanup(json_release) json_t *config = oci_get_json(f->finder->oci, digest, NULL, err);
	cleanup(buf_release) struct buf wanted = { 0 };
	struct platform platform = { 0 };
	scratch char *text = NULL;

	if (!config)
		return -1;
	if (!platform_from(&platform, config) || !*platform.arch)
		platform = (struct platform){ .os = "linux", .arch = "amd64" };
	text = platform_text(&platform);
	json_object_set_new(entry, "platform", json_string(text));
	if (wants(f->finder, &platform))
		return 0;
	for (size_t i = 0; i < f->finder->platforms->n; i++)
		buf_addf(&wanted, "%s%s", i ? " " : "", f->finder->platforms->v[i]);
	return err_set(err, ERR_USAGE,
		"base image platform \"%s\" does not match desired platforms [%s]: %s", text,
		buf_str(&wanted), f->reference);
}

static void take_image(struct finding *f)
{
	json_int_t size = json_integer_value(json_object_get(f->record, "size"));

	json_array_append_new(json_object_get(f->record, "platforms"),
		json_pack("{s:s, s:o}", "platform", "", "manifest",
			descriptor_json(f->media_type, f->digest, size)));
}

/* Fills the record from the top, which is in the store. */
static int take_top(struct finding *f, struct err *err)
{
	cleanup(buf_release) struct buf bytes = { 0 };
	cleanup(json_release) json_t *top = oci_get_json(f->finder->oci, f->digest, &bytes, err);
	bool index = image_is_index(f->media_type);
	json_t *entries, *entry;
	size_t i;

	if (!top)
		return -1;
	if (!index && !image_is_manifest(f->media_type))
		return err_set(err, ERR_INPUT, "base image %s: media type %s is no image's",
			f->reference, f->media_type);
	f->record = json_pack("{s:s, s:s, s:s, s:s, s:I, s:[]}", "base", f->reference, "canonical",
		f->place.canonical, "mediaType", f->media_type, "digest", f->digest, "size",
		(json_int_t)bytes.len, "platforms");
	if (!index)
		take_image(f);
	else if (take_index(f, top, err))
		return -1;
	entries = json_object_get(f->record, "platforms");
	json_array_foreach (entries, i, entry) {
		if (take_manifest(f, entry, err))
			return -1;
	}
	if (bring(f, entries, "config", false, err))
		return -1;
	return index ? 0 : name_platform(f, json_array_get(entries, 0), err);
}

/* The image in a layout that is named, or the only one. */
static int find_in_directory(struct finding *f, struct err *err)
{
	cleanup(buf_release) struct buf text = { 0 };
	cleanup(json_release) json_t *index = NULL;
	cleanup(descriptor_release) struct descriptor d = { 0 };
	const char *path = f->finder->source;
	const json_t *found = NULL, *list, *entry;
	size_t i;

	if (file_read(path, OCI_JSON_LIMIT, &text, err))
		return err_prefix(err, "base image %s", f->reference);
	index = json_from(path, text.data, text.len, err);
	if (!index)
		return -1;
	list = json_object_get(index, "manifests");
	json_array_foreach (list, i, entry) {
		const char *name = record_get(
			json_object_get(entry, "annotations"), "org.opencontainers.image.ref.name");

		if (f->place.tag ? name && !strcmp(name, f->place.tag) : json_array_size(list) == 1)
			found = entry;
	}
	if (!found)
		return err_set(err, ERR_USAGE,
			"base image %s: %zu images in %s and none is meant; oci:DIR:NAME takes one",
			f->reference, json_array_size(list), path);
	if (descriptor_from(&d, found, path, err))
		return -1;
	memcpy(f->digest, d.digest, sizeof d.digest);
	f->media_type = steal(&d.media_type);
	return copy_blob(f, f->digest, err);
}

/* BUILDDIR/bases/ and the reference with bytes that a file name should not have put aside. */
static char *lock_path(const struct finding *f)
{
	cleanup(buf_release) struct buf name = { 0 };
	char hash[FINGERPRINT_SIZE];

	if (f->finder->lock)
		return xstrdup(f->finder->lock);
	fingerprint_of(f->reference, strlen(f->reference), hash);
	for (const char *p = f->reference; *p && name.len < 100; p++)
		buf_addch(&name, strchr("/:@", *p) ? '-' : *p);
	return xasprintf("%s/bases/%s-%.8s.json", f->finder->builddir, buf_str(&name), hash);
}

/* Takes digest and type from the lock file, if it is one of this reference. */
static int read_lock(struct finding *f, const char *path, struct err *err)
{
	cleanup(buf_release) struct buf text = { 0 };
	cleanup(json_release) json_t *lock = NULL;
	cleanup(descriptor_release) struct descriptor d = { 0 };
	int missing = file_read_if_exists(path, OCI_JSON_LIMIT, &text, err);
	const char *base;

	if (missing)
		return missing < 0 ? -1 : 0;
	lock = json_from(path, text.data, text.len, err);
	if (!lock || descriptor_from(&d, lock, path, err))
		return err_prefix(err, "lock of base image %s", f->reference);
	base = record_get(lock, "base");
	if (!base || strcmp(base, f->reference))
		return 0;
	memcpy(f->digest, d.digest, sizeof d.digest);
	f->media_type = steal(&d.media_type);
	return 0;
}

static int write_lock(const struct finding *f, const char *path, struct err *err)
{
	cleanup(json_release) json_t *lock = json_copy(f->record);
	scratch char *text = NULL;
	cleanup(buf_release) struct buf line = { 0 };

	json_object_del(lock, "platforms");
	text = json_text(lock, NULL);
	buf_addf(&line, "%s\n", text);
	return file_save(path, line.data, line.len, err) < 0 ? -1 : 0;
}

static int have_tag(void *arg, const struct registry_result *result, struct err *err)
{
	struct finding *f = arg;

	if (!result->found)
		return err_set(
			err, ERR_REFUSED, "base image %s: not found in the registry", f->reference);
	if (!strcmp(result->digest, f->digest))
		return 0;
	free(f->finder->note);
	f->finder->note = xasprintf(
		"base image %s is now %s, was %s", f->reference, result->digest, f->digest);
	*f->digest = 0;
	return 0;
}

/* Drops what the lock said if the tag has moved. */
static int check_lock(struct finding *f, struct err *err)
{
	struct registry *registry = ask(f, err);

	if (!registry)
		return -1;
	registry_head_manifest(
		registry, repo_of(f), f->place.tag, (struct registry_done){ have_tag, f });
	return registry_run(registry, err);
}

static int find_in_registry(struct finding *f, struct err *err)
{
	struct registry *registry;

	if (*f->digest && f->finder->update && !digest_valid(f->place.tag) && check_lock(f, err))
		return -1;
	if (*f->digest && oci_has(f->finder->oci, f->digest, -1))
		return 0;
	registry = ask(f, err);
	if (!registry)
		return -1;
	registry_get_manifest(registry, repo_of(f), *f->digest ? f->digest : f->place.tag,
		(struct registry_done){ have_top, f });
	return registry_run(registry, err);
}

static int find(struct finding *f, struct err *err)
{
	const char *dir = f->place.dir;
	char *source = dir ? path_join(dir, "index.json") : lock_path(f);

	free(f->finder->source);
	f->finder->source = source;
	if (dir)
		return find_in_directory(f, err) || take_top(f, err) ? -1 : 0;
	if (read_lock(f, source, err) || find_in_registry(f, err) || take_top(f, err))
		return -1;
	return write_lock(f, source, err);
}

static json_t *find_static(const struct base_finder *finder, struct err *err)
{
	cleanup(json_release) json_t *record = image_static_base(finder->oci, err);
	json_t *chosen = json_array();
	json_t *entry;
	size_t i;

	json_array_foreach (json_object_get(record, "platforms"), i, entry) {
		if (wants_text(finder, record_get(entry, "platform")))
			json_array_append(chosen, entry);
	}
	json_object_set_new(record, "platforms", chosen);
	if (record && !json_array_size(chosen)) {
		err_set(err, ERR_USAGE, "no matching platforms in base image %s", STATIC_REFERENCE);
		return NULL;
	}
	return steal(&record);
}

/* The record of a base that is not the built-in one. New, or NULL. */
static json_t *find_elsewhere(struct base_finder *finder, const char *reference, struct err *err)
{
	struct finding f = { .finder = finder, .reference = reference };
	int result;

	if (base_place_parse(&f.place, reference, err))
		return NULL;
	result = find(&f, err);
	base_place_release(&f.place);
	free(f.media_type);
	if (result)
		json_release(&f.record);
	return f.record;
}

json_t *base_find(struct base_finder *finder, const char *reference, struct err *err)
{
	json_t *record;

	if (check_platforms(finder, err))
		return NULL;
	record = strcmp(reference, STATIC_REFERENCE) ? find_elsewhere(finder, reference, err)
						     : find_static(finder, err);
	if (record)
		note_missing(finder, record);
	return record;
}
