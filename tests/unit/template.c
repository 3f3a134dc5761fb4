#include "inputs/template.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/proc.h"
#include "tap.h"
#include "tempdir.h"

static char *expand(struct template *template, const char *text)
{
	struct err err = { 0 };
	char *got = template_expand(template, text, "ko.yaml:7", &err);

	return got ? got : xasprintf("%d %s", err.class, err.text);
}

static void expands(struct template *template, const char *text, const char *want)
{
	scratch char *got = expand(template, text);

	is(got, want, text);
}

static void test_text(void)
{
	struct template template = { 0 };

	expands(&template, "", "");
	expands(&template, "-X main.v=1 }}", "-X main.v=1 }}");
	expands(&template, "a {{ .Env.KO_TEST }} b{{.Env.KO_TEST}}", "a x y bx y");
	template_release(&template);
}

static void test_trim(void)
{
	struct template template = { 0 };

	expands(&template, "a {{- .Env.KO_TEST }} b", "ax y b");
	expands(&template, "a {{ .Env.KO_TEST -}} b", "a x yb");
	expands(&template, "a {{- .Env.KO_TEST -}} b", "ax yb");
	template_release(&template);
}

static void test_env(void)
{
	struct template template = { 0 };

	strs_add(&template.env, "KO_TEST=build");
	strs_add(&template.env, "KO_TEST=last");
	expands(&template, "{{.Env.KO_TEST}}", "last");
	expands(&template, "{{.Env.LDFLAGS}}", "");
	ok(template.used_env && !template.used_git && !template.used_goenv,
		"what was named is known");
	expands(&template, "{{.Env.KO_GONE}}",
		"3 ko.yaml:7: template {{.Env.KO_GONE}}: the variable is not set");
	template_release(&template);
}

static void test_errors(void)
{
	struct template template = { 0 };

	expands(&template, "{{.Nope}}",
		"3 ko.yaml:7: template {{.Nope}}: not known; there are .Env.NAME, .GoEnv.NAME, "
		".Git.NAME, .Date and .Timestamp");
	expands(&template, "{{.Git.Nope}}",
		"3 ko.yaml:7: template {{.Git.Nope}}: Git has no such name");
	expands(&template, "{{.Env.A", "3 ko.yaml:7: template {{.Env.A}}: is not closed");
	expands(&template, "{{if .Env.A}}x{{end}}",
		"3 ko.yaml:7: template {{if .Env.A}}: only names such as .Env.NAME or .Git.Tag are "
		"supported");
	template_release(&template);
}

static void test_date(void)
{
	struct template template = { 0 };

	setenv("TZ", "America/New_York", 1);
	setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
	expands(&template, "{{.Date}}", "2023-11-14T22:13:20Z");
	expands(&template, "{{.Timestamp}}", "1700000000");
	ok(template.used_date, "the time was named");
	setenv("SOURCE_DATE_EPOCH", "soon", 1);
	expands(&template, "{{.Date}}",
		"3 ko.yaml:7: template {{.Date}}: SOURCE_DATE_EPOCH is not a number of seconds");
	unsetenv("SOURCE_DATE_EPOCH");
	template_release(&template);
}

static void git(const char *a, const char *b, const char *c)
{
	const char *argv[] = { "git", "-c", "user.name=t", "-c", "user.email=t@t", a, b, c, NULL };
	struct buf out = { 0 };
	struct proc proc = { .argv = argv, .output = &out, .messages = &out };
	struct err err;

	if (proc_run(&proc, &err))
		printf("# git %s: %s\n", a, buf_str(&out));
	buf_release(&out);
}

/* Expands with a new template, as another run would. */
static void afresh(const char *text, const char *want)
{
	struct template template = { 0 };

	expands(&template, text, want);
	template_release(&template);
}

static void test_git(void)
{
	scratch char *found = proc_find("git");
	cleanup(buf_release) struct buf out = { 0 };
	const char *argv[] = { "git", "rev-parse", "HEAD", NULL };
	struct proc proc = { .argv = argv, .output = &out };
	struct err err;

	if (!found) {
		ok(1, "no git # SKIP");
		return;
	}
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	setenv("GIT_CEILING_DIRECTORIES", "/tmp", 1);
	setenv("GIT_COMMITTER_DATE", "1700000000 +0100", 1);
	afresh("<{{.Git.Tag}}{{.Git.CommitDate}}{{.Git.Branch}}> {{.Git.IsDirty}} "
	       "{{.Git.TreeState}}",
		"<> false clean");
	git("init", "-q", "-bmain");
	put("file", "1");
	git("add", "file", NULL);
	git("commit", "-q", "-mone");
	proc_run(&proc, &err);
	buf_addstr(&out, "");
	out.data[40] = '\0';
	afresh("{{.Git.Branch}} {{.Git.Tag}} {{.Git.TreeState}}", "main v0.0.0 clean");
	afresh("{{.Git.CommitDate}} {{.Git.CommitTimestamp}}", "2023-11-14T22:13:20Z 1700000000");
	afresh("{{.Git.FullCommit}}", out.data);
	out.data[7] = '\0';
	afresh("{{.Git.ShortCommit}}", out.data);
	git("tag", "v1.2.3", NULL);
	put("file", "2");
	afresh("{{.Git.Tag}} {{.Git.IsDirty}} {{.Git.IsClean}} {{.Git.TreeState}}",
		"v1.2.3 true false dirty");
}

static void test_goenv(void)
{
	scratch char *found = proc_find("go");
	struct template template = { 0 };

	if (!found) {
		ok(1, "no go command # SKIP");
		return;
	}
	strs_add(&template.env, "GOOS=plan9");
	expands(&template, "{{.GoEnv.GOOS}}", "plan9");
	expands(&template, "{{.GoEnv.NOPE}}",
		"3 ko.yaml:7: template {{.GoEnv.NOPE}}: go env has no such name");
	ok(template.used_goenv, "go was named");
	template_release(&template);
}

static void test_list(void)
{
	struct template template = { 0 };
	struct strs list = { 0 };
	struct err err;

	strs_add(&list, "a");
	strs_add(&list, "{{.Env.KO_TEST}}");
	ok(!template_expand_all(&template, &list, "x", &err), "a list");
	is(list.v[1], "x y", "each on its own: values are not split");
	strs_add(&list, "{{x}}");
	ok(template_expand_all(&template, &list, "x", &err) == -1, "one wrong is wrong");
	strs_release(&list);
	template_release(&template);
}

int main(void)
{
	tempdir_enter();
	setenv("KO_TEST", "x y", 1);
	unsetenv("SOURCE_DATE_EPOCH");
	unsetenv("LDFLAGS");
	test_text();
	test_trim();
	test_env();
	test_errors();
	test_date();
	test_git();
	test_goenv();
	test_list();
	return done();
}
