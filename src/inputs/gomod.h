#ifndef INPUTS_GOMOD_H
#define INPUTS_GOMOD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * go.mod and go.work (https://go.dev/ref/mod, "go.mod files" and "Workspaces"): the parts that say
 * which import path lives where. Reads files only and never runs go.
 */

/* The most bytes such a file may have; what the go command takes. */
#define GOMOD_LIMIT ((size_t)16 << 20)

struct gomod_require {
	char *path, *version;
};

struct gomod_replace {
	char *path, *version;          /* version NULL: all versions */
	char *target, *target_version; /* target_version NULL: target is a directory */
};

struct gomod {
	char *module; /* NULL in a go.work */
	unsigned module_line;
	char *go, *toolchain; /* NULL: not given */
	struct gomod_require *requires;
	size_t n_requires, cap_requires;
	struct gomod_replace *replaces;
	size_t n_replaces, cap_replaces;
	struct strs uses; /* go.work: directories as written */
};

enum gomod_kind { GOMOD_MOD, GOMOD_WORK };

/* Parses the text of a file called name. ERR_INPUT NAME:LINE: what is wrong. */
int gomod_parse(struct gomod *mod, enum gomod_kind kind, const char *name, const char *text,
	size_t n, struct err *err);
void gomod_release(struct gomod *mod);

#endif
