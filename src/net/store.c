/*
 * The store as destination: what it lacks of base layers is brought there, so that others can use
 * it as an image layout, and the images are listed in its index.json.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "formats/image.h"
#include "formats/static.h"
#include "push.h"

/* A blob that is on its way into the store. */
struct arrival {
	const struct oci *oci;
	struct file_draft draft;
	char digest[DIGEST_SIZE];
	struct arrival *next;
};

struct arrivals {
	struct arrival *first;
	struct strs digests;
};

/* Whether it is one of the layers that we made. */
static bool is_own(const json_t *record, const char *digest)
{
	const json_t *platform, *layer;
	size_t i, j;

	json_array_foreach (json_object_get(record, "platforms"), i, platform) {
		json_array_foreach (json_object_get(platform, "layers"), j, layer) {
			const char *own = record_get(layer, "digest");

			if (own && !strcmp(own, digest))
				return true;
		}
	}
	return false;
}

int blob_find(struct blob_origin *origin, const struct oci *oci, const struct base_place *place,
	const json_t *record, const struct descriptor *blob, struct err *err)
{
	const struct oci layout = { place->dir };

	*origin = (struct blob_origin){ 0 };
	if (oci_has(oci, blob->digest, blob->size)) {
		origin->path = oci_path(oci, blob->digest);
		origin->source.path = origin->path;
	} else if (!strcmp(blob->digest, static_layer_digest)) {
		origin->source.bytes = static_layer;
	} else if (is_own(record, blob->digest) || (!place->dir && !place->host)) {
		return err_set(err, ERR_FAILED,
			"%s: layer %s is no longer in the store %s; remove that directory and run "
			"again",
			record_title(record), blob->digest, oci->dir);
	} else if (place->dir) {
		origin->path = oci_path(&layout, blob->digest);
		origin->source.path = origin->path;
		if (!oci_has(&layout, blob->digest, blob->size))
			return err_set(err, ERR_FAILED, "%s: base image: %s is missing",
				record_title(record), origin->path);
	} else {
		origin->repo = (struct repo){ place->host, place->path };
	}
	if (place->host && !is_own(record, blob->digest))
		origin->mount_from = xstrdup(place->path);
	return 0;
}

void blob_origin_release(struct blob_origin *origin)
{
	free(origin->path);
	free(origin->mount_from);
	*origin = (struct blob_origin){ 0 };
}

static int arrived(void *arg, const struct registry_result *result, struct err *err)
{
	struct arrival *arrival = arg;

	if (!result->found)
		return err_set(err, ERR_REFUSED, "base image: its registry does not have layer %s",
			arrival->digest);
	return oci_commit(arrival->oci, &arrival->draft, arrival->digest, err);
}

/* Takes a blob of a layout. */
static int take(
	const struct oci *oci, const char *path, const struct descriptor *blob, struct err *err)
{
	int result = oci_take(oci, path, blob->digest, blob->size, err);

	return result > 0 ? err_set(err, ERR_INPUT, "%s: damaged: its digest is another one", path)
			  : result;
}

static int fetch(struct push *push, const struct blob_origin *origin, const struct descriptor *blob,
	struct arrivals *arrivals, struct err *err)
{
	struct registry *registry = base_registry(push->finder, err);
	struct arrival *arrival;

	if (!registry)
		return -1;
	arrival = xcalloc(1, sizeof *arrival);
	arrival->oci = push->oci;
	arrival->next = arrivals->first;
	arrivals->first = arrival;
	memcpy(arrival->digest, blob->digest, sizeof blob->digest);
	if (oci_begin(push->oci, &arrival->draft, err))
		return -1;
	registry_fetch_blob(registry, origin->repo, blob->digest, blob->size, arrival->draft.fd,
		(struct registry_done){ arrived, arrival });
	return 0;
}

static int complete_blob(struct push *push, const json_t *record, const struct base_place *place,
	const json_t *object, struct arrivals *arrivals, struct err *err)
{
	cleanup(descriptor_release) struct descriptor blob = { 0 };
	cleanup(blob_origin_release) struct blob_origin origin = { 0 };
	char digest[DIGEST_SIZE];

	if (descriptor_from(&blob, object, record_title(record), err))
		return -1;
	if (oci_is_foreign(object) || oci_has(push->oci, blob.digest, blob.size) ||
		strs_has(&arrivals->digests, blob.digest))
		return 0;
	strs_add(&arrivals->digests, blob.digest);
	if (blob_find(&origin, push->oci, place, record, &blob, err))
		return -1;
	if (origin.source.bytes)
		return oci_put(push->oci, origin.source.bytes, (size_t)blob.size, digest, err);
	if (origin.path)
		return take(push->oci, origin.path, &blob, err);
	return fetch(push, &origin, &blob, arrivals, err);
}

static int complete_image(struct push *push, const json_t *record, const struct base_place *place,
	struct arrivals *arrivals, struct err *err)
{
	const json_t *platform, *layer;
	size_t i, j;

	json_array_foreach (json_object_get(record, "platforms"), i, platform) {
		const char *digest = record_get(json_object_get(platform, "manifest"), "digest");
		cleanup(json_release) json_t *manifest = NULL;

		if (!digest)
			continue;
		manifest = digest_valid(digest) ? oci_get_json(push->oci, digest, NULL, err) : NULL;
		if (!manifest)
			return err_prefix(err, "image of %s", record_title(record));
		if (complete_blob(push, record, place, json_object_get(manifest, "config"),
			    arrivals, err))
			return -1;
		json_array_foreach (json_object_get(manifest, "layers"), j, layer) {
			if (complete_blob(push, record, place, layer, arrivals, err))
				return -1;
		}
	}
	return 0;
}

static int complete_all(struct push *push, const struct records *records, struct arrivals *arrivals,
	struct err *err)
{
	for (size_t i = 0; i < records_count(records); i++) {
		const json_t *record = records_at(records, i);
		const char *base = record_get(json_object_get(record, "baseImage"), "reference");
		cleanup(base_place_release) struct base_place place = { 0 };

		if (base_place_parse(&place, base ? base : STATIC_REFERENCE, err) ||
			complete_image(push, record, &place, arrivals, err))
			return -1;
	}
	return arrivals->first ? registry_run(push->finder->registry, err) : 0;
}

int store_complete(struct push *push, const struct records *records, struct err *err)
{
	struct arrivals arrivals = { 0 };
	int result = complete_all(push, records, &arrivals, err);

	while (arrivals.first) {
		struct arrival *arrival = arrivals.first;

		arrivals.first = arrival->next;
		file_abandon(&arrival->draft);
		free(arrival);
	}
	strs_release(&arrivals.digests);
	return result;
}
