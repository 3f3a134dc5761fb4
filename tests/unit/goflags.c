/* Splitting of flags, compared with the go command itself. */
#include "go/goflags.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/proc.h"
#include "tap.h"
#include "tempdir.h"

/* "[flag][flag]", or the error. malloced. */
static char *split(const char *text)
{
	cleanup(strs_release) struct strs flags = { 0 };
	struct buf out = { 0 };
	struct err err;

	if (goflags_split(&flags, text, "KO_GOFLAGS", &err))
		return xstrdup(err.text);
	for (size_t i = 0; i < flags.n; i++)
		buf_addf(&out, "[%s]", flags.v[i]);
	return out.data ? buf_detach(&out) : xstrdup("");
}

static const struct {
	const char *text, *flags;
} table[] = {
	{ "", "" },
	{ "  \t\n", "" },
	{ "-a -v", "[-a][-v]" },
	{ "\t-a\n -v\r\n", "[-a][-v]" },
	{ "-ldflags='-s -w'", "[-ldflags=-s -w]" },
	{ "-ldflags=\"-s -w\" -v", "[-ldflags=-s -w][-v]" },
	{ "'-ldflags=-s -w' -v", "[-ldflags=-s -w][-v]" },
	{ "\"-ldflags=-X 'main.v=a b'\"", "[-ldflags=-X 'main.v=a b']" },
	{ "-ldflags=\"-X 'main.v=a b'\"", "[-ldflags=-X 'main.v=a b']" },
	{ "'-a''-v'", "[-a][-v]" },
	{ "-tags=a,b", "[-tags=a,b]" },
	{ "-tags=it's", "[-tags=it's]" },
	{ "-ldflags=-X=main.v='x'", "[-ldflags=-X=main.v='x']" },
	{ "-ldflags=", "[-ldflags=]" },
	{ "-ldflags=''", "[-ldflags=]" },
	{ "''", "[]" },
	{ "-ldflags='-s", "KO_GOFLAGS: no closing ' in: '-s" },
	{ "\"-a", "KO_GOFLAGS: no closing \" in: \"-a" },
};

/* go reads build tags out of GOFLAGS as it splits it: what it makes of "-tags" shows how. */
static char *tags_of_go(const char *goflags)
{
	const char *const argv[] = { "go", "list", "-f", "{{context.BuildTags}}", "unsafe", NULL };
	cleanup(strs_release) struct strs env = { 0 };
	struct buf out = { 0 };
	struct proc proc = { .argv = argv, .env = &env, .output = &out, .messages = &out };
	struct err err;

	strs_take(&env, xasprintf("GOFLAGS=%s", goflags));
	strs_add(&env, "GO111MODULE=off");
	if (proc_run(&proc, &err) < 0)
		return xstrdup(err.text);
	if (out.len)
		out.data[strcspn(out.data, "\n")] = '\0';
	return buf_detach(&out);
}

static void compare_with_go(const char *goflags)
{
	cleanup(strs_release) struct strs flags = { 0 };
	cleanup(strs_release) struct strs values = { 0 };
	cleanup(strs_release) struct strs tags = { 0 };
	cleanup(buf_release) struct buf ours = { 0 };
	scratch char *name = xasprintf("as go splits: %s", goflags);
	scratch char *theirs = tags_of_go(goflags);
	struct err err;

	if (goflags_split(&flags, goflags, "GOFLAGS", &err))
		abort();
	goflags_values(&values, &flags, "tags");
	if (values.n)
		strs_split(&tags, values.v[values.n - 1], ", ");
	buf_addch(&ours, '[');
	for (size_t i = 0; i < tags.n; i++)
		buf_addf(&ours, "%s%s", i ? " " : "", tags.v[i]);
	buf_addch(&ours, ']');
	is(buf_str(&ours), theirs, name);
}

static void check(const char *text, int refused)
{
	scratch char *name = xasprintf("%s: %s", refused ? "refused" : "allowed", text);
	cleanup(strs_release) struct strs flags = { 0 };
	struct err err = { 0 };

	if (goflags_split(&flags, text, "KO_GOFLAGS", &err))
		abort();
	ok((goflags_check(&flags, "KO_GOFLAGS", &err) == -1) == refused &&
			(goflags_check_text(text, "GOFLAGS", &err) == -1) == refused,
		name);
}

int main(void)
{
	struct err err;

	for (size_t i = 0; i < countof(table); i++) {
		scratch char *name = xasprintf("split: %s", table[i].text);
		scratch char *got = split(table[i].text);

		for (char *p = name; *p; p++)
			*p = *p < ' ' ? ' ' : *p;
		is(got, table[i].flags, name);
	}
	compare_with_go("-tags=a,b");
	compare_with_go("  -v\t'-tags=a b'  ");
	compare_with_go("\"-tags=a,b\"'-v'");
	compare_with_go("-tags=x '--tags=y'");
	check("-toolexec=x", 1);
	check("--toolexec=x", 1);
	check("-v -toolexec x", 1);
	check("'-toolexec=x y'", 1);
	check("-v '--toolexec' x", 1);
	check("-v", 0);
	check("-tags=toolexec", 0);
	check("-toolexecutor", 0);
	ok(goflags_check_text("-ldflags='-s -toolexec=x'", "GOFLAGS", &err) == -1,
		"refused: what go would see in a quoted value");
	is(err.text, "GOFLAGS: cannot set -toolexec; remove it", "it says where and what");
	ok(goflags_check_text(NULL, "GOFLAGS", &err) == 0, "nothing set");
	return done();
}
