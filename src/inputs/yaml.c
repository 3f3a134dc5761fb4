/*
 * YAML 1.1 as libyaml reads it (JSON is a subset). libyaml's marks count characters; we need bytes,
 * and since events come in the order of the text, one cursor that moves over the bytes once gives
 * them. A byte order mark is not counted by libyaml.
 *
 * The bytes of a reference are those inside its scalar that spell the value as it is. Where no
 * bytes do (escapes, a value over several lines), all of the scalar between its quotes is meant.
 */
#include "yaml.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/buf.h"
#include "base/mem.h"
#include "kopath.h"

/* The most collections inside each other; real manifests have a dozen. */
#define DEPTH_LIMIT 1000

struct cursor {
	const char *text;
	size_t length;
	size_t byte, character;
};

static size_t cursor_move(struct cursor *c, size_t character)
{
	while (c->character < character && c->byte < c->length) {
		c->byte++;
		while (c->byte < c->length && (c->text[c->byte] & 0xc0) == 0x80)
			c->byte++;
		c->character++;
	}
	return c->byte;
}

static int is_string(const yaml_event_t *event)
{
	const char *tag = (const char *)event->data.scalar.tag;

	return !tag || !strcmp(tag, "!") || !strcmp(tag, "tag:yaml.org,2002:str");
}

static void set_span(struct reference *r, const char *text, const yaml_event_t *event)
{
	size_t n = strlen(r->text);
	const char *same = memmem(text + r->begin, r->end - r->begin, r->text, n);
	yaml_scalar_style_t style = event->data.scalar.style;

	if (same) {
		r->begin = (size_t)(same - text);
		r->end = r->begin + n;
	} else if (style == YAML_SINGLE_QUOTED_SCALAR_STYLE ||
		style == YAML_DOUBLE_QUOTED_SCALAR_STYLE) {
		r->begin++;
		r->end--;
	}
}

static void add_reference(
	struct references *references, struct cursor *cursor, const yaml_event_t *event)
{
	const char *value = (const char *)event->data.scalar.value;
	size_t n = event->data.scalar.length;
	struct cursor end;
	struct reference *r;

	while (n && strchr(" \t\r\n", value[n - 1]))
		n--;
	grow(references->v, references->n, references->cap);
	r = &references->v[references->n++];
	*r = (struct reference){ .text = xstrndup(value, n),
		.line = event->start_mark.line + 1,
		.column = event->start_mark.column + 1 };
	r->begin = cursor_move(cursor, event->start_mark.index);
	end = *cursor;
	r->end = cursor_move(&end, event->end_mark.index);
	set_span(r, cursor->text, event);
}

static int malformed(const yaml_parser_t *parser, const char *name, struct err *err)
{
	const yaml_mark_t *mark = &parser->problem_mark;

	return err_set(err, ERR_INPUT,
		"%s:%zu:%zu: malformed YAML: %s%s%s; a template has to be rendered first, "
		"--skip-invalid passes it on",
		name, mark->line + 1, mark->column + 1, parser->context ? parser->context : "",
		parser->context ? ", " : "", parser->problem ? parser->problem : "unreadable text");
}

static int nesting(yaml_event_type_t type)
{
	switch (type) {
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return 1;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return -1;
	default:
		return 0;
	}
}

static int parse(yaml_parser_t *parser, struct references *references, const char *name,
	struct cursor *cursor, struct err *err)
{
	yaml_event_type_t type;
	int depth = 0;

	do {
		yaml_event_t event;

		if (!yaml_parser_parse(parser, &event))
			return malformed(parser, name, err);
		type = event.type;
		if (type == YAML_SCALAR_EVENT && is_string(&event) &&
			kopath_is((const char *)event.data.scalar.value))
			add_reference(references, cursor, &event);
		depth += nesting(type);
		if (depth > DEPTH_LIMIT)
			err_set(err, ERR_INPUT,
				"%s:%zu:%zu: malformed YAML: nested more than %d deep", name,
				event.start_mark.line + 1, event.start_mark.column + 1,
				DEPTH_LIMIT);
		yaml_event_delete(&event);
		if (depth > DEPTH_LIMIT)
			return -1;
	} while (type != YAML_STREAM_END_EVENT);
	return 0;
}

/* A .json file has to be JSON, which is less than what YAML allows. */
static int check_json(const char *name, const char *text, size_t n, struct err *err)
{
	json_error_t error;
	json_t *json = json_loadb(text, n, JSON_DECODE_ANY, &error);

	if (!json)
		return err_set(err, ERR_INPUT, "%s:%d:%d: malformed JSON: %s", name, error.line,
			error.column, error.text);
	json_decref(json);
	return 0;
}

/*
 * JSON writes a character outside the basic plane as two escapes, which libyaml refuses. The text
 * it gets has a letter's escape in place of each, of the same length: no position changes, and no
 * reference holds such a character.
 */
static char *without_surrogates(const char *text, size_t n)
{
	char *copy = NULL;

	for (const char *p = text; (p = memmem(p, n - (size_t)(p - text), "\\u", 2)); p += 2) {
		if (text + n - p < 6 || (p[2] | 0x20) != 'd' || !strchr("89abcdefABCDEF", p[3]))
			continue;
		if (!copy)
			copy = memcpy(xmalloc(n), text, n);
		memcpy(copy + (p - text) + 2, "0058", 4);
	}
	return copy;
}

int yaml_references(struct references *references, const char *name, const char *text, size_t n,
	struct err *err)
{
	size_t bom = n >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;
	struct cursor cursor = { .text = text, .length = n, .byte = bom };
	yaml_parser_t parser;
	scratch char *plain = NULL;
	int result;

	if (ends_with(name, ".json") && check_json(name, text + bom, n - bom, err))
		return -1;
	if (!yaml_parser_initialize(&parser))
		return err_set(err, ERR_FAILED, "%s: cannot start libyaml", name);
	plain = without_surrogates(text, n);
	yaml_parser_set_input_string(&parser, (const unsigned char *)(plain ? plain : text), n);
	result = parse(&parser, references, name, &cursor, err);
	yaml_parser_delete(&parser);
	return result;
}

void references_release(struct references *references)
{
	for (size_t i = 0; i < references->n; i++)
		free(references->v[i].text);
	free(references->v);
	*references = (struct references){ 0 };
}
