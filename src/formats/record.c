#include "record.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

/*
 * The byte at which arrays and objects are nested too deep, or NULL. A loop, as the parser that
 * comes after it is recursive; brackets in strings do not count. In text that is not JSON it may be
 * wrong, which the parser finds out.
 */
static const char *too_deep(const char *text, size_t n)
{
	unsigned depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < n; i++) {
		if (quoted && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			quoted = !quoted;
		else if (!quoted && (text[i] == '[' || text[i] == '{') && ++depth > JSON_DEPTH)
			return text + i;
		else if (!quoted && (text[i] == ']' || text[i] == '}') && depth)
			depth--;
	}
	return NULL;
}

json_t *json_from(const char *name, const char *text, size_t n, struct err *err)
{
	const char *deep = too_deep(text, n);
	json_error_t error;
	json_t *json;

	if (deep) {
		err_set(err, ERR_INPUT, "%s: malformed JSON: more than %d levels at byte %zu", name,
			JSON_DEPTH, (size_t)(deep - text) + 1);
		return NULL;
	}
	json = json_loadb(text, n, JSON_REJECT_DUPLICATES, &error);
	if (!json)
		err_set(err, ERR_INPUT, "%s:%d:%d: malformed JSON: %s", name, error.line,
			error.column, error.text);
	return json;
}

char *json_text(const json_t *json, size_t *n)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);

	if (!text)
		abort();
	if (n)
		*n = strlen(text);
	return text;
}

/* The fields that say which image a record is of, the most telling first. */
static const char *const identity[] = { "importpath", "name", "base" };

const char *record_title(const json_t *record)
{
	for (size_t i = 0; i < countof(identity); i++) {
		const char *value = record_get(record, identity[i]);

		if (value)
			return value;
	}
	return "?";
}

static json_t *find_same(const struct records *records, const json_t *record)
{
	for (size_t i = 0; i < countof(identity); i++) {
		const char *value = record_get(record, identity[i]);

		if (!value)
			continue;
		for (size_t j = 0; j < records_count(records); j++) {
			const char *other = record_get(records_at(records, j), identity[i]);

			if (other && !strcmp(other, value))
				return records_at(records, j);
		}
		return NULL;
	}
	return NULL;
}

static void merge_platforms(json_t *record, const json_t *platforms)
{
	size_t i;
	json_t *entry;

	json_array_foreach (platforms, i, entry) {
		const char *platform = record_get(entry, "platform");

		if (platform)
			json_object_update_missing(record_platform(record, platform), entry);
	}
}

void records_add(struct records *records, json_t *record)
{
	json_t *same;

	if (!records->list)
		records->list = json_array();
	same = find_same(records, record);
	if (!same) {
		json_array_append_new(records->list, record);
		return;
	}
	json_object_update_missing(same, record);
	merge_platforms(same, json_object_get(record, "platforms"));
	json_decref(record);
}

/* Depth and size of what jansson takes are bounded by itself (2048 levels) and by FILE_LIMIT. */
int records_parse(
	struct records *records, const char *name, const char *text, size_t n, struct err *err)
{
	size_t line = 1;

	for (const char *p = text, *end = text + n; p < end; line++) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		size_t length = newline ? (size_t)(newline - p) : (size_t)(end - p);
		json_error_t error;
		json_t *record;

		if (strspn(p, " \t\r") < length) {
			record = json_loadb(p, length, JSON_REJECT_DUPLICATES, &error);
			if (!record)
				return err_set(err, ERR_INPUT, "%s:%zu:%d: malformed record: %s",
					name, line, error.column, error.text);
			if (!json_is_object(record) || !strcmp(record_title(record), "?")) {
				json_decref(record);
				return err_set(err, ERR_INPUT,
					"%s:%zu: not a record: an object with importpath, name or "
					"base is wanted",
					name, line);
			}
			records_add(records, record);
		}
		p += length + 1;
	}
	return 0;
}

int records_read(struct records *records, const char *path, struct err *err)
{
	cleanup(buf_release) struct buf text = { 0 };
	const char *name = strcmp(path, "-") ? path : "standard input";

	if (!records->list)
		records->list = json_array();
	if (file_read(path, FILE_LIMIT, &text, err))
		return -1;
	return records_parse(records, name, buf_str(&text), text.len, err);
}

int records_read_all(struct records *records, const struct strs *operands,
	int (*other)(struct records *records, const char *operand, struct err *err),
	struct err *err)
{
	if (!operands->n)
		return records_read(records, "-", err);
	for (size_t i = 0; i < operands->n; i++) {
		const char *operand = operands->v[i];

		if (!other || records_named(operand) ? records_read(records, operand, err)
						     : other(records, operand, err))
			return -1;
	}
	return 0;
}

