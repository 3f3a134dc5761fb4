#include "saved.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "image.h"
#include "tar.h"

#define CHUNK ((size_t)1 << 18)

/* An archive on its way out. */
struct saving {
	int fd;
	const struct oci *oci;
	struct strs entries;         /* the names that are in it */
	const struct strs *left_out; /* of the image that is being added */
};

static int add_header(struct saving *s, const struct tar_entry *entry, struct err *err)
{
	cleanup(buf_release) struct buf header = { 0 };

	strs_add(&s->entries, entry->name);
	tar_header(&header, entry);
	return file_write_all(s->fd, header.data, header.len, err);
}

static int add_dir(struct saving *s, const char *name, struct err *err)
{
	return add_header(
		s, &(struct tar_entry){ .name = name, .type = TAR_DIR, .mode = 0755 }, err);
}

static int add_zeros(const struct saving *s, size_t n, struct err *err)
{
	static const char zeros[TAR_END];

	return file_write_all(s->fd, zeros, n, err);
}

static int add_bytes(
	struct saving *s, const char *name, const void *bytes, size_t n, struct err *err)
{
	const struct tar_entry entry = { .name = name, .type = TAR_FILE, .mode = 0644, .size = n };

	return add_header(s, &entry, err) || file_write_all(s->fd, bytes, n, err) ||
			add_zeros(s, tar_padding(n), err)
		? -1
		: 0;
}

static int add_json(struct saving *s, const char *name, const json_t *json, struct err *err)
{
	size_t n;
	scratch char *text = json_text(json, &n);

	return add_bytes(s, name, text, n, err);
}

/* Copies a file's bytes, checking how many there are and what they are. */
static int copy(const struct saving *s, int fd, const char *path,
	const struct descriptor *descriptor, struct err *err)
{
	cleanup(digest_release) struct digest digest = { 0 };
	scratch char *chunk = xmalloc(CHUNK);
	json_int_t left = descriptor->size;
	char actual[DIGEST_SIZE];

	digest_init(&digest);
	while (left) {
		ssize_t n = read(fd, chunk, left < (json_int_t)CHUNK ? (size_t)left : CHUNK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "%s", path);
		if (!n)
			break;
		digest_update(&digest, chunk, (size_t)n);
		if (file_write_all(s->fd, chunk, (size_t)n, err))
			return -1;
		left -= n;
	}
	digest_final(&digest, actual);
	if (left || strcmp(actual, descriptor->digest) != 0)
		return err_set(err, ERR_INPUT,
			"%s: damaged: its content has digest %s; remove the file", path, actual);
	return 0;
}

/* Adds a blob, once. */
static int add_blob(
	struct saving *s, const char *name, const struct descriptor *descriptor, struct err *err)
{
	const struct tar_entry entry = {
		.name = name, .type = TAR_FILE, .mode = 0644, .size = (uint64_t)descriptor->size
	};
	scratch char *path = NULL;
	int fd, result;

	if (strs_has(&s->entries, name))
		return 0;
	path = oci_path(s->oci, descriptor->digest);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "%s", path);
	result = add_header(s, &entry, err) || copy(s, fd, path, descriptor, err) ||
			add_zeros(s, tar_padding(entry.size), err)
		? -1
		: 0;
	close(fd);
	return result;
}

static bool is_left_out(const struct saving *s, const struct descriptor *descriptor)
{
	return s->left_out && strs_has(s->left_out, descriptor->digest);
}

static const char *hex_of(const struct descriptor *descriptor)
{
	return descriptor->digest + strlen("sha256:");
}

static json_t *names_json(const struct strs *names)
{
	json_t *list = names->n ? json_array() : json_null();

	for (size_t i = 0; i < names->n; i++)
		json_array_append_new(list, json_string(names->v[i]));
	return list;
}

/* ---- docker save ---- */

static const char *layer_suffix(const char *media_type)
{
	if (ends_with(media_type, "+zstd"))
		return ".tar.zst";
	return ends_with(media_type, "gzip") ? ".tar.gz" : ".tar";
}

