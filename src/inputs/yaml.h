#ifndef INPUTS_YAML_H
#define INPUTS_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * References in manifests: strings, values and keys alike, that start with "ko://". Comments, text
 * inside longer strings and scalars with other tags do not count.
 */

/* How the scalar is written that a reference is in. In JSON strings are YAML_DOUBLE. */
enum yaml_style {
	YAML_PLAIN,
	YAML_SINGLE,
	YAML_DOUBLE,
	YAML_BLOCK, /* after | or > */
};

struct reference {
	const char *text;    /* the value without white space at its end; owned by the list */
	size_t begin, end;   /* the bytes of the file that spell it, without quotes */
	size_t line, column; /* from 1, of begin; columns in characters */
	enum yaml_style style;
};

struct references {
	struct reference *v;
	size_t n, cap;
	void *texts; /* each different text once, in a tree of tsearch(3) */
};

/* The most collections inside each other; real manifests have a dozen. */
#define YAML_DEPTH_LIMIT 1000

/*
 * Adds the references of a file, in the order of the text, which is UTF-8 with or without a byte
 * order mark and has a NUL after its n bytes. Malformed text is ERR_INPUT NAME:LINE:COLUMN.
 */
int yaml_references(struct references *references, const char *name, const char *text, size_t n,
	struct err *err);

/*
 * The same with the references of one document in memory at a time: take() gets those of each that
 * has any and may change the list. NULL: they are only looked for, to see whether all is well.
 */
struct references_taker {
	int (*take)(void *arg, struct references *references, struct err *err);
	void *arg;
};

int yaml_each_document(const char *name, const char *text, size_t n, struct references_taker taker,
	struct err *err);

/* Adds one; text (not terminated, n bytes) is copied. Line and column are left at 0. */
void references_add(struct references *references, const char *text, size_t n, size_t begin,
	size_t end, enum yaml_style style);
void references_release(struct references *references);

#endif
