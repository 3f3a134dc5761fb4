#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A growing string of bytes. All zero is a valid, empty one. data is NULL or NUL-terminated at
 * data[len]; len does not count that NUL, and the bytes may hold others.
 */
struct buf {
	char *data;
	size_t len, cap;
};

void buf_add(struct buf *buf, const void *bytes, size_t n);
void buf_addstr(struct buf *buf, const char *s);
void buf_addch(struct buf *buf, char c);
void buf_addf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Makes room for n more bytes (and the NUL) and returns where they go; add to len what was used. */
char *buf_reserve(struct buf *buf, size_t n);

/* The content as a C string; "" when empty. Owned by buf. */
const char *buf_str(const struct buf *buf);

/* Gives the content away as a malloced C string and leaves buf empty. */
char *buf_detach(struct buf *buf);

/* Empties but keeps the memory. */
void buf_clear(struct buf *buf);

/* Frees the memory and leaves an empty buf; usable as cleanup(). */
void buf_release(struct buf *buf);

/* A growing list of owned strings. All zero is a valid, empty one. */
struct strs {
	char **v;
	size_t n, cap;
};

void strs_add(struct strs *strs, const char *s);
void strs_addn(struct strs *strs, const char *s, size_t n);
/* Adds a malloced string, which the list then owns. */
void strs_take(struct strs *strs, char *s);
bool strs_has(const struct strs *strs, const char *s);
/* Splits text at any of the separator bytes, leaving out empty parts. */
void strs_split(struct strs *strs, const char *text, const char *separators);
/* Sorts by bytes and drops duplicates. */
void strs_sort(struct strs *strs);
/* The list as a NULL-terminated argv, owned by strs. */
char **strs_argv(struct strs *strs);
void strs_release(struct strs *strs);

bool starts_with(const char *s, const char *prefix);
bool ends_with(const char *s, const char *suffix);

#endif
