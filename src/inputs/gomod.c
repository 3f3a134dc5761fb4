#include "gomod.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/*
 * Both files are sequences of lines (https://go.dev/ref/mod#go-mod-file-lexical). A line is a verb
 * and its arguments, or it opens a block: "verb (" makes the lines up to one that is ")" arguments
 * of that verb. Words are separated by blanks, the bytes ( ) [ ] { } , are words by themselves,
 * "//" comments run to the end of the line, and a word in double quotes is a Go string. Verbs that
 * we do not use are passed over: the go command judges them.
 */

#define LINE_WORDS 64
#define ENTRIES_LIMIT 100000

static const char punctuation[] = "()[]{},";

struct parser {
	struct gomod *mod;
	enum gomod_kind kind;
	const char *name;
	unsigned line;
	struct strs words; /* of this line, quotes kept */
	char *block;       /* verb of the block we are in, or NULL */
	unsigned block_line;
	struct err *err;
};

static int bad(struct parser *p, const char *why)
{
	return err_set(p->err, ERR_INPUT, "%s:%u: %s", p->name, p->line, why);
}

/* The length of the double-quoted word at s, quotes included; 0 where the line ends within. */
static size_t quoted_span(const char *s, const char *end)
{
	for (const char *q = s + 1; q < end; q++) {
		if (*q == '"')
			return (size_t)(q + 1 - s);
		if (*q == '\\')
			q++;
	}
	return 0;
}

static bool ends_word(const char *s, const char *end)
{
	return *s == ' ' || *s == '\t' || *s == '\r' || strchr(punctuation, *s) ||
		(*s == '/' && s + 1 < end && s[1] == '/');
}

static int check_word(struct parser *p, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			return bad(p, "control character");
		if (s[i] == '/' && i + 1 < n && s[i + 1] == '*')
			return bad(p, "comments start with //, not with /*");
	}
	return 0;
}

/* Takes the word at *at. */
static int next_word(struct parser *p, const char **at, const char *end)
{
	const char *s = *at;
	size_t n = 1;

	if (*s == '"') {
		n = quoted_span(s, end);
		if (!n)
			return bad(p, "the string has no closing quote");
	} else if (*s && !strchr(punctuation, *s)) {
		while (s + n < end && !ends_word(s + n, end))
			n++;
	}
	if (*s == '\0' || check_word(p, s, n))
		return bad(p, "control character");
	if (p->words.n == LINE_WORDS)
		return bad(p, "more than 64 words in a line");
	strs_addn(&p->words, s, n);
	*at = s + n;
	return 0;
}

static int split_line(struct parser *p, const char *s, const char *end)
{
	strs_release(&p->words);
	while (s < end) {
		if (*s == ' ' || *s == '\t' || *s == '\r')
			s++;
		else if (*s == '/' && s + 1 < end && s[1] == '/')
			break;
		else if (next_word(p, &s, end))
			return -1;
	}
	return 0;
}

/* The value of a word, out of its quotes. NULL with the error set; malloced. */
static char *value(struct parser *p, const char *word)
{
	struct buf out = { 0 };

	if (*word != '"') {
		if (!strpbrk(word, "\"'`"))
			return xstrdup(word);
		bad(p, "a quote inside a word; quote the whole word");
		return NULL;
	}
	for (const char *s = word + 1; s[1]; s++) {
		if (*s == '\\' && s[1] != '\\' && s[1] != '"') {
			bad(p, "only \\\\ and \\\" may follow a backslash in a string");
			buf_release(&out);
			return NULL;
		}
		if (*s == '\\')
			s++;
		buf_addch(&out, *s);
	}
	return buf_detach(&out);
}

/* A directive that has one argument and may be there once. */
static int set_once(struct parser *p, char **field, char *const *args, size_t n, const char *verb)
{
	if (*field)
		return err_set(
			p->err, ERR_INPUT, "%s:%u: a second \"%s\" line", p->name, p->line, verb);
	if (n != 1)
		return err_set(p->err, ERR_INPUT, "%s:%u: \"%s\" takes one argument", p->name,
			p->line, verb);
	*field = value(p, args[0]);
	return *field ? 0 : -1;
}

static int set_module(struct parser *p, char *const *args, size_t n)
{
	p->mod->module_line = p->line;
	if (set_once(p, &p->mod->module, args, n, "module"))
		return -1;
	return *p->mod->module ? 0 : bad(p, "the module path is empty");
}

static int add_require(struct parser *p, char *const *args, size_t n)
{
	struct gomod *mod = p->mod;
	scratch char *path = NULL;
	char *version;

	if (n != 2)
		return bad(p, "expected: require MODULE VERSION");
	if (mod->n_requires == ENTRIES_LIMIT)
		return bad(p, "more than 100000 requirements");
	path = value(p, args[0]);
	version = path ? value(p, args[1]) : NULL;
	if (!version)
		return -1;
	grow(mod->requires, mod->n_requires, mod->cap_requires);
	mod->requires[mod->n_requires++] = (struct gomod_require){ steal(&path), version };
	return 0;
}

static void release_replace(struct gomod_replace *replace)
{
	free(replace->path);
	free(replace->version);
	free(replace->target);
	free(replace->target_version);
}

