#include "config.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "formats/record.h"
#include "naming.h"
#include "ref.h"
#include "tree.h"
#include "workspace.h"

#define CONFIG_LIMIT ((size_t)1 << 20)

#define WORDS " \t\r\n"
#define WORDS_OR_COMMAS ", \t\r\n"

/*
 * One line for each setting: its key in a builds entry, at the top level, and its variable; how a
 * single text becomes a list (NULL: it stays whole); whether it takes lists and maps.
 */
static const struct {
	const char *name;
	const char *in_build, *on_top, *variable;
	const char *separators;
	bool list, map;
} keys[CONFIG_KEYS] = {
	[CONFIG_BASEIMAGE] = { "baseImage", NULL, "defaultBaseImage", "KO_DEFAULTBASEIMAGE", NULL,
		false, false },
	[CONFIG_PLATFORMS] = { "platforms", NULL, "defaultPlatforms", "KO_DEFAULTPLATFORMS",
		WORDS_OR_COMMAS, true, false },
	[CONFIG_FLAGS] = { "flags", "flags", "defaultFlags", "KO_DEFAULTFLAGS", WORDS, true,
		false },
	[CONFIG_LDFLAGS] = { "ldflags", "ldflags", "defaultLdflags", "KO_DEFAULTLDFLAGS", NULL,
		true, false },
	[CONFIG_ENV] = { "env", "env", "defaultEnv", "KO_DEFAULTENV", WORDS, true, false },
	[CONFIG_CAPABILITIES] = { "linux_capabilities", "linux_capabilities", NULL, NULL, WORDS,
		true, false },
	[CONFIG_REPOSITORY] = { "repository", "repository", "repository", "KO_DOCKER_REPO", NULL,
		false, false },
	[CONFIG_NAMING] = { "naming", "naming", "naming", "KO_NAMING", NULL, false, false },
	[CONFIG_TAGS] = { "tags", "tags", "tags", "KO_TAGS", WORDS_OR_COMMAS, true, false },
	[CONFIG_LABELS] = { "labels", "labels", "labels", "KO_LABELS", WORDS, true, true },
	[CONFIG_ANNOTATIONS] = { "annotations", "annotations", "annotations", "KO_ANNOTATIONS",
		WORDS, true, true },
	[CONFIG_USER] = { "user", "user", "user", "KO_USER", NULL, false, false },
	[CONFIG_CONTAINERENV] = { "containerEnv", "containerEnv", "containerEnv", "KO_CONTAINERENV",
		WORDS, true, true },
	[CONFIG_GOFLAGS] = { "goflags", NULL, NULL, "KO_GOFLAGS", NULL, false, false },
};

/* Keys that are no setting by themselves. */
static const char *const more_on_top[] = { "baseImageOverrides", "builds" };
static const char *const more_in_build[] = { "id", "dir", "main" };

const char *config_key_name(enum config_key key)
{
	return keys[key].name;
}

static void setting_clear(struct setting *setting)
{
	strs_release(&setting->values);
	free(setting->from);
	setting->from = NULL;
}

/* The length of the template at s ("{{...}}"), 0 where there is none. */
static size_t template_span(const char *s)
{
	const char *end = starts_with(s, "{{") ? strstr(s, "}}") : NULL;

	return end ? (size_t)(end + 2 - s) : 0;
}

/* Splits at separators, but not inside templates. */
static void split(struct strs *out, const char *text, const char *separators)
{
	while (*(text += strspn(text, separators))) {
		size_t n = 0;

		while (text[n] && !strchr(separators, text[n])) {
			size_t inner = template_span(text + n);

			n += inner ? inner : 1;
		}
		strs_addn(out, text, n);
		text += n;
	}
}

static void add_text(struct setting *setting, enum config_key key, const char *text)
{
	if (keys[key].separators)
		split(&setting->values, text, keys[key].separators);
	else
		strs_add(&setting->values, text);
}

