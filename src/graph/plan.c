#include "plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "formats/fingerprint.h"
#include "go/debugger.h"
#include "inputs/config.h"
#include "inputs/kopath.h"
#include "inputs/manifest.h"
#include "inputs/manifests.h"
#include "inputs/naming.h"
#include "inputs/workspace.h"
#include "settle.h"

void plan_options_release(struct plan_options *o)
{
	strs_release(&o->filenames);
	strs_release(&o->importpaths);
	strs_release(&o->platforms);
	strs_release(&o->tags);
	strs_release(&o->labels);
	strs_release(&o->annotations);
	strs_release(&o->ldflags);
	strs_release(&o->bases);
}

static void add_each(struct strs *words, const char *option, const struct strs *values)
{
	for (size_t i = 0; i < values->n; i++)
		strs_take(words, xasprintf("%s=%s", option, values->v[i]));
}

static void add_if(struct strs *words, const char *option, bool set)
{
	if (set)
		strs_add(words, option);
}

void plan_options_words(const struct plan_options *o, struct strs *words)
{
	add_each(words, "--filename", &o->filenames);
	add_if(words, "--recursive", o->recursive);
	if (o->selector)
		strs_take(words, xasprintf("--selector=%s", o->selector));
	add_if(words, "--skip-invalid", o->skip_invalid);
	add_if(words, "--preserve-import-paths", o->preserve_paths);
	add_if(words, "--base-import-paths", o->base_paths);
	add_if(words, "--bare", o->bare);
	if (o->naming)
		strs_take(words, xasprintf("--naming=%s", o->naming));
	add_each(words, "--platform", &o->platforms);
	add_each(words, "--tags", &o->tags);
	add_each(words, "--image-label", &o->labels);
	add_each(words, "--image-annotation", &o->annotations);
	if (o->user)
		strs_take(words, xasprintf("--image-user=%s", o->user));
	if (o->compression)
		strs_take(words, xasprintf("--compression=%s", o->compression));
	add_each(words, "--ldflags", &o->ldflags);
	add_if(words, "--disable-optimizations", o->disable_optimizations);
	add_if(words, "--debug", o->debug);
	add_each(words, "--base", &o->bases);
	if (o->importpaths.n)
		strs_add(words, "--");
	for (size_t i = 0; i < o->importpaths.n; i++)
		strs_add(words, o->importpaths.v[i]);
}

/* What is at hand while a plan is made. */
struct planner {
	struct plan *plan;
	const struct plan_options *options;
	struct config config;
	struct workspace workspace;
	struct selector selector;
	struct settle settle;
	json_t *seen;      /* references to the records that they mean */
	struct strs names; /* of the records, in their order */
};

static void planner_release(struct planner *p)
{
	config_release(&p->config);
	workspace_release(&p->workspace);
	selector_release(&p->selector);
	settle_release(&p->settle);
	json_release(&p->seen);
	strs_release(&p->names);
}

static const char *option_naming(const struct plan_options *o)
{
	if (o->naming)
		return o->naming;
	return o->preserve_paths ? "path" : o->base_paths ? "last" : o->bare ? "bare" : NULL;
}

static const char *option_naming_word(const struct plan_options *o)
{
	if (o->naming)
		return "--naming";
	return o->preserve_paths ? "--preserve-import-paths"
		: o->base_paths  ? "--base-import-paths"
				 : "--bare";
}

static int set(struct settings *settings, enum config_key key, const struct strs *values,
	const char *from, struct err *err)
{
	if (!values->n)
		return 0;
	settings_set(settings, key, values, from);
	return setting_check(&settings->of[key], key, ERR_USAGE, err);
}

static int set_one(struct settings *settings, enum config_key key, const char *value,
	const char *from, struct err *err)
{
	struct strs one = { .v = (char **)&value, .n = 1 };

	return value ? set(settings, key, &one, from, err) : 0;
}

/* The end of the first KEY=VALUE in a text. As for ko, "a=b,c=d" is two of them; a comma that no
 * KEY= follows is part of the value. */
static const char *assignment_end(const char *text)
{
	const char *comma = text + strcspn(text, ",");

	while (*comma) {
		const char *next = comma + 1;

		if (next[strcspn(next, "=,")] == '=')
			break;
		comma = next + strcspn(next, ",");
	}
	return comma;
}

static int put(struct settings *settings, enum config_key key, const struct strs *options,
	const char *from, struct err *err)
{
	for (size_t i = 0; i < options->n; i++) {
		const char *text = options->v[i], *end;

		for (bool more = true; more; text = end + 1) {
			scratch char *one = NULL;

			end = assignment_end(text);
			more = *end;
			one = xstrndup(text, (size_t)(end - text));
			if (setting_check_value(key, one, err))
				return err_prefix(err, "%s", from);
			settings_put(settings, key, one, from);
		}
	}
	return 0;
}

