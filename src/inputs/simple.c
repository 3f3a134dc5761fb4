/*
 * A recognizer for simple YAML: line by line, with a stack of the block collections that are open.
 *
 *	document   = ["---"] line*
 *	line       = blank | comment | indentation ("- ")* [key ":"] [value] [comment]
 *	key        = plain | quoted
 *	value      = plain | quoted | flow | ("|" | ">") ["+" | "-"] and the lines of a block scalar
 *	flow       = {...} or [...], on the same line
 *	JSON       = {...} or [...] that is all of the document, over any number of lines
 *
 * All else is left to libyaml: anchors, aliases, tags, scalars over several lines, tabs, CRLF,
 * directives, "?" keys, escapes in a reference. What is recognized must be what libyaml takes, with
 * the same references (a fuzz target compares them); JSON may hold the few things that JSON allows
 * and libyaml does not: surrogates in pairs, long keys, DEL.
 *
 * A line's column says how many collections end before it. A collection may begin where a value is
 * pending: after "key:" or "-" with nothing behind it on its line, and at the start. A sequence may
 * stand at the column of the mapping whose value it is.
 */
#include "simple.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "kopath.h"

/* libyaml's limit for a key is 1024 characters, quotes and blanks included. */
#define KEY_LIMIT 1000

enum kind { ROOT, MAPPING, SEQUENCE };

struct level {
	int column;
	enum kind kind;
};

struct simple {
	const char *text, *p, *end;
	const char *line; /* where the line begins */
	struct references *references;
	struct level stack[YAML_DEPTH_LIMIT];
	int top;
	bool pending; /* the innermost collection's entry has no value yet */
	bool json;    /* all of the document is one flow collection */
};

static bool at_end(const struct simple *s)
{
	return s->p == s->end || *s->p == '\n';
}

static bool is_ascii(char c)
{
	return c >= ' ' && c < 0x7f;
}

