#ifndef INPUTS_WORKSPACE_H
#define INPUTS_WORKSPACE_H

#include "gomod.h"

/*
 * The modules that import paths may belong to, and how go is run for them: with a go.work from its
 * directory, otherwise from the module's. Directories and files are shown relative to the working
 * directory ("." "cmd" "../.."), or absolute where the two have nothing in common.
 */

/* A module whose sources are in a directory of ours. */
struct workspace_module {
	char *dir;  /* where its go.mod is */
	char *file; /* that go.mod */
	struct gomod mod;

	/* private */
	char *path;   /* dir, absolute */
	bool outside; /* there is a go.work and it does not use this module */
};

/* All zero is a valid, empty one. */
struct workspace {
	char *gowork; /* go.work in use, or NULL */
	char *root;   /* directory of go.work, else of go.mod, else where the search began */
	struct workspace_module *modules; /* the one around the start first, where there is one */
	size_t n, cap;

	/* What the answers depend on, for a build graph. They may grow with each call below. */
	struct strs files;  /* go.mod and go.work files that were read */
	struct strs absent; /* looked for and not there; if they appear, answers may change */
	struct strs dirs;   /* directories that were searched for modules */

	/* private: absolute paths */
	char *cwd, *home, *top;
	bool walked;
	struct err skipped; /* what was wrong with a go.mod that was passed over */
};

/*
 * Finds go.work upwards from dir (GOWORK=off and GOWORK=/path/x.work are respected), else go.mod
 * upwards, else the modules in the tree below dir. Directories named vendor, testdata or
 * node_modules, or with "." or "_" in front, are not searched. No module at all is no error yet.
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
 * path, also one below the root that go.mod does not mention, or one that a go.mod requires (a
 * command from the module cache or vendor directory; go is then run for that go.mod). A directory
 * is relative to the root of the module that the workspace was found from. Otherwise ERR_INPUT:
 *
 *	WHERE: ko://PATH: import path does not match go.mod: module is MODULE (FILE); ...
 *
 * also where the module matches and has no such directory. where is "FILE:LINE:COLUMN" or NULL.
 */
int workspace_locate(struct workspace *ws, const char *path, const char *where,
	struct location *location, struct err *err);

/* The same for a directory relative to the working directory, as on a command line. */
int workspace_locate_dir(struct workspace *ws, const char *dir, const char *where,
	struct location *location, struct err *err);

/* The import path of a directory by the nearest go.mod, without a workspace. files and absent take
 * what was read and what was looked for. malloced in *importpath. */
int workspace_import_path(const char *dir, char **importpath, struct strs *files,
	struct strs *absent, struct err *err);

void location_release(struct location *location);
void workspace_release(struct workspace *ws);

#endif
