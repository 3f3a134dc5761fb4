#include "announce.h"

#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/ahead.h"
#include "base/file.h"
#include "base/mem.h"
#include "formats/elf.h"

int made_look(struct made *made, const char *executable, struct err *err)
{
	*made->hash = '\0';
	if (file_mark_made(executable, err))
		return -1;
	made->stamp = stamp_of(executable);
	return elf_hash(executable, made->hash, err);
}

/* The record with this executable and nothing of other platforms. */
static void tell(const struct announcer *a, size_t i)
{
	const char *path = a->executables->v[i];
	cleanup(json_release) json_t *record = json_deep_copy(records_at(a->records, i));
	struct err ignored;

	if (made_look(&a->made[i], path, &ignored))
		return;
	json_object_del(record, "references");
	json_object_del(record, "found");
	json_object_set_new(record, "platforms",
		json_pack("[{s:s, s:s, s:s}]", "platform", a->platform, "executable", path, "hash",
			a->made[i].hash));
	ahead_tell(a->fd, record);
}

/* The last one is not told of: nothing is compiled after it, and its turn comes at once. */
static void finished(struct announcer *a, int dir, const char *name)
{
	for (size_t i = 0; i < a->executables->n; i++) {
		if (a->dirs[i] != dir || strcmp(path_base(a->executables->v[i]), name))
			continue;
		if (a->left && --a->left)
			tell(a, i);
		return;
	}
}

static void take_events(struct announcer *a)
{
	char bytes[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n = read(a->events, bytes, sizeof bytes);

	for (char *p = bytes; p < bytes + n;) {
		const struct inotify_event *event = (const void *)p;

		if (event->len)
			finished(a, event->wd, event->name);
		p += sizeof *event + event->len;
	}
}

static void *watch(void *arg)
{
	struct announcer *a = arg;
	struct pollfd fds[2] = { { .fd = a->events, .events = POLLIN },
		{ .fd = a->stop, .events = POLLIN } };

	while (poll(fds, 2, -1) > 0 && !fds[1].revents)
		take_events(a);
	return NULL;
}

static void add_watches(struct announcer *a)
{
	struct err ignored;

	a->dirs = xcalloc(a->executables->n, sizeof *a->dirs);
	for (size_t i = 0; i < a->executables->n; i++) {
		scratch char *dir = path_dir(a->executables->v[i]);

		(void)file_mkdirs(dir, &ignored);
		a->dirs[i] = inotify_add_watch(a->events, dir, IN_CLOSE_WRITE | IN_MOVED_TO);
	}
}

void announcer_begin(struct announcer *a)
{
	a->fd = ahead_open();
	if (a->fd < 0)
		return;
	ahead_compile(a->fd);
	if (a->executables->n > 1)
		ahead_tell_first(a->fd);
	a->events = inotify_init1(IN_CLOEXEC);
	a->stop = eventfd(0, EFD_CLOEXEC);
	if (a->events < 0 || a->stop < 0)
		return;
	add_watches(a);
	a->running = !pthread_create(&a->thread, NULL, watch, a);
}

void announcer_end(struct announcer *a)
{
	if (a->running) {
		(void)eventfd_write(a->stop, 1);
		pthread_join(a->thread, NULL);
	}
	for (size_t i = 0; i < 3; i++) {
		int fd = (int[]){ a->fd, a->events, a->stop }[i];

		if (fd > 0)
			close(fd);
	}
	free(a->dirs);
	*a = (struct announcer){ 0 };
}
