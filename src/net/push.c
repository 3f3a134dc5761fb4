/*
 * The plan of a push. For each image the tags are asked for first (to confirm, its digest); where
 * they all have its digest it is done. Otherwise its manifest is asked for by digest, and where
 * that is missing its parts go first: of an index the images (in the same way, by digest), of an
 * image config and layers. A manifest is sent when all its parts have arrived, the top one under
 * each tag that is not there. The bill of materials of an image that is not there is not there
 * either; and what is in the image that has one of the tags need not be asked for.
 *
 * All images are on their way together; each answer starts what waited for it. The client below
 * does the rest: order, mounts between the repositories of one registry, retries, verification.
 */
#include "push.h"

#include <stdlib.h>
#include <string.h>

#include "ahead.h"
#include "base/mem.h"
#include "formats/image.h"
#include "formats/static.h"

/* A manifest or index. */
struct part {
	struct image *image;
	struct part *parent; /* the index that it is in; NULL: the top */
	char *media_type;
	char digest[DIGEST_SIZE];
	struct buf bytes;
	json_t *json;
	size_t waiting; /* parts that have not arrived */

	struct part *children;
	struct blob_origin *origins;
	size_t child_count, origin_count;
};

struct tag {
	struct image *image;
	const char *name;
	bool there;
};

struct image {
	struct push *push;
	struct registry *registry;
	json_t *record;
	const json_t *descriptor; /* of what is pushed */
	char *attached; /* the tag of a bill of materials; NULL: it is the record's image */
	size_t bills;   /* of an image: how many there are, and follow it in the array */
	bool known;     /* it was pushed before, with its bills */
	bool fresh;     /* a bill: neither it nor its blobs can be there */
	json_t *before; /* blobs of what has its tags now; the repository has them */
	struct target target;
	struct base_place place;
	struct tag *tags; /* those that this image is to have */
	size_t tag_count, waiting;
	struct part top;
	bool done;
};

static struct repo repo_of(const struct image *image)
{
	return (struct repo){ image->target.ref.host, image->target.ref.repository };
}

static void part_release(struct part *part)
{
	for (size_t i = 0; i < part->child_count; i++)
		part_release(&part->children[i]);
	for (size_t i = 0; i < part->origin_count; i++)
		blob_origin_release(&part->origins[i]);
	free(part->children);
	free(part->origins);
	free(part->media_type);
	buf_release(&part->bytes);
	json_decref(part->json);
}

static void image_release(struct image *image)
{
	part_release(&image->top);
	base_place_release(&image->place);
	target_release(&image->target);
	json_decref(image->before);
	free(image->attached);
	free(image->tags);
}

static int part_from(struct part *part, struct image *image, const json_t *object, struct err *err)
{
	cleanup(descriptor_release) struct descriptor d = { 0 };

	if (descriptor_from(&d, object, record_title(image->record), err))
		return -1;
	part->image = image;
	part->media_type = steal(&d.media_type);
	memcpy(part->digest, d.digest, sizeof d.digest);
	return 0;
}

static int part_load(struct part *part, struct err *err)
{
	const struct oci *oci = part->image->push->oci;

	if (part->json)
		return 0;
	if (!oci_has(oci, part->digest, -1))
		return err_set(err, ERR_FAILED,
			"%s: image %s is no longer in the store %s; remove that directory and run "
			"again",
			record_title(part->image->record), part->digest, oci->dir);
	part->json = oci_get_json(oci, part->digest, &part->bytes, err);
	return part->json ? 0 : err_prefix(err, "image of %s", record_title(part->image->record));
}

static int part_put(struct part *part, struct err *err);
static int part_start(struct part *part, struct err *err);
static int start_push(struct image *image, struct err *err);

static int tag_stored(void *arg, const struct registry_result *result, struct err *err)
{
	struct image *image = arg;

	(void)result;
	(void)err;
	image->waiting--;
	image->done = !image->waiting;
	return 0;
}

