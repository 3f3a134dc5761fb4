/*
 * Bytes of a block do not depend on where the compressor's memory is. ISA-L 2.30 takes a hash from
 * a register with the address of its stream (deflate.c says how this is avoided), which shows only
 * when the address, shifted right by 16, has the same hash as four bytes of the block, so memory is
 * asked for at such addresses.
 */
#include "../../src/formats/deflate.c"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "tap.h"

#ifdef PREFIX

static unsigned char block[4096], expected[16384], out[16384];

/* CRC-32C of 32 bits with start value 0, as the crc32 instruction has it. */
static uint32_t hash(uint32_t x)
{
	for (int i = 0; i < 32; i++)
		x = x >> 1 ^ (x & 1 ? 0x82f63b78 : 0);
	return x;
}

/* As deflate_block() would be without the prefix. */
static size_t plainly(struct deflate *deflate, void *to)
{
	struct isal_zstream *stream = &deflate->stream;

	isal_deflate_init(stream);
	stream->level = LEVEL;
	stream->level_buf = deflate->work;
	stream->level_buf_size = sizeof deflate->work;
	stream->next_in = block;
	stream->next_out = to;
	stream->avail_out = sizeof out;
	feed(stream, sizeof block, FULL_FLUSH, false);
	return stream->total_out;
}

/* Two places in the block have the same bytes, from the third byte of the block on. */
static uint32_t fill(void)
{
	uint32_t x = 1, third;

	for (size_t i = 0; i < sizeof block; i++) {
		x = x * 1664525 + 1013904223;
		block[i] = (unsigned char)('a' + (x >> 28));
	}
	memcpy(block + 1000, block + 2, 40);
	memcpy(&third, block + 2, sizeof third);
	return hash(third);
}

/* A compressor at an address with this hash, or NULL. */
static struct deflate *at_hash(uint32_t want)
{
	for (uint32_t high = 0x20000000; high < 0x60000000; high++) {
		void *place = (void *)((uintptr_t)high << 16), *got; /* NOLINT: chosen address */

		if (((hash(high) ^ want) & 0x7fff) != 0)
			continue;
		got = mmap(place, sizeof(struct deflate), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		if (got == place)
			return got;
		if (got != MAP_FAILED)
			munmap(got, sizeof(struct deflate));
	}
	return NULL;
}

int main(void)
{
	struct deflate *anywhere = deflate_new();
	struct deflate *there = at_hash(fill());
	size_t n = deflate_block(anywhere, block, sizeof block, false, expected);

	if (!ok(there != NULL, "memory at an address of choice"))
		return done();
	ok(deflate_block(there, block, sizeof block, false, out) == n && !memcmp(out, expected, n),
		"the same bytes at an unlucky address");
	n = plainly(anywhere, expected);
	printf("# without the prefix: %s\n",
		plainly(there, out) == n && !memcmp(out, expected, n) ? "the same" : "others");
	deflate_free(anywhere);
	return done();
}

#else

int main(void)
{
	ok(1, "zlib # SKIP nothing to see");
	return done();
}

#endif
