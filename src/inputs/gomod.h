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

/* A module whose sources are in a directory of ours. */
struct workspace_module {
	char *dir;  /* where its go.mod is */
	char *file; /* that go.mod */
	struct gomod mod;
};

/*
 * The modules that import paths may belong to, and how go is run for them: with a go.work from its
 * directory, otherwise from the module's. Directories and files are relative to the working
 * directory where they lie inside it or not far above it ("." "cmd" "../.."), else absolute.
 * All zero is a valid, empty one.
 */
struct workspace {
	char *start;  /* absolute directory the search began in */
	char *gowork; /* go.work in use, or NULL */
	char *root;   /* where the search ended: directory of go.work, else of go.mod, else start */
	struct workspace_module *modules; /* the one around start first */
	size_t n, cap;
	bool walked; /* the tree below root was searched for modules */

	/* What the answers depend on, for a build graph. They may grow with each call below. */
	struct strs files; /* go.mod and go.work files that were read */
	struct strs
		absent;   /* files looked for and not there; their appearance changes the answer */
	struct strs dirs; /* directories that were searched for modules */
};

/*
 * Finds go.work upwards from dir (GOWORK=off, GOWORK=/path/x.work are respected), else go.mod
 * upwards, else the modules in the tree below dir (not below .git, vendor, testdata, node_modules
 * and other names that start with "." or "_"). No module at all is not yet an error.
 */
int workspace_find(struct workspace *ws, const char *dir, struct err *err);

/* Where a program is. Strings are owned. */
struct location {
	char *importpath; /* the real one, also for a directory */
	char *dir;        /* in which go must be run for it */
	char *package;    /* directory of the package; NULL when it belongs to a required module */
};

/*
 * Finds the module that a path of kopath_parse() belongs to: the module with the longest matching
 * path, also one below the root that go.mod does not mention, or one that some go.mod requires (a
 * command from the module cache or vendor directory; go is then run for that go.mod). A directory
 * is relative to the root of the module that the workspace was found from. Otherwise ERR_INPUT:
 *
 *	WHERE: ko://PATH: import path does not match go.mod: module is MODULE (FILE); ...
 *
 * also when the module matches and has no such directory. where is "FILE:LINE:COLUMN" or NULL.
 */
int workspace_locate(struct workspace *ws, const char *path, const char *where,
	struct location *location, struct err *err);

/* The same for a directory relative to the working directory, as on a command line. */
int workspace_locate_dir(struct workspace *ws, const char *dir, const char *where,
	struct location *location, struct err *err);

void location_release(struct location *location);
void workspace_release(struct workspace *ws);

#endif
