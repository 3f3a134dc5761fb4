#include "spool.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether path is a file, or none yet: what is written beside it can take its place. */
static bool is_replaceable(const char *path)
{
	struct stat st;

	return path && strcmp(path, "-") && (stat(path, &st) || S_ISREG(st.st_mode));
}

static int open_unnamed(void)
{
	const char *dir = getenv("TMPDIR");
	int fd = open(dir && *dir ? dir : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd < 0 ? memfd_create("spool", MFD_CLOEXEC) : fd;
}

static int spill(struct spool *spool, struct err *err)
{
	if (is_replaceable(spool->path)) {
		if (file_begin(&spool->draft, spool->path, err))
			return -1;
	} else {
		spool->draft.fd = open_unnamed();
		if (spool->draft.fd < 0)
			return err_sys(err, "cannot make a temporary file");
	}
	spool->spilled = true;
	return 0;
}

static int flush(struct spool *spool, struct err *err)
{
	if ((!spool->spilled && spill(spool, err)) ||
		file_write_all(spool->draft.fd, spool->data.data, spool->data.len, err))
		return -1;
	buf_clear(&spool->data);
	return 0;
}

int spool_add(struct spool *spool, const void *bytes, size_t n, struct err *err)
{
	if (!n)
		return 0;
	spool->last = ((const char *)bytes)[n - 1];
	if (spool->data.len + n > spool->limit && spool->data.len && flush(spool, err))
		return -1;
	if (n > spool->limit) {
		if (!spool->spilled && spill(spool, err))
			return -1;
		return file_write_all(spool->draft.fd, bytes, n, err);
	}
	buf_add(&spool->data, bytes, n);
	return 0;
}

char spool_last(const struct spool *spool)
{
	return spool->last;
}

/* Copies what is in the unnamed file out, in pieces. */
static int copy_out(struct spool *spool, struct err *err)
{
	off_t at = 0;

	for (;;) {
		ssize_t n;

		buf_clear(&spool->data);
		n = pread(spool->draft.fd, buf_reserve(&spool->data, 1 << 20), 1 << 20, at);
		if (n < 0)
			return err_sys(err, "cannot read a temporary file");
		if (!n)
			return 0;
		if (file_output(spool->path, spool->data.data, (size_t)n, err) < 0)
			return -1;
		at += n;
	}
}

int spool_finish(struct spool *spool, struct err *err)
{
	if (!spool->spilled)
		return file_output(spool->path, buf_str(&spool->data), spool->data.len, err);
	if (flush(spool, err))
		return -1;
	if (spool->draft.temp)
		return file_commit_changed(&spool->draft, spool->path, err);
	return copy_out(spool, err) ? -1 : 1;
}

void spool_release(struct spool *spool)
{
	if (spool->spilled && !spool->draft.temp)
		close(spool->draft.fd);
	file_abandon(&spool->draft);
	buf_release(&spool->data);
	*spool = (struct spool){ 0 };
}
