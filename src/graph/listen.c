#include "listen.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/proc.h"

static int start(const struct listener *listener, const char *tool, const char *const *options,
	const struct strs *words, int from, int to)
{
	cleanup(strs_release) struct strs argv = { 0 };
	struct proc proc = {
		.from = from, .to = to, .shared = listener->shared, .gives_way = true
	};
	struct err ignored;

	strs_take(&argv, proc_fellow(tool));
	for (; *options; options++)
		strs_add(&argv, *options);
	for (size_t i = 0; i < words->n; i++)
		strs_add(&argv, words->v[i]);
	proc.argv = (const char *const *)strs_argv(&argv);
	return proc_start(&proc, &ignored);
}

/* The first that is told starts the others; their pipe ends when we let go of our end. */
static void start_both(const struct listener *listener, int from)
{
	scratch char *path = xasprintf("%s.done", listener->fifo);
	int done = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	const char *const follow[] = { "--follow", NULL };
	const char *const ahead[] = { "--ahead", listener->known, NULL };
	int between[2];

	if (done < 0 || flock(done, LOCK_EX | LOCK_NB) || pipe2(between, O_CLOEXEC)) {
		if (done >= 0)
			close(done);
		return;
	}
	if (!start(listener, "ko-push", ahead, listener->push, between[0], done))
		(void)start(listener, "ko-layer", follow, listener->layer, from, between[1]);
	close(between[0]);
	close(between[1]);
	close(done);
}

static void *listen_on(void *arg)
{
	const struct listener *listener = arg;
	struct pollfd told = { .fd = listener->keep, .events = POLLIN };
	int from;

	if (poll(&told, 1, -1) != 1)
		return NULL;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	from = open(listener->fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (from < 0)
		return NULL;
	(void)fcntl(from, F_SETFL, 0);
	start_both(listener, from);
	close(from);
	return NULL;
}

void listener_begin(struct listener *listener, const char *dir, int shared)
{
	if (!listener->layer)
		return;
	listener->shared = shared;
	listener->fifo = path_join(dir, "ahead");
	listener->known = xasprintf("--known=%s/refs.json", dir);
	(void)unlink(listener->fifo);
	if (mkfifo(listener->fifo, 0600))
		return;
	listener->keep = open(listener->fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (listener->keep < 0)
		return;
	setenv("KO_AHEAD", listener->fifo, 1);
	if (pthread_create(&listener->thread, NULL, listen_on, listener)) {
		close(listener->keep);
		listener->keep = 0;
	}
}

void listener_end(struct listener *listener)
{
	if (listener->keep > 0) {
		pthread_cancel(listener->thread);
		pthread_join(listener->thread, NULL);
		close(listener->keep);
		unlink(listener->fifo);
		unsetenv("KO_AHEAD");
	}
	free(steal(&listener->fifo));
	free(steal(&listener->known));
	listener->keep = 0;
}
