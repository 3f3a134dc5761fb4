#ifndef GO_BUILD_H
#define GO_BUILD_H

#include "base/buf.h"
#include "base/depfile.h"
#include "base/err.h"
#include "formats/record.h"

/*
 * Compiling programs that share directory, flags and environment, for one platform: one go build.
 *
 * A second look comes first: when no input of a program has another content than last time, go is
 * not started for it at all; when none of any program has, go is not started. Otherwise the
 * programs that are affected are given to one "go build", and "go list" runs beside it to learn
 * what they are made from now. If inputs change meanwhile, both are run again.
 */
struct go_group {
	const char *dir;      /* where go is run */
	const char *platform; /* "linux/amd64", "linux/arm/v7" */
	const char *builddir; /* executables are kept in BUILDDIR/go/KEY */
	struct strs flags;    /* for go build, -ldflags among them */
	struct strs env;      /* NAME=VALUE */
	struct records records;
	const struct records *found; /* where the references stand; may be NULL */
};

/*
 * Compiles what has to be, sets "executable", "hash" and "kodata" in each record's entry for the
 * platform, and adds all inputs to the depfile. On failure said holds go's own words; the programs
 * that could be compiled are kept, so that they are not compiled again next time.
 */
int go_group_build(
	struct go_group *group, struct depfile *depfile, struct buf *said, struct err *err);

/* Splits records into groups for a platform and frees them. */
struct go_groups {
	struct go_group *v;
	size_t n, cap;
};
int go_groups_make(struct go_groups *groups, const struct records *records, const char *platform,
	const char *builddir, const struct records *found, struct err *err);
void go_groups_release(struct go_groups *groups);

/* What GOOS and GOARCH say when both are set, else linux/amd64. malloced. */
char *go_default_platform(void);

#endif
