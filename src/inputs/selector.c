#include "selector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum token { END, WORD, COMMA, OPEN, CLOSE, NOT, EQUAL, UNEQUAL, GREATER, LESS };

struct parser {
	const char *text, *p;
	enum token token; /* the one at hand */
	const char *word; /* its text */
	size_t n;
	struct err *err;
};

/* The same marks end words and are words themselves. */
static const char marks[] = "=!(),<>";
static const char blanks[] = " \t\r\n";

static enum token mark_of(const char *p, size_t *n)
{
	*n = (*p == '=' || *p == '!') && p[1] == '=' ? 2 : 1;
	switch (*p) {
	case ',':
		return COMMA;
	case '(':
		return OPEN;
	case ')':
		return CLOSE;
	case '>':
		return GREATER;
	case '<':
		return LESS;
	case '=':
		return EQUAL;
	default:
		return *n == 2 ? UNEQUAL : NOT;
	}
}

static void next(struct parser *parser)
{
	parser->p += strspn(parser->p, blanks);
	parser->word = parser->p;
	if (!*parser->p) {
		parser->token = END;
		parser->n = 0;
	} else if (strchr(marks, *parser->p)) {
		parser->token = mark_of(parser->p, &parser->n);
	} else {
		parser->token = WORD;
		parser->n = strcspn(parser->p, "=!(),<> \t\r\n");
	}
	parser->p += parser->n;
}

static bool is_word(const struct parser *parser, const char *word)
{
	return parser->token == WORD && strlen(word) == parser->n &&
		!strncmp(parser->word, word, parser->n);
}

static int unexpected(struct parser *parser, const char *wanted)
{
	if (parser->token == END)
		return err_set(parser->err, ERR_USAGE, "selector '%s' ends where %s is wanted",
			parser->text, wanted);
	return err_set(parser->err, ERR_USAGE, "selector '%s': '%.*s' stands where %s is wanted",
		parser->text, (int)parser->n, parser->word, wanted);
}

