/*
 * ko config: the settings in effect and where each comes from, by default and for each program that
 * has settings of its own. Templates are shown as they are written; nothing is run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "driver.h"
#include "formats/record.h"
#include "graph/plan.h"
#include "inputs/config.h"
#include "inputs/kopath.h"
#include "inputs/workspace.h"

static struct plan_options plan;
static const char *repo;
static bool as_json;

static const struct opt opts[] = {
	PLAN_IMAGE_OPTIONS(&plan),
	{ 0, "repo", "REPOSITORY", OPT_STRING, &repo, "where to push" },
	{ 0, "json", NULL, OPT_FLAG, &as_json, "print JSON" },
};

const struct opt_tool driver_config_tool = { "ko config", "[OPTIONS] [IMPORTPATH...]",
	"Print the settings in effect and where each comes from, for the programs that are named, "
	"or "
	"by\n"
	"default and for each program that ko.yaml mentions.",
	opts, countof(opts) };

/* What is shown together: the settings of one program, or the defaults. */
struct section {
	const char *importpath; /* NULL: the defaults */
	const char *from;       /* where its builds entry is, or NULL */
	struct settings settings;
};

static int fill(struct section *section, const struct config *config, struct err *err)
{
	struct settings *settings = &section->settings;

	config_for(config, section->importpath, settings);
	for (size_t i = 0; section->importpath && i < config->n; i++) {
		if (!strcmp(config->builds[i].importpath, section->importpath))
			section->from = config->builds[i].from;
	}
	if (repo) {
		struct strs one = { .v = (char **)&repo, .n = 1 };

		settings_set(settings, CONFIG_REPOSITORY, &one, "--repo");
		if (setting_check(
			    &settings->of[CONFIG_REPOSITORY], CONFIG_REPOSITORY, ERR_USAGE, err))
			return -1;
	}
	return plan_options_override(&plan, settings, err);
}

/* The values of a setting in one line, for people. malloced. */
static char *values_text(enum config_key key, const struct setting *setting)
{
	struct buf text = { 0 };

	for (size_t i = 0; i < setting->values.n; i++) {
		scratch char *value = settings_masked(key, setting->values.v[i]);

		buf_addf(&text, "%s%s", i ? ", " : "", value);
	}
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f)
			text.data[i] = ' ';
	}
	return buf_detach(&text);
}

static bool is_set(const struct setting *setting)
{
	return setting->from && setting->values.n;
}

static void print_section(const struct section *section, bool first, int width)
{
	if (section->importpath)
		printf("%s%s", first ? "" : "\n", section->importpath);
	if (section->from)
		printf("  %s", section->from);
	if (section->settings.id)
		printf("  %s", section->settings.id);
	if (section->importpath)
		putchar('\n');
	for (size_t i = 0; i < CONFIG_KEYS; i++) {
		const struct setting *setting = &section->settings.of[i];
		scratch char *value = values_text((enum config_key)i, setting);

		if (is_set(setting))
			printf("%-18s  %-*s  %s\n", config_keys[i].name, width, setting->from,
				value);
	}
}

static void print_text(const struct section *sections, size_t n)
{
	size_t width = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < CONFIG_KEYS; j++) {
			const struct setting *setting = &sections[i].settings.of[j];

			if (is_set(setting) && strlen(setting->from) > width)
				width = strlen(setting->from);
		}
	}
	for (size_t i = 0; i < n; i++)
		print_section(&sections[i], !i, (int)width);
}

static json_t *values_json(enum config_key key, const struct setting *setting)
{
	const struct config_key_form *form = &config_keys[key];
	json_t *json = form->map ? json_object() : json_array();

	for (size_t i = 0; i < setting->values.n; i++) {
		scratch char *value = settings_masked(key, setting->values.v[i]);
		size_t n = strcspn(value, "=");

		if (!form->list && !form->map) {
			json_decref(json);
			return json_string(value);
		}
		if (form->map)
			json_object_setn_new(
				json, value, n, json_string(value + n + (value[n] == '=')));
		else
			json_array_append_new(json, json_string(value));
	}
	return json;
}

