#ifndef INPUTS_SELECTOR_H
#define INPUTS_SELECTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Label selectors of Kubernetes, all of the syntax that kubectl -l takes (apimachinery,
 * pkg/labels/selector.go): requirements between commas, all of which must hold.
 *
 *	KEY  !KEY  KEY=VALUE  KEY==VALUE  KEY!=VALUE  KEY in (A,B)  KEY notin (A,B)  KEY>N  KEY<N
 */
enum selector_operator {
	SELECTOR_IN,     /* also = and == */
	SELECTOR_NOT_IN, /* also != */
	SELECTOR_EXISTS,
	SELECTOR_ABSENT,
	SELECTOR_GREATER,
	SELECTOR_LESS,
};

struct requirement {
	char *key;
	enum selector_operator operator;
	struct strs values;
};

/* All zero matches everything. */
struct selector {
	struct requirement *v;
	size_t n, cap;
};

/* Malformed ones are ERR_USAGE. The selector is to be released in either case. */
int selector_parse(struct selector *selector, const char *text, struct err *err);

/* value() gives the value that an object has for a label, or NULL. */
bool selector_matches(const struct selector *selector,
	const char *(*value)(const void *object, const char *key), const void *object);
void selector_release(struct selector *selector);

#endif
