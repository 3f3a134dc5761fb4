#ifndef FORMATS_DEFLATE_H
#define FORMATS_DEFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Compresses blocks (RFC 1951) each by itself, so that any thread may take any block: what comes
 * out depends on the block alone. The results, one after the other, are one deflate stream. The
 * codec is ISA-L where it was there at compile time, else zlib.
 */
struct deflate;

/* The codec, its level and what else the bytes depend on: "isal:2". Part of memo keys. */
extern const char deflate_codec[];

/* One per thread. */
struct deflate *deflate_new(void);
void deflate_free(struct deflate *deflate);

/* The most bytes that a block of n bytes becomes. */
size_t deflate_bound(size_t n);

/*
 * Compresses n bytes (0 too) into out, which has room for deflate_bound(n), and returns how many
 * there are. The last block ends the stream; any other one ends at a whole byte.
 */
size_t deflate_block(struct deflate *deflate, const void *bytes, size_t n, bool last, void *out);

/* The CRC-32 of gzip, carried on; starts with 0. */
uint32_t deflate_crc(uint32_t crc, const void *bytes, size_t n);

#endif
