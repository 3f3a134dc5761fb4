/*
 * The graph for ninja (https://ninja-build.org/manual.html). Paths in build lines are escaped with
 * "$"; words of commands are quoted for sh first. The rules are those of rules/ko.ninja, which is
 * part of this program for graphs that stand alone.
 */
#include <stdlib.h>
#include <string.h>

#include "base/environment.h"
#include "base/file.h"
#include "base/mem.h"
#include "layout.h"

__asm__(".section .rodata\n"
	".global graph_rules, graph_rules_end\n"
	"graph_rules:\n"
	".incbin \"rules/ko.ninja\"\n"
	"graph_rules_end:\n"
	".previous\n");
extern const char graph_rules[], graph_rules_end[];

struct ninja {
	struct buf out;
	const struct graph_options *options;
	struct layout layout;
	struct strs paths; /* of all files that the graph names */
	char *store;       /* oci-layout, newer than all that was put into a store since removed */
	char *programs;    /* the same for the directory of executables */
};

/* A path in a build line. */
static void add_path(struct ninja *n, const char *path)
{
	strs_add(&n->paths, path);
	buf_addch(&n->out, ' ');
	for (; *path; path++) {
		if (strchr("$ :", *path))
			buf_addch(&n->out, '$');
		buf_addch(&n->out, *path);
	}
}

static void add_text(struct ninja *n, const char *text)
{
	for (; *text; text++) {
		if (*text == '$')
			buf_addch(&n->out, '$');
		buf_addch(&n->out, *text);
	}
}

/* "  name = value"; the value is a path or text that no shell sees. */
static void bind(struct ninja *n, const char *name, const char *value)
{
	buf_addf(&n->out, "  %s = ", name);
	add_text(n, value);
	buf_addch(&n->out, '\n');
}

/* The same for a value that stands in commands. */
static void bind_word(struct ninja *n, const char *name, const char *value)
{
	scratch char *word = shell_quote(value);

	bind(n, name, word);
}

static void bind_words(struct ninja *n, const char *name, const struct strs *words)
{
	if (!words || !words->n)
		return;
	buf_addf(&n->out, "  %s =", name);
	for (size_t i = 0; i < words->n; i++) {
		scratch char *word = shell_quote(words->v[i]);

		buf_addch(&n->out, ' ');
		add_text(n, word);
	}
	buf_addch(&n->out, '\n');
}

static void begin(struct ninja *n, const char *output)
{
	buf_addstr(&n->out, "\nbuild");
	add_path(n, output);
}

static void rule(struct ninja *n, const char *name)
{
	buf_addf(&n->out, ": %s", name);
}

static void after(struct ninja *n, const char *marker)
{
	buf_addstr(&n->out, " |");
	add_path(n, marker);
}

/* Somebody may remove a directory of side files: its marker then comes back newer than the records
 * of what was in it, and everything that belongs there is made again. */
static void write_markers(struct ninja *n)
{
	begin(n, n->store);
	rule(n, "ko_store");
	buf_addch(&n->out, '\n');
	bind_word(n, "dir", n->options->oci);
	begin(n, n->programs);
	rule(n, "ko_marker");
	buf_addch(&n->out, '\n');
}

/* Where side files and the image store are. */
static void bind_places(struct ninja *n)
{
	bind_word(n, "dir", n->options->builddir);
	bind_word(n, "oci", n->options->oci);
}

static void write_base(struct ninja *n, const struct base *base)
{
	scratch char *out = layout_path(&n->layout, "base", base->id, "json");
	scratch char *depfile = layout_path(&n->layout, "base", base->id, "d");
	cleanup(strs_release) struct strs args = { 0 };

	for (size_t i = 0; i < base->wanted.n; i++)
		strs_take(&args, xasprintf("--platform=%s", base->wanted.v[i]));
	for (size_t i = 0; i < n->options->base->n; i++)
		strs_add(&args, n->options->base->v[i]);
	begin(n, out);
	rule(n, "ko_base");
	after(n, n->store);
	buf_addch(&n->out, '\n');
	bind_places(n);
	bind(n, "depfile", depfile);
	bind_word(n, "base", base->reference);
	bind_words(n, "args", &args);
}

/* What one go build makes is named after its first program. */
static char *built_path(const struct ninja *n, const struct group *group, const char *platform)
{
	const char *name = record_get(records_at(&group->records, 0), "name");

	return layout_path(&n->layout, name, platform, "built.json");
}

