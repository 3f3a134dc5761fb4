#include "load.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "engine.h"
#include "formats/image.h"
#include "formats/saved.h"
#include "net/push.h"
#include "net/url.h"

#define LOCAL "ko.local"

void load_release(struct load *load)
{
	strs_release(&load->notes);
}

static void image_release(struct load_image *image)
{
	target_release(&image->target);
	strs_release(&image->has);
	strs_release(&image->tags);
	strs_release(&image->names);
	free(image->ref);
}

static bool is_pushed(const struct load *load, const struct load_image *image)
{
	return image->target.place == REF_REGISTRY && !load->local;
}

static int set_target(struct load *load, struct load_image *image, struct err *err)
{
	struct target *target = &image->target;

	if (target_make(target, image->record, load->repo, load->tags, load->tag_only, err))
		return -1;
	if (target->place != REF_STORE)
		return 0;
	target_release(target);
	*target = (struct target){ 0 };
	return target_make(target, image->record, LOCAL, load->tags, false, err);
}

/* ---- the platform ---- */

static bool entry_is_for(const json_t *entry, const struct platform *platform)
{
	const char *text = record_get(entry, "platform");
	struct platform have;
	struct err ignored;

	return text && !platform_parse(&have, text, &ignored) && platform_matches(platform, &have);
}

static void note_others(struct load *load, const struct load_image *image, const char *owner)
{
	cleanup(buf_release) struct buf others = { 0 };
	const json_t *entry;
	size_t i;

	json_array_foreach (json_object_get(image->record, "platforms"), i, entry) {
		if (entry != image->entry && json_object_get(entry, "manifest"))
			buf_addf(&others, "%s%s", others.len ? ", " : "",
				record_get(entry, "platform"));
	}
	if (others.len)
		strs_take(&load->notes,
			xasprintf("%s: %s runs %s; not loaded: %s", record_title(image->record),
				owner, record_get(image->entry, "platform"), buf_str(&others)));
}

/* An image for one platform goes as it is: the engine may well emulate that. */
static json_t *choose_entry(const json_t *record, const struct platform *platform)
{
	json_t *entry, *match = NULL, *only = NULL;
	size_t i, n = 0;

	json_array_foreach (json_object_get(record, "platforms"), i, entry) {
		if (!json_object_get(entry, "manifest"))
			continue;
		only = n++ ? NULL : entry;
		if (!match && entry_is_for(entry, platform))
			match = entry;
	}
	return match ? match : only;
}

static void set_names(struct load_image *image)
{
	const char *name = image->target.ref.name;

	strs_take(&image->names, xasprintf("%s:%s", name, image->digest + strlen("sha256:")));
	for (size_t i = 0; i < image->tags.n; i++)
		strs_take(&image->names, xasprintf("%s:%s", name, image->tags.v[i]));
}

int load_choose(struct load *load, struct load_image *image, const struct platform *platform,
	const char *owner, struct err *err)
{
	const char *title = record_title(image->record);
	cleanup(descriptor_release) struct descriptor manifest = { 0 };
	cleanup(descriptor_release) struct descriptor config = { 0 };
	cleanup(json_release) json_t *json = NULL;
	scratch char *wanted = platform_text(platform);

	image->entry = choose_entry(image->record, platform);
	if (!image->entry)
		return err_set(err, ERR_USAGE,
			"%s: no image for %s, which is what %s runs; add it to --platform", title,
			wanted, owner);
	if (descriptor_from(&manifest, json_object_get(image->entry, "manifest"), title, err))
		return -1;
	json = oci_get_json(load->oci, manifest.digest, NULL, err);
	if (!json || descriptor_from(&config, json_object_get(json, "config"), title, err))
		return -1;
	memcpy(image->digest, manifest.digest, DIGEST_SIZE);
	memcpy(image->id, config.digest, DIGEST_SIZE);
	note_others(load, image, owner);
	set_names(image);
	return 0;
}

/* ---- the archive ---- */

/* A record of the chosen platform alone. */
static json_t *trimmed(const struct load_image *image)
{
	json_t *record = json_copy(image->record);

	json_object_set_new(record, "platforms", json_pack("[O]", image->entry));
	return record;
}

int load_complete(struct load *load, struct load_image *images, size_t n, struct err *err)
{
	cleanup(records_release) struct records records = { .list = json_array() };
	struct push push = { .oci = load->oci, .finder = load->finder };

	for (size_t i = 0; i < n; i++) {
		if (!images[i].there)
			json_array_append_new(records.list, trimmed(&images[i]));
	}
	return store_complete(&push, &records, err);
}

