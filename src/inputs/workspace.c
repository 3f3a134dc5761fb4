#include "workspace.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "kopath.h"

/*
 * Inside this file directories are absolute; what is given out is made relative by shown().
 *
 * An import path belongs to the module whose path is its longest prefix at a slash, as for the go
 * command, with three turns more: a go.mod between the module's root and the package cuts the
 * package off, and that go.mod decides; a module that some go.mod requires may have a longer path;
 * and when nothing fits, the tree below the root is searched once for modules that nothing refers
 * to, as there are in repositories with several modules and no go.work.
 */

#define MODULES_LIMIT 10000
#define DIRECTORIES_LIMIT 100000
#define DEPTH_LIMIT 24

/* How many bytes of whole components a and b have in common, without the slash after them. */
static size_t common(const char *a, const char *b)
{
	size_t n = 0, at = 0;

	for (; a[n] && a[n] == b[n]; n++) {
		if (a[n] == '/')
			at = n;
	}
	if ((!a[n] || a[n] == '/') && (!b[n] || b[n] == '/'))
		at = n;
	return at;
}

/* The path as seen from the working directory. malloced. */
static char *shown(const struct workspace *ws, const char *path)
{
	size_t n = common(ws->cwd, path);
	struct buf out = { 0 };

	if (!n)
		return xstrdup(path);
	for (const char *s = ws->cwd + n; *s; s++) {
		if (*s == '/')
			buf_addstr(&out, out.len ? "/.." : "..");
	}
	if (path[n])
		buf_addf(&out, "%s%s", out.len ? "/" : "", path + n + 1);
	if (!out.len)
		buf_addch(&out, '.');
	return buf_detach(&out);
}

static void note(const struct workspace *ws, struct strs *list, const char *path)
{
	scratch char *text = shown(ws, path);

	if (!strs_has(list, text))
		strs_add(list, text);
}

static bool is_file(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode);
}

/* dir/name for absolute directories. */
static char *below(const char *dir, const char *name)
{
	scratch char *joined = path_join(dir, name);

	return path_clean(joined);
}

/* The nearest directory from dir up to (not including) stop, NULL for the root, that holds a file
 * called name. Those that do not are noted. malloced, NULL for none. */
static char *find_up(struct workspace *ws, const char *dir, const char *stop, const char *name)
{
	scratch char *at = xstrdup(dir);

	while (!stop || strcmp(at, stop) != 0) {
		scratch char *file = below(at, name);
		char *up;

		if (is_file(file))
			return steal(&at);
		note(ws, &ws->absent, file);
		if (!strcmp(at, "/"))
			break;
		up = path_dir(at);
		free(at);
		at = up;
	}
	return NULL;
}

static int read_mod(struct workspace *ws, enum gomod_kind kind, const char *path, struct gomod *mod,
	struct err *err)
{
	cleanup(buf_release) struct buf text = { 0 };
	scratch char *name = shown(ws, path);

	if (file_read(path, GOMOD_LIMIT, &text, err))
		return -1;
	note(ws, &ws->files, path);
	return gomod_parse(mod, kind, name, buf_str(&text), text.len, err);
}

static struct workspace_module *module_at(const struct workspace *ws, const char *dir)
{
	for (size_t i = 0; i < ws->n; i++) {
		if (!strcmp(ws->modules[i].path, dir))
			return &ws->modules[i];
	}
	return NULL;
}

/* Reads the go.mod in dir and adds the module; one that is there already stays. */
static int add_module(struct workspace *ws, const char *dir, bool outside, struct err *err)
{
	scratch char *file = below(dir, "go.mod");
	struct gomod mod = { 0 };

	if (module_at(ws, dir))
		return 0;
	if (ws->n == MODULES_LIMIT)
		return err_set(err, ERR_INPUT, "%s: more than 10000 modules", ws->root);
	if (read_mod(ws, GOMOD_MOD, file, &mod, err))
		return -1;
	grow(ws->modules, ws->n, ws->cap);
	ws->modules[ws->n++] = (struct workspace_module){
		.dir = shown(ws, dir),
		.file = shown(ws, file),
		.mod = mod,
		.path = xstrdup(dir),
		.outside = outside,
	};
	return 0;
}

/* Walking the tree below the root for go.mod files. */
struct walk {
	struct workspace *ws;
	size_t directories;
	struct err *err;
};

