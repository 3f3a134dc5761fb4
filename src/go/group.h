#ifndef GO_GROUP_H
#define GO_GROUP_H

#include "base/buf.h"
#include "base/err.h"
#include "formats/platform.h"
#include "formats/record.h"

/* Programs that one go build can make: the same directory, flags, environment and platform. */
struct go_group {
	const char *dir;      /* where go is run */
	const char *platform; /* "linux/amd64", "linux/arm/v7" */
	const char *builddir; /* executables are kept in BUILDDIR/go/KEY */
	struct strs flags;    /* for go build, -ldflags among them */
	struct strs env;      /* NAME=VALUE */
	struct records records;
	const struct records *found; /* where the references stand; may be NULL */
};

struct go_groups {
	struct go_group *v;
	size_t n, cap;
};

/* Splits records; what the groups point at is borrowed. -toolexec in any flags is ERR_USAGE. */
int go_groups_make(struct go_groups *groups, const struct records *records, const char *platform,
	const char *builddir, const struct records *found, struct err *err);
void go_groups_release(struct go_groups *groups);

/* Where the group's executables and state are: BUILDDIR/go/ and a fingerprint of all that decides
 * over go's result but files. malloced. */
char *go_group_dir(const struct go_group *group);

/* The file that "go env -w" has written, by GOENV, XDG_CONFIG_HOME and HOME. malloced; NULL: none.
 */
char *go_settings_file(void);

/* Adds what go's environment gets for a platform: CGO_ENABLED=0 unless the user has set it, GOOS,
 * GOARCH, and GOARM or GOAMD64 by the variant, as ko does. */
int go_platform_environment(struct strs *env, const char *platform, struct err *err);

/* Whether go compiles for a platform of an image. */
bool go_knows_platform(const struct platform *platform);

/* KO_DEFAULTPLATFORMS, else what GOOS and GOARCH say when both are set, else linux/amd64. */
void go_default_platforms(struct strs *platforms);

#endif