/* ninja notes all inputs once for each output: the edge that has thousands of them makes one file,
 * and the next one a file for each program. */
static void write_gobuild(struct ninja *n, const struct group *group, const char *platform)
{
	scratch char *in = layout_path(&n->layout, group->id, NULL, "scan.json");
	scratch char *out = built_path(n, group, platform);
	scratch char *found = path_join(n->layout.dir, "scan.json");
	scratch char *title = group_title(group, platform);

	begin(n, out);
	rule(n, "ko_gobuild");
	add_path(n, in);
	after(n, n->programs);
	buf_addstr(&n->out, " ||");
	add_path(n, found);
	buf_addch(&n->out, '\n');
	bind_word(n, "dir", n->options->builddir);
	bind(n, "platform", platform);
	bind_word(n, "found", found);
	bind(n, "title", title);
}

static void write_split(struct ninja *n, const struct group *group, const char *platform)
{
	scratch char *in = built_path(n, group, platform);
	scratch char *pattern = layout_path(&n->layout, "%", platform, "bin.json");
	scratch char *title = group_title(group, platform);

	buf_addstr(&n->out, "\nbuild");
	for (size_t i = 0; i < records_count(&group->records); i++) {
		const char *name = record_get(records_at(&group->records, i), "name");
		scratch char *out = layout_path(&n->layout, name, platform, "bin.json");

		add_path(n, out);
	}
	rule(n, "ko_split");
	add_path(n, in);
	buf_addch(&n->out, '\n');
	bind_word(n, "pattern", pattern);
	bind(n, "title", title);
}

static void write_layer(struct ninja *n, const char *name, const char *platform)
{
	scratch char *in = layout_path(&n->layout, name, platform, "bin.json");
	scratch char *out = layout_path(&n->layout, name, platform, "layer.json");
	scratch char *depfile = layout_path(&n->layout, name, platform, "layer.d");
	scratch char *title = xasprintf("%s for %s", name, platform);
	cleanup(strs_release) struct strs args = { 0 };

	if (n->options->data)
		strs_take(&args, xasprintf("--data=%s", n->options->data));
	begin(n, out);
	rule(n, "ko_layer");
	add_path(n, in);
	after(n, n->store);
	buf_addch(&n->out, '\n');
	bind_places(n);
	bind(n, "depfile", depfile);
	bind(n, "title", title);
	bind_words(n, "args", &args);
}

static void write_image(struct ninja *n, const json_t *record)
{
	const char *name = record_get(record, "name");
	const struct base *on = layout_base(&n->layout, record);
	scratch char *base = layout_path(&n->layout, "base", on->id, "json");
	scratch char *out = layout_path(&n->layout, name, NULL, "image.json");
	cleanup(strs_release) struct strs platforms = { 0 };

	record_platforms(record, &platforms);
	begin(n, out);
	rule(n, "ko_image");
	for (size_t i = 0; i < platforms.n; i++) {
		scratch char *in = layout_path(&n->layout, name, platforms.v[i], "layer.json");

		add_path(n, in);
	}
	after(n, n->store);
	add_path(n, base);
	buf_addch(&n->out, '\n');
	bind_word(n, "oci", n->options->oci);
	bind_word(n, "base", base);
	bind(n, "title", name);
	for (size_t i = 0; i < platforms.n; i++)
		write_layer(n, name, platforms.v[i]);
}

static void add_images(struct ninja *n, const struct plan *plan)
{
	for (size_t i = 0; i < records_count(&plan->records); i++) {
		const char *name = record_get(records_at(&plan->records, i), "name");
		scratch char *path = layout_path(&n->layout, name, NULL, "image.json");

		add_path(n, path);
	}
}

static void bind_push(struct ninja *n, const struct strs *args)
{
	buf_addch(&n->out, '\n');
	bind_places(n);
	bind(n, "tool", n->options->tool);
	bind_words(n, "args", args);
}

/* Makes something of all images, in NAME.json. */
static void write_of_images(struct ninja *n, const struct plan *plan, const char *name,
	const char *rule_name, const struct strs *args)
{
	scratch char *out = layout_path(&n->layout, name, NULL, "json");
	scratch char *depfile = layout_path(&n->layout, name, NULL, "d");

	begin(n, out);
	rule(n, rule_name);
	add_images(n, plan);
	after(n, n->store);
	buf_addch(&n->out, '\n');
	bind_places(n);
	bind(n, "depfile", depfile);
	bind_words(n, "args", args);
}

