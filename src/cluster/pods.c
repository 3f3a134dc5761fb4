#include "pods.h"

#include <string.h>

#include "base/mem.h"
#include "formats/record.h"
#include "rollout.h"

/* The text of a field, "" when there is none. */
static const char *text(const json_t *object, const char *key)
{
	const char *value = record_get(object, key);

	return value ? value : "";
}

static const char *meta(const json_t *object, const char *key)
{
	return text(json_object_get(object, "metadata"), key);
}

static const char *string(const json_t *value)
{
	return json_is_string(value) ? json_string_value(value) : "";
}

static void add_values(struct buf *out, const json_t *values)
{
	json_t *value;
	size_t i;

	json_array_foreach (values, i, value)
		buf_addf(out, "%s%s", i ? "," : "", string(value));
}

static void add_expression(struct buf *out, const json_t *expression)
{
	const char *key = text(expression, "key"), *operator= text(expression, "operator");
	bool in = !strcmp(operator, "In");

	if (!strcmp(operator, "Exists")) {
		buf_addstr(out, key);
	} else if (!strcmp(operator, "DoesNotExist")) {
		buf_addf(out, "!%s", key);
	} else {
		buf_addf(out, "%s %s (", key, in ? "in" : "notin");
		add_values(out, json_object_get(expression, "values"));
		buf_addch(out, ')');
	}
}

char *pods_selector(const json_t *selector)
{
	struct buf out = { 0 };
	json_t *value;
	const char *key;
	size_t i;

	json_object_foreach ((json_t *)json_object_get(selector, "matchLabels"), key, value)
		buf_addf(&out, "%s%s=%s", out.len ? "," : "", key, string(value));
	json_array_foreach (json_object_get(selector, "matchExpressions"), i, value) {
		if (out.len)
			buf_addch(&out, ',');
		add_expression(&out, value);
	}
	return buf_detach(&out);
}

/* Adds "WHO: REASON: MESSAGE", on one line. */
static void add_reason(struct strs *lines, const char *who, const char *reason, const char *message)
{
	scratch char *line =
		xasprintf("%s: %s%s%s", who, reason, *reason && *message ? ": " : "", message);

	for (char *p = line; *p; p++) {
		if (*p == '\n' || *p == '\t')
			*p = ' ';
	}
	if ((*reason || *message) && lines->n < PODS_REASONS && !strs_has(lines, line))
		strs_take(lines, steal(&line));
}

/* The condition of this type, when it has this status. */
static const json_t *condition(const json_t *object, const char *type, const char *status)
{
	const json_t *list = json_object_get(json_object_get(object, "status"), "conditions");
	json_t *entry;
	size_t i;

	json_array_foreach (list, i, entry) {
		if (!strcmp(text(entry, "type"), type) && !strcmp(text(entry, "status"), status))
			return entry;
	}
	return NULL;
}

static void add_condition(struct strs *lines, const char *who, const json_t *object,
	const char *type, const char *status)
{
	const json_t *found = condition(object, type, status);

	if (found)
		add_reason(lines, who, text(found, "reason"), text(found, "message"));
}

/* How a container ended, if not well. */
static void add_end(struct strs *lines, const char *who, const json_t *ended)
{
	json_int_t code = json_integer_value(json_object_get(ended, "exitCode"));
	json_int_t signal = json_integer_value(json_object_get(ended, "signal"));
	scratch char *how = signal
		? xasprintf("%s, killed by signal %lld", text(ended, "reason"), (long long)signal)
		: xasprintf("%s, exit status %lld", text(ended, "reason"), (long long)code);

	if (ended && (code || signal))
		add_reason(lines, who, how, text(ended, "message"));
}

static void add_container(struct strs *lines, const char *pod, const json_t *status)
{
	const json_t *state = json_object_get(status, "state");
	const json_t *waiting = json_object_get(state, "waiting");
	scratch char *who = xasprintf("%s: container %s", pod, text(status, "name"));

	if (waiting && strcmp(text(waiting, "reason"), "PodInitializing"))
		add_reason(lines, who, text(waiting, "reason"), text(waiting, "message"));
	add_end(lines, who, json_object_get(state, "terminated"));
	add_end(lines, who, json_object_get(json_object_get(status, "lastState"), "terminated"));
}

static void add_containers(struct strs *lines, const char *pod, const json_t *list)
{
	json_t *status;
	size_t i;

	json_array_foreach (list, i, status)
		add_container(lines, pod, status);
}

static void add_pod(struct strs *lines, const json_t *pod)
{
	const json_t *status = json_object_get(pod, "status");
	scratch char *who = xasprintf("pod/%s", meta(pod, "name"));

	add_reason(lines, who, text(status, "reason"), text(status, "message"));
	add_condition(lines, who, pod, "PodScheduled", "False");
	add_containers(lines, who, json_object_get(status, "initContainerStatuses"));
	add_containers(lines, who, json_object_get(status, "containerStatuses"));
}

/* "kubectl get WHAT" in the object's namespace, with one more word. Takes the word over. */
static json_t *get(const struct cluster *cluster, const json_t *object, const char *what,
	char *word, struct err *err)
{
	cleanup(strs_release) struct strs words = { 0 };

	strs_add(&words, what);
	strs_take(&words, word);
	strs_take(&words, xasprintf("--namespace=%s", meta(object, "namespace")));
	return kubectl_get(cluster, &words, false, err);
}

/* Warnings about the object and its pods. */
static int add_warnings(const struct cluster *cluster, const json_t *object,
	const struct strs *uids, struct strs *lines, struct err *err)
{
	cleanup(json_release) json_t *events =
		get(cluster, object, "events", xstrdup("--field-selector=type=Warning"), err);
	json_t *event;
	size_t i;

	if (!events)
		return -1;
	json_array_foreach (events, i, event) {
		const json_t *about = json_object_get(event, "involvedObject");
		scratch char *who = NULL;

		if (!strs_has(uids, text(about, "uid")))
			continue;
		who = xasprintf("%s/%s", text(about, "kind"), text(about, "name"));
		for (char *p = who; *p != '/'; p++)
			*p = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
		add_reason(lines, who, text(event, "reason"), text(event, "message"));
	}
	return 0;
}

static int add_object(const struct cluster *cluster, const json_t *object, const char *title,
	struct strs *lines, struct err *err)
{
	cleanup(json_release) json_t *now =
		get(cluster, object, title, xstrdup("--ignore-not-found"), err);
	const json_t *first = json_array_get(now, 0);

	if (!now)
		return -1;
	add_condition(lines, title, first, "ReplicaFailure", "True");
	add_condition(lines, title, first, "Progressing", "False");
	add_condition(lines, title, first, "Failed", "True");
	return 0;
}

int pods_reasons(
	const struct cluster *cluster, const json_t *object, struct strs *lines, struct err *err)
{
	const json_t *spec = json_object_get(object, "spec");
	scratch char *selector = pods_selector(json_object_get(spec, "selector"));
	scratch char *title = rollout_title(object);
	cleanup(json_release) json_t *pods = NULL;
	cleanup(strs_release) struct strs uids = { 0 };
	json_t *pod;
	size_t i;

	if (add_object(cluster, object, title, lines, err))
		return -1;
	pods = get(cluster, object, "pods", xasprintf("--selector=%s", selector), err);
	if (!pods)
		return -1;
	strs_add(&uids, meta(object, "uid"));
	json_array_foreach (pods, i, pod) {
		if (condition(pod, "Ready", "True"))
			continue;
		strs_add(&uids, meta(pod, "uid"));
		add_pod(lines, pod);
	}
	return add_warnings(cluster, object, &uids, lines, err);
}
