#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "mem.h"
#include "trace.h"

/* How much nicer a program is that gives way: it gets a tenth of what another one gets. */
#define GIVE_WAY 10

extern char **environ;

char *proc_find(const char *name)
{
	cleanup(strs_release) struct strs dirs = { 0 };
	const char *path = getenv("PATH");

	if (strchr(name, '/'))
		return access(name, X_OK) ? NULL : xstrdup(name);
	strs_split(&dirs, path ? path : "/usr/local/bin:/usr/bin:/bin", ":");
	for (size_t i = 0; i < dirs.n; i++) {
		scratch char *full = xasprintf("%s/%s", dirs.v[i], name);

		if (!access(full, X_OK) && !file_is_dir(full))
			return steal(&full);
	}
	return NULL;
}

char *proc_own_dir(void)
{
	scratch char *self = realpath("/proc/self/exe", NULL);

	return self ? path_dir(self) : NULL;
}

char *proc_fellow(const char *tool)
{
	scratch char *dir = proc_own_dir();

	return dir ? path_join(dir, tool) : xstrdup(tool);
}

/* Whether the list, from an index on, sets the variable that the assignment does. */
static bool is_set(const struct strs *list, size_t from, const char *assignment)
{
	size_t n = strcspn(assignment, "=") + 1;

	for (size_t i = from; list && i < list->n; i++) {
		if (!strncmp(list->v[i], assignment, n))
			return true;
	}
	return false;
}

/* Our environment with the child's own settings over it; the strings are borrowed. No variable is
 * there twice: go would take the first one. */
static char **child_environ(const struct strs *extra)
{
	size_t n = 0;
	char **env;

	while (environ[n])
		n++;
	env = xcalloc(n + (extra ? extra->n : 0) + 1, sizeof *env);
	n = 0;
	for (char **e = environ; *e; e++) {
		if (!is_set(extra, 0, *e))
			env[n++] = *e;
	}
	for (size_t i = 0; extra && i < extra->n; i++) {
		if (!is_set(extra, i + 1, extra->v[i]))
			env[n++] = extra->v[i];
	}
	return env;
}

