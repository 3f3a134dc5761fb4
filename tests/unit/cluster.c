#include "cluster/kubectl.h"
#include "cluster/pods.h"
#include "cluster/rollout.h"

#include <string.h>

#include "base/mem.h"
#include "formats/record.h"
#include "tap.h"

/* The words that are left of a line of words. malloced. */
static char *left(const char *line, enum kubectl_words which)
{
	cleanup(strs_release) struct strs words = { 0 };
	cleanup(strs_release) struct strs argv = { 0 };
	struct buf text = { 0 };

	strs_split(&words, line, " ");
	kubectl_add_words(&argv, &words, which);
	for (size_t i = 0; i < argv.n; i++)
		buf_addf(&text, "%s%s", i ? " " : "", argv.v[i]);
	return text.data ? buf_detach(&text) : xstrdup("");
}

static void test_words(void)
{
	static const struct {
		const char *line, *connection, *diff;
	} cases[] = {
		{ "", "", "" },
		{ "-n a", "-n a", "-n a" },
		{ "-na --dry-run=server", "-na", "-na" },
		{ "-n=a -s https://h", "-n=a -s https://h", "-n=a -s https://h" },
		{ "--context a --wait --kubeconfig=b", "--context a --kubeconfig=b",
			"--context a --kubeconfig=b" },
		{ "--prune -l x=y --all", "", "--prune -l x=y" },
		{ "--selector --context", "", "--selector --context" },
		{ "--field-manager=m --server-side --force-conflicts=true --token t", "--token t",
			"--field-manager=m --server-side --force-conflicts=true --token t" },
		{ "--insecure-skip-tls-verify operand -v 6 --v=7",
			"--insecure-skip-tls-verify -v 6 --v=7",
			"--insecure-skip-tls-verify -v 6 --v=7" },
		{ "--namespaces a --name - -- -", "", "" },
		{ "--context", "--context", "--context" },
		{ "-Rn prod", "-n prod", "-R -n prod" },
		{ "-Rnprod -f more/", "-nprod", "-R -nprod -f more/" },
		{ "-nRf x", "-nRf", "-nRf" },
		{ "-R=false -n=a", "-n=a", "-R=false -n=a" },
		{ "-Ron prod", "", "-R" },
		{ "--filename=a --filename b --recursive", "",
			"--filename=a --filename b --recursive" },
	};

	for (size_t i = 0; i < countof(cases); i++) {
		scratch char *connection = left(cases[i].line, KUBECTL_CONNECTION);
		scratch char *diff = left(cases[i].line, KUBECTL_DIFF);

		is(connection, cases[i].connection, "words for every command");
		is(diff, cases[i].diff, "words for kubectl diff");
	}
}

static void test_missing_value(void)
{
	static const struct {
		const char *line, *last;
	} cases[] = { { "", NULL }, { "-n a", NULL }, { "--field-manager=", NULL },
		{ "--context --field-manager", NULL }, { "-R", NULL }, { "-n=", NULL },
		{ "--all --no-flag-of-ours", NULL }, { "--all --field-manager", "--field-manager" },
		{ "-n a -s", "-s" }, { "-Rn", "-Rn" }, { "-f", "-f" } };

	for (size_t i = 0; i < countof(cases); i++) {
		cleanup(strs_release) struct strs words = { 0 };
		struct err err;
		int result;

		strs_split(&words, cases[i].line, " ");
		result = kubectl_check_words(&words, &err);
		ok(result == (cases[i].last ? -1 : 0), cases[i].line);
		if (result)
			ok(err.class == ERR_USAGE && starts_with(err.text, cases[i].last),
				"its error names the word");
	}
}

static void test_dry_run(void)
{
	static const struct {
		const char *line;
		bool dry;
	} cases[] = { { "", false }, { "--dry-run", true }, { "--dry-run=client", true },
		{ "--dry-run=server", true }, { "--dry-run=none", false },
		{ "--dry-run=server --dry-run=none", false }, { "--dry-run-not", false } };

	for (size_t i = 0; i < countof(cases); i++) {
		cleanup(strs_release) struct strs words = { 0 };

		strs_split(&words, cases[i].line, " ");
		ok(kubectl_is_dry_run(&words) == cases[i].dry, cases[i].line);
	}
}

static void test_seconds(void)
{
	static const struct {
		const char *text;
		int seconds;
	} cases[] = { { "", ROLLOUT_DEFAULT }, { "90", 90 }, { "90s", 90 }, { "5m", 300 },
		{ "1h30m", 5400 }, { "0", 0 }, { "168h", 604800 }, { "169h", -1 }, { "s", -1 },
		{ "5m-1s", -1 }, { " 5", -1 }, { "1.5h", -1 }, { "5ms", -1 },
		{ "99999999999999999999", -1 } };

	for (size_t i = 0; i < countof(cases); i++) {
		struct err err;

		ok(rollout_seconds(cases[i].text, &err) == cases[i].seconds, cases[i].text);
	}
}

static void test_selector(void)
{
	static const struct {
		const char *json, *text;
	} cases[] = { { "{}", "" },
		{ "{\"matchLabels\":{\"a\":\"b\",\"c/d\":\"e\"}}", "a=b,c/d=e" },
		{ "{\"matchLabels\":{\"a\":\"b\"},\"matchExpressions\":["
		  "{\"key\":\"k\",\"operator\":\"In\",\"values\":[\"x\",\"y\"]},"
		  "{\"key\":\"l\",\"operator\":\"NotIn\",\"values\":[\"z\"]},"
		  "{\"key\":\"m\",\"operator\":\"Exists\"},"
		  "{\"key\":\"n\",\"operator\":\"DoesNotExist\"}]}",
			"a=b,k in (x,y),l notin (z),m,!n" } };

	for (size_t i = 0; i < countof(cases); i++) {
		struct err err;
		json_t *json = json_from("test", cases[i].json, strlen(cases[i].json), &err);
		scratch char *text = pods_selector(json);

		is(text, cases[i].text, "selector");
		json_decref(json);
	}
}

int main(void)
{
	test_words();
	test_missing_value();
	test_dry_run();
	test_seconds();
	test_selector();
	return done();
}
