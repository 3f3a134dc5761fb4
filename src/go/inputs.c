#include "inputs.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"

/* The deepest that embedded directories are followed. */
#define DEPTH_LIMIT 64

static const char letters[INPUT_KINDS + 1] = "falgwW";

void inputs_take(struct go_inputs *inputs, enum input_kind kind, char *path)
{
	strs_take(&inputs->v[kind], path);
}

void inputs_add(struct go_inputs *inputs, enum input_kind kind, const char *path)
{
	strs_add(&inputs->v[kind], path);
}

void inputs_add_glob(struct go_inputs *inputs, const char *dir, const char *pattern)
{
	inputs_take(inputs, INPUT_GLOB, xasprintf("%s//%s", dir, pattern));
}

void inputs_sort(struct go_inputs *inputs)
{
	for (size_t i = 0; i < INPUT_KINDS; i++)
		strs_sort(&inputs->v[i]);
}

void inputs_release(struct go_inputs *inputs)
{
	for (size_t i = 0; i < INPUT_KINDS; i++)
		strs_release(&inputs->v[i]);
}

char inputs_letter(enum input_kind kind)
{
	return letters[kind];
}

enum input_kind inputs_kind(char letter)
{
	const char *found = letter ? strchr(letters, letter) : NULL;

	return found ? (enum input_kind)(found - letters) : INPUT_KINDS;
}

/* The names that the go command looks at in the directory of a package (go/build). */
static bool is_source(const char *name)
{
	static const char *const endings[] = { ".go", ".c", ".cc", ".cpp", ".cxx", ".m", ".h",
		".hh", ".hpp", ".hxx", ".f", ".F", ".for", ".f90", ".s", ".S", ".sx", ".swig",
		".swigcxx", ".syso" };

	if (ends_with(name, "_test.go") || *name == '.' || *name == '_')
		return false;
	for (size_t i = 0; i < countof(endings); i++) {
		if (ends_with(name, endings[i]))
			return true;
	}
	return false;
}

static bool is_hidden(const char *name)
{
	return *name == '.' || *name == '_';
}

/* Names that no module can hold; go passes over them. */
static bool is_bad(const char *name)
{
	static const char *const names[] = { ".bzr", ".hg", ".git", ".svn" };

	for (size_t i = 0; i < countof(names); i++) {
		if (!strcmp(name, names[i]))
			return true;
	}
	return false;
}

/* "f" file, "d" directory, "o" other, links not followed; "-" nothing. */
static char type_of(const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		return '-';
	return S_ISREG(st.st_mode) ? 'f' : S_ISDIR(st.st_mode) ? 'd' : 'o';
}

static void print_names(
	enum input_kind kind, const char *dir, const char *pattern, struct buf *text)
{
	cleanup(strs_release) struct strs names = { 0 };
	struct err ignored;

	if (file_list(dir, &names, &ignored))
		buf_addch(text, '/');
	for (size_t i = 0; i < names.n; i++) {
		const char *name = names.v[i];
		scratch char *path = NULL;

		if (kind == INPUT_LISTED) {
			if (is_source(name))
				buf_add(text, name, strlen(name) + 1);
			continue;
		}
		if (kind == INPUT_GLOB ? fnmatch(pattern, name, 0)
				       : is_bad(name) || (kind == INPUT_WALKED && is_hidden(name)))
			continue;
		path = path_join(dir, name);
		buf_addch(text, type_of(path));
		buf_add(text, name, strlen(name) + 1);
	}
}

static void print_file(const char *path, char print[FINGERPRINT_SIZE])
{
	cleanup(buf_release) struct buf text = { 0 };
	struct err ignored;
	int result;

	if (file_is_dir(path)) {
		fingerprint_of("/", 1, print);
		return;
	}
	result = file_read_if_exists(path, FILE_LIMIT, &text, &ignored);
	fingerprint_of(text.data, text.len, print);
	/* Not the fingerprint of any content: */
	if (result)
		memset(print, result > 0 ? '-' : '!', FINGERPRINT_SIZE - 1);
}

