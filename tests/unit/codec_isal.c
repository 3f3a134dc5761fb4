/*
 * Bytes of a block do not depend on where the compressor's memory is. ISA-L 2.30 takes a hash from
 * a register with the address of its stream (codec_isal.c says how this is avoided), which shows
 * only when the address, shifted right by 16, has the same hash as four bytes of the block, so
 * memory is asked for at such addresses.
 */
#include "../../src/formats/codec_isal.c"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "tap.h"

#ifdef PREFIX

static unsigned char bytes[4096], expected[16384], out[16384];

/* CRC-32C of 32 bits with start value 0, as the crc32 instruction has it. */
static uint32_t hash(uint32_t x)
{
	for (int i = 0; i < 32; i++)
		x = x >> 1 ^ (x & 1 ? 0x82f63b78 : 0);
	return x;
}

/* As block() would be without the prefix. */
static size_t plainly(struct state *state, void *to)
{
	struct isal_zstream *stream = &state->stream;

	isal_deflate_init(stream);
	stream->level = (uint32_t)state->level;
	stream->level_buf = state->work;
	stream->level_buf_size = sizeof state->work;
	stream->next_in = bytes;
	stream->next_out = to;
	stream->avail_out = sizeof out;
	feed(stream, sizeof bytes, FULL_FLUSH, false);
	return stream->total_out;
}

/* Two places in the block have the same bytes, from the third byte of the block on. */
static uint32_t fill(void)
{
	uint32_t x = 1, third;

	for (size_t i = 0; i < sizeof bytes; i++) {
		x = x * 1664525 + 1013904223;
		bytes[i] = (unsigned char)('a' + (x >> 28));
	}
	memcpy(bytes + 1000, bytes + 2, 40);
	memcpy(&third, bytes + 2, sizeof third);
	return hash(third);
}

/* A compressor at an address with this hash, or NULL. */
static struct state *at_hash(uint32_t want)
{
	for (uint32_t high = 0x20000000; high < 0x60000000; high++) {
		void *place = (void *)((uintptr_t)high << 16), *got; /* NOLINT: chosen address */

		if (((hash(high) ^ want) & 0x7fff) != 0)
			continue;
		got = mmap(place, sizeof(struct state), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		if (got == place)
			return got;
		if (got != MAP_FAILED)
			munmap(got, sizeof(struct state));
	}
	return NULL;
}

static void at_level(int level)
{
	struct state *anywhere = begin(level);
	struct state *there = at_hash(fill());
	size_t n = block(anywhere, bytes, sizeof bytes, false, expected);

	if (!ok(there != NULL, "memory at an address of choice"))
		return;
	there->level = level;
	ok(block(there, bytes, sizeof bytes, false, out) == n && !memcmp(out, expected, n),
		"the same bytes at an unlucky address");
	n = plainly(anywhere, expected);
	printf("# without the prefix: %s\n",
		plainly(there, out) == n && !memcmp(out, expected, n) ? "the same" : "others");
	munmap(there, sizeof *there);
	end(anywhere);
}

int main(void)
{
	at_level(1);
	at_level(2);
	return done();
}

#else

int main(void)
{
	ok(1, "zlib # SKIP nothing to see");
	return done();
}

#endif