/* What is wrong with a value, as text in err. */
static int check_value(enum config_key key, const char *value, struct err *err)
{
	cleanup(ref_release) struct image_ref ref = { 0 };
	enum naming naming;

	switch (key) {
	case CONFIG_BASEIMAGE:
		return starts_with(value, "oci:") ? 0 : ref_parse(&ref, value, err);
	case CONFIG_REPOSITORY:
		return ref_parse_prefix(&ref, "repository", value, err);
	case CONFIG_NAMING:
		return naming_parse(&naming, value, err);
	case CONFIG_TAGS:
		if (strstr(value, "{{") || ref_tag_valid(value))
			return 0;
		return err_set(
			err, ERR_USAGE, "\"%s\" is no tag: 1 to 128 of A-Z a-z 0-9 _ . -", value);
	case CONFIG_ENV:
	case CONFIG_LABELS:
	case CONFIG_ANNOTATIONS:
	case CONFIG_CONTAINERENV:
		if (*value != '=' && strchr(value, '='))
			return 0;
		return err_set(err, ERR_USAGE, "%s: \"%s\" has no \"=\"; write NAME=VALUE",
			keys[key].name, value);
	default:
		return 0;
	}
}

static int check_setting(
	const struct setting *setting, enum config_key key, enum err_class class, struct err *err)
{
	for (size_t i = 0; i < setting->values.n; i++) {
		if (check_value(key, setting->values.v[i], err)) {
			err_prefix(err, "%s", setting->from);
			err->class = class;
			return -1;
		}
	}
	return 0;
}

/* Reading a file. */
struct reader {
	struct config *config;
	const char *name, *dir;
	struct err *err;
};

static int bad(
	const struct reader *r, const struct tree_node *node, const char *key, const char *why)
{
	return err_set(r->err, ERR_INPUT, "%s:%u: %s %s", r->name, node->line, key, why);
}

static char *place(const struct reader *r, const struct tree_node *node)
{
	return xasprintf("%s:%u", r->name, node->line);
}

static int add_list(const struct reader *r, struct setting *setting, enum config_key key,
	const struct tree_node *node)
{
	if (!keys[key].list)
		return bad(r, node, keys[key].name, "takes one value, not a list");
	for (size_t i = 0; i < node->n; i++) {
		if (node->items[i]->kind != TREE_TEXT)
			return bad(r, node->items[i], keys[key].name, "takes a list of texts");
		strs_add(&setting->values, node->items[i]->text);
	}
	return 0;
}

static int add_map(const struct reader *r, struct setting *setting, enum config_key key,
	const struct tree_node *node)
{
	if (!keys[key].map)
		return bad(r, node, keys[key].name,
			keys[key].list ? "takes a list, not a map" : "takes one value, not a map");
	for (size_t i = 0; i < node->n; i++) {
		const struct tree_node *item = node->items[i];

		if (item->kind != TREE_TEXT && item->kind != TREE_NULL)
			return bad(r, item, keys[key].name, "takes a map of texts");
		if (strchr(node->keys[i]->text, '='))
			return bad(r, node->keys[i], keys[key].name, "has a key with \"=\" in it");
		strs_take(&setting->values,
			xasprintf("%s=%s", node->keys[i]->text, item->text ? item->text : ""));
	}
	return 0;
}

static int read_setting(const struct reader *r, struct setting *setting, enum config_key key,
	const struct tree_node *name, const struct tree_node *node)
{
	int result = 0;

	setting_clear(setting);
	if (node->kind == TREE_NULL)
		return 0;
	if (node->kind == TREE_TEXT)
		add_text(setting, key, node->text);
	else if (node->kind == TREE_LIST)
		result = add_list(r, setting, key, node);
	else
		result = add_map(r, setting, key, node);
	if (result)
		return -1;
	setting->from = place(r, name);
	return check_setting(setting, key, ERR_INPUT, r->err);
}

