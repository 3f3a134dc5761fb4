/*
 * YAML 1.1 as libyaml reads it, JSON included. A stream is taken apart at the lines "---", where
 * nothing can go on, and each document is read by the recognizer of simple YAML, or, when that
 * declines, by libyaml. A stream with directives ("%YAML"), which stand before such a line, is
 * libyaml's as a whole.
 *
 * The bytes of a reference are those of its scalar that spell the value as it is. Where no bytes do
 * (escapes, a value over several lines), all of the scalar between its quotes is meant.
 */
#include "yaml.h"

#include <jansson.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/buf.h"
#include "base/mem.h"
#include "events.h"
#include "kopath.h"
#include "simple.h"

static bool is_string(const yaml_event_t *event)
{
	const char *tag = (const char *)event->data.scalar.tag;

	return !tag || !strcmp(tag, "!") || !strcmp(tag, YAML_STR_TAG);
}

static bool is_reference(const yaml_event_t *event)
{
	const char *value = (const char *)event->data.scalar.value;

	return is_string(event) && kopath_is(value) && strlen(value) == event->data.scalar.length;
}

/* Narrows begin..end to the text of a block scalar: from the line after that of "|" or ">". */
static void inside_block(const char *text, size_t *begin, size_t *end)
{
	*begin += strcspn(text + *begin, "\r\n");
	*begin += strspn(text + *begin, " \r\n");
	while (*end > *begin && strchr(" \t\r\n", text[*end - 1]))
		--*end;
}

static void add_scalar(
	struct references *references, struct events *events, const yaml_event_t *event)
{
	static const enum yaml_style styles[] = {
		[YAML_SINGLE_QUOTED_SCALAR_STYLE] = YAML_SINGLE,
		[YAML_DOUBLE_QUOTED_SCALAR_STYLE] = YAML_DOUBLE,
		[YAML_LITERAL_SCALAR_STYLE] = YAML_BLOCK,
		[YAML_FOLDED_SCALAR_STYLE] = YAML_BLOCK,
	};
	const char *value = (const char *)event->data.scalar.value;
	enum yaml_style style = styles[event->data.scalar.style];
	size_t n = event->data.scalar.length;
	size_t begin = events_node_byte(events, event);
	size_t end = events_byte(events, &event->end_mark);

	while (n && strchr(" \t\r\n", value[n - 1]))
		n--;
	if (style == YAML_BLOCK) {
		inside_block(events->text, &begin, &end);
	} else if (style != YAML_PLAIN) {
		begin++;
		end--;
	}
	if (end - begin > n && !memcmp(events->text + begin, value, n) &&
		strchr(" \t\r\n", events->text[begin + n]))
		end = begin + n;
	references_add(references, value, n, begin, end, style);
}

static int read_events(struct references *references, struct events *events, struct err *err)
{
	yaml_event_type_t type;

	do {
		yaml_event_t event;

		if (events_next(events, &event, err))
			return -1;
		type = event.type;
		if (type == YAML_SCALAR_EVENT && is_reference(&event))
			add_scalar(references, events, &event);
		yaml_event_delete(&event);
	} while (type != YAML_STREAM_END_EVENT);
	return 0;
}

/* The line "---" after this one, or the end. */
static size_t next_document(const char *text, size_t at, size_t n)
{
	const char *p = text + at;

	while ((p = memmem(p, (size_t)(text + n - p), "\n---", 4))) {
		p += 4;
		if (p == text + n || strchr(" \t\r\n", *p))
			return (size_t)(p - 3 - text);
	}
	return n;
}

/*
 * A file that is called JSON has to be JSON, which is less than what YAML allows; the recognizer
 * declined it, which it does not do without reason.
 */
static int check_json(const struct events *events, struct err *err)
{
	size_t begin = events->begin;
	json_error_t error;
	json_t *json;

	if (starts_with(events->text + begin, "---"))
		begin += strcspn(events->text + begin, "\n");
	json = json_loadb(events->text + begin, events->end - begin, JSON_DECODE_ANY, &error);
	if (!json)
		return events_malformed(
			events, begin + (size_t)error.position, "JSON", error.text, err);
	json_decref(json);
	return 0;
}

/* A piece of the file that the recognizer declined. */
static int read_piece(struct references *references, const char *name, const char *text,
	size_t begin, size_t end, struct err *err)
{
	struct events events;
	int result;

	if (events_start(&events, name, text, begin, end, err))
		return -1;
	result = ends_with(name, ".json") ? check_json(&events, err) : 0;
	if (!result)
		result = read_events(references, &events, err);
	events_stop(&events);
	return result;
}

/* Up to where lines and columns are counted. */
struct place {
	size_t at, line, column;
};

static void locate(
	struct references *references, size_t first, const char *text, struct place *place)
{
	for (size_t i = first; i < references->n; i++) {
		struct reference *r = &references->v[i];

		events_move(text, place->at, r->begin, &place->line, &place->column);
		place->at = r->begin;
		r->line = place->line;
		r->column = place->column;
	}
}

/* Adds the references of each document. With a taker the list is emptied after each. */
static int read_documents(struct references *references, const char *name, const char *text,
	size_t n, const struct references_taker *taker, struct err *err)
{
	size_t bom = n >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;
	bool directives = text[bom] == '%' || memmem(text, n, "\n%", 2);
	struct place place = { bom, 1, 1 };

	for (size_t at = bom, end; at < n; at = end) {
		size_t first = references->n;

		end = directives ? n : next_document(text, at, n);
		if ((directives || !simple_references(references, text, at, end)) &&
			read_piece(references, name, text, at, end, err))
			return -1;
		locate(references, first, text, &place);
		if (!taker)
			continue;
		if (references->n && taker->take && taker->take(taker->arg, references, err))
			return -1;
		references->n = 0;
	}
	return 0;
}

int yaml_references(struct references *references, const char *name, const char *text, size_t n,
	struct err *err)
{
	return read_documents(references, name, text, n, NULL, err);
}

int yaml_each_document(const char *name, const char *text, size_t n, struct references_taker taker,
	struct err *err)
{
	struct references references = { 0 };
	int result = read_documents(&references, name, text, n, &taker, err);

	references_release(&references);
	return result;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The one copy of the text; in most files it is that of the reference before. */
static const char *intern(struct references *references, const char *text, size_t n)
{
	char *copy, **found;

	if (references->n) {
		const char *last = references->v[references->n - 1].text;

		if (!strncmp(last, text, n) && !last[n])
			return last;
	}
	copy = xstrndup(text, n);
	found = tsearch(copy, &references->texts, compare_texts);
	if (!found)
		abort();
	if (*found != copy)
		free(copy);
	return *found;
}

void references_add(struct references *references, const char *text, size_t n, size_t begin,
	size_t end, enum yaml_style style)
{
	const char *copy = intern(references, text, n);

	grow(references->v, references->n, references->cap);
	references->v[references->n++] =
		(struct reference){ .text = copy, .begin = begin, .end = end, .style = style };
}

void references_release(struct references *references)
{
	tdestroy(references->texts, free);
	free(references->v);
	*references = (struct references){ 0 };
}
