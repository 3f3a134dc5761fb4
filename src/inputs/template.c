#include "template.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/proc.h"

/*
 * A template is text with actions in it: "{{", blanks, a field chain such as ".Git.Tag", blanks,
 * "}}". "{{-" and "-}}" drop the white space on their outer side, as in Go's text/template. There
 * are no pipelines, conditions or functions: settings that need them are better made by a script
 * and handed over in .Env.
 */

#define NAME_LIMIT 256

static const char space[] = " \t\r\n";
static const char name_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.";

/* What git is asked. */
enum query { INSIDE, BRANCH, TAG, SHORT, FULL, TIME, STATUS };

static const char *const queries[][6] = {
	[INSIDE] = { "rev-parse", "--is-inside-work-tree" },
	[BRANCH] = { "rev-parse", "--abbrev-ref", "HEAD", "--quiet" },
	[TAG] = { "describe", "--tags", "--abbrev=0", "HEAD" },
	[SHORT] = { "show", "--no-patch", "--format=%h", "HEAD", "--quiet" },
	[FULL] = { "show", "--no-patch", "--format=%H", "HEAD", "--quiet" },
	[TIME] = { "show", "--no-patch", "--format=%ct", "HEAD", "--quiet" },
	[STATUS] = { "status", "--porcelain" },
};

/* Each .Git name, the answer it is made from, and how. */
static const struct {
	const char *name;
	enum query query;
	enum { AS_IS, AS_TAG, AS_DATE, AS_DIRTY, AS_CLEAN, AS_STATE } how;
} git_names[] = {
	{ "Branch", BRANCH, AS_IS },
	{ "Tag", TAG, AS_TAG },
	{ "ShortCommit", SHORT, AS_IS },
	{ "FullCommit", FULL, AS_IS },
	{ "CommitDate", TIME, AS_DATE },
	{ "CommitTimestamp", TIME, AS_IS },
	{ "IsDirty", STATUS, AS_DIRTY },
	{ "IsClean", STATUS, AS_CLEAN },
	{ "TreeState", STATUS, AS_STATE },
};

bool template_is(const char *text)
{
	return strstr(text, "{{") != NULL;
}

static void trim_end(struct buf *out)
{
	while (out->len && strchr(space, out->data[out->len - 1]))
		out->data[--out->len] = '\0';
}

/* One text being expanded. */
struct expansion {
	struct template *template;
	const char *from;
	struct buf out;
	struct err *err;
};

static int bad(struct expansion *x, const char *what, const char *why)
{
	return err_set(x->err, ERR_INPUT, "%s: template {{%s}}: %s", x->from, what, why);
}

/* The value of NAME=VALUE in the list, or NULL. */
static const char *lookup(const struct strs *list, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = list->n; i > 0; i--) {
		const char *entry = list->v[i - 1];

		if (!strncmp(entry, name, n) && entry[n] == '=')
			return entry + n + 1;
	}
	return NULL;
}

static int add_env(struct expansion *x, const char *name, const char *what)
{
	const char *value = lookup(&x->template->env, name);

	x->template->used_env |= !value;
	if (!value)
		value = getenv(name);
	if (!value && strcmp(name, "LDFLAGS") != 0)
		return bad(x, what, "the variable is not set");
	buf_addstr(&x->out, value ? value : "");
	return 0;
}

/* Runs a program in the template's directory. Returns its exit status, -1 where it did not run. */
static int run(struct expansion *x, const char *const argv[], struct buf *output)
{
	struct buf ignored = { 0 };
	struct proc proc = {
		.argv = argv,
		.dir = x->template->dir,
		.env = &x->template->env,
		.output = output,
		.messages = &ignored,
		.output_limit = (size_t)16 << 20,
	};
	int status = proc_run(&proc, x->err);

	buf_release(&ignored);
	return status;
}

