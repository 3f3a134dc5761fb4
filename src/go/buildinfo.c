/*
 * The place: 16-byte aligned in the file, the 14 bytes of MAGIC, one for the size of a pointer, one
 * of flags, of which 2 says that two strings follow 32 bytes after the start: the version of Go,
 * and text about the modules between two marks of 16 bytes. A string is its length (LEB128) and
 * bytes. The linker puts it at the beginning of what is writable, where the search begins: before
 * that, in constants, may be another program that this one embeds. In formats that exe_data() does
 * not know, and where somebody has moved it, all of the file is looked through. Before Go 1.18 the
 * flag was not set.
 *
 * Everything read is a claim of the file. What makes no sense is passed over.
 */
#include "buildinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "formats/exe.h"

#define MAGIC "\xff Go buildinf:"
#define MAGIC_SIZE (sizeof MAGIC - 1)
#define ALIGN 16u
#define HEADER 32u
#define FRAME 16u
#define INLINE 2u
#define CHUNK ((size_t)64 << 10)
#define VERSION_LIMIT ((uint64_t)4 << 10)
#define MODULES_LIMIT ((uint64_t)16 << 20)

/* Reads a string at *at, and moves on. False where there is none, or a longer one. What claims to
 * go on behind the end of the file is not read: there may be such a claim every few bytes. */
static bool read_string(int fd, uint64_t *at, uint64_t limit, struct buf *text)
{
	unsigned char size[10];
	uint64_t n = 0;
	ssize_t got = pread(fd, size, sizeof size, (off_t)*at);
	ssize_t used = 0;

	do {
		if (used >= got || used == 9)
			return false;
		n |= (uint64_t)(size[used] & 0x7f) << 7 * used;
	} while (size[used++] & 0x80);
	*at += (uint64_t)used;
	if (n > limit || (n && pread(fd, size, 1, (off_t)(*at + n - 1)) != 1))
		return false;
	got = pread(fd, buf_reserve(text, (size_t)n), (size_t)n, (off_t)*at);
	if (got < 0 || (uint64_t)got != n)
		return false;
	text->len += (size_t)n;
	text->data[text->len] = '\0';
	*at += n;
	return true;
}

/* Whether the build info is at this place; then it is read. */
static bool read_at(int fd, uint64_t at, struct buf *version, struct buf *modules)
{
	unsigned char header[HEADER];

	if (pread(fd, header, HEADER, (off_t)at) != HEADER ||
		memcmp(header, MAGIC, MAGIC_SIZE) != 0 || !(header[MAGIC_SIZE + 1] & INLINE))
		return false;
	buf_clear(version);
	buf_clear(modules);
	at += HEADER;
	return read_string(fd, &at, VERSION_LIMIT, version) &&
		(starts_with(buf_str(version), "go") || starts_with(buf_str(version), "devel")) &&
		read_string(fd, &at, MODULES_LIMIT, modules);
}

/* Looks through the file from an aligned place on. Returns 1 when the info was found, 0, or -1. */
static int search(int fd, uint64_t from, struct buf *version, struct buf *modules)
{
	scratch char *chunk = xmalloc(CHUNK);
	ssize_t n;

	for (; (n = pread(fd, chunk, CHUNK, (off_t)from)) > 0; from += (uint64_t)n) {
		const char *end = chunk + n;

		for (const char *p = chunk; (p = memmem(p, (size_t)(end - p), MAGIC, MAGIC_SIZE));
			p++) {
			uint64_t at = from + (uint64_t)(p - chunk);

			if (at % ALIGN == 0 && read_at(fd, at, version, modules))
				return 1;
		}
		/* no place is in two chunks; at the end of the file all is read */
		if (n > (ssize_t)ALIGN)
			n &= -(ssize_t)ALIGN;
	}
	return n < 0 ? -1 : 0;
}

static int read_file(struct go_buildinfo *info, int fd, const char *path, struct err *err)
{
	cleanup(buf_release) struct buf version = { 0 };
	cleanup(buf_release) struct buf modules = { 0 };
	uint64_t data = exe_data(fd) & ~(uint64_t)(ALIGN - 1);
	int found = search(fd, data, &version, &modules);

	if (!found && data)
		found = search(fd, 0, &version, &modules);
	if (found < 0)
		return err_sys(err, "%s", path);
	if (!found)
		return 0;
	info->version = buf_detach(&version);
	if (modules.len <= 2 * FRAME)
		return 0;
	return go_buildinfo_parse(info, modules.data + FRAME, modules.len - 2 * FRAME, err);
}

int go_buildinfo_read(struct go_buildinfo *info, const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int result;

	*info = (struct go_buildinfo){ 0 };
	if (fd < 0)
		return err_sys(err, "%s", path);
	result = read_file(info, fd, path, err);
	close(fd);
	return result;
}

/* ---- the lines ---- */

static void release_module(struct go_module *module)
{
	free(module->path);
	free(module->version);
	free(module->sum);
	free(module->replacement);
	free(module->replacement_version);
	*module = (struct go_module){ 0 };
}

/* The nth field of a line, or "". malloced. */
static char *field(const char *line, const char *end, unsigned n)
{
	while (n--) {
		const char *tab = memchr(line, '\t', (size_t)(end - line));

		if (!tab)
			return xstrdup("");
		line = tab + 1;
	}
	return xstrndup(line, strcspn(line, "\t\n"));
}

static struct go_module module_of(const char *line, const char *end)
{
	return (struct go_module){ .path = field(line, end, 1),
		.version = field(line, end, 2),
		.sum = field(line, end, 3) };
}

static void replace(struct go_module *module, const char *line, const char *end)
{
	free(module->replacement);
	free(module->replacement_version);
	free(module->sum);
	module->replacement = field(line, end, 1);
	module->replacement_version = field(line, end, 2);
	module->sum = field(line, end, 3);
}

int go_buildinfo_parse(struct go_buildinfo *info, const char *text, size_t n, struct err *err)
{
	scratch char *copy = xstrndup(text, n);
	struct go_module *last = NULL;

	for (const char *line = copy; *line;) {
		const char *end = line + strcspn(line, "\n");

		if (starts_with(line, "mod\t")) {
			release_module(&info->main);
			info->main = module_of(line, end);
			last = &info->main;
		} else if (starts_with(line, "dep\t")) {
			if (info->n == GO_MODULES_LIMIT)
				return err_set(
					err, ERR_INPUT, "more than %d modules", GO_MODULES_LIMIT);
			grow(info->deps, info->n, info->cap);
			last = &info->deps[info->n++];
			*last = module_of(line, end);
		} else if (starts_with(line, "=>\t") && last) {
			replace(last, line, end);
		}
		line = end + (*end == '\n');
	}
	return 0;
}

void go_buildinfo_release(struct go_buildinfo *info)
{
	for (size_t i = 0; i < info->n; i++)
		release_module(&info->deps[i]);
	release_module(&info->main);
	free(info->deps);
	free(info->version);
	*info = (struct go_buildinfo){ 0 };
}
