#ifndef GO_GOFLAGS_H
#define GO_GOFLAGS_H

#include "base/buf.h"
#include "base/err.h"

/*
 * Splits flags as the go command splits GOFLAGS: at white space, where a part in single or double
 * quotes is taken as it is ("-ldflags='-s -w'" is one flag; go, cmd/internal/quoted). name says
 * where the text is from, for the error.
 */
int goflags_split(struct strs *flags, const char *text, const char *name, struct err *err);

/* -toolexec runs any program in place of the compiler, unseen by every fingerprint: refused, in
 * every spelling. name says where the flags are from. */
int goflags_check(const struct strs *flags, const char *name, struct err *err);

#endif