/* NAME='VALUE' lines of go env, as a shell reads them, to NAME=VALUE. */
static void add_go_line(struct strs *out, const char *line, size_t n)
{
	scratch char *text = xstrndup(line, n);
	char *value = strchr(text, '=');
	size_t length;

	if (!value)
		return;
	value++;
	length = strlen(value);
	if (length >= 2 && strchr("'\"", *value) && value[length - 1] == *value) {
		memmove(value, value + 1, length - 2);
		value[length - 2] = '\0';
	}
	strs_take(out, steal(&text));
}

static int load_goenv(struct expansion *x)
{
	const char *go = getenv("KO_GO_PATH");
	const char *argv[] = { go && *go ? go : "go", "env", NULL };
	cleanup(buf_release) struct buf output = { 0 };
	int status = run(x, argv, &output);
	const char *line = buf_str(&output);

	if (status < 0)
		return -1;
	if (status > 0)
		return err_set(x->err, ERR_FAILED, "%s: go env: %s", x->from, proc_death(status));
	for (; *line; line += strspn(line, "\n")) {
		size_t n = strcspn(line, "\n");

		add_go_line(&x->template->goenv, line, n);
		line += n;
	}
	return 0;
}

static int add_goenv(struct expansion *x, const char *name, const char *what)
{
	const char *value;

	if (!x->template->goenv.n && load_goenv(x))
		return -1;
	x->template->used_goenv = true;
	value = lookup(&x->template->env, name);
	if (!value)
		value = lookup(&x->template->goenv, name);
	if (!value)
		return bad(x, what, "go env has no such name");
	buf_addstr(&x->out, value);
	return 0;
}

static int add_date(struct expansion *x, time_t when, const char *what)
{
	struct tm tm;
	char text[64];

	if (!gmtime_r(&when, &tm) || !strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm))
		return bad(x, what, "the time is out of range");
	buf_addstr(&x->out, text);
	return 0;
}

/* Decimal seconds to a time. */
static int read_seconds(const char *text, time_t *when)
{
	size_t n = strspn(text, "0123456789");

	if (!n || n > 12 || text[n])
		return -1;
	*when = (time_t)strtoll(text, NULL, 10);
	return 0;
}

static int now(struct expansion *x, const char *what, time_t *when)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");

	x->template->used_date = true;
	if (!epoch || !*epoch) {
		*when = time(NULL);
		return 0;
	}
	if (read_seconds(epoch, when))
		return bad(x, what, "SOURCE_DATE_EPOCH is not a number of seconds");
	return 0;
}

/* What git answers, "" where it fails, as outside of a repository. Borrowed; NULL on error. */
static const char *ask_git(struct expansion *x, enum query query)
{
	struct template *template = x->template;
	const char *argv[10] = { "git", "-c", "log.showSignature=false" };
	struct buf output = { 0 };
	int status;

	if (template->git[query])
		return template->git[query];
	template->used_git = true;
	for (size_t i = 0; queries[query][i]; i++)
		argv[3 + i] = queries[query][i];
	status = run(x, argv, &output);
	if (status < 0)
		return NULL;
	if (status > 0)
		buf_clear(&output);
	trim_end(&output);
	template->git[query] = buf_detach(&output);
	return template->git[query];
}

static int add_commit_date(struct expansion *x, const char *answer, const char *what)
{
	time_t when = 0;

	if (read_seconds(answer, &when))
		return bad(x, what, "git gave no time");
	return add_date(x, when, what);
}

