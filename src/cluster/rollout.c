#include "rollout.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "base/proc.h"
#include "formats/record.h"

static const char *meta(const json_t *object, const char *key)
{
	const char *value = record_get(json_object_get(object, "metadata"), key);

	return value ? value : "";
}

static bool is_on_delete(const json_t *spec)
{
	const char *type = record_get(json_object_get(spec, "updateStrategy"), "type");

	return type && !strcmp(type, "OnDelete");
}

static bool is_paused(const json_t *spec)
{
	return json_is_true(json_object_get(spec, "paused"));
}

static bool is_suspended(const json_t *spec)
{
	return json_is_true(json_object_get(spec, "suspend"));
}

static const char on_delete[] = "its pods change only when they are deleted";

/* What is waited for, and when it cannot be. */
static const struct kind {
	const char *name, *group, *word;
	bool (*stands_still)(const json_t *spec);
	const char *reason;
} kinds[] = {
	{ "Deployment", "apps/", "deployment", is_paused, "it is paused" },
	{ "StatefulSet", "apps/", "statefulset", is_on_delete, on_delete },
	{ "DaemonSet", "apps/", "daemonset", is_on_delete, on_delete },
	{ "Job", "batch/", "job", is_suspended, "it is suspended" },
};

static const struct kind *kind_of(const json_t *object)
{
	const char *name = record_get(object, "kind"), *api = record_get(object, "apiVersion");

	for (size_t i = 0; name && api && i < countof(kinds); i++) {
		if (!strcmp(kinds[i].name, name) && starts_with(api, kinds[i].group))
			return &kinds[i];
	}
	return NULL;
}

char *rollout_title(const json_t *object)
{
	const char *name = meta(object, "name");

	return xasprintf(
		"%s/%s", kind_of(object)->word, *name ? name : meta(object, "generateName"));
}

/* Why it is not to be waited for, or NULL. */
static const char *obstacle(const json_t *object)
{
	const struct kind *kind = kind_of(object);

	if (!*meta(object, "name"))
		return "it has generateName, and is not found again";
	return kind->stands_still(json_object_get(object, "spec")) ? kind->reason : NULL;
}

static void sort_out(struct rollouts *rollouts, json_t *object)
{
	const char *reason = kind_of(object) ? obstacle(object) : NULL;
	scratch char *title = reason ? rollout_title(object) : NULL;

	if (reason)
		strs_take(&rollouts->passed_over, xasprintf("%s: %s", title, reason));
	else if (kind_of(object))
		json_array_append(rollouts->objects, object);
}

static time_t seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

int rollouts_find(
	struct rollouts *rollouts, const struct cluster *cluster, int seconds, struct err *err)
{
	cleanup(strs_release) struct strs words = { 0 };
	cleanup(json_release) json_t *all = NULL;
	json_t *object;
	size_t i;

	strs_add(&words, "-f");
	strs_add(&words, "-");
	strs_add(&words, "--ignore-not-found");
	all = kubectl_get(cluster, &words, true, err);
	if (!all)
		return -1;
	rollouts->until = seconds_now() + seconds;
	rollouts->objects = json_array();
	json_array_foreach (all, i, object)
		sort_out(rollouts, object);
	return 0;
}

void rollouts_release(struct rollouts *rollouts)
{
	json_release(&rollouts->objects);
	strs_release(&rollouts->passed_over);
}

/* The end of a command that waits. Its words take precedence over the user's. */
static const char *const *finish(
	struct strs *argv, const struct cluster *cluster, const json_t *object, int seconds)
{
	kubectl_add_words(argv, cluster->words, KUBECTL_CONNECTION);
	strs_take(argv, xasprintf("--namespace=%s", meta(object, "namespace")));
	strs_take(argv, xasprintf("--timeout=%ds", seconds));
	return (const char *const *)strs_argv(argv);
}

static int await_rollout(
	const struct cluster *cluster, const json_t *object, int seconds, struct err *err)
{
	cleanup(strs_release) struct strs argv = { 0 };
	struct proc proc = { .output_to_stderr = true };

	strs_add(&argv, "kubectl");
	strs_add(&argv, "rollout");
	strs_add(&argv, "status");
	strs_take(&argv, rollout_title(object));
	proc.argv = finish(&argv, cluster, object, seconds);
	return proc_run(&proc, err);
}

static const char *const *wait_words(struct strs *argv, const char *condition,
	const struct cluster *cluster, const json_t *object, int seconds)
{
	strs_add(argv, "kubectl");
	strs_add(argv, "wait");
	strs_take(argv, rollout_title(object));
	strs_take(argv, xasprintf("--for=condition=%s", condition));
	return finish(argv, cluster, object, seconds);
}

/*
 * "kubectl wait" knows one condition at a time, and a Job that has failed never completes: two of
 * them watch it, and the first one to end decides.
 */
static int await_job(
	const struct cluster *cluster, const json_t *object, int seconds, struct err *err)
{
	cleanup(strs_release) struct strs complete_argv = { 0 }, failed_argv = { 0 };
	cleanup(buf_release) struct buf ignored = { 0 };
	struct proc complete = { .output_to_stderr = true };
	struct proc failed = { .output = &ignored, .messages = &ignored };
	int status = 0;

	complete.argv = wait_words(&complete_argv, "complete", cluster, object, seconds);
	failed.argv = wait_words(&failed_argv, "failed", cluster, object, seconds);
	if (proc_start(&complete, err))
		return -1;
	if (proc_start(&failed, err)) {
		proc_stop(&complete);
		return -1;
	}
	if (proc_first(&complete, &failed) == &failed && !proc_wait(&failed, err)) {
		proc_stop(&complete);
		return ERR_FAILED;
	}
	status = proc_wait(&complete, err);
	proc_stop(&failed);
	return status;
}

int rollout_await(const struct rollouts *rollouts, const struct cluster *cluster,
	const json_t *object, struct err *err)
{
	time_t left = rollouts->until - seconds_now();
	int seconds = left > 0 ? (int)left : 1;

	return kind_of(object)->stands_still == is_suspended
		? await_job(cluster, object, seconds, err)
		: await_rollout(cluster, object, seconds, err);
}

static int unit_seconds(char unit)
{
	switch (unit) {
	case 'h':
		return 3600;
	case 'm':
		return 60;
	case 's':
	case '\0':
		return 1;
	}
	return 0;
}

int rollout_seconds(const char *text, struct err *err)
{
	static const int most = 7 * 24 * 3600;
	const char *p = text;
	long total = 0;

	if (!*text)
		return ROLLOUT_DEFAULT;
	do {
		char *end;
		long n = isdigit((unsigned char)*p) ? strtol(p, &end, 10) : -1;
		int unit = n < 0 ? 0 : unit_seconds(*end);

		if (!unit || n > most || (total += n * unit) > most)
			return err_set(err, ERR_USAGE,
				"--wait takes a time such as 90s or 5m, a week at most, not '%s'",
				text);
		p = *end ? end + 1 : end;
	} while (*p);
	return (int)total;
}
