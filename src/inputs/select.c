/*
 * Each document becomes a small tree whose nodes know their bytes. A document reaches from its
 * first line ("---", a directive, or what is in it) to that of the next one, so comments behind it
 * are its own and those before the first document stay. What ends with "..." needs that line where
 * no "---" follows.
 *
 * An item of a list in block style begins behind the last line of the item before (so comments
 * above an item are its own) and ends with the last line of what is in it. One in flow style goes
 * with the comma before it, or, where it would be the first, with the one behind it.
 */
#include "select.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "events.h"

enum kind { SCALAR, SEQUENCE, MAPPING, ALIAS };

struct node {
	enum kind kind;
	bool flow;         /* a collection in brackets */
	bool plain;        /* a scalar without quotes */
	char *value;       /* of a scalar */
	char *anchor;      /* or NULL */
	struct node *next; /* in the list of all nodes, the newest first */
	size_t outer;      /* where it begins, with its anchor and tag */
	size_t begin, end; /* end: behind the last byte that is of the node */
	struct node **v;   /* items, or keys and values in turn */
	size_t n, cap;
	const struct node *target; /* of an alias; NULL: there is none */
};

struct document {
	size_t begin, end; /* end: where its "..." starts, else where the next one does */
	bool terminated;   /* has a "..." */
	struct node *root;
	struct node *nodes; /* all of them */
	void *anchors;      /* the last node with each anchor, in a tree of tsearch(3) */
};

static void keep_node(void *node)
{
	(void)node;
}

static void document_release(struct document *document)
{
	struct node *next;

	tdestroy(document->anchors, keep_node);
	for (struct node *node = document->nodes; node; node = next) {
		next = node->next;
		free(node->value);
		free(node->anchor);
		free(node->v);
		free(node);
	}
	*document = (struct document){ 0 };
}

static char *copy_of(const yaml_char_t *s)
{
	return s ? xstrdup((const char *)s) : NULL;
}

static int compare_anchors(const void *a, const void *b)
{
	return strcmp(((const struct node *)a)->anchor, ((const struct node *)b)->anchor);
}

static void set_anchor(struct document *document, struct node *node, const yaml_char_t *anchor)
{
	struct node **slot;

	if (!anchor)
		return;
	node->anchor = copy_of(anchor);
	slot = tsearch(node, &document->anchors, compare_anchors);
	if (!slot)
		abort();
	*slot = node;
}

static const struct node *find_anchor(const struct document *document, const yaml_char_t *anchor)
{
	scratch char *name = copy_of(anchor);
	const struct node key = { .anchor = name };
	struct node **slot = tfind(&key, &document->anchors, compare_anchors);

	return slot ? *slot : NULL;
}

static struct node *new_node(
	struct document *document, struct events *events, const yaml_event_t *event, enum kind kind)
{
	struct node *node = xcalloc(1, sizeof *node);

	node->kind = kind;
	node->outer = events_byte(events, &event->start_mark);
	node->begin = events_node_byte(events, event);
	node->end = events_byte(events, &event->end_mark);
	node->next = document->nodes;
	document->nodes = node;
	return node;
}

static struct node *read_node(struct document *document, struct events *events,
	const yaml_event_t *event, struct err *err);

/* Items up to the end event. A collection in block style ends where its last item does: libyaml
 * puts its end at what follows. */
static int read_items(struct document *document, struct events *events, struct node *node,
	yaml_event_type_t last, struct err *err)
{
	for (;;) {
		struct node *item;
		yaml_event_t event;

		if (events_next(events, &event, err))
			return -1;
		if (event.type == last) {
			node->end = events_byte(events, &event.end_mark);
			yaml_event_delete(&event);
			break;
		}
		item = read_node(document, events, &event, err);
		yaml_event_delete(&event);
		if (!item)
			return -1;
		grow(node->v, node->n, node->cap);
		node->v[node->n++] = item;
	}
	if (!node->flow)
		node->end = node->begin;
	for (size_t i = 0; !node->flow && i < node->n; i++) {
		/* Where nothing is written, libyaml gives the place of what comes next. */
		if (node->v[i]->end > node->v[i]->begin)
			node->end = node->v[i]->end;
	}
	return 0;
}

/* The tree that starts with the event; NULL: malformed. */
static struct node *read_node(struct document *document, struct events *events,
	const yaml_event_t *event, struct err *err)
{
	struct node *node;

	switch (event->type) {
	case YAML_ALIAS_EVENT:
		node = new_node(document, events, event, ALIAS);
		node->target = find_anchor(document, event->data.alias.anchor);
		return node;
	case YAML_SCALAR_EVENT:
		node = new_node(document, events, event, SCALAR);
		node->value = copy_of(event->data.scalar.value);
		set_anchor(document, node, event->data.scalar.anchor);
		node->plain = event->data.scalar.plain_implicit;
		return node;
	case YAML_SEQUENCE_START_EVENT:
		node = new_node(document, events, event, SEQUENCE);
		set_anchor(document, node, event->data.sequence_start.anchor);
		node->flow = event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
		return read_items(document, events, node, YAML_SEQUENCE_END_EVENT, err) ? NULL
											: node;
	default:
		node = new_node(document, events, event, MAPPING);
		set_anchor(document, node, event->data.mapping_start.anchor);
		node->flow = event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
		return read_items(document, events, node, YAML_MAPPING_END_EVENT, err) ? NULL
										       : node;
	}
}

