/*
 * PE (Microsoft's "PE Format"): 4 bytes at 0x3c of the file say where "PE\0\0" is, the COFF header
 * of 20 bytes behind it, then the optional header, whose size the COFF header has, and a table of
 * sections of 40 bytes.
 *
 * Mach-O (mach-o/loader.h), 64-bit and little-endian, which all is that Go 1.18 and newer makes:
 * a header of 32 bytes, then commands, each with its kind and size first. The command of a segment
 * has 72 bytes and those of its sections, 80 each, behind it.
 *
 * All that is at the beginning of the file. It is a claim: what lies outside of HEAD is not there.
 */
#include "exe.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "elf.h"

#define HEAD ((size_t)64 << 10)

#define PE_SECTION 40u
#define PE_ALIGN 0x00f00000u
#define PE_DATA 0xc0000040u /* initialized, read, written */

#define MACHO_MAGIC "\xcf\xfa\xed\xfe"
#define MACHO_HEADER 32u
#define MACHO_SEGMENT 72u
#define MACHO_SECTION 80u
#define MACHO_LC_SEGMENT_64 0x19u
#define MACHO_READ_WRITE 3u
#define MACHO_BUILDINFO "__go_buildinfo"

struct head {
	unsigned char bytes[HEAD];
	size_t n;
};

/* Whether there are so many bytes at a place. */
static bool holds(const struct head *head, uint64_t at, size_t n)
{
	return at <= head->n && n <= head->n - at;
}

static uint64_t number(const unsigned char *p, size_t width)
{
	uint64_t n = 0;

	while (width--)
		n = n << 8 | p[width];
	return n;
}

static uint64_t pe_data(const struct head *head)
{
	uint64_t coff, at, count;

	if (!holds(head, 0, 0x40) || memcmp(head->bytes, "MZ", 2) != 0)
		return 0;
	coff = number(head->bytes + 0x3c, 4);
	if (!holds(head, coff, 24) || memcmp(head->bytes + coff, "PE\0\0", 4) != 0)
		return 0;
	count = number(head->bytes + coff + 6, 2);
	at = coff + 24 + number(head->bytes + coff + 20, 2);
	for (; count && holds(head, at, PE_SECTION); count--, at += PE_SECTION) {
		const unsigned char *section = head->bytes + at;

		if (number(section + 16, 4) && (number(section + 36, 4) & ~PE_ALIGN) == PE_DATA)
			return number(section + 20, 4);
	}
	return 0;
}

/* Where the section for the notes begins, if the segment has it; 0. */
static uint64_t macho_section(const unsigned char *segment, size_t size)
{
	uint64_t count = number(segment + 64, 4);
	size_t at = MACHO_SEGMENT;

	for (; count && size - at >= MACHO_SECTION; count--, at += MACHO_SECTION) {
		if (!memcmp(segment + at, MACHO_BUILDINFO, sizeof MACHO_BUILDINFO))
			return number(segment + at + 48, 4);
	}
	return 0;
}

static bool is_written(const unsigned char *segment)
{
	return number(segment + 48, 8) && number(segment + 56, 4) == MACHO_READ_WRITE &&
		number(segment + 60, 4) == MACHO_READ_WRITE;
}

static uint64_t macho_data(const struct head *head)
{
	uint64_t count, size, section, at = MACHO_HEADER, data = 0;

	if (!holds(head, 0, MACHO_HEADER) || memcmp(head->bytes, MACHO_MAGIC, 4) != 0)
		return 0;
	count = number(head->bytes + 16, 4);
	for (; count && holds(head, at, 8); count--, at += size) {
		const unsigned char *command = head->bytes + at;

		size = number(command + 4, 4);
		if (size < 8 || !holds(head, at, size))
			break;
		if (number(command, 4) != MACHO_LC_SEGMENT_64 || size < MACHO_SEGMENT)
			continue;
		section = macho_section(command, size);
		if (section)
			return section;
		if (!data && is_written(command))
			data = number(command + 40, 8);
	}
	return data;
}

static uint64_t data_of(int fd)
{
	scratch struct head *head = NULL;
	uint64_t data = elf_data(fd);
	ssize_t n;

	if (data)
		return data;
	head = xmalloc(sizeof *head);
	n = pread(fd, head->bytes, HEAD, 0);
	head->n = n > 0 ? (size_t)n : 0;
	data = pe_data(head);
	return data ? data : macho_data(head);
}

uint64_t exe_data(int fd)
{
	uint64_t data = data_of(fd);

	return data <= INT64_MAX ? data : 0;
}
