#include "patch.h"

#include <string.h>

static const char *find_ref(const struct records *records, const char *text)
{
	for (size_t i = 0; i < records_count(records); i++) {
		const json_t *record = records_at(records, i);
		const json_t *item;
		size_t j;

		json_array_foreach (json_object_get(record, "references"), j, item) {
			if (json_is_string(item) && !strcmp(json_string_value(item), text))
				return record_get(record, "ref");
		}
	}
	return NULL;
}

int patch_text(struct buf *out, const struct manifest *manifest, const struct records *records,
	struct err *err)
{
	const struct buf *text = &manifest->text;
	size_t done = 0;

	for (size_t i = 0; i < manifest->references.n; i++) {
		const struct reference *r = &manifest->references.v[i];
		const char *ref = find_ref(records, r->text);

		if (!ref)
			return err_set(err, ERR_INPUT,
				"%s:%zu:%zu: %s: no image for it in the records; does the pipe "
				"begin with ko-scan -f %s?",
				manifest->path, r->line, r->column, r->text, manifest->path);
		buf_add(out, text->data + done, r->begin - done);
		buf_addstr(out, ref);
		done = r->end;
	}
	buf_add(out, buf_str(text) + done, text->len - done);
	return 0;
}

void patch_join(struct buf *stream, const char *text, size_t n)
{
	if (stream->len && stream->data[stream->len - 1] != '\n')
		buf_addch(stream, '\n');
	if (stream->len && !(n >= 3 && !memcmp(text, "---", 3)))
		buf_addstr(stream, "---\n");
	buf_add(stream, text, n);
}