/* The images that are not there, each under its first name. whole: with the layers that are. */
static int write_archive(const struct load *load, const struct load_image *images, size_t n,
	bool whole, int fd, struct strs *names, struct err *err)
{
	struct saved_image *saved = xcalloc(n, sizeof *saved);
	size_t count = 0;
	int result;

	for (size_t i = 0; i < n; i++) {
		if (images[i].there || strs_has(names, images[i].names.v[0]))
			continue;
		saved[count].descriptor = json_object_get(images[i].entry, "manifest");
		saved[count].left_out = whole ? NULL : &images[i].has;
		strs_add(&saved[count++].names, images[i].names.v[0]);
		strs_add(names, images[i].names.v[0]);
	}
	result = saved_write_docker(fd, load->oci, saved, count, err);
	for (size_t i = 0; i < count; i++)
		saved_image_release(&saved[i]);
	free(saved);
	return result;
}

/* Notes which layers the image shares with the one that has its tag now, from the lowest on: an
 * engine knows a layer by all those below it. */
static int find_layers(
	struct load *load, struct engine *engine, struct load_image *image, struct err *err)
{
	const char *tag = image->names.v[image->names.n - 1];
	cleanup(strs_release) struct strs have = { 0 };
	cleanup(strs_release) struct strs want = { 0 };
	cleanup(json_release) json_t *config = oci_get_json(load->oci, image->id, NULL, err);
	cleanup(json_release) json_t *manifest = oci_get_json(load->oci, image->digest, NULL, err);
	const json_t *layers = json_object_get(manifest, "layers");

	if (!config || !manifest || engine->operations->layers(engine, tag, &have, err))
		return -1;
	record_strings(json_object_get(config, "rootfs"), "diff_ids", &want);
	if (want.n != json_array_size(layers))
		return 0;
	for (size_t i = 0; i < want.n && i < have.n && !strcmp(want.v[i], have.v[i]); i++)
		strs_add(&image->has, record_get(json_array_get(layers, i), "digest"));
	return 0;
}

static int send_archive(struct load *load, struct engine *engine, struct load_image *images,
	size_t n, bool whole, struct err *err)
{
	cleanup(file_abandon) struct file_draft archive = { 0 };
	cleanup(strs_release) struct strs names = { 0 };
	struct stat st;

	if (oci_begin(load->oci, &archive, err) ||
		write_archive(load, images, n, whole, archive.fd, &names, err))
		return -1;
	if (fstat(archive.fd, &st))
		return err_sys(err, "%s", archive.temp);
	load->bytes += st.st_size;
	return engine->operations->load(engine, archive.fd, st.st_size, &names, err);
}

static bool is_zstd(const struct load *load, const struct load_image *image)
{
	struct err ignored;
	cleanup(json_release) json_t *manifest =
		oci_get_json(load->oci, image->digest, NULL, &ignored);
	const json_t *layer;
	size_t i;

	json_array_foreach (json_object_get(manifest, "layers"), i, layer) {
		if (ends_with(record_get(layer, "mediaType"), "+zstd"))
			return true;
	}
	return false;
}

/* What an old engine says of zstd is no help. */
static int advise(const struct load *load, const struct engine *engine,
	const struct load_image *images, size_t n, struct err *err)
{
	const struct err said = *err;
	bool zstd = false;

	for (size_t i = 0; i < n; i++)
		zstd = zstd || (!images[i].there && is_zstd(load, &images[i]));
	if (zstd && engine->api)
		err_set(err, said.class,
			"%.800s; its layers are zstd, which Docker reads from version 23 on: see "
			"--compression",
			said.text);
	return -1;
}

/* Some engines want layers, too, that they have. */
static int send(struct load *load, struct engine *engine, struct load_image *images, size_t n,
	struct err *err)
{
	bool partial = false;

	if (load_complete(load, images, n, err))
		return -1;
	for (size_t i = 0; i < n && engine->operations->layers; i++) {
		if (!images[i].there && find_layers(load, engine, &images[i], err))
			return -1;
		partial = partial || images[i].has.n;
	}
	if (partial && !send_archive(load, engine, images, n, false, err))
		return 0;
	return send_archive(load, engine, images, n, true, err)
		? advise(load, engine, images, n, err)
		: 0;
}

