#include "base/stamp.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "tap.h"
#include "tempdir.h"

#define SECOND ((int64_t)1000000000)

static void files(void)
{
	struct stamp before, after;
	struct timespec times[2];

	put("file", "one");
	before = stamp_of("file");
	ok(before.size == 3, "size");
	after = stamp_of("file");
	ok(stamp_same(&before, &after), "the same as long as nothing changes");
	times[0] = times[1] = (struct timespec){ before.mtime / SECOND, before.mtime % SECOND };
	stamp_next();
	put("file", "two");
	utimensat(AT_FDCWD, "file", times, 0);
	after = stamp_of("file");
	ok(after.mtime == before.mtime && !stamp_same(&before, &after),
		"another one when the file has another content and its old time");
	after = stamp_of("no-such-file");
	ok(after.size == -1 && !stamp_same(&before, &after), "no file");
	ok(stamp_tells(&after, stamp_now()), "that one appears would be seen");
}

static void ticks(void)
{
	int64_t now = 1700000000 * SECOND + 5;
	struct stamp stamp = { .ctime = now - SECOND / 2, .mtime = now - SECOND };

	ok(stamp_tells(&stamp, now), "changed half a second ago");
	stamp.ctime = now;
	ok(!stamp_tells(&stamp, now), "changed just now: a further change could look the same");
	stamp.ctime = now - 5 - SECOND;
	ok(!stamp_tells(&stamp, now), "nor is one second enough where there are whole ones only");
	stamp.ctime = now - 5 - 3 * SECOND;
	ok(stamp_tells(&stamp, now), "three are");
	stamp.mtime = now + SECOND;
	ok(!stamp_tells(&stamp, now), "a time from the future tells nothing");
	now = stamp_now();
	ok(stamp_next() > now, "the clock moves on");
}

int main(void)
{
	tempdir_enter();
	files();
	ticks();
	return done();
}
