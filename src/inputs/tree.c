#include "tree.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/mem.h"

#define DEPTH_LIMIT 32
#define NODES_LIMIT 100000
#define ANCHORS_LIMIT 1000

struct anchor {
	char *name;
	struct tree_node *node;
};

struct parser {
	struct tree *tree;
	const char *name;
	yaml_parser_t yaml;
	yaml_event_t event;
	bool has_event;
	size_t nodes;
	struct anchor *anchors;
	size_t n, cap;
	struct err *err;
};

static int bad(struct parser *p, size_t line, const char *why)
{
	return err_set(p->err, ERR_INPUT, "%s:%zu: %s", p->name, line, why);
}

/* The next event is in p->event and stays there until the following call. */
static int next_event(struct parser *p)
{
	if (p->has_event)
		yaml_event_delete(&p->event);
	p->has_event = yaml_parser_parse(&p->yaml, &p->event);
	if (!p->has_event) {
		size_t line = p->yaml.problem_mark.line + 1;

		return bad(p, line, p->yaml.problem ? p->yaml.problem : "is no YAML");
	}
	return 0;
}

static size_t event_line(const struct parser *p)
{
	return p->event.start_mark.line + 1;
}

static struct tree_node *add_node(struct parser *p, enum tree_kind kind)
{
	struct tree_node *node;

	if (++p->nodes > NODES_LIMIT) {
		bad(p, event_line(p), "more than 100000 values");
		return NULL;
	}
	node = xcalloc(1, sizeof *node);
	node->kind = kind;
	node->line = (unsigned)event_line(p);
	node->next = p->tree->all;
	p->tree->all = node;
	return node;
}

static int add_anchor(struct parser *p, const char *name, struct tree_node *node)
{
	if (p->n == ANCHORS_LIMIT)
		return bad(p, node->line, "more than 1000 anchors");
	grow(p->anchors, p->n, p->cap);
	p->anchors[p->n++] = (struct anchor){ xstrdup(name), node };
	return 0;
}

static struct tree_node *find_anchor(struct parser *p, const char *name)
{
	for (size_t i = p->n; i > 0; i--) {
		if (!strcmp(p->anchors[i - 1].name, name))
			return p->anchors[i - 1].node;
	}
	err_set(p->err, ERR_INPUT, "%s:%zu: no anchor is called \"%s\"", p->name, event_line(p),
		name);
	return NULL;
}

/* A plain scalar that YAML reads as null. */
static bool is_null(const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;

	return event->data.scalar.plain_implicit &&
		(!*text || !strcmp(text, "~") || !strcmp(text, "null") || !strcmp(text, "Null") ||
			!strcmp(text, "NULL"));
}

static struct tree_node *scalar(struct parser *p)
{
	const char *text = (const char *)p->event.data.scalar.value;
	struct tree_node *node;

	if (strlen(text) != p->event.data.scalar.length) {
		bad(p, event_line(p), "NUL character in a value");
		return NULL;
	}
	node = add_node(p, is_null(&p->event) ? TREE_NULL : TREE_TEXT);
	if (node && node->kind == TREE_TEXT)
		node->text = xstrdup(text);
	return node;
}

static void append(struct tree_node *node, struct tree_node *key, struct tree_node *item)
{
	if (node->n == node->cap) {
		node->cap = node->cap ? 2 * node->cap : 8;
		node->keys = xreallocarray(node->keys, node->cap, sizeof *node->keys);
		node->items = xreallocarray(node->items, node->cap, sizeof *node->items);
	}
	node->keys[node->n] = key;
	node->items[node->n++] = item;
}

static const struct tree_node *find_key(const struct tree_node *map, const char *text)
{
	for (size_t i = 0; i < map->n; i++) {
		if (!strcmp(map->keys[i]->text, text))
			return map->keys[i];
	}
	return NULL;
}

/* Adds what a map under "<<" has and node has not. */
static int merge(struct parser *p, struct tree_node *node, const struct tree_node *from)
{
	if (from->kind == TREE_LIST) {
		for (size_t i = 0; i < from->n; i++) {
			if (from->items[i]->kind == TREE_LIST || merge(p, node, from->items[i]))
				return bad(p, from->line, "<< takes maps");
		}
		return 0;
	}
	if (from->kind != TREE_MAP)
		return bad(p, from->line, "<< takes maps");
	for (size_t i = 0; i < from->n; i++) {
		if (find_key(node, from->keys[i]->text))
			continue;
		if (++p->nodes > NODES_LIMIT)
			return bad(p, from->line, "more than 100000 values");
		append(node, from->keys[i], from->items[i]);
	}
	return 0;
}

static struct tree_node *parse_node(struct parser *p, unsigned depth);

