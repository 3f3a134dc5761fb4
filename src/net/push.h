#ifndef NET_PUSH_H
#define NET_PUSH_H

#include "base.h"
#include "inputs/target.h"

/*
 * Bringing images to where they are run from: a registry, or with no repository named the store
 * itself, which is then made complete and gets the images listed under NAME:TAG.
 */
struct push {
	const struct oci *oci;
	const char *repo; /* "": the store; NULL: the records', or KO_DOCKER_REPO, or the store */
	const struct strs *tags; /* for records that name none; empty: "latest" */
	bool tag_only;           /* references are "repository:tag" */
	bool keep;               /* all goes to the store; references are as if pushed */
	bool confirm; /* ask for each image by its digest; only where it is gone is all as ever */
	const struct records *known; /* as they came out earlier, with the same options: where the
					image is still there, its bills are not asked for */
	const json_t *seen;          /* by the process that went ahead, shortly before (ahead.h) */
	bool weigh; /* stats.bytes_present is wanted: it has the sizes of images that were there */
	struct base_finder *finder; /* its registry does the work */

	/* how it went */
	size_t images, pushed;
	bool stored; /* the store was a destination */
	struct registry_stats stats;
};

/*
 * Pushes the images of all records, with the bills of materials that ko-sbom made of them, and sets
 * each record's "ref", or fails and sets none. A ref is set only after the registry has confirmed
 * the image by its digest.
 *
 * Records must have "image" and "name". "repository" is where a record's image goes when push.repo
 * does not say; with "bare" it is the image's repository itself; "tags" are tags of its own.
 */
int push_images(struct push *push, struct records *records, struct err *err);

/* Where an image's blobs come from, with what must live until the registry has sent them. */
struct blob_origin {
	struct blob_source source;
	struct repo repo;
	char *path, *mount_from;
};

/*
 * Finds a blob of an image: in the store, in the program (the built-in base's layer), in the layout
 * or the repository of its base. ERR_FAILED when it is one of our own layers and gone.
 */
int blob_find(struct blob_origin *origin, const struct oci *oci, const struct base_place *place,
	const json_t *record, const struct descriptor *blob, struct err *err);
void blob_origin_release(struct blob_origin *origin);

/* Makes the store hold all blobs of the records' images. */
int store_complete(struct push *push, const struct records *records, struct err *err);

#endif