static void put(struct part *part, const char *reference, struct registry_done done)
{
	registry_put_manifest(part->image->registry, repo_of(part->image), reference,
		part->media_type, part->bytes.data, part->bytes.len, done);
}

/* Sends the top manifest under each tag that it does not have, or by digest where none is wanted.
 */
static int put_top(struct image *image, struct err *err)
{
	const struct registry_done done = { tag_stored, image };

	if (part_load(&image->top, err))
		return -1;
	image->push->pushed += !image->attached;
	image->waiting = image->tag_count ? 0 : 1;
	for (size_t i = 0; i < image->tag_count; i++)
		image->waiting += !image->tags[i].there;
	if (!image->tag_count)
		put(&image->top, image->top.digest, done);
	for (size_t i = 0; i < image->tag_count; i++) {
		if (!image->tags[i].there)
			put(&image->top, image->tags[i].name, done);
	}
	return 0;
}

/* The registry has the child: one part less that its index waits for. */
static int part_arrived(struct part *part, struct err *err)
{
	return --part->parent->waiting ? 0 : part_put(part->parent, err);
}

static int part_stored(void *arg, const struct registry_result *result, struct err *err)
{
	(void)result;
	return part_arrived(arg, err);
}

static int part_put(struct part *part, struct err *err)
{
	if (!part->parent)
		return put_top(part->image, err);
	put(part, part->digest, (struct registry_done){ part_stored, part });
	return 0;
}

static int blob_arrived(void *arg, const struct registry_result *result, struct err *err)
{
	struct part *part = arg;

	(void)result;
	return --part->waiting ? 0 : part_put(part, err);
}

static int start_blob(struct part *part, const json_t *object, bool layer, struct err *err)
{
	cleanup(descriptor_release) struct descriptor blob = { 0 };
	struct image *image = part->image;
	struct blob_origin *origin = &part->origins[part->origin_count++];
	const char *mount_from = NULL;

	if (descriptor_from(&blob, object, record_title(image->record), err) ||
		blob_find(origin, image->push->oci, &image->place, image->record, &blob, err))
		return -1;
	if (origin->repo.host)
		origin->source.repo = &origin->repo;
	origin->source.seen = json_object_get(image->before, blob.digest) ||
		ahead_saw(image->push->seen, repo_of(image), AHEAD_BLOB, blob.digest);
	origin->source.fresh = !layer || image->fresh;
	if (layer && origin->mount_from && !strcmp(image->place.host, image->target.ref.host))
		mount_from = origin->mount_from;
	registry_push_blob(image->registry, repo_of(image), blob.digest, blob.size, origin->source,
		mount_from, (struct registry_done){ blob_arrived, part });
	return 0;
}

static int start_blobs(struct part *part, struct err *err)
{
	const json_t *layers = json_object_get(part->json, "layers");
	json_t *layer;
	size_t i;

	part->origins = xcalloc(json_array_size(layers) + 1, sizeof *part->origins);
	part->waiting = 1;
	json_array_foreach (layers, i, layer)
		part->waiting += !oci_is_foreign(layer);
	if (start_blob(part, json_object_get(part->json, "config"), false, err))
		return -1;
	json_array_foreach (layers, i, layer) {
		if (!oci_is_foreign(layer) && start_blob(part, layer, true, err))
			return -1;
	}
	return 0;
}

static int start_children(struct part *part, struct err *err)
{
	const json_t *list = json_object_get(part->json, "manifests");
	json_t *object;
	size_t i;

	part->child_count = part->waiting = json_array_size(list);
	part->children = xcalloc(part->child_count ? part->child_count : 1, sizeof *part->children);
	json_array_foreach (list, i, object) {
		part->children[i].parent = part;
		if (part_from(&part->children[i], part->image, object, err) ||
			part_start(&part->children[i], err))
			return -1;
	}
	return part->waiting ? 0 : part_put(part, err);
}

