/*
 * libyaml's marks count characters; we need bytes, and since events come in the order of the text,
 * one cursor that moves over the bytes gives them. It moves back for the few marks that do not.
 */
#include "events.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "yaml.h"

/*
 * JSON writes a character outside the basic plane as two escapes, which libyaml refuses. The text
 * it gets has a letter's escape in place of each, of the same length: no place changes, and no
 * reference, label or kind holds such a character.
 */
static char *without_surrogates(const char *text, size_t n)
{
	char first = text[strspn(text, " \t\r\n")];
	char *copy = NULL;

	if (first != '{' && first != '[')
		return NULL;
	for (const char *p = text; (p = memmem(p, n - (size_t)(p - text), "\\u", 2)); p += 2) {
		if (text + n - p < 6 || (p[2] | 0x20) != 'd' || !strchr("89abcdefABCDEF", p[3]))
			continue;
		if (!copy)
			copy = memcpy(xmalloc(n), text, n);
		memcpy(copy + (p - text) + 2, "0058", 4);
	}
	return copy;
}

int events_start(struct events *events, const char *name, const char *text, size_t begin,
	size_t end, struct err *err)
{
	const char *input = text + begin;

	*events = (struct events){
		.name = name, .text = text, .begin = begin, .end = end, .byte = begin
	};
	if (!yaml_parser_initialize(&events->parser))
		return err_set(err, ERR_FAILED, "%s: cannot start libyaml", name);
	events->copy = without_surrogates(input, end - begin);
	if (events->copy)
		input = events->copy;
	yaml_parser_set_encoding(&events->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&events->parser, (const unsigned char *)input, end - begin);
	return 0;
}

void events_stop(struct events *events)
{
	yaml_parser_delete(&events->parser);
	free(steal(&events->copy));
}

static bool is_tail(char c)
{
	return (c & 0xc0) == 0x80;
}

size_t events_byte(struct events *events, const yaml_mark_t *mark)
{
	const char *text = events->text;

	while (events->character > mark->index) {
		events->byte--;
		while (events->byte > events->begin && is_tail(text[events->byte]))
			events->byte--;
		events->character--;
	}
	while (events->character < mark->index && events->byte < events->end) {
		events->byte++;
		while (events->byte < events->end && is_tail(text[events->byte]))
			events->byte++;
		events->character++;
	}
	return events->byte;
}

size_t events_node_byte(struct events *events, const yaml_event_t *event)
{
	const char *text = events->text;
	size_t p = events_byte(events, &event->start_mark);
	size_t end = events_byte(events, &event->end_mark);

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
	return p < end ? p : end;
}

void events_move(const char *text, size_t from, size_t to, size_t *line, size_t *column)
{
	const char *p = text + from, *newline;

	while ((newline = memchr(p, '\n', (size_t)(text + to - p)))) {
		++*line;
		*column = 1;
		p = newline + 1;
	}
	for (; p < text + to; p++)
		*column += !is_tail(*p);
}

int events_malformed(const struct events *events, size_t byte, const char *language,
	const char *what, struct err *err)
{
	size_t bom = starts_with(events->text, "\xef\xbb\xbf") ? 3 : 0, line = 1, column = 1;
	const char *advice = "";

	events_move(events->text, bom, byte, &line, &column);
	if (memmem(events->text, events->end, "{{", 2))
		advice = "; a template has to be rendered first, --skip-invalid passes it on";
	return err_set(err, ERR_INPUT, "%s:%zu:%zu: malformed %s: %s%s", events->name, line, column,
		language, what, advice);
}

/* What libyaml has to say. It gives the place of bytes that it cannot read in bytes. */
static int parser_failed(struct events *events, struct err *err)
{
	const yaml_parser_t *parser = &events->parser;
	const char *context = parser->context, *problem = parser->problem;
	scratch char *what = xasprintf("%s%s%s", context ? context : "", context ? ", " : "",
		problem ? problem : "unreadable text");
	size_t byte = parser->error == YAML_READER_ERROR
		? events->begin + parser->problem_offset
		: events_byte(events, &parser->problem_mark);

	return events_malformed(events, byte, "YAML", what, err);
}

int events_next(struct events *events, yaml_event_t *event, struct err *err)
{
	if (!yaml_parser_parse(&events->parser, event))
		return parser_failed(events, err);
	if (event->type == YAML_SEQUENCE_START_EVENT || event->type == YAML_MAPPING_START_EVENT)
		events->depth++;
	if (event->type == YAML_SEQUENCE_END_EVENT || event->type == YAML_MAPPING_END_EVENT)
		events->depth--;
	if (events->depth > YAML_DEPTH_LIMIT) {
		scratch char *what = xasprintf("nested more than %d deep", YAML_DEPTH_LIMIT);
		size_t byte = events_byte(events, &event->start_mark);

		yaml_event_delete(event);
		return events_malformed(events, byte, "YAML", what, err);
	}
	return 0;
}
