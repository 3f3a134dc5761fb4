#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/environment.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"
#include "graph.h"
#include "still.h"

/*
 * Held until we and ninja and its commands have ended: ninja shares the descriptor. When a signal
 * ends us, ninja is still removing what it has not finished; when SIGKILL ends us both, commands go
 * on. The next run must not meet them.
 */
static int lock(struct run *run, struct err *err)
{
	scratch char *path = path_join(run->dir, "lock");

	run->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (run->lock < 0 || flock(run->lock, LOCK_EX))
		return err_sys(err, "%s", path);
	return 0;
}

/* What the graph's KEY stands for, for ko why. */
static int note_settings(const struct run *run, struct err *err)
{
	cleanup(buf_release) struct buf text = { 0 };
	scratch char *path = path_join(run->dir, "settings");

	graph_settings(run->words, run->bin, &text);
	return file_save(path, text.data, text.len, err) < 0 ? -1 : 0;
}

static int scan(const struct run *run, const char *graph, struct err *err)
{
	cleanup(strs_release) struct strs argv = { 0 };
	struct proc proc = { .output_to_stderr = true };

	strs_take(&argv, proc_fellow("ko-scan"));
	strs_add(&argv, "--self");
	strs_add(&argv, "--ninja");
	strs_add(&argv, graph);
	for (size_t i = 0; i < run->words->n; i++)
		strs_add(&argv, run->words->v[i]);
	proc.argv = (const char *const *)strs_argv(&argv);
	return proc_run(&proc, err);
}

/*
 * ninja puts "FAILED: OUTPUT" and the command before what a failed command said, and "ninja: build
 * stopped", or "ninja: error: rebuilding GRAPH", at the end. Somebody who typed one ko command
 * wants the tool's own words only.
 */
static void show_failure(const char *text)
{
	bool skip_command = false;

	while (*text) {
		size_t n = strcspn(text, "\n");
		bool failed = starts_with(text, "FAILED: ");

		if (!failed && !skip_command && !starts_with(text, "ninja: build stopped") &&
			!starts_with(text, "ninja: error: rebuilding ") &&
			!starts_with(text, "ninja: no work to do"))
			fprintf(stderr, "%.*s\n", (int)n, text);
		skip_command = failed;
		text += n + (text[n] == '\n');
	}
}

/* The first status that a tool noted, or 1. */
static int noted_status(const char *report)
{
	cleanup(buf_release) struct buf text = { 0 };
	struct err ignored;
	long status = 0;

	if (!file_read_if_exists(report, 4096, &text, &ignored))
		status = strtol(buf_str(&text), NULL, 10);
	return status > 0 && status < 256 ? (int)status : ERR_FAILED;
}

static int ninja(const struct run *run, const char *graph, const char *goal, struct err *err)
{
	bool terminal = isatty(STDERR_FILENO) || log_verbosity > 1;
	cleanup(strs_release) struct strs argv = { 0 };
	cleanup(strs_release) struct strs env = { 0 };
	cleanup(buf_release) struct buf said = { 0 };
	scratch char *report = path_join(run->dir, "report");
	struct proc proc = { .env = &env, .shared = run->lock, .output_to_stderr = terminal };
	int status;

	strs_add(&argv, "ninja");
	if (!terminal) {
		strs_add(&argv, "--quiet");
		proc.output = proc.messages = &said;
	}
	if (log_verbosity > 1)
		strs_add(&argv, "-v");
	if (run->jobs)
		strs_take(&argv, xasprintf("-j%d", run->jobs));
	strs_add(&argv, "-f");
	strs_add(&argv, graph);
	strs_add(&argv, goal);
	proc.argv = (const char *const *)strs_argv(&argv);
	strs_take(&env, xasprintf("KO_REPORT=%s", report));
	strs_take(&env, xasprintf("KO_VERBOSE=%d", log_verbosity));
	unlink(report);
	if (run->listener)
		listener_begin(run->listener, run->dir, run->lock);
	status = proc_run(&proc, err);
	if (run->listener)
		listener_end(run->listener);
	if (status < 0)
		return err_prefix(err, "install ninja 1.11 or newer (Debian: ninja-build)");
	show_failure(buf_str(&said));
	return status ? noted_status(report) : 0;
}

