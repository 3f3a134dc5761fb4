#include "manifest.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "base/file.h"

static int convert(
	struct buf *text, const char *to, const char *from, const char *path, struct err *err)
{
	iconv_t conversion = iconv_open(to, from);
	struct buf out = { 0 };
	char *in = text->data;
	size_t left = text->len;

	if (conversion == (iconv_t)-1)
		return err_set(err, ERR_FAILED, "%s: cannot convert %s to %s", path, from, to);
	while (left) {
		char *end = buf_reserve(&out, 65536), *start = end;
		size_t room = 65536, result = iconv(conversion, &in, &left, &end, &room);

		out.len += (size_t)(end - start);
		out.data[out.len] = '\0';
		if (result == (size_t)-1 && errno != E2BIG) {
			iconv_close(conversion);
			buf_release(&out);
			return err_set(err, ERR_INPUT, "%s: malformed %s at byte %zu", path, from,
				(size_t)(in - text->data));
		}
	}
	iconv_close(conversion);
	buf_release(text);
	*text = out;
	return 0;
}

static const char *find_encoding(const struct buf *text)
{
	if (text->len >= 2 && !memcmp(text->data, "\xff\xfe", 2))
		return "UTF-16LE";
	if (text->len >= 2 && !memcmp(text->data, "\xfe\xff", 2))
		return "UTF-16BE";
	return NULL;
}

static const char *name_of(const struct manifest *manifest)
{
	return strcmp(manifest->path, "-") ? manifest->path : "standard input";
}

/* Whether all is well, before anything is done with it, and what the selector leaves out. */
static int check(struct manifest *manifest, const struct selector *selector, struct err *err)
{
	const char *text = buf_str(&manifest->text);

	if (yaml_each_document(name_of(manifest), text, manifest->text.len,
		    (struct references_taker){ 0 }, err))
		return -1;
	return selector->n ? select_objects(&manifest->cuts, name_of(manifest), text,
				     manifest->text.len, selector, err)
			   : 0;
}

int manifest_load(struct manifest *manifest, const char *path, const struct selector *selector,
	bool skip_invalid, struct err *err)
{
	*manifest = (struct manifest){ .path = path };
	if (file_read(path, FILE_LIMIT, &manifest->text, err))
		return -1;
	manifest->encoding = find_encoding(&manifest->text);
	if (manifest->encoding && convert(&manifest->text, "UTF-8", manifest->encoding, path, err))
		return -1;
	if ((!selector->n && !skip_invalid) || !check(manifest, selector, err))
		return 0;
	if (!skip_invalid || err->class != ERR_INPUT)
		return -1;
	cuts_release(&manifest->cuts);
	manifest->invalid = true;
	return 0;
}

struct filter {
	const struct manifest *manifest;
	struct references_taker taker;
};

static int drop_cut_references(void *arg, struct references *references, struct err *err)
{
	const struct filter *filter = arg;
	size_t kept = 0;

	for (size_t i = 0; i < references->n; i++) {
		if (!cuts_hold(&filter->manifest->cuts, references->v[i].begin))
			references->v[kept++] = references->v[i];
	}
	references->n = kept;
	return kept ? filter->taker.take(filter->taker.arg, references, err) : 0;
}

int manifest_each_document(
	const struct manifest *manifest, struct references_taker taker, struct err *err)
{
	struct filter filter = { manifest, taker };

	if (manifest->invalid)
		return 0;
	return yaml_each_document(name_of(manifest), buf_str(&manifest->text), manifest->text.len,
		(struct references_taker){ drop_cut_references, &filter }, err);
}

int manifest_encode(const struct manifest *manifest, struct buf *text, struct err *err)
{
	if (!manifest->encoding)
		return 0;
	return convert(text, manifest->encoding, "UTF-8", manifest->path, err);
}

void manifest_release(struct manifest *manifest)
{
	buf_release(&manifest->text);
	cuts_release(&manifest->cuts);
}
