#ifndef GO_BUILD_H
#define GO_BUILD_H

#include "base/buf.h"
#include "base/depfile.h"
#include "base/err.h"
#include "formats/record.h"

/*
 * Compiles the programs of records: for each platform, those that share directory, flags and
 * environment by one go build. Sets "executable", "hash" and "kodata" in each record's entry for
 * the platform and adds all inputs to the depfile. found (may be NULL) says where references stand,
 * for messages.
 *
 * A second look comes first: a program of which no input has another content than last time is not
 * given to go, and when that is all of them, go is not started. Beside "go build" runs "go list",
 * to learn what the programs are made from now. If inputs change meanwhile, both are run again.
 *
 * On failure said holds go's own words; the programs that could be compiled are kept, so that they
 * are not compiled again next time.
 */
int go_build_all(const struct records *records, const struct strs *platforms, const char *builddir,
	const struct records *found, struct depfile *depfile, struct buf *said, struct err *err);

#endif
