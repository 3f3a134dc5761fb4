/* Executables that claim anything: what is found lies where it can be zeroed, and the hash is the
 * same in one piece and in several. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "formats/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);
	scratch unsigned char *whole = xmalloc(size + 1), *pieces = xmalloc(size + 1);
	struct elf_notes notes;
	struct err err;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size || elf_notes(fd, &notes, &err) ||
		notes.n > ELF_NOTES_LIMIT)
		abort();
	for (size_t i = 0; i < notes.n; i++) {
		if (notes.v[i].offset > size || notes.v[i].size > size - notes.v[i].offset)
			abort();
	}
	memcpy(whole, data, size);
	memcpy(pieces, data, size);
	elf_blank(&notes, 0, whole, size);
	for (size_t at = 0; at < size; at += 5)
		elf_blank(&notes, at, pieces + at, size - at < 5 ? size - at : 5);
	if (memcmp(whole, pieces, size))
		abort();
	(void)elf_platform(fd);
	close(fd);
	return 0;
}
