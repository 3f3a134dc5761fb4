#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tool.h"
#include "cluster/kubectl.h"
#include "cluster/pods.h"
#include "cluster/rollout.h"
#include "inputs/yaml.h"

static const char *file = "-", *verb = "apply", *wait_time;
static bool preflight, diff, yes;
static struct strs flags;

static const struct opt opts[] = {
	{ 'f', "filename", "FILE", OPT_STRING, &file, "resolved manifests (default: stdin)" },
	{ 0, "verb", "VERB", OPT_STRING, &verb, "kubectl's command: apply or create" },
	APPLY_OPTIONS(OPT_FLAG, OPT_STRING, &preflight, &diff, &yes, &wait_time),
	KUBECTL_CONNECTION_OPTIONS(&flags),
	KUBECTL_APPLY_OPTIONS(&flags),
};

static const struct opt_tool tool = { "ko-apply", "[-f FILE] [OPTIONS] [-- KUBECTL ARGUMENTS]",
	"Hand resolved manifests to the cluster: kubectl apply, with its output and exit status.",
	opts, countof(opts) };

/* Malformed text is kubectl's to report: what it says of it is what the user is to see. */
static void note_unresolved(const struct buf *manifests)
{
	struct references found = { 0 };
	struct err ignored;

	if (!yaml_references(&found, file, buf_str(manifests), manifests->len, &ignored) && found.n)
		log_note("%s:%zu:%zu: %s is not resolved", file, found.v[0].line, found.v[0].column,
			found.v[0].text);
	references_release(&found);
}

/* kubectl gets the manifests only when they are all there: an empty stream means that the tool
 * before this one in a pipe has failed. */
static int check(const struct buf *manifests, struct err *err)
{
	if (!manifests->len)
		return err_set(err, ERR_INPUT, "no manifests: nothing was applied");
	note_unresolved(manifests);
	return 0;
}

/* What kubectl says when the cluster refuses is shown as it is. */
static int ask_cluster(const struct cluster *cluster, struct err *err)
{
	cleanup(buf_release) struct buf said = { 0 };
	cleanup(strs_release) struct strs unchecked = { 0 };
	int status = kubectl_preflight(cluster, &said, &unchecked, err);

	if (status > 0 && file_write_all(STDERR_FILENO, said.data, said.len, err))
		return -1;
	for (size_t i = 0; i < unchecked.n; i++)
		log_note("namespace %s is new: what goes into it is not checked before it is there",
			unchecked.v[i]);
	return status;
}

/* Nobody sees the differences when they go elsewhere. */
static bool ask_user(void)
{
	int answer = isatty(STDOUT_FILENO) ? log_ask("Apply this?") : -1;

	if (answer < 0)
		log_note("not applied: there is no terminal to ask on; with --yes it would be");
	if (!answer)
		log_note("not applied");
	return answer > 0;
}

static int show_diff(const struct cluster *cluster, struct err *err)
{
	int status = kubectl_diff(cluster, err);

	if (status == 1 && (yes || kubectl_is_dry_run(cluster->words) || ask_user()))
		return 0;
	return status;
}

static int await(const struct cluster *cluster, const struct rollouts *rollouts,
	const json_t *object, struct err *err)
{
	cleanup(strs_release) struct strs reasons = { 0 };
	scratch char *title = rollout_title(object);
	struct err why;
	int status = rollout_await(rollouts, cluster, object, err);

	if (status <= 0)
		return status;
	log_note("%s does not run", title);
	if (pods_reasons(cluster, object, &reasons, &why))
		log_note("%s", why.text);
	for (size_t i = 0; i < reasons.n; i++)
		log_note("%s", reasons.v[i]);
	return status;
}

/* One that fails does not keep the others from being looked at. */
static int await_all(const struct cluster *cluster, int seconds, struct err *err)
{
	cleanup(rollouts_release) struct rollouts rollouts = { 0 };
	int failed = 0;
	json_t *object;
	size_t i;

	if (rollouts_find(&rollouts, cluster, seconds, err))
		return err_prefix(err, "applied, but not waited for");
	for (i = 0; i < rollouts.passed_over.n; i++)
		log_note("not waited for: %s", rollouts.passed_over.v[i]);
	json_array_foreach (rollouts.objects, i, object) {
		int status = await(cluster, &rollouts, object, err);

		if (status < 0)
			return -1;
		failed = failed ? failed : status;
	}
	return failed;
}

static int run(const struct strs *words, struct err *err)
{
	cleanup(buf_release) struct buf manifests = { 0 };
	struct cluster cluster = { .verb = verb, .words = &flags, .manifests = &manifests };
	int seconds = wait_time ? rollout_seconds(wait_time, err) : 0, status;

	for (size_t i = 0; i < words->n; i++)
		strs_add(&flags, words->v[i]);
	if (seconds < 0 || kubectl_check_words(&flags, err) ||
		file_read(file, FILE_LIMIT, &manifests, err) || check(&manifests, err))
		return -1;
	status = preflight && !kubectl_is_dry_run(&flags) ? ask_cluster(&cluster, err) : 0;
	if (!status && diff)
		status = show_diff(&cluster, err);
	if (!status)
		status = kubectl_run(&cluster, err);
	if (!status && wait_time && !kubectl_is_dry_run(&flags))
		status = await_all(&cluster, seconds, err);
	return status;
}

int main(int argc, char *argv[])
{
	return tool_main(&tool, argc, argv, run);
}