/* The number of single-byte edits between two words, case aside (Levenshtein). */
static size_t distance(const char *a, const char *b)
{
	size_t row[64];
	size_t n = strlen(b);

	if (n >= countof(row) || strlen(a) >= countof(row))
		return countof(row);
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t change = diagonal + (strncasecmp(&a[i - 1], &b[j - 1], 1) != 0);
			size_t shorter = row[j] < row[j - 1] ? row[j] : row[j - 1];

			diagonal = row[j];
			row[j] = change < shorter + 1 ? change : shorter + 1;
		}
	}
	return row[n];
}

/* Every key that may be here. */
static void known_keys(bool in_build, struct strs *out)
{
	const char *const *more = in_build ? more_in_build : more_on_top;
	size_t n = in_build ? countof(more_in_build) : countof(more_on_top);

	for (size_t i = 0; i < CONFIG_KEYS; i++) {
		const char *name = in_build ? keys[i].in_build : keys[i].on_top;

		if (name)
			strs_add(out, name);
	}
	for (size_t i = 0; i < n; i++)
		strs_add(out, more[i]);
}

static int unknown_key(const struct reader *r, const struct tree_node *key, bool in_build)
{
	cleanup(strs_release) struct strs known = { 0 };
	size_t best = 0;

	known_keys(in_build, &known);
	for (size_t i = 1; i < known.n; i++) {
		if (distance(key->text, known.v[i]) < distance(key->text, known.v[best]))
			best = i;
	}
	return err_set(r->err, ERR_INPUT,
		"%s:%u: unknown key \"%s\"%s; the nearest known one is \"%s\"", r->name, key->line,
		key->text, in_build ? " in builds" : "", known.v[best]);
}

/* The setting that a key means; CONFIG_KEYS for none. On top, those that ko does not have may also
 * be written with "default" in front, like those it has. */
static enum config_key find_key(const char *text, bool in_build)
{
	static const char prefix[] = "default";
	size_t skip = !in_build && !strncasecmp(text, prefix, strlen(prefix)) ? strlen(prefix) : 0;

	for (size_t i = 0; i < CONFIG_KEYS; i++) {
		const char *name = in_build ? keys[i].in_build : keys[i].on_top;

		if (name && (!strcasecmp(name, text) || (skip && !strcasecmp(name, text + skip))))
			return (enum config_key)i;
	}
	return CONFIG_KEYS;
}

/* Keys differ by more than case: ko reads them without it. */
static int check_twins(const struct reader *r, const struct tree_node *map)
{
	for (size_t i = 0; i < map->n; i++) {
		for (size_t j = 0; j < i; j++) {
			if (!strcasecmp(map->keys[i]->text, map->keys[j]->text))
				return err_set(r->err, ERR_INPUT,
					"%s:%u: \"%s\" is there already, in line %u", r->name,
					map->keys[i]->line, map->keys[i]->text, map->keys[j]->line);
		}
	}
	return 0;
}

static void lower(char *s)
{
	for (; *s; s++) {
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
	}
}

/* Adds one baseImageOverrides entry, after checking. */
static int add_override(struct config *config, const char *path, const char *image,
	const char *from, enum err_class class, struct err *err)
{
	if (check_value(CONFIG_BASEIMAGE, image, err)) {
		err_prefix(err, "%s: baseImageOverrides", from);
		err->class = class;
		return -1;
	}
	strs_add(&config->override_paths, path);
	lower(config->override_paths.v[config->override_paths.n - 1]);
	strs_add(&config->override_images, image);
	strs_add(&config->override_from, from);
	return 0;
}

static int read_overrides(const struct reader *r, const struct tree_node *node)
{
	if (node->kind == TREE_NULL)
		return 0;
	if (node->kind != TREE_MAP)
		return bad(r, node, "baseImageOverrides", "takes a map of import paths to images");
	for (size_t i = 0; i < node->n; i++) {
		scratch char *from = place(r, node->items[i]);

		if (node->items[i]->kind != TREE_TEXT)
			return bad(
				r, node->items[i], "baseImageOverrides", "takes one image a path");
		if (add_override(r->config, node->keys[i]->text, node->items[i]->text, from,
			    ERR_INPUT, r->err))
			return -1;
	}
	return 0;
}

