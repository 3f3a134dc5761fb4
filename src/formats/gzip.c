#include "gzip.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "deflate.h"

/*
 * The file is one gzip member: a header without time and name, the deflate stream, CRC-32 and
 * length. The content is cut into blocks of fixed size, which are compressed independently
 * (deflate.c), so threads do not change the bytes.
 *
 * The feeding thread fills blocks of a ring. For each block there is work that must be done in
 * order (lanes: digest of the plain bytes, digest of the marked ones, digest and writing of the
 * compressed ones) and work that any thread can do at any time (compressing). A thread looking for
 * work takes what is ready in that order of preference, as what must be in order holds up the rest
 * the most. The feeding thread joins in when the ring is full; with one job it does everything. A
 * slot of the ring is free again when all lanes have passed it. All state is under one lock, which
 * is not held while working; a block's bytes belong to whoever works on it.
 *
 * Threads are started when the second block is full, so small layers need none.
 */
#ifndef GZIP_BLOCK
#define GZIP_BLOCK (256u << 10)
#endif

enum { LANE_WRITE, LANE_PLAIN, LANE_MARKED, LANES };

struct block {
	unsigned char *plain, *packed;
	size_t n, packed_n;
	size_t marked_from, marked_to; /* which of the plain bytes are marked */
	bool last, is_packed;
};

/* Work that takes the blocks one after the other: the first `done` ones are through. */
struct lane {
	uint64_t done;
	bool busy;
	struct digest digest;
};

struct gzip {
	int fd;
	unsigned jobs, started;
	pthread_t threads[GZIP_JOBS_LIMIT];
	struct deflate *deflate; /* of the feeding thread */

	struct block blocks[2 * GZIP_JOBS_LIMIT + 2];
	unsigned count; /* of blocks in use */

	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t filled; /* blocks handed over by the feeding thread */
	uint64_t taken;  /* blocks whose compression has begun */
	struct lane lanes[LANES];
	bool quit;

	/* Of the lane that writes, and of the one with the plain bytes. */
	uint64_t size, plain_size;
	uint32_t crc;
	struct err err;
};

static struct block *block_at(struct gzip *gzip, uint64_t i)
{
	return &gzip->blocks[i % gzip->count];
}

static void put(struct gzip *gzip, const void *bytes, size_t n)
{
	digest_update(&gzip->lanes[LANE_WRITE].digest, bytes, n);
	gzip->size += n;
	if (!gzip->err.class)
		file_write_all(gzip->fd, bytes, n, &gzip->err);
}

static void run_lane(struct gzip *gzip, int lane, struct block *block)
{
	struct digest *digest = &gzip->lanes[lane].digest;

	switch (lane) {
	case LANE_WRITE:
		put(gzip, block->packed, block->packed_n);
		break;
	case LANE_PLAIN:
		digest_update(digest, block->plain, block->n);
		gzip->crc = deflate_crc(gzip->crc, block->plain, block->n);
		gzip->plain_size += block->n;
		break;
	case LANE_MARKED:
		digest_update(digest, block->plain + block->marked_from,
			block->marked_to - block->marked_from);
		break;
	}
}

static bool lane_ready(struct gzip *gzip, int i)
{
	const struct lane *lane = &gzip->lanes[i];

	return !lane->busy && lane->done < gzip->filled &&
		(i != LANE_WRITE || block_at(gzip, lane->done)->is_packed);
}

/* Does one piece of work, if there is any; called and returns with the lock held. */
static bool work(struct gzip *gzip, struct deflate *deflate)
{
	struct block *block;
	int i = 0;

	while (i < LANES && !lane_ready(gzip, i))
		i++;
	if (i == LANES && gzip->taken == gzip->filled)
		return false;
	block = block_at(gzip, i == LANES ? gzip->taken++ : gzip->lanes[i].done);
	if (i < LANES)
		gzip->lanes[i].busy = true;
	pthread_mutex_unlock(&gzip->lock);
	if (i < LANES)
		run_lane(gzip, i, block);
	else
		block->packed_n =
			deflate_block(deflate, block->plain, block->n, block->last, block->packed);
	pthread_mutex_lock(&gzip->lock);
	if (i < LANES) {
		gzip->lanes[i].done++;
		gzip->lanes[i].busy = false;
	} else {
		block->is_packed = true;
	}
	pthread_cond_broadcast(&gzip->changed);
	return true;
}

static void *worker(void *arg)
{
	struct gzip *gzip = arg;
	struct deflate *deflate = deflate_new();

	pthread_mutex_lock(&gzip->lock);
	while (!gzip->quit) {
		if (!work(gzip, deflate))
			pthread_cond_wait(&gzip->changed, &gzip->lock);
	}
	pthread_mutex_unlock(&gzip->lock);
	deflate_free(deflate);
	return NULL;
}

/* A thread that cannot be had is done without. */
static void start_workers(struct gzip *gzip)
{
	while (gzip->started + 1 < gzip->jobs) {
		if (pthread_create(&gzip->threads[gzip->started], NULL, worker, gzip))
			gzip->jobs = gzip->started + 1;
		else
			gzip->started++;
	}
}

static void stop_workers(struct gzip *gzip)
{
	pthread_mutex_lock(&gzip->lock);
	gzip->quit = true;
	pthread_cond_broadcast(&gzip->changed);
	pthread_mutex_unlock(&gzip->lock);
	while (gzip->started)
		pthread_join(gzip->threads[--gzip->started], NULL);
}

