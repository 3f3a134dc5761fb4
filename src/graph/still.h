#ifndef GRAPH_STILL_H
#define GRAPH_STILL_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/stamp.h"
#include "formats/fingerprint.h"

/*
 * What stat said of all files that ninja looks at is kept from run to run (base/stamp.h: it is more
 * than their times). When all is as it was while ninja had nothing to do, ninja need not be
 * started: to ask stat again takes a third of the time in which ninja reads its logs. And a file
 * that was changed and has an old time all the same, which is hidden from ninja, is found.
 */
struct still {
	const char *dir;  /* of the graph */
	const char *goal; /* of ninja */

	/* private: what was seen */
	int64_t when; /* before that */
	struct strs paths;
	struct stamp *stamps; /* of these; NULL: not known */
	char logs[FINGERPRINT_SIZE];
};

enum still_found {
	STILL_UNKNOWN,
	STILL_SAME,   /* ninja would have nothing to do */
	STILL_HIDDEN, /* there are changes that ninja would not see */
};

/* Looks at all files, before ninja does. */
enum still_found still_look(struct still *still);

/* ninja has succeeded: keeps what was seen, for the next run. */
int still_keep(struct still *still, struct err *err);

void still_release(struct still *still);

#endif