static bool passed_over(const char *name)
{
	return *name == '.' || *name == '_' || !strcmp(name, "vendor") ||
		!strcmp(name, "testdata") || !strcmp(name, "node_modules");
}

static bool entry_is_dir(const char *dir, const struct dirent *entry)
{
	scratch char *path = NULL;
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	path = below(dir, entry->d_name);
	return !lstat(path, &st) && S_ISDIR(st.st_mode);
}

/* The directories in dir that are searched, sorted. Returns whether dir holds a go.mod. */
static bool list_dirs(const char *dir, struct strs *names)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;
	bool found = false;

	while (stream && (entry = readdir(stream))) {
		if (!strcmp(entry->d_name, "go.mod"))
			found = true;
		else if (!passed_over(entry->d_name) && entry_is_dir(dir, entry))
			strs_add(names, entry->d_name);
	}
	if (stream)
		closedir(stream);
	strs_sort(names);
	return found;
}

static int walk_dir(struct walk *walk, const char *dir, unsigned depth)
{
	struct workspace *ws = walk->ws;
	cleanup(strs_release) struct strs names = { 0 };
	struct err err = { 0 };

	if (++walk->directories > DIRECTORIES_LIMIT || depth > DEPTH_LIMIT)
		return err_set(walk->err, ERR_INPUT,
			"%s: searched %d directories, %u deep, for modules; name them in a go.work",
			ws->root, DIRECTORIES_LIMIT, depth);
	strs_take(&ws->dirs, shown(ws, dir));
	if (list_dirs(dir, &names) && add_module(ws, dir, ws->gowork != NULL, &err))
		ws->skipped = err;
	for (size_t i = 0; i < names.n; i++) {
		scratch char *path = below(dir, names.v[i]);

		if (walk_dir(walk, path, depth + 1))
			return -1;
	}
	return 0;
}

static int walk_once(struct workspace *ws, struct err *err)
{
	struct walk walk = { .ws = ws, .err = err };

	if (ws->walked)
		return 0;
	ws->walked = true;
	return walk_dir(&walk, ws->top, 0);
}

/* The modules that a go.work uses. */
static int add_uses(
	struct workspace *ws, const char *file, const struct gomod *work, struct err *err)
{
	for (size_t i = 0; i < work->uses.n; i++) {
		scratch char *dir = below(ws->top, work->uses.v[i]);
		scratch char *mod = below(dir, "go.mod");
		scratch char *name = shown(ws, file);

		if (!is_file(mod))
			return err_set(err, ERR_INPUT,
				"%s: use %s: there is no go.mod; \"go work edit -dropuse %s\" "
				"removes it",
				name, work->uses.v[i], work->uses.v[i]);
		if (add_module(ws, dir, false, err))
			return -1;
	}
	return 0;
}

static int load_work(struct workspace *ws, const char *file, struct err *err)
{
	struct gomod work = { 0 };
	int result;

	ws->top = path_dir(file);
	ws->gowork = shown(ws, file);
	if (read_mod(ws, GOMOD_WORK, file, &work, err))
		return -1;
	result = add_uses(ws, file, &work, err);
	gomod_release(&work);
	return result;
}

/* The go.work that applies, as the go command looks for it: *file NULL for none. */
static int find_work(struct workspace *ws, const char *start, char **file, struct err *err)
{
	const char *set = getenv("GOWORK");
	scratch char *dir = NULL;

	*file = NULL;
	if (set && !strcmp(set, "off"))
		return 0;
	if (set && *set && strcmp(set, "auto") != 0) {
		if (*set != '/')
			return err_set(err, ERR_USAGE, "GOWORK=%s: is not an absolute path", set);
		*file = path_clean(set);
		return 0;
	}
	dir = find_up(ws, start, NULL, "go.work");
	if (dir)
		*file = below(dir, "go.work");
	return 0;
}

/* Puts the module around the start in front. */
static void home_first(struct workspace *ws)
{
	for (size_t i = 1; i < ws->n; i++) {
		struct workspace_module module = ws->modules[i];

		if (strcmp(module.path, ws->home) != 0)
			continue;
		memmove(ws->modules + 1, ws->modules, i * sizeof module);
		ws->modules[0] = module;
	}
}

