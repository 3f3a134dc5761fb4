#include "share.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"

#define CHUNK ((size_t)1 << 18)

/* Puts a link in the place of the draft. A file of another user, or one that may be written to,
 * stays theirs alone. */
static bool make_link(struct file_draft *draft, int from_fd, const char *from)
{
	struct stat st, linked;
	int fd;

	if (fstat(from_fd, &st) || st.st_uid != geteuid() || (st.st_mode & 0222) ||
		unlink(draft->temp) ||
		linkat(AT_FDCWD, from, AT_FDCWD, draft->temp, AT_SYMLINK_FOLLOW))
		return false;
	fd = open(draft->temp, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	close(draft->fd);
	draft->fd = fd;
	return !fstat(fd, &linked) && linked.st_ino == st.st_ino && linked.st_dev == st.st_dev;
}

/* Copies inside the kernel from where both files are at; what it leaves is for copy(). */
static void copy_inside(int to, int from)
{
	while (copy_file_range(from, NULL, to, NULL, (size_t)1 << 30, 0) > 0)
		;
}

static int copy(int to, const char *path, int from_fd, const char *from, struct err *err)
{
	scratch char *chunk = xmalloc(CHUNK);
	ssize_t n;

	posix_fadvise(from_fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	copy_inside(to, from_fd);
	while ((n = read(from_fd, chunk, CHUNK))) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "%s", from);
		if (file_write_all(to, chunk, (size_t)n, err))
			return err_prefix(err, "%s", path);
	}
	return 0;
}

static int fill(
	struct file_draft *draft, const char *path, int from_fd, const char *from, struct err *err)
{
	if (!ioctl(draft->fd, FICLONE, from_fd) || make_link(draft, from_fd, from))
		return 0;
	/* the attempt at a link may have taken the draft's name away */
	file_abandon(draft);
	return file_begin(draft, path, err) || copy(draft->fd, path, from_fd, from, err) ? -1 : 0;
}

int share_begin(struct file_draft *draft, const char *path, const char *from, struct err *err)
{
	int from_fd = open(from, O_RDONLY | O_CLOEXEC);
	int result;

	*draft = (struct file_draft){ 0 };
	if (from_fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 1 : err_sys(err, "%s", from);
	result = file_begin(draft, path, err) || fill(draft, path, from_fd, from, err) ? -1 : 0;
	close(from_fd);
	if (result)
		file_abandon(draft);
	return result;
}

void share_protect(const char *path)
{
	struct stat st;

	if (!stat(path, &st) && st.st_nlink < 2 && (st.st_mode & 0222))
		(void)chmod(path, st.st_mode & 0444);
}