static int add_git(struct expansion *x, const char *name, const char *what)
{
	const char *inside, *answer;
	size_t i = 0;

	while (i < countof(git_names) && strcmp(git_names[i].name, name) != 0)
		i++;
	if (i == countof(git_names))
		return bad(x, what, "Git has no such name");
	inside = ask_git(x, INSIDE);
	if (!inside || !(answer = ask_git(x, git_names[i].query)))
		return -1;
	if (strcmp(inside, "true") != 0 && git_names[i].how < AS_DIRTY)
		return 0;
	switch (git_names[i].how) {
	case AS_DATE:
		return *answer ? add_commit_date(x, answer, what) : 0;
	case AS_TAG:
		buf_addstr(&x->out, *answer ? answer : "v0.0.0");
		return 0;
	case AS_DIRTY:
	case AS_CLEAN:
		buf_addstr(&x->out, !*answer == (git_names[i].how == AS_CLEAN) ? "true" : "false");
		return 0;
	case AS_STATE:
		buf_addstr(&x->out, *answer ? "dirty" : "clean");
		return 0;
	default:
		buf_addstr(&x->out, answer);
		return 0;
	}
}

static int add_time(struct expansion *x, const char *what, bool seconds)
{
	time_t when = 0;

	if (now(x, what, &when))
		return -1;
	if (!seconds)
		return add_date(x, when, what);
	buf_addf(&x->out, "%jd", (intmax_t)when);
	return 0;
}

static int add_value(struct expansion *x, const char *chain)
{
	if (starts_with(chain, ".Env."))
		return add_env(x, chain + 5, chain);
	if (starts_with(chain, ".GoEnv."))
		return add_goenv(x, chain + 7, chain);
	if (starts_with(chain, ".Git."))
		return add_git(x, chain + 5, chain);
	if (!strcmp(chain, ".Date") || !strcmp(chain, ".Timestamp"))
		return add_time(x, chain, !strcmp(chain, ".Timestamp"));
	return bad(x, chain,
		"not known; there are .Env.NAME, .GoEnv.NAME, .Git.NAME, .Date and .Timestamp");
}

/* The action at *at, which points behind "{{". */
static int expand_action(struct expansion *x, const char **at)
{
	const char *s = *at;
	const char *end;
	scratch char *chain = NULL;
	size_t n;

	if (*s == '-' && s[1] && strchr(space, s[1])) {
		trim_end(&x->out);
		s++;
	}
	end = strstr(s, "}}");
	if (!end)
		return bad(x, s, "is not closed");
	s += strspn(s, space);
	n = strspn(s, name_bytes);
	if (n > NAME_LIMIT)
		return bad(x, "...", "the name is too long");
	chain = xstrndup(s, n);
	s += n + strspn(s + n, space);
	if (*s == '-' && s == end - 1)
		s++;
	if (s != end) {
		scratch char *whole = xstrndup(*at, (size_t)(end - *at));

		return bad(x, whole, "only names such as .Env.NAME or .Git.Tag are supported");
	}
	*at = end + 2 + (end[-1] == '-' ? strspn(end + 2, space) : 0);
	return add_value(x, chain);
}

char *template_expand(
	struct template *template, const char *text, const char *from, struct err *err)
{
	struct expansion x = { .template = template, .from = from, .err = err };

	for (;;) {
		const char *open = strstr(text, "{{");

		if (!open)
			break;
		buf_add(&x.out, text, (size_t)(open - text));
		text = open + 2;
		if (expand_action(&x, &text)) {
			buf_release(&x.out);
			return NULL;
		}
	}
	buf_addstr(&x.out, text);
	return buf_detach(&x.out);
}

int template_expand_all(
	struct template *template, struct strs *list, const char *from, struct err *err)
{
	for (size_t i = 0; i < list->n; i++) {
		char *text;

		if (!template_is(list->v[i]))
			continue;
		text = template_expand(template, list->v[i], from, err);
		if (!text)
			return -1;
		free(list->v[i]);
		list->v[i] = text;
	}
	return 0;
}

void template_environment(struct template *template, struct strs *env)
{
	strs_release(&template->env);
	strs_release(&template->goenv);
	template->env = *env;
	*env = (struct strs){ 0 };
}

void template_release(struct template *template)
{
	strs_release(&template->env);
	strs_release(&template->goenv);
	for (size_t i = 0; i < countof(template->git); i++)
		free(template->git[i]);
	*template = (struct template){ 0 };
}
