/*
 * Three things can make an image anew. Settings: they are what a graph's KEY stands for, and each
 * graph has them in a file, so that two can be compared. A program's sources: go/why.h knows. All
 * that comes after: ninja says it, with "-n -d explain", in lines such as
 *
 *	ninja explain: output .ko/KEY/app.linux-amd64.layer.json older than most recent input
 *kodata/a ...
 */
#include "why.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/proc.h"
#include "formats/record.h"
#include "go/why.h"
#include "graph.h"
#include "layout.h"
#include "still.h"

/* Lines of text that are not in other, with a word before each. */
static void add_missing(struct buf *out, const char *text, const char *other, const char *word)
{
	cleanup(strs_release) struct strs lines = { 0 };
	cleanup(strs_release) struct strs known = { 0 };

	strs_split(&lines, text, "\n");
	strs_split(&known, other, "\n");
	for (size_t i = 0; i < lines.n; i++) {
		if (!strs_has(&known, lines.v[i]))
			buf_addf(out, "  %s %s\n", word, lines.v[i]);
	}
}

/* What is different from the settings of the graph that was run last. */
static int compare_settings(const struct run *run, struct buf *out, struct err *err)
{
	cleanup(buf_release) struct buf last = { 0 };
	cleanup(buf_release) struct buf before = { 0 };
	cleanup(buf_release) struct buf now = { 0 };
	scratch char *last_path = path_join(run->builddir, "last");
	scratch char *path = NULL;

	if (file_read_if_exists(last_path, 64, &last, err) < 0)
		return -1;
	if (!last.len) {
		buf_addf(out, "nothing was made in %s yet\n", run->builddir);
		return 0;
	}
	path = xasprintf("%s/%s/settings", run->builddir, buf_str(&last));
	if (file_read_if_exists(path, FILE_LIMIT, &before, err) < 0)
		return -1;
	graph_settings(run->words, run->bin, &now);
	buf_addstr(out, "not made with these settings yet; other than last time:\n");
	add_missing(out, buf_str(&now), buf_str(&before), "now");
	add_missing(out, buf_str(&before), buf_str(&now), "before");
	return 0;
}

static bool is_wanted(const json_t *record, const struct strs *names)
{
	return !names->n || strs_has(names, record_get(record, "name")) ||
		strs_has(names, record_get(record, "importpath"));
}

static int wanted_records(
	struct records *records, const struct run *run, const struct strs *names, struct err *err)
{
	cleanup(records_release) struct records all = { 0 };
	scratch char *path = path_join(run->dir, "scan.json");

	if (records_read(&all, path, err))
		return -1;
	for (size_t i = 0; i < records_count(&all); i++) {
		json_t *record = records_at(&all, i);

		if (is_wanted(record, names))
			records_add(records, json_incref(record));
	}
	if (!records_count(records))
		return err_set(err, ERR_USAGE, "no such image here: %s",
			names->n ? names->v[0] : "none at all");
	return 0;
}

/* Whether a file of the graph is one of the image's, or one of a base, and made after compiling. */
static bool is_later_step(const char *file, const char *name)
{
	size_t n = strlen(path_base(name));

	if (ends_with(file, ".built.json") || ends_with(file, ".bin.json"))
		return false;
	return starts_with(file, "base.") || (!strncmp(file, path_base(name), n) && file[n] == '.');
}

/* "output FILE older than most recent input PATH (...)", or other words about FILE. */
static void add_later_steps(struct buf *out, const struct records *records, const char *said)
{
	static const char older[] = "older than most recent input ";
	const char *output = said + strlen("output ");
	scratch char *path = xstrndup(output, strcspn(output, " "));
	const char *why = output + strlen(path) + (output[strlen(path)] == ' ');

	for (size_t i = 0; i < records_count(records); i++) {
		const char *name = record_get(records_at(records, i), "name");

		if (!is_later_step(path_base(path), name))
			continue;
		if (starts_with(why, older))
			buf_addf(out, "%s: to be made because %.*s has changed\n", name,
				(int)strcspn(why + strlen(older), " "), why + strlen(older));
		else
			buf_addf(out, "%s: %s %s\n", name, path_base(path), why);
		return;
	}
}

static int ask_ninja(
	const struct run *run, const struct records *records, struct buf *out, struct err *err)
{
	scratch char *graph = path_join(run->dir, "build.ninja");
	scratch char *goal = path_join(run->dir, "refs.json");
	const char *const argv[] = { "ninja", "-n", "-d", "explain", "-f", graph, goal, NULL };
	cleanup(buf_release) struct buf said = { 0 };
	cleanup(strs_release) struct strs lines = { 0 };
	struct proc proc = { .argv = argv, .output = &said, .messages = &said };

	if (proc_run(&proc, err) < 0)
		return -1;
	strs_split(&lines, buf_str(&said), "\n");
	for (size_t i = 0; i < lines.n; i++) {
		const char *output = strstr(lines.v[i], "output ");

		if (output && starts_with(lines.v[i], "ninja explain: "))
			add_later_steps(out, records, output);
	}
	return 0;
}

/* What ninja would not tell. */
static void tell_hidden(const struct run *run, struct buf *out)
{
	cleanup(still_release) struct still still = {
		.builddir = run->builddir, .dir = run->dir, .goal = ""
	};

	(void)still_look(&still);
	if (still.hidden)
		buf_addf(out,
			"all of them: to be looked at because %s has changed, with an old time\n",
			still.hidden);
}

int run_why(struct run *run, const struct strs *names, struct buf *out, struct err *err)
{
	cleanup(records_release) struct records records = { 0 };
	scratch char *key = graph_key(run->words, run->bin);
	scratch char *graph = NULL;

	run->dir = path_join(run->builddir, key);
	graph = path_join(run->dir, "build.ninja");
	if (!file_exists(graph))
		return compare_settings(run, out, err);
	if (wanted_records(&records, run, names, err))
		return -1;
	if (go_why(out, &records, run->builddir, err))
		return -1;
	tell_hidden(run, out);
	return ask_ninja(run, &records, out, err);
}
