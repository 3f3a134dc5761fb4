#include "ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/ahead.h"
#include "base/file.h"
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
	json_t *seen;
};

static char *key_of(struct repo repo, const char *separator, const char *what)
{
	return xasprintf("%s/%s%s%s", repo.host, repo.path, separator, what);
}

const char *ahead_saw(const json_t *seen, struct repo repo, const char *separator, const char *what)
{
	scratch char *key = seen ? key_of(repo, separator, what) : NULL;

	return key ? json_string_value(json_object_get(seen, key)) : NULL;
}

static int arrived(void *arg, const struct registry_result *result, struct err *err)
{
	json_t *digest = arg;

	(void)err;
	json_string_set(digest, result->found ? result->digest : "");
	return 0;
}

/* Notes in seen what the registry will answer. */
static struct registry_done note(
	struct follower *follower, struct repo repo, const char *separator, const char *what)
{
	scratch char *key = key_of(repo, separator, what);
	json_t *digest = json_object_get(follower->seen, key);

	if (!digest) {
		digest = json_string("");
		json_object_set_new(follower->seen, key, digest);
	}
	return (struct registry_done){ arrived, digest };
}

/* Where the image of a record goes, for which the client gets ready. 0: to no registry. */
static int expect_target(struct follower *follower, struct target *target, const json_t *record,
	struct repo *repo, struct err *err)
{
	const struct push *push = follower->push;

	if (target_make(target, record, push->repo, push->tags, push->tag_only, err))
		return -1;
	*repo = (struct repo){ target->ref.host, target->ref.repository };
	if (target->place != REF_REGISTRY)
		return 0;
	registry_expect(follower->registry, *repo, true);
	return 1;
}

/* The tags of an image that was pushed before. */
static int start_tags(struct follower *follower, const json_t *record, struct err *err)
{
	cleanup(target_release) struct target target = { 0 };
	struct repo repo;
	int expected = expect_target(follower, &target, record, &repo, err);

	for (size_t i = 0; expected > 0 && i < target.tags.n; i++)
		registry_head_manifest(follower->registry, repo, target.tags.v[i],
			note(follower, repo, AHEAD_TAG, target.tags.v[i]));
	return expected < 0 ? -1 : 0;
}

static int start_layer(
	struct follower *follower, struct repo repo, const json_t *layer, struct err *err)
{
	cleanup(descriptor_release) struct descriptor blob = { 0 };
	struct blob_source source = { 0 };
	char *path;

	if (descriptor_from(&blob, layer, repo.path, err))
		return -1;
	path = oci_path(follower->push->oci, blob.digest);
	strs_take(&follower->paths, path);
	source.path = path;
	registry_push_blob(follower->registry, repo, blob.digest, blob.size, source, NULL,
		note(follower, repo, AHEAD_BLOB, blob.digest));
	return 0;
}

static int start_layers(struct follower *follower, const json_t *record, struct err *err)
{
	cleanup(target_release) struct target target = { 0 };
	const json_t *platforms = json_object_get(record, "platforms"), *platform, *layer;
	struct repo repo;
	int expected = platforms ? expect_target(follower, &target, record, &repo, err) : 0;
	size_t i, j;

	if (expected <= 0)
		return expected;
	json_array_foreach (platforms, i, platform) {
		json_array_foreach (json_object_get(platform, "layers"), j, layer) {
			if (start_layer(follower, repo, layer, err))
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
	for (size_t i = 0; i < records_count(follower->push->known); i++) {
		if (start_tags(follower, records_at(follower->push->known, i), err))
			return -1;
	}
	registry_watch(follower->registry, STDIN_FILENO, ready, follower);
	return registry_run(follower->registry, err);
}

static void write_result(const struct follower *follower)
{
	scratch char *seen = json_dumps(follower->seen, JSON_COMPACT);
	struct err ignored;

	(void)(file_write_all(STDOUT_FILENO, registry_stats(follower->registry),
		       sizeof(struct registry_stats), &ignored) ||
		file_write_all(STDOUT_FILENO, seen, strlen(seen), &ignored));
}

int ahead_push(struct push *push, struct err *err)
{
	struct registry_settings patient = *push->finder->network;
	struct follower follower = { .push = push, .seen = json_object() };
	int result;

	patient.retry_budget = PATIENCE;
	push->finder->network = &patient;
	result = follow(&follower, err);
	if (!result && getenv("KO_AHEAD"))
		write_result(&follower);
	registry_free(push->finder->registry);
	push->finder->registry = NULL;
	json_decref(follower.seen);
	buf_release(&follower.text);
	strs_release(&follower.paths);
	return result;
}

static json_t *read_result(struct registry_stats *stats, const char *file)
{
	cleanup(buf_release) struct buf text = { 0 };
	struct registry_stats more;
	struct err ignored;

	if (file_read(file, FILE_LIMIT, &text, &ignored) || text.len < sizeof more)
		return NULL;
	memcpy(&more, text.data, sizeof more);
	registry_stats_add(stats, &more);
	return json_from(file, text.data + sizeof more, text.len - sizeof more, &ignored);
}

json_t *ahead_await(struct registry_stats *stats)
{
	const char *path = getenv("KO_AHEAD");
	scratch char *file = path ? xasprintf("%s.done", path) : NULL;
	int done = file ? open(file, O_RDONLY | O_CLOEXEC) : -1, fifo;
	json_t *seen = NULL;

	if (done < 0)
		return NULL;
	if (flock(done, LOCK_EX | LOCK_NB)) {
		fifo = ahead_open();
		if (fifo >= 0) {
			/* it is full while they are busy, and for ever when one of them died */
			while (ahead_tell_last(fifo) && flock(done, LOCK_EX | LOCK_NB))
				nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
			close(fifo);
		}
		(void)flock(done, LOCK_EX);
		seen = read_result(stats, file);
	}
	close(done);
	return seen;
}
