#ifndef INPUTS_PATCH_H
#define INPUTS_PATCH_H

#include <stdbool.h>

#include "base/spool.h"
#include "formats/record.h"
#include "manifest.h"

/* Which image each reference means, by the "references" and "ref" of records. */
struct images {
	struct image {
		const char *text, *ref; /* borrowed from the records */
	} * v;
	size_t n, cap;
};

/* All records at once; a record without a "ref" counts for nothing. */
void images_from(struct images *images, const struct records *records);
/* After images were added to the list by hand. */
void images_sort(struct images *images);
void images_release(struct images *images);

/* A stream of documents that patched files are added to. */
struct patch {
	const struct images *images;
	struct spool out;
	bool begun; /* it has a document */
};

/*
 * Adds the manifest's text with each reference replaced by its image, in the same quotes (or in
 * single ones where a plain scalar could not hold it), and without what a selector left out; all
 * other bytes stay. Between two files there is a line "---" where the second does not begin with
 * one. alone: it is the only file, and keeps its byte order mark and encoding. A reference without
 * an image is ERR_INPUT PATH:LINE:COLUMN.
 */
int patch_add(struct patch *patch, const struct manifest *manifest, bool alone, struct err *err);

#endif
