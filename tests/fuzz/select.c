/* What a selector leaves of a text can be read, has as many references as were not left out, and
 * with the same selector stays as it is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inputs/patch.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* The text without what the selector leaves out; -1: the selector cannot be applied. */
static int reduce(const struct buf *text, const struct selector *selector, struct buf *out)
{
	cleanup(cuts_release) struct cuts cuts = { 0 };
	struct err err;
	size_t from = 0;

	if (select_objects(&cuts, "fuzz", buf_str(text), text->len, selector, &err))
		return -1;
	for (size_t i = 0; i < cuts.n; i++) {
		if (cuts.v[i].begin < from || cuts.v[i].end < cuts.v[i].begin ||
			cuts.v[i].end > text->len)
			abort();
		buf_add(out, text->data + from, cuts.v[i].begin - from);
		from = cuts.v[i].end;
	}
	if (cuts.all)
		buf_clear(out);
	else
		buf_add(out, text->data + from, text->len - from);
	return 0;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	cleanup(selector_release) struct selector selector = { 0 };
	cleanup(references_release) struct references found = { 0 };
	cleanup(buf_release) struct buf text = { 0 };
	cleanup(buf_release) struct buf once = { 0 };
	cleanup(buf_release) struct buf twice = { 0 };
	struct err err;

	buf_add(&text, data, size);
	if (selector_parse(&selector, "a", &err))
		abort();
	if (yaml_references(&found, "fuzz", buf_str(&text), text.len, &err) ||
		reduce(&text, &selector, &once))
		return 0;
	references_release(&found);
	if (yaml_references(&found, "fuzz", buf_str(&once), once.len, &err) ||
		reduce(&once, &selector, &twice)) {
		fprintf(stderr, "unreadable after the cuts: %s\n", err.text);
		abort();
	}
	if (once.len != twice.len || (once.len && memcmp(once.data, twice.data, once.len)))
		abort();
	return 0;
}
