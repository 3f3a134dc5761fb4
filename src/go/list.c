/*
 * "go list -deps -json" prints one JSON object after another, a package each, dependencies first.
 * Only the fields that are asked for come, which makes it faster too (Go 1.19 and later).
 */
#include "list.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

#define FIELDS \
	"-json=ImportPath,Dir,Name,Standard,DepOnly,Module,Error,Deps," \
	"GoFiles,CgoFiles,IgnoredGoFiles,IgnoredOtherFiles,CFiles,CXXFiles,MFiles,HFiles,FFiles," \
	"SFiles,SwigFiles,SwigCXXFiles,SysoFiles,EmbedFiles,EmbedPatterns"

static const char *const file_fields[] = { "GoFiles", "CgoFiles", "IgnoredGoFiles",
	"IgnoredOtherFiles", "CFiles", "CXXFiles", "MFiles", "HFiles", "FFiles", "SFiles",
	"SwigFiles", "SwigCXXFiles", "SysoFiles", "EmbedFiles" };

void go_list_command(
	struct proc *proc, struct strs *argv, const struct strs *flags, const struct strs *packages)
{
	strs_add(argv, "go");
	strs_add(argv, "list");
	strs_add(argv, "-e");
	strs_add(argv, "-deps");
	strs_add(argv, FIELDS);
	for (size_t i = 0; i < flags->n; i++)
		strs_add(argv, flags->v[i]);
	strs_add(argv, "--");
	for (size_t i = 0; i < packages->n; i++)
		strs_add(argv, packages->v[i]);
	proc->argv = (const char *const *)strs_argv(argv);
}

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static bool is_test(const char *name)
{
	return ends_with(name, "_test.go");
}

static void add_files(struct go_package *package, const json_t *object)
{
	for (size_t i = 0; i < countof(file_fields); i++) {
		json_t *name;
		size_t j;

		json_array_foreach (json_object_get(object, file_fields[i]), j, name) {
			const char *file = json_string_value(name);

			if (file && !is_test(file))
				inputs_take(&package->inputs, INPUT_FILE,
					path_join(package->dir, file));
		}
	}
}

static void add_embeds(struct go_package *package, const json_t *object)
{
	json_t *pattern;
	size_t i;

	json_array_foreach (json_object_get(object, "EmbedPatterns"), i, pattern) {
		if (json_is_string(pattern))
			inputs_add_embed(
				&package->inputs, package->dir, json_string_value(pattern));
	}
}

/* Whether sources in dir stay as they are: the standard library and the module cache. */
static bool is_fixed(const json_t *object, const char *dir, const struct go_env *env)
{
	return json_is_true(json_object_get(object, "Standard")) ||
		path_is_below(dir, env->gomodcache);
}

static void add_module(struct go_list *list, const json_t *module, const struct go_env *env)
{
	const json_t *replace = json_object_get(module, "Replace");
	const char *file = text_of(replace ? replace : module, "GoMod");
	const char *dir = text_of(replace ? replace : module, "Dir");

	if (file && !path_is_below(file, env->gomodcache))
		strs_add(&list->modules, file);
	if (dir && !path_is_below(dir, env->gomodcache))
		strs_add(&list->roots, dir);
}

static void add_package(struct go_list *list, const json_t *object, const struct go_env *env)
{
	const char *name = text_of(object, "Name"), *dir = text_of(object, "Dir");
	const json_t *error = json_object_get(object, "Error");
	struct go_package *package;
	json_t *dep;
	size_t i;

	grow(list->v, list->n, list->cap);
	package = &list->v[list->n++];
	*package = (struct go_package){ .importpath = xstrdup(text_of(object, "ImportPath")),
		.dir = dir ? xstrdup(dir) : NULL,
		.wanted = !json_is_true(json_object_get(object, "DepOnly")),
		.main = name && !strcmp(name, "main"),
		.error = error && text_of(error, "Err") ? xstrdup(text_of(error, "Err")) : NULL };
	if (package->wanted) {
		json_array_foreach (json_object_get(object, "Deps"), i, dep)
			strs_add(&package->deps, json_string_value(dep));
	}
	json_array_foreach (json_object_get(object, "IgnoredGoFiles"), i, dep)
		strs_add(&package->ignored, json_string_value(dep));
	add_module(list, json_object_get(object, "Module"), env);
	if (!dir || (is_fixed(object, dir, env) && !package->wanted))
		return;
	package->changes = true;
	inputs_add(&package->inputs, INPUT_LISTED, dir);
	add_files(package, object);
	add_embeds(package, object);
	if (package->main && package->wanted)
		inputs_take(&package->inputs, INPUT_FILE, path_join(dir, "default.pgo"));
	inputs_sort(&package->inputs);
}

int go_list_parse(
	struct go_list *list, const struct go_env *env, const char *text, size_t n, struct err *err)
{
	const char *end = text + n;

	for (;;) {
		json_error_t error;
		json_t *object;

		while (text < end && strchr(" \t\r\n", *text))
			text++;
		if (text == end)
			break;
		object = json_loadb(text, (size_t)(end - text), JSON_DISABLE_EOF_CHECK, &error);
		if (!object || !text_of(object, "ImportPath")) {
			json_decref(object);
			return err_set(
				err, ERR_FAILED, "go list: unreadable answer: %s", error.text);
		}
		add_package(list, object, env);
		json_decref(object);
		text += error.position;
	}
	strs_sort(&list->modules);
	strs_sort(&list->roots);
	return 0;
}

void go_list_release(struct go_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		struct go_package *p = &list->v[i];

		free(p->importpath);
		free(p->dir);
		free(p->error);
		inputs_release(&p->inputs);
		strs_release(&p->ignored);
		strs_release(&p->deps);
	}
	free(list->v);
	strs_release(&list->modules);
	strs_release(&list->roots);
	*list = (struct go_list){ 0 };
}

int go_env_load(struct go_env *go, const char *dir, const struct strs *env, struct err *err)
{
	static const char *const argv[] = { "go", "env", "GOROOT", "GOMODCACHE", "GOWORK", "GOENV",
		"GOMOD", "GOFLAGS", NULL };
	char **fields[] = { &go->goroot, &go->gomodcache, &go->gowork, &go->goenv, &go->gomod,
		&go->goflags };
	cleanup(buf_release) struct buf out = { 0 };
	cleanup(buf_release) struct buf messages = { 0 };
	struct proc proc = {
		.argv = argv, .dir = dir, .env = env, .output = &out, .messages = &messages
	};
	int status = proc_run(&proc, err);
	const char *line;

	if (status)
		return status < 0 ? -1 : err_set(err, ERR_FAILED, "go env: %s", buf_str(&messages));
	line = buf_str(&out);
	for (size_t i = 0; i < countof(fields); i++) {
		size_t n = strcspn(line, "\n");

		*fields[i] = xstrndup(line, n);
		line += n + (line[n] == '\n');
	}
	return 0;
}

void go_env_release(struct go_env *go)
{
	free(go->goroot);
	free(go->gomodcache);
	free(go->gowork);
	free(go->goenv);
	free(go->gomod);
	free(go->goflags);
	*go = (struct go_env){ 0 };
}
