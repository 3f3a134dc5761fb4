#include <stdlib.h>
#include <zlib.h>

#include "base/mem.h"
#include "codec.h"

/* Blocks are joined the way pigz does it: each but the last ends with a full flush, an empty stored
 * block that brings the stream to a byte's edge. No block refers to the one before. */
static void *begin(int level)
{
	z_stream *stream = xcalloc(1, sizeof *stream);

	if (deflateInit2(stream, level, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	return stream;
}

static void end(void *stream)
{
	deflateEnd(stream);
	free(stream);
}

static size_t block(void *state, const void *bytes, size_t n, bool last, void *out)
{
	z_stream *stream = state;
	int want = last ? Z_STREAM_END : Z_OK;

	deflateReset(stream);
	stream->next_in = (unsigned char *)(uintptr_t)bytes;
	stream->avail_in = (unsigned)n;
	stream->next_out = out;
	stream->avail_out = (unsigned)codec_bound(n);
	if (deflate(stream, last ? Z_FINISH : Z_FULL_FLUSH) != want || !stream->avail_out)
		abort();
	return stream->total_out;
}

const struct codec_calls codec_zlib = { "zlib", true, zlibVersion, begin, end, block };