/* The node that an alias means; others mean themselves. */
static const struct node *resolve(const struct node *node)
{
	return node && node->kind == ALIAS && node->target ? node->target : node;
}

static bool is_scalar(const struct node *node, const char *value)
{
	return node && node->kind == SCALAR && !strcmp(node->value, value);
}

/* The value of a key of a mapping, or NULL; depth: how many merges ("<<") it may come through. */
static const struct node *get(const struct node *map, const char *key, int depth)
{
	const struct node *value = NULL;

	map = resolve(map);
	if (!map || map->kind != MAPPING)
		return NULL;
	for (size_t i = 0; i + 1 < map->n; i += 2) {
		if (is_scalar(map->v[i], key))
			return resolve(map->v[i + 1]);
	}
	for (size_t i = 0; depth && !value && i + 1 < map->n; i += 2) {
		if (is_scalar(map->v[i], "<<"))
			value = get(map->v[i + 1], key, depth - 1);
	}
	return value;
}

#define MERGES 8

static const char *label(const void *object, const char *key)
{
	const struct node *value = get(object, key, MERGES);

	return value && value->kind == SCALAR ? value->value : NULL;
}

static bool matches(const struct node *object, const struct selector *selector)
{
	const struct node *metadata = get(object, "metadata", MERGES);

	return selector_matches(selector, label, get(metadata, "labels", MERGES));
}

static bool is_null(const struct node *node)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };

	for (size_t i = 0; node->kind == SCALAR && node->plain && i < countof(nulls); i++) {
		if (!strcmp(node->value, nulls[i]))
			return true;
	}
	return false;
}

static int complain(
	const struct events *events, const struct node *node, const char *what, struct err *err)
{
	size_t bom = strncmp(events->text, "\xef\xbb\xbf", 3) ? 0 : 3, line = 1, column = 1;

	events_move(events->text, bom, node->begin, &line, &column);
	return err_set(err, ERR_INPUT, "%s:%zu:%zu: %s", events->name, line, column, what);
}

/* The kind of an object; NULL: it is none. */
static const char *kind_of(const struct events *events, const struct node *object, struct err *err)
{
	const struct node *version = get(object, "apiVersion", MERGES);
	const struct node *kind = get(object, "kind", MERGES);

	if (version && version->kind == SCALAR && kind && kind->kind == SCALAR)
		return kind->value;
	complain(events, object,
		"not a Kubernetes object: it has no apiVersion and kind, so the selector cannot be "
		"applied",
		err);
	return NULL;
}

static void add_cut(struct cuts *cuts, size_t begin, size_t end)
{
	if (cuts->n && cuts->v[cuts->n - 1].end == begin) {
		cuts->v[cuts->n - 1].end = end;
	} else if (begin < end) {
		grow(cuts->v, cuts->n, cuts->cap);
		cuts->v[cuts->n++] = (struct cut){ begin, end };
	}
}

static size_t line_begin(const char *text, size_t p)
{
	while (p && text[p - 1] != '\n')
		p--;
	return p;
}

/* The line that the byte p is on, and lines of comments and blank ones above it. */
static size_t lines_begin(const char *text, size_t p)
{
	for (size_t line = p = line_begin(text, p); line; p = line) {
		line = line_begin(text, line - 1);
		if (!strchr("#\r\n", text[line + strspn(text + line, " \t")]))
			break;
	}
	return p;
}

/* Behind the line that the byte before p is on. */
static size_t line_end(const char *text, size_t p)
{
	if (p && text[p - 1] == '\n')
		return p;
	p += strcspn(text + p, "\n");
	return p + (text[p] == '\n');
}

static void cut_block_items(
	struct cuts *cuts, const char *text, const struct node *list, const bool *keep)
{
	size_t begin = lines_begin(text, list->begin), end = list->begin + 1;

	for (size_t i = 0; i < list->n; i++) {
		const struct node *item = list->v[i];
		size_t next;

		if (item->end > item->begin)
			end = item->end;
		else if (item->begin > end)
			end = item->begin;
		next = line_end(text, end);
		if (!keep[i])
			add_cut(cuts, begin, next);
		begin = next;
	}
}

/* One item is kept, at least. */
static void cut_flow_items(struct cuts *cuts, const struct node *list, const bool *keep)
{
	bool kept = false;

	for (size_t i = 0; i < list->n; i++) {
		kept |= keep[i];
		if (!keep[i] && kept)
			add_cut(cuts, list->v[i - 1]->end, list->v[i]->end);
		else if (!keep[i])
			add_cut(cuts, list->v[i]->outer, list->v[i + 1]->outer);
	}
}

