#ifndef BASE_STAMP_H
#define BASE_STAMP_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* What stat says of a file; changes with (nearly) every change of the content. */
struct stamp {
	int64_t size, mtime, ctime; /* times in nanoseconds; all -1: there is no such file */
	uint64_t inode;
};

struct stamp stamp_of(const char *path);
bool stamp_same(const struct stamp *a, const struct stamp *b);

/* In nanoseconds. */
int64_t stamp_time(const struct timespec *t);

/* Now, by the clock that files are stamped with, in nanoseconds. */
int64_t stamp_now(void);
/* The same when the clock has moved on: what was changed before is older. */
int64_t stamp_next(void);

/* Whether a change after now would change the stamp: within one tick of the clock, or of the file
 * system where that has only whole seconds, a second edit could leave it as it was. */
bool stamp_tells(const struct stamp *stamp, int64_t now);

#endif
