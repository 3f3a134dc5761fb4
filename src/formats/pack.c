#include "pack.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

/*
 * A gzip file is one member: a header without time and name, the deflate stream, CRC-32 and length;
 * a zstd file is the frames and nothing else. The content is cut into blocks of fixed size, which
 * are compressed independently (codec.h), so threads do not change the bytes.
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
#ifndef PACK_BLOCK
#define PACK_BLOCK (256u << 10)
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

struct pack {
	int fd;
	unsigned jobs, started;
	pthread_t threads[PACK_JOBS_LIMIT];
	struct codec codec;
	void *state; /* of the feeding thread's codec */

	struct block blocks[2 * PACK_JOBS_LIMIT + 2];
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

static struct block *block_at(struct pack *pack, uint64_t i)
{
	return &pack->blocks[i % pack->count];
}

static void put(struct pack *pack, const void *bytes, size_t n)
{
	digest_update(&pack->lanes[LANE_WRITE].digest, bytes, n);
	pack->size += n;
	if (!pack->err.class)
		file_write_all(pack->fd, bytes, n, &pack->err);
}

static void run_lane(struct pack *pack, int lane, struct block *block)
{
	struct digest *digest = &pack->lanes[lane].digest;

	switch (lane) {
	case LANE_WRITE:
		put(pack, block->packed, block->packed_n);
		break;
	case LANE_PLAIN:
		digest_update(digest, block->plain, block->n);
		if (pack->codec.calls->deflate)
			pack->crc = codec_crc(pack->crc, block->plain, block->n);
		pack->plain_size += block->n;
		break;
	case LANE_MARKED:
		digest_update(digest, block->plain + block->marked_from,
			block->marked_to - block->marked_from);
		break;
	}
}

static bool lane_ready(struct pack *pack, int i)
{
	const struct lane *lane = &pack->lanes[i];

	return !lane->busy && lane->done < pack->filled &&
		(i != LANE_WRITE || block_at(pack, lane->done)->is_packed);
}

/* Does one piece of work, if there is any; called and returns with the lock held. */
static bool work(struct pack *pack, void *state)
{
	struct block *block;
	int i = 0;

	while (i < LANES && !lane_ready(pack, i))
		i++;
	if (i == LANES && pack->taken == pack->filled)
		return false;
	block = block_at(pack, i == LANES ? pack->taken++ : pack->lanes[i].done);
	if (i < LANES)
		pack->lanes[i].busy = true;
	pthread_mutex_unlock(&pack->lock);
	if (i < LANES)
		run_lane(pack, i, block);
	else
		block->packed_n = pack->codec.calls->block(
			state, block->plain, block->n, block->last, block->packed);
	pthread_mutex_lock(&pack->lock);
	if (i < LANES) {
		pack->lanes[i].done++;
		pack->lanes[i].busy = false;
	} else {
		block->is_packed = true;
	}
	pthread_cond_broadcast(&pack->changed);
	return true;
}

static void *worker(void *arg)
{
	struct pack *pack = arg;
	void *state = pack->codec.calls->begin(pack->codec.level);

	pthread_mutex_lock(&pack->lock);
	while (!pack->quit) {
		if (!work(pack, state))
			pthread_cond_wait(&pack->changed, &pack->lock);
	}
	pthread_mutex_unlock(&pack->lock);
	pack->codec.calls->end(state);
	return NULL;
}

/* A thread that cannot be had is done without. */
static void start_workers(struct pack *pack)
{
	while (pack->started + 1 < pack->jobs) {
		if (pthread_create(&pack->threads[pack->started], NULL, worker, pack))
			pack->jobs = pack->started + 1;
		else
			pack->started++;
	}
}

static void stop_workers(struct pack *pack)
{
	pthread_mutex_lock(&pack->lock);
	pack->quit = true;
	pthread_cond_broadcast(&pack->changed);
	pthread_mutex_unlock(&pack->lock);
	while (pack->started)
		pthread_join(pack->threads[--pack->started], NULL);
}

/* How many blocks all lanes are through with. */
static uint64_t passed(const struct pack *pack)
{
	uint64_t least = pack->filled;

	for (int i = 0; i < LANES; i++)
		least = pack->lanes[i].done < least ? pack->lanes[i].done : least;
	return least;
}

/* Works and waits until all but `left` of the blocks handed over are through. */
static void drain(struct pack *pack, uint64_t left)
{
	pthread_mutex_lock(&pack->lock);
	while (pack->filled - passed(pack) > left) {
		if (!work(pack, pack->state))
			pthread_cond_wait(&pack->changed, &pack->lock);
	}
	pthread_mutex_unlock(&pack->lock);
}