/* A builds entry in the making. */
struct entry {
	struct config_build build;
	const char *dir, *main;
};

static int read_text(
	const struct reader *r, const char *name, const struct tree_node *node, const char **text)
{
	if (node->kind != TREE_TEXT && node->kind != TREE_NULL)
		return bad(r, node, name, "takes one value");
	*text = node->text;
	return 0;
}

static int read_build_key(const struct reader *r, struct entry *entry, const struct tree_node *key,
	const struct tree_node *item)
{
	enum config_key found = find_key(key->text, true);
	const char *id = NULL;

	if (found < CONFIG_KEYS)
		return read_setting(r, &entry->build.settings.of[found], found, key, item);
	if (!strcasecmp(key->text, "dir"))
		return read_text(r, "dir", item, &entry->dir);
	if (!strcasecmp(key->text, "main"))
		return read_text(r, "main", item, &entry->main);
	if (strcasecmp(key->text, "id") != 0)
		return unknown_key(r, key, true);
	if (read_text(r, "id", item, &id))
		return -1;
	if (id)
		entry->build.settings.id = xstrdup(id);
	return 0;
}

/* Says which program an entry is for. */
static int locate_entry(const struct reader *r, struct entry *entry, const struct tree_node *node)
{
	scratch char *dir = path_join(r->dir, entry->dir ? entry->dir : ".");
	scratch char *joined = path_join(dir, entry->main ? entry->main : ".");
	scratch char *main = path_clean(joined);
	scratch char *where = place(r, node);

	if (!file_exists(main))
		return err_set(r->err, ERR_INPUT, "%s: builds: there is no %s (dir and main)",
			where, main);
	if (!file_is_dir(main)) {
		scratch char *file = steal(&main);

		if (!ends_with(file, ".go"))
			return err_set(r->err, ERR_INPUT,
				"%s: builds: main is a directory or a .go file, which %s is not",
				where, file);
		main = path_dir(file);
	}
	entry->build.settings.dir = path_clean(dir);
	if (workspace_import_path(
		    main, &entry->build.importpath, &r->config->files, &r->config->absent, r->err))
		return err_prefix(r->err, "%s: builds", where);
	return 0;
}

static void build_release(struct config_build *build)
{
	settings_release(&build->settings);
	free(build->importpath);
}

static int fill_entry(const struct reader *r, struct entry *entry, const struct tree_node *node)
{
	if (node->kind != TREE_MAP)
		return bad(r, node, "builds", "takes a list of maps");
	if (check_twins(r, node))
		return -1;
	for (size_t i = 0; i < node->n; i++) {
		if (read_build_key(r, entry, node->keys[i], node->items[i]))
			return -1;
	}
	return locate_entry(r, entry, node);
}

static int read_builds(const struct reader *r, const struct tree_node *node)
{
	struct config *config = r->config;

	if (node->kind == TREE_NULL)
		return 0;
	if (node->kind != TREE_LIST)
		return bad(r, node, "builds", "takes a list");
	for (size_t i = 0; i < node->n; i++) {
		struct entry entry = { 0 };

		if (fill_entry(r, &entry, node->items[i])) {
			build_release(&entry.build);
			return -1;
		}
		grow(config->builds, config->n, config->cap);
		config->builds[config->n++] = entry.build;
	}
	return 0;
}

static int read_top_key(
	const struct reader *r, const struct tree_node *key, const struct tree_node *item)
{
	enum config_key found = find_key(key->text, false);

	if (found < CONFIG_KEYS)
		return read_setting(r, &r->config->defaults.of[found], found, key, item);
	if (!strcasecmp(key->text, "baseImageOverrides"))
		return read_overrides(r, item);
	if (!strcasecmp(key->text, "builds"))
		return read_builds(r, item);
	return unknown_key(r, key, false);
}

static int read_top(const struct reader *r, const struct tree_node *root)
{
	if (root->kind == TREE_NULL)
		return 0;
	if (root->kind != TREE_MAP)
		return bad(r, root, "the file", "is a map of settings");
	if (check_twins(r, root))
		return -1;
	for (size_t i = 0; i < root->n; i++) {
		if (read_top_key(r, root->keys[i], root->items[i]))
			return -1;
	}
	return 0;
}

