#include "modules.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/proc.h"
#include "formats/record.h"
#include "goflags.h"
#include "inputs/gomod.h"

/* "/dev/null" and "off" stand for none. */
static bool is_file(const char *path)
{
	return path && *path == '/' && strcmp(path, "/dev/null");
}

static void add_beside(struct go_inputs *inputs, const char *dir, const char *name)
{
	inputs_take(inputs, INPUT_FILE, path_join(dir, name));
}

/* A directory seen from another, as go.mod and flags name it. malloced. */
static char *path_from(const char *dir, const char *path)
{
	scratch char *joined = path_join(dir, path);

	return path_absolute(joined);
}

/* Modules that a go.mod or go.work names by directory: their go.mod decides over versions too. */
static void add_named_modules(struct go_inputs *inputs, enum gomod_kind kind, const char *file)
{
	cleanup(gomod_release) struct gomod mod = { 0 };
	cleanup(buf_release) struct buf text = { 0 };
	scratch char *dir = path_dir(file);
	struct err ignored;

	if (file_read_if_exists(file, GOMOD_LIMIT, &text, &ignored) ||
		gomod_parse(&mod, kind, file, buf_str(&text), text.len, &ignored))
		return;
	for (size_t i = 0; i < mod.n_replaces; i++) {
		scratch char *target = path_from(dir, mod.replaces[i].target);

		if (!mod.replaces[i].target_version)
			add_beside(inputs, target, "go.mod");
	}
	for (size_t i = 0; i < mod.uses.n; i++) {
		scratch char *used = path_from(dir, mod.uses.v[i]);
		scratch char *its_mod = path_join(used, "go.mod");

		inputs_add(inputs, INPUT_FILE, its_mod);
		add_beside(inputs, used, "go.sum");
		add_named_modules(inputs, GOMOD_MOD, its_mod);
	}
}

/* A go.mod or go.work that go starts from. */
static void add_main_file(struct go_inputs *inputs, enum gomod_kind kind, const char *file)
{
	scratch char *dir = path_dir(file);

	if (!is_file(file))
		return;
	inputs_add(inputs, INPUT_FILE, file);
	add_beside(inputs, dir, kind == GOMOD_MOD ? "go.sum" : "go.work.sum");
	add_beside(inputs, dir, "vendor");
	add_beside(inputs, dir, "vendor/modules.txt");
	add_named_modules(inputs, kind, file);
}

static bool has_git(const char *dir)
{
	scratch char *git = path_join(dir, ".git");

	return file_exists(git);
}

/*
 * A go.work that appears in any directory above counts. ninja and make watch for it as far up as
 * the repository goes: directories such as /tmp change all the time.
 */
static void add_above(struct go_inputs *inputs, const char *dir, const struct go_env *env)
{
	scratch char *last = is_file(env->gowork) ? path_dir(env->gowork) : xstrdup("/");
	cleanup(strs_release) struct strs dirs = { 0 };
	size_t repository = 1;

	strs_take(&dirs, path_absolute(dir));
	while (strcmp(dirs.v[dirs.n - 1], last) && strcmp(dirs.v[dirs.n - 1], "/"))
		strs_take(&dirs, path_dir(dirs.v[dirs.n - 1]));
	for (size_t i = 0; i < dirs.n; i++) {
		if (has_git(dirs.v[i]))
			repository = i + 1;
	}
	for (size_t i = 0; i < dirs.n; i++)
		inputs_take(inputs, i < repository ? INPUT_FILE : INPUT_ABOVE,
			path_join(dirs.v[i], "go.work"));
}

/* A go.mod that appears between a package and its module's root cuts the package off. */
static void add_between(struct go_inputs *inputs, const char *dir, const struct strs *roots)
{
	scratch char *at = xstrdup(dir);
	size_t depth = inputs->v[INPUT_GLOB].n;
	bool found;

	while (!(found = strs_has(roots, at)) && strcmp(at, "/") && strcmp(at, ".")) {
		char *up = path_dir(at);

		inputs_add_glob(inputs, at, "go.mod");
		free(at);
		at = up;
	}
	/* Not in a module of ours: vendored, or the standard library. */
	while (!found && inputs->v[INPUT_GLOB].n > depth)
		free(inputs->v[INPUT_GLOB].v[--inputs->v[INPUT_GLOB].n]);
}

