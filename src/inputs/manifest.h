#ifndef INPUTS_MANIFEST_H
#define INPUTS_MANIFEST_H

#include <stdbool.h>

#include "base/buf.h"
#include "select.h"
#include "selector.h"
#include "yaml.h"

/* One file of manifests: its text, as UTF-8, and what of it does not count. */
struct manifest {
	const char *path; /* borrowed */
	struct buf text;
	struct cuts cuts;     /* what the selector leaves out */
	const char *encoding; /* "UTF-16LE", "UTF-16BE": what the file is in; NULL: UTF-8 */
	bool invalid;         /* no YAML, and that was to be passed over */
};

/*
 * Reads a file ("-": standard input) and applies the selector. Malformed ones are ERR_INPUT
 * PATH:LINE:COLUMN, here or when their references are read, unless skip_invalid, which takes them
 * as text without references.
 */
int manifest_load(struct manifest *manifest, const char *path, const struct selector *selector,
	bool skip_invalid, struct err *err);

/* The references, without those in what is cut, document by document as yaml_each_document(). */
int manifest_each_document(
	const struct manifest *manifest, struct references_taker taker, struct err *err);

void manifest_release(struct manifest *manifest);

/* Turns UTF-8 text, in place, into the encoding that the manifest's file is in. */
int manifest_encode(const struct manifest *manifest, struct buf *text, struct err *err);

#endif
