#ifndef GO_LIST_H
#define GO_LIST_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/proc.h"
#include "inputs.h"

/*
 * What "go list -deps" says about packages ("go help list"): of those whose sources can change, the
 * files and directories; of the others (the standard library, the read-only module cache, which
 * go.sum and GOROOT/VERSION stand for) nothing.
 */
struct go_package {
	char *importpath;
	char *dir;    /* absolute */
	bool changes; /* whether its sources can change; else it has no inputs */
	bool wanted;  /* named on the command line */
	bool main;
	char *error; /* go's words, or NULL */
	struct go_inputs inputs;
	struct strs ignored; /* names of sources that build constraints exclude */
	struct strs deps;    /* import paths of packages in the list that it depends on */
};

struct go_list {
	struct go_package *v;
	size_t n, cap;
	struct strs modules; /* go.mod files of modules whose sources can change, absolute */
	struct strs roots;   /* the directories of these modules */
};

/* What go knows about its surroundings. */
struct go_env {
	char *goroot, *gomodcache, *gowork, *goenv, *gomod, *goflags;
};

/* Fills in a struct proc that lists packages; argv holds the words, output what is printed. */
void go_list_command(struct proc *proc, struct strs *argv, const struct strs *flags,
	const struct strs *packages);

/* Reads what go list printed. */
int go_list_parse(struct go_list *list, const struct go_env *env, const char *text, size_t n,
	struct err *err);
void go_list_release(struct go_list *list);

/* Runs "go env" in dir. */
int go_env_load(struct go_env *go, const char *dir, const struct strs *env, struct err *err);
void go_env_release(struct go_env *go);

#endif
