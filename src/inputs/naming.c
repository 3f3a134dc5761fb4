#include "naming.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "ref.h"

static const struct {
	const char *word;
	enum naming naming;
} words[] = {
	{ "last", NAMING_LAST },
	{ "path", NAMING_PATH },
	{ "bare", NAMING_BARE },
	{ "md5", NAMING_MD5 },
	{ "base", NAMING_LAST },
};

int naming_parse(enum naming *naming, const char *word, struct err *err)
{
	for (size_t i = 0; i < countof(words); i++) {
		if (!strcmp(words[i].word, word)) {
			*naming = words[i].naming;
			return 0;
		}
	}
	return err_set(err, ERR_USAGE,
		"naming \"%s\" is not known; there are last, path, bare and md5", word);
}

const char *naming_word(enum naming naming)
{
	for (size_t i = 0; i < countof(words); i++) {
		if (words[i].naming == naming)
			return words[i].word;
	}
	return "";
}

/* "v2", "v10": the end of a module path from its second major version on. */
static bool is_major(const char *s, size_t n)
{
	return n >= 2 && s[0] == 'v' && s[1] != '0' && strspn(s + 1, "0123456789") >= n - 1 &&
		!(n == 2 && s[1] == '1');
}

/* The last element of a path of n bytes. */
static const char *last_element(const char *path, size_t n)
{
	const char *slash = memrchr(path, '/', n);

	return slash ? slash + 1 : path;
}

char *naming_program(const char *importpath)
{
	size_t n = strlen(importpath);
	const char *last = last_element(importpath, n);
	size_t length = n - (size_t)(last - importpath);

	if (is_major(last, length) && last != importpath) {
		n -= length + 1;
		last = last_element(importpath, n);
		length = n - (size_t)(last - importpath);
	}
	return length ? xstrndup(last, length) : xstrdup("ko-app");
}

static char *lower(const char *s)
{
	char *copy = xstrdup(s);

	for (char *p = copy; *p; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	}
	return copy;
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* One path component made valid: "-" for bytes that may not be there, no separator at the ends,
 * and no two kinds of separators next to each other. */
static void add_component(struct buf *out, const char *s, size_t n)
{
	size_t start = out->len;
	char gap = 0;

	for (size_t i = 0; i < n; i++) {
		if (!is_plain(s[i])) {
			gap = gap || !strchr("._", s[i]) ? '-' : s[i];
			continue;
		}
		if (gap && out->len > start)
			buf_addch(out, gap);
		gap = 0;
		buf_addch(out, s[i]);
	}
	if (out->len == start)
		buf_addch(out, 'x');
}

static char *valid_name(const char *path)
{
	struct buf out = { 0 };

	if (ref_repository_valid(path))
		return xstrdup(path);
	for (;;) {
		size_t n = strcspn(path, "/");

		add_component(&out, path, n);
		if (!path[n])
			return buf_detach(&out);
		buf_addch(&out, '/');
		path += n + 1;
	}
}

static char *md5_name(const char *importpath)
{
	unsigned char sum[EVP_MAX_MD_SIZE] = { 0 };
	scratch char *last = valid_name(last_element(importpath, strlen(importpath)));
	struct buf out = { 0 };

	EVP_Q_digest(NULL, "MD5", "-fips", importpath, strlen(importpath), sum, NULL);
	buf_addf(&out, "%s-", last);
	for (size_t i = 0; i < 16; i++)
		buf_addf(&out, "%02x", sum[i]);
	return buf_detach(&out);
}

char *naming_name(enum naming naming, const char *importpath)
{
	scratch char *path = lower(importpath);
	scratch char *program = NULL;

	switch (naming) {
	case NAMING_BARE:
		return xstrdup("");
	case NAMING_PATH:
		return valid_name(path);
	case NAMING_MD5:
		return md5_name(path);
	case NAMING_LAST:
		break;
	}
	program = naming_program(path);
	return valid_name(program);
}

struct named {
	const char *name, *importpath;
};

static int compare(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : strcmp(x->importpath, y->importpath);
}

int naming_check(char *const importpaths[], char *const names[], size_t n, struct err *err)
{
	scratch struct named *sorted = xcalloc(n ? n : 1, sizeof *sorted);

	for (size_t i = 0; i < n; i++)
		sorted[i] = (struct named){ names[i], importpaths[i] };
	qsort(sorted, n, sizeof *sorted, compare);
	for (size_t i = 1; i < n; i++) {
		const struct named *a = &sorted[i - 1], *b = &sorted[i];

		if (*b->name && !strcmp(a->name, b->name) && strcmp(a->importpath, b->importpath))
			return err_set(err, ERR_USAGE,
				"%s and %s would both be the image \"%s\"; name them by the whole "
				"path "
				"(-P), by hash (--naming=md5), or put all in one repository "
				"(--bare)",
				a->importpath, b->importpath, b->name);
	}
	return 0;
}
