/*
 * The graph for GNU make 4.3, included by mk/ko.mk. make has no early cut-off of its own: a result
 * that did not change keeps its time, so it stays older than its prerequisites and would be made
 * anew each time. Hence pairs:
 *
 *	x.stamp: inputs          the recipe makes x.json if it changes, and the stamp always
 *	x.json: x.stamp ;        the empty recipe makes make look at the time of x.json again
 *
 * The stamp's time is that of the recipe's start: an input edited while the recipe runs is newer.
 * A result that somebody removed forces its stamp through ko.need.
 *
 * Names of images and of the build directory hold no byte that is special to make; the names of
 * manifests may, and go through the writer of dependency files.
 */
#include <stdlib.h>
#include <string.h>

#include "base/depfile.h"
#include "base/environment.h"
#include "base/file.h"
#include "base/mem.h"
#include "layout.h"

struct makefile {
	struct buf out;
	const struct graph_options *options;
	struct layout layout;
	struct strs images;
};

/* One word of a recipe: quoted for sh, then for make. */
static void add_quoted(struct makefile *m, const char *word)
{
	scratch char *quoted = shell_quote(word);

	for (const char *p = quoted; *p; p++) {
		if (*p == '$')
			buf_addch(&m->out, '$');
		buf_addch(&m->out, *p);
	}
}

static void add_word(struct makefile *m, const char *word)
{
	buf_addch(&m->out, ' ');
	add_quoted(m, word);
}

static void add_words(struct makefile *m, const struct strs *words)
{
	for (size_t i = 0; words && i < words->n; i++)
		add_word(m, words->v[i]);
}

/* "STAMP: PREREQUISITES" and the fixed parts of its recipe, up to the words of the tool. */
static void begin(struct makefile *m, const char *stamp, const char *results,
	const char *prerequisites, const char *say, const char *tool)
{
	buf_addf(&m->out, "\n%s: %s;\n%s: %s $(ko.settings) $(call ko.need,%s)\n", results, stamp,
		stamp, prerequisites, results);
	buf_addstr(&m->out, "\t$(ko.say)");
	add_word(m, say);
	buf_addf(&m->out, "\n\t$(ko.at)touch $@.new && %s$(KO_WRAP) $(KO_BIN)%s",
		strcmp(tool, "ko-base") && strcmp(tool, "ko-load") ? "$(ko.env) " : "", tool);
}

static void end(struct makefile *m)
{
	buf_addstr(&m->out, " && mv $@.new $@\n");
}

static void write_environment(struct makefile *m)
{
	cleanup(strs_release) struct strs settings = { 0 };

	environment_settings(&settings);
	buf_addstr(&m->out, "ko.env :=");
	for (size_t i = 0; i < settings.n; i++) {
		size_t length = strcspn(settings.v[i], "=") + 1;

		buf_addf(&m->out, " %.*s", (int)length, settings.v[i]);
		add_quoted(m, settings.v[i] + length);
	}
	buf_addch(&m->out, '\n');
}

static void write_base(struct makefile *m, const struct base *base)
{
	scratch char *out = layout_path(&m->layout, "base", base->id, "json");
	scratch char *stamp = layout_path(&m->layout, "base", base->id, "stamp");
	scratch char *depfile = layout_path(&m->layout, "base", base->id, "d");
	scratch char *say = xasprintf("base image %s", base->reference);

	begin(m, stamp, out, "$(ko.store)", say, "ko-base");
	buf_addf(&m->out, " --builddir %s --oci %s", m->options->builddir, m->options->oci);
	for (size_t i = 0; i < base->wanted.n; i++)
		buf_addf(&m->out, " --platform=%s", base->wanted.v[i]);
	add_words(m, m->options->base);
	buf_addf(&m->out, " --make-depfile %s --depfile-target $@ -o %s", depfile, out);
	add_word(m, base->reference);
	end(m);
	buf_addf(&m->out, "-include %s\n", depfile);
}

