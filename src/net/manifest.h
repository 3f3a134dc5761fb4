#ifndef NET_MANIFEST_H
#define NET_MANIFEST_H

#include <stddef.h>

#include "base/err.h"

#define MANIFEST_LIMIT ((size_t)4 << 20)

/*
 * Decides what a manifest that came from a registry is: image manifest or index, OCI or Docker
 * (image-spec, manifest.md, image-index.md; distribution, manifest v2 schema 2). content_type is
 * the header (NULL: none), which must agree with the content where both say something. Returns the
 * media type, static, or NULL with ERR_INPUT.
 */
const char *manifest_type(const char *content_type, const char *text, size_t n, struct err *err);

#endif
