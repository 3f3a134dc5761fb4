#ifndef INPUTS_SELECT_H
#define INPUTS_SELECT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "selector.h"

/* What a selector leaves out of a file: ranges of bytes, in order, that do not overlap. */
struct cut {
	size_t begin, end;
};

struct cuts {
	struct cut *v;
	size_t n, cap;
	bool all; /* no document is left */
};

/*
 * Applies a selector to each document of a text that yaml_references() has read, and to each item
 * of documents of kind List; what does not match, empty documents and lists without an item that
 * matches are cut out, with lines of their own before and behind. A document that is no Kubernetes
 * object is ERR_INPUT NAME:LINE:COLUMN.
 */
int select_objects(struct cuts *cuts, const char *name, const char *text, size_t n,
	const struct selector *selector, struct err *err);

/* Whether the byte is in what is left out. */
bool cuts_hold(const struct cuts *cuts, size_t byte);
void cuts_release(struct cuts *cuts);

#endif
