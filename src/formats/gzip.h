#ifndef FORMATS_GZIP_H
#define FORMATS_GZIP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "digest.h"

/*
 * A stream of bytes becomes a gzip file (RFC 1952) and two digests in one pass: of what comes in
 * and of what is written. The file's bytes depend on the content alone: not on the number of
 * threads, on the sizes of the writes, or on the CPU. Memory does not grow with the content.
 *
 * One stream is fed by one thread. Errors of writing are kept and come out of gzip_end().
 */
struct gzip;

struct gzip_result {
	char diff_id[DIGEST_SIZE]; /* of the plain bytes */
	char digest[DIGEST_SIZE];  /* of the gzip file */
	char marked[DIGEST_SIZE];  /* of the plain bytes that gzip_add_marked() added */
	uint64_t size;             /* of the gzip file */
};

/* The most threads that are of use to one stream, and that jobs may ask for. */
#define GZIP_JOBS_LIMIT 8

/* Starts a file at the current position of fd, which stays the caller's. jobs: threads that work,
 * the calling one included; 0 is the number of CPUs. */
struct gzip *gzip_begin(int fd, unsigned jobs);

void gzip_write(struct gzip *gzip, const void *bytes, size_t n);

/* Without a copy: room for the next bytes, *n of them and never 0; then gzip_add() those used. */
void *gzip_room(struct gzip *gzip, size_t *n);
void gzip_add(struct gzip *gzip, size_t n);

/* Like gzip_add(), for bytes that also count for the digest "marked". */
void gzip_add_marked(struct gzip *gzip, size_t n);

/* Ends the file and frees the stream, on error too. */
int gzip_end(struct gzip *gzip, struct gzip_result *result, struct err *err);

/* Gives a stream up and sets the pointer to NULL; usable as cleanup(). */
void gzip_abandon(struct gzip **gzip);

#endif
