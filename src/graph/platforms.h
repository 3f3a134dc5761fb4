#ifndef GRAPH_PLATFORMS_H
#define GRAPH_PLATFORMS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "formats/record.h"

/*
 * The platforms that a program is built for, from the words that ask for them. Most words name one
 * platform. "all", "linux", "linux/arm" and "windows/amd64" name those of the base image that match
 * and that go compiles for, as with ko; then a base record (see ko-base(1)) has to say which.
 */

/* Whether the base's platforms have to be known. */
bool platforms_are_open(const struct strs *words);

/* The platforms of the base, in its order, that one of the words means. None is ERR_USAGE. */
int platforms_choose(
	struct strs *platforms, const struct strs *words, const json_t *base, struct err *err);

/* What base records are told apart by: a fingerprint of reference and words. malloced. */
char *platforms_base_id(const char *reference, const struct strs *words);

/* DIR/base.ID.json: where a graph in DIR keeps the base's record. malloced. */
char *platforms_base_file(const char *dir, const char *reference, const struct strs *words);

/* A new base record with nothing but the platforms of the built-in base. */
json_t *platforms_of_static(void);

#endif
