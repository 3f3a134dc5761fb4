#ifndef FORMATS_RECORD_H
#define FORMATS_RECORD_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "digest.h"

/*
 * Records are what flows between the tools: one JSON object on one line, one per image;
 * ko-record(5) lists the fields. A tool adds fields and passes those that it does not know on, in
 * their order.
 *
 * Records of the same image that come from several files are merged: the first one's fields stay,
 * new ones are added, and the "platforms" lists are joined by their "platform". Two records are of
 * the same image when they have the same "importpath", or lacking that "name", or "base".
 */
struct records {
	json_t *list; /* array of objects; NULL: none yet */
};

/* Adds the records of a file, "-" is standard input. Malformed ones are ERR_INPUT FILE:LINE. */
int records_read(struct records *records, const char *path, struct err *err);

/*
 * Adds the records that the operands of a tool mean: standard input when there are none, files of
 * records, and what other() makes of an operand that names none (NULL: all name records).
 */
int records_read_all(struct records *records, const struct strs *operands,
	int (*other)(struct records *records, const char *operand, struct err *err),
	struct err *err);

/* Adds the records of text; name is what errors call it. */
int records_parse(
	struct records *records, const char *name, const char *text, size_t n, struct err *err);

/* Adds one record, merging; takes over the reference to it. */
void records_add(struct records *records, json_t *record);

/*
 * Writes one line per record. out NULL or "-": stdout. With a "%" in out: one file per record, "%"
 * standing for its "name". Files are written whole and only when they change.
 */
int records_write(const struct records *records, const char *out, struct err *err);

void records_release(struct records *records);

/* For loops: for (size_t i = 0; i < records_count(r); i++) record = records_at(r, i). Borrowed. */
size_t records_count(const struct records *records);
json_t *records_at(const struct records *records, size_t i);

/* Whether an operand names a file of records rather than what a tool works on: ends in ".json" or
 * is "-". */
bool records_named(const char *operand);

/* The string field, or ERR_INPUT "record of NAME: no KEY; ...". Borrowed. */
const char *record_need(const json_t *record, const char *key, struct err *err);
/* The string field, or NULL. Borrowed. */
const char *record_get(const json_t *record, const char *key);
/* Appends the strings of an array field; a missing field is an empty one. */
void record_strings(const json_t *record, const char *key, struct strs *strs);
/* Appends the platforms that the record names. */
void record_platforms(const json_t *record, struct strs *platforms);
/* Sets an array field of strings; an empty list removes it. */
void record_set_strings(json_t *record, const char *key, const struct strs *strs);
/* What errors call a record: its importpath, name or base. Borrowed. */
const char *record_title(const json_t *record);

/* The entry of "platforms" for a platform such as "linux/amd64"; made when absent. Borrowed. */
json_t *record_platform(json_t *record, const char *platform);

/*
 * An OCI descriptor (image-spec, descriptor.md) in memory. Strings are owned.
 */
struct descriptor {
	char *media_type;
	char digest[DIGEST_SIZE];
	json_int_t size;
};

/* Checks and copies an object's mediaType, digest and size; where is for the error text. */
int descriptor_from(
	struct descriptor *descriptor, const json_t *object, const char *where, struct err *err);
/* A new object with mediaType, digest, size in this order. */
json_t *descriptor_json(const char *media_type, const char *digest, json_int_t size);
void descriptor_release(struct descriptor *descriptor);

/* Parses JSON from outside. More than JSON_DEPTH levels, duplicate keys and malformed text are
 * ERR_INPUT with NAME:LINE:COLUMN. */
#define JSON_DEPTH 64
json_t *json_from(const char *name, const char *text, size_t n, struct err *err);
/* The compact text in the order of insertion, as manifests and configs are stored. malloced. */
char *json_text(const json_t *json, size_t *n);

static inline void json_release(json_t **json)
{
	json_decref(*json);
	*json = NULL;
}

#endif
