#ifndef GRAPH_LISTEN_H
#define GRAPH_LISTEN_H

#include <pthread.h>

#include "base/err.h"
#include "base/opt.h"

/*
 * The driver's part in the upload of layers while others are compiled (base/ahead.h): it listens
 * while ninja runs, on a thread, and starts the two processes when there is something for them. A
 * run that compiles nothing starts neither.
 */
struct listener {
	const struct strs *layer; /* options of ko-layer; NULL: there is no registry to push to */
	const struct strs *push;  /* and of ko-push */

	/* private */
	char *fifo, *known;
	int keep;   /* our end for writing */
	int shared; /* a descriptor that the processes keep until they have ended */
	pthread_t thread;
};

/* dir: of the graph. Where it cannot be done, nothing is: uploads then wait for the end. */
void listener_begin(struct listener *listener, const char *dir, int shared);
/* ninja has ended. What is still uploaded then is for a run that failed, and is cancelled. */
void listener_end(struct listener *listener);

#endif
