#ifndef INPUTS_TARGET_H
#define INPUTS_TARGET_H

#include "formats/record.h"
#include "ref.h"

/*
 * Where the image of a record goes and what it is called there: KO_DOCKER_REPO or the option that
 * stands for it, the record's "repository", "name", "bare" and "tags". All zero is a valid, empty
 * one.
 */
struct target {
	enum ref_place place;
	struct image_ref ref; /* without tag and digest; in the store only ref.name is set */
	struct strs tags;     /* valid, each once; none where they were set to nothing */
	bool tag_only;        /* references are "repository:tag" */
};

/* repo: "" is the store; NULL: the record's, else KO_DOCKER_REPO, else the store. tags: instead of
 * the record's; NULL or empty: those, else "latest"; a tag "" is none. ERR_USAGE, ERR_INPUT. */
int target_make(struct target *target, const json_t *record, const char *repo,
	const struct strs *tags, bool tag_only, struct err *err);
void target_release(struct target *target);

/* Whether no image before this one has the tag in the same repository (--bare): the first one gets
 * it. taken, which begins empty, is what the images of a run have so far. */
bool target_take_tag(const struct target *target, const char *tag, struct strs *taken);

/* The reference to print for a registry and the store; the tag is in it when exactly one other than
 * latest was asked for. tagged: whether this image has the tags; one that has not is named by its
 * digest, whatever was asked for. malloced. */
char *target_reference(const struct target *target, bool tagged, const char *digest);

/* What --image-refs writes: the reference of each image that was pushed, a line each; that of an
 * index is followed by those of its images, by digest alone. ERR_INPUT for a record without "ref".
 */
int target_list(const struct records *records, struct buf *text, struct err *err);

#endif
