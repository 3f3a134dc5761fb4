#ifndef NET_BASE_H
#define NET_BASE_H

#include "formats/oci.h"
#include "registry.h"

/*
 * Base images, as far as they are needed to put images on them: index, manifests and configs of the
 * platforms that are wanted. Their layers stay where they are.
 *
 * References: "ko.local/static", the built-in one; "oci:DIR", an image layout, "oci:DIR:TAG" one of
 * several images in it; anything else is in a registry.
 *
 * What a tag of a registry meant is kept in a lock file, a base record without platforms. With it
 * nothing is asked again until an update is wanted; then one HEAD request tells whether the tag has
 * moved. An image layout has no lock: its index.json says what is there now.
 */
struct base_finder {
	const struct oci *oci;
	const char *builddir;
	const char *lock;             /* NULL: below builddir, by reference */
	const struct strs *platforms; /* os/arch[/variant], or "all"; empty: all */
	bool update;                  /* ask the registry whether tags have moved */
	bool offline;                 /* ask nothing at all */
	const struct registry_settings *network;
	struct registry *registry; /* made when it is needed first; released with the finder */
	char *note;                /* set when something changed that a person should know */
	char *source; /* the file that decided: the lock, or a layout's index; NULL: none */
};

/* The reference to use when none is given: KO_BASEIMAGE, KO_DEFAULTBASEIMAGE, the built-in base. */
const char *base_default(void);

/*
 * Finds the base and gives its record, new, or NULL:
 *
 *	{"base": reference, "canonical": its full form, "mediaType", "digest", "size": of the top,
 *	 "platforms": [{"platform", "manifest": descriptor, "config": descriptor}, ...]}
 *
 * A platform that is wanted but not there is left out; when all are, that is ERR_USAGE.
 */
json_t *base_find(struct base_finder *finder, const char *reference, struct err *err);

/* The registry of the finder, made if need be; NULL on error. */
struct registry *base_registry(struct base_finder *finder, struct err *err);

void base_finder_release(struct base_finder *finder);

/* Where a base's blobs are. */
struct base_place {
	char *dir;         /* an image layout, or NULL */
	char *host, *path; /* a repository, or NULL */
	char *tag;         /* or digest, or name in the layout; NULL: none */
	char *canonical;
};

/* Takes a reference of a base apart. For the built-in one all is NULL but canonical. */
int base_place_parse(struct base_place *place, const char *reference, struct err *err);
void base_place_release(struct base_place *place);

#endif
