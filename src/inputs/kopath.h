#ifndef INPUTS_KOPATH_H
#define INPUTS_KOPATH_H

#include <stdbool.h>

#include "base/err.h"

/*
 * ko:// references: "ko://" and a Go import path, or a directory: "ko://./cmd/x", "ko:///abs/dir".
 */
#define KOPATH_SCHEME "ko://"

/* Whether text means a program: it starts with "ko://". */
bool kopath_is(const char *text);

/*
 * The path of a reference, checked so that it can be given to the go command and appear in a
 * repository name: no pattern ("..."), no version ("@v1"), no leading "-", no odd bytes. White
 * space and slashes at the end are dropped; directories are cleaned. text may come without the
 * scheme, as on a command line. where is "FILE:LINE:COLUMN" or NULL, for the error (ERR_INPUT).
 * malloced.
 */
char *kopath_parse(const char *text, const char *where, struct err *err);

/* Whether a path as kopath_parse() returns it is a directory: ".", "..", "./x", "../x" or "/x". */
bool kopath_is_dir(const char *path);

#endif