static int send_parts(struct part *part, struct err *err)
{
	if (part_load(part, err))
		return -1;
	return image_is_index(part->media_type) ? start_children(part, err)
						: start_blobs(part, err);
}

static int start_bills(struct image *image, bool fresh, struct err *err)
{
	for (struct image *bill = image + 1; bill <= image + image->bills; bill++) {
		bill->fresh = fresh;
		if (fresh ? send_parts(&bill->top, err) : start_push(bill, err))
			return -1;
	}
	return 0;
}

static int have_part(void *arg, const struct registry_result *result, struct err *err)
{
	struct part *part = arg;
	bool found = result->found && !strcmp(result->digest, part->digest);

	if (part->parent)
		return found ? part_arrived(part, err) : send_parts(part, err);
	if (found ? put_top(part->image, err) : send_parts(part, err))
		return -1;
	return start_bills(part->image, !found, err);
}

static int part_start(struct part *part, struct err *err)
{
	(void)err;
	registry_head_manifest(part->image->registry, repo_of(part->image), part->digest,
		(struct registry_done){ have_part, part });
	return 0;
}

static void add_blob(json_t *blobs, const json_t *descriptor)
{
	const char *digest = record_get(descriptor, "digest");

	if (digest && !oci_is_foreign(descriptor))
		json_object_set(blobs, digest, json_object_get(descriptor, "size"));
}

/* Adds the blobs of an image, as far as the store knows them: {digest: size}. */
static void add_blobs(json_t *blobs, const struct oci *oci, const char *digest)
{
	struct err ignored;
	cleanup(json_release) json_t *json =
		digest_valid(digest) ? oci_get_json(oci, digest, NULL, &ignored) : NULL;
	const json_t *entry;
	size_t i;

	add_blob(blobs, json_object_get(json, "config"));
	json_array_foreach (json_object_get(json, "layers"), i, entry)
		add_blob(blobs, entry);
	json_array_foreach (json_object_get(json, "manifests"), i, entry) {
		const char *child = record_get(entry, "digest");

		if (child)
			add_blobs(blobs, oci, child);
	}
}

static json_int_t blobs_size(const struct oci *oci, const char *digest)
{
	cleanup(json_release) json_t *blobs = json_object();
	json_int_t sum = 0;
	const char *blob;
	json_t *size;

	add_blobs(blobs, oci, digest);
	json_object_foreach (blobs, blob, size)
		sum += json_integer_value(size);
	return sum;
}

/* Nothing is to be done about it. */
static int all_there(struct image *image, struct err *err)
{
	image->done = true;
	if (image->push->weigh)
		image->push->stats.bytes_present += blobs_size(image->push->oci, image->top.digest);
	if (!image->known)
		return start_bills(image, false, err);
	for (size_t i = 1; i <= image->bills; i++)
		image[i].done = true;
	return 0;
}

/* digest: of what has the tag; "": nothing has. */
static int tag_told(struct tag *tag, const char *digest, struct err *err)
{
	struct image *image = tag->image;
	bool all = true;

	tag->there = !strcmp(digest, image->top.digest);
	if (!tag->there)
		add_blobs(image->before, image->push->oci, digest);
	if (--image->waiting)
		return 0;
	for (size_t i = 0; i < image->tag_count; i++)
		all = all && image->tags[i].there;
	return all ? all_there(image, err) : part_start(&image->top, err);
}

static int have_tag(void *arg, const struct registry_result *result, struct err *err)
{
	return tag_told(arg, result->found ? result->digest : "", err);
}

static int start_tag(struct tag *tag, struct err *err)
{
	const struct image *image = tag->image;
	const char *seen = ahead_saw(image->push->seen, repo_of(image), AHEAD_TAG, tag->name);

	if (seen)
		return tag_told(tag, seen, err);
	registry_head_manifest(image->registry, repo_of(image), tag->name,
		(struct registry_done){ have_tag, tag });
	return 0;
}

