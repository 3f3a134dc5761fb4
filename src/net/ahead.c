#include "ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/ahead.h"
#include "base/mem.h"

/* The most bytes that a line may have: they come through a pipe in one piece. */
#define LINE_LIMIT ((size_t)64 << 10)

/* Seconds for retries. Who waits for us has retries of its own. */
#define PATIENCE 10

struct follower {
	const struct push *push;
	struct registry *registry;
	struct buf text;   /* that is not a whole line yet */
	struct strs paths; /* of blobs, borrowed by the registry */
};

static int arrived(void *arg, const struct registry_result *result, struct err *err)
{
	(void)arg;
	(void)result;
	(void)err;
	return 0;
}

static int start_layer(struct follower *follower, const struct target *target, const json_t *layer,
	struct err *err)
{
	cleanup(descriptor_release) struct descriptor blob = { 0 };
	const struct repo repo = { target->ref.host, target->ref.repository };
	struct blob_source source = { 0 };
	char *path;

	if (descriptor_from(&blob, layer, target->ref.name, err))
		return -1;
	path = oci_path(follower->push->oci, blob.digest);
	strs_take(&follower->paths, path);
	source.path = path;
	registry_push_blob(follower->registry, repo, blob.digest, blob.size, source, NULL,
		(struct registry_done){ arrived, NULL });
	return 0;
}

static int start_layers(struct follower *follower, const json_t *record, struct err *err)
{
	const struct push *push = follower->push;
	cleanup(target_release) struct target target = { 0 };
	const json_t *platform, *layer;
	size_t i, j;

	if (target_make(&target, record, push->repo, push->tags, push->tag_only, err))
		return -1;
	if (target.place != REF_REGISTRY)
		return 0;
	registry_expect(
		follower->registry, (struct repo){ target.ref.host, target.ref.repository }, true);
	json_array_foreach (json_object_get(record, "platforms"), i, platform) {
		json_array_foreach (json_object_get(platform, "layers"), j, layer) {
			if (start_layer(follower, &target, layer, err))
				return -1;
		}
	}
	return 0;
}

/* Takes the whole lines of what has come. Returns as ready() of registry_watch(). */
static int take_lines(struct follower *follower, struct err *err)
{
	struct buf *text = &follower->text;
	size_t from = 0;
	int more = 1;

	while (more > 0) {
		char *start = text->data + from;
		const char *end = memchr(start, '\n', text->len - from);
		cleanup(json_release) json_t *record = NULL;

		if (!end)
			break;
		record = json_from("layers", start, (size_t)(end - start), err);
		if (!record)
			return -1;
		more = ahead_is_last(record) ? 0 : start_layers(follower, record, err) ? -1 : 1;
		from = (size_t)(end + 1 - text->data);
	}
	memmove(text->data, text->data + from, text->len - from);
	text->len -= from;
	return more;
}

static int ready(void *arg, struct err *err)
{
	struct follower *follower = arg;
	char *end = buf_reserve(&follower->text, 4096);
	ssize_t n = read(STDIN_FILENO, end, 4096);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 1;
	if (n <= 0)
		return err_set(err, ERR_FAILED, "the build has ended");
	follower->text.len += (size_t)n;
	if (follower->text.len > LINE_LIMIT)
		return err_set(err, ERR_INPUT, "a line is too long");
	return take_lines(follower, err);
}

static int follow(struct follower *follower, struct err *err)
{
	int flags = fcntl(STDIN_FILENO, F_GETFL);

	follower->registry = base_registry(follower->push->finder, err);
	if (!follower->registry || fcntl(STDIN_FILENO, F_SETFL, flags | O_NONBLOCK))
		return -1;
	registry_watch(follower->registry, STDIN_FILENO, ready, follower);
	return registry_run(follower->registry, err);
}

int ahead_push(struct push *push, struct err *err)
{
	struct registry_settings patient = *push->finder->network;
	struct follower follower = { .push = push };
	ssize_t ignored;
	int result;

	patient.retry_budget = PATIENCE;
	push->finder->network = &patient;
	result = follow(&follower, err);
	if (!result && getenv("KO_AHEAD")) {
		ignored =
			write(STDOUT_FILENO, registry_stats(follower.registry), sizeof push->stats);
		(void)ignored;
	}
	registry_free(push->finder->registry);
	push->finder->registry = NULL;
	buf_release(&follower.text);
	strs_release(&follower.paths);
	return result;
}

void ahead_await(struct registry_stats *stats)
{
	const char *path = getenv("KO_AHEAD");
	scratch char *file = path ? xasprintf("%s.done", path) : NULL;
	int done = file ? open(file, O_RDONLY | O_CLOEXEC) : -1, fifo;
	struct registry_stats more;

	if (done < 0)
		return;
	if (flock(done, LOCK_EX | LOCK_NB)) {
		fifo = ahead_open();
		if (fifo >= 0) {
			/* it is full while they are busy, and for ever when one of them died */
			while (ahead_tell_last(fifo) && flock(done, LOCK_EX | LOCK_NB))
				nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
			close(fifo);
		}
		(void)flock(done, LOCK_EX);
		if (pread(done, &more, sizeof more, 0) == (ssize_t)sizeof more)
			registry_stats_add(stats, &more);
	}
	close(done);
}
