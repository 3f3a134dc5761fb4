/* References lie inside the text, in order; where all are import paths, the text with images in
 * their place is the same to libyaml, except that those strings are images now. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "inputs/kopath.h"
#include "inputs/patch.h"
#include "base/mem.h"

#define IMAGE "r.example:5000/a@sha256:0"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

/* Whether all references can be patched; puts an image for each into the list. */
static bool give_images(const struct references *r, size_t n, struct images *images)
{
	size_t done = 0;

	for (size_t i = 0; i < r->n; i++) {
		scratch char *path = NULL;
		struct err err;

		check(r->v[i].begin >= done && r->v[i].end > r->v[i].begin && r->v[i].end <= n);
		done = r->v[i].end;
		path = kopath_parse(r->v[i].text, NULL, &err);
		if (!path)
			return false;
		grow(images->v, images->n, images->cap);
		images->v[images->n++] = (struct image){ r->v[i].text, IMAGE };
	}
	return true;
}

static bool same_text(const yaml_char_t *a, const yaml_char_t *b)
{
	return a && b ? !strcmp((const char *)a, (const char *)b) : a == b;
}

static bool same_scalar(const yaml_event_t *before, const yaml_event_t *after)
{
	const char *old = (const char *)before->data.scalar.value;
	const char *new = (const char *)after->data.scalar.value;
	const char *tag = (const char *)before->data.scalar.tag;
	size_t n = before->data.scalar.length;

	if (before->data.scalar.style != after->data.scalar.style ||
		!same_text(before->data.scalar.tag, after->data.scalar.tag) ||
		!same_text(before->data.scalar.anchor, after->data.scalar.anchor))
		return false;
	if (kopath_is(old) && strlen(old) == n &&
		(!tag || !strcmp(tag, "!") || !strcmp(tag, YAML_STR_TAG)))
		return starts_with(new, IMAGE) &&
			strspn(new + strlen(IMAGE), " \t\r\n") == strlen(new + strlen(IMAGE));
	return n == after->data.scalar.length && !memcmp(old, new, n);
}

static void start(yaml_parser_t *parser, const char *text, size_t n)
{
	yaml_parser_initialize(parser);
	yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(parser, (const unsigned char *)text, n);
}

/* JSON that libyaml does not take is not compared. */
static void compare(const char *before, size_t n, const char *after, size_t m)
{
	yaml_parser_t left, right;
	yaml_event_type_t type;

	start(&left, before, n);
	start(&right, after, m);
	do {
		yaml_event_t a, b;

		if (!yaml_parser_parse(&left, &a))
			break;
		check(yaml_parser_parse(&right, &b));
		type = a.type;
		check(b.type == type);
		check(type != YAML_SCALAR_EVENT || same_scalar(&a, &b));
		yaml_event_delete(&a);
		yaml_event_delete(&b);
	} while (type != YAML_STREAM_END_EVENT);
	yaml_parser_delete(&left);
	yaml_parser_delete(&right);
}

static bool patch_alone(
	const struct manifest *manifest, const struct references *references, struct buf *out)
{
	cleanup(images_release) struct images images = { 0 };
	struct patch patch = { .images = &images, .out = { .limit = SIZE_MAX } };
	struct err err;

	if (!give_images(references, manifest->text.len, &images))
		return false;
	images_sort(&images);
	check(!patch_add(&patch, manifest, true, &err));
	*out = patch.out.data;
	return true;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	cleanup(manifest_release) struct manifest manifest = { .path = "fuzz" };
	cleanup(references_release) struct references references = { 0 };
	cleanup(references_release) struct references left = { 0 };
	cleanup(buf_release) struct buf out = { 0 };
	size_t bom = size >= 3 && !memcmp(data, "\xef\xbb\xbf", 3) ? 3 : 0;
	struct err err;

	buf_add(&manifest.text, data, size);
	if (yaml_references(&references, "fuzz", buf_str(&manifest.text), size, &err) ||
		!patch_alone(&manifest, &references, &out))
		return 0;
	if (yaml_references(&left, "fuzz", buf_str(&out), out.len, &err)) {
		fprintf(stderr, "unreadable after the change: %s\n", err.text);
		abort();
	}
	check(!left.n);
	compare(buf_str(&manifest.text) + bom, size - bom, buf_str(&out) + bom, out.len - bom);
	return 0;
}
