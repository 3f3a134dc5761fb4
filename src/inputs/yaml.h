#ifndef INPUTS_YAML_H
#define INPUTS_YAML_H

#include <stddef.h>

#include "base/err.h"

/*
 * References in manifests: strings, values and keys alike, that start with "ko://". Found through
 * libyaml's events, so that comments, text inside longer strings and other tags do not count.
 */
struct reference {
	char *text;          /* the value without white space at its end */
	size_t begin, end;   /* the bytes of the file that spell it, without quotes */
	size_t line, column; /* from 1 */
};

struct references {
	struct reference *v;
	size_t n, cap;
};

/* Adds the references of a file's text. Malformed text is ERR_INPUT NAME:LINE:COLUMN. */
int yaml_references(struct references *references, const char *name, const char *text, size_t n,
	struct err *err);
void references_release(struct references *references);

#endif
