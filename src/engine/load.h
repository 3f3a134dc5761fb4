#ifndef ENGINE_LOAD_H
#define ENGINE_LOAD_H

#include <stdint.h>

#include "formats/platform.h"
#include "inputs/target.h"
#include "net/base.h"

/*
 * Bringing images to engines: into the engine that a builder's name means, and from there to a
 * registry where that is the destination; or into the nodes of a kind cluster. What is there
 * already is not sent. Of an image for several platforms the engine gets its own one.
 */
struct load {
	const struct oci *oci;
	const char *builder; /* "docker", "podman", "buildah"; "native" counts as docker */
	const char *repo;    /* as struct push has it, but nothing at all is ko.local */
	const struct strs *tags;
	bool tag_only;
	bool local; /* into the engine, whatever the repository's name is */
	/* Images that have a "ref" are only asked for at the registry, by its digest; where they
	 * are gone all is as ever, and it is ERR_REFUSED when that comes to another digest. */
	bool confirm;
	const char *origin; /* where the records are from, for errors */
	const struct strs *insecure;
	struct base_finder *finder; /* fetches layers of bases, confirms what was pushed */

	/* how it went */
	size_t images, loaded; /* loaded: those that were sent to an engine, or to any node */
	int64_t bytes;         /* of the archives that were sent */
	struct strs notes;     /* lines for people */
};

/*
 * Sets each record's "ref", or fails and sets none: "NAME:HEX" (the digits of the manifest's
 * digest) in an engine or a cluster, NAME@DIGEST in a registry, with the digest that the engine
 * pushed and the registry confirmed: what it has under it is the image, by its config. Of several
 * images in one repository the first one has the tag.
 */
int load_images(struct load *load, struct records *records, struct err *err);
void load_release(struct load *load);

/* One image on its way. */
struct load_image {
	json_t *record;
	struct target target;
	json_t *entry;            /* of the record's platforms, the one that is sent */
	char digest[DIGEST_SIZE]; /* of its manifest */
	char id[DIGEST_SIZE];     /* of its config */
	struct strs has;          /* digests of the layers that the engine has */
	struct strs tags;         /* of target.tags, those that no image before it has */
	/* "registry/repository:tag" that it is to have: with HEX as the tag, which no other image
	 * has, then with each of its tags */
	struct strs names;
	bool there;     /* in the engine, or in all nodes */
	bool confirmed; /* at the registry; all is done */
	char *ref;      /* the result */
};

/* The steps that engines and nodes share. Chooses the platform; the image's other ones are noted.
 */
int load_choose(struct load *load, struct load_image *image, const struct platform *platform,
	const char *owner, struct err *err);
/* Brings what the images are made of into the store. */
int load_complete(struct load *load, struct load_image *images, size_t n, struct err *err);

/* kind.c: loads them into the nodes of the cluster. */
int load_into_kind(struct load *load, struct load_image *images, size_t n, struct err *err);

#endif
