/*
 * YAML 1.1 as libyaml reads it, JSON included. A stream is taken apart at the lines "---", where
 * nothing can go on, and each document is read by the recognizer of simple YAML, or, when that
 * declines, by libyaml. A stream with directives ("%YAML"), which stand before such a line, is
 * libyaml's as a whole.
 *
 * libyaml's marks count characters; we need bytes, and since events come in the order of the text,
 * one cursor that moves over the bytes once gives them.
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
#include "kopath.h"
#include "simple.h"

/* One document, or several, on the way through libyaml. */
struct part {
	const char *name, *text;
	size_t begin, end;
	size_t byte, character; /* the cursor: this byte is that many characters from begin */
	struct references *references;
};

static size_t byte_of(struct part *part, size_t character)
{
	while (part->character < character && part->byte < part->end) {
		part->byte++;
		while (part->byte < part->end && (part->text[part->byte] & 0xc0) == 0x80)
			part->byte++;
		part->character++;
	}
	return part->byte;
}

/* Moves line and column on from one byte of the text to a later one. */
static void move(const char *text, size_t from, size_t to, size_t *line, size_t *column)
{
	const char *p = text + from, *newline;

	while ((newline = memchr(p, '\n', (size_t)(text + to - p)))) {
		++*line;
		*column = 1;
		p = newline + 1;
	}
	for (; p < text + to; p++)
		*column += (*p & 0xc0) != 0x80;
}

static int malformed(const struct part *part, size_t byte, const char *language, const char *what,
	struct err *err)
{
	size_t bom = starts_with(part->text, "\xef\xbb\xbf") ? 3 : 0;
	size_t line = 1, column = 1;
	const char *advice = "";

	move(part->text, bom, byte, &line, &column);
	if (memmem(part->text, part->end, "{{", 2))
		advice = "; a template has to be rendered first, --skip-invalid passes it on";
	return err_set(err, ERR_INPUT, "%s:%zu:%zu: malformed %s: %s%s", part->name, line, column,
		language, what, advice);
}

/* What libyaml has to say. It gives the place of bytes that it cannot read in bytes. */
static int parser_failed(struct part *part, const yaml_parser_t *parser, struct err *err)
{
	const char *context = parser->context, *problem = parser->problem;
	scratch char *what = xasprintf("%s%s%s", context ? context : "", context ? ", " : "",
		problem ? problem : "unreadable text");

	if (parser->error == YAML_READER_ERROR)
		return malformed(part, part->begin + parser->problem_offset, "YAML", what, err);
	part->byte = part->begin;
	part->character = 0;
	return malformed(part, byte_of(part, parser->problem_mark.index), "YAML", what, err);
}

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

/* Where the scalar itself starts, after anchor, tag, and what may stand between these. */
static size_t skip_properties(const char *text, size_t p, size_t end)
{
	while (p < end) {
		if (strchr(" \t\r\n", text[p]))
			p++;
		else if (text[p] == '#')
			p += strcspn(text + p, "\r\n");
		else if (text[p] == '&' || text[p] == '!')
			p += strcspn(text + p, " \t\r\n");
		else
			break;
	}
	return p;
}

/* Narrows begin..end to the text of a block scalar: from the line after that of "|" or ">". */
static void inside_block(const char *text, size_t *begin, size_t *end)
{
	*begin += strcspn(text + *begin, "\r\n");
	*begin += strspn(text + *begin, " \r\n");
	while (*end > *begin && strchr(" \t\r\n", text[*end - 1]))
		--*end;
}

static void add_scalar(struct part *part, const yaml_event_t *event)
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
	size_t begin = byte_of(part, event->start_mark.index);
	size_t end = byte_of(part, event->end_mark.index);

	while (n && strchr(" \t\r\n", value[n - 1]))
		n--;
	begin = skip_properties(part->text, begin, end);
	if (style == YAML_BLOCK) {
		inside_block(part->text, &begin, &end);
	} else if (style != YAML_PLAIN) {
		begin++;
		end--;
	}
	if (end - begin > n && !memcmp(part->text + begin, value, n))
		end = begin + n;
	references_add(part->references, value, n, begin, end, style);
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

static int too_deep(struct part *part, const yaml_event_t *event, struct err *err)
{
	scratch char *what = xasprintf("nested more than %d deep", YAML_DEPTH_LIMIT);

	return malformed(part, byte_of(part, event->start_mark.index), "YAML", what, err);
}

static int read_events(struct part *part, yaml_parser_t *parser, struct err *err)
{
	yaml_event_type_t type;
	int depth = 0, result = 0;

	do {
		yaml_event_t event;

		if (!yaml_parser_parse(parser, &event))
			return parser_failed(part, parser, err);
		type = event.type;
		if (type == YAML_SCALAR_EVENT && is_reference(&event))
			add_scalar(part, &event);
		depth += nesting(type);
		if (depth > YAML_DEPTH_LIMIT)
			result = too_deep(part, &event, err);
		yaml_event_delete(&event);
	} while (!result && type != YAML_STREAM_END_EVENT);
	return result;
}

static int read_part(struct part *part, struct err *err)
{
	yaml_parser_t parser;
	int result;

	part->byte = part->begin;
	part->character = 0;
	if (!yaml_parser_initialize(&parser))
		return err_set(err, ERR_FAILED, "%s: cannot start libyaml", part->name);
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
		&parser, (const unsigned char *)part->text + part->begin, part->end - part->begin);
	result = read_events(part, &parser, err);
	yaml_parser_delete(&parser);
	return result;
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
static int check_json(const struct part *part, struct err *err)
{
	size_t begin = part->begin;
	json_error_t error;
	json_t *json;

	if (starts_with(part->text + begin, "---"))
		begin += strcspn(part->text + begin, "\n");
	json = json_loadb(part->text + begin, part->end - begin, JSON_DECODE_ANY, &error);
	if (!json)
		return malformed(part, begin + (size_t)error.position, "JSON", error.text, err);
	json_decref(json);
	return 0;
}

static void locate(struct references *references, size_t first, const char *text, size_t at)
{
	size_t line = 1, column = 1;

	for (size_t i = first; i < references->n; i++) {
		struct reference *r = &references->v[i];

		move(text, at, r->begin, &line, &column);
		at = r->begin;
		r->line = line;
		r->column = column;
	}
}

int yaml_references(struct references *references, const char *name, const char *text, size_t n,
	struct err *err)
{
	size_t bom = n >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0, first = references->n;
	bool directives = text[bom] == '%' || memmem(text, n, "\n%", 2);
	struct part part = { .name = name, .text = text, .references = references, .end = bom };

	while (part.end < n) {
		part.begin = part.end;
		part.end = directives ? n : next_document(text, part.begin, n);
		if (!directives && simple_references(references, text, part.begin, part.end))
			continue;
		if ((ends_with(name, ".json") && check_json(&part, err)) || read_part(&part, err))
			return -1;
	}
	locate(references, first, text, bom);
	return 0;
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
