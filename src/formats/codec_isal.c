#include "codec.h"

#include <stdlib.h>

#include "base/mem.h"

#if __has_include(<isa-l/igzip_lib.h>) && !defined(WITHOUT_ISAL)
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

/*
 * What makes ISA-L's bytes depend on the content alone:
 *
 * Levels 0 to 2 are the same on every CPU; level 3 is not.
 *
 * At levels 1 and 2 its assembly takes the hash of the third byte of a stream from a register that
 * still holds the address of the stream (seen in 2.30), so about one in ten thousand blocks came
 * out a few bits different from run to run. That code is for the first byte of a stream that has
 * more than a few bytes to go. A first call with PREFIX bytes goes through other code, which is
 * right, and leaves a stream that has begun. It costs some 20 bytes for each block.
 */
#define PREFIX 16

struct state {
	struct isal_zstream stream;
	int level;
	unsigned char work[ISAL_DEF_LVL2_DEFAULT]; /* more than level 1 asks for */
};

static void *begin(int level)
{
	struct state *state = xcalloc(1, sizeof *state);

	state->level = level;
	return state;
}

static void end(void *state)
{
	free(state);
}

static void feed(struct isal_zstream *stream, size_t n, unsigned short flush, bool last)
{
	stream->avail_in = (uint32_t)n;
	stream->flush = flush;
	stream->end_of_stream = last;
	if (isal_deflate(stream) != COMP_OK || stream->avail_in || !stream->avail_out)
		abort();
}

/* Joined as in codec_zlib.c. */
static size_t block(void *state, const void *bytes, size_t n, bool last, void *out)
{
	struct state *s = state;
	struct isal_zstream *stream = &s->stream;
	size_t prefix = n > PREFIX ? PREFIX : 0;

	isal_deflate_init(stream);
	stream->level = (uint32_t)s->level;
	stream->level_buf = s->work;
	stream->level_buf_size = sizeof s->work;
	stream->next_in = (uint8_t *)(uintptr_t)bytes;
	stream->next_out = out;
	stream->avail_out = (uint32_t)codec_bound(n);
	if (prefix)
		feed(stream, prefix, SYNC_FLUSH, false);
	feed(stream, n - prefix, last ? NO_FLUSH : FULL_FLUSH, last);
	return stream->total_out;
}

const struct codec_calls codec_isal = { "isal", true, NULL, begin, end, block };

uint32_t codec_crc(uint32_t crc, const void *bytes, size_t n)
{
	return crc32_gzip_refl(crc, bytes, n);
}

#else
#include <zlib.h>

const struct codec_calls codec_isal = { 0 };

uint32_t codec_crc(uint32_t crc, const void *bytes, size_t n)
{
	return (uint32_t)crc32_z(crc, bytes, n);
}
#endif
