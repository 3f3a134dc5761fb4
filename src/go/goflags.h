#ifndef GO_GOFLAGS_H
#define GO_GOFLAGS_H

#include "base/buf.h"
#include "base/err.h"

/*
 * Splits flags as the go command splits GOFLAGS (cmd/internal/quoted): at white space; a part that
 * begins with a single or double quote goes to the next such quote, taken as it stands. Beyond that
 * a value may be quoted, which go leaves broken: "-ldflags='-s -w'" is one flag. name says where
 * the text is from, for the error.
 */
int goflags_split(struct strs *flags, const char *text, const char *name, struct err *err);

/* -toolexec runs any program in place of the compiler, unseen by every fingerprint: refused, in
 * every spelling. name says where the flags are from. */
int goflags_check(const struct strs *flags, const char *name, struct err *err);

/* The same for the text of GOFLAGS, which go itself splits; NULL is fine. */
int goflags_check_text(const char *text, const char *name, struct err *err);

/* The values of the flag (without "-"), given as -NAME=VALUE, --NAME=VALUE or -NAME VALUE. */
void goflags_values(struct strs *values, const struct strs *flags, const char *flag);

#endif
