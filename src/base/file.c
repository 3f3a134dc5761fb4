#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "mem.h"
#include "stamp.h"

static struct timespec start;

void file_mark_start(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &start);
	do {
		nanosleep(&(struct timespec){ .tv_nsec = 500000 }, NULL);
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
	} while (now.tv_sec == start.tv_sec && now.tv_nsec == start.tv_nsec);
}

static bool future_input, future_ignored;

bool file_is_future(const char *path)
{
	struct timespec now;
	struct stat st;

	clock_gettime(CLOCK_REALTIME, &now);
	return !stat(path, &st) && stamp_time(&st.st_mtim) > stamp_time(&now);
}

void file_mark_input_time(int64_t mtime)
{
	future_input |= start.tv_sec && mtime > stamp_time(&start);
}

bool file_ignore_future_input(void)
{
	bool future = future_input;

	future_ignored = true;
	return future;
}

void file_mark_input(const char *path)
{
	struct stat st;

	if (!stat(path, &st))
		file_mark_input_time(stamp_time(&st.st_mtim));
}

int file_mark_made(const char *path, struct err *err)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, start };
	struct stat st;

	/* ninja notes the time at which it starts us; that is a little before ours. */
	times[1].tv_sec -= 2;
	if (!stat(path, &st) && st.st_mtim.tv_sec < times[1].tv_sec)
		return 0;
	return start.tv_sec && utimensat(AT_FDCWD, path, times, 0) ? err_sys(err, "%s", path) : 0;
}

const char *file_build_dir(const char *option)
{
	const char *setting = getenv("KO_BUILDDIR");

	if (option && *option)
		return option;
	return setting && *setting ? setting : ".ko";
}

char *file_store_dir(const char *option, const char *build_dir_option)
{
	return option ? xstrdup(option) : path_join(file_build_dir(build_dir_option), "oci");
}

static int read_all(int fd, const char *path, size_t limit, struct buf *buf, struct err *err)
{
	size_t before = buf->len;
	struct stat st;

	if (!fstat(fd, &st)) {
		if (S_ISDIR(st.st_mode))
			return err_set(err, ERR_FAILED, "%s: is a directory", path);
		file_mark_input_time(stamp_time(&st.st_mtim));
	}
	for (;;) {
		char *end = buf_reserve(buf, 65536);
		ssize_t n = read(fd, end, buf->cap - buf->len - 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "%s", path);
		buf->len += (size_t)n;
		buf->data[buf->len] = '\0';
		if (!n)
			return 0;
		if (buf->len - before > limit)
			return err_set(err, ERR_INPUT, "%s: more than %zu bytes", path, limit);
	}
}

int file_read_if_exists(const char *path, size_t limit, struct buf *buf, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int result;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 1;
	if (fd < 0)
		return err_sys(err, "%s", path);
	result = read_all(fd, path, limit, buf, err);
	close(fd);
	return result;
}

int file_read(const char *path, size_t limit, struct buf *buf, struct err *err)
{
	int result;

	if (!strcmp(path, "-"))
		return read_all(STDIN_FILENO, "standard input", limit, buf, err);
	result = file_read_if_exists(path, limit, buf, err);
	if (result == 1)
		return err_set(err, ERR_FAILED, "%s: no such file", path);
	return result;
}

int file_read_made(const char *path, size_t limit, struct buf *buf, struct err *err)
{
	bool future = future_input;
	int result = file_read(path, limit, buf, err);

	future_input = future;
	return result;
}