static struct tree_node *list(struct parser *p, unsigned depth)
{
	struct tree_node *node = add_node(p, TREE_LIST);

	while (node) {
		struct tree_node *item;

		if (next_event(p))
			return NULL;
		if (p->event.type == YAML_SEQUENCE_END_EVENT)
			break;
		item = parse_node(p, depth + 1);
		if (!item)
			return NULL;
		append(node, NULL, item);
	}
	return node;
}

/* One "key: value" of a map, whose key's event is at hand. */
static int map_entry(
	struct parser *p, struct tree_node *node, struct tree_node **merges, unsigned depth)
{
	struct tree_node *key = parse_node(p, depth + 1);
	struct tree_node *item;
	const struct tree_node *first;

	if (!key || next_event(p))
		return -1;
	if (key->kind != TREE_TEXT)
		return bad(p, key->line, "a key is a text");
	item = parse_node(p, depth + 1);
	if (!item)
		return -1;
	if (!strcmp(key->text, "<<")) {
		*merges = item;
		return 0;
	}
	first = find_key(node, key->text);
	if (first)
		return err_set(p->err, ERR_INPUT, "%s:%u: \"%s\" is there already, in line %u",
			p->name, key->line, key->text, first->line);
	append(node, key, item);
	return 0;
}

static struct tree_node *map(struct parser *p, unsigned depth)
{
	struct tree_node *node = add_node(p, TREE_MAP);
	struct tree_node *merges = NULL;

	while (node) {
		if (next_event(p))
			return NULL;
		if (p->event.type == YAML_MAPPING_END_EVENT)
			break;
		if (map_entry(p, node, &merges, depth))
			return NULL;
	}
	return node && merges && merge(p, node, merges) ? NULL : node;
}

/* The name of the anchor that the event at hand defines, or NULL. */
static const yaml_char_t *event_anchor(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return event->data.scalar.anchor;
	case YAML_SEQUENCE_START_EVENT:
		return event->data.sequence_start.anchor;
	case YAML_MAPPING_START_EVENT:
		return event->data.mapping_start.anchor;
	default:
		return NULL;
	}
}

static struct tree_node *parse_value(struct parser *p, unsigned depth)
{
	switch (p->event.type) {
	case YAML_SCALAR_EVENT:
		return scalar(p);
	case YAML_SEQUENCE_START_EVENT:
		return list(p, depth);
	default:
		return map(p, depth);
	}
}

/* The value whose first event is at hand. */
static struct tree_node *parse_node(struct parser *p, unsigned depth)
{
	const char *found = (const char *)event_anchor(&p->event);
	scratch char *anchor = found ? xstrdup(found) : NULL;
	struct tree_node *node;

	if (p->event.type == YAML_ALIAS_EVENT)
		return find_anchor(p, (const char *)p->event.data.alias.anchor);
	if (depth > DEPTH_LIMIT) {
		bad(p, event_line(p), "nested deeper than 32 levels");
		return NULL;
	}
	node = parse_value(p, depth);
	if (node && anchor && add_anchor(p, anchor, node))
		return NULL;
	return node;
}

/* Stream start, at most one document, stream end. */
static int parse_stream(struct parser *p)
{
	if (next_event(p) || next_event(p))
		return -1;
	if (p->event.type == YAML_STREAM_END_EVENT) {
		p->tree->root = add_node(p, TREE_NULL);
		return 0;
	}
	if (next_event(p) || !(p->tree->root = parse_node(p, 0)) || next_event(p) || next_event(p))
		return -1;
	if (p->event.type != YAML_STREAM_END_EVENT)
		return bad(p, event_line(p), "a second document; a file of settings has one");
	return 0;
}

int tree_parse(struct tree *tree, const char *name, const char *text, size_t n, struct err *err)
{
	struct tree made = { 0 };
	struct parser p = { .tree = &made, .name = name, .err = err };
	int result;

	if (!yaml_parser_initialize(&p.yaml))
		return err_set(err, ERR_FAILED, "%s: out of memory", name);
	yaml_parser_set_input_string(&p.yaml, (const unsigned char *)text, n);
	result = parse_stream(&p);
	if (p.has_event)
		yaml_event_delete(&p.event);
	yaml_parser_delete(&p.yaml);
	for (size_t i = 0; i < p.n; i++)
		free(p.anchors[i].name);
	free(p.anchors);
	if (result) {
		tree_release(&made);
		return -1;
	}
	*tree = made;
	return 0;
}

void tree_release(struct tree *tree)
{
	struct tree_node *node = tree->all;

	while (node) {
		struct tree_node *next = node->next;

		free(node->text);
		free(node->keys);
		free(node->items);
		free(node);
		node = next;
	}
	*tree = (struct tree){ 0 };
}
