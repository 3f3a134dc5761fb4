#include "deflate.h"

#include <stdlib.h>

#include "base/mem.h"

/*
 * Blocks are joined the way pigz does it: each but the last ends with a full flush, an empty stored
 * block that brings the stream to a byte's edge. No block refers to the one before.
 */
#if __has_include(<isa-l/igzip_lib.h>) && !defined(DEFLATE_ZLIB)
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
#define LEVEL 2
#define PREFIX 16

const char deflate_codec[] = "isal:2";

struct deflate {
	struct isal_zstream stream;
	unsigned char work[ISAL_DEF_LVL2_DEFAULT];
};

struct deflate *deflate_new(void)
{
	return xcalloc(1, sizeof(struct deflate));
}

void deflate_free(struct deflate *deflate)
{
	free(deflate);
}

static void feed(struct isal_zstream *stream, size_t n, unsigned short flush, bool last)
{
	stream->avail_in = (uint32_t)n;
	stream->flush = flush;
	stream->end_of_stream = last;
	if (isal_deflate(stream) != COMP_OK || stream->avail_in || !stream->avail_out)
		abort();
}

size_t deflate_block(struct deflate *deflate, const void *bytes, size_t n, bool last, void *out)
{
	struct isal_zstream *stream = &deflate->stream;
	size_t prefix = n > PREFIX ? PREFIX : 0;

	isal_deflate_init(stream);
	stream->level = LEVEL;
	stream->level_buf = deflate->work;
	stream->level_buf_size = sizeof deflate->work;
	stream->next_in = (uint8_t *)(uintptr_t)bytes;
	stream->next_out = out;
	stream->avail_out = (uint32_t)deflate_bound(n);
	if (prefix)
		feed(stream, prefix, SYNC_FLUSH, false);
	feed(stream, n - prefix, last ? NO_FLUSH : FULL_FLUSH, last);
	return stream->total_out;
}

uint32_t deflate_crc(uint32_t crc, const void *bytes, size_t n)
{
	return crc32_gzip_refl(crc, bytes, n);
}

#else
#include <zlib.h>

#define LEVEL 1

const char deflate_codec[] = "zlib:1";

struct deflate {
	z_stream stream;
};

struct deflate *deflate_new(void)
{
	struct deflate *codec = xcalloc(1, sizeof *codec);

	if (deflateInit2(&codec->stream, LEVEL, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	return codec;
}

void deflate_free(struct deflate *codec)
{
	if (codec)
		deflateEnd(&codec->stream);
	free(codec);
}

size_t deflate_block(struct deflate *codec, const void *bytes, size_t n, bool last, void *out)
{
	z_stream *stream = &codec->stream;
	int end = last ? Z_STREAM_END : Z_OK;

	deflateReset(stream);
	stream->next_in = (unsigned char *)(uintptr_t)bytes;
	stream->avail_in = (unsigned)n;
	stream->next_out = out;
	stream->avail_out = (unsigned)deflate_bound(n);
	if (deflate(stream, last ? Z_FINISH : Z_FULL_FLUSH) != end || !stream->avail_out)
		abort();
	return stream->total_out;
}

uint32_t deflate_crc(uint32_t crc, const void *bytes, size_t n)
{
	return (uint32_t)crc32_z(crc, bytes, n);
}
#endif

size_t deflate_bound(size_t n)
{
	return n + n / 4 + 4096;
}