int config_parse(struct config *config, const char *name, const char *dir, const char *text,
	size_t n, struct err *err)
{
	struct reader r = { config, name, dir, err };
	struct tree tree = { 0 };
	int result;

	if (tree_parse(&tree, name, text, n, err))
		return -1;
	result = read_top(&r, tree.root);
	tree_release(&tree);
	return result;
}

static bool is_regular(struct config *config, const char *path)
{
	struct stat st;

	if (!stat(path, &st) && S_ISREG(st.st_mode))
		return true;
	strs_add(&config->absent, path);
	return false;
}

/* The settings file in a directory, NULL for none. Two are an error: one would not be read. */
static int find_in(struct config *config, const char *dir, char **path, struct err *err)
{
	static const char *const names[] = { ".ko.yaml", "ko.yaml", ".ko.yml", ".ko.json",
		".ko.toml" };

	for (size_t i = 0; i < countof(names); i++) {
		scratch char *file = path_join(dir, names[i]);

		if (!is_regular(config, file))
			continue;
		if (*path)
			return err_set(err, ERR_INPUT,
				"%s and %s: both have settings; only one may be there", *path,
				file);
		*path = steal(&file);
	}
	if (*path && ends_with(*path, ".toml"))
		return err_set(err, ERR_INPUT,
			"%s: TOML is not read; write the settings as .ko.yaml", *path);
	return 0;
}

/* A file above the working directory must be ours, the superuser's, or of whom the working
 * directory is: what it says is run. */
static int check_owner(const char *path, struct err *err)
{
	struct stat file, dir;

	if (stat(path, &file) || stat(".", &dir))
		return err_sys(err, "%s", path);
	if (file.st_uid == geteuid() || !file.st_uid || file.st_uid == dir.st_uid)
		return 0;
	return err_set(err, ERR_INPUT,
		"%s: belongs to another user; KO_CONFIG_PATH=%s uses it all the same", path, path);
}

/* The nearest ko.yaml above the working directory, not beyond the top of a git repository. */
static int find_above(struct config *config, char **path, struct err *err)
{
	scratch char *at = path_absolute(".");
	scratch char *dir = xstrdup(".");

	while (strcmp(at, "/") != 0) {
		scratch char *git = path_join(dir, ".git");
		scratch char *file = NULL;
		char *up = path_dir(at);

		free(at);
		at = up;
		if (file_exists(git))
			break;
		up = strcmp(dir, ".") ? xasprintf("%s/..", dir) : xstrdup("..");
		free(dir);
		dir = up;
		file = path_join(dir, "ko.yaml");
		if (is_regular(config, file)) {
			*path = steal(&file);
			return check_owner(*path, err);
		}
	}
	return 0;
}

static int find_named(struct config *config, const char *named, char **path, struct err *err)
{
	struct stat st;

	if (stat(named, &st))
		return err_set(err, ERR_USAGE, "KO_CONFIG_PATH=%s: there is no such file", named);
	if (S_ISREG(st.st_mode)) {
		*path = xstrdup(named);
		return 0;
	}
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_USAGE, "KO_CONFIG_PATH=%s: is no regular file", named);
	if (find_in(config, named, path, err))
		return -1;
	if (!*path)
		return err_set(err, ERR_USAGE, "KO_CONFIG_PATH=%s: holds no .ko.yaml", named);
	return 0;
}

static int load_file(struct config *config, const char *path, const char *dir, struct err *err)
{
	cleanup(buf_release) struct buf text = { 0 };

	config->file = xstrdup(path);
	strs_add(&config->files, path);
	if (file_read(path, CONFIG_LIMIT, &text, err))
		return -1;
	return config_parse(config, path, dir, buf_str(&text), text.len, err);
}