int plan_options_override(const struct plan_options *o, struct settings *settings, struct err *err)
{
	if (set(settings, CONFIG_PLATFORMS, &o->platforms, "--platform", err) ||
		set(settings, CONFIG_TAGS, &o->tags, "--tags", err) ||
		set(settings, CONFIG_LDFLAGS, &o->ldflags, "--ldflags", err) ||
		put(settings, CONFIG_LABELS, &o->labels, "--image-label", err) ||
		put(settings, CONFIG_ANNOTATIONS, &o->annotations, "--image-annotation", err) ||
		set_one(settings, CONFIG_USER, o->user, "--image-user", err) ||
		set_one(settings, CONFIG_COMPRESSION, o->compression, "--compression", err))
		return -1;
	return set_one(settings, CONFIG_NAMING, option_naming(o), option_naming_word(o), err);
}

/* With --bare the repository itself is the name; the record's name must still be one of its own. */
static int set_name(struct planner *p, json_t *record, const struct location *location,
	const struct settings *settings, struct err *err)
{
	const char *word = settings_get(settings, CONFIG_NAMING);
	enum naming naming = NAMING_LAST;
	scratch char *name = NULL;

	if (word && naming_parse(&naming, word, err))
		return -1;
	if (naming == NAMING_BARE) {
		json_object_set_new(record, "bare", json_true());
		naming = NAMING_PATH;
	}
	name = naming_name(naming, location->importpath);
	json_object_set_new(record, "name", json_string(name));
	strs_add(&p->names, name);
	return 0;
}

static int fill_record(
	struct planner *p, json_t *record, const struct location *location, struct err *err)
{
	cleanup(settings_release) struct settings settings = { 0 };

	config_for(&p->config, location->importpath, &settings);
	json_object_set_new(
		record, "dir", json_string(settings.dir ? settings.dir : location->dir));
	if (plan_options_override(p->options, &settings, err) ||
		set_name(p, record, location, &settings, err))
		return -1;
	if (p->options->debug) {
		scratch char *debugger = debugger_wanted(err);

		if (!debugger)
			return -1;
		json_object_set_new(record, "debugger", json_string(debugger));
	}
	if (p->options->disable_optimizations || p->options->debug)
		strs_add(&settings.of[CONFIG_FLAGS].values, "-gcflags=all=-N -l");
	return settle_record(&p->settle, record, &settings, err);
}

static json_t *make_record(struct planner *p, const struct location *location, struct err *err)
{
	json_t *record = json_pack(
		"{s:s, s:[], s:[]}", "importpath", location->importpath, "references", "found");

	if (fill_record(p, record, location, err))
		json_release(&record);
	return record;
}

/* The record of a program, made when it is the first reference to it. Borrowed. */
static json_t *find_record(struct planner *p, const struct location *location, struct err *err)
{
	struct records *records = &p->plan->records;
	json_t *record;

	for (size_t i = 0; i < records_count(records); i++) {
		record = records_at(records, i);
		if (!strcmp(record_get(record, "importpath"), location->importpath))
			return record;
	}
	record = make_record(p, location, err);
	if (record)
		records_add(records, record);
	return record;
}

static void append_once(json_t *list, const char *text)
{
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item) {
		if (!strcmp(json_string_value(item), text))
			return;
	}
	json_array_append_new(list, json_string(text));
}

static int add_reference(struct planner *p, const char *text, const char *where, struct err *err)
{
	cleanup(location_release) struct location location = { 0 };
	scratch char *path = kopath_parse(text, where, err);
	json_t *record;

	if (!path)
		return -1;
	if (!where && kopath_is_dir(path)
			? workspace_locate_dir(&p->workspace, path, where, &location, err)
			: workspace_locate(&p->workspace, path, where, &location, err))
		return -1;
	record = find_record(p, &location, err);
	if (!record)
		return -1;
	append_once(json_object_get(record, "references"), text);
	json_object_set(p->seen, text, record);
	if (where)
		json_array_append_new(json_object_get(record, "found"), json_string(where));
	return 0;
}

/* Where references stand is told for the first so many of a program. */
#define FOUND_LIMIT 100

static int add_found(json_t *record, const char *where)
{
	json_t *found = json_object_get(record, "found");

	return json_array_size(found) < FOUND_LIMIT
		? json_array_append_new(found, json_string(where))
		: 0;
}

static int add_reference_at(
	struct planner *p, const char *path, const struct reference *r, struct err *err)
{
	json_t *record = json_object_get(p->seen, r->text);
	scratch char *where = NULL;

