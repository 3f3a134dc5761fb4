#ifndef CLUSTER_PODS_H
#define CLUSTER_PODS_H

#include "kubectl.h"

/*
 * Why an object's pods do not run: what the object's own conditions, the pods' containers and the
 * warnings about both say. Adds a line for each, each once, at most PODS_REASONS, such as
 *
 *	pod/web-5d8: container web: ImagePullBackOff: Back-off pulling image "x"
 *
 * The object is one that rollout_await() knows, as the cluster has it at the time of asking.
 */
#define PODS_REASONS 20
int pods_reasons(
	const struct cluster *cluster, const json_t *object, struct strs *lines, struct err *err);

/* A label selector of an object as text for "kubectl get --selector". malloced. */
char *pods_selector(const json_t *selector);

#endif