static int find_and_load(struct config *config, struct err *err)
{
	const char *named = getenv("KO_CONFIG_PATH");
	scratch char *path = NULL;
	scratch char *dir = NULL;

	if (named && *named)
		return find_named(config, named, &path, err) || load_file(config, path, ".", err)
			? -1
			: 0;
	if (find_in(config, ".", &path, err) || (!path && find_above(config, &path, err)))
		return -1;
	if (!path)
		return 0;
	dir = path_dir(path);
	return load_file(config, path, dir, err);
}

static int from_variable(
	struct config *config, enum config_key key, const char *variable, struct err *err)
{
	struct setting *setting = &config->defaults.of[key];
	const char *text = getenv(variable);

	if (!text || !*text)
		return 0;
	setting_clear(setting);
	add_text(setting, key, text);
	setting->from = xstrdup(variable);
	return check_setting(setting, key, ERR_USAGE, err);
}

static void clear_overrides(struct config *config)
{
	strs_release(&config->override_paths);
	strs_release(&config->override_images);
	strs_release(&config->override_from);
}

static int overrides_from_variable(struct config *config, struct err *err)
{
	static const char variable[] = "KO_BASEIMAGEOVERRIDES";
	const char *text = getenv(variable);
	cleanup(json_release) json_t *json = NULL;
	const char *path;
	json_t *image;

	if (!text || !*text)
		return 0;
	clear_overrides(config);
	json = json_from(variable, text, strlen(text), err);
	if (!json || !json_is_object(json))
		return err_set(err, ERR_USAGE, "%s: is no JSON object of import paths to images",
			variable);
	json_object_foreach (json, path, image) {
		if (!json_is_string(image))
			return err_set(err, ERR_USAGE, "%s: %s: is no text", variable, path);
		if (add_override(config, path, json_string_value(image), variable, ERR_USAGE, err))
			return -1;
	}
	return 0;
}

/* GOOS and GOARCH, both, are the platform where nothing else says one. */
static void platform_from_go(struct setting *platforms)
{
	const char *os = getenv("GOOS"), *arch = getenv("GOARCH"), *arm = getenv("GOARM");

	if (platforms->from || !os || !*os || !arch || !*arch)
		return;
	strs_take(&platforms->values,
		arm && *arm && !strcmp(arch, "arm") ? xasprintf("%s/%s/v%s", os, arch, arm)
						    : xasprintf("%s/%s", os, arch));
	platforms->from = xstrdup("GOOS, GOARCH");
}

static void built_in(struct config *config, enum config_key key, const char *value)
{
	struct setting *setting = &config->defaults.of[key];

	if (setting->from)
		return;
	strs_add(&setting->values, value);
	setting->from = xstrdup("built in");
}

static int load_variables(struct config *config, struct err *err)
{
	for (size_t i = 0; i < CONFIG_KEYS; i++) {
		if (keys[i].variable &&
			from_variable(config, (enum config_key)i, keys[i].variable, err))
			return -1;
	}
	if (from_variable(config, CONFIG_BASEIMAGE, "KO_BASEIMAGE", err))
		return -1;
	return overrides_from_variable(config, err);
}

int config_load(struct config *config, struct err *err)
{
	if (find_and_load(config, err) || load_variables(config, err))
		return -1;
	platform_from_go(&config->defaults.of[CONFIG_PLATFORMS]);
	built_in(config, CONFIG_BASEIMAGE, "ko.local/static");
	built_in(config, CONFIG_PLATFORMS, "linux/amd64");
	built_in(config, CONFIG_NAMING, "last");
	built_in(config, CONFIG_TAGS, "latest");
	return 0;
}

void config_variables(struct strs *names)
{
	static const char *const more[] = { "KO_CONFIG_PATH", "KO_BASEIMAGE",
		"KO_BASEIMAGEOVERRIDES", "GOOS", "GOARCH", "GOARM" };

	for (size_t i = 0; i < CONFIG_KEYS; i++) {
		if (keys[i].variable)
			strs_add(names, keys[i].variable);
	}
	for (size_t i = 0; i < countof(more); i++)
		strs_add(names, more[i]);
}

