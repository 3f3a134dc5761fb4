#ifndef NET_AHEAD_H
#define NET_AHEAD_H

#include "push.h"

/*
 * The upload of layers while others are compiled (base/ahead.h), and a look at the tags of images
 * that were pushed before. Between the process that does it and the ko-push whose turn comes at the
 * end is the file KO_AHEAD.done: it is the first one's standard output, is locked while that lives,
 * and takes its counts and what it saw when all has gone well.
 */

/* What was seen: {"HOST/REPOSITORY:TAG": digest, or "" where nothing was, "HOST/REPOSITORY@DIGEST":
 * digest of a blob that is there}. NULL: nothing. */
const char *ahead_saw(
	const json_t *seen, struct repo repo, const char *separator, const char *what);
#define AHEAD_TAG ":"
#define AHEAD_BLOB "@"

/*
 * Asks for the tags of push.known, and uploads the layers of records on standard input as they
 * come, until one says that it is the last. Input that ends without that, or a failure, ends it:
 * open uploads are cancelled.
 */
int ahead_push(struct push *push, struct err *err);

/* Lets that process finish, where there is one: adds what it did to stats, and returns what it saw,
 * new. */
json_t *ahead_await(struct registry_stats *stats);

#endif