/* Makes the block that the feeding thread fills next ready. */
static void next_block(struct pack *pack)
{
	struct block *block;

	drain(pack, pack->count - 1);
	block = block_at(pack, pack->filled);
	if (!block->plain) {
		block->plain = xmalloc(PACK_BLOCK);
		block->packed = xmalloc(codec_bound(PACK_BLOCK));
	}
	block->n = block->marked_from = block->marked_to = 0;
	block->is_packed = false;
}

static void hand_over(struct pack *pack, bool last)
{
	block_at(pack, pack->filled)->last = last;
	pthread_mutex_lock(&pack->lock);
	pack->filled++;
	pthread_cond_broadcast(&pack->changed);
	pthread_mutex_unlock(&pack->lock);
	if (pack->filled == 2)
		start_workers(pack);
}

static unsigned cpus(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > PACK_JOBS_LIMIT ? PACK_JOBS_LIMIT : (unsigned)n;
}

struct pack *pack_begin(int fd, const struct codec *codec, unsigned jobs)
{
	static const unsigned char header[10] = { 0x1f, 0x8b, 8, [9] = 255 };
	struct pack *pack = xcalloc(1, sizeof *pack);

	pack->fd = fd;
	pack->jobs = jobs && jobs <= PACK_JOBS_LIMIT ? jobs : cpus();
	pack->count = 2 * pack->jobs + 2;
	pack->codec = *codec;
	pack->state = codec->calls->begin(codec->level);
	pthread_mutex_init(&pack->lock, NULL);
	pthread_cond_init(&pack->changed, NULL);
	for (int i = 0; i < LANES; i++)
		digest_init(&pack->lanes[i].digest);
	if (codec->calls->deflate)
		put(pack, header, sizeof header);
	next_block(pack);
	return pack;
}

void *pack_room(struct pack *pack, size_t *n)
{
	struct block *block = block_at(pack, pack->filled);

	*n = PACK_BLOCK - block->n;
	return block->plain + block->n;
}

void pack_add(struct pack *pack, size_t n)
{
	struct block *block = block_at(pack, pack->filled);

	block->n += n;
	if (block->n < PACK_BLOCK)
		return;
	hand_over(pack, false);
	next_block(pack);
}

void pack_add_marked(struct pack *pack, size_t n)
{
	struct block *block = block_at(pack, pack->filled);

	if (block->marked_from == block->marked_to)
		block->marked_from = block->n;
	block->marked_to = block->n + n;
	pack_add(pack, n);
}

void pack_write(struct pack *pack, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n) {
		size_t room;
		void *to = pack_room(pack, &room);
		size_t piece = n < room ? n : room;

		memcpy(to, p, piece);
		pack_add(pack, piece);
		p += piece;
		n -= piece;
	}
}

static void free_all(struct pack *pack)
{
	stop_workers(pack);
	pack->codec.calls->end(pack->state);
	for (unsigned i = 0; i < pack->count; i++) {
		free(pack->blocks[i].plain);
		free(pack->blocks[i].packed);
	}
	for (int i = 0; i < LANES; i++)
		digest_release(&pack->lanes[i].digest);
	pthread_cond_destroy(&pack->changed);
	pthread_mutex_destroy(&pack->lock);
	free(pack);
}

static void put_trailer(struct pack *pack)
{
	unsigned char trailer[8];

	for (unsigned i = 0; i < 4; i++) {
		trailer[i] = (unsigned char)(pack->crc >> 8 * i);
		trailer[4 + i] = (unsigned char)(pack->plain_size >> 8 * i);
	}
	put(pack, trailer, sizeof trailer);
}

int pack_end(struct pack *pack, struct pack_result *result, struct err *err)
{
	bool failed;

	hand_over(pack, true);
	drain(pack, 0);
	if (pack->codec.calls->deflate)
		put_trailer(pack);
	failed = pack->err.class != ERR_NONE;
	if (failed)
		*err = pack->err;
	*result = (struct pack_result){ .size = pack->size };
	digest_final(&pack->lanes[LANE_PLAIN].digest, result->diff_id);
	digest_final(&pack->lanes[LANE_WRITE].digest, result->digest);
	digest_final(&pack->lanes[LANE_MARKED].digest, result->marked);
	free_all(pack);
	return failed ? -1 : 0;
}

void pack_abandon(struct pack **pack)
{
	if (*pack)
		free_all(*pack);
	*pack = NULL;
}
