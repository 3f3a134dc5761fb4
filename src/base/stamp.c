#include "stamp.h"

#include <sys/stat.h>
#include <time.h>

#define SECOND 1000000000

/* Files are stamped with a clock that ticks this rarely at worst (10 ms at HZ=100). */
#define TICK 20000000

static const struct stamp no_stamp = { -1, -1, -1, 0 };

int64_t stamp_time(const struct timespec *t)
{
	return (int64_t)t->tv_sec * SECOND + t->tv_nsec;
}

int64_t stamp_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return stamp_time(&now);
}

int64_t stamp_next(void)
{
	int64_t now = stamp_now();

	while (stamp_now() == now)
		nanosleep(&(struct timespec){ .tv_nsec = 500000 }, NULL);
	return stamp_now();
}

struct stamp stamp_of(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return no_stamp;
	return (struct stamp){ .size = S_ISDIR(st.st_mode) ? 0 : st.st_size,
		.mtime = stamp_time(&st.st_mtim),
		.ctime = stamp_time(&st.st_ctim),
		.inode = st.st_ino };
}

bool stamp_same(const struct stamp *a, const struct stamp *b)
{
	return a->size == b->size && a->mtime == b->mtime && a->ctime == b->ctime &&
		a->inode == b->inode;
}

bool stamp_tells(const struct stamp *stamp, int64_t now)
{
	/* FAT has every second one only */
	int64_t tick = stamp->ctime % SECOND ? TICK : 2 * (int64_t)SECOND;

	return stamp->ctime <= now - tick && stamp->mtime <= now - TICK;
}