int file_write_all(int fd, const void *bytes, size_t n, struct err *err)
{
	const char *p = bytes;

	while (n) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return err_sys(err, "cannot write");
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

/*
 * Drafts that exist now, for the signal handler: it may only look at these slots. A slot's name is
 * set before the file is made, so that no moment is without cover.
 */
static char *volatile drafts[64];

static void remove_drafts(int sig)
{
	for (size_t i = 0; i < countof(drafts); i++) {
		if (drafts[i])
			unlink(drafts[i]);
	}
	signal(sig, SIG_DFL);
	raise(sig);
}

static void cover(char *temp)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	static bool installed;

	for (size_t i = 0; !installed && i < countof(signals); i++) {
		struct sigaction old;

		sigaction(signals[i], NULL, &old);
		if (old.sa_handler == SIG_DFL)
			signal(signals[i], remove_drafts);
	}
	installed = true;
	for (size_t i = 0; i < countof(drafts); i++) {
		char *none = NULL;

		if (__atomic_compare_exchange_n(
			    &drafts[i], &none, temp, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			return;
	}
}

static void uncover(char *temp)
{
	for (size_t i = 0; i < countof(drafts); i++) {
		if (drafts[i] == temp)
			drafts[i] = NULL;
	}
}

static char *draft_name(const char *path)
{
	static unsigned count;
	scratch char *dir = path_dir(path);
	scratch char *name = xasprintf(".%s.%ld.%u", path_base(path), (long)getpid(),
		__atomic_fetch_add(&count, 1, __ATOMIC_RELAXED));

	return path_join(dir, name);
}

/* A name that is taken belongs to a process of another container, or to one that was killed. */
static int open_draft(struct file_draft *draft, const char *path)
{
	for (;;) {
		draft->temp = draft_name(path);
		cover(draft->temp);
		draft->fd = open(draft->temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (draft->fd >= 0)
			return 0;
		uncover(draft->temp);
		free(steal(&draft->temp));
		if (errno != EEXIST)
			return -1;
	}
}

int file_begin(struct file_draft *draft, const char *path, struct err *err)
{
	*draft = (struct file_draft){ 0 };
	if (file_mkdirs_for(path, err))
		return -1;
	return open_draft(draft, path) ? err_sys(err, "%s", path) : 0;
}

/* A link to a file that others have too keeps its time (see share.h). */
static int set_time(int fd)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, start };
	struct stat st;

	return start.tv_sec && !fstat(fd, &st) && st.st_nlink < 2 ? futimens(fd, times) : 0;
}

int file_commit(struct file_draft *draft, const char *path, struct err *err)
{
	int result = 0;

	if (set_time(draft->fd))
		result = err_sys(err, "%s", path);
	if (close(draft->fd) && !result)
		result = err_sys(err, "%s", path);
	if (!result && rename(draft->temp, path))
		result = err_sys(err, "%s", path);
	/* rename leaves both names alone where they are links to one file */
	unlink(draft->temp);
	uncover(draft->temp);
	free(steal(&draft->temp));
	return result;
}

void file_abandon(struct file_draft *draft)
{
	if (!draft->temp)
		return;
	close(draft->fd);
	unlink(draft->temp);
	uncover(draft->temp);
	free(steal(&draft->temp));
}

static bool holds(const char *path, const void *bytes, size_t n)
{
	cleanup(buf_release) struct buf old = { 0 };
	struct err ignored;
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode) && (size_t)st.st_size == n &&
		!file_read_made(path, n, &old, &ignored) && old.len == n &&
		(!n || !memcmp(old.data, bytes, n));
}

/* For a file that stays as it is. One from the future was made before the clock was set back. */
static int leave(const char *path, struct err *err)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, start };
	bool renew = (future_input && !future_ignored) || (start.tv_sec && file_is_future(path));

	return renew && utimensat(AT_FDCWD, path, times, 0) ? err_sys(err, "%s", path) : 0;
}

/* Whether two files hold the same bytes. */
static bool same_content(int a, int b)
{
	char left[16384], right[sizeof left];
	off_t at = 0;

	for (;;) {
		ssize_t n = pread(a, left, sizeof left, at), m = pread(b, right, sizeof right, at);

		if (n < 0 || n != m || memcmp(left, right, (size_t)n))
			return false;
		if (!n)
			return true;
		at += n;
	}
}

int file_commit_changed(struct file_draft *draft, const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool same = fd >= 0 && same_content(fd, draft->fd);

	if (fd >= 0)
		close(fd);
	if (!same)
		return file_commit(draft, path, err) ? -1 : 1;
	file_abandon(draft);
	return leave(path, err);
}

int file_save(const char *path, const void *bytes, size_t n, struct err *err)
{
	cleanup(file_abandon) struct file_draft draft = { 0 };

	if (holds(path, bytes, n))
		return leave(path, err);
	if (file_begin(&draft, path, err))
		return -1;
	if (file_write_all(draft.fd, bytes, n, err))
		return err_prefix(err, "%s", path);
	return file_commit(&draft, path, err) ? -1 : 1;
}

int file_output(const char *path, const void *bytes, size_t n, struct err *err)
{
	struct stat st;

	if (!path || !strcmp(path, "-")) {
		if (fwrite(bytes, 1, n, stdout) != n || fflush(stdout))
			return err_sys(err, "cannot write to standard output");
		return 1;
	}
	/* A device such as /dev/stdout or /dev/full is written to, not replaced. */
	if (!stat(path, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
		int fd = open(path, O_WRONLY | O_CLOEXEC);
		int result = fd < 0 ? err_sys(err, "%s", path) : file_write_all(fd, bytes, n, err);

		if (fd >= 0)
			close(fd);
		return result ? -1 : 1;
	}
	return file_save(path, bytes, n, err);
}

static int print(int fd, const char *path, struct err *err)
{
	char chunk[65536];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof chunk))) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "%s", path);
		if (file_output(NULL, chunk, (size_t)n, err) < 0)
			return -1;
	}
	return 0;
}

