#include "tar.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/*
 * POSIX.1-1988 "ustar": blocks of 512 bytes, a header with fixed fields and numbers in octal digits
 * that end with NUL. A path over 100 bytes is split at a slash into prefix and name where it can
 * be. What does not fit, and what is not ASCII, goes into a POSIX.1-2001 "pax" header before: an
 * entry of type x whose content is lines "LENGTH KEY=VALUE\n", sorted by key, where LENGTH counts
 * the whole line. With such a header the plain one holds what it can of the path and no prefix.
 */
#define BLOCK 512u
#define NAME_SIZE 100
#define PREFIX_SIZE 155
#define OCTAL_SIZE ((uint64_t)1 << 33) /* eleven octal digits hold less than this */

/* MSWINDOWS.rawsd: the security descriptor that says BUILTIN\Users, in base64. */
#define WINDOWS_USERS "AQAAgBQAAAAkAAAAAAAAAAAAAAABAgAAAAAABSAAAAAhAgAAAQIAAAAAAAUgAAAAIQIAAA=="

struct header {
	char name[NAME_SIZE], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type;
	char link[NAME_SIZE], magic[6], version[2], user[32], group[32], major[8], minor[8];
	char prefix[PREFIX_SIZE], unused[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a tar header is one block");

static bool is_ascii(const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s >= 0x80)
			return false;
	}
	return true;
}

/* The ASCII bytes of s, as far as the field holds them. */
static void set_text(char *field, size_t size, const char *s)
{
	size_t n = 0;

	for (; *s && n < size; s++) {
		if ((unsigned char)*s < 0x80)
			field[n++] = *s;
	}
	/* cut at a slash, it would look like a directory */
	while (*s && n == size && field[n - 1] == '/') {
		while (n && field[n - 1] == '/')
			field[--n] = '\0';
	}
}

/* Digits to the last byte but one; 0 for what does not fit. */
static void set_number(char *field, size_t size, uint64_t n)
{
	n = n >> 3 * (size - 1) ? 0 : n;
	field[size - 1] = '\0';
	for (size_t i = size - 1; i; n >>= 3)
		field[--i] = (char)('0' + (n & 7));
}

static void add_block(struct buf *out, struct header *header)
{
	const unsigned char *p = (const unsigned char *)header;
	unsigned sum = 8 * ' ';

	memcpy(header->magic, "ustar", 6);
	memcpy(header->version, "00", 2);
	for (size_t i = 0; i < BLOCK; i++)
		sum += p[i];
	set_number(header->checksum, 7, sum);
	header->checksum[7] = ' ';
	buf_add(out, header, BLOCK);
}

/* Where to split a long path, or NULL. */
static const char *split(const char *name)
{
	size_t n = strlen(name);
	size_t at = n > PREFIX_SIZE + 1 ? PREFIX_SIZE + 1 : n;

	if (n <= NAME_SIZE || !is_ascii(name))
		return NULL;
	while (at && name[at - 1] != '/')
		at--;
	if (at < 2 || at - 1 > PREFIX_SIZE || n - at > NAME_SIZE || n == at)
		return NULL;
	return name + at - 1;
}

static void add_record(struct buf *pax, const char *key, const void *value, size_t n)
{
	size_t rest = strlen(key) + n + 3;
	size_t size = rest;

	/* the digits of the length count too */
	for (size_t before = 0; before != size;) {
		before = size;
		size = rest + (size_t)snprintf(NULL, 0, "%zu", size);
	}
	buf_addf(pax, "%zu %s=", size, key);
	buf_add(pax, value, n);
	buf_addch(pax, '\n');
}

static void add_text_record(struct buf *pax, const char *key, const char *value)
{
	if (strlen(value) > NAME_SIZE || !is_ascii(value))
		add_record(pax, key, value, strlen(value));
}

static void add_number_record(struct buf *pax, const char *key, uint64_t n)
{
	scratch char *digits = xasprintf("%llu", (unsigned long long)n);

	if (n >= OCTAL_SIZE)
		add_record(pax, key, digits, strlen(digits));
}

/* Returns whether a plain header cannot do. */
static bool fill_pax(struct buf *pax, const struct tar_entry *entry)
{
	bool needed;

	if (entry->windows && entry->type == TAR_FILE)
		add_record(pax, "MSWINDOWS.rawsd", WINDOWS_USERS, strlen(WINDOWS_USERS));
	if (entry->capability)
		add_record(pax, "SCHILY.xattr.security.capability", entry->capability,
			entry->capability_size);
	add_text_record(pax, "linkpath", entry->link ? entry->link : "");
	add_number_record(pax, "mtime", entry->mtime);
	needed = pax->len > 0;
	add_text_record(pax, "path", entry->name);
	needed = needed || (pax->len && !split(entry->name));
	add_number_record(pax, "size", entry->size);
	return needed || entry->size >= OCTAL_SIZE;
}

static void add_pax(struct buf *out, const struct buf *pax, const char *path)
{
	struct header header = { .type = 'x' };
	const char *slash = strrchr(path, '/');
	scratch char *name = xasprintf("%.*sPaxHeaders.0/%s", slash ? (int)(slash + 1 - path) : 0,
		path, slash ? slash + 1 : path);

	set_text(header.name, NAME_SIZE, name);
	for (size_t n = strnlen(header.name, NAME_SIZE); n && header.name[n - 1] == '/'; n--)
		header.name[n - 1] = '\0';
	set_number(header.mode, sizeof header.mode, 0);
	set_number(header.uid, sizeof header.uid, 0);
	set_number(header.gid, sizeof header.gid, 0);
	set_number(header.size, sizeof header.size, pax->len);
	set_number(header.mtime, sizeof header.mtime, 0);
	add_block(out, &header);
	buf_add(out, pax->data, pax->len);
	for (size_t n = tar_padding(pax->len); n; n--)
		buf_addch(out, '\0');
}

void tar_header(struct buf *out, const struct tar_entry *entry)
{
	cleanup(buf_release) struct buf pax = { 0 };
	struct header header = { .type = (char)entry->type };
	bool extended = fill_pax(&pax, entry);
	const char *slash = extended ? NULL : split(entry->name);

	if (extended)
		add_pax(out, &pax, entry->name);
	if (slash)
		memcpy(header.prefix, entry->name, (size_t)(slash - entry->name));
	set_text(header.name, NAME_SIZE, slash ? slash + 1 : entry->name);
	set_text(header.link, NAME_SIZE, entry->link ? entry->link : "");
	set_number(header.mode, sizeof header.mode, entry->mode);
	set_number(header.uid, sizeof header.uid, 0);
	set_number(header.gid, sizeof header.gid, 0);
	set_number(header.size, sizeof header.size, entry->size);
	set_number(header.mtime, sizeof header.mtime, entry->mtime);
	set_number(header.major, sizeof header.major, 0);
	set_number(header.minor, sizeof header.minor, 0);
	add_block(out, &header);
}

size_t tar_padding(uint64_t size)
{
	return (size_t)(-size % BLOCK);
}
