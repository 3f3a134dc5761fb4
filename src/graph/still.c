/*
 * Which files ninja looks at is in two places. "paths" has those that the graph itself names, a
 * line each; ko-scan writes it beside the graph. ninja's .ninja_deps has those that tools told in
 * their dependency files (https://ninja-build.org/manual.html, "deps"; the format is that of
 * deps_log.cc, version 4):
 *
 *	"# ninjadeps\n" VERSION then records, each a number of 32 bits and so many bytes
 *	path:	the path, up to three NULs, and 32 bits that we do not need
 *	deps:	the number has its highest bit set; what depends on what is for ninja alone
 *
 * It may have paths that no edge depends on any more. A file of another version is none.
 *
 * What is kept is in "still": a head, a stamp for each path, as they are in memory, and the paths,
 * each with a NUL. While ninja has done nothing the list of paths is the same.
 */
#include "still.h"

#include <assert.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "base/stamp.h"

#define DEPS_HEADER "# ninjadeps\n\4\0\0\0"
#define DEPS_RECORD ((uint32_t)1 << 31)

/* So much older than the run that made them are side files at most, in nanoseconds. */
#define SIDE_FILES ((int64_t)3000000000)

struct head {
	char logs[FINGERPRINT_SIZE];
	char goal[31]; /* for which ninja had nothing to do; empty: it had */
	int64_t when;
	uint64_t count; /* of paths */
};

static bool add_listed(struct strs *paths, const char *dir)
{
	cleanup(buf_release) struct buf text = { 0 };
	scratch char *path = path_join(dir, "paths");
	struct err ignored;

	if (file_read_made(path, FILE_LIMIT, &text, &ignored))
		return false;
	strs_split(paths, buf_str(&text), "\n");
	return paths->n > 0;
}

/* The next path; 1 at the end, -1 where the file is not as it should be. */
static int next_path(FILE *log, char *path, size_t room)
{
	uint32_t size;

	for (;;) {
		if (fread(&size, 1, sizeof size, log) != sizeof size)
			return feof(log) ? 1 : -1;
		if (!(size & DEPS_RECORD))
			break;
		if (fseek(log, (long)(size & ~DEPS_RECORD), SEEK_CUR))
			return -1;
	}
	if (size <= sizeof size || size > room || fread(path, 1, size, log) != size)
		return -1;
	/* the checksum ends the path where no NUL does */
	path[size - sizeof size] = '\0';
	return 0;
}

static bool add_deps(struct strs *paths, const char *dir)
{
	scratch char *path = path_join(dir, ".ninja_deps");
	char text[PATH_MAX + 8], header[sizeof DEPS_HEADER - 1];
	FILE *log = fopen(path, "re");
	int end = -1;

	if (!log)
		return false;
	if (fread(header, 1, sizeof header, log) == sizeof header &&
		!memcmp(header, DEPS_HEADER, sizeof header)) {
		while (!(end = next_path(log, text, sizeof text)))
			strs_add(paths, text);
	}
	fclose(log);
	return end > 0;
}

static void look_at(void *arg, size_t from, size_t to)
{
	const struct still *still = arg;

	for (size_t i = from; i < to; i++)
		still->stamps[i] = stamp_of(still->paths.v[i]);
}

/* What changes whenever ninja has done something, and whenever the list of files does. */
static void print_logs(const char *dir, char print[FINGERPRINT_SIZE])
{
	static const char *const names[] = { "build.ninja", ".ninja_log", ".ninja_deps" };
	struct stamp stamps[countof(names)];

	for (size_t i = 0; i < countof(names); i++) {
		scratch char *path = path_join(dir, names[i]);

		stamps[i] = stamp_of(path);
	}
	fingerprint_of(stamps, sizeof stamps, print);
}

static void see(struct still *still)
{
	still_release(still);
	still->when = stamp_now();
	print_logs(still->dir, still->logs);
	if (!add_listed(&still->paths, still->dir) || !add_deps(&still->paths, still->dir))
		return;
	still->stamps = xcalloc(still->paths.n, sizeof *still->stamps);
	parallel(still->paths.n, look_at, still);
}

static char *kept_path(const struct still *still)
{
	return path_join(still->dir, "still");
}

/* What was kept before. */
struct kept {
	struct buf text;
	struct head head;
	const struct stamp *stamps; /* in the text, as are the paths, which a NUL ends */
	const char *paths;
};

static_assert(sizeof(struct head) % _Alignof(struct stamp) == 0, "stamps follow the head");

static void kept_release(struct kept *kept)
{
	buf_release(&kept->text);
}

static bool load(struct kept *kept, const struct still *still)
{
	scratch char *path = kept_path(still);
	struct buf *text = &kept->text;
	struct err ignored;

	if (file_read_made(path, FILE_LIMIT, text, &ignored) || text->len < sizeof kept->head)
		return false;
	memcpy(&kept->head, text->data, sizeof kept->head);
	if (kept->head.count > (text->len - sizeof kept->head) / sizeof *kept->stamps)
		return false;
	kept->stamps = (const void *)(text->data + sizeof kept->head);
	kept->paths = (const char *)(kept->stamps + kept->head.count);
	return true;
}

