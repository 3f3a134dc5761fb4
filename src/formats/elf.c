#include "elf.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

/*
 * ELF (System V ABI, gABI chapters 4 and 5): a header of 52 or 64 bytes gives the place of two
 * tables. The section table serves the linker, the program table the loader. Both can point at runs
 * of notes (SHT_NOTE, PT_NOTE). Go's linker covers only one of its two notes by the program table,
 * and a stripped file may lack the section table, so both are read. A note is three 32-bit words
 * (length of name, length of content, type), then name and content, each padded to 4 bytes.
 *
 * Everything read is a claim of the file: numbers are checked against the limits below, and a read
 * past the end of the file gives fewer bytes, never an error.
 */
#define TABLE_LIMIT (4u << 20) /* bytes of one table: 65,535 sections fit */
#define RUN_LIMIT (64u << 10)  /* bytes of one run of notes that are looked at */
#define RUNS_LIMIT 64          /* runs of notes in one table */
#define NOTE_HEADER 12u

struct image {
	int fd;
	bool wide, big; /* 64-bit, big-endian */
	unsigned char header[64];
	size_t header_size;
	struct elf_notes *notes;
	struct err *err;
};

/* Where the fields of a table's entries are, in bytes from the entry's start; 64 bits or 32. */
struct table {
	size_t at, entry_size, count; /* in the header */
	size_t entry, type, offset, size;
	uint64_t note;
};

static const struct table tables[2][2] = {
	{ { 0x20, 0x2e, 0x30, 40, 4, 16, 20, SHT_NOTE },
		{ 0x28, 0x3a, 0x3c, 64, 4, 24, 32, SHT_NOTE } },
	{ { 0x1c, 0x2a, 0x2c, 32, 0, 4, 16, PT_NOTE },
		{ 0x20, 0x36, 0x38, 56, 0, 8, 32, PT_NOTE } },
};

/* pread(2) until n bytes or the end of the file. */
static ssize_t read_at(int fd, void *bytes, size_t n, uint64_t offset)
{
	size_t have = 0;

	if (offset > INT64_MAX - n)
		return 0;
	while (have < n) {
		ssize_t got = pread(fd, (char *)bytes + have, n - have, (off_t)(offset + have));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (!got)
			break;
		have += (size_t)got;
	}
	return (ssize_t)have;
}

static uint64_t number(const struct image *image, const unsigned char *p, size_t width)
{
	uint64_t n = 0;

	for (size_t i = 0; i < width; i++)
		n = n << 8 | p[image->big ? i : width - 1 - i];
	return n;
}

/* An address-sized number. */
static uint64_t word(const struct image *image, const unsigned char *p)
{
	return number(image, p, image->wide ? 8 : 4);
}

static void add_range(struct elf_notes *notes, uint64_t offset, uint64_t size)
{
	for (size_t i = 0; i < notes->n; i++) {
		if (notes->v[i].offset == offset && notes->v[i].size == size)
			return;
	}
	if (size && notes->n < ELF_NOTES_LIMIT)
		notes->v[notes->n++] = (struct elf_range){ offset, size };
}

static bool is_build_id(const char *name, uint64_t name_size, uint64_t type)
{
	return (type == 4 && name_size == 4 && !memcmp(name, "Go\0", 4)) ||
		(type == NT_GNU_BUILD_ID && name_size == 4 && !memcmp(name, "GNU", 4));
}

static void parse_run(struct image *image, const unsigned char *run, size_t n, uint64_t offset)
{
	size_t at = 0;

	while (n - at >= NOTE_HEADER) {
		uint64_t name_size = number(image, run + at, 4);
		uint64_t size = number(image, run + at + 4, 4);
		uint64_t type = number(image, run + at + 8, 4);
		uint64_t content = NOTE_HEADER + ((name_size + 3) & ~3ull);
		uint64_t next = content + ((size + 3) & ~3ull);

		if (content + size > n - at)
			return;
		if (is_build_id((const char *)run + at + NOTE_HEADER, name_size, type))
			add_range(image->notes, offset + at + content, size);
		if (next > n - at)
			return;
		at += next;
	}
}

static int read_run(struct image *image, uint64_t offset, uint64_t size)
{
	size_t n = size < RUN_LIMIT ? (size_t)size : RUN_LIMIT;
	scratch unsigned char *run = xmalloc(n + 1);
	ssize_t got = read_at(image->fd, run, n, offset);

	if (got < 0)
		return err_sys(image->err, "cannot read notes");
	parse_run(image, run, (size_t)got, offset);
	return 0;
}

static int read_table(struct image *image, const struct table *t)
{
	const unsigned char *h = image->header;
	uint64_t entry_size = number(image, h + t->entry_size, 2);
	uint64_t size = entry_size * number(image, h + t->count, 2);
	scratch unsigned char *table = NULL;
	unsigned runs = 0;
	ssize_t got;

	if (entry_size < t->entry || size > TABLE_LIMIT)
		return 0;
	table = xmalloc(size + 1);
	got = read_at(image->fd, table, size, word(image, h + t->at));
	if (got < 0)
		return err_sys(image->err, "cannot read section or program headers");
	for (size_t at = 0; at + entry_size <= (size_t)got && runs < RUNS_LIMIT; at += entry_size) {
		const unsigned char *p = table + at;

		if (number(image, p + t->type, 4) != t->note)
			continue;
		runs++;
		if (read_run(image, word(image, p + t->offset), word(image, p + t->size)))
			return -1;
	}
	return 0;
}

