#ifndef CLUSTER_ROLLOUT_H
#define CLUSTER_ROLLOUT_H

#include <time.h>

#include "kubectl.h"

/*
 * Waiting until what was applied runs: Deployments, StatefulSets, DaemonSets by "kubectl rollout
 * status", Jobs by "kubectl wait". Other objects have nothing to wait for.
 */
struct rollouts {
	json_t *objects;         /* those to wait for, as the cluster has them; owned */
	time_t until;            /* the end of waiting for all of them, on the monotonic clock */
	struct strs passed_over; /* what cannot be waited for: "deployment/web: it is paused" */
};

/* Asks the cluster for the objects of the manifests. The seconds are for all of them together. */
int rollouts_find(
	struct rollouts *rollouts, const struct cluster *cluster, int seconds, struct err *err);
void rollouts_release(struct rollouts *rollouts);

/* "deployment/web". malloced. */
char *rollout_title(const json_t *object);

/*
 * Waits for one of the objects, until the time is up. kubectl shows progress and the reason of a
 * failure on standard error. Returns 0, or kubectl's status, or -1 with err.
 */
int rollout_await(const struct rollouts *rollouts, const struct cluster *cluster,
	const json_t *object, struct err *err);

/*
 * Reads a time as kubectl and go write it ("90s", "5m", "1h30m"), or a number of seconds; "" is
 * ROLLOUT_DEFAULT. Returns seconds, or -1 with ERR_USAGE.
 */
#define ROLLOUT_DEFAULT 600 /* as long as a Deployment has by default to make progress */
int rollout_seconds(const char *text, struct err *err);

#endif
