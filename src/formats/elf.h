#ifndef FORMATS_ELF_H
#define FORMATS_ELF_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "digest.h"

/*
 * A linker writes a name of the build into the executable, in the notes .note.go.buildid (name
 * "Go", type 4) and .note.gnu.build-id (name "GNU", type 3). It changes with any edit, a comment's
 * too. What goes into an image is the executable with the content of these two notes zeroed.
 *
 * A file that is not ELF, or whose tables make no sense, has no notes and goes in as it is: whether
 * it runs is not for us to say.
 */
#define ELF_NOTES_LIMIT 16

struct elf_notes {
	struct elf_range {
		uint64_t offset, size; /* in the file, in bytes */
	} v[ELF_NOTES_LIMIT];
	size_t n;
};

/* Finds the notes of an open, seekable file. -1 only when reading fails. */
int elf_notes(int fd, struct elf_notes *notes, struct err *err);

/* Zeroes what of the notes lies in these n bytes, which were read from offset of the file. */
void elf_blank(const struct elf_notes *notes, uint64_t offset, void *bytes, size_t n);

/* The content hash of an executable: of the file with its notes zeroed. */
int elf_hash(const char *path, char digest[DIGEST_SIZE], struct err *err);

/* Where in the file the first segment that a program writes to begins; 0 for what is not ELF. */
uint64_t elf_data(int fd);

/* The platform an ELF file was made for, such as "linux/arm64" or "linux/arm/v7"; NULL for what is
 * not ELF or not known. Static text. */
const char *elf_platform(int fd);

#endif
