#ifndef GRAPH_TIMELINE_H
#define GRAPH_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Where the time of a run went: as a file for https://ui.perfetto.dev or chrome://tracing (Trace
 * Event Format, a JSON array; all that is timed are complete events, "ph":"X"), and as a table on
 * standard error. It has the edges, which are what ninja's log says about this run, the tools in
 * them and what the tools tell (base/trace.h).
 */
struct timeline {
	const char *file; /* NULL: none */
	bool table;
	const char *name; /* of the whole: "ko resolve" */

	/* private */
	char *raw; /* what tools tell */
	char *log; /* ninja's */
	struct buf before;
	int64_t began;
};

/* Makes tools tell, where there is a file or table to be made; dir is that of the graph. */
int timeline_begin(struct timeline *timeline, const char *dir, struct err *err);
/* Makes file and table. */
int timeline_end(struct timeline *timeline, struct err *err);
void timeline_release(struct timeline *timeline);

#endif