/* What is saved comes before: an image that was pushed was saved too. */
static void write_push(struct ninja *n, const struct plan *plan, const char *refs)
{
	scratch char *saved = path_join(n->layout.dir, "saved.json");
	scratch char *sboms = path_join(n->layout.dir, "sboms.json");

	if (n->options->save)
		write_of_images(n, plan, "saved", "ko_save", n->options->save);
	if (n->options->sbom)
		write_of_images(n, plan, "sboms", "ko_sbom", n->options->sbom);
	begin(n, refs);
	rule(n, "ko_push");
	if (n->options->sbom)
		add_path(n, sboms);
	else
		add_images(n, plan);
	after(n, n->store);
	if (n->options->save) {
		buf_addstr(&n->out, " ||");
		add_path(n, saved);
	}
	bind_push(n, n->options->push);
}

/* A phony output without inputs and without a file is newer than everything, each time. */
static void write_confirm(struct ninja *n, const char *refs, const char *confirmed)
{
	scratch char *always = path_join(n->layout.dir, "always");

	begin(n, always);
	rule(n, "phony\n");
	begin(n, confirmed);
	rule(n, "ko_confirm");
	add_path(n, refs);
	after(n, always);
	bind_push(n, n->options->confirm);
}

static void write_patch(
	struct ninja *n, const struct plan *plan, const char *refs, const char *resolved)
{
	scratch char *list = path_join(n->layout.dir, "manifests");
	scratch char *contents = path_join(n->layout.dir, "contents");

	begin(n, resolved);
	rule(n, "ko_patch");
	add_path(n, refs);
	buf_addstr(&n->out, " |");
	add_path(n, list);
	add_path(n, contents);
	for (size_t i = 0; i < plan->manifests.n; i++)
		add_path(n, plan->manifests.v[i]);
	buf_addch(&n->out, '\n');
	bind_word(n, "manifests", list);
	bind_words(n, "args", n->options->patch);
}

/* The names a person can give to ninja, and the driver's goal. */
static void write_goals(struct ninja *n, const struct plan *plan, const char *refs,
	const char *resolved, const char *confirmed)
{
	scratch char *apply = path_join(n->layout.dir, "apply");

	begin(n, apply);
	rule(n, "phony");
	add_path(n, confirmed);
	add_path(n, resolved);
	buf_addstr(&n->out, "\nbuild ko-build: phony");
	add_images(n, plan);
	buf_addstr(&n->out, "\nbuild ko-push: phony");
	add_path(n, refs);
	buf_addstr(&n->out, "\nbuild ko-resolve: phony");
	add_path(n, resolved);
	buf_addstr(&n->out, "\nbuild ko-apply: ko_apply");
	add_path(n, resolved);
	after(n, confirmed);
	buf_addch(&n->out, '\n');
}

/* Bases whose platforms decide over the graph. */
static void add_open_bases(struct ninja *n)
{
	const char *separator = " |";

	for (size_t i = 0; i < n->layout.base_count; i++) {
		const struct base *base = &n->layout.bases[i];
		scratch char *path = layout_path(&n->layout, "base", base->id, "json");

		if (!base->decides)
			continue;
		buf_addstr(&n->out, separator);
		add_path(n, path);
		separator = "";
	}
}

static bool has_open_base(const struct ninja *n)
{
	for (size_t i = 0; i < n->layout.base_count; i++) {
		if (n->layout.bases[i].decides)
			return true;
	}
	return false;
}

/* The edge that re-makes a graph that stands alone. */
static void write_scan(struct ninja *n)
{
	scratch char *found = path_join(n->layout.dir, "scan.json");
	scratch char *list = path_join(n->layout.dir, "manifests");
	scratch char *contents = path_join(n->layout.dir, "contents");
	scratch char *paths = path_join(n->layout.dir, "paths");

	buf_addf(&n->out,
		"\nrule ko_scan\n"
		"  command = exec ${ko_bin}ko-scan $args\n"
		"  description = scan manifests\n"
		"  depfile = $out.d\n"
		"  deps = gcc\n"
		"  generator = 1\n"
		"  restat = 1\n");
	begin(n, n->options->file);
	buf_addstr(&n->out, " |");
	for (size_t i = 0; i < n->layout.group_count; i++) {
		scratch char *path =
			layout_path(&n->layout, n->layout.groups[i].id, NULL, "scan.json");

		add_path(n, path);
	}
	add_path(n, found);
	add_path(n, list);
	add_path(n, contents);
	add_path(n, paths);
	buf_addstr(&n->out, ": ko_scan");
	add_open_bases(n);
	buf_addch(&n->out, '\n');
	bind_words(n, "args", n->options->scan);
}

