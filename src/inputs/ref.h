#ifndef INPUTS_REF_H
#define INPUTS_REF_H

#include <stdbool.h>

#include "base/err.h"

/*
 * Image references: [host[:port]/]repository[:tag][@digest], by the grammar of the distribution
 * project (reference.go), which is stricter than what ko accepts: path components are lower-case
 * letters and digits joined by one ".", one or two "_", or any number of "-"; at most 255 bytes.
 * The first component is a host when it holds "." or ":" or is "localhost"; otherwise the host is
 * Docker Hub. Every way to write Docker Hub gives the host "index.docker.io", and its images of one
 * component are in "library/". All strings are owned; all zero is a valid, empty one.
 */
#define REF_HUB "index.docker.io"

struct image_ref {
	char *name; /* host and repository as they were written, for output: "docker.io/me/app" */
	char *host; /* "ghcr.io", "localhost:5000", "[::1]:5000", "index.docker.io" */
	char *repository; /* "library/debian"; NULL in a prefix that is a host alone */
	char *tag;        /* NULL: none */
	char *digest;     /* "sha256:..." (checked by digest_valid()), NULL: none */
};

/* Takes a reference apart. ERR_USAGE, one line with what is wrong with it. */
int ref_parse(struct image_ref *ref, const char *text, struct err *err);

/*
 * Takes apart what names a place for images, as KO_DOCKER_REPO does: a host, or a host and the
 * start of a repository ("us-docker.pkg.dev/project/images", "docker.io/me", "me" on Docker Hub).
 * A tag or a digest in it is refused. variable is what the error calls it.
 */
int ref_parse_prefix(
	struct image_ref *prefix, const char *variable, const char *text, struct err *err);

/* The repository called name below a prefix; name "" is the prefix itself, which then must have a
 * repository. Checks the result's grammar and length. */
int ref_under(
	struct image_ref *ref, const struct image_ref *prefix, const char *name, struct err *err);

/* What a place for images is, by its host: nothing is the store, "ko.local" an engine on this
 * machine, "kind.local" the nodes of a kind cluster. */
enum ref_place { REF_STORE, REF_REGISTRY, REF_ENGINE, REF_KIND };
enum ref_place ref_place(const char *prefix);

/* The reference in full: "host/repository[:tag][@digest]". malloced. */
char *ref_text(const struct image_ref *ref);

/* [A-Za-z0-9_][A-Za-z0-9._-]{0,127} */
bool ref_tag_valid(const char *tag);

/* Whether s may stand as (the rest of) a repository: components joined by "/". */
bool ref_repository_valid(const char *s);

void ref_release(struct image_ref *ref);

#endif
