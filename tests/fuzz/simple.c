/* What the recognizer of simple YAML takes, libyaml takes too and finds the same references in. A
 * directive in front of a document sends it to libyaml. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inputs/yaml.h"
#include "base/buf.h"
#include "base/mem.h"
#include "inputs/simple.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static bool same(const struct reference *a, const struct reference *b, size_t shift)
{
	return !strcmp(a->text, b->text) && a->begin + shift == b->begin &&
		a->end + shift == b->end && a->style == b->style;
}

/* A colon on another line than its key. */
static bool has_lone_colon(const char *text)
{
	for (const char *p = text; (p = strchr(p, ':')); p++) {
		const char *q = p;

		while (q > text && strchr(" \t\r", q[-1]))
			q--;
		if (q > text && q[-1] == '\n')
			return true;
	}
	return false;
}

/* What JSON allows and YAML does not. */
static bool only_json(const char *text)
{
	return has_lone_colon(text) || strstr(text, "\\ud") || strstr(text, "\\uD") ||
		strchr(text, 0x7f) || strlen(text) > 1000 || strchr(text, '\t');
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	cleanup(references_release) struct references found = { 0 };
	cleanup(references_release) struct references all = { 0 };
	cleanup(buf_release) struct buf text = { 0 };
	cleanup(buf_release) struct buf out = { 0 };
	struct err err;

	buf_add(&text, data, size);
	if (strstr(buf_str(&text), "\n---") ||
		!simple_references(&found, buf_str(&text), 0, text.len))
		return 0;
	buf_addstr(&out, starts_with(text.data, "---") ? "%YAML 1.1\n" : "%YAML 1.1\n---\n");
	buf_add(&out, text.data, text.len);
	if (yaml_references(&all, "fuzz", out.data, out.len, &err)) {
		if (only_json(text.data))
			return 0;
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	if (found.n != all.n)
		abort();
	for (size_t i = 0; i < found.n; i++) {
		if (!same(&found.v[i], &all.v[i], out.len - text.len))
			abort();
	}
	return 0;
}