static const char alnum[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/* A label's value, and a key after its prefix: letters, digits, "-", "_" and "." between two
 * letters or digits, at most 63. */
static bool is_name(const char *s)
{
	size_t n = strlen(s);

	return n && n <= 63 && strspn(s, alnum) && strchr(alnum, s[n - 1]) &&
		n == strspn(s, "-_.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
}

/* A key's prefix: a DNS name in lower case. */
static bool is_domain(const char *s, size_t n)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	char before = '.';

	for (size_t i = 0; i < n; i++) {
		bool inner = before != '.' && before != '-';

		if (!strchr(letters, s[i]) && !(s[i] == '.' && inner) &&
			!(s[i] == '-' && before != '.'))
			return false;
		before = s[i];
	}
	return n && n <= 253 && strchr(letters, before);
}

static bool is_key(const char *s)
{
	const char *slash = strchr(s, '/');

	return slash ? is_domain(s, (size_t)(slash - s)) && is_name(slash + 1) : is_name(s);
}

static bool is_integer(const char *s, long long *number)
{
	char *end;

	errno = 0;
	*number = strtoll(s, &end, 10);
	return *s && !strchr(blanks, *s) && !*end && !errno;
}

static int take_value(struct parser *parser, struct requirement *r)
{
	scratch char *value =
		parser->token == WORD ? xstrndup(parser->word, parser->n) : xstrdup("");

	if (*value && !is_name(value))
		return err_set(parser->err, ERR_USAGE, "selector '%s': '%s' is no label value",
			parser->text, value);
	if (parser->token == WORD)
		next(parser);
	strs_take(&r->values, steal(&value));
	return 0;
}

/* "(A,B)"; a value may be empty, but not all of the list. */
static int take_values(struct parser *parser, struct requirement *r)
{
	next(parser);
	if (parser->token != OPEN)
		return unexpected(parser, "'('");
	next(parser);
	if (parser->token == CLOSE)
		return unexpected(parser, "a value");
	for (;;) {
		if (take_value(parser, r))
			return -1;
		if (parser->token != COMMA)
			break;
		next(parser);
	}
	if (parser->token != CLOSE)
		return unexpected(parser, "',' or ')'");
	next(parser);
	return 0;
}

static int take_one_value(struct parser *parser, struct requirement *r)
{
	next(parser);
	if (parser->token != WORD && parser->token != END && parser->token != COMMA)
		return unexpected(parser, "a value");
	return take_value(parser, r);
}

static int take_number(struct parser *parser, struct requirement *r)
{
	long long number;

	if (take_one_value(parser, r))
		return -1;
	if (!is_integer(r->values.v[0], &number))
		return err_set(parser->err, ERR_USAGE, "selector '%s': '%s' is no integer",
			parser->text, r->values.v[0]);
	return 0;
}

static int take_operator(struct parser *parser, struct requirement *r)
{
	if (parser->token == END || parser->token == COMMA) {
		r->operator= SELECTOR_EXISTS;
		return 0;
	}
	if (parser->token == EQUAL || parser->token == UNEQUAL) {
		r->operator= parser->token == EQUAL ? SELECTOR_IN : SELECTOR_NOT_IN;
		return take_one_value(parser, r);
	}
	if (parser->token == GREATER || parser->token == LESS) {
		r->operator= parser->token == GREATER ? SELECTOR_GREATER : SELECTOR_LESS;
		return take_number(parser, r);
	}
	if (is_word(parser, "in") || is_word(parser, "notin")) {
		r->operator= is_word(parser, "in") ? SELECTOR_IN : SELECTOR_NOT_IN;
		return take_values(parser, r);
	}
	return unexpected(parser, "one of =, !=, in, notin, <, >");
}

static int take_requirement(struct parser *parser, struct requirement *r)
{
	bool absent = parser->token == NOT;

	if (absent)
		next(parser);
	if (parser->token != WORD)
		return unexpected(parser, "a label");
	r->key = xstrndup(parser->word, parser->n);
	if (!is_key(r->key))
		return err_set(parser->err, ERR_USAGE, "selector '%s': '%s' is no label",
			parser->text, r->key);
	next(parser);
	if (!absent)
		return take_operator(parser, r);
	r->operator= SELECTOR_ABSENT;
	return 0;
}

int selector_parse(struct selector *selector, const char *text, struct err *err)
{
	struct parser parser = { .text = text, .p = text, .err = err };

	next(&parser);
	if (parser.token == END)
		return 0;
	for (;;) {
		struct requirement *r;

		grow(selector->v, selector->n, selector->cap);
		r = &selector->v[selector->n++];
		*r = (struct requirement){ 0 };
		if (take_requirement(&parser, r))
			return -1;
		if (parser.token == END)
			return 0;
		if (parser.token != COMMA)
			return unexpected(&parser, "','");
		next(&parser);
	}
}

static bool holds(const struct requirement *r, const char *value)
{
	long long have, limit;

	switch (r->operator) {
	case SELECTOR_IN:
		return value && strs_has(&r->values, value);
	case SELECTOR_NOT_IN:
		return !value || !strs_has(&r->values, value);
	case SELECTOR_EXISTS:
		return value;
	case SELECTOR_ABSENT:
		return !value;
	default:
		return value && is_integer(value, &have) && is_integer(r->values.v[0], &limit) &&
			(r->operator== SELECTOR_GREATER ? have > limit : have<limit);
	}
}

bool selector_matches(const struct selector *selector,
	const char *(*value)(const void *object, const char *key), const void *object)
{
	for (size_t i = 0; i < selector->n; i++) {
		if (!holds(&selector->v[i], value(object, selector->v[i].key)))
			return false;
	}
	return true;
}

void selector_release(struct selector *selector)
{
	for (size_t i = 0; i < selector->n; i++) {
		free(selector->v[i].key);
		strs_release(&selector->v[i].values);
	}
	free(selector->v);
	*selector = (struct selector){ 0 };
}
