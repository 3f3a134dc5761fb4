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
 * What is kept is in "still": a head and a stamp for each path, as they are in memory.
 */
#include "still.h"

#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/stamp.h"

#define DEPS_HEADER "# ninjadeps\n\4\0\0\0"
#define DEPS_RECORD ((uint32_t)1 << 31)

/* A thread for so many files; but not more threads than that: file systems gain no more by them. */
#define SHARE 4096
#define SHARE_LIMIT 4

struct head {
	char logs[FINGERPRINT_SIZE]; /* stands for the list of paths */
	char goal[31];               /* for which ninja had nothing to do; empty: it had */
	int64_t when;                /* before the files were looked at */
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

/* A part of the work. */
struct share {
	const struct still *still;
	size_t from, to;
	pthread_t thread;
};

static void *take_share(void *arg)
{
	const struct share *share = arg;

	for (size_t i = share->from; i < share->to; i++)
		share->still->stamps[i] = stamp_of(share->still->paths.v[i]);
	return NULL;
}

static void look_at_all(struct still *still)
{
	struct share shares[SHARE_LIMIT];
	size_t all = still->paths.n, started = 0;
	size_t n = 1 + all / SHARE < SHARE_LIMIT ? 1 + all / SHARE : SHARE_LIMIT;

	still->stamps = xcalloc(all, sizeof *still->stamps);
	for (size_t i = 0; i < n; i++)
		shares[i] = (struct share){ still, all * i / n, all * (i + 1) / n, 0 };
	while (started + 1 < n &&
		!pthread_create(&shares[started].thread, NULL, take_share, &shares[started]))
		started++;
	for (size_t i = started; i < n; i++)
		take_share(&shares[i]);
	for (size_t i = 0; i < started; i++)
		pthread_join(shares[i].thread, NULL);
}

/* What changes whenever ninja has done something, or the list of files is another one. */
static void print_logs(const char *dir, char print[FINGERPRINT_SIZE])
{
	static const char *const names[] = { "build.ninja", "paths", ".ninja_log", ".ninja_deps" };
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
	if (add_listed(&still->paths, still->dir) && add_deps(&still->paths, still->dir))
		look_at_all(still);
}

static char *kept_path(const struct still *still)
{
	return path_join(still->dir, "still");
}

/* Reads what was kept of the same paths. */
static bool load(const struct still *still, struct head *head, struct stamp *stamps)
{
	cleanup(buf_release) struct buf kept = { 0 };
	scratch char *path = kept_path(still);
	size_t size = still->paths.n * sizeof *stamps;
	struct err ignored;

	if (file_read_made(path, FILE_LIMIT, &kept, &ignored) || kept.len != sizeof *head + size)
		return false;
	memcpy(head, kept.data, sizeof *head);
	memcpy(stamps, kept.data + sizeof *head, size);
	return !memcmp(head->logs, still->logs, sizeof head->logs);
}

static int save(const struct still *still, bool is_quiet, struct err *err)
{
	cleanup(buf_release) struct buf text = { 0 };
	scratch char *path = kept_path(still);
	struct head head = { .when = still->when };

	memcpy(head.logs, still->logs, sizeof head.logs);
	if (is_quiet)
		snprintf(head.goal, sizeof head.goal, "%s", still->goal);
	buf_add(&text, &head, sizeof head);
	buf_add(&text, still->stamps, still->paths.n * sizeof *still->stamps);
	return file_save(path, text.data, text.len, err) < 0 ? -1 : 0;
}

/* ninja compares the times of inputs with those of outputs, not with what they were before. */
static bool is_hidden(const struct stamp *now, const struct stamp *kept, int64_t when)
{
	return now->size >= 0 && (now->size != kept->size || now->ctime != kept->ctime) &&
		now->mtime < when;
}

enum still_found still_look(struct still *still)
{
	scratch struct stamp *kept = NULL;
	struct head head;
	bool same = true;

	see(still);
	kept = xcalloc(still->paths.n + 1, sizeof *kept);
	if (!still->stamps || !load(still, &head, kept))
		return STILL_UNKNOWN;
	for (size_t i = 0; i < still->paths.n; i++) {
		if (is_hidden(&still->stamps[i], &kept[i], head.when))
			return STILL_HIDDEN;
		same &= stamp_same(&still->stamps[i], &kept[i]);
	}
	return same && !strcmp(head.goal, still->goal) ? STILL_SAME : STILL_UNKNOWN;
}

/* Whether all that changes after it was looked at would be seen. */
static bool tells(const struct still *still)
{
	for (size_t i = 0; i < still->paths.n; i++) {
		if (!stamp_tells(&still->stamps[i], still->when))
			return false;
	}
	return true;
}

int still_keep(struct still *still, struct err *err)
{
	char logs[FINGERPRINT_SIZE];

	print_logs(still->dir, logs);
	if (still->stamps && !strcmp(logs, still->logs))
		return tells(still) ? save(still, true, err) : 0;
	see(still);
	return still->stamps ? save(still, false, err) : 0;
}

void still_release(struct still *still)
{
	strs_release(&still->paths);
	free(steal(&still->stamps));
}