/* Returns 1 for an ELF file, 0 for anything else. */
static int read_header(struct image *image)
{
	ssize_t got = read_at(image->fd, image->header, sizeof image->header, 0);

	if (got < 0)
		return err_sys(image->err, "cannot read");
	image->wide = image->header[EI_CLASS] == ELFCLASS64;
	image->big = image->header[EI_DATA] == ELFDATA2MSB;
	return got >= (image->wide ? 64 : 52) && !memcmp(image->header, ELFMAG, SELFMAG);
}

int elf_notes(int fd, struct elf_notes *notes, struct err *err)
{
	struct image image = { .fd = fd, .notes = notes, .err = err };
	int is_elf;

	notes->n = 0;
	is_elf = read_header(&image);
	if (is_elf <= 0)
		return is_elf;
	if (read_table(&image, &tables[0][image.wide]))
		return -1;
	return read_table(&image, &tables[1][image.wide]);
}

void elf_blank(const struct elf_notes *notes, uint64_t offset, void *bytes, size_t n)
{
	for (size_t i = 0; i < notes->n; i++) {
		uint64_t from = notes->v[i].offset, to = from + notes->v[i].size;

		from = from > offset ? from - offset : 0;
		to = to > offset ? to - offset : 0;
		to = to < n ? to : n;
		if (from < to)
			memset((char *)bytes + from, 0, to - from);
	}
}

static int hash_fd(int fd, char digest[DIGEST_SIZE], struct err *err)
{
	enum { PIECE = 256 << 10 };
	scratch char *piece = xmalloc(PIECE);
	cleanup(digest_release) struct digest state = { 0 };
	struct elf_notes notes;
	uint64_t offset = 0;
	ssize_t n;

	if (elf_notes(fd, &notes, err))
		return -1;
	digest_init(&state);
	while ((n = read_at(fd, piece, PIECE, offset)) > 0) {
		elf_blank(&notes, offset, piece, (size_t)n);
		digest_update(&state, piece, (size_t)n);
		offset += (uint64_t)n;
	}
	if (n < 0)
		return err_sys(err, "cannot read");
	digest_final(&state, digest);
	return 0;
}

int elf_hash(const char *path, char digest[DIGEST_SIZE], struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int result;

	if (fd < 0)
		return err_sys(err, "%s", path);
	result = hash_fd(fd, digest, err);
	close(fd);
	return result ? err_prefix(err, "%s", path) : 0;
}

uint64_t elf_data(int fd)
{
	struct err ignored;
	struct image image = { .fd = fd, .err = &ignored };
	unsigned char entry[64];
	const struct table *t;
	uint64_t at, size, count;

	if (read_header(&image) <= 0)
		return 0;
	t = &tables[1][image.wide];
	at = word(&image, image.header + t->at);
	size = number(&image, image.header + t->entry_size, 2);
	count = number(&image, image.header + t->count, 2);
	for (; size >= t->entry && count; count--, at += size) {
		size_t flags = image.wide ? 4 : 24;

		if (read_at(fd, entry, t->entry, at) != (ssize_t)t->entry)
			return 0;
		if (number(&image, entry + t->type, 4) == PT_LOAD &&
			number(&image, entry + flags, 4) & PF_W)
			return word(&image, entry + t->offset);
	}
	return 0;
}

const char *elf_platform(int fd)
{
	static const struct {
		unsigned machine;
		bool wide, big;
		const char *platform;
	} known[] = {
		{ EM_X86_64, true, false, "linux/amd64" },
		{ EM_AARCH64, true, false, "linux/arm64" },
		{ EM_386, false, false, "linux/386" },
		{ EM_ARM, false, false, "linux/arm" },
		{ EM_RISCV, true, false, "linux/riscv64" },
		{ EM_S390, true, true, "linux/s390x" },
		{ EM_PPC64, true, false, "linux/ppc64le" },
		{ EM_PPC64, true, true, "linux/ppc64" },
		{ EM_MIPS, false, true, "linux/mips" },
		{ EM_MIPS, false, false, "linux/mipsle" },
		{ EM_MIPS, true, true, "linux/mips64" },
		{ EM_MIPS, true, false, "linux/mips64le" },
		{ 258 /* EM_LOONGARCH */, true, false, "linux/loong64" },
	};
	struct err ignored;
	struct image image = { .fd = fd, .err = &ignored };

	if (read_header(&image) <= 0)
		return NULL;
	if (image.header[EI_OSABI] != ELFOSABI_NONE && image.header[EI_OSABI] != ELFOSABI_LINUX)
		return NULL;
	for (size_t i = 0; i < countof(known); i++) {
		if (number(&image, image.header + 18, 2) == known[i].machine &&
			image.wide == known[i].wide && image.big == known[i].big)
			return known[i].platform;
	}
	return NULL;
}