static int add_layers(struct saving *s, const json_t *layers, json_t *files, struct err *err)
{
	const json_t *layer;
	size_t i;

	json_array_foreach (layers, i, layer) {
		cleanup(descriptor_release) struct descriptor d = { 0 };
		scratch char *file = NULL;

		if (descriptor_from(&d, layer, "layer", err))
			return -1;
		if (oci_is_foreign(layer))
			return err_set(err, ERR_USAGE,
				"layer %s may not be distributed; it cannot be in an archive",
				d.digest);
		file = xasprintf("%s%s", hex_of(&d), layer_suffix(d.media_type));
		if (!is_left_out(s, &d) && add_blob(s, file, &d, err))
			return -1;
		json_array_append_new(files, json_string(file));
	}
	return 0;
}

/* Adds an image, and its entry to the list that manifest.json is. */
static int add_docker_image(
	struct saving *s, const struct saved_image *image, json_t *list, struct err *err)
{
	cleanup(descriptor_release) struct descriptor d = { 0 };
	cleanup(descriptor_release) struct descriptor config = { 0 };
	cleanup(json_release) json_t *manifest = NULL;
	cleanup(json_release) json_t *files = json_array();

	if (descriptor_from(&d, image->descriptor, "image", err))
		return -1;
	if (!image_is_manifest(d.media_type))
		return err_set(err, ERR_USAGE,
			"%s: a docker archive holds images of one platform, not an index",
			d.digest);
	manifest = oci_get_json(s->oci, d.digest, NULL, err);
	if (!manifest ||
		descriptor_from(&config, json_object_get(manifest, "config"), d.digest, err) ||
		add_blob(s, config.digest, &config, err) ||
		add_layers(s, json_object_get(manifest, "layers"), files, err))
		return -1;
	json_array_append_new(list,
		json_pack("{s:s, s:o, s:O}", "Config", config.digest, "RepoTags",
			names_json(&image->names), "Layers", files));
	return 0;
}

int saved_write_docker(
	int fd, const struct oci *oci, const struct saved_image *images, size_t n, struct err *err)
{
	cleanup(json_release) json_t *list = json_array();
	struct saving s = { .fd = fd, .oci = oci };
	int result = 0;

	for (size_t i = 0; i < n && !result; i++) {
		s.left_out = images[i].left_out;
		result = add_docker_image(&s, &images[i], list, err);
	}
	if (!result)
		result = add_json(&s, "manifest.json", list, err) || add_zeros(&s, TAR_END, err)
			? -1
			: 0;
	strs_release(&s.entries);
	return result;
}

/* ---- all blobs of an image ---- */

struct walk {
	const struct oci *oci;
	int (*visit)(void *arg, const struct descriptor *blob, struct err *err);
	void *arg;
};

static int visit(
	const struct walk *walk, const json_t *object, struct descriptor *blob, struct err *err)
{
	return descriptor_from(blob, object, "image", err) || walk->visit(walk->arg, blob, err) ? -1
												: 0;
}

static int visit_blob(const struct walk *walk, const json_t *object, struct err *err)
{
	cleanup(descriptor_release) struct descriptor blob = { 0 };

	return oci_is_foreign(object) ? 0 : visit(walk, object, &blob, err);
}

static int visit_manifest(const struct walk *walk, const json_t *manifest, struct err *err)
{
	const json_t *layer;
	size_t i;

	if (visit_blob(walk, json_object_get(manifest, "config"), err))
		return -1;
	json_array_foreach (json_object_get(manifest, "layers"), i, layer) {
		if (visit_blob(walk, layer, err))
			return -1;
	}
	return 0;
}