/* How many blocks all lanes are through with. */
static uint64_t passed(const struct gzip *gzip)
{
	uint64_t least = gzip->filled;

	for (int i = 0; i < LANES; i++)
		least = gzip->lanes[i].done < least ? gzip->lanes[i].done : least;
	return least;
}

/* Works and waits until all but `left` of the blocks handed over are through. */
static void drain(struct gzip *gzip, uint64_t left)
{
	pthread_mutex_lock(&gzip->lock);
	while (gzip->filled - passed(gzip) > left) {
		if (!work(gzip, gzip->deflate))
			pthread_cond_wait(&gzip->changed, &gzip->lock);
	}
	pthread_mutex_unlock(&gzip->lock);
}

/* Makes the block that the feeding thread fills next ready. */
static void next_block(struct gzip *gzip)
{
	struct block *block;

	drain(gzip, gzip->count - 1);
	block = block_at(gzip, gzip->filled);
	if (!block->plain) {
		block->plain = xmalloc(GZIP_BLOCK);
		block->packed = xmalloc(deflate_bound(GZIP_BLOCK));
	}
	block->n = block->marked_from = block->marked_to = 0;
	block->is_packed = false;
}

static void hand_over(struct gzip *gzip, bool last)
{
	block_at(gzip, gzip->filled)->last = last;
	pthread_mutex_lock(&gzip->lock);
	gzip->filled++;
	pthread_cond_broadcast(&gzip->changed);
	pthread_mutex_unlock(&gzip->lock);
	if (gzip->filled == 2)
		start_workers(gzip);
}

static unsigned cpus(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > GZIP_JOBS_LIMIT ? GZIP_JOBS_LIMIT : (unsigned)n;
}

struct gzip *gzip_begin(int fd, unsigned jobs)
{
	static const unsigned char header[10] = { 0x1f, 0x8b, 8, [9] = 255 };
	struct gzip *gzip = xcalloc(1, sizeof *gzip);

	gzip->fd = fd;
	gzip->jobs = jobs && jobs <= GZIP_JOBS_LIMIT ? jobs : cpus();
	gzip->count = 2 * gzip->jobs + 2;
	gzip->deflate = deflate_new();
	pthread_mutex_init(&gzip->lock, NULL);
	pthread_cond_init(&gzip->changed, NULL);
	for (int i = 0; i < LANES; i++)
		digest_init(&gzip->lanes[i].digest);
	put(gzip, header, sizeof header);
	next_block(gzip);
	return gzip;
}

void *gzip_room(struct gzip *gzip, size_t *n)
{
	struct block *block = block_at(gzip, gzip->filled);

	*n = GZIP_BLOCK - block->n;
	return block->plain + block->n;
}

void gzip_add(struct gzip *gzip, size_t n)
{
	struct block *block = block_at(gzip, gzip->filled);

	block->n += n;
	if (block->n < GZIP_BLOCK)
		return;
	hand_over(gzip, false);
	next_block(gzip);
}

void gzip_add_marked(struct gzip *gzip, size_t n)
{
	struct block *block = block_at(gzip, gzip->filled);

	if (block->marked_from == block->marked_to)
		block->marked_from = block->n;
	block->marked_to = block->n + n;
	gzip_add(gzip, n);
}

void gzip_write(struct gzip *gzip, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n) {
		size_t room;
		void *to = gzip_room(gzip, &room);
		size_t piece = n < room ? n : room;

		memcpy(to, p, piece);
		gzip_add(gzip, piece);
		p += piece;
		n -= piece;
	}
}

static void free_all(struct gzip *gzip)
{
	stop_workers(gzip);
	deflate_free(gzip->deflate);
	for (unsigned i = 0; i < gzip->count; i++) {
		free(gzip->blocks[i].plain);
		free(gzip->blocks[i].packed);
	}
	for (int i = 0; i < LANES; i++)
		digest_release(&gzip->lanes[i].digest);
	pthread_cond_destroy(&gzip->changed);
	pthread_mutex_destroy(&gzip->lock);
	free(gzip);
}

static void put_trailer(struct gzip *gzip)
{
	unsigned char trailer[8];

	for (unsigned i = 0; i < 4; i++) {
		trailer[i] = (unsigned char)(gzip->crc >> 8 * i);
		trailer[4 + i] = (unsigned char)(gzip->plain_size >> 8 * i);
	}
	put(gzip, trailer, sizeof trailer);
}

int gzip_end(struct gzip *gzip, struct gzip_result *result, struct err *err)
{
	bool failed;

	hand_over(gzip, true);
	drain(gzip, 0);
	put_trailer(gzip);
	failed = gzip->err.class != ERR_NONE;
	if (failed)
		*err = gzip->err;
	*result = (struct gzip_result){ .size = gzip->size };
	digest_final(&gzip->lanes[LANE_PLAIN].digest, result->diff_id);
	digest_final(&gzip->lanes[LANE_WRITE].digest, result->digest);
	digest_final(&gzip->lanes[LANE_MARKED].digest, result->marked);
	free_all(gzip);
	return failed ? -1 : 0;
}

void gzip_abandon(struct gzip **gzip)
{
	if (*gzip)
		free_all(*gzip);
	*gzip = NULL;
}