/* An alias that is kept while its anchor is left out would make the text malformed. */
static int check_aliases(const struct document *document, const struct events *events,
	const struct cuts *cuts, struct err *err)
{
	for (const struct node *n = document->nodes; n; n = n->next) {
		if (n->kind == ALIAS && !cuts_hold(cuts, n->begin) &&
			cuts_hold(cuts, resolve(n)->begin))
			return complain(events, n,
				"this alias means something that the selector leaves out", err);
	}
	return 0;
}

/* Cuts items out; whether one is left. -1 on error. */
static int select_items(struct cuts *cuts, const struct document *document,
	const struct events *events, const struct selector *selector, struct err *err)
{
	const struct node *list = get(document->root, "items", 0);
	scratch bool *keep = NULL;
	bool any = false;

	if (!list || list->kind != SEQUENCE)
		return complain(events, document->root, "a List without a sequence of items", err);
	keep = xcalloc(list->n + 1, sizeof *keep);
	for (size_t i = 0; i < list->n; i++) {
		const struct node *item = resolve(list->v[i]);

		if (!is_null(item) && !kind_of(events, item, err))
			return -1;
		keep[i] = !is_null(item) && matches(item, selector);
		any |= keep[i];
	}
	if (!any)
		return 0;
	if (list->flow)
		cut_flow_items(cuts, list, keep);
	else
		cut_block_items(cuts, events->text, list, keep);
	return check_aliases(document, events, cuts, err) ? -1 : 1;
}

/* Whether something of the document is left, after its items were cut out. -1 on error. */
static int select_document(struct cuts *cuts, const struct document *document,
	const struct events *events, const struct selector *selector, struct err *err)
{
	const char *kind;

	if (is_null(document->root))
		return 0;
	kind = kind_of(events, document->root, err);
	if (!kind)
		return -1;
	if (!strcmp(kind, "List"))
		return select_items(cuts, document, events, selector, err);
	return matches(document->root, selector);
}

/* Reads one document. Returns 1 when there was none any more. */
static int read_document(struct document *document, struct events *events, struct err *err)
{
	yaml_event_type_t type;
	yaml_event_t event;

	do {
		if (events_next(events, &event, err))
			return -1;
		type = event.type;
		if (type == YAML_DOCUMENT_START_EVENT) {
			document->begin = events_byte(events, &event.start_mark);
		} else if (type == YAML_DOCUMENT_END_EVENT) {
			document->end = events_byte(events, &event.start_mark);
			document->terminated = !event.data.document_end.implicit;
		} else if (type != YAML_STREAM_START_EVENT && type != YAML_STREAM_END_EVENT) {
			document->root = read_node(document, events, &event, err);
			if (!document->root)
				type = YAML_NO_EVENT;
		}
		yaml_event_delete(&event);
		if (type == YAML_STREAM_END_EVENT || type == YAML_NO_EVENT)
			return type == YAML_NO_EVENT ? -1 : 1;
	} while (type != YAML_DOCUMENT_END_EVENT);
	return 0;
}

/* What goes on after a document is known only with the next one. */
struct selection {
	struct cuts *cuts;
	const char *text;
	bool any; /* a document is kept */
	bool cut; /* the last document is to be left out */
	size_t begin, end;
	bool terminated;
};

/* Leaves the last document out, up to where the next one begins. */
static void finish(struct selection *s, size_t next, size_t n)
{
	bool needs_end = s->any && s->terminated && next < n && strncmp(s->text + next, "---", 3);

	if (s->cut)
		add_cut(s->cuts, s->begin, needs_end ? s->end : next);
	s->cut = false;
}

static int select_next(struct selection *s, struct events *events, const struct selector *selector,
	struct err *err)
{
	cleanup(document_release) struct document document = { 0 };
	int kept, status = read_document(&document, events, err);

	if (status) {
		if (status > 0)
			finish(s, events->end, events->end);
		return status;
	}
	finish(s, document.begin, events->end);
	kept = select_document(s->cuts, &document, events, selector, err);
	if (kept < 0)
		return -1;
	s->any |= kept;
	s->cut = !kept;
	s->begin = document.begin;
	s->end = document.end;
	s->terminated = document.terminated;
	return 0;
}

int select_objects(struct cuts *cuts, const char *name, const char *text, size_t n,
	const struct selector *selector, struct err *err)
{
	size_t bom = strncmp(text, "\xef\xbb\xbf", 3) ? 0 : 3;
	struct selection selection = { .cuts = cuts, .text = text };
	struct events events;
	int status;

	if (events_start(&events, name, text, bom, n, err))
		return -1;
	do
		status = select_next(&selection, &events, selector, err);
	while (!status);
	events_stop(&events);
	cuts->all = !selection.any;
	return status < 0 ? -1 : 0;
}

bool cuts_hold(const struct cuts *cuts, size_t byte)
{
	size_t low = 0, high = cuts->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (cuts->v[middle].end <= byte)
			low = middle + 1;
		else
			high = middle;
	}
	return low < cuts->n && cuts->v[low].begin <= byte;
}

void cuts_release(struct cuts *cuts)
{
	free(cuts->v);
	*cuts = (struct cuts){ 0 };
}