static int find_modules(
	struct workspace *ws, const char *start, const char *work, bool in_module, struct err *err)
{
	if (work)
		return load_work(ws, work, err);
	ws->top = xstrdup(in_module ? ws->home : start);
	return in_module ? add_module(ws, ws->top, false, err) : walk_once(ws, err);
}

int workspace_find(struct workspace *ws, const char *dir, struct err *err)
{
	scratch char *start = path_absolute(dir);
	scratch char *work = NULL;
	bool in_module;

	ws->cwd = path_absolute(".");
	if (find_work(ws, start, &work, err))
		return -1;
	ws->home = find_up(ws, start, NULL, "go.mod");
	in_module = ws->home != NULL;
	if (find_modules(ws, start, work, in_module, err))
		return -1;
	if (!in_module)
		ws->home = xstrdup(ws->top);
	ws->root = shown(ws, ws->top);
	home_first(ws);
	return 0;
}

/* The rest of path below a module's path: "" for the module itself, NULL when it is not below. */
static const char *rest_of(const char *path, const char *module)
{
	size_t n = strlen(module);

	if (strncmp(path, module, n) != 0 || (path[n] && path[n] != '/'))
		return NULL;
	return path[n] ? path + n + 1 : path + n;
}

/* The module of ours with the longest path that path is below, or NULL. */
static struct workspace_module *best_module(const struct workspace *ws, const char *path)
{
	struct workspace_module *best = NULL;

	for (size_t i = 0; i < ws->n; i++) {
		struct workspace_module *module = &ws->modules[i];

		if (rest_of(path, module->mod.module) &&
			(!best || strlen(module->mod.module) > strlen(best->mod.module) ||
				(best->outside && !module->outside &&
					!strcmp(module->mod.module, best->mod.module))))
			best = module;
	}
	return best;
}

static size_t longest_require(const struct gomod *mod, const char *path)
{
	size_t longest = 0;

	for (size_t i = 0; i < mod->n_requires; i++) {
		size_t n = strlen(mod->requires[i].path);

		if (n > longest && rest_of(path, mod->requires[i].path))
			longest = n;
	}
	return longest;
}

/* The module whose go.mod requires one that path may belong to, the longest path first. */
static struct workspace_module *requiring_module(const struct workspace *ws, const char *path)
{
	struct workspace_module *best = NULL;
	size_t longest = 0;

	for (size_t i = 0; i < ws->n; i++) {
		size_t n = longest_require(&ws->modules[i].mod, path);

		if (n > longest && !ws->modules[i].outside) {
			longest = n;
			best = &ws->modules[i];
		}
	}
	return best;
}

/* One reference being located. */
struct search {
	struct workspace *ws;
	const char *path, *where;
	struct err *err;
};

/* WHERE: ko://PATH: and the text. */
static int __attribute__((format(printf, 2, 3)))
refuse(const struct search *search, const char *format, ...)
{
	va_list args;
	char why[sizeof search->err->text];

	va_start(args, format);
	vsnprintf(why, sizeof why, format, args);
	va_end(args);
	return err_set(search->err, ERR_INPUT, "%s%sko://%s: %s",
		search->where ? search->where : "", search->where ? ": " : "", search->path, why);
}

/* "module is M (FILE)", or "modules are M (FILE), ... and N more". */
static void describe_modules(const struct workspace *ws, struct buf *out)
{
	size_t most = ws->n > 5 ? 4 : ws->n;

	if (!ws->n) {
		buf_addf(out, "there is no go.mod in %s, above or below it", ws->root);
		return;
	}
	buf_addstr(out, ws->n == 1 ? "module is " : "modules are ");
	for (size_t i = 0; i < most; i++) {
		buf_addf(out, "%s%s (%s)", i ? ", " : "", ws->modules[i].mod.module,
			ws->modules[i].file);
	}
	if (most < ws->n)
		buf_addf(out, " and %zu more", ws->n - most);
}

/* A path in one of our modules that ends like the wrong one. malloced, or NULL. */
static char *guess(const struct search *search)
{
	const struct workspace *ws = search->ws;

	for (const char *s = search->path; s; s = strchr(s, '/')) {
		const char *tail = *s == '/' ? ++s : s;

		for (size_t i = 0; *tail && i < ws->n; i++) {
			scratch char *dir = below(ws->modules[i].path, tail);

			if (file_is_dir(dir))
				return xasprintf("%s/%s", ws->modules[i].mod.module, tail);
		}
	}
	return NULL;
}

