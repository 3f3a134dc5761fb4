#ifndef FORMATS_OCI_H
#define FORMATS_OCI_H

#include <stdbool.h>

#include "base/file.h"
#include "digest.h"
#include "record.h"

/*
 * The store: a directory in the OCI image layout (image-spec, image-layout.md). Blobs have their
 * digest as name, appear whole, and are never changed (layers have no write permission), so any
 * number of tools may use one store at the same time, and a blob may be a link to one elsewhere.
 * Only blobs that were needed are there: a base layer that the destination has already may be
 * missing.
 */
struct oci {
	char *dir;
};

/* Media types (image-spec, media-types.md; distribution's Docker ones). */
#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define OCI_LAYER_TAR "application/vnd.oci.image.layer.v1.tar"
#define OCI_LAYER_GZIP "application/vnd.oci.image.layer.v1.tar+gzip"
#define OCI_LAYER_ZSTD "application/vnd.oci.image.layer.v1.tar+zstd"
#define DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
#define DOCKER_LAYER_GZIP "application/vnd.docker.image.rootfs.diff.tar.gzip"

/* The content of the file oci-layout. */
#define OCI_LAYOUT_TEXT "{\"imageLayoutVersion\":\"1.0.0\"}"

/* The most bytes a manifest, index or config may have. */
#define OCI_JSON_LIMIT ((size_t)8 << 20)

/* Opens the store, making directory, oci-layout and blobs/sha256 where they are missing. */
int oci_open(struct oci *oci, const char *dir, struct err *err);
void oci_release(struct oci *oci);

/* Where the blob is or would be. digest must be valid. malloced. */
char *oci_path(const struct oci *oci, const char *digest);

/* Whether the blob is there with this size (size < 0: any). */
bool oci_has(const struct oci *oci, const char *digest, json_int_t size);

/* Stores bytes that are at hand and gives their digest. */
int oci_put(const struct oci *oci, const void *bytes, size_t n, char digest[DIGEST_SIZE],
	struct err *err);

/* Stores the compact text of a JSON value and returns its descriptor as a new object, or NULL. */
json_t *oci_put_json(
	const struct oci *oci, const json_t *json, const char *media_type, struct err *err);

/* Reads a manifest, index or config (up to OCI_JSON_LIMIT), checks the digest and parses. New
 * reference, or NULL. text, when not NULL, also takes the raw bytes. */
json_t *oci_get_json(const struct oci *oci, const char *digest, struct buf *text, struct err *err);

/* A blob whose digest is known only at its end: begin, write to draft.fd, commit. */
int oci_begin(const struct oci *oci, struct file_draft *draft, struct err *err);
int oci_commit(
	const struct oci *oci, struct file_draft *draft, const char *digest, struct err *err);

/*
 * Takes a blob over from a file that nobody writes to, by a link where that can be. Its content is
 * checked. Returns 0 (also when the blob is there already), 1 when there is no such file or it is
 * damaged, -1 with err.
 */
int oci_take(const struct oci *oci, const char *file, const char *digest, json_int_t size,
	struct err *err);

/*
 * Lists an image in index.json under a name (annotation org.opencontainers.image.ref.name), in
 * place of what had this name; name NULL: without one, where it is not listed at all. Other entries
 * stay. Safe against others doing the same at once.
 */
int oci_tag(const struct oci *oci, const json_t *descriptor, const char *name, struct err *err);

/* The entry that oci_tag() makes: the descriptor under a name (NULL: without one). New. */
json_t *oci_named(const json_t *descriptor, const char *name);

/* Whether a layer is one that is never copied: it has addresses of its own ("foreign"). */
bool oci_is_foreign(const json_t *descriptor);

#endif
