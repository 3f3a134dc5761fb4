#ifndef GRAPH_BASES_H
#define GRAPH_BASES_H

#include "base/buf.h"
#include "base/err.h"

/*
 * Newer base images for the graphs of a build directory, those of the driver and those that ninja
 * or make includes.
 */
struct bases {
	const char *builddir;
	const struct strs *references; /* which ones; empty: all that the graphs have */
	const struct strs *trust;      /* options for ko-base: destination_trust_words() */
};

/*
 * Asks the registries whether the tags have moved and notes what they mean now, which the graphs
 * follow in their next run. Appends to report a line "REFERENCE: OLD -> NEW" for each base that
 * was another one when images were made on it last. Returns 0, or the exit status of ko-base (it
 * has said why), or -1 with err.
 */
int bases_update(const struct bases *bases, struct buf *report, struct err *err);

#endif