/* A memory file holds the input: a pipe could block both sides. */
static int input_fd(const struct proc *proc, struct err *err)
{
	int fd;

	if (proc->from)
		return fcntl(proc->from, F_DUPFD_CLOEXEC, 0);
	if (!proc->input)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	fd = memfd_create("input", MFD_CLOEXEC);
	if (fd < 0 || file_write_all(fd, proc->input->data, proc->input->len, err) ||
		lseek(fd, 0, SEEK_SET)) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

static void close_pair(int pair[2])
{
	for (int i = 0; i < 2; i++) {
		if (pair[i] >= 0)
			close(pair[i]);
	}
}

static int spawn(struct proc *proc, const char *path, int in, int out, int errors)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	scratch char **env = child_environ(proc->env);
	sigset_t defaults;
	int result;

	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	posix_spawnattr_setflags(&attr,
		(short)(POSIX_SPAWN_SETSIGDEF | (proc->timeout ? POSIX_SPAWN_SETPGROUP : 0)));
	if (in >= 0)
		posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	if (proc->to)
		posix_spawn_file_actions_adddup2(&actions, proc->to, STDOUT_FILENO);
	else if (out >= 0 || proc->output_to_stderr)
		posix_spawn_file_actions_adddup2(
			&actions, out >= 0 ? out : STDERR_FILENO, STDOUT_FILENO);
	if (errors >= 0)
		posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
	if (proc->shared) /* onto itself: that takes close-on-exec away */
		posix_spawn_file_actions_adddup2(&actions, proc->shared, proc->shared);
	if (proc->dir)
		posix_spawn_file_actions_addchdir_np(&actions, proc->dir);
	result = posix_spawn(&proc->pid, path, &actions, &attr, (char *const *)proc->argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return result;
}

int proc_start(struct proc *proc, struct err *err)
{
	scratch char *found = proc_find(proc->argv[0]);
	scratch char *path = found ? path_absolute(found) : NULL;
	bool separate = proc->messages && proc->messages != proc->output;
	int out[2] = { -1, -1 }, errors[2] = { -1, -1 };
	int in, result;

	proc->pid = 0;
	proc->began = trace_now();
	proc->out_fd = proc->err_fd = -1;
	if (!path)
		return err_set(err, ERR_FAILED, "%s: not found on PATH", proc->argv[0]);
	in = proc->inherit_input ? -1 : input_fd(proc, err);
	if ((in < 0 && !proc->inherit_input) || (proc->output && pipe2(out, O_CLOEXEC)) ||
		(separate && pipe2(errors, O_CLOEXEC))) {
		close_pair(out);
		if (in >= 0)
			close(in);
		return err_sys(err, "%s", proc->argv[0]);
	}
	result = spawn(proc, path, in, out[1], proc->messages && !separate ? out[1] : errors[1]);
	if (in >= 0)
		close(in);
	if (result) {
		close_pair(out);
		close_pair(errors);
		errno = result;
		return err_sys(err, "%s", proc->argv[0]);
	}
	if (proc->gives_way)
		(void)setpriority(
			PRIO_PROCESS, (id_t)proc->pid, getpriority(PRIO_PROCESS, 0) + GIVE_WAY);
	proc->out_fd = out[0];
	proc->err_fd = errors[0];
	out[0] = errors[0] = -1;
	close_pair(out);
	close_pair(errors);
	return 0;
}

/* Takes what is there; closes at the end. Returns -1 when more came than the limit allows. */
static int take(int *fd, struct buf *buf, size_t limit)
{
	char *end = buf_reserve(buf, 65536);
	ssize_t n = read(*fd, end, 65536);

	if (n < 0 && errno == EINTR)
		return 0;
	if (n <= 0) {
		close(*fd);
		*fd = -1;
		return 0;
	}
	buf->len += (size_t)n;
	buf->data[buf->len] = '\0';
	return buf->len > limit ? -1 : 0;
}

static int milliseconds_left(const struct timespec *deadline)
{
	struct timespec now;
	long long left;

	clock_gettime(CLOCK_MONOTONIC, &now);
	left = (deadline->tv_sec - now.tv_sec) * 1000LL +
		(deadline->tv_nsec - now.tv_nsec) / 1000000;
	return left > 0 ? (int)left : 0;
}

static int too_late(const struct proc *proc, struct err *err)
{
	return err_set(
		err, ERR_FAILED, "%s: no end after %d seconds", proc->argv[0], proc->timeout);
}

static int collect(struct proc *proc, const struct timespec *deadline, struct err *err)
{
	size_t limit = proc->output_limit ? proc->output_limit : FILE_LIMIT;

	while (proc->out_fd >= 0 || proc->err_fd >= 0) {
		struct pollfd fds[2] = { { .fd = proc->out_fd, .events = POLLIN },
			{ .fd = proc->err_fd, .events = POLLIN } };
		int n = poll(fds, 2, proc->timeout ? milliseconds_left(deadline) : -1);

		if (n < 0 && errno != EINTR)
			return err_sys(err, "%s: poll", proc->argv[0]);
		if (!n)
			return too_late(proc, err);
		if (n > 0 &&
			((fds[0].revents && take(&proc->out_fd, proc->output, limit)) ||
				(fds[1].revents && take(&proc->err_fd, proc->messages, limit))))
			return err_set(err, ERR_FAILED, "%s: more than %zu bytes of output",
				proc->argv[0], limit);
	}
	return 0;
}

static int reap(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return 255;
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void hang_up(struct proc *proc, int sig)
{
	kill(proc->timeout ? -proc->pid : proc->pid, sig);
	if (proc->out_fd >= 0)
		close(proc->out_fd);
	if (proc->err_fd >= 0)
		close(proc->err_fd);
	proc->out_fd = proc->err_fd = -1;
	reap(proc->pid);
	proc->pid = 0;
}

/* A child may have closed its output and still go on. */
static int await_end(struct proc *proc, const struct timespec *deadline, struct err *err)
{
	struct pollfd end = { .fd = proc->timeout ? pidfd_open(proc->pid, 0) : -1,
		.events = POLLIN };
	int n = 1;

	if (end.fd < 0)
		return 0;
	do {
		n = poll(&end, 1, milliseconds_left(deadline));
	} while (n < 0 && errno == EINTR);
	close(end.fd);
	return n ? 0 : too_late(proc, err);
}

/* "go build": the program, and what it was told to do. */
static void trace_process(const struct proc *proc, int status)
{
	const char *verb = proc->argv[1] && proc->argv[1][0] != '-' ? proc->argv[1] : NULL;
	scratch char *name = NULL;

	if (!trace_wanted())
		return;
	name = xasprintf("%s%s%s", path_base(proc->argv[0]), verb ? " " : "", verb ? verb : "");
	trace_event("process", name, proc->began, json_pack("{s:i}", "status", status));
}

int proc_wait(struct proc *proc, struct err *err)
{
	struct timespec deadline;
	int status;

	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += proc->timeout;
	if (collect(proc, &deadline, err) || await_end(proc, &deadline, err)) {
		hang_up(proc, SIGKILL);
		return -1;
	}
	status = reap(proc->pid);
	proc->pid = 0;
	trace_process(proc, status);
	return status;
}

struct proc *proc_first(struct proc *a, struct proc *b)
{
	struct pollfd ends[2] = { { .fd = pidfd_open(a->pid, 0), .events = POLLIN },
		{ .fd = pidfd_open(b->pid, 0), .events = POLLIN } };

	while (ends[0].fd >= 0 && ends[1].fd >= 0 && poll(ends, 2, -1) < 0 && errno == EINTR)
		;
	close_pair((int[2]){ ends[0].fd, ends[1].fd });
	return ends[1].revents && !ends[0].revents ? b : a;
}

void proc_stop(struct proc *proc)
{
	if (proc->pid)
		hang_up(proc, SIGTERM);
}

int proc_run(struct proc *proc, struct err *err)
{
	if (proc_start(proc, err))
		return -1;
	return proc_wait(proc, err);
}

int proc_exec(const char *const argv[], struct err *err)
{
	scratch char *path = proc_find(argv[0]);

	if (!path)
		return err_set(err, ERR_FAILED, "%s: not found on PATH", argv[0]);
	execv(path, (char *const *)argv);
	return err_sys(err, "%s", argv[0]);
}

const char *proc_death(int status)
{
	static char text[64];

	if (status > 128)
		snprintf(text, sizeof text, "killed by signal %d (%s)", status - 128,
			strsignal(status - 128));
	else
		snprintf(text, sizeof text, "exit status %d", status);
	return text;
}
