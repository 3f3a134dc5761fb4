#include "patch.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static int compare_images(const void *a, const void *b)
{
	return strcmp(((const struct image *)a)->text, ((const struct image *)b)->text);
}

void images_sort(struct images *images)
{
	if (images->n)
		qsort(images->v, images->n, sizeof *images->v, compare_images);
}

void images_from(struct images *images, const struct records *records)
{
	for (size_t i = 0; i < records_count(records); i++) {
		const json_t *record = records_at(records, i), *item;
		const char *ref = record_get(record, "ref");
		size_t j;

		json_array_foreach (json_object_get(record, "references"), j, item) {
			if (!ref || !json_is_string(item))
				continue;
			grow(images->v, images->n, images->cap);
			images->v[images->n++] = (struct image){ json_string_value(item), ref };
		}
	}
	images_sort(images);
}

void images_release(struct images *images)
{
	free(images->v);
	*images = (struct images){ 0 };
}

static const char *find_ref(const struct images *images, const struct manifest *manifest,
	const struct reference *r, struct err *err)
{
	const struct image key = { .text = r->text };
	const struct image *image =
		images->n ? bsearch(&key, images->v, images->n, sizeof key, compare_images) : NULL;

	if (!image)
		err_set(err, ERR_INPUT,
			"%s:%zu:%zu: %s: no image for it in the records; does the pipe begin with "
			"ko-scan -f %s?",
			manifest->path, r->line, r->column, r->text, manifest->path);
	return image ? image->ref : NULL;
}

static bool is_printable(const char *ref)
{
	for (const char *p = ref; *p; p++) {
		if (*p <= ' ' || *p >= 0x7f)
			return false;
	}
	return *ref;
}