/* Fills what args say: PATH [VERSION] => TARGET [VERSION]. */
static int fill_replace(
	struct parser *p, struct gomod_replace *replace, char *const *args, size_t n)
{
	size_t arrow = n > 1 && !strcmp(args[1], "=>") ? 1 : 2;

	if (n < arrow + 2 || n > arrow + 3 || strcmp(args[arrow], "=>") != 0)
		return bad(
			p, "expected: replace MODULE [VERSION] => MODULE VERSION, or => DIRECTORY");
	replace->path = value(p, args[0]);
	if (!replace->path || (arrow == 2 && !(replace->version = value(p, args[1]))))
		return -1;
	replace->target = value(p, args[arrow + 1]);
	if (!replace->target)
		return -1;
	if (n == arrow + 3) {
		replace->target_version = value(p, args[arrow + 2]);
		return replace->target_version ? 0 : -1;
	}
	if (*replace->target != '/' && *replace->target != '.')
		return bad(p, "a replacement without a version is a directory: ./x, ../x or /x");
	return 0;
}

static int add_replace(struct parser *p, char *const *args, size_t n)
{
	struct gomod *mod = p->mod;
	struct gomod_replace replace = { 0 };

	if (mod->n_replaces == ENTRIES_LIMIT)
		return bad(p, "more than 100000 replacements");
	if (fill_replace(p, &replace, args, n)) {
		release_replace(&replace);
		return -1;
	}
	grow(mod->replaces, mod->n_replaces, mod->cap_replaces);
	mod->replaces[mod->n_replaces++] = replace;
	return 0;
}

static int add_use(struct parser *p, char *const *args, size_t n)
{
	char *dir = NULL;

	if (n != 1)
		return bad(p, "expected: use DIRECTORY");
	if (p->mod->uses.n == ENTRIES_LIMIT)
		return bad(p, "more than 100000 directories");
	dir = value(p, args[0]);
	if (!dir)
		return -1;
	strs_take(&p->mod->uses, dir);
	return 0;
}

static int directive(struct parser *p, const char *verb, char *const *args, size_t n)
{
	bool work = p->kind == GOMOD_WORK;

	if (!strcmp(verb, "go"))
		return set_once(p, &p->mod->go, args, n, verb);
	if (!strcmp(verb, "toolchain"))
		return set_once(p, &p->mod->toolchain, args, n, verb);
	if (!strcmp(verb, "replace"))
		return add_replace(p, args, n);
	if (work && !strcmp(verb, "use"))
		return add_use(p, args, n);
	if (!work && !strcmp(verb, "module"))
		return set_module(p, args, n);
	if (!work && !strcmp(verb, "require"))
		return add_require(p, args, n);
	return 0;
}

/* A line inside a block. */
static int block_line(struct parser *p)
{
	if (strcmp(p->words.v[0], ")") != 0)
		return directive(p, p->block, p->words.v, p->words.n);
	if (p->words.n > 1)
		return bad(p, "something follows the closing parenthesis");
	free(steal(&p->block));
	return 0;
}

static int open_block(struct parser *p)
{
	if (p->words.n != 2)
		return bad(p, "a block is opened by one word and \"(\"");
	p->block = xstrdup(p->words.v[0]);
	p->block_line = p->line;
	return 0;
}

static int parse_line(struct parser *p, const char *s, const char *end)
{
	char **words;
	size_t n;

	if (split_line(p, s, end))
		return -1;
	words = p->words.v;
	n = p->words.n;
	if (!n)
		return 0;
	if (p->block)
		return block_line(p);
	if (strchr(punctuation, words[0][0]))
		return bad(p, "a line starts with a word such as require");
	if (!strcmp(words[n - 1], "("))
		return open_block(p);
	if (n == 3 && !strcmp(words[1], "(") && !strcmp(words[2], ")"))
		return 0;
	return directive(p, words[0], words + 1, n - 1);
}

static int parse_lines(struct parser *p, const char *text, size_t n)
{
	const char *end = text + n;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;

		p->line++;
		if (parse_line(p, text, stop))
			return -1;
		text = stop + 1;
	}
	if (p->block) {
		p->line = p->block_line;
		return bad(p, "the block opened here is not closed");
	}
	if (p->kind == GOMOD_MOD && !p->mod->module)
		return err_set(p->err, ERR_INPUT,
			"%s: has no \"module\" line; \"go mod edit -module PATH\" adds it",
			p->name);
	return 0;
}

int gomod_parse(struct gomod *mod, enum gomod_kind kind, const char *name, const char *text,
	size_t n, struct err *err)
{
	struct gomod made = { 0 };
	struct parser p = { .mod = &made, .kind = kind, .name = name, .err = err };
	int result = parse_lines(&p, text, n);

	strs_release(&p.words);
	free(p.block);
	if (result) {
		gomod_release(&made);
		return -1;
	}
	*mod = made;
	return 0;
}

void gomod_release(struct gomod *mod)
{
	for (size_t i = 0; i < mod->n_requires; i++) {
		free(mod->requires[i].path);
		free(mod->requires[i].version);
	}
	for (size_t i = 0; i < mod->n_replaces; i++)
		release_replace(&mod->replaces[i]);
	free(mod->requires);
	free(mod->replaces);
	free(mod->module);
	free(mod->go);
	free(mod->toolchain);
	strs_release(&mod->uses);
	*mod = (struct gomod){ 0 };
}