/* ---- one engine ---- */

/* What was loaded is known by the name that it came with, as some engines have other IDs. */
static int set_engine_names(struct engine *engine, const struct load_image *image, struct err *err)
{
	const char *known = image->there ? image->id : image->names.v[0];

	for (size_t i = image->there ? 0 : 1; i < image->names.n; i++) {
		if (engine->operations->tag(engine, known, image->names.v[i], err))
			return -1;
	}
	return 0;
}

static int bring(struct load *load, struct engine *engine, struct load_image *images, size_t n,
	struct err *err)
{
	bool all = true;

	for (size_t i = 0; i < n; i++) {
		int found;

		if (load_choose(load, &images[i], &engine->platform, engine->title, err))
			return -1;
		found = engine->operations->has(engine, images[i].id, err);
		if (found < 0)
			return -1;
		images[i].there = found;
		load->loaded += !found;
		all = all && found;
	}
	return all ? 0 : send(load, engine, images, n, err);
}

/* ---- a registry, by way of the engine ---- */

struct confirmation {
	const struct load *load;
	struct load_image *image;
	char digest[DIGEST_SIZE]; /* what the engine says; "": nothing */
};

/* Engines push by a name, and another run may have moved it. */
static int check_config(
	const struct load_image *image, const struct registry_result *result, struct err *err)
{
	const char *name = image->target.ref.name;
	cleanup(json_release) json_t *manifest =
		json_from(name, result->body, (size_t)result->size, err);
	const char *config = record_get(json_object_get(manifest, "config"), "digest");

	if (!manifest)
		return -1;
	if (config && !strcmp(config, image->id))
		return 0;
	return err_set(err, ERR_REFUSED,
		"%s: %s, which the engine pushed, is another image than %s: its config is not %s; "
		"does another run push the same tag? run again",
		name, result->digest, record_title(image->record), image->id);
}

/* What was made of the records says the old digest. */
static int check_record(const struct load *load, const struct load_image *image, const char *digest,
	struct err *err)
{
	const char *ref = record_get(image->record, "ref");
	const char *old = ref ? strchr(ref, '@') : NULL;

	if (!load->confirm || !old || !strcmp(old + 1, digest))
		return 0;
	return err_set(err, ERR_REFUSED,
		"%s is gone from the registry, and the engine pushed %s in its place; remove %s "
		"and run again",
		ref, digest, load->origin ? load->origin : "the records");
}

static int confirmed(void *arg, const struct registry_result *result, struct err *err)
{
	struct confirmation *c = arg;
	struct load_image *image = c->image;

	if (!result->found)
		return err_set(err, ERR_REFUSED,
			"%s: the engine says that it pushed %s, but the registry does not have it",
			image->target.ref.name, *c->digest ? c->digest : "the image");
	if (check_config(image, result, err) || check_record(c->load, image, result->digest, err))
		return -1;
	image->ref = target_reference(&image->target, image->tags.n > 0, result->digest);
	return 0;
}

static bool may_be_insecure(const struct load *load, const char *host)
{
	const char *end = strrchr(host, ':');
	scratch char *name = xstrndup(host, end ? (size_t)(end - host) : strlen(host));

	return url_host_loopback(name) ||
		(load->insecure &&
			(strs_has(load->insecure, host) || strs_has(load->insecure, "*")));
}

static int push_image(struct load *load, struct engine *engine, struct confirmation *c,
	struct registry *registry, struct err *err)
{
	const struct target *target = &c->image->target;
	struct repo repo = { target->ref.host, target->ref.repository };
	struct engine_push push = { .target = target,
		.insecure = may_be_insecure(load, target->ref.host) };

	/* the first name only where there is no tag */
	for (size_t i = c->image->tags.n ? 1 : 0; i < c->image->names.n; i++) {
		push.name = c->image->names.v[i];
		if (engine->operations->push(engine, &push, c->digest, err))
			return -1;
	}
	registry_get_manifest(registry, repo, *c->digest ? c->digest : strrchr(push.name, ':') + 1,
		(struct registry_done){ confirmed, c });
	return 0;
}