/* Whether it is a string as a plain scalar, also in flow collections. */
static bool is_plain(const char *ref)
{
	static const char inner[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789._/@+-";

	if (!strchr(ref, '/') || !strchr(inner, *ref) || strchr("._/@+-", *ref))
		return false;
	for (const char *p = ref; *p; p++) {
		if (!strchr(inner, *p) && !(*p == ':' && p[1] && strchr(inner, p[1])))
			return false;
	}
	return true;
}

/* The image as it is written in a scalar of that style. */
static void spell(struct buf *out, const char *ref, enum yaml_style style)
{
	bool quote = style == YAML_PLAIN && !is_plain(ref);

	if (quote)
		buf_addch(out, '\'');
	for (const char *p = ref; *p; p++) {
		if (*p == '\'' && (quote || style == YAML_SINGLE))
			buf_addch(out, '\'');
		if (style == YAML_DOUBLE && (*p == '"' || *p == '\\'))
			buf_addch(out, '\\');
		buf_addch(out, *p);
	}
	if (quote)
		buf_addch(out, '\'');
}

static int add_image(struct patch *patch, struct spool *out, const struct manifest *manifest,
	const struct reference *r, struct err *err)
{
	const char *ref = find_ref(patch->images, manifest, r, err);
	cleanup(buf_release) struct buf text = { 0 };

	if (!ref)
		return -1;
	if (!is_printable(ref))
		return err_set(err, ERR_INPUT, "%s:%zu:%zu: %s: '%s' in the records is no image",
			manifest->path, r->line, r->column, r->text, ref);
	spell(&text, ref, r->style);
	return spool_add(out, text.data, text.len, err);
}

/* How far a manifest has been copied. */
struct copier {
	struct patch *patch;
	struct spool *out;
	const struct manifest *manifest;
	size_t from;
	size_t cut; /* the next one */
};

/* Copies up to each cut that begins before a byte, and goes on behind it. */
static int pass_cuts(struct copier *c, size_t byte, struct err *err)
{
	const struct cuts *cuts = &c->manifest->cuts;
	const char *text = buf_str(&c->manifest->text);

	for (; c->cut < cuts->n && cuts->v[c->cut].begin <= byte; c->cut++) {
		const struct cut *cut = &cuts->v[c->cut];

		if (cut->begin > c->from &&
			spool_add(c->out, text + c->from, cut->begin - c->from, err))
			return -1;
		c->from = cut->end > c->from ? cut->end : c->from;
	}
	return 0;
}

static int copy_references(void *arg, struct references *references, struct err *err)
{
	struct copier *c = arg;
	const char *text = buf_str(&c->manifest->text);

	for (size_t i = 0; i < references->n; i++) {
		const struct reference *r = &references->v[i];

		if (pass_cuts(c, r->begin, err))
			return -1;
		if (r->begin < c->from)
			continue;
		if (spool_add(c->out, text + c->from, r->begin - c->from, err) ||
			add_image(c->patch, c->out, c->manifest, r, err))
			return -1;
		c->from = r->end;
	}
	return 0;
}

/* The manifest from a byte on, with images in their places. */
static int add_text(struct patch *patch, struct spool *out, const struct manifest *manifest,
	size_t from, struct err *err)
{
	struct copier c = { patch, out, manifest, from, 0 };
	const struct references_taker taker = { copy_references, &c };

	if (manifest_each_document(manifest, taker, err) || pass_cuts(&c, SIZE_MAX, err))
		return -1;
	return spool_add(out, buf_str(&manifest->text) + c.from, manifest->text.len - c.from, err);
}

/* How a text begins, blank lines and comments aside. */
enum start { START_NOTHING, START_MARKER, START_DIRECTIVE, START_CONTENT };

static enum start how_it_starts(const struct manifest *manifest, size_t p)
{
	const char *text = buf_str(&manifest->text);

	for (size_t i = 0; p < manifest->text.len;) {
		const char *line = text + p + strspn(text + p, " \t");

		if (i < manifest->cuts.n && (size_t)(line - text) >= manifest->cuts.v[i].begin) {
			p = manifest->cuts.v[i++].end;
			continue;
		}
		if (*line != '#' && *line != '\r' && *line != '\n' && *line) {
			if (!strncmp(line, "---", 3) && (!line[3] || strchr(" \t\r\n", line[3])))
				return START_MARKER;
			return *line == '%' ? START_DIRECTIVE : START_CONTENT;
		}
		p = (size_t)(line - text) + strcspn(line, "\n");
		p += text[p] == '\n';
	}
	return START_NOTHING;
}

/* What has to stand between two files, and notes whether there is a document now. */
static int add_separator(struct patch *patch, enum start start, struct err *err)
{
	static const char *const separators[] = {
		[START_CONTENT] = "---\n",
		[START_DIRECTIVE] = "...\n",
		[START_MARKER] = "",
		[START_NOTHING] = "",
	};
	const char *separator = patch->begun ? separators[start] : "";
	char last = spool_last(&patch->out);

	patch->begun |= start != START_NOTHING;
	if (last && last != '\n' && spool_add(&patch->out, "\n", 1, err))
		return -1;
	return spool_add(&patch->out, separator, strlen(separator), err);
}

static int add_encoded(struct patch *patch, const struct manifest *manifest, struct err *err)
{
	cleanup(spool_release) struct spool text = { .limit = SIZE_MAX };

	if (add_text(patch, &text, manifest, 0, err) || manifest_encode(manifest, &text.data, err))
		return -1;
	return spool_add(&patch->out, text.data.data, text.data.len, err);
}

int patch_add(struct patch *patch, const struct manifest *manifest, bool alone, struct err *err)
{
	size_t from = 0;

	if (manifest->cuts.all)
		return 0;
	if (alone && manifest->encoding)
		return add_encoded(patch, manifest, err);
	if (!alone && starts_with(buf_str(&manifest->text), "\xef\xbb\xbf"))
		from = 3;
	if (add_separator(patch, how_it_starts(manifest, from), err))
		return -1;
	return add_text(patch, &patch->out, manifest, from, err);
}
