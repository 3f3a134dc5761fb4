#ifndef FORMATS_LAYER_H
#define FORMATS_LAYER_H

#include <jansson.h>

#include "base/depfile.h"
#include "cache.h"
#include "codec.h"
#include "oci.h"

/*
 * The layers of an image, as ko makes them: all owned by root, with times that are set, and with
 * the same bytes wherever they are made. A layer is an object with mediaType, digest, size, diffID,
 * kind and codec (see codec_title()).
 */
struct layer_maker {
	const struct oci *oci;
	const char *memo;        /* directory that notes which program became which layer */
	struct cache *cache;     /* of layers of all projects; may be NULL */
	const char *compression; /* for all records, whatever they say; may be NULL */
	struct codec codec;      /* the one in use */
	unsigned jobs;           /* threads; 0: one for each CPU */
	struct depfile *depfile; /* takes the files and directories that are read */
	struct strs *secrets;    /* takes paths in a data directory that look secret; may be NULL */
};

/*
 * kind "program": /ko-app/NAME, its build ID notes zeroed. hash is its content hash ("sha256:...");
 * when a layer of a program with this hash, name and capabilities is in the store or in the cache,
 * the program is not read at all. NULL: not known. capabilities may be NULL.
 */
json_t *layer_program(const struct layer_maker *maker, const char *path, const char *hash,
	const char *name, const char *platform, const struct strs *capabilities, struct err *err);

/*
 * kind "kodata": a directory at /var/run/ko, links in it followed; NULL: an empty one. A link may
 * point to where KO_DATA_PATH_ALLOWED_ROOT says, otherwise into the git checkout around, otherwise
 * into the directory itself. Times are KO_DATA_DATE_EPOCH, or 0.
 */
json_t *layer_kodata(
	const struct layer_maker *maker, const char *dir, const char *platform, struct err *err);

/* kind "data": a directory's content in the container's root; links stay links, and what is
 * executable stays it. */
json_t *layer_data(const struct layer_maker *maker, const char *dir, struct err *err);

#endif
