/* Build-ID notes: found by either table, in both classes and byte orders, whatever else the file
 * claims; zeroed in pieces as in one go. */
#include "formats/elf.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "tap.h"
#include "tempdir.h"

#define SIZE 0x400
#define NOTES 0x200 /* where the notes are */

static unsigned char file[SIZE];

static void put_number(bool big, size_t at, size_t width, uint64_t n)
{
	for (size_t i = 0; i < width; i++)
		file[at + i] = (unsigned char)(n >> 8 * (big ? width - 1 - i : i));
}

static size_t put_note(bool big, size_t at, const char *name, uint32_t type, size_t size)
{
	put_number(big, at, 4, 4);
	put_number(big, at + 4, 4, size);
	put_number(big, at + 8, 4, type);
	memcpy(file + at + 12, name, 4);
	memset(file + at + 16, 'x', size);
	return at + 16 + (size + 3) / 4 * 4;
}

/* A file with both notes and a foreign one between; by section headers, or by program headers. */
static void make(bool wide, bool big, bool sections, unsigned machine)
{
	size_t at, w = wide ? 8 : 4, table = 0x100;

	memset(file, 0, SIZE);
	memcpy(file, ELFMAG, 4);
	file[EI_CLASS] = wide ? ELFCLASS64 : ELFCLASS32;
	file[EI_DATA] = big ? ELFDATA2MSB : ELFDATA2LSB;
	put_number(big, 18, 2, machine);
	at = put_note(big, NOTES, "Go\0", 4, 83);
	at = put_note(big, at, "ABC", 3, 8);
	at = put_note(big, at, "GNU", 3, 20);
	if (sections) {
		put_number(big, wide ? 0x28 : 0x20, w, table);
		put_number(big, wide ? 0x3a : 0x2e, 2, wide ? 64 : 40);
		put_number(big, wide ? 0x3c : 0x30, 2, 1);
		put_number(big, table + 4, 4, SHT_NOTE);
		put_number(big, table + (wide ? 24 : 16), w, NOTES);
		put_number(big, table + (wide ? 32 : 20), w, at - NOTES);
	} else {
		put_number(big, wide ? 0x20 : 0x1c, w, table);
		put_number(big, wide ? 0x36 : 0x2a, 2, wide ? 56 : 32);
		put_number(big, wide ? 0x38 : 0x2c, 2, 1);
		put_number(big, table, 4, PT_NOTE);
		put_number(big, table + (wide ? 8 : 4), w, NOTES);
		put_number(big, table + (wide ? 32 : 16), w, at - NOTES);
	}
}

static int save(size_t n)
{
	int fd = open("elf", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, file, n) != (ssize_t)n)
		abort();
	return fd;
}

static size_t notes_of(size_t n, struct elf_notes *notes)
{
	int fd = save(n);
	struct err err;

	if (elf_notes(fd, notes, &err))
		abort();
	close(fd);
	return notes->n;
}

static void finds(bool wide, bool big, bool sections)
{
	struct elf_notes notes;
	scratch char *what = xasprintf("%d-bit, %s-endian, by %s", wide ? 64 : 32,
		big ? "big" : "little", sections ? "sections" : "segments");

	make(wide, big, sections, EM_X86_64);
	ok(notes_of(SIZE, &notes) == 2 && notes.v[0].offset == NOTES + 16 &&
			notes.v[0].size == 83 && notes.v[1].offset == NOTES + 100 + 24 + 16 &&
			notes.v[1].size == 20,
		what);
}

static void blanks(void)
{
	unsigned char whole[SIZE], parts[SIZE];
	struct elf_notes notes;
	char hash[DIGEST_SIZE], want[DIGEST_SIZE];
	struct err err;

	make(true, false, true, EM_X86_64);
	notes_of(SIZE, &notes);
	memcpy(whole, file, SIZE);
	elf_blank(&notes, 0, whole, SIZE);
	ok(!memchr(whole + NOTES + 16, 'x', 83) && !memcmp(whole, file, NOTES + 16) &&
			!memcmp(whole + NOTES + 99, file + NOTES + 99, 17 + 24),
		"the notes' content is zeroed and nothing else");
	for (size_t step = 1; step < 200; step += 13) {
		memcpy(parts, file, SIZE);
		for (size_t at = 0; at < SIZE; at += step)
			elf_blank(&notes, at, parts + at, SIZE - at < step ? SIZE - at : step);
		if (memcmp(parts, whole, SIZE))
			break;
	}
	ok(!memcmp(parts, whole, SIZE), "in pieces, too");
	close(save(SIZE));
	digest_of(whole, SIZE, want);
	ok(!elf_hash("elf", hash, &err), "hash");
	is(hash, want, "hash is of the zeroed content");
	ok(elf_hash("no-such-file", hash, &err) == -1, "no file is an error");
}

/* Files that lie: nothing is found, or what is there, and nothing breaks. */
static void lies(void)
{
	struct elf_notes notes;

	make(true, false, true, EM_X86_64);
	ok(notes_of(63, &notes) == 0, "half a header");
	ok(notes_of(NOTES + 20, &notes) == 0, "cut off inside a note");
	ok(notes_of(0, &notes) == 0, "nothing");
	put_number(false, 0x28, 8, UINT64_MAX - 10);
	ok(notes_of(SIZE, &notes) == 0, "a table beyond all files");
	make(true, false, true, EM_X86_64);
	put_number(false, 0x100 + 24, 8, UINT64_MAX);
	ok(notes_of(SIZE, &notes) == 0, "notes beyond all files");
	make(true, false, true, EM_X86_64);
	put_number(false, NOTES + 4, 4, UINT32_MAX);
	ok(notes_of(SIZE, &notes) == 0, "a note of 4 GB");
	make(true, false, true, EM_X86_64);
	put_number(false, 0x100 + 32, 8, UINT64_MAX);
	ok(notes_of(SIZE, &notes) == 2, "a section longer than the file");
	put_number(false, 0x3c, 2, UINT16_MAX);
	ok(notes_of(SIZE, &notes) == 2, "a table longer than the file");
	put_number(false, 0x3a, 2, 1);
	ok(notes_of(SIZE, &notes) == 0, "entries of one byte");
	memset(file, 'M', SIZE);
	ok(notes_of(SIZE, &notes) == 0, "no ELF");
}

static void platform_is(bool wide, bool big, unsigned machine, const char *want)
{
	int fd;

	make(wide, big, true, machine);
	fd = save(SIZE);
	is(elf_platform(fd), want, want ? want : "a machine that Go has no name for");
	close(fd);
}

int main(void)
{
	tempdir_enter();
	for (int i = 0; i < 8; i++)
		finds(i & 4, i & 2, i & 1);
	blanks();
	lies();
	platform_is(true, false, EM_X86_64, "linux/amd64");
	platform_is(true, false, EM_AARCH64, "linux/arm64");
	platform_is(false, false, EM_ARM, "linux/arm");
	platform_is(true, true, EM_S390, "linux/s390x");
	platform_is(true, false, EM_PPC64, "linux/ppc64le");
	platform_is(true, false, EM_RISCV, "linux/riscv64");
	platform_is(false, true, EM_X86_64, NULL);
	return done();
}