static void write_gobuild(struct makefile *m, const struct group *group, const char *platform)
{
	scratch char *in = layout_path(&m->layout, group->id, NULL, "scan.json");
	scratch char *stamp = layout_path(&m->layout, group->id, platform, "bin.stamp");
	scratch char *depfile = layout_path(&m->layout, group->id, platform, "d");
	scratch char *pattern = layout_path(&m->layout, "%", platform, "bin.json");
	scratch char *title = group_title(group, platform);
	scratch char *say = xasprintf("compile %s", title);
	cleanup(buf_release) struct buf results = { 0 };

	for (size_t i = 0; i < records_count(&group->records); i++) {
		const char *name = record_get(records_at(&group->records, i), "name");
		scratch char *out = layout_path(&m->layout, name, platform, "bin.json");

		buf_addf(&results, "%s%s", i ? " " : "", out);
	}
	scratch char *before = xasprintf("%s $(ko.programs)", in);
	begin(m, stamp, buf_str(&results), before, say, "ko-gobuild");
	buf_addf(&m->out, " --builddir %s --platform %s --found %s/scan.json", m->options->builddir,
		platform, m->layout.dir);
	buf_addf(
		&m->out, " --make-depfile %s --depfile-target $@ -o '%s' %s", depfile, pattern, in);
	end(m);
	buf_addf(&m->out, "-include %s\n", depfile);
}

static void write_layer(struct makefile *m, const char *name, const char *platform)
{
	scratch char *in = layout_path(&m->layout, name, platform, "bin.json");
	scratch char *out = layout_path(&m->layout, name, platform, "layer.json");
	scratch char *stamp = layout_path(&m->layout, name, platform, "layer.stamp");
	scratch char *depfile = layout_path(&m->layout, name, platform, "layer.d");
	scratch char *say = xasprintf("layer %s for %s", name, platform);
	scratch char *before = xasprintf("%s $(ko.store)", in);

	begin(m, stamp, out, before, say, "ko-layer");
	buf_addf(&m->out, " --builddir %s --oci %s", m->options->builddir, m->options->oci);
	if (m->options->data) {
		scratch char *data = xasprintf("--data=%s", m->options->data);

		add_word(m, data);
	}
	buf_addf(&m->out, " --make-depfile %s --depfile-target $@ -o %s %s", depfile, out, in);
	end(m);
	buf_addf(&m->out, "-include %s\n", depfile);
}

static void write_image(struct makefile *m, const json_t *record)
{
	const char *name = record_get(record, "name");
	const struct base *on = layout_base(&m->layout, record);
	scratch char *base = layout_path(&m->layout, "base", on->id, "json");
	scratch char *out = layout_path(&m->layout, name, NULL, "image.json");
	scratch char *stamp = layout_path(&m->layout, name, NULL, "image.stamp");
	scratch char *say = xasprintf("image %s", name);
	cleanup(buf_release) struct buf layers = { 0 };
	cleanup(strs_release) struct strs platforms = { 0 };

	record_platforms(record, &platforms);
	for (size_t i = 0; i < platforms.n; i++) {
		scratch char *in = layout_path(&m->layout, name, platforms.v[i], "layer.json");

		write_layer(m, name, platforms.v[i]);
		buf_addf(&layers, "%s ", in);
	}
	scratch char *before = xasprintf("%s%s $(ko.store)", buf_str(&layers), base);
	begin(m, stamp, out, before, say, "ko-image");
	buf_addf(&m->out, " --oci %s --base %s -o %s %s", m->options->oci, base, out,
		buf_str(&layers));
	end(m);
	strs_add(&m->images, out);
}

/* Makes something of all images, in NAME.json. */
static void write_of_images(struct makefile *m, const char *name, const char *say, const char *tool,
	const struct strs *args)
{
	scratch char *out = layout_path(&m->layout, name, NULL, "json");
	scratch char *stamp = layout_path(&m->layout, name, NULL, "stamp");
	scratch char *depfile = layout_path(&m->layout, name, NULL, "d");

	begin(m, stamp, out, "$(ko.images) $(ko.store)", say, tool);
	buf_addf(&m->out, " --builddir %s --oci %s", m->options->builddir, m->options->oci);
	add_words(m, args);
	buf_addf(&m->out, " --make-depfile %s --depfile-target $@ -o %s $(ko.images) </dev/null",
		depfile, out);
	end(m);
	buf_addf(&m->out, "-include %s\n", depfile);
}

/* What is saved comes before: an image that was pushed was saved too. */
static void write_push(struct makefile *m)
{
	scratch char *out = path_join(m->layout.dir, "refs.json");
	scratch char *stamp = path_join(m->layout.dir, "refs.stamp");

	const char *what = m->options->sbom ? "$(ko.sboms)" : "$(ko.images)";
	scratch char *before = xasprintf("%s $(ko.store)", what);

	if (m->options->sbom) {
		buf_addf(&m->out, "\nko.sboms := %s/sboms.json\n", m->layout.dir);
		write_of_images(m, "sboms", "list modules", "ko-sbom", m->options->sbom);
	}
	if (m->options->save) {
		write_of_images(m, "saved", "save images", "ko-save", m->options->save);
		buf_addf(&m->out, "\n%s: | %s/saved.json\n", stamp, m->layout.dir);
	}
	begin(m, stamp, out, before, "push", m->options->tool);
	buf_addf(&m->out, " --builddir %s --oci %s", m->options->builddir, m->options->oci);
	add_words(m, m->options->push);
	buf_addf(&m->out, " -o %s %s </dev/null", out, what);
	end(m);
}

