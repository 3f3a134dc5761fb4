#include "oci.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/share.h"

#define REF_NAME "org.opencontainers.image.ref.name"

/* Writes the file oci-layout, or looks at the one that another program wrote. */
static int mark_layout(const char *path, struct err *err)
{
	static const char layout[] = OCI_LAYOUT_TEXT;
	cleanup(buf_release) struct buf text = { 0 };
	cleanup(json_release) json_t *marker = NULL;
	const char *version;

	if (file_read_if_exists(path, 4096, &text, err) < 0)
		return -1;
	if (!text.len)
		return file_save(path, layout, sizeof layout - 1, err) < 0 ? -1 : 0;
	marker = json_from(path, text.data, text.len, err);
	if (!marker)
		return -1;
	version = record_get(marker, "imageLayoutVersion");
	if (!version || strcmp(version, "1.0.0") != 0)
		return err_set(err, ERR_INPUT,
			"%s: not an image layout of version 1.0.0; name another directory", path);
	return 0;
}

int oci_open(struct oci *oci, const char *dir, struct err *err)
{
	scratch char *blobs = path_join(dir, "blobs/sha256");
	scratch char *marker = path_join(dir, "oci-layout");

	if (file_mkdirs(blobs, err) || mark_layout(marker, err))
		return err_prefix(err, "cannot make the image store");
	oci->dir = xstrdup(dir);
	return 0;
}

void oci_release(struct oci *oci)
{
	free(steal(&oci->dir));
}

char *oci_path(const struct oci *oci, const char *digest)
{
	return xasprintf("%s/blobs/sha256/%s", oci->dir, digest + strlen("sha256:"));
}

bool oci_has(const struct oci *oci, const char *digest, json_int_t size)
{
	scratch char *path = oci_path(oci, digest);
	struct stat st;

	return !stat(path, &st) && (size < 0 || st.st_size == size);
}

int oci_put(const struct oci *oci, const void *bytes, size_t n, char digest[DIGEST_SIZE],
	struct err *err)
{
	scratch char *path = NULL;

	digest_of(bytes, n, digest);
	path = oci_path(oci, digest);
	if (file_save(path, bytes, n, err) < 0)
		return -1;
	share_protect(path);
	return 0;
}

json_t *oci_put_json(
	const struct oci *oci, const json_t *json, const char *media_type, struct err *err)
{
	char digest[DIGEST_SIZE];
	size_t n;
	scratch char *text = json_text(json, &n);

	if (oci_put(oci, text, n, digest, err))
		return NULL;
	return descriptor_json(media_type, digest, (json_int_t)n);
}

json_t *oci_get_json(const struct oci *oci, const char *digest, struct buf *text, struct err *err)
{
	cleanup(buf_release) struct buf own = { 0 };
	scratch char *path = oci_path(oci, digest);
	char actual[DIGEST_SIZE];

	text = text ? text : &own;
	if (file_read(path, OCI_JSON_LIMIT, text, err))
		return NULL;
	digest_of(text->data, text->len, actual);
	if (strcmp(actual, digest)) {
		err_set(err, ERR_INPUT, "%s: damaged: its content has digest %s; remove the file",
			path, actual);
		return NULL;
	}
	return json_from(path, text->data, text->len, err);
}

int oci_begin(const struct oci *oci, struct file_draft *draft, struct err *err)
{
	scratch char *path = path_join(oci->dir, "blobs/sha256/draft");

	return file_begin(draft, path, err);
}

int oci_commit(const struct oci *oci, struct file_draft *draft, const char *digest, struct err *err)
{
	scratch char *path = oci_path(oci, digest);

	share_protect(draft->temp);
	return file_commit(draft, path, err);
}

int oci_take(const struct oci *oci, const char *file, const char *digest, json_int_t size,
	struct err *err)
{
	cleanup(file_abandon) struct file_draft draft = { 0 };
	scratch char *path = oci_path(oci, digest);
	char actual[DIGEST_SIZE];
	struct stat st;
	int result;

	if (oci_has(oci, digest, size))
		return 0;
	result = share_begin(&draft, path, file, err);
	if (result)
		return result;
	if (fstat(draft.fd, &st) || digest_of_file(draft.fd, actual))
		return err_sys(err, "%s", file);
	if (st.st_size != size || strcmp(actual, digest) != 0)
		return 1;
	return oci_commit(oci, &draft, digest, err);
}

/* The index with its entries; a missing file is an empty index. */
static json_t *read_index(const char *path, struct err *err)
{
	cleanup(buf_release) struct buf text = { 0 };
	int missing = file_read_if_exists(path, OCI_JSON_LIMIT, &text, err);
	json_t *index;

	if (missing < 0)
		return NULL;
	if (missing)
		return json_pack("{s:i, s:s, s:[]}", "schemaVersion", 2, "mediaType", OCI_INDEX,
			"manifests");
	index = json_from(path, text.data, text.len, err);
	if (index && !json_is_array(json_object_get(index, "manifests"))) {
		json_decref(index);
		err_set(err, ERR_INPUT, "%s: not an image index; remove the file", path);
		return NULL;
	}
	return index;
}

json_t *oci_named(const json_t *descriptor, const char *name)
{
	json_t *entry = json_deep_copy(descriptor);

	if (name)
		json_object_set_new(entry, "annotations", json_pack("{s:s}", REF_NAME, name));
	return entry;
}

bool oci_is_foreign(const json_t *descriptor)
{
	const char *type = record_get(descriptor, "mediaType");

	return type && json_array_size(json_object_get(descriptor, "urls")) &&
		(strstr(type, "foreign") || strstr(type, "nondistributable"));
}

/* Whether an entry is to make way for the image under this name. */
static bool is_same(const json_t *entry, const json_t *descriptor, const char *name)
{
	const char *digest = record_get(entry, "digest");
	const char *other = record_get(json_object_get(entry, "annotations"), REF_NAME);

	return name ? other && !strcmp(other, name)
		    : digest && !strcmp(digest, record_get(descriptor, "digest"));
}

static void set_entry(json_t *manifests, const json_t *descriptor, const char *name)
{
	json_t *old;
	size_t i;

	json_array_foreach (manifests, i, old) {
		if (!is_same(old, descriptor, name))
			continue;
		if (name)
			json_array_set_new(manifests, i, oci_named(descriptor, name));
		return;
	}
	json_array_append_new(manifests, oci_named(descriptor, name));
}

int oci_tag(const struct oci *oci, const json_t *descriptor, const char *name, struct err *err)
{
	scratch char *path = path_join(oci->dir, "index.json");
	cleanup(json_release) json_t *index = NULL;
	scratch char *text = NULL;
	size_t n;
	int lock = open(oci->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = -1;

	if (lock < 0 || flock(lock, LOCK_EX)) {
		err_sys(err, "%s", oci->dir);
		goto out;
	}
	index = read_index(path, err);
	if (!index)
		goto out;
	set_entry(json_object_get(index, "manifests"), descriptor, name);
	text = json_text(index, &n);
	result = file_save(path, text, n, err) < 0 ? -1 : 0;
out:
	if (lock >= 0)
		close(lock);
	return result;
}