static int forget(const char *dir, const char *name, struct err *err)
{
	scratch char *path = path_join(dir, name);

	return unlink(path) && errno != ENOENT ? err_sys(err, "%s", path) : 0;
}

/*
 * Another graph of this directory may have put other images under the same tags, or into the same
 * archive, since this one did. Then it has to do so again; to push costs one request an image when
 * there is nothing to send.
 */
static int notice_others(const struct run *run, const char *key, struct err *err)
{
	static const char *const results[] = { "refs.json", "saved.json", "sboms.json" };
	cleanup(buf_release) struct buf text = { 0 };
	scratch char *last = path_join(run->builddir, "last");

	if (file_read_if_exists(last, 64, &text, err) < 0)
		return -1;
	for (size_t i = 0; strcmp(buf_str(&text), key) && i < countof(results); i++) {
		if (forget(run->dir, results[i], err))
			return -1;
	}
	return file_save(last, key, strlen(key), err) < 0 ? -1 : 0;
}

/* KO_BASE_UPDATE asks for a look at the registries: the edges of bases have to run again. */
static int forget_bases(const struct run *run, struct err *err)
{
	cleanup(strs_release) struct strs names = { 0 };

	if (!environment_flag("KO_BASE_UPDATE"))
		return 0;
	if (file_list(run->dir, &names, err))
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		if (starts_with(names.v[i], "base.") && forget(run->dir, names.v[i], err))
			return -1;
	}
	return 0;
}

/* Without these files ninja runs everything once; tools find out what has changed. */
static int forget_times(const struct run *run, struct err *err)
{
	return forget(run->dir, ".ninja_log", err) || forget(run->dir, "build.ninja", err) ? -1 : 0;
}

/*
 * When the clock was set back, what is edited now is older than what was made before, and ninja
 * would not see it.
 */
static int notice_clock(const struct run *run, struct err *err)
{
	scratch char *log = path_join(run->dir, ".ninja_log");

	if (!file_is_future(log))
		return 0;
	log_note("the clock was set back since the last run: all files are looked at again");
	return forget_times(run, err) || forget(run->builddir, "go/marker", err) ||
			forget(run->builddir, "oci/oci-layout", err)
		? -1
		: 0;
}

/* The graph, and ninja. */
static int make(const struct run *run, const char *goal, bool is_volatile, struct err *err)
{
	scratch char *graph = path_join(run->dir, "build.ninja");
	scratch char *path = path_join(run->dir, goal);
	int status = 0;

	if (!file_exists(graph) || is_volatile) {
		if (note_settings(run, err))
			return -1;
		status = scan(run, graph, err);
	}
	return status ? status : ninja(run, graph, path, err);
}

static int make_goal(const struct run *run, const char *goal, struct err *err)
{
	cleanup(still_release) struct still still = {
		.builddir = run->builddir, .dir = run->dir, .goal = goal
	};
	scratch char *unsteady = path_join(run->dir, "volatile");
	bool is_volatile = file_exists(unsteady);
	int status;

	if (still_look(&still) && !is_volatile)
		return 0;
	if (still.hidden) {
		log_debug(1, "%s has changed, and its time is an old one: all is looked at again",
			still.hidden);
		if (forget_times(run, err))
			return -1;
	}
	still_keep_seen(&still);
	status = make(run, goal, is_volatile, err);
	still_keep_done(&still, !status);
	return status;
}

int run_goal(struct run *run, const char *goal, struct err *err)
{
	scratch char *key = graph_key(run->words, run->bin);

	run->dir = path_join(run->builddir, key);
	if (file_mkdirs(run->dir, err) || lock(run, err) || forget_bases(run, err) ||
		notice_others(run, key, err) || notice_clock(run, err) ||
		(run->timeline && timeline_begin(run->timeline, run->dir, err)))
		return -1;
	return make_goal(run, goal, err);
}

void run_release(struct run *run)
{
	free(steal(&run->dir));
}