/* No pair: it is to ask the registry or engine each time. */
static void write_confirm(struct makefile *m)
{
	buf_addf(&m->out,
		"\n.PHONY: ko.confirm\nko.confirm: %s/refs.json\n\t$(ko.say) 'confirm images'\n"
		"\t$(ko.at)$(KO_WRAP) $(KO_BIN)%s --builddir %s --oci %s",
		m->layout.dir, m->options->tool, m->options->builddir, m->options->oci);
	add_words(m, m->options->confirm);
	buf_addf(&m->out, " -o %s/confirmed.json $<\n", m->layout.dir);
}

static void write_patch(struct makefile *m)
{
	scratch char *stamp = path_join(m->layout.dir, "resolved.stamp");
	scratch char *before = xasprintf("%s/refs.json %s/manifests %s/contents", m->layout.dir,
		m->layout.dir, m->layout.dir);

	begin(m, stamp, "$(KO_RESOLVED)", before, "resolve manifests", "ko-patch");
	buf_addf(&m->out, " --files-from %s/manifests --refs %s/refs.json", m->layout.dir,
		m->layout.dir);
	add_words(m, m->options->patch);
	buf_addstr(&m->out, " -o $(KO_RESOLVED)");
	end(m);
	buf_addf(&m->out, "-include %s/resolved.d\n", m->layout.dir);
}

static int write_manifest_deps(const struct makefile *m, const struct plan *plan, struct err *err)
{
	cleanup(depfile_release) struct depfile depfile = { 0 };
	scratch char *path = path_join(m->layout.dir, "resolved.d");
	scratch char *stamp = path_join(m->layout.dir, "resolved.stamp");

	for (size_t i = 0; i < plan->manifests.n; i++)
		depfile_add(&depfile, plan->manifests.v[i]);
	return depfile_write(&depfile, path, DEPFILE_MAKE, stamp, err);
}

static void write_programs(struct makefile *m, const struct plan *plan)
{
	for (size_t i = 0; i < m->layout.group_count; i++) {
		const struct group *group = &m->layout.groups[i];

		for (size_t j = 0; j < group->platforms.n; j++)
			write_gobuild(m, group, group->platforms.v[j]);
	}
	for (size_t i = 0; i < records_count(&plan->records); i++)
		write_image(m, records_at(&plan->records, i));
	buf_addstr(&m->out, "\nko.images :=");
	for (size_t i = 0; i < m->images.n; i++)
		buf_addf(&m->out, " %s", m->images.v[i]);
	buf_addch(&m->out, '\n');
	write_push(m);
	write_confirm(m);
	write_patch(m);
}

static void write_graph(struct makefile *m, const struct plan *plan)
{
	buf_addstr(&m->out, "# Made by ko-scan; changes are lost.\n");
	write_environment(m);
	buf_addstr(&m->out, "ko.bases :=");
	for (size_t i = 0; i < m->layout.base_count; i++) {
		scratch char *path = layout_path(&m->layout, "base", m->layout.bases[i].id, "json");

		buf_addf(&m->out, " %s", path);
	}
	buf_addch(&m->out, '\n');
	for (size_t i = 0; i < m->layout.base_count; i++)
		write_base(m, &m->layout.bases[i]);
	/* Until bases tell which platforms there are, the graph makes these and itself. */
	if (!plan->is_open)
		write_programs(m, plan);
}

int graph_make(const struct plan *plan, const struct graph_options *options, struct err *err)
{
	struct makefile m = { .options = options };
	int result =
		layout_check_environment(err) || layout_make(&m.layout, plan, options->file, err)
		? -1
		: 0;

	if (!result)
		result = write_manifest_deps(&m, plan, err);
	if (!result) {
		write_graph(&m, plan);
		result = file_save(options->file, buf_str(&m.out), m.out.len, err) < 0 ? -1 : 0;
	}
	strs_release(&m.images);
	layout_release(&m.layout);
	buf_release(&m.out);
	return result;
}
