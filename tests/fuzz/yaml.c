/* References lie inside the text, in order; where all are import paths, the text with images in
 * their place can be read, and has no reference any more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inputs/kopath.h"
#include "inputs/yaml.h"
#include "base/buf.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void replace_all(struct buf *out, const char *text, size_t n, const struct references *r)
{
	size_t done = 0;

	for (size_t i = 0; i < r->n; i++) {
		if (r->v[i].begin < done || r->v[i].end < r->v[i].begin || r->v[i].end > n)
			abort();
		buf_add(out, text + done, r->v[i].begin - done);
		buf_addstr(out, "r.example/a@sha256:0");
		done = r->v[i].end;
	}
	buf_add(out, text + done, n - done);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	cleanup(references_release) struct references found = { 0 };
	cleanup(references_release) struct references left = { 0 };
	cleanup(buf_release) struct buf text = { 0 };
	cleanup(buf_release) struct buf out = { 0 };
	struct err err;

	buf_add(&text, data, size);
	if (yaml_references(&found, "fuzz", buf_str(&text), text.len, &err))
		return 0;
	replace_all(&out, buf_str(&text), text.len, &found);
	for (size_t i = 0; i < found.n; i++) {
		scratch char *path = kopath_parse(found.v[i].text, NULL, &err);

		if (!path)
			return 0;
	}
	if (yaml_references(&left, "fuzz", buf_str(&out), out.len, &err)) {
		fprintf(stderr, "unreadable after the change: %s\n", err.text);
		abort();
	}
	if (left.n)
		abort();
	return 0;
}
