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

#define CONFIG_LIMIT ((size_t)1 << 20)

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
	setting_add_text(setting, key, text);
	setting->from = xstrdup(variable);
	return setting_check(setting, key, ERR_USAGE, err);
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
		if (config_add_override(
			    config, path, json_string_value(image), variable, ERR_USAGE, err))
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
		if (config_keys[i].variable &&
			from_variable(config, (enum config_key)i, config_keys[i].variable, err))
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
		if (config_keys[i].variable)
			strs_add(names, config_keys[i].variable);
	}
	for (size_t i = 0; i < countof(more); i++)
		strs_add(names, more[i]);
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
	if (key == CONFIG_REPOSITORY && base->from &&
		!strcmp(base->from, config_keys[key].variable))
		return;
	if (!config_keys[key].map) {
		settings_set(settings, key, &own->values, own->from);
		return;
	}
	for (size_t i = 0; i < own->values.n; i++)
		settings_put(settings, key, own->values.v[i], own->from);
}

static void override_base(
	const struct config *config, const char *importpath, struct settings *settings)
{
	for (size_t i = config->override_paths.n; i > 0; i--) {
		struct strs image = { .v = &config->override_images.v[i - 1], .n = 1 };

		if (strcasecmp(config->override_paths.v[i - 1], importpath) != 0)
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

void config_release(struct config *config)
{
	settings_release(&config->defaults);
	for (size_t i = 0; i < config->n; i++)
		config_build_release(&config->builds[i]);
	free(config->builds);
	free(config->file);
	clear_overrides(config);
	strs_release(&config->files);
	strs_release(&config->absent);
	*config = (struct config){ 0 };
}
