#ifndef GRAPH_STILL_H
#define GRAPH_STILL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/stamp.h"
#include "formats/fingerprint.h"

/*
 * What stat said of all files that ninja looks at is kept from run to run (base/stamp.h: it is more
 * than their times). When all is as it was while ninja had nothing to do, ninja need not be
 * started: to ask stat again takes a third of the time in which ninja reads its logs. And a file
 * that was changed and has an old time all the same, which is hidden from ninja, is found. Where
 * nothing can be kept or read, ninja decides alone.
 */
struct still {
	const char *builddir; /* where side files are */
	const char *dir;      /* of the graph */
	const char *goal;     /* of ninja */

	/* what was seen */
	const char *hidden; /* the first file with a change that ninja would not see; NULL: none */

	/* private */
	int64_t when; /* before that */
	struct strs paths;
	struct stamp *stamps; /* of these; NULL: not known */
	char logs[FINGERPRINT_SIZE];
};

/* Looks at all files. Returns whether ninja would have nothing to do. */
bool still_look(struct still *still);

/* Keeps what was seen: before ninja, for a run that does not come to its end, and after it. */
void still_keep_seen(const struct still *still);
void still_keep_done(struct still *still, bool succeeded);

void still_release(struct still *still);

#endif