static int start_push(struct image *image, struct err *err)
{
	image->waiting = image->tag_count;
	for (size_t i = 0; i < image->tag_count; i++) {
		if (start_tag(&image->tags[i], err))
			return -1;
	}
	return image->tag_count ? 0 : part_start(&image->top, err);
}

static int have_image(void *arg, const struct registry_result *result, struct err *err)
{
	struct image *image = arg;

	if (!result->found || strcmp(result->digest, image->top.digest))
		return start_push(image, err);
	return all_there(image, err);
}

static int start_image(struct image *image, struct err *err)
{
	if (!image->push->confirm)
		return start_push(image, err);
	registry_head_manifest(image->registry, repo_of(image), image->top.digest,
		(struct registry_done){ have_image, image });
	return 0;
}

/* A bill of materials is in the image's repository or, as for cosign, in another one. */
static int find_target(struct image *image, struct err *err)
{
	const struct strs tag = { .v = &image->attached, .n = 1 };
	const struct push *push = image->push;
	struct target *target = &image->target;
	const char *other = getenv("COSIGN_REPOSITORY");

	if (!image->attached)
		return target_make(
			target, image->record, push->repo, push->tags, push->tag_only, err);
	if (target_make(target, image->record, push->repo, &tag, false, err))
		return -1;
	if (!other || !*other || target->place != REF_REGISTRY)
		return 0;
	ref_release(&target->ref);
	return ref_parse_prefix(&target->ref, "COSIGN_REPOSITORY", other, err);
}

static int set_target(struct image *image, struct strs *taken, struct err *err)
{
	struct target *target = &image->target;
	const struct push *push = image->push;

	if (find_target(image, err))
		return -1;
	if (!push->keep && (target->place == REF_ENGINE || target->place == REF_KIND))
		return err_set(err, ERR_USAGE, "%s is no registry: ko-load brings images there",
			target->ref.host);
	image->tags = xcalloc(target->tags.n ? target->tags.n : 1, sizeof *image->tags);
	for (size_t i = 0; i < target->tags.n; i++) {
		const char *tag = target->tags.v[i];

		if (target_take_tag(target, tag, taken))
			image->tags[image->tag_count++] = (struct tag){ image, tag, false };
	}
	return 0;
}

static char *reference_of(const struct image *image)
{
	return target_reference(&image->target, image->tag_count > 0, image->top.digest);
}

/* Whether the record would come out as it did when it was pushed before. */
static bool is_known(const struct image *image)
{
	const struct records *known = image->push->known;
	cleanup(json_release) json_t *record = json_copy(image->record);
	scratch char *ref = reference_of(image);

	json_object_set_new(record, "ref", json_string(ref));
	for (size_t i = 0; known && i < records_count(known); i++) {
		if (json_equal(record, records_at(known, i)))
			return true;
	}
	return false;
}

static int prepare(struct image *image, struct strs *taken, struct err *err)
{
	const char *base = record_get(json_object_get(image->record, "baseImage"), "reference");

	if (!image->descriptor)
		return err_set(err, ERR_INPUT, "record of %s: no image; has ko-image run?",
			record_title(image->record));
	if (base_place_parse(&image->place, base ? base : STATIC_REFERENCE, err) ||
		part_from(&image->top, image, image->descriptor, err) ||
		set_target(image, taken, err))
		return -1;
	image->known = image->bills && is_known(image);
	return 0;
}

static bool in_store(const struct image *image)
{
	return image->push->keep || image->target.place == REF_STORE;
}

/* Lists an image in the store under each of its tags. */
static int list_in_store(const struct image *image, struct err *err)
{
	const json_t *descriptor = json_object_get(image->record, "image");
	const char *name = record_get(image->record, "name");

	if (!image->tag_count)
		return oci_tag(image->push->oci, descriptor, NULL, err);
	for (size_t i = 0; i < image->tag_count; i++) {
		scratch char *listed = xasprintf("%s:%s", name, image->tags[i].name);

		if (oci_tag(image->push->oci, descriptor, listed, err))
			return -1;
	}
	return 0;
}

