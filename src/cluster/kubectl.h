#ifndef CLUSTER_KUBECTL_H
#define CLUSTER_KUBECTL_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/opt.h"

/*
 * The cluster, as kubectl shows it. Beside the command that the user asked for, other commands of
 * kubectl are run with those of the user's words that they understand: which cluster, which
 * namespace, as whom.
 */
struct cluster {
	const char *verb;            /* kubectl's command: "apply", "create" */
	const struct strs *words;    /* the user's, for that command */
	const struct buf *manifests; /* resolved */
};

/* The usual options of kubectl, handed on as they are; rows for an array of struct opt. The first
 * ones belong to every command, the others to apply (some of them to create). */
#define KUBECTL_CONNECTION_OPTIONS(words) \
	{ 0, "context", "NAME", OPT_PASS, (words), "for kubectl: which cluster and user" }, \
		{ 0, "kubeconfig", "FILE", OPT_PASS, (words), "for kubectl" }, \
		{ 0, "cluster", "NAME", OPT_PASS, (words), "for kubectl" }, \
		{ 0, "user", "NAME", OPT_PASS, (words), "for kubectl" }, \
		{ 's', "server", "URL", OPT_PASS, (words), "for kubectl" }, \
		{ 'n', "namespace", "NAME", OPT_PASS, (words), "for kubectl" }, \
		{ 0, "as", "USER", OPT_PASS, (words), "for kubectl" }, \
		{ 0, "as-group", "GROUP", OPT_PASS, (words), "for kubectl" }, \
		{ 0, "request-timeout", "TIME", OPT_PASS, (words), "for kubectl" }, \
		{ 0, "dry-run", "[=MODE]", OPT_PASS, (words), "for kubectl: change nothing" }, \
	{ \
		'o', "output", "FORMAT", OPT_PASS, (words), "for kubectl" \
	}

#define KUBECTL_APPLY_OPTIONS(words) \
	{ 0, "server-side", "[=BOOL]", OPT_PASS, (words), "for kubectl" }, \
		{ 0, "force-conflicts", "[=BOOL]", OPT_PASS, (words), "for kubectl" }, \
		{ 0, "field-manager", "NAME", OPT_PASS, (words), "for kubectl" }, \
		{ 0, "prune", "[=BOOL]", OPT_PASS, (words), \
			"for kubectl: delete what is no longer in the manifests" }, \
		{ 0, "prune-allowlist", "KIND", OPT_PASS, (words), "for kubectl" }, \
		{ 0, "all", "[=BOOL]", OPT_PASS, (words), "for kubectl" }, \
		{ 0, "force", "[=BOOL]", OPT_PASS, (words), "for kubectl" }, \
	{ \
		0, "validate", "[=MODE]", OPT_PASS, (words), "for kubectl" \
	}

/* What ko-apply does around kubectl; it has values, the driver hands the options on to it. */
#define APPLY_OPTIONS(flag, string, preflight, diff, yes, wait) \
	{ 0, "preflight", NULL, flag, (preflight), \
		"have the cluster check everything before anything is changed" }, \
		{ 0, "diff", NULL, flag, (diff), "show what would change, and ask" }, \
		{ 'y', "yes", NULL, flag, (yes), "do not ask" }, \
	{ \
		0, "wait", "[=TIME]", string, (wait), \
			"wait until what was applied runs (10m at most)" \
	}

/* Which of the user's words go to another command. */
enum kubectl_words {
	KUBECTL_CONNECTION, /* what all commands have: cluster, user, namespace */
	KUBECTL_OBJECTS,    /* and those that say which objects are meant: -f, -R, -l */
	KUBECTL_DIFF,       /* and what kubectl diff shares with kubectl apply */
};
void kubectl_add_words(struct strs *argv, const struct strs *words, enum kubectl_words which);

/* ERR_USAGE for words that end in one of these flags without its value: it would take what comes
 * behind it for that. */
int kubectl_check_words(const struct strs *words, struct err *err);

/* Whether the words ask for a dry run: nothing will change in the cluster. */
bool kubectl_is_dry_run(const struct strs *words);

/* Runs the user's command itself; output and talk are kubectl's. Returns its status, or -1. */
int kubectl_run(const struct cluster *cluster, struct err *err);

/*
 * Runs "kubectl diff", which shows what the user's command would change, on standard output. 0: no
 * differences; 1: some; more: it failed and said why.
 */
int kubectl_diff(const struct cluster *cluster, struct err *err);

/*
 * Has the cluster check all manifests (admission included) without keeping anything, by the user's
 * command with --dry-run=server. Returns kubectl's status; said has what kubectl said when that is
 * not 0. A namespace that the manifests themselves bring is not there yet, so that what belongs
 * into it cannot be checked: that is no failure, and unchecked has the names of such namespaces.
 */
int kubectl_preflight(
	const struct cluster *cluster, struct buf *said, struct strs *unchecked, struct err *err);

/*
 * Asks for objects: "kubectl get WORDS -o json". Returns an array of them (empty: none), or NULL.
 * With with_manifests, kubectl's input is the manifests (for the words "-f", "-").
 */
json_t *kubectl_get(const struct cluster *cluster, const struct strs *words, bool with_manifests,
	struct err *err);

#endif
