#ifndef INPUTS_PATCH_H
#define INPUTS_PATCH_H

#include "base/buf.h"
#include "formats/record.h"
#include "manifest.h"

/*
 * Appends the manifest's text with each reference replaced by the "ref" of the record that has it
 * among its "references"; all other bytes stay. A reference without one is ERR_INPUT
 * PATH:LINE:COLUMN.
 */
int patch_text(struct buf *out, const struct manifest *manifest, const struct records *records,
	struct err *err);

/* Appends a file's patched text to a stream of documents, with "---" where the stream needs it. */
void patch_join(struct buf *stream, const char *text, size_t n);

#endif