	if (json_array_size(json_object_get(record, "found")) >= FOUND_LIMIT)
		return 0;
	where = xasprintf("%s:%zu:%zu", path, r->line, r->column);
	return record ? add_found(record, where) : add_reference(p, r->text, where, err);
}

/* A file being read. */
struct scanned {
	struct planner *planner;
	const char *path;
};

static int scan_references(void *arg, struct references *references, struct err *err)
{
	const struct scanned *scanned = arg;

	for (size_t i = 0; i < references->n; i++) {
		if (add_reference_at(scanned->planner, scanned->path, &references->v[i], err))
			return -1;
	}
	return 0;
}

static int scan_file(struct planner *p, const char *path, struct err *err)
{
	cleanup(manifest_release) struct manifest manifest = { 0 };
	struct scanned scanned = { p, path };
	char print[FINGERPRINT_SIZE];

	if (manifest_load(&manifest, path, &p->selector, p->options->skip_invalid, err))
		return -1;
	fingerprint_of(buf_str(&manifest.text), manifest.text.len, print);
	buf_addf(&p->plan->contents, "%s\n", print);
	return manifest_each_document(
		&manifest, (struct references_taker){ scan_references, &scanned }, err);
}

/* Another file that gets the name of an input, an older one perhaps, makes its directory newer. */
static void note_dir_of(struct planner *p, const char *path)
{
	scratch char *dir = path_dir(path);

	if (file_is_dir(dir))
		strs_add(&p->plan->inputs, dir);
}

static int scan_files(struct planner *p, struct err *err)
{
	cleanup(manifests_release) struct manifests manifests = { 0 };

	if (manifests_find(&manifests, &p->options->filenames, p->options->recursive, err))
		return -1;
	for (size_t i = 0; i < manifests.dirs.n; i++)
		strs_add(&p->plan->inputs, manifests.dirs.v[i]);
	for (size_t i = 0; i < p->options->filenames.n; i++) {
		if (strs_has(&manifests.files, p->options->filenames.v[i]))
			note_dir_of(p, p->options->filenames.v[i]);
	}
	for (size_t i = 0; i < manifests.files.n; i++) {
		strs_add(&p->plan->manifests, manifests.files.v[i]);
		strs_add(&p->plan->inputs, manifests.files.v[i]);
		if (scan_file(p, manifests.files.v[i], err))
			return -1;
	}
	return 0;
}

/* A go.mod that appears below us makes its directory newer; those here and above are in KEY. */
static void note_absent(struct planner *p, const struct strs *absent)
{
	for (size_t i = 0; i < absent->n; i++) {
		const char *path = absent->v[i];

		if (ends_with(path, "/go.mod") && *path != '/' && !starts_with(path, "../"))
			note_dir_of(p, path);
	}
}

static void note_inputs(struct planner *p)
{
	const struct strs *lists[] = { &p->config.files, &p->workspace.files, &p->workspace.dirs,
		&p->settle.files };

	for (size_t i = 0; i < countof(lists); i++) {
		for (size_t j = 0; j < lists[i]->n; j++)
			strs_add(&p->plan->inputs, lists[i]->v[j]);
	}
	note_absent(p, &p->config.absent);
	note_absent(p, &p->workspace.absent);
	for (size_t i = 0; i < p->plan->inputs.n; i++)
		file_mark_input(p->plan->inputs.v[i]);
	p->plan->is_volatile = file_ignore_future_input() || p->settle.is_volatile;
	p->plan->is_open = p->settle.is_open;
}

static int check_names(const struct planner *p, struct err *err)
{
	cleanup(strs_release) struct strs paths = { 0 };

	for (size_t i = 0; i < records_count(&p->plan->records); i++)
		strs_add(&paths, record_get(records_at(&p->plan->records, i), "importpath"));
	return naming_check(paths.v, p->names.v, paths.n, err);
}

int plan_make(struct plan *plan, const struct plan_options *options, struct err *err)
{
	cleanup(planner_release) struct planner p = { .plan = plan,
		.options = options,
		.seen = json_object(),
		.settle = { .graph_dir = plan->graph_dir, .bases = &options->bases } };

	if (options->selector && selector_parse(&p.selector, options->selector, err))
		return -1;
	if (config_load(&p.config, err) || workspace_find(&p.workspace, ".", err) ||
		scan_files(&p, err))
		return -1;
	for (size_t i = 0; i < options->importpaths.n; i++) {
		if (add_reference(&p, options->importpaths.v[i], NULL, err))
			return -1;
	}
	note_inputs(&p);
	return check_names(&p, err);
}

void plan_release(struct plan *plan)
{
	records_release(&plan->records);
	strs_release(&plan->manifests);
	buf_release(&plan->contents);
	strs_release(&plan->inputs);
	free(plan->graph_dir);
}