void settings_set(
	struct settings *settings, enum config_key key, const struct strs *values, const char *from)
{
	struct setting *setting = &settings->of[key];

	setting_clear(setting);
	for (size_t i = 0; i < values->n; i++)
		strs_add(&setting->values, values->v[i]);
	setting->from = from ? xstrdup(from) : NULL;
}

/* Puts NAME=VALUE in place of what has this name. */
static void put(struct strs *map, const char *assignment)
{
	size_t n = strcspn(assignment, "=");

	for (size_t i = 0; i < map->n; i++) {
		if (!strncmp(map->v[i], assignment, n) && (!map->v[i][n] || map->v[i][n] == '=')) {
			free(map->v[i]);
			map->v[i] = xstrdup(assignment);
			return;
		}
	}
	strs_add(map, assignment);
}

static void add_from(struct setting *setting, const char *from)
{
	char *both;

	if (setting->from && strstr(setting->from, from))
		return;
	both = setting->from ? xasprintf("%s, %s", setting->from, from) : xstrdup(from);
	free(setting->from);
	setting->from = both;
}

void settings_put(
	struct settings *settings, enum config_key key, const char *assignment, const char *from)
{
	put(&settings->of[key].values, assignment);
	add_from(&settings->of[key], from);
}

const char *settings_get(const struct settings *settings, enum config_key key)
{
	return settings->of[key].values.n ? settings->of[key].values.v[0] : NULL;
}

static const struct config_build *find_build(const struct config *config, const char *importpath)
{
	for (size_t i = config->n; i > 0; i--) {
		if (!strcmp(config->builds[i - 1].importpath, importpath))
			return &config->builds[i - 1];
	}
	return NULL;
}

/* One setting of a builds entry over the default. An empty list is as good as none, as in ko. */
static void over(struct settings *settings, enum config_key key, const struct setting *own)
{
	const struct setting *base = &settings->of[key];

	if (!own->values.n)
		return;
	if (key == CONFIG_REPOSITORY && base->from && !strcmp(base->from, keys[key].variable))
		return;
	if (!keys[key].map) {
		settings_set(settings, key, &own->values, own->from);
		return;
	}
	for (size_t i = 0; i < own->values.n; i++)
		settings_put(settings, key, own->values.v[i], own->from);
}

static void override_base(
	const struct config *config, const char *importpath, struct settings *settings)
{
	scratch char *path = xstrdup(importpath);

	lower(path);
	for (size_t i = config->override_paths.n; i > 0; i--) {
		struct strs image = { .v = &config->override_images.v[i - 1], .n = 1 };

		if (strcmp(config->override_paths.v[i - 1], path) != 0)
			continue;
		settings_set(settings, CONFIG_BASEIMAGE, &image, config->override_from.v[i - 1]);
		return;
	}
}

void config_for(const struct config *config, const char *importpath, struct settings *settings)
{
	const struct config_build *build = importpath ? find_build(config, importpath) : NULL;

	for (size_t i = 0; i < CONFIG_KEYS; i++) {
		const struct setting *base = &config->defaults.of[i];

		settings_set(settings, (enum config_key)i, &base->values, base->from);
		if (build)
			over(settings, (enum config_key)i, &build->settings.of[i]);
	}
	if (build && build->settings.id)
		settings->id = xstrdup(build->settings.id);
	if (build)
		settings->dir = xstrdup(build->settings.dir);
	if (importpath)
		override_base(config, importpath, settings);
}

void settings_release(struct settings *settings)
{
	for (size_t i = 0; i < CONFIG_KEYS; i++)
		setting_clear(&settings->of[i]);
	free(settings->id);
	free(settings->dir);
	*settings = (struct settings){ 0 };
}

void config_release(struct config *config)
{
	settings_release(&config->defaults);
	for (size_t i = 0; i < config->n; i++)
		build_release(&config->builds[i]);
	free(config->builds);
	free(config->file);
	clear_overrides(config);
	strs_release(&config->files);
	strs_release(&config->absent);
	*config = (struct config){ 0 };
}
