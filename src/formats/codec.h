#ifndef FORMATS_CODEC_H
#define FORMATS_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Compressors of blocks, each by itself, so that any thread may take any block: what comes out
 * depends on the block alone. The results, one after the other, are one deflate stream (RFC 1951),
 * or the frames of one zstd file (RFC 8878).
 */
struct codec_calls {
	const char *name;
	bool deflate;
	const char *(*version)(void); /* of the library, where its bytes change with it; or NULL */
	void *(*begin)(int level);    /* one per thread */
	void (*end)(void *state);
	/* Compresses n bytes (0 too) into out, which has room for codec_bound(n), and returns how
	 * many there are. The last block ends the stream; any other one ends at a whole byte. */
	size_t (*block)(void *state, const void *bytes, size_t n, bool last, void *out);
};

/* ISA-L, levels 1 and 2; zlib, 0 to 9; zstd, 1 to 19. A name of NULL: was not there at compile
 * time. */
extern const struct codec_calls codec_isal, codec_zlib, codec_zstd;

struct codec {
	const struct codec_calls *calls;
	int level;
};

/*
 * The codec for what compression.h describes; NULL or "" is "gzip". Without a level, and at levels
 * 1 and 2, gzip is made by ISA-L, at others, or where ISA-L was not there, by zlib. ERR_USAGE when
 * the text is wrong or the library was not there.
 */
int codec_choose(struct codec *codec, const char *text, struct err *err);

/* What the bytes depend on besides the content: "isal:2", "zstd:3/1.5.4". malloced. */
char *codec_title(const struct codec *codec);

/* The most bytes that a block of n bytes becomes. */
size_t codec_bound(size_t n);

/* The CRC-32 of gzip, carried on; starts with 0. */
uint32_t codec_crc(uint32_t crc, const void *bytes, size_t n);

#endif
