#ifndef INPUTS_TREE_H
#define INPUTS_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * A small YAML document (one file of settings) as a tree that knows its lines. Anchors, aliases
 * and merge keys ("<<") work; an alias is the same node again. Limits: depth 32, 100000 nodes.
 */
enum tree_kind { TREE_NULL, TREE_TEXT, TREE_LIST, TREE_MAP };

struct tree_node {
	enum tree_kind kind;
	char *text; /* TREE_TEXT */
	unsigned line;
	struct tree_node **keys;  /* TREE_MAP: texts, in order, each once */
	struct tree_node **items; /* TREE_LIST, TREE_MAP */
	size_t n, cap;

	struct tree_node *next; /* private: all nodes of a tree */
};

/* All zero is a valid, empty one. */
struct tree {
	struct tree_node *root; /* TREE_NULL for an empty document */

	struct tree_node *all; /* private */
};

/* Parses text; name is what errors call it: ERR_INPUT NAME:LINE: what is wrong. */
int tree_parse(struct tree *tree, const char *name, const char *text, size_t n, struct err *err);
void tree_release(struct tree *tree);

#endif
