#ifndef NET_AHEAD_H
#define NET_AHEAD_H

#include "push.h"

/*
 * The upload of layers while others are compiled (base/ahead.h): blobs only. Between the process
 * that does it and the ko-push whose turn comes at the end is the file KO_AHEAD.done: it is the
 * first one's standard output, is locked while that lives, and takes its counts when all has gone
 * well.
 */

/*
 * Uploads the layers of records on standard input as they come, until one says that it is the last.
 * Input that ends without that, or a failure, ends it: open uploads are cancelled.
 */
int ahead_push(struct push *push, struct err *err);

/* Lets that process finish, where there is one, and adds what it did to stats. */
void ahead_await(struct registry_stats *stats);

#endif
