#ifndef INPUTS_MANIFESTS_H
#define INPUTS_MANIFESTS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

/* The files that -f FILE, -f DIR and -f - mean. */
struct manifests {
	struct strs files; /* in the order given; directories in the order of names */
	struct strs dirs;  /* directories that were looked through */
};

/*
 * A named file may have any name; in directories those that end in .yaml, .yml or .json count, and
 * with recursive also those further down. What is not there is ERR_FAILED.
 */
int manifests_find(
	struct manifests *manifests, const struct strs *names, bool recursive, struct err *err);
void manifests_release(struct manifests *manifests);

#endif
