#include "settle.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "formats/static.h"
#include "go/group.h"
#include "inputs/template.h"
#include "platforms.h"

/* What may have templates. */
static const struct {
	enum config_key key;
	const char *field;
} expandable[] = {
	{ CONFIG_FLAGS, "flags" },
	{ CONFIG_LDFLAGS, "ldflags" },
	{ CONFIG_LABELS, "labels" },
	{ CONFIG_ANNOTATIONS, "annotations" },
	{ CONFIG_TAGS, "tags" },
};

/* The values of all these for one platform. */
struct expansion {
	struct strs of[countof(expandable)];
};

static void expansions_release(struct expansion *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < countof(expandable); j++)
			strs_release(&v[i].of[j]);
	}
	free(v);
}

static bool same(const struct strs *a, const struct strs *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	}
	return true;
}

static int expand(struct template *template, const struct settings *settings, const char *platform,
	struct expansion *out, struct err *err)
{
	const struct strs *own = &settings->of[CONFIG_ENV].values;
	struct strs env = { 0 };

	if (go_platform_environment(&env, platform, err)) {
		strs_release(&env);
		return -1;
	}
	for (size_t i = 0; i < own->n; i++)
		strs_add(&env, own->v[i]);
	template_environment(template, &env);
	for (size_t i = 0; i < countof(expandable); i++) {
		const struct setting *setting = &settings->of[expandable[i].key];

		for (size_t j = 0; j < setting->values.n; j++)
			strs_add(&out->of[i], setting->values.v[j]);
		if (template_expand_all(template, &out->of[i], setting->from, err))
			return -1;
	}
	return 0;
}

/* A map setting as an object. */
static json_t *map_of(const struct strs *assignments)
{
	json_t *map = json_object();

	for (size_t i = 0; i < assignments->n; i++) {
		const char *text = assignments->v[i];
		size_t n = strcspn(text, "=");

		json_object_setn_new(map, text, n, json_string(text + n + (text[n] == '=')));
	}
	return map;
}

static void set_values(json_t *object, size_t which, const struct strs *values)
{
	const char *field = expandable[which].field;

	if (!config_keys[expandable[which].key].map)
		record_set_strings(object, field, values);
	else if (values->n)
		json_object_set_new(object, field, map_of(values));
}

/* What all platforms have in common. */
static void find_common(const struct expansion *v, size_t n, size_t which, struct strs *common)
{
	for (size_t i = 0; i < v[0].of[which].n; i++) {
		bool everywhere = true;

		for (size_t j = 1; j < n; j++)
			everywhere &= strs_has(&v[j].of[which], v[0].of[which].v[i]);
		if (everywhere)
			strs_add(common, v[0].of[which].v[i]);
	}
}

/* Sets the field of the record, or, where platforms differ, of its entries. */
static int set_expanded(json_t *record, const struct settings *settings, const struct expansion *v,
	size_t n, size_t which, struct err *err)
{
	cleanup(strs_release) struct strs common = { 0 };
	enum config_key key = expandable[which].key;
	bool equal = true;

	for (size_t i = 1; i < n; i++)
		equal &= same(&v[0].of[which], &v[i].of[which]);
	if (equal) {
		set_values(record, which, &v[0].of[which]);
		return 0;
	}
	if (key == CONFIG_TAGS)
		return err_set(err, ERR_INPUT,
			"%s: tags: not the same for all platforms, which have one tag together",
			settings->of[key].from);
	for (size_t i = 0; i < n; i++)
		set_values(json_array_get(json_object_get(record, "platforms"), i), which,
			&v[i].of[which]);
	find_common(v, n, which, &common);
	if (config_keys[key].map)
		set_values(record, which, &common);
	return 0;
}

static int set_all_expanded(json_t *record, const struct settings *settings,
	const struct strs *platforms, struct template *template, struct err *err)
{
	struct expansion *v = xcalloc(platforms->n, sizeof *v);
	int result = 0;

	for (size_t i = 0; !result && i < platforms->n; i++)
		result = expand(template, settings, platforms->v[i], &v[i], err);
	for (size_t i = 0; !result && i < countof(expandable); i++)
		result = set_expanded(record, settings, v, platforms->n, i, err);
	expansions_release(v, platforms->n);
	return result;
}

/* The base record that is for the reference, of those in files; NULL: there is none, or err. */
static json_t *find_given(
	const struct strs *files, const char *reference, bool *failed, struct err *err)
{
	for (size_t i = 0; i < files->n; i++) {
		cleanup(records_release) struct records records = { 0 };

		*failed = records_read(&records, files->v[i], err);
		for (size_t j = 0; !*failed && j < records_count(&records); j++) {
			const char *own = record_get(records_at(&records, j), "base");

			if (own && !strcmp(own, reference))
				return json_incref(records_at(&records, j));
		}
	}
	return NULL;
}