int file_print(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int result = fd < 0 ? err_sys(err, "%s", path) : print(fd, path, err);

	if (fd >= 0)
		close(fd);
	return result;
}

int file_mkdirs(const char *dir, struct err *err)
{
	scratch char *copy = xstrdup(dir);

	if (!mkdir(dir, 0777) || errno == EEXIST)
		return 0;
	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0777) && errno != EEXIST)
			return err_sys(err, "%s", copy);
		*p = '/';
	}
	if (mkdir(copy, 0777) && errno != EEXIST)
		return err_sys(err, "%s", dir);
	return 0;
}

int file_mkdirs_for(const char *path, struct err *err)
{
	scratch char *dir = path_dir(path);

	return file_mkdirs(dir, err);
}

bool file_exists(const char *path)
{
	return !access(path, F_OK);
}

bool file_is_dir(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

int file_list(const char *dir, struct strs *names, struct err *err)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;

	if (!stream)
		return err_sys(err, "%s", dir);
	while ((entry = readdir(stream))) {
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			strs_add(names, entry->d_name);
	}
	closedir(stream);
	strs_sort(names);
	return 0;
}

char *path_join(const char *dir, const char *name)
{
	if (!*dir || !strcmp(dir, ".") || *name == '/')
		return xstrdup(name);
	return xasprintf("%s%s%s", dir, ends_with(dir, "/") ? "" : "/", name);
}

char *path_dir(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(".");
	return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

char *path_clean(const char *path)
{
	bool rooted = *path == '/';
	cleanup(strs_release) struct strs in = { 0 };
	cleanup(strs_release) struct strs out = { 0 };
	struct buf text = { 0 };

	strs_split(&in, path, "/");
	for (size_t i = 0; i < in.n; i++) {
		bool up = !strcmp(in.v[i], "..");

		if (!strcmp(in.v[i], ".") || (up && rooted && !out.n))
			continue;
		if (up && out.n && strcmp(out.v[out.n - 1], ".."))
			free(out.v[--out.n]);
		else
			strs_add(&out, in.v[i]);
	}
	if (rooted)
		buf_addch(&text, '/');
	for (size_t i = 0; i < out.n; i++)
		buf_addf(&text, "%s%s", i ? "/" : "", out.v[i]);
	if (!text.len)
		buf_addch(&text, '.');
	return buf_detach(&text);
}

char *path_absolute(const char *path)
{
	scratch char *cwd = getcwd(NULL, 0);
	scratch char *joined =
		*path == '/' ? xstrdup(path) : xasprintf("%s/%s", cwd ? cwd : "", path);

	return path_clean(joined);
}

bool path_is_below(const char *path, const char *dir)
{
	size_t n = dir ? strlen(dir) : 0;

	return n && !strncmp(path, dir, n) && path[n] == '/';
}

char *path_relative(const char *absolute)
{
	scratch char *cwd = getcwd(NULL, 0);
	size_t n = cwd ? strlen(cwd) : 0;

	if (!n || strncmp(absolute, cwd, n))
		return xstrdup(absolute);
	if (n > 1 && absolute[n] == '\0')
		return xstrdup(".");
	if (n > 1 && absolute[n] != '/')
		return xstrdup(absolute);
	return xstrdup(absolute + n + (n > 1));
}

/* Linux follows no more links in one path (path_resolution(7)). */
#define LINK_LIMIT 40

void path_links(const char *path, struct strs *dirs)
{
	scratch char *whole = xstrdup(path);
	size_t at = 0;

	for (int links = 0; whole[at] && links < LINK_LIMIT;) {
		size_t end = at + strspn(whole + at, "/");
		scratch char *begin = xstrndup(whole, end += strcspn(whole + end, "/"));
		scratch char *dir = path_dir(begin);
		char target[PATH_MAX];
		ssize_t n = readlink(begin, target, sizeof target - 1);
		char *next;

		at = end;
		if (n < 0)
			continue;
		target[n] = '\0';
		strs_add(dirs, dir);
		next = *target == '/' ? xasprintf("%s%s", target, whole + end)
				      : xasprintf("%s/%s%s", dir, target, whole + end);
		free(whole);
		whole = next;
		at = 0;
		links++;
	}
}