/* Another module's directory can be exchanged as a whole, for one with older files. */
static void add_root(struct go_inputs *inputs, const char *root, const struct go_env *env)
{
	scratch char *own = env->gomod ? path_dir(env->gomod) : xstrdup("");
	scratch char *parent = path_dir(root);

	if (strcmp(root, own) && strcmp(parent, "/"))
		inputs_add_glob(inputs, parent, path_base(root));
}

static void add_toolchain(struct go_inputs *inputs, const struct go_env *env)
{
	scratch char *launcher = proc_find("go");

	if (launcher)
		inputs_take(inputs, INPUT_FILE, path_absolute(launcher));
	if (is_file(env->goenv))
		inputs_add(inputs, INPUT_FILE, env->goenv);
	if (!is_file(env->goroot))
		return;
	add_beside(inputs, env->goroot, "VERSION");
	add_beside(inputs, env->goroot, "go.env");
	add_beside(inputs, env->goroot, "bin/go");
}

/* {"Replace": {FILE: FILE, ...}} (go help build, -overlay) */
static void add_overlay(struct go_inputs *inputs, const char *dir, const char *file)
{
	cleanup(buf_release) struct buf text = { 0 };
	scratch char *path = path_from(dir, file);
	cleanup(json_release) json_t *overlay = NULL;
	struct err ignored;
	const char *from;
	json_t *to;

	inputs_add(inputs, INPUT_FILE, path);
	if (file_read_if_exists(path, FILE_LIMIT, &text, &ignored))
		return;
	overlay = json_from(path, buf_str(&text), text.len, &ignored);
	json_object_foreach (json_object_get(overlay, "Replace"), from, to) {
		if (json_string_length(to))
			inputs_take(inputs, INPUT_FILE, path_from(dir, json_string_value(to)));
	}
}

static void add_flag_files(struct go_inputs *inputs, const char *dir, const struct strs *flags)
{
	cleanup(strs_release) struct strs overlays = { 0 };
	cleanup(strs_release) struct strs profiles = { 0 };
	cleanup(strs_release) struct strs modfiles = { 0 };

	goflags_values(&overlays, flags, "overlay");
	goflags_values(&profiles, flags, "pgo");
	goflags_values(&modfiles, flags, "modfile");
	for (size_t i = 0; i < overlays.n; i++)
		add_overlay(inputs, dir, overlays.v[i]);
	for (size_t i = 0; i < profiles.n; i++) {
		if (strcmp(profiles.v[i], "auto") && strcmp(profiles.v[i], "off"))
			inputs_take(inputs, INPUT_FILE, path_from(dir, profiles.v[i]));
	}
	for (size_t i = 0; i < modfiles.n; i++) {
		scratch char *file = path_from(dir, modfiles.v[i]);
		size_t n = strlen(file) - (ends_with(file, ".mod") ? strlen(".mod") : 0);

		inputs_add(inputs, INPUT_FILE, file);
		inputs_take(inputs, INPUT_FILE, xasprintf("%.*s.sum", (int)n, file));
		add_named_modules(inputs, GOMOD_MOD, file);
	}
}

void modules_inputs(struct go_inputs *inputs, const struct go_list *list, const struct go_env *env,
	const char *dir, const struct strs *flags)
{
	for (size_t i = 0; i < list->modules.n; i++)
		inputs_add(inputs, INPUT_FILE, list->modules.v[i]);
	if (env->gomod)
		add_main_file(inputs, GOMOD_MOD, env->gomod);
	if (env->gowork)
		add_main_file(inputs, GOMOD_WORK, env->gowork);
	if (!env->gowork || strcmp(env->gowork, "off"))
		add_above(inputs, dir, env);
	for (size_t i = 0; i < list->n; i++) {
		if (list->v[i].changes)
			add_between(inputs, list->v[i].dir, &list->roots);
	}
	for (size_t i = 0; i < list->roots.n; i++)
		add_root(inputs, list->roots.v[i], env);
	add_toolchain(inputs, env);
	add_flag_files(inputs, dir, flags);
	inputs_sort(inputs);
}