/* The record of the base that ko-base has made. NULL: not known yet, or *failed with err. */
static json_t *find_base(struct settle *settle, const char *reference, const struct strs *words,
	bool *failed, struct err *err)
{
	cleanup(strs_release) struct strs own = { 0 };
	json_t *base;

	*failed = false;
	if (!strcmp(reference, STATIC_REFERENCE))
		return platforms_of_static();
	if (settle->bases)
		for (size_t i = 0; i < settle->bases->n; i++)
			strs_add(&settle->files, settle->bases->v[i]);
	base = settle->bases ? find_given(settle->bases, reference, failed, err) : NULL;
	if (base || *failed || !settle->graph_dir)
		return base;
	strs_take(&own, platforms_base_file(settle->graph_dir, reference, words));
	strs_add(&settle->files, own.v[0]);
	return file_exists(own.v[0]) ? find_given(&own, reference, failed, err) : NULL;
}

/* The platforms to build for; none when that depends on a base that is not known yet. */
static int find_platforms(struct settle *settle, json_t *record, const struct settings *settings,
	struct strs *platforms, struct err *err)
{
	const struct strs *words = &settings->of[CONFIG_PLATFORMS].values;
	const char *reference = settings_get(settings, CONFIG_BASEIMAGE);
	cleanup(json_release) json_t *base = NULL;
	bool failed;

	if (!platforms_are_open(words)) {
		for (size_t i = 0; i < words->n; i++) {
			if (!strs_has(platforms, words->v[i]))
				strs_add(platforms, words->v[i]);
		}
		return 0;
	}
	record_set_strings(record, "wanted", words);
	base = find_base(settle, reference, words, &failed, err);
	if (failed)
		return -1;
	if (base && platforms_choose(platforms, words, base, err))
		return err_prefix(err, "%s", record_title(record));
	if (base)
		return 0;
	settle->is_open = true;
	if (settle->graph_dir)
		return 0;
	return err_set(err, ERR_USAGE,
		"%s: platforms %s are those of the base image; name its record, which ko-base "
		"makes, "
		"with --base",
		record_title(record), words->v[0]);
}

static void set_text(json_t *record, const char *key, const char *text)
{
	if (text)
		json_object_set_new(record, key, json_string(text));
}

static void set_plain(json_t *record, const struct settings *settings)
{
	const char *inherits = settings_get(settings, CONFIG_INHERITLABELS);

	record_set_strings(record, "env", &settings->of[CONFIG_ENV].values);
	record_set_strings(record, "capabilities", &settings->of[CONFIG_CAPABILITIES].values);
	record_set_strings(record, "containerEnv", &settings->of[CONFIG_CONTAINERENV].values);
	set_text(record, "base", settings_get(settings, CONFIG_BASEIMAGE));
	set_text(record, "repository", settings_get(settings, CONFIG_REPOSITORY));
	set_text(record, "user", settings_get(settings, CONFIG_USER));
	set_text(record, "compression", settings_get(settings, CONFIG_COMPRESSION));
	if (inherits && !strcmp(inherits, "true"))
		json_object_set_new(record, "inheritLabels", json_true());
}

int settle_record(
	struct settle *settle, json_t *record, const struct settings *settings, struct err *err)
{
	cleanup(template_release) struct template template = { .dir = record_get(record, "dir") };
	cleanup(strs_release) struct strs platforms = { 0 };
	json_t *entries = json_array();

	set_plain(record, settings);
	json_object_set_new(record, "platforms", entries);
	if (find_platforms(settle, record, settings, &platforms, err))
		return -1;
	for (size_t i = 0; i < platforms.n; i++)
		record_platform(record, platforms.v[i]);
	if (!platforms.n)
		return 0;
	if (set_all_expanded(record, settings, &platforms, &template, err))
		return -1;
	settle->is_volatile |=
		template.used_env || template.used_goenv || template.used_git || template.used_date;
	return 0;
}

void settle_wanted(const json_t *record, struct strs *words)
{
	const json_t *entry;
	size_t i;

	record_strings(record, "wanted", words);
	if (words->n)
		return;
	json_array_foreach (json_object_get(record, "platforms"), i, entry)
		strs_add(words, record_get(entry, "platform"));
}

void settle_release(struct settle *settle)
{
	strs_release(&settle->files);
}
