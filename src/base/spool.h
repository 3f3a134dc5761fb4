#ifndef BASE_SPOOL_H
#define BASE_SPOOL_H

#include "buf.h"
#include "err.h"
#include "file.h"

/*
 * Output that must appear whole or not at all, of any size: small ones are kept in memory, larger
 * ones in a file, beside the one to write or, for standard output, without a name in TMPDIR.
 */
struct spool {
	const char *path; /* where it goes; NULL or "-": standard output. Borrowed */
	size_t limit;     /* the most bytes in memory */

	/* private, but for reading: data is all that was added while draft.fd is not in use */
	struct buf data;
	struct file_draft draft;
	bool spilled;
	char last;
};

#define SPOOL_MEMORY ((size_t)1 << 20)

int spool_add(struct spool *spool, const void *bytes, size_t n, struct err *err);

/* The last byte that was added; 0: none was. */
char spool_last(const struct spool *spool);

/* Writes all of it, as file_output() does. */
int spool_finish(struct spool *spool, struct err *err);
/* Forgets all of it. Usable as cleanup(). */
void spool_release(struct spool *spool);

#endif