static void save(const struct still *still, const char *goal)
{
	cleanup(buf_release) struct buf text = { 0 };
	scratch char *path = kept_path(still);
	struct head head = { .when = still->when, .count = still->paths.n };
	struct err err;

	memcpy(head.logs, still->logs, sizeof head.logs);
	snprintf(head.goal, sizeof head.goal, "%s", goal);
	buf_add(&text, &head, sizeof head);
	buf_add(&text, still->stamps, still->paths.n * sizeof *still->stamps);
	for (size_t i = 0; i < still->paths.n; i++)
		buf_add(&text, still->paths.v[i], strlen(still->paths.v[i]) + 1);
	if (file_save(path, text.data, text.len, &err) < 0)
		log_debug(1, "%s", err.text);
}

/* ---- what is different ---- */

/*
 * ninja compares the times of inputs with those of outputs, not with what they were before. An
 * inode number alone says nothing: there are file systems where it is another one each time.
 */
static bool is_hidden(const struct stamp *now, const struct stamp *before, int64_t when)
{
	return now->size >= 0 && (now->size != before->size || now->ctime != before->ctime) &&
		now->mtime < when;
}

/* Side files have a time from before the run in which they were made: file_mark_made(). */
static int64_t limit_of(const struct still *still, const char *path, int64_t when)
{
	return path_is_below(path, still->builddir) ? when - SIDE_FILES : when;
}

struct known {
	const char *path;
	const struct stamp *stamp;
};

static int compare_known(const void *a, const void *b)
{
	return strcmp(((const struct known *)a)->path, ((const struct known *)b)->path);
}

/* Kept stamps by their paths. */
static struct known *sort_kept(const struct kept *kept)
{
	struct known *known = xcalloc(kept->head.count + 1, sizeof *known);
	const char *path = kept->paths, *end = kept->text.data + kept->text.len;

	for (size_t i = 0; i < kept->head.count; i++) {
		known[i] = (struct known){ path, &kept->stamps[i] };
		path += path < end ? strlen(path) + 1 : 0;
	}
	qsort(known, kept->head.count, sizeof *known, compare_known);
	return known;
}

static const struct stamp *find(const struct known *known, size_t n, const char *path)
{
	const struct known key = { path, NULL };
	const struct known *found = bsearch(&key, known, n, sizeof key, compare_known);

	return found ? found->stamp : NULL;
}

/* Finds a hidden change; returns whether there is no change at all. */
static bool compare(struct still *still, const struct kept *kept)
{
	size_t n = kept->head.count;
	bool same =
		n == still->paths.n && !memcmp(kept->head.logs, still->logs, sizeof still->logs);
	scratch struct known *known = same ? NULL : sort_kept(kept);

	for (size_t i = 0; i < still->paths.n && !still->hidden; i++) {
		const char *path = still->paths.v[i];
		const struct stamp *before = known ? find(known, n, path) : &kept->stamps[i];
		int64_t limit = limit_of(still, path, kept->head.when);

		if (before && is_hidden(&still->stamps[i], before, limit))
			still->hidden = path;
		same = same && stamp_same(&still->stamps[i], before);
	}
	return same && !still->hidden;
}

bool still_look(struct still *still)
{
	cleanup(kept_release) struct kept kept = { 0 };

	see(still);
	return still->stamps && load(&kept, still) && compare(still, &kept) &&
		!strncmp(kept.head.goal, still->goal, sizeof kept.head.goal);
}

/* ---- keeping ---- */

/* Whether all that changes after it was looked at would be seen. */
static bool tells(const struct still *still)
{
	for (size_t i = 0; i < still->paths.n; i++) {
		if (!stamp_tells(&still->stamps[i], still->when))
			return false;
	}
	return true;
}

/* What was changed while ninja ran, which may have looked at it before, and has an old time: it is
 * given a stamp that it does not have. */
static void distrust(struct still *still, int64_t since)
{
	for (size_t i = 0; i < still->paths.n; i++) {
		struct stamp *stamp = &still->stamps[i];

		if (!stamp_tells(stamp, since) && stamp->mtime < since - SIDE_FILES)
			stamp->ctime = -2;
	}
}

void still_keep_seen(const struct still *still)
{
	if (still->stamps && !still->hidden)
		save(still, "");
}

void still_keep_done(struct still *still, bool succeeded)
{
	char logs[FINGERPRINT_SIZE];
	int64_t since = still->when;

	print_logs(still->dir, logs);
	if (succeeded && still->stamps && !strcmp(logs, still->logs)) {
		if (tells(still))
			save(still, still->goal);
		return;
	}
	see(still);
	if (!still->stamps)
		return;
	distrust(still, since);
	save(still, "");
}

void still_release(struct still *still)
{
	strs_release(&still->paths);
	free(steal(&still->stamps));
	still->hidden = NULL;
}
