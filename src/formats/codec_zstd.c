#include "codec.h"

#if __has_include(<zstd.h>) && !defined(WITHOUT_ZSTD)
#include <stdlib.h>
#include <zstd.h>

struct state {
	ZSTD_CCtx *context;
	int level;
};

static void *begin(int level)
{
	struct state *state = malloc(sizeof *state);

	if (!state)
		abort();
	*state = (struct state){ ZSTD_createCCtx(), level };
	if (!state->context)
		abort();
	return state;
}

static void end(void *state)
{
	ZSTD_freeCCtx(((struct state *)state)->context);
	free(state);
}

/* Each block is a frame. */
static size_t block(void *state, const void *bytes, size_t n, bool last, void *out)
{
	struct state *s = state;
	size_t packed;

	(void)last;
	packed = ZSTD_compressCCtx(s->context, out, codec_bound(n), bytes, n, s->level);
	if (ZSTD_isError(packed))
		abort();
	return packed;
}

const struct codec_calls codec_zstd = { "zstd", false, ZSTD_versionString, begin, end, block };

#else
const struct codec_calls codec_zstd = { 0 };
#endif
