#ifndef GO_STATE_H
#define GO_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/depfile.h"
#include "base/err.h"
#include "base/stamp.h"
#include "formats/digest.h"
#include "formats/fingerprint.h"
#include "inputs.h"
#include "list.h"

/*
 * What the programs of a group were made from, with fingerprints, so that a second look can tell
 * whether anything that matters has changed. A unit is a package whose sources can change, or, with
 * the empty name, what all programs share: go.mod files, the toolchain.
 */

struct input {
	enum input_kind kind;
	char *path; /* as in inputs.h; relative to the working directory where it lies inside */
	struct stamp stamp;
	char print[FINGERPRINT_SIZE];
};

struct unit {
	char *name;
	struct input *v;
	size_t n, cap;
	const char *cause; /* path of an input with another content; borrowed */
	bool changed;
};

struct program {
	char *importpath;
	size_t *units; /* indices */
	size_t n, cap;
	char *executable;
	struct stamp stamp;
	char hash[DIGEST_SIZE];
	char *dir;    /* of the package */
	char *reason; /* why it was compiled, in a few words */
	bool whole;   /* the executable is the one noted */
	bool changed; /* has to be compiled */
};

struct state {
	struct unit *units;
	size_t unit_count, unit_cap;
	struct program *programs;
	size_t program_count, program_cap;
	bool touched; /* differs from what was loaded */
};

/* Reads what state_save() wrote; a missing or unreadable file is an empty state. */
void state_load(struct state *state, const char *path);
int state_save(const struct state *state, const char *path, struct err *err);
void state_release(struct state *state);

/* Looks at all inputs again: marks units and programs whose inputs have another content, and takes
 * over the stamps of those that were only touched. The others stay as they were noted, so that a
 * program that is not made now is still out of date next time. */
void state_look(struct state *state);

struct program *state_program(const struct state *state, const char *importpath);

/* After state_look(): why a program (NULL: one that is not in the state) has to be compiled, in a
 * few words, malloced; NULL when it has not to be. */
char *state_reason(const struct state *state, const struct program *program);

/* Adds a unit for each package of the list and one for what is common, and the program for each
 * main package that was wanted. Fingerprints of files with the same stamp are taken from old. */
void state_add_list(struct state *state, const struct go_list *list, const struct go_inputs *common,
	const struct state *old);

/* Copies the programs that are not there yet, as far as their executables still are, with their
 * units. One that is out of date stays so, and keeps its executable's name. */
void state_copy_others(struct state *state, const struct state *from);

/*
 * Whether no input changed after the moment since: its stamp is the one noted, and it is older than
 * that moment or was known before, by old. Directories may change in ways that do not matter.
 */
bool state_settled(const struct state *state, const struct state *old, int64_t since);

/* Adds all that the programs depend on, their executables too: if one is removed, it is missed. */
void state_depends(
	const struct state *state, const struct strs *importpaths, struct depfile *depfile);

#endif