void inputs_print(enum input_kind kind, const char *path, char print[FINGERPRINT_SIZE])
{
	cleanup(buf_release) struct buf text = { 0 };
	scratch char *dir = inputs_file(kind, path);

	if (kind == INPUT_FILE || kind == INPUT_ABOVE) {
		print_file(path, print);
		return;
	}
	print_names(kind, dir, kind == INPUT_GLOB ? path + strlen(dir) + 2 : NULL, &text);
	fingerprint_of(text.data, text.len, print);
}

char *inputs_file(enum input_kind kind, const char *path)
{
	const char *end = kind == INPUT_GLOB ? strstr(path, "//") : NULL;

	return end ? xstrndup(path, (size_t)(end - path)) : xstrdup(path);
}

char *inputs_watched(enum input_kind kind, const char *path)
{
	char *file;

	if (kind == INPUT_ABOVE)
		return NULL;
	file = inputs_file(kind, path);
	while (!file_exists(file)) {
		char *dir = path_dir(file);

		free(file);
		file = dir;
	}
	return file;
}

static void walk(struct go_inputs *inputs, enum input_kind kind, const char *dir, int depth);

/* A directory that is embedded whole, unless it is another module. */
static void walk_package(struct go_inputs *inputs, enum input_kind kind, const char *dir, int depth)
{
	scratch char *module = path_join(dir, "go.mod");

	if (file_exists(module))
		inputs_add_glob(inputs, dir, "go.mod");
	else
		walk(inputs, kind, dir, depth);
}

static void walk(struct go_inputs *inputs, enum input_kind kind, const char *dir, int depth)
{
	cleanup(strs_release) struct strs names = { 0 };
	struct err ignored;

	inputs_add(inputs, kind, dir);
	if (depth > DEPTH_LIMIT || file_list(dir, &names, &ignored))
		return;
	for (size_t i = 0; i < names.n; i++) {
		scratch char *path = path_join(dir, names.v[i]);

		if (is_bad(names.v[i]) || (kind == INPUT_WALKED && is_hidden(names.v[i])) ||
			type_of(path) != 'd')
			continue;
		walk_package(inputs, kind, path, depth + 1);
	}
}

/* The part of a pattern from one slash to the next, in dir; then the rest in what matches. */
static void expand(struct go_inputs *inputs, enum input_kind kind, const char *dir,
	const char *pattern, int depth)
{
	cleanup(strs_release) struct strs names = { 0 };
	size_t n = strcspn(pattern, "/");
	scratch char *part = xstrndup(pattern, n);
	const char *rest = pattern + n + strspn(pattern + n, "/");
	struct err ignored;

	inputs_add_glob(inputs, dir, part);
	if (depth > DEPTH_LIMIT || file_list(dir, &names, &ignored))
		return;
	for (size_t i = 0; i < names.n; i++) {
		scratch char *path = path_join(dir, names.v[i]);

		if (fnmatch(part, names.v[i], 0) || type_of(path) != 'd')
			continue;
		if (!*rest) {
			walk_package(inputs, kind, path, depth + 1);
			continue;
		}
		inputs_add_glob(inputs, path, "go.mod");
		expand(inputs, kind, path, rest, depth + 1);
	}
}

void inputs_add_embed(struct go_inputs *inputs, const char *dir, const char *pattern)
{
	bool all = starts_with(pattern, "all:");

	pattern += all ? strlen("all:") : 0;
	/* "." alone is the package's directory itself. */
	if (!strcmp(pattern, "."))
		walk(inputs, all ? INPUT_WALKED_ALL : INPUT_WALKED, dir, 0);
	else
		expand(inputs, all ? INPUT_WALKED_ALL : INPUT_WALKED, dir, pattern, 0);
}
