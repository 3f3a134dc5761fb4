#ifndef GO_FAULTS_H
#define GO_FAULTS_H

#include "group.h"
#include "list.h"
#include "state.h"

/* Programs that cannot be made, and why: two lists of the same length. */
struct faults {
	struct strs programs; /* import paths */
	struct strs reasons;
};

/* Takes over the malloced reason; of several for one program the first stays. */
void faults_add(struct faults *faults, const char *program, char *reason);

/* What go list says is wrong: no such package, not a program, excluded by build constraints, or
 * something of this kind about a package that a program depends on. */
void faults_of_list(struct faults *faults, const struct go_list *list, const struct go_env *env,
	const struct go_group *group);

/* Programs of which a package failed to compile, by what go build said; all programs of the state
 * when that names none. */
void faults_of_build(struct faults *faults, const struct state *state, const char *said);

/* The first in err, with the place of its reference; one line for each further one in said. */
int faults_report(const struct faults *faults, const struct go_group *group, struct buf *said,
	struct err *err);

void faults_release(struct faults *faults);

#endif
