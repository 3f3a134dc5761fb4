#ifndef FORMATS_DIGEST_H
#define FORMATS_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Digests as OCI writes them: "sha256:" and 64 lower-case hexadecimal digits (image-spec,
 * descriptor.md).
 */
#define DIGEST_SIZE 72 /* "sha256:" + 64 + NUL */

/* A running SHA-256. */
struct digest {
	void *state;
};

void digest_init(struct digest *digest);
void digest_update(struct digest *digest, const void *bytes, size_t n);
/* Writes the text form and releases the state. */
void digest_final(struct digest *digest, char text[DIGEST_SIZE]);
/* For a digest that is given up before digest_final(); does nothing after it. */
void digest_release(struct digest *digest);

/* Of bytes in memory. */
void digest_of(const void *bytes, size_t n, char text[DIGEST_SIZE]);

/* Of a whole file. Returns 0, or -1 with errno set. */
int digest_of_file(int fd, char text[DIGEST_SIZE]);

/* Whether s is "sha256:" and 64 lower-case digits and nothing else; a check that comes before s
 * gets into a path or a URL. */
bool digest_valid(const char *s);

#endif