static void set_text(json_t *json, const char *key, const char *text)
{
	if (text)
		json_object_set_new(json, key, json_string(text));
}

static json_t *section_json(const struct section *section)
{
	json_t *settings = json_object();
	json_t *json = json_object();

	for (size_t i = 0; i < CONFIG_KEYS; i++) {
		const struct setting *setting = &section->settings.of[i];

		if (is_set(setting))
			json_object_set_new(settings, config_keys[i].name,
				json_pack("{s:o, s:s}", "value",
					values_json((enum config_key)i, setting), "from",
					setting->from));
	}
	set_text(json, "importpath", section->importpath);
	set_text(json, "id", section->settings.id);
	set_text(json, "dir", section->settings.dir);
	set_text(json, "from", section->from);
	json_object_set_new(json, "settings", settings);
	return json;
}

static void print_json(const struct config *config, const struct section *sections, size_t n)
{
	cleanup(json_release) json_t *json = json_object();
	json_t *programs = json_array();
	scratch char *text = NULL;

	set_text(json, "file", config->file);
	for (size_t i = 0; i < n; i++) {
		if (sections[i].importpath)
			json_array_append_new(programs, section_json(&sections[i]));
		else
			json_object_set_new(json, "default", section_json(&sections[i]));
	}
	json_object_set_new(json, "programs", programs);
	text = json_text(json, NULL);
	printf("%s\n", text);
}

/* The import paths that operands mean. */
static int find_operands(const struct strs *operands, struct strs *paths, struct err *err)
{
	cleanup(workspace_release) struct workspace workspace = { 0 };

	if (operands->n && workspace_find(&workspace, ".", err))
		return -1;
	for (size_t i = 0; i < operands->n; i++) {
		cleanup(location_release) struct location location = { 0 };
		scratch char *path = kopath_parse(operands->v[i], NULL, err);

		if (!path)
			return -1;
		if (kopath_is_dir(path)
				? workspace_locate_dir(&workspace, path, NULL, &location, err)
				: workspace_locate(&workspace, path, NULL, &location, err))
			return -1;
		strs_add(paths, location.importpath);
	}
	return 0;
}

/* The programs that have settings of their own. */
static void find_mentioned(const struct config *config, struct strs *paths)
{
	for (size_t i = 0; i < config->n; i++) {
		if (!strs_has(paths, config->builds[i].importpath))
			strs_add(paths, config->builds[i].importpath);
	}
	for (size_t i = 0; i < config->override_paths.n; i++) {
		if (!strs_has(paths, config->override_paths.v[i]))
			strs_add(paths, config->override_paths.v[i]);
	}
}

static int show(
	const struct config *config, const struct strs *paths, bool with_default, struct err *err)
{
	size_t n = paths->n + with_default, filled = 0;
	struct section *sections = xcalloc(n, sizeof *sections);
	int result = 0;

	for (; !result && filled < n; filled++) {
		if (filled || !with_default)
			sections[filled].importpath = paths->v[filled - with_default];
		result = fill(&sections[filled], config, err);
	}
	if (!result && as_json)
		print_json(config, sections, n);
	else if (!result)
		print_text(sections, n);
	for (size_t i = 0; i < filled; i++)
		settings_release(&sections[i].settings);
	free(sections);
	return result;
}

int driver_config(int argc, char *argv[], struct err *err)
{
	cleanup(strs_release) struct strs operands = { 0 };
	cleanup(strs_release) struct strs paths = { 0 };
	cleanup(config_release) struct config config = { 0 };
	int status = opt_parse(&driver_config_tool, argc, argv, &operands, NULL, err);

	if (status)
		return status > 0 ? 0 : -1;
	if (config_load(&config, err) || find_operands(&operands, &paths, err))
		return -1;
	if (!operands.n)
		find_mentioned(&config, &paths);
	return show(&config, &paths, !operands.n, err);
}
