#ifndef GO_DEBUGGER_H
#define GO_DEBUGGER_H

#include "base/buf.h"
#include "base/err.h"
#include "formats/record.h"

/*
 * Delve for images that are to be debugged. Records ask for it by "debugger", a module and its
 * version. It is compiled from the module cache, or what GOPROXY says, like other programs: once
 * for each platform, version and Go, and kept below BUILDDIR/go.
 */
#define DEBUGGER_MODULE "github.com/go-delve/delve"

/* The version that is used where KO_DELVE_VERSION does not name one. */
#define DEBUGGER_VERSION "v1.27.2"

/* "MODULE@VERSION" of the debugger, malloced; NULL with ERR_USAGE when KO_DELVE_VERSION is none. */
char *debugger_wanted(struct err *err);

/* Whether there is a debugger for programs of this platform: linux/amd64 and linux/arm64, as ko. */
bool debugger_supports(const char *platform);

/*
 * Compiles the debuggers that records ask for, for those of the platforms that have one, and sets
 * "debugger", an object with "executable" and "hash", in the records' entries for these. On failure
 * said holds go's own words.
 */
int debugger_build(const struct records *records, const struct strs *platforms,
	const char *builddir, struct buf *said, struct err *err);

#endif
