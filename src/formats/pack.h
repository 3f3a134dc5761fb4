#ifndef FORMATS_PACK_H
#define FORMATS_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "codec.h"
#include "digest.h"

/*
 * A stream of bytes becomes a gzip (RFC 1952) or zstd file and two digests in one pass: of what
 * comes in and of what is written. The file's bytes depend on content and codec alone: not on the
 * number of threads, on the sizes of the writes, or on the CPU. Memory does not grow with the
 * content.
 *
 * One stream is fed by one thread. Errors of writing are kept and come out of pack_end().
 */
struct pack;

struct pack_result {
	char diff_id[DIGEST_SIZE]; /* of the plain bytes */
	char digest[DIGEST_SIZE];  /* of the file */
	char marked[DIGEST_SIZE];  /* of the plain bytes that pack_add_marked() added */
	uint64_t size;             /* of the file */
};

/* The most threads that are of use to one stream, and that jobs may ask for. */
#define PACK_JOBS_LIMIT 8

/* Starts a file at the current position of fd, which stays the caller's. jobs: threads that work,
 * the calling one included; 0 is the number of CPUs. */
struct pack *pack_begin(int fd, const struct codec *codec, unsigned jobs);

void pack_write(struct pack *pack, const void *bytes, size_t n);

/* Without a copy: room for the next bytes, *n of them and never 0; then pack_add() those used. */
void *pack_room(struct pack *pack, size_t *n);
void pack_add(struct pack *pack, size_t n);

/* Like pack_add(), for bytes that also count for the digest "marked". */
void pack_add_marked(struct pack *pack, size_t n);

/* Ends the file and frees the stream, on error too. */
int pack_end(struct pack *pack, struct pack_result *result, struct err *err);

/* Gives a stream up and sets the pointer to NULL; usable as cleanup(). */
void pack_abandon(struct pack **pack);

#endif
