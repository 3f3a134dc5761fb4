#ifndef GO_WHY_H
#define GO_WHY_H

#include "base/buf.h"
#include "base/err.h"
#include "formats/record.h"

/* Appends a line for each program and platform of records: whether it would be compiled and why, or
 * why it was compiled last. Starts no go. */
int go_why(struct buf *out, const struct records *records, const char *builddir, struct err *err);

#endif