/* A manifest or index with all that it names. */
static int each_blob(const struct walk *walk, const json_t *object, struct err *err)
{
	cleanup(descriptor_release) struct descriptor blob = { 0 };
	cleanup(json_release) json_t *json = NULL;
	const json_t *list, *child;
	size_t i;

	if (visit(walk, object, &blob, err))
		return -1;
	json = oci_get_json(walk->oci, blob.digest, NULL, err);
	if (!json)
		return -1;
	list = json_object_get(json, "manifests");
	if (!list)
		return visit_manifest(walk, json, err);
	json_array_foreach (list, i, child) {
		if (each_blob(walk, child, err))
			return -1;
	}
	return 0;
}

/* ---- OCI layout ---- */

struct taking {
	const struct oci *to, *from;
};

static int take_blob(void *arg, const struct descriptor *blob, struct err *err)
{
	const struct taking *taking = arg;
	scratch char *path = oci_path(taking->from, blob->digest);
	int result = oci_take(taking->to, path, blob->digest, blob->size, err);

	return result > 0
		? err_set(err, ERR_FAILED, "%s: missing or damaged; remove it and run again", path)
		: result;
}

static int list_image(const struct oci *to, const struct saved_image *image, struct err *err)
{
	for (size_t i = 0; i < image->names.n; i++) {
		if (oci_tag(to, image->descriptor, image->names.v[i], err))
			return -1;
	}
	return image->names.n ? 0 : oci_tag(to, image->descriptor, NULL, err);
}

int saved_to_layout(const struct oci *to, const struct oci *oci, const struct saved_image *images,
	size_t n, struct err *err)
{
	const struct walk walk = { oci, take_blob, &(struct taking){ to, oci } };

	for (size_t i = 0; i < n; i++) {
		if (each_blob(&walk, images[i].descriptor, err))
			return -1;
	}
	for (size_t i = 0; i < n; i++) {
		if (list_image(to, &images[i], err))
			return -1;
	}
	return 0;
}

/* ---- OCI archive ---- */

static int add_oci_blob(void *arg, const struct descriptor *blob, struct err *err)
{
	struct saving *s = arg;
	scratch char *name = xasprintf("blobs/sha256/%s", hex_of(blob));

	if (is_left_out(s, blob))
		return 0;
	return add_blob(s, name, blob, err);
}

static void add_entries(json_t *entries, const struct saved_image *image)
{
	for (size_t i = 0; i < image->names.n; i++) {
		const char *name = image->names.v[i];
		json_t *entry = oci_named(image->descriptor, name);

		json_object_set_new(json_object_get(entry, "annotations"),
			"io.containerd.image.name", json_string(name));
		json_array_append_new(entries, entry);
	}
	if (!image->names.n)
		json_array_append_new(entries, oci_named(image->descriptor, NULL));
}

static json_t *index_of(const struct saved_image *images, size_t n)
{
	json_t *entries = json_array();

	for (size_t i = 0; i < n; i++)
		add_entries(entries, &images[i]);
	return json_pack("{s:i, s:s, s:o}", "schemaVersion", 2, "mediaType", OCI_INDEX, "manifests",
		entries);
}

int saved_write_oci(
	int fd, const struct oci *oci, const struct saved_image *images, size_t n, struct err *err)
{
	static const char layout[] = OCI_LAYOUT_TEXT;
	cleanup(json_release) json_t *index = index_of(images, n);
	struct saving s = { .fd = fd, .oci = oci };
	int result = add_bytes(&s, "oci-layout", layout, sizeof layout - 1, err) ||
			add_json(&s, "index.json", index, err) || add_dir(&s, "blobs", err) ||
			add_dir(&s, "blobs/sha256", err)
		? -1
		: 0;

	for (size_t i = 0; i < n && !result; i++) {
		s.left_out = images[i].left_out;
		result = each_blob(
			&(struct walk){ oci, add_oci_blob, &s }, images[i].descriptor, err);
	}
	if (!result)
		result = add_zeros(&s, TAR_END, err);
	strs_release(&s.entries);
	return result;
}

void saved_image_release(struct saved_image *image)
{
	strs_release(&image->names);
}
