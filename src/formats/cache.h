#ifndef FORMATS_CACHE_H
#define FORMATS_CACHE_H

#include <jansson.h>
#include <stdint.h>

#include "digest.h"
#include "oci.h"

/*
 * Layers that were made before on this machine, by the same user, for whatever project: a directory
 * with two files for each, KEY.json (its description) and KEY.layer (the blob, as a rule the same
 * file as in the stores that use it).
 *
 * Files appear whole and by rename, and any of them may go at any time, so that processes need not
 * wait for each other: what is not complete is not there. Size and digest of a blob are checked
 * when it is taken; one that is damaged is removed. The files used longest ago are removed when all
 * together have more than `limit` bytes.
 *
 * A cache that cannot be used is no error: it is done without, and `trouble` says why.
 */
struct cache {
	char *dir; /* NULL: none */
	uint64_t limit;
	struct err trouble; /* the last one; class ERR_NONE: none */
};

/*
 * As KO_CACHE_DIR ("off": none; default: ko in XDG_CACHE_HOME, which is ~/.cache by default) and
 * KO_CACHE_SIZE (bytes, or with K, M, G or T; default 2G) say. ERR_USAGE when they are wrong.
 */
int cache_open(struct cache *cache, struct err *err);
void cache_release(struct cache *cache);

/* Brings a layer into the store and returns its description as it was given to cache_put(), or
 * NULL. */
json_t *cache_get(struct cache *cache, const char *key, const struct oci *oci);

/* Remembers a layer that is in the store. */
void cache_put(struct cache *cache, const char *key, const struct oci *oci, const json_t *layer);

#endif
