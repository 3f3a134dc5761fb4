#ifndef FORMATS_IMAGE_H
#define FORMATS_IMAGE_H

#include "oci.h"

/*
 * Images out of layers and a base: config, manifest, and for several platforms an index
 * (image-spec, config.md, manifest.md, image-index.md; Docker's schema 2 where the base has it).
 * Only metadata is read and written: no layer is looked at, ours or the base's.
 */

/*
 * Assembles the image of a record whose platforms have layers on the base of a base record (see
 * ko-base(1)), and puts config, manifests and index in the store. program is the name in /ko-app.
 *
 * Sets platforms[].manifest, image and baseImage. Platforms that the base does not have are left
 * without a manifest, as ko does; when that is all of them it is ERR_USAGE. SOURCE_DATE_EPOCH and
 * KO_DATA_DATE_EPOCH are honoured, as UTC.
 */
int image_assemble(const struct oci *oci, json_t *record, const json_t *base, const char *program,
	struct err *err);

/* Whether a media type is that of an index, or of an image's manifest, OCI's or Docker's. */
bool image_is_index(const char *media_type);
bool image_is_manifest(const char *media_type);

/*
 * The built-in base (see static.h): puts its config, manifests, index and layer in the store.
 * Returns a new base record with all its platforms, or NULL.
 */
json_t *image_static_base(const struct oci *oci, struct err *err);

/* Its platforms, in their order. */
void image_static_platforms(struct strs *platforms);

#endif
