#include "goflags.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"

static const char space[] = " \t\r\n";

static bool is_quote(char c)
{
	return c == '\'' || c == '"';
}

/* What stands between quotes; moves *text behind the closing one. */
static int take_quoted(struct buf *flag, const char **text, const char *name, struct err *err)
{
	const char *begin = *text + 1, *end = strchr(begin, **text);

	if (!end)
		return err_set(err, ERR_USAGE, "%s: no closing %c in: %s", name, **text, *text);
	buf_add(flag, begin, (size_t)(end - begin));
	*text = end + 1;
	return 0;
}

/* One flag from *text on. */
static int take_flag(struct buf *flag, const char **text, const char *name, struct err *err)
{
	bool value = false; /* whether "=" has been passed */

	if (is_quote(**text))
		return take_quoted(flag, text, name, err);
	while (**text && !strchr(space, **text)) {
		bool begins = !value && **text == '=';

		buf_addch(flag, *(*text)++);
		value |= begins;
		if (begins && is_quote(**text) && take_quoted(flag, text, name, err))
			return -1;
	}
	return 0;
}

int goflags_split(struct strs *flags, const char *text, const char *name, struct err *err)
{
	for (text += strspn(text, space); *text; text += strspn(text, space)) {
		struct buf flag = { 0 };

		if (take_flag(&flag, &text, name, err)) {
			buf_release(&flag);
			return -1;
		}
		strs_take(flags, buf_detach(&flag));
	}
	return 0;
}

/* What follows "-NAME" or "--NAME" in a word: "=VALUE" or "". NULL: another word. */
static const char *after_name(const char *word, const char *flag)
{
	size_t n = strlen(flag), dashes = strspn(word, "-");

	if (!dashes || strncmp(word + dashes, flag, n))
		return NULL;
	word += dashes + n;
	return *word == '=' || !*word ? word : NULL;
}

int goflags_check(const struct strs *flags, const char *name, struct err *err)
{
	for (size_t i = 0; i < flags->n; i++) {
		if (after_name(flags->v[i], "toolexec"))
			return err_set(err, ERR_USAGE, "%s: cannot set -toolexec; remove it", name);
	}
	return 0;
}

/* However go splits it, at the latest here. */
int goflags_check_text(const char *text, const char *name, struct err *err)
{
	cleanup(strs_release) struct strs words = { 0 };

	strs_split(&words, text ? text : "", " \t\r\n'\"");
	return goflags_check(&words, name, err);
}

void goflags_values(struct strs *values, const struct strs *flags, const char *flag)
{
	for (size_t i = 0; i < flags->n; i++) {
		const char *rest = after_name(flags->v[i], flag);

		if (rest && *rest)
			strs_add(values, rest + 1);
		else if (rest && i + 1 < flags->n)
			strs_add(values, flags->v[i + 1]);
	}
}
