#ifndef TEMPDIR_H
#define TEMPDIR_H

/* An empty directory to work in, which is gone when the test is done. */
#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

static char tempdir[] = "/tmp/ko-test.XXXXXX";

static int tempdir_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static inline void tempdir_leave(void)
{
	if (!chdir("/"))
		nftw(tempdir, tempdir_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void tempdir_enter(void)
{
	if (!mkdtemp(tempdir) || chdir(tempdir))
		abort();
	atexit(tempdir_leave);
}

/* Makes a file, and the directories it is in. */
static inline void put(const char *path, const char *text)
{
	struct err err;

	if (file_save(path, text, strlen(text), &err) < 0)
		abort();
}

static inline void go_to(const char *dir)
{
	if (chdir(tempdir) || chdir(dir))
		abort();
}

#endif
