#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/mem.h"
#include "tree.h"
#include "workspace.h"

/*
 * The file of settings: a YAML map whose keys are read without regard to case, as ko does. What is
 * not known is an error, so that a slip of the pen does not change what is built.
 */

/* Keys that are no setting by themselves. */
static const char *const more_on_top[] = { "baseImageOverrides", "builds" };
static const char *const more_in_build[] = { "id", "dir", "main" };

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
	if (!config_keys[key].list)
		return bad(r, node, config_keys[key].name, "takes one value, not a list");
	for (size_t i = 0; i < node->n; i++) {
		if (node->items[i]->kind != TREE_TEXT)
			return bad(
				r, node->items[i], config_keys[key].name, "takes a list of texts");
		strs_add(&setting->values, node->items[i]->text);
	}
	return 0;
}

static int add_map(const struct reader *r, struct setting *setting, enum config_key key,
	const struct tree_node *node)
{
	if (!config_keys[key].map)
		return bad(r, node, config_keys[key].name,
			config_keys[key].list ? "takes a list, not a map"
					      : "takes one value, not a map");
	for (size_t i = 0; i < node->n; i++) {
		const struct tree_node *item = node->items[i];

		if (item->kind != TREE_TEXT && item->kind != TREE_NULL)
			return bad(r, item, config_keys[key].name, "takes a map of texts");
		if (strchr(node->keys[i]->text, '='))
			return bad(r, node->keys[i], config_keys[key].name,
				"has a key with \"=\" in it");
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
		setting_add_text(setting, key, node->text);
	else if (node->kind == TREE_LIST)
		result = add_list(r, setting, key, node);
	else
		result = add_map(r, setting, key, node);
	if (result)
		return -1;
	setting->from = place(r, name);
	return setting_check(setting, key, ERR_INPUT, r->err);
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

/* The same for a key that is known; its "default" may be missing. */
static size_t distance_to_known(const char *text, const char *known)
{
	size_t whole = distance(text, known);
	size_t rest = starts_with(known, "default") ? distance(text, known + 7) : whole;

	return rest < whole ? rest : whole;
}

/* Every key that may be here. */
static void known_keys(bool in_build, struct strs *out)
{
	const char *const *more = in_build ? more_in_build : more_on_top;
	size_t n = in_build ? countof(more_in_build) : countof(more_on_top);

	for (size_t i = 0; i < CONFIG_KEYS; i++) {
		const char *name = in_build ? config_keys[i].in_build : config_keys[i].on_top;

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
		if (distance_to_known(key->text, known.v[i]) <
			distance_to_known(key->text, known.v[best]))
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
		const char *name = in_build ? config_keys[i].in_build : config_keys[i].on_top;

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

int config_add_override(struct config *config, const char *path, const char *image,
	const char *from, enum err_class class, struct err *err)
{
	if (setting_check_value(CONFIG_BASEIMAGE, image, err)) {
		err_prefix(err, "%s: baseImageOverrides", from);
		err->class = class;
		return -1;
	}
	strs_add(&config->override_paths, path);
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
		if (config_add_override(r->config, node->keys[i]->text, node->items[i]->text, from,
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
	entry->build.from = steal(&where);
	return 0;
}

void config_build_release(struct config_build *build)
{
	settings_release(&build->settings);
	free(build->importpath);
	free(build->from);
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

static int read_entry(const struct reader *r, const struct tree_node *node)
{
	struct config *config = r->config;
	struct entry entry = { 0 };

	if (fill_entry(r, &entry, node)) {
		config_build_release(&entry.build);
		return -1;
	}
	grow(config->builds, config->n, config->cap);
	config->builds[config->n++] = entry.build;
	return 0;
}

/* A map alone is as good as a list of it, as for ko. */
static int read_builds(const struct reader *r, const struct tree_node *node)
{
	if (node->kind == TREE_NULL)
		return 0;
	if (node->kind == TREE_MAP)
		return read_entry(r, node);
	if (node->kind != TREE_LIST)
		return bad(r, node, "builds", "takes a list");
	for (size_t i = 0; i < node->n; i++) {
		if (read_entry(r, node->items[i]))
			return -1;
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
