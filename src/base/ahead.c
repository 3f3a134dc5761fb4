#include "ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"

int ahead_open(void)
{
	const char *path = getenv("KO_AHEAD");
	struct stat st;

	if (!path || stat(path, &st) || !S_ISFIFO(st.st_mode))
		return -1;
	/* whoever listens may end at any time */
	signal(SIGPIPE, SIG_IGN);
	return open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
}

/* Each process that compiles locks a byte of its own. */
void ahead_compile(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_start = getpid(), .l_len = 1 };

	(void)fcntl(fd, F_OFD_SETLK, &lock);
}

bool ahead_compiles(int fd)
{
	struct flock lock = { .l_type = F_WRLCK };

	return !fcntl(fd, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;
}

int ahead_tell(int fd, const json_t *record)
{
	scratch char *text = json_dumps(record, JSON_COMPACT);
	size_t n = text ? strlen(text) : 0;

	if (!n || n >= PIPE_BUF) /* it would not arrive in one piece */
		return 0;
	text[n] = '\n'; /* in place of the NUL */
	return write(fd, text, n + 1) < 0 && errno == EAGAIN ? 1 : 0;
}

static int tell_new(int fd, json_t *record)
{
	int full = ahead_tell(fd, record);

	json_decref(record);
	return full;
}

void ahead_tell_first(int fd)
{
	(void)tell_new(fd, json_pack("{s:s}", "name", "first"));
}

int ahead_tell_last(int fd)
{
	return tell_new(fd, json_pack("{s:s, s:b}", "name", "last", "last", 1));
}

bool ahead_is_last(const json_t *record)
{
	return json_is_true(json_object_get(record, "last"));
}
