#ifndef GO_MODULES_H
#define GO_MODULES_H

#include "inputs.h"
#include "list.h"

/*
 * What all programs of a group depend on besides packages: the module files (go.mod, go.sum,
 * go.work, vendor/modules.txt, those of local replacements and of other modules of the workspace),
 * also ones that would count if they appeared; the toolchain; the settings of "go env -w"; files
 * that flags name. dir is where go is run, flags what it gets, GOFLAGS's among them.
 */
void modules_inputs(struct go_inputs *inputs, const struct go_list *list, const struct go_env *env,
	const char *dir, const struct strs *flags);

#endif