/* The first lines of a graph that stands alone: the rules, and how it is re-made. */
static void write_head(struct ninja *n, const struct plan *plan)
{
	buf_addch(&n->out, '\n');
	buf_add(&n->out, graph_rules, (size_t)(graph_rules_end - graph_rules));
	buf_addstr(&n->out, "\nbuilddir = ");
	add_text(n, n->layout.dir);
	buf_addch(&n->out, '\n');
	/* a volatile one is made anew before each run of ninja */
	if (!plan->is_volatile || has_open_base(n))
		write_scan(n);
}

static void write_environment(struct ninja *n)
{
	cleanup(strs_release) struct strs settings = { 0 };

	if (n->options->bin)
		buf_addf(&n->out, "ko_bin = %s/\n", n->options->bin);
	environment_settings(&settings);
	buf_addstr(&n->out, "ko_env =");
	for (size_t i = 0; i < settings.n; i++) {
		size_t length = strcspn(settings.v[i], "=") + 1;

		/* No line can hold it: it is in KEY, and the tools inherit it. */
		if (strchr(settings.v[i], '\n'))
			continue;
		scratch char *value = shell_quote(settings.v[i] + length);

		buf_addf(&n->out, " %.*s", (int)length, settings.v[i]);
		add_text(n, value);
	}
	buf_addch(&n->out, '\n');
}

static void write_programs(struct ninja *n, const struct plan *plan)
{
	scratch char *refs = path_join(n->layout.dir, "refs.json");
	scratch char *resolved = path_join(n->layout.dir, "resolved.yaml");
	scratch char *confirmed = path_join(n->layout.dir, "confirmed.json");

	for (size_t i = 0; i < n->layout.group_count; i++) {
		const struct group *group = &n->layout.groups[i];

		for (size_t j = 0; j < group->platforms.n; j++) {
			write_gobuild(n, group, group->platforms.v[j]);
			write_split(n, group, group->platforms.v[j]);
		}
	}
	for (size_t i = 0; i < records_count(&plan->records); i++)
		write_image(n, records_at(&plan->records, i));
	write_push(n, plan, refs);
	write_patch(n, plan, refs, resolved);
	write_confirm(n, refs, confirmed);
	write_goals(n, plan, refs, resolved, confirmed);
}

static void write_graph(struct ninja *n, const struct plan *plan)
{
	buf_addstr(&n->out, "# Made by ko-scan; changes are lost.\n");
	write_environment(n);
	if (n->options->scan)
		write_head(n, plan);
	write_markers(n);
	for (size_t i = 0; i < n->layout.base_count; i++)
		write_base(n, &n->layout.bases[i]);
	/* Until bases tell which platforms there are, the graph makes these and itself. */
	if (!plan->is_open)
		write_programs(n, plan);
}

/* The files, a line each, for who wants to know whether any of them has changed. */
static int save_paths(struct ninja *n, struct err *err)
{
	cleanup(buf_release) struct buf text = { 0 };
	scratch char *path = path_join(n->layout.dir, "paths");

	strs_sort(&n->paths);
	for (size_t i = 0; i < n->paths.n; i++)
		buf_addf(&text, "%s\n", n->paths.v[i]);
	return file_save(path, buf_str(&text), text.len, err) < 0 ? -1 : 0;
}

int graph_ninja(const struct plan *plan, const struct graph_options *options, struct err *err)
{
	struct ninja n = { .options = options };
	int result = (!options->scan && layout_check_environment(err)) ||
			layout_make(&n.layout, plan, options->file, err)
		? -1
		: 0;

	n.store = path_join(options->oci, "oci-layout");
	n.programs = path_join(options->builddir, "go/marker");
	if (!result) {
		write_graph(&n, plan);
		result = (options->scan && save_paths(&n, err)) ||
				file_save(options->file, buf_str(&n.out), n.out.len, err) < 0
			? -1
			: 0;
	}
	free(n.store);
	free(n.programs);
	layout_release(&n.layout);
	strs_release(&n.paths);
	buf_release(&n.out);
	return result;
}