static void add_line(struct buf *out, const json_t *record)
{
	scratch char *text = json_text(record, NULL);

	buf_addstr(out, text);
	buf_addch(out, '\n');
}

static int write_each(const struct records *records, const char *pattern, struct err *err)
{
	const char *percent = strchr(pattern, '%');

	for (size_t i = 0; i < records_count(records); i++) {
		cleanup(buf_release) struct buf line = { 0 };
		const char *name = record_need(records_at(records, i), "name", err);
		scratch char *path = NULL;

		if (!name)
			return -1;
		path = xasprintf("%.*s%s%s", (int)(percent - pattern), pattern, name, percent + 1);
		add_line(&line, records_at(records, i));
		if (file_save(path, line.data, line.len, err) < 0)
			return -1;
	}
	return 0;
}

int records_write(const struct records *records, const char *out, struct err *err)
{
	cleanup(buf_release) struct buf text = { 0 };

	if (out && strchr(out, '%'))
		return write_each(records, out, err);
	for (size_t i = 0; i < records_count(records); i++)
		add_line(&text, records_at(records, i));
	return file_output(out, buf_str(&text), text.len, err) < 0 ? -1 : 0;
}

void records_release(struct records *records)
{
	json_decref(records->list);
	records->list = NULL;
}

size_t records_count(const struct records *records)
{
	return json_array_size(records->list);
}

json_t *records_at(const struct records *records, size_t i)
{
	return json_array_get(records->list, i);
}

bool records_named(const char *operand)
{
	return !strcmp(operand, "-") || ends_with(operand, ".json");
}

const char *record_get(const json_t *record, const char *key)
{
	return json_string_value(json_object_get(record, key));
}

const char *record_need(const json_t *record, const char *key, struct err *err)
{
	const char *value = record_get(record, key);

	if (!value)
		err_set(err, ERR_INPUT, "record of %s: no %s; has the tool before this one run?",
			record_title(record), key);
	return value;
}

void record_strings(const json_t *record, const char *key, struct strs *strs)
{
	size_t i;
	json_t *item;

	json_array_foreach (json_object_get(record, key), i, item) {
		if (json_is_string(item))
			strs_add(strs, json_string_value(item));
	}
}

void record_platforms(const json_t *record, struct strs *platforms)
{
	size_t i;
	json_t *entry;

	json_array_foreach (json_object_get(record, "platforms"), i, entry) {
		const char *platform = record_get(entry, "platform");

		if (platform)
			strs_add(platforms, platform);
	}
}

void record_set_strings(json_t *record, const char *key, const struct strs *strs)
{
	json_t *list;

	if (!strs->n) {
		json_object_del(record, key);
		return;
	}
	list = json_array();
	for (size_t i = 0; i < strs->n; i++)
		json_array_append_new(list, json_string(strs->v[i]));
	json_object_set_new(record, key, list);
}

json_t *record_platform(json_t *record, const char *platform)
{
	json_t *list = json_object_get(record, "platforms");
	json_t *entry;
	size_t i;

	if (!json_is_array(list)) {
		list = json_array();
		json_object_set_new(record, "platforms", list);
	}
	json_array_foreach (list, i, entry) {
		const char *value = record_get(entry, "platform");

		if (value && !strcmp(value, platform))
			return entry;
	}
	entry = json_pack("{s:s}", "platform", platform);
	json_array_append_new(list, entry);
	return entry;
}

int descriptor_from(
	struct descriptor *descriptor, const json_t *object, const char *where, struct err *err)
{
	const char *media_type = record_get(object, "mediaType");
	const char *digest = record_get(object, "digest");
	const json_t *size = json_object_get(object, "size");

	if (!media_type || !digest || !digest_valid(digest) || !json_is_integer(size) ||
		json_integer_value(size) < 0)
		return err_set(err, ERR_INPUT,
			"%s: not a descriptor: mediaType, digest (sha256:...) and size are wanted",
			where);
	descriptor->media_type = xstrdup(media_type);
	memcpy(descriptor->digest, digest, DIGEST_SIZE);
	descriptor->size = json_integer_value(size);
	return 0;
}

json_t *descriptor_json(const char *media_type, const char *digest, json_int_t size)
{
	return json_pack(
		"{s:s, s:s, s:I}", "mediaType", media_type, "digest", digest, "size", size);
}

void descriptor_release(struct descriptor *descriptor)
{
	free(descriptor->media_type);
	*descriptor = (struct descriptor){ 0 };
}
