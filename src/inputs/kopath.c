#include "kopath.h"

#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"

#define KOPATH_LIMIT 1024

bool kopath_is(const char *text)
{
	return starts_with(text, KOPATH_SCHEME);
}

bool kopath_is_dir(const char *path)
{
	return *path == '/' || !strcmp(path, ".") || !strcmp(path, "..") ||
		starts_with(path, "./") || starts_with(path, "../");
}

/* What is wrong with the path as the go command would see it, or NULL. */
static const char *complaint(const char *path)
{
	if (!*path)
		return "the import path is missing";
	if (strlen(path) > KOPATH_LIMIT)
		return "the import path is longer than 1024 bytes";
	if (strstr(path, "..."))
		return "names any number of packages; write one import path";
	if (strchr(path, '@'))
		return "has a version; which one is used is said in go.mod";
	if (*path == '-')
		return "starts with \"-\"";
	for (const char *p = path; *p; p++) {
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return "has white space or a control character in it";
	}
	return NULL;
}

/* Import paths proper (golang.org/x/mod/module, CheckImportPath). */
static const char *import_complaint(const char *path)
{
	static const char ok[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/";

	if (path[strspn(path, ok)])
		return "has a character that no import path has";
	if (strstr(path, "//") || ends_with(path, "/"))
		return "has an empty part between slashes";
	if (strstr(path, "/../") || strstr(path, "/./") || ends_with(path, "."))
		return "has a part that is or ends in \".\"";
	if (ends_with(path, ".go"))
		return "is a file; write the import path of its package";
	return NULL;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A directory in the form that kopath_is_dir() knows: "./cmd/x", "..", "/x". */
static char *clean_dir(const char *path)
{
	scratch char *clean = path_clean(path);

	return kopath_is_dir(clean) ? steal(&clean) : xasprintf("./%s", clean);
}

char *kopath_parse(const char *text, const char *where, struct err *err)
{
	const char *start = kopath_is(text) ? text + strlen(KOPATH_SCHEME) : text;
	size_t n = strlen(start);
	scratch char *path = NULL;
	const char *why;

	while (n && is_space(start[n - 1]))
		n--;
	while (n > 1 && start[n - 1] == '/')
		n--;
	path = xstrndup(start, n);
	why = complaint(path);
	if (!why && !kopath_is_dir(path))
		why = import_complaint(path);
	if (why) {
		err_set(err, ERR_INPUT, "%s%sko://%s: %s", where ? where : "", where ? ": " : "",
			path, why);
		return NULL;
	}
	return kopath_is_dir(path) ? clean_dir(path) : steal(&path);
}