static int no_match(const struct search *search)
{
	cleanup(buf_release) struct buf modules = { 0 };
	scratch char *instead = guess(search);

	describe_modules(search->ws, &modules);
	if (search->ws->skipped.class)
		buf_addf(&modules, " (passed over: %s)", search->ws->skipped.text);
	if (instead)
		return refuse(search,
			"import path does not match go.mod: %s; write ko://%s in the manifest or "
			"change "
			"the module path",
			buf_str(&modules), instead);
	return refuse(search,
		"import path does not match go.mod: %s; fix the manifest or the module path",
		buf_str(&modules));
}

static int not_in_work(const struct search *search, const struct workspace_module *module)
{
	return refuse(search, "module %s (%s) is not in %s; \"go work use %s%s\" adds it",
		module->mod.module, module->file, search->ws->gowork,
		*module->dir == '/' || *module->dir == '.' ? "" : "./", module->dir);
}

static int no_package(
	const struct search *search, const struct workspace_module *module, const char *dir)
{
	scratch char *name = shown(search->ws, dir);
	scratch char *instead = guess(search);

	if (instead)
		return refuse(search,
			"import path does not match go.mod: no such package: module %s (%s) has no "
			"directory %s; there is ko://%s",
			module->mod.module, module->file, name, instead);
	return refuse(search,
		"import path does not match go.mod: no such package: module %s (%s) has no "
		"directory %s",
		module->mod.module, module->file, name);
}

/* Another module with the same path: nobody can say which one is meant. */
static int check_unique(const struct search *search, const struct workspace_module *module)
{
	const struct workspace *ws = search->ws;

	for (size_t i = 0; i < ws->n; i++) {
		const struct workspace_module *other = &ws->modules[i];

		if (other != module && other->outside == module->outside &&
			!strcmp(other->mod.module, module->mod.module))
			return refuse(search, "two modules are called %s: %s and %s; rename one",
				module->mod.module, module->file, other->file);
	}
	return 0;
}

/* Fills the answer for a package in one of our modules. */
static int found(const struct search *search, const struct workspace_module *module,
	const char *dir, const char *importpath, struct location *location)
{
	if (module->outside)
		return not_in_work(search, module);
	if (check_unique(search, module))
		return -1;
	location->importpath = xstrdup(importpath);
	location->dir = xstrdup(search->ws->gowork ? search->ws->root : module->dir);
	location->package = shown(search->ws, dir);
	return 0;
}

/* A go.mod between the module's root and the package makes it part of another module. Returns 1
 * with the directory of that go.mod, 0 for none. */
static int cut_off(
	struct workspace *ws, const struct workspace_module *module, const char *dir, char **inner)
{
	*inner = find_up(ws, dir, module->path, "go.mod");
	return *inner != NULL;
}

/* The module around a package is not the one that the import path says. */
static int wrong_module(
	const struct search *search, const struct workspace_module *module, const char *inner)
{
	const struct workspace_module *other = module_at(search->ws, inner);

	return refuse(search,
		"import path does not match go.mod: module is %s (%s), which parts the directory "
		"from "
		"%s (%s); fix the manifest or the module path",
		other->mod.module, other->file, module->mod.module, module->file);
}

/* Looks in the module of ours that fits best. Returns 1 when there is no such package. */
static int in_module(const struct search *search, size_t index, struct location *location)
{
	struct workspace *ws = search->ws;
	const char *rest = rest_of(search->path, ws->modules[index].mod.module);
	scratch char *dir = below(ws->modules[index].path, *rest ? rest : ".");
	scratch char *inner = NULL;
	struct workspace_module *best;

	if (!file_is_dir(dir))
		return 1;
	if (!cut_off(ws, &ws->modules[index], dir, &inner))
		return found(search, &ws->modules[index], dir, search->path, location);
	if (add_module(ws, inner, ws->gowork != NULL, search->err))
		return -1;
	best = best_module(ws, search->path);
	if (best == &ws->modules[index])
		return wrong_module(search, best, inner);
	return in_module(search, (size_t)(best - ws->modules), location);
}

