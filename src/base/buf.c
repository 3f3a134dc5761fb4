#include "buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

char *buf_reserve(struct buf *buf, size_t n)
{
	size_t need = buf->len + n + 1;

	if (need > buf->cap) {
		buf->cap = need > 2 * buf->cap ? need : 2 * buf->cap;
		buf->data = xreallocarray(buf->data, buf->cap, 1);
		buf->data[buf->len] = '\0';
	}
	return buf->data + buf->len;
}

void buf_add(struct buf *buf, const void *bytes, size_t n)
{
	char *end = buf_reserve(buf, n);

	if (n)
		memcpy(end, bytes, n);
	end[n] = '\0';
	buf->len += n;
}

void buf_addstr(struct buf *buf, const char *s)
{
	buf_add(buf, s, strlen(s));
}

void buf_addch(struct buf *buf, char c)
{
	buf_add(buf, &c, 1);
}

void buf_addf(struct buf *buf, const char *format, ...)
{
	char *end = buf_reserve(buf, 0);
	size_t room = buf->cap - buf->len;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(end, room, format, args);
	va_end(args);
	if ((size_t)n >= room) {
		va_start(args, format);
		vsnprintf(buf_reserve(buf, (size_t)n), (size_t)n + 1, format, args);
		va_end(args);
	}
	buf->len += (size_t)n;
}

const char *buf_str(const struct buf *buf)
{
	return buf->data ? buf->data : "";
}

char *buf_detach(struct buf *buf)
{
	char *s = buf->data ? buf->data : xstrdup("");

	*buf = (struct buf){ 0 };
	return s;
}

void buf_clear(struct buf *buf)
{
	buf->len = 0;
	if (buf->data)
		buf->data[0] = '\0';
}

void buf_release(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){ 0 };
}

void strs_take(struct strs *strs, char *s)
{
	grow(strs->v, strs->n, strs->cap);
	strs->v[strs->n++] = s;
}

void strs_add(struct strs *strs, const char *s)
{
	strs_take(strs, xstrdup(s));
}

void strs_addn(struct strs *strs, const char *s, size_t n)
{
	strs_take(strs, xstrndup(s, n));
}

bool strs_has(const struct strs *strs, const char *s)
{
	for (size_t i = 0; i < strs->n; i++) {
		if (!strcmp(strs->v[i], s))
			return true;
	}
	return false;
}

void strs_split(struct strs *strs, const char *text, const char *separators)
{
	for (text += strspn(text, separators); *text; text += strspn(text, separators)) {
		size_t n = strcspn(text, separators);

		strs_addn(strs, text, n);
		text += n;
	}
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strs_sort(struct strs *strs)
{
	size_t n = 0;

	if (strs->n)
		qsort(strs->v, strs->n, sizeof *strs->v, compare);
	for (size_t i = 0; i < strs->n; i++) {
		if (n && !strcmp(strs->v[n - 1], strs->v[i]))
			free(strs->v[i]);
		else
			strs->v[n++] = strs->v[i];
	}
	strs->n = n;
}

char **strs_argv(struct strs *strs)
{
	grow(strs->v, strs->n, strs->cap);
	strs->v[strs->n] = NULL;
	return strs->v;
}

void strs_release(struct strs *strs)
{
	for (size_t i = 0; i < strs->n; i++)
		free(strs->v[i]);
	free(strs->v);
	*strs = (struct strs){ 0 };
}

bool starts_with(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

bool ends_with(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && !strcmp(s + n - m, suffix);
}
