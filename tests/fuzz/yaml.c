/* References lie inside the text, in order, and putting something else there gives the same number
 * of references no more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	if (yaml_references(&left, "fuzz", buf_str(&out), out.len, &err)) {
		fprintf(stderr, "unreadable after the change: %s\n", err.text);
		abort();
	}
	if (left.n)
		abort();
	return 0;
}