static int required(const struct search *search, const struct workspace_module *module,
	struct location *location)
{
	location->importpath = xstrdup(search->path);
	location->dir = xstrdup(search->ws->gowork ? search->ws->root : module->dir);
	location->package = NULL;
	return 0;
}

static int locate_import(const struct search *search, struct location *location)
{
	struct workspace *ws = search->ws;
	struct workspace_module *module = best_module(ws, search->path);
	struct workspace_module *requiring = requiring_module(ws, search->path);
	int result = module ? in_module(search, (size_t)(module - ws->modules), location) : 1;

	if (result <= 0)
		return result;
	if (requiring)
		return required(search, requiring, location);
	if (walk_once(ws, search->err))
		return -1;
	module = best_module(ws, search->path);
	requiring = requiring_module(ws, search->path);
	if (!module)
		return requiring ? required(search, requiring, location) : no_match(search);
	result = in_module(search, (size_t)(module - ws->modules), location);
	if (result == 1) {
		const char *rest = rest_of(search->path, module->mod.module);
		scratch char *dir = below(module->path, rest);

		return no_package(search, module, dir);
	}
	return result;
}

/* The import path of a directory in a module. malloced. */
static char *import_path(const struct workspace_module *module, const char *dir)
{
	size_t top = strcmp(module->path, "/") ? strlen(module->path) : 0;

	return xasprintf("%s%s", module->mod.module, dir[top] && dir[top + 1] ? dir + top : "");
}

static int locate_dir(const struct search *search, const char *dir, struct location *location)
{
	struct workspace *ws = search->ws;
	scratch char *top = NULL;
	scratch char *name = shown(ws, dir);
	scratch char *importpath = NULL;
	struct workspace_module *module;

	if (!file_is_dir(dir))
		return refuse(search, "no such package: %s is %s", name,
			file_exists(dir) ? "a file; name its directory" : "not there");
	top = find_up(ws, dir, NULL, "go.mod");
	if (!top)
		return refuse(search,
			"import path does not match go.mod: there is no go.mod in %s or above it",
			name);
	if (add_module(ws, top, ws->gowork != NULL, search->err))
		return -1;
	module = module_at(ws, top);
	importpath =
		xasprintf("%s%s", module->mod.module, dir + (strcmp(top, "/") ? strlen(top) : 0));
	return found(search, module, dir, importpath, location);
}

int workspace_locate(struct workspace *ws, const char *path, const char *where,
	struct location *location, struct err *err)
{
	struct search search = { ws, path, where, err };
	scratch char *dir = NULL;

	if (!kopath_is_dir(path))
		return locate_import(&search, location);
	dir = below(ws->home, path);
	return locate_dir(&search, dir, location);
}

int workspace_locate_dir(struct workspace *ws, const char *dir, const char *where,
	struct location *location, struct err *err)
{
	struct search search = { ws, dir, where, err };
	scratch char *path = path_absolute(dir);

	return locate_dir(&search, path, location);
}

int workspace_import_path(const char *dir, char **importpath, struct strs *files,
	struct strs *absent, struct err *err)
{
	struct workspace ws = { .cwd = path_absolute("."), .files = *files, .absent = *absent };
	scratch char *path = path_absolute(dir);
	scratch char *top = find_up(&ws, path, NULL, "go.mod");
	int result = -1;

	if (!top)
		err_set(err, ERR_INPUT, "there is no go.mod in %s or above it", dir);
	else
		result = add_module(&ws, top, false, err);
	if (!result)
		*importpath = import_path(&ws.modules[0], path);
	*files = ws.files;
	*absent = ws.absent;
	ws.files = ws.absent = (struct strs){ 0 };
	workspace_release(&ws);
	return result;
}

void location_release(struct location *location)
{
	free(location->importpath);
	free(location->dir);
	free(location->package);
	*location = (struct location){ 0 };
}

void workspace_release(struct workspace *ws)
{
	for (size_t i = 0; i < ws->n; i++) {
		free(ws->modules[i].dir);
		free(ws->modules[i].file);
		free(ws->modules[i].path);
		gomod_release(&ws->modules[i].mod);
	}
	free(ws->modules);
	free(ws->gowork);
	free(ws->root);
	free(ws->cwd);
	free(ws->home);
	free(ws->top);
	strs_release(&ws->files);
	strs_release(&ws->absent);
	strs_release(&ws->dirs);
	*ws = (struct workspace){ 0 };
}
