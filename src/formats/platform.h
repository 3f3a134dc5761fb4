#ifndef FORMATS_PLATFORM_H
#define FORMATS_PLATFORM_H

#include <stdbool.h>

#include "record.h"

/*
 * Platforms, written os[/arch[/variant]][:osversion] as ko and Docker do, and the "platform"
 * objects of an image index (image-spec, image-index.md). Parts that are not given are "".
 */
#define PLATFORM_PART 64

struct platform {
	char os[PLATFORM_PART], arch[PLATFORM_PART], variant[PLATFORM_PART], version[PLATFORM_PART];
};

/* Takes the text form apart. ERR_USAGE. The word "all" is not a platform. */
int platform_parse(struct platform *platform, const char *text, struct err *err);

/* From an object with os, architecture, variant, os.version: an index entry's "platform", or an
 * image config. Returns false where there is none that makes sense, or for "unknown/unknown", which
 * marks entries that are no images. */
bool platform_from(struct platform *platform, const json_t *object);

/* Whether an image for have is one for wanted: parts that wanted does not have match anything; a
 * Windows version X.Y.Z also matches X.Y.Z.B. */
bool platform_matches(const struct platform *wanted, const struct platform *have);

/* "linux/arm/v7". malloced. */
char *platform_text(const struct platform *platform);

/* A new object with architecture, os, os.version, variant, for an index. */
json_t *platform_json(const struct platform *platform);

#endif
