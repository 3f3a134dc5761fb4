#include "faults.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "inputs/gomod.h"

void faults_add(struct faults *faults, const char *program, char *reason)
{
	scratch char *owned = reason;

	if (strs_has(&faults->programs, program))
		return;
	strs_add(&faults->programs, program);
	strs_add(&faults->reasons, owned);
}

/* The module around the directory in which go is run, "" where there is none. malloced. */
static char *module_path(const char *file)
{
	cleanup(gomod_release) struct gomod mod = { 0 };
	cleanup(buf_release) struct buf text = { 0 };
	struct err ignored;

	if (!file || file_read_if_exists(file, GOMOD_LIMIT, &text, &ignored) ||
		gomod_parse(&mod, GOMOD_MOD, file, buf_str(&text), text.len, &ignored) ||
		!mod.module)
		return xstrdup("");
	return xstrdup(mod.module);
}

static char *not_in_module(const char *importpath, const struct go_env *env)
{
	scratch char *module = module_path(env->gomod);
	scratch char *file = env->gomod ? path_relative(env->gomod) : xstrdup("");
	size_t n = strlen(module);

	if (!n)
		return xasprintf("import path does not match go.mod: no module here provides %s",
			importpath);
	if (!strncmp(importpath, module, n) && importpath[n] == '/')
		return xasprintf("import path does not match go.mod: no such package in module %s "
				 "(%s); a directory %s with Go files is wanted",
			module, file, importpath + n + 1);
	return xasprintf("import path does not match go.mod: module is %s (%s), and nothing that "
			 "it requires provides %s",
		module, file, importpath);
}

static bool is_unknown(const char *error)
{
	static const char *const texts[] = { "no required module provides package",
		"cannot find module providing package", "is not in std", "is not in GOROOT",
		"cannot find package" };

	for (size_t i = 0; i < countof(texts); i++) {
		if (strstr(error, texts[i]))
			return true;
	}
	return false;
}

/* The first line of go's words. malloced. */
static char *first_line(const char *text)
{
	return xstrndup(text, strcspn(text, "\n"));
}

/* What excludes a file: its "//go:build" line ("go help buildconstraint"), that it is for cgo,
 * which is off, or its name. malloced. */
static char *constraint(const char *dir, const char *name)
{
	cleanup(buf_release) struct buf text = { 0 };
	scratch char *path = path_join(dir ? dir : ".", name);
	struct err ignored;
	const char *line;

	if (file_read_if_exists(path, FILE_LIMIT, &text, &ignored))
		return xstrdup("");
	for (line = buf_str(&text); line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (starts_with(line, "//go:build ") || starts_with(line, "import \"C\""))
			return *line == '/' ? xasprintf(" (%.*s)", (int)strcspn(line, "\r\n"), line)
					    : xstrdup(" (cgo, which is off)");
	}
	return xstrdup(" (by its name)");
}

static char *excluded(const struct go_package *package, const struct go_group *group)
{
	cleanup(buf_release) struct buf names = { 0 };

	for (size_t i = 0; i < package->ignored.n && i < 5; i++) {
		scratch char *why = constraint(package->dir, package->ignored.v[i]);

		buf_addf(&names, "%s%s%s", i ? ", " : "", package->ignored.v[i], why);
	}
	return xasprintf("build constraints exclude all Go files for %s: %s%s", group->platform,
		buf_str(&names), package->ignored.n > 5 ? ", ..." : "");
}

/* What is wrong with a program itself; NULL: nothing. malloced. */
static char *own_fault(
	const struct go_package *package, const struct go_env *env, const struct go_group *group)
{
	if (package->error && !package->dir && is_unknown(package->error))
		return not_in_module(package->importpath, env);
	if (package->error && strstr(package->error, "build constraints exclude all Go files"))
		return excluded(package, group);
	if (package->error)
		return first_line(package->error);
	if (!package->main)
		return xstrdup("not a program: importpath is not `package main`; name the package "
			       "of a command");
	return NULL;
}

static void add_broken_deps(
	struct faults *faults, const struct go_list *list, const struct go_package *program)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct go_package *package = &list->v[i];

		if (package->error && !package->wanted &&
			strs_has(&program->deps, package->importpath)) {
			faults_add(faults, program->importpath, first_line(package->error));
			return;
		}
	}
}

void faults_of_list(struct faults *faults, const struct go_list *list, const struct go_env *env,
	const struct go_group *group)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct go_package *package = &list->v[i];
		char *reason;

		if (!package->wanted)
			continue;
		reason = own_fault(package, env, group);
		if (reason)
			faults_add(faults, package->importpath, reason);
		else
			add_broken_deps(faults, list, package);
	}
}

/* What go build wrote begins a paragraph for each package that failed with "# IMPORTPATH". */
static bool names_package(const char *said, const char *importpath)
{
	size_t n = strlen(importpath);

	for (const char *p = said; (p = strstr(p, "# ")); p += 2) {
		if ((p == said || p[-1] == '\n') && !strncmp(p + 2, importpath, n) &&
			strchr(" \n", p[2 + n]))
			return true;
	}
	return false;
}

static bool is_broken(const struct state *state, const struct program *program, const char *said)
{
	for (size_t i = 0; i < program->n; i++) {
		const char *name = state->units[program->units[i]].name;

		if (*name && names_package(said, name))
			return true;
	}
	return false;
}

void faults_of_build(struct faults *faults, const struct state *state, const char *said)
{
	bool named = faults->programs.n > 0;

	for (size_t i = 0; i < state->program_count; i++)
		named |= is_broken(state, &state->programs[i], said);
	for (size_t i = 0; i < state->program_count; i++) {
		const struct program *program = &state->programs[i];

		if (!named || is_broken(state, program, said))
			faults_add(faults, program->importpath, xstrdup("go build failed"));
	}
}

/* "config/app.yaml:21:16: ko://github.com/user/myapp", or the import path alone. malloced. */
static char *where(const struct go_group *group, const char *importpath)
{
	const struct records *lists[] = { group->found, &group->records };

	for (size_t i = 0; i < countof(lists); i++) {
		for (size_t j = 0; lists[i] && j < records_count(lists[i]); j++) {
			const json_t *record = records_at(lists[i], j);
			const char *path = record_get(record, "importpath");
			const char *place = json_string_value(
				json_array_get(json_object_get(record, "found"), 0));

			if (path && place && !strcmp(path, importpath))
				return xasprintf("%s: ko://%s", place, importpath);
		}
	}
	return xstrdup(importpath);
}

int faults_report(const struct faults *faults, const struct go_group *group, struct buf *said,
	struct err *err)
{
	cleanup(buf_release) struct buf all = { 0 };

	for (size_t i = 0; i < faults->programs.n; i++) {
		scratch char *place = where(group, faults->programs.v[i]);

		if (!i)
			err_set(err, ERR_FAILED, "%s: %s", place, faults->reasons.v[i]);
		else
			buf_addf(&all, "%s: %s\n", place, faults->reasons.v[i]);
	}
	buf_add(&all, buf_str(said), said->len);
	buf_clear(said);
	buf_add(said, buf_str(&all), all.len);
	return -1;
}

void faults_release(struct faults *faults)
{
	strs_release(&faults->programs);
	strs_release(&faults->reasons);
}
