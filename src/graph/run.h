#ifndef GRAPH_RUN_H
#define GRAPH_RUN_H

#include "listen.h"
#include "plan.h"
#include "timeline.h"

/*
 * Running a graph: the part of the driver between options and result. The graph of one set of
 * words and settings lives in BUILDDIR/KEY and is kept; when nothing changed, ninja is all that
 * runs, and when that is known from the last time, nothing does.
 */
struct run {
	const char *builddir;
	const char *bin;           /* directory of the tools, absolute; NULL: PATH */
	const struct strs *words;  /* for ko-scan, but for the names of files */
	int jobs;                  /* 0: ninja decides */
	struct listener *listener; /* uploads layers meanwhile; NULL: none */
	struct timeline *timeline; /* of the run; NULL: none */
	/* result */
	char *dir; /* where the graph's outputs are; owned */
	int lock;  /* held until the program ends */
};

/*
 * Brings a file of the graph ("refs.json", "resolved.yaml") up to date. What the tools say goes to
 * stderr. Returns 0, or the exit status of the tool that failed (it has said why), or -1 with err.
 * Runs of the same graph wait for each other.
 */
int run_goal(struct run *run, const char *goal, struct err *err);
void run_release(struct run *run);

#endif
