#ifndef BASE_DEPFILE_H
#define BASE_DEPFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

/*
 * Dependency files: what a result was made from, beyond what the graph says. Paths are files and
 * directories, relative to the working directory or absolute.
 *
 * DEPFILE_NINJA is gcc's form, "target: path path", read by ninja with deps = gcc, which compares
 * each path with all before it. DEPFILE_LINES is for thousands of paths: "ko-input: path" on a line
 * each, which ninja takes out of what a command prints, with deps = msvc. DEPFILE_MAKE
 * also adds each path to the variable ko.inputs, from which mk/ko.mk gives all of them an empty
 * recipe once: without a recipe GNU make searches its implicit rules for every single one, and a
 * path that was removed is an error. Paths that a variable cannot hold get theirs at once.
 *
 * Some names cannot be written in such a file at all (depfile.c says which). In place of them
 * stands DEPFILE_ALWAYS, which does not exist: ninja and make then run the step every time, and the
 * tool itself finds out whether there is something to do. Slower, never wrong.
 */
#define DEPFILE_ALWAYS "ko.name-that-cannot-be-written"

enum depfile_form { DEPFILE_NINJA, DEPFILE_LINES, DEPFILE_MAKE };

struct depfile {
	struct strs paths;
};

void depfile_add(struct depfile *depfile, const char *path);
/* The same for a path whose time of modification, in nanoseconds, is known. */
void depfile_add_seen(struct depfile *depfile, const char *path, int64_t mtime);

/* Writes the file, sorted and without duplicates, if that changes it; NULL: standard output. */
int depfile_write(struct depfile *depfile, const char *file, enum depfile_form form,
	const char *target, struct err *err);

void depfile_release(struct depfile *depfile);

/* Which dependency files a tool was asked for, and the rows of its option table for them. */
struct depfile_options {
	bool lines; /* to standard output; no row below is for it */
	const char *ninja, *make, *target;
};

#define DEPFILE_OPTIONS(o) \
	{ 0, "depfile", "FILE", OPT_STRING, &(o)->ninja, "write all inputs, for ninja" }, \
		{ 0, "make-depfile", "FILE", OPT_STRING, &(o)->make, \
			"write all inputs, for make" }, \
	{ \
		0, "depfile-target", "FILE", OPT_STRING, &(o)->target, \
			"what depends on them (default: the output)" \
	}

/* Writes those that were asked for; out is the target when none was named. */
int depfile_write_all(struct depfile *depfile, const struct depfile_options *options,
	const char *out, struct err *err);

#endif