/* One image after the other, so that a name does not move between its tag and its push. */
static int name_images(struct load *load, struct engine *engine, struct load_image *images,
	size_t n, struct err *err)
{
	struct confirmation *list = xcalloc(n ? n : 1, sizeof *list);
	struct registry *registry = NULL;
	int result = 0;

	for (size_t i = 0; i < n && !result; i++) {
		result = set_engine_names(engine, &images[i], err);
		if (result || !is_pushed(load, &images[i]))
			continue;
		list[i].load = load;
		list[i].image = &images[i];
		registry = base_registry(load->finder, err);
		result = registry ? push_image(load, engine, &list[i], registry, err) : -1;
	}
	if (!result && registry)
		result = registry_run(registry, err);
	/* its operations point into the list */
	registry_free(load->finder->registry);
	load->finder->registry = NULL;
	free(list);
	return result;
}

static int load_into_engine(struct load *load, struct load_image *images, size_t n, struct err *err)
{
	const char *builder =
		!load->builder || !strcmp(load->builder, "native") ? "docker" : load->builder;
	struct engine engine = { 0 };
	int result = engine_open(&engine, builder, err);

	if (!result)
		result = bring(load, &engine, images, n, err);
	if (!result)
		result = name_images(load, &engine, images, n, err);
	engine_close(&engine);
	return result;
}

/* ---- all images ---- */

static int have_ref(void *arg, const struct registry_result *result, struct err *err)
{
	struct load_image *image = arg;

	(void)err;
	image->confirmed = result->found;
	if (result->found)
		image->ref = target_reference(&image->target, image->tags.n > 0, result->digest);
	return 0;
}

/* Asks for the images that were pushed before. */
static int confirm(struct load *load, struct load_image *images, size_t n, struct err *err)
{
	struct registry *registry = base_registry(load->finder, err);
	int result;

	if (!registry)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct image_ref *ref = &images[i].target.ref;
		const char *text = record_get(images[i].record, "ref");
		const char *digest = text ? strchr(text, '@') : NULL;

		if (digest && is_pushed(load, &images[i]))
			registry_head_manifest(registry,
				(struct repo){ ref->host, ref->repository }, digest + 1,
				(struct registry_done){ have_ref, &images[i] });
	}
	result = registry_run(registry, err);
	registry_free(registry);
	load->finder->registry = NULL;
	return result;
}

static bool is_confirmed(const struct load_image *image)
{
	return image->confirmed;
}

static bool is_for_kind(const struct load_image *image)
{
	return image->target.place == REF_KIND;
}

/* Puts those first that are; returns how many. */
static size_t put_first(
	struct load_image *images, size_t n, bool (*is)(const struct load_image *image))
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		if (is(&images[i])) {
			struct load_image image = images[i];

			images[i] = images[count];
			images[count++] = image;
		}
	}
	return count;
}

static void set_tags(struct load_image *image, struct strs *taken)
{
	const struct target *target = &image->target;

	for (size_t i = 0; i < target->tags.n; i++) {
		if (target_take_tag(target, target->tags.v[i], taken))
			strs_add(&image->tags, target->tags.v[i]);
	}
}

static int prepare(struct load *load, struct load_image *images, size_t n, struct err *err)
{
	cleanup(strs_release) struct strs taken = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (!json_object_get(images[i].record, "image"))
			return err_set(err, ERR_INPUT, "record of %s: no image; has ko-image run?",
				record_title(images[i].record));
		if (set_target(load, &images[i], err))
			return -1;
		set_tags(&images[i], &taken);
	}
	return load->confirm ? confirm(load, images, n, err) : 0;
}

static int load_all(struct load *load, struct load_image *images, size_t n, struct err *err)
{
	size_t done, kind;

	if (prepare(load, images, n, err))
		return -1;
	done = put_first(images, n, is_confirmed);
	kind = done + put_first(images + done, n - done, is_for_kind);
	if (kind > done && load_into_kind(load, images + done, kind - done, err))
		return -1;
	if (n > kind && load_into_engine(load, images + kind, n - kind, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		const char *ref = images[i].ref ? images[i].ref : images[i].names.v[0];

		json_object_set_new(images[i].record, "ref", json_string(ref));
	}
	return 0;
}

int load_images(struct load *load, struct records *records, struct err *err)
{
	size_t n = records_count(records);
	struct load_image *images = xcalloc(n ? n : 1, sizeof *images);
	int result;

	for (size_t i = 0; i < n; i++)
		images[i].record = records_at(records, i);
	load->images = n;
	result = load_all(load, images, n, err);
	for (size_t i = 0; i < n; i++)
		image_release(&images[i]);
	free(images);
	return result;
}