static bool is_tail(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/*
 * Steps over one character outside ASCII: well-formed, and neither a control, a line break of
 * Unicode nor a byte order mark, all of which mean something to YAML.
 */
static bool step_wide(struct simple *s)
{
	const unsigned char *u = (const unsigned char *)s->p;
	uint32_t c;
	int n;

	if (u[0] >= 0xc2 && u[0] < 0xe0 && is_tail(u[1])) {
		c = (uint32_t)(u[0] & 0x1f) << 6 | (u[1] & 0x3f);
		n = 2;
	} else if ((u[0] & 0xf0) == 0xe0 && is_tail(u[1]) && is_tail(u[2])) {
		c = (uint32_t)(u[0] & 0xf) << 12 | (uint32_t)(u[1] & 0x3f) << 6 | (u[2] & 0x3f);
		n = 3;
	} else if ((u[0] & 0xf8) == 0xf0 && is_tail(u[1]) && is_tail(u[2]) && is_tail(u[3])) {
		c = (uint32_t)(u[0] & 7) << 18 | (uint32_t)(u[1] & 0x3f) << 12 |
			(uint32_t)(u[2] & 0x3f) << 6 | (u[3] & 0x3f);
		n = 4;
	} else {
		return false;
	}
	if (c < 0xa0 || (n == 3 && c < 0x800) || (c >= 0xd800 && c < 0xe000) || c == 0x2028 ||
		c == 0x2029 || c == 0xfeff || c == 0xfffe || c == 0xffff ||
		(n == 4 && (c < 0x10000 || c > 0x10ffff)))
		return false;
	s->p += n;
	return true;
}

static void skip_blanks(struct simple *s)
{
	while (*s->p == ' ')
		s->p++;
}

/* Any text up to the end of the line. */
static bool skip_text(struct simple *s)
{
	for (;;) {
		while (is_ascii(*s->p))
			s->p++;
		if (at_end(s))
			return true;
		if (*s->p == '\t')
			s->p++;
		else if (!step_wide(s))
			return false;
	}
}

static bool skip_comment(struct simple *s)
{
	return at_end(s) || (*s->p == '#' && skip_text(s));
}

/* Behind a value: nothing, or blanks and a comment. */
static bool finish_line(struct simple *s)
{
	if (at_end(s))
		return true;
	if (*s->p != ' ')
		return false;
	skip_blanks(s);
	return skip_comment(s);
}

static void found(struct simple *s, const char *begin, const char *end, enum yaml_style style)
{
	while (end[-1] == ' ')
		end--;
	references_add(s->references, begin, (size_t)(end - begin), (size_t)(begin - s->text),
		(size_t)(end - s->text), style);
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* After the backslash. Only JSON has surrogates, in pairs; both halves have this form. */
static bool skip_escape(struct simple *s)
{
	const char *p = s->p;

	if (*p == 'u') {
		if (!is_hex(p[1]) || !is_hex(p[2]) || !is_hex(p[3]) || !is_hex(p[4]))
			return false;
		if ((p[1] == 'd' || p[1] == 'D') && p[2] > '7' && !s->json)
			return false;
		s->p += 5;
		return true;
	}
	s->p++;
	return *p && strchr("\"\\/bfnrt", *p);
}

/* The character that a reference may have instead of an escape: "\/" or "\u00XX"; else 0. */
static char unescape(const char **p)
{
	char digits[5] = { 0 };
	unsigned long code;

	++*p;
	if (**p == '/')
		return *(*p)++;
	if (**p != 'u')
		return 0;
	memcpy(digits, *p + 1, 4);
	code = strtoul(digits, NULL, 16);
	*p += 5;
	return code < 0x7f ? (char)code : 0;
}

/* The end of a string with escapes. False when it is a reference with other escapes than those. */
static bool finish_escaped(struct simple *s, const char *start)
{
	cleanup(buf_release) struct buf value = { 0 };
	const char *p = start;

	while (p < s->p && (value.len != 5 || kopath_is(value.data))) {
		char c = *p == '\\' ? unescape(&p) : *p++;

		if (!c)
			break;
		buf_addch(&value, c);
	}
	if (kopath_is(buf_str(&value))) {
		if (p < s->p)
			return false;
		while (value.data[value.len - 1] == ' ')
			value.len--;
		references_add(s->references, value.data, value.len, (size_t)(start - s->text),
			(size_t)(s->p - s->text), YAML_DOUBLE);
	}
	s->p++;
	return true;
}

static bool skip_double(struct simple *s)
{
	const char *start = ++s->p;
	bool escapes = false;

	for (;;) {
		while (is_ascii(*s->p) && *s->p != '"' && *s->p != '\\')
			s->p++;
		if (*s->p == '"') {
			break;
		} else if (*s->p == '\\') {
			s->p++;
			escapes = true;
			if (!skip_escape(s))
				return false;
		} else if (*s->p == 0x7f && s->json) {
			s->p++;
		} else if (!step_wide(s)) {
			return false;
		}
	}
	if (escapes)
		return finish_escaped(s, start);
	if (kopath_is(start))
		found(s, start, s->p, YAML_DOUBLE);
	s->p++;
	return true;
}

static bool skip_single(struct simple *s)
{
	const char *start = ++s->p;
	bool quotes = false;

	for (;;) {
		while (is_ascii(*s->p) && *s->p != '\'')
			s->p++;
		if (*s->p == '\'') {
			if (s->p[1] != '\'')
				break;
			quotes = true;
			s->p += 2;
		} else if (!step_wide(s)) {
			return false;
		}
	}
	if (kopath_is(start) && quotes)
		return false;
	if (kopath_is(start))
		found(s, start, s->p, YAML_SINGLE);
	s->p++;
	return true;
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Whether a plain scalar can start here. */
static bool starts_plain(const char *p)
{
	return is_alnum(*p) || (*p && strchr("_/.$(~+=<^;\\", *p)) ||
		(*p == '-' && is_ascii(p[1]) && p[1] != ' ');
}

/* A plain scalar outside flow collections: up to ": ", " #" or the end of the line. */
static bool skip_plain(struct simple *s)
{
	const char *start = s->p;

	for (;;) {
		while (*s->p > ' ' && *s->p < 0x7f && *s->p != ':')
			s->p++;
		if (at_end(s)) {
			break;
		} else if (*s->p == ' ') {
			skip_blanks(s);
			if (*s->p == '#')
				break;
		} else if (*s->p == ':') {
			if (s->p[1] == ' ' || s->p[1] == '\n' || s->p + 1 == s->end)
				break;
			s->p++;
		} else if (!step_wide(s)) {
			return false;
		}
	}
	if (kopath_is(start))
		found(s, start, s->p, YAML_PLAIN);
	if (*s->p == '#')
		s->p--;
	return true;
}

static bool skip_flow(struct simple *s, int depth);

static bool in_flow_plain(char c)
{
	return is_alnum(c) || (c && strchr("_./@+=~-", c));
}

static size_t digits(const char *p)
{
	return strspn(p, "0123456789");
}

static bool skip_json_number(struct simple *s)
{
	const char *p = s->p + (*s->p == '-');
	size_t n = digits(p);

	if (!n || (*p == '0' && n > 1))
		return false;
	p += n;
	if (*p == '.') {
		n = digits(p + 1);
		p += n ? 1 + n : 0;
	}
	if (*p == 'e' || *p == 'E') {
		size_t sign = p[1] == '+' || p[1] == '-';

		n = digits(p + 1 + sign);
		p += n ? 1 + sign + n : 0;
	}
	s->p = p;
	return true;
}

static bool skip_json_word(struct simple *s)
{
	static const char *const words[] = { "true", "false", "null" };

	for (size_t i = 0; i < countof(words); i++) {
		if (starts_with(s->p, words[i])) {
			s->p += strlen(words[i]);
			return true;
		}
	}
	return skip_json_number(s);
}

static bool skip_flow_plain(struct simple *s)
{
	const char *start = s->p;

	if (s->json)
		return skip_json_word(s);
	if (!is_alnum(*start) && *start != '_' && *start != '/' &&
		!(*start == '-' && is_alnum(start[1])))
		return false;
	while (in_flow_plain(*s->p) || (*s->p == ':' && in_flow_plain(s->p[1])))
		s->p++;
	if (kopath_is(start))
		found(s, start, s->p, YAML_PLAIN);
	return true;
}

static void skip_flow_space(struct simple *s)
{
	for (;;) {
		skip_blanks(s);
		if (!s->json || (*s->p != '\n' && *s->p != '\t' && *s->p != '\r') ||
			(*s->p == '\r' && s->p[1] != '\n') || s->p == s->end)
			return;
		s->p++;
	}
}

static bool skip_flow_value(struct simple *s, int depth)
{
	switch (*s->p) {
	case '{':
	case '[':
		return skip_flow(s, depth);
	case '"':
		return skip_double(s);
	case '\'':
		return !s->json && skip_single(s);
	default:
		return skip_flow_plain(s);
	}
}

static bool skip_flow_key(struct simple *s)
{
	const char *start = s->p;

	if (*start == '"' ? !skip_double(s) : s->json || !skip_flow_plain(s))
		return false;
	skip_flow_space(s);
	if (*s->p != ':' || (!s->json && s->p - start > KEY_LIMIT))
		return false;
	s->p++;
	if (*start != '"' && *s->p != ' ')
		return false;
	skip_flow_space(s);
	return true;
}

/* A collection in brackets, and those inside it. */
static bool skip_flow(struct simple *s, int depth)
{
	char close = *s->p == '{' ? '}' : ']';

	if (depth >= YAML_DEPTH_LIMIT)
		return false;
	s->p++;
	skip_flow_space(s);
	if (*s->p == close) {
		s->p++;
		return true;
	}
	for (;;) {
		if (close == '}' && !skip_flow_key(s))
			return false;
		if (!skip_flow_value(s, depth + 1))
			return false;
		skip_flow_space(s);
		if (*s->p == close) {
			s->p++;
			return true;
		}
		if (*s->p != ',')
			return false;
		s->p++;
		skip_flow_space(s);
	}
}

/* The lines of a block scalar; p is at the end of the line with its "|" or ">". */
static bool skip_block(struct simple *s)
{
	int indent = 0;

	for (;;) {
		const char *line;
		int column;

		if (s->p == s->end || s->p + 1 == s->end)
			return indent > 0;
		line = s->p + 1;
		for (column = 0; line[column] == ' '; column++)
			;
		if (!indent) {
			indent = column;
			if (column <= s->stack[s->top].column || line[column] == '\n' ||
				line + column == s->end || kopath_is(line + column))
				return false;
		}
		if (column < indent && line[column] != '\n' && line + column < s->end)
			return line[column] != '\t';
		s->p = line + column;
		if (!skip_text(s))
			return false;
	}
}

static bool skip_block_header(struct simple *s)
{
	s->p++;
	if (*s->p == '+' || *s->p == '-')
		s->p++;
	return finish_line(s) && skip_block(s);
}

/* A value on the line of its key or dash. */
static bool skip_value(struct simple *s)
{
	s->pending = false;
	switch (*s->p) {
	case '{':
	case '[':
		return skip_flow(s, s->top) && finish_line(s);
	case '"':
		return skip_double(s) && finish_line(s);
	case '\'':
		return skip_single(s) && finish_line(s);
	case '|':
	case '>':
		return skip_block_header(s);
	default:
		return starts_plain(s->p) && skip_plain(s) && finish_line(s);
	}
}

static bool push(struct simple *s, int column, enum kind kind)
{
	if (s->top + 1 == YAML_DEPTH_LIMIT)
		return false;
	s->stack[++s->top] = (struct level){ column, kind };
	return true;
}

static bool enter_sequence(struct simple *s, int column)
{
	const struct level *top = &s->stack[s->top];

	if (s->pending && (column > top->column || (column == top->column && top->kind == MAPPING)))
		return push(s, column, SEQUENCE);
	return column == top->column && top->kind == SEQUENCE;
}

static bool enter_mapping(struct simple *s, int column)
{
	if (s->pending && column > s->stack[s->top].column)
		return push(s, column, MAPPING);
	if (column == s->stack[s->top].column && s->stack[s->top].kind == SEQUENCE) {
		s->top--;
		s->pending = false;
	}
	return column == s->stack[s->top].column && s->stack[s->top].kind == MAPPING;
}

/* What follows a colon or a dash: a value, or one is pending. */
static bool nothing_follows(struct simple *s)
{
	s->pending = true;
	skip_blanks(s);
	return at_end(s) || *s->p == '#';
}

/* What is on a line after its dashes: "key:", "key: value" or, after a dash, a value. */
static bool read_entry(struct simple *s, bool item)
{
	const char *start = s->p;
	size_t before = s->references->n;
	bool key;

	if (*start == '"' || *start == '\'') {
		if (*start == '"' ? !skip_double(s) : !skip_single(s))
			return false;
		skip_blanks(s);
		key = *s->p == ':' && (s->p[1] == ' ' || s->p[1] == '\n' || s->p + 1 == s->end);
	} else {
		key = starts_plain(start) && skip_plain(s) && *s->p == ':';
	}
	if (key) {
		if (s->p - start > KEY_LIMIT || !enter_mapping(s, (int)(start - s->line)))
			return false;
		s->p++;
		return nothing_follows(s) ? skip_comment(s) : skip_value(s);
	}
	s->references->n = before;
	s->p = start;
	return item && skip_value(s);
}

static bool is_marker(const char *p)
{
	return !strncmp(p, "---", 3) || !strncmp(p, "...", 3);
}

static bool read_line(struct simple *s)
{
	bool item = false;

	s->line = s->p;
	skip_blanks(s);
	if (at_end(s) || *s->p == '#')
		return skip_comment(s);
	if (s->p - s->line > INT16_MAX || (s->p == s->line && is_marker(s->p)))
		return false;
	while (s->stack[s->top].column > s->p - s->line) {
		s->top--;
		s->pending = false;
	}
	while (*s->p == '-' && (s->p[1] == ' ' || s->p[1] == '\n' || s->p + 1 == s->end)) {
		if (!enter_sequence(s, (int)(s->p - s->line)))
			return false;
		item = true;
		s->p++;
		if (nothing_follows(s))
			return skip_comment(s);
	}
	return read_entry(s, item);
}

static bool read_lines(struct simple *s)
{
	while (s->p < s->end) {
		if (!read_line(s))
			return false;
		if (s->p < s->end)
			s->p++;
	}
	return true;
}

static bool read_json(struct simple *s)
{
	s->json = true;
	skip_flow_space(s);
	if ((*s->p != '{' && *s->p != '[') || !skip_flow(s, 0))
		return false;
	skip_flow_space(s);
	return s->p == s->end;
}

static bool read_document(struct simple *s)
{
	char first;

	if (!strncmp(s->p, "---", 3)) {
		s->p += 3;
		if (!finish_line(s))
			return false;
		s->p += s->p < s->end;
	}
	first = s->p[strspn(s->p, " \t\r\n")];
	return first == '{' || first == '[' ? read_json(s) : read_lines(s);
}

bool simple_references(struct references *references, const char *text, size_t begin, size_t end)
{
	struct simple s;
	size_t before = references->n;

	s.text = text;
	s.p = text + begin;
	s.end = text + end;
	s.references = references;
	s.top = 0;
	s.stack[0] = (struct level){ -1, ROOT };
	s.pending = true;
	s.json = false;
	if (read_document(&s))
		return true;
	references->n = before;
	return false;
}
