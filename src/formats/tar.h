#ifndef FORMATS_TAR_H
#define FORMATS_TAR_H

#include <stdint.h>

#include "base/buf.h"

/*
 * The headers of a tar archive, byte for byte as Go's archive/tar writes them: so a layer has the
 * same digest as the one ko makes. Owner and group are 0 and without names.
 */
enum tar_type { TAR_FILE = '0', TAR_LINK = '2', TAR_DIR = '5' };

struct tar_entry {
	const char *name; /* as it is to appear, without a slash at its end */
	enum tar_type type;
	unsigned mode;
	uint64_t size;    /* of a file, in bytes */
	uint64_t mtime;   /* seconds since 1970 */
	const char *link; /* what a symbolic link points at */
	bool windows;     /* readable and executable for the users of a Windows container */
	const unsigned char *capability; /* value of security.capability; NULL: none */
	size_t capability_size;
};

/* Appends the header, which may be several blocks. The content of a file comes after it, then
 * tar_padding() zeros. */
void tar_header(struct buf *out, const struct tar_entry *entry);

/* How many bytes follow so many bytes of content to fill the last block. */
size_t tar_padding(uint64_t size);

/* An archive ends with this many zeros. */
#define TAR_END 1024

#endif
