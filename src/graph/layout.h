#ifndef GRAPH_LAYOUT_H
#define GRAPH_LAYOUT_H

#include "graph.h"

/*
 * What the ninja and the make form of a graph share: which records one go build makes together,
 * which bases are needed, and the names of all files in the graph's directory.
 */
struct group {
	char *id; /* fingerprint of what its records have in common */
	struct records records;
	struct strs platforms;
};

struct base {
	char *id; /* fingerprint of reference and platforms wanted */
	const char *reference;
	struct strs wanted; /* "all" and "linux" too */
	bool decides;       /* which platforms there are, and so over the graph */
};

struct layout {
	char *dir; /* of the graph file */
	struct group *groups;
	size_t group_count, group_cap;
	struct base *bases;
	size_t base_count, base_cap;
};

/* Groups the plan's records and writes scan.json, GROUP.scan.json, manifests, contents. */
int layout_make(struct layout *layout, const struct plan *plan, const char *file, struct err *err);
void layout_release(struct layout *layout);

/* A setting with a line break is ERR_USAGE: no graph can hold it. */
int layout_check_environment(struct err *err);

/* The base that a record is put on. */
const struct base *layout_base(const struct layout *layout, const json_t *record);

/* "DIR/NAME.linux-amd64.SUFFIX", or "DIR/NAME.SUFFIX" without a platform. malloced. */
char *layout_path(
	const struct layout *layout, const char *name, const char *platform, const char *suffix);

/* Names of the group's programs in a few words, for people. malloced. */
char *group_title(const struct group *group, const char *platform);

#endif