static int push_to_store(struct push *push, struct image *images, size_t n, struct err *err)
{
	cleanup(records_release) struct records records = { .list = json_array() };

	for (size_t i = 0; i < n; i++) {
		if (in_store(&images[i]) && !images[i].attached)
			json_array_append(records.list, images[i].record);
	}
	push->stored = records_count(&records) > 0;
	if (store_complete(push, &records, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (in_store(&images[i]) && !images[i].attached && list_in_store(&images[i], err))
			return -1;
		images[i].done = images[i].done || in_store(&images[i]);
	}
	return 0;
}

static int push_to_registries(struct push *push, struct image *images, size_t n, struct err *err)
{
	struct registry *registry = NULL;

	for (size_t i = 0; i < n; i++) {
		if (in_store(&images[i]))
			continue;
		registry = base_registry(push->finder, err);
		if (!registry)
			return -1;
		images[i].registry = registry;
		registry_expect(registry, repo_of(&images[i]), true);
	}
	for (size_t i = 0; i < n; i++) {
		if (!in_store(&images[i]) && !images[i].attached && start_image(&images[i], err))
			return -1;
	}
	return registry ? registry_run(registry, err) : 0;
}

static int push_all(struct push *push, struct image *images, size_t n, struct err *err)
{
	cleanup(strs_release) struct strs taken = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (prepare(&images[i], &taken, err))
			return -1;
	}
	if (push_to_registries(push, images, n, err) || push_to_store(push, images, n, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (!images[i].done)
			return err_set(err, ERR_FAILED, "%s: the push did not end",
				record_title(images[i].record));
	}
	for (size_t i = 0; i < n; i++) {
		const struct image *image = &images[i];

		if (image->attached)
			continue;
		scratch char *ref = reference_of(image);

		json_object_set_new(image->record, "ref", json_string(ref));
	}
	return 0;
}

struct images {
	struct image *v;
	size_t n, cap;
};

static struct image *add_image(
	struct images *images, struct push *push, json_t *record, const json_t *descriptor)
{
	grow(images->v, images->n, images->cap);
	images->v[images->n] = (struct image){
		.push = push, .record = record, .descriptor = descriptor, .before = json_object()
	};
	return &images->v[images->n++];
}

/* The bill of materials (see go/sbom.h) of an image: both are descriptors. */
static void add_attached(struct images *images, struct push *push, json_t *record,
	const json_t *image, const json_t *sbom)
{
	const char *digest = record_get(image, "digest");

	if (sbom && digest && digest_valid(digest))
		add_image(images, push, record, sbom)->attached =
			xasprintf("sha256-%s.sbom", digest + strlen("sha256:"));
}

static void add_record(struct images *images, struct push *push, json_t *record)
{
	const json_t *image = json_object_get(record, "image"), *entry;
	size_t first = images->n, i;

	add_image(images, push, record, image);
	if (push->confirm)
		return;
	add_attached(images, push, record, image, json_object_get(record, "sbom"));
	json_array_foreach (json_object_get(record, "platforms"), i, entry)
		add_attached(images, push, record, json_object_get(entry, "manifest"),
			json_object_get(entry, "sbom"));
	images->v[first].bills = images->n - first - 1;
}

int push_images(struct push *push, struct records *records, struct err *err)
{
	struct images images = { 0 };
	int result;

	for (size_t i = 0; i < records_count(records); i++)
		add_record(&images, push, records_at(records, i));
	push->images = records_count(records);
	result = push_all(push, images.v, images.n, err);
	if (push->finder->registry)
		registry_stats_add(&push->stats, registry_stats(push->finder->registry));
	/* The registry's operations point into the images. */
	registry_free(push->finder->registry);
	push->finder->registry = NULL;
	for (size_t i = 0; i < images.n; i++)
		image_release(&images.v[i]);
	free(images.v);
	return result;
}
