#ifndef GO_ANNOUNCE_H
#define GO_ANNOUNCE_H

#include <pthread.h>

#include "base/stamp.h"
#include "formats/digest.h"
#include "formats/record.h"

/* An executable as it was when go had made it. */
struct made {
	struct stamp stamp;
	char hash[DIGEST_SIZE]; /* empty: not seen */
};

/* Gives it its time, which is that of a side file, and looks at it. */
int made_look(struct made *made, const char *executable, struct err *err);

/*
 * Tells of executables as go build finishes them (base/ahead.h): go writes each beside its place
 * and renames it, or copies it there where that is another file system. Both are watched for. An
 * executable that was caught half-written does no harm: it goes with its hash, and what is made of
 * it is compared with that.
 */
struct announcer {
	const struct records *records;  /* of the group */
	const struct strs *executables; /* in the same order */
	struct made *made;              /* of these; filled in until announcer_end() */
	const char *platform;
	size_t left; /* that are compiled and not finished */

	/* private */
	int fd, events, stop;
	int *dirs; /* of the executables, as inotify numbers them */
	pthread_t thread;
	bool running;
};

/* Before go build is started. Does nothing when nobody listens. */
void announcer_begin(struct announcer *announcer);
/* After it has ended. Usable as cleanup(). */
void announcer_end(struct announcer *announcer);

#endif
