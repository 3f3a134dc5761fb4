#ifndef FORMATS_ARCHIVE_H
#define FORMATS_ARCHIVE_H

#include "pack.h"
#include "oci.h"
#include "tar.h"

/* A compressed tar in the making, on its way into the store. */
struct archive {
	const struct oci *oci;
	struct codec codec;
	struct file_draft draft;
	struct pack *pack;
};

/* jobs: threads, 0 for the number of CPUs. */
int archive_begin(struct archive *archive, const struct oci *oci, const struct codec *codec,
	unsigned jobs, struct err *err);

/* A directory or a link. */
void archive_entry(struct archive *archive, const struct tar_entry *entry);

/*
 * A file with its content; entry's size is that of the file. With blank the file is an executable
 * whose build ID notes are zeroed (see elf.h), and its content counts as "marked" (see pack.h). A
 * file that is written to meanwhile is ERR_RETRY.
 */
int archive_file(struct archive *archive, const struct tar_entry *entry, const char *path,
	bool blank, struct err *err);

/* Ends the archive, puts it into the store and returns its descriptor with "diffID", or NULL.
 * marked (may be NULL) takes the digest of what archive_file() marked. */
json_t *archive_end(struct archive *archive, char marked[DIGEST_SIZE], struct err *err);

/* Gives it up; does nothing after archive_end(). Usable as cleanup(). */
void archive_abandon(struct archive *archive);

#endif
