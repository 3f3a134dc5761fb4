#ifndef GRAPH_DESTINATION_H
#define GRAPH_DESTINATION_H

#include "base/opt.h"
#include "formats/record.h"
#include "net/registry.h"

/*
 * Where images go: what ko-scan puts into the graph's push and save edges. The push edge runs
 * ko-push, or ko-load where an engine or a kind cluster gets the images.
 */
struct destination {
	const char *repo;    /* "": the store; NULL: as the tool decides */
	const char *builder; /* "docker", "podman", "buildah"; NULL, "native": no engine */
	const char *engine;  /* which one, by endpoint_identity(); NULL: to be found out */
	bool local;          /* into the engine, whatever repo is */
	bool tag_only, push; /* push is true where nothing else is said */
	const char *ca_file, *image_refs, *stats;
	const char *layout, *tarball; /* for ko-save; NULL: none */
	const char *sbom;             /* "spdx", which NULL is too, or "none" */
	const char *sbom_dir;         /* NULL: none */
	struct strs insecure;
	char *found; /* private: the engine that was found out */
};

#define DESTINATION_OPTIONS(d) \
	{ 0, "repo", "REPOSITORY", OPT_STRING, &(d)->repo, \
		"where to push (default: KO_DOCKER_REPO)" }, \
		{ 0, "builder", "NAME", OPT_STRING, &(d)->builder, \
			"native, or the engine that gets the images: docker, podman, buildah" }, \
		{ 'L', "local", NULL, OPT_FLAG, &(d)->local, \
			"load into the engine only, under the repository's name" }, \
		{ 0, "engine", "TEXT", OPT_STRING, &(d)->engine, NULL }, \
		{ 0, "push", NULL, OPT_FLAG, &(d)->push, \
			"false: keep the images in the store only" }, \
		{ 0, "tag-only", NULL, OPT_FLAG, &(d)->tag_only, \
			"write repository:tag without digest" }, \
		REGISTRY_OPTIONS(&(d)->insecure, &(d)->ca_file), \
		{ 0, "image-refs", "FILE", OPT_STRING, &(d)->image_refs, \
			"also write the references to a file" }, \
		{ 0, "oci-layout-path", "DIR", OPT_STRING, &(d)->layout, \
			"also add the images to this image layout" }, \
		{ 0, "tarball", "FILE", OPT_STRING, &(d)->tarball, \
			"also write an archive of the images" }, \
		{ 0, "sbom", "KIND", OPT_STRING, &(d)->sbom, \
			"bills of materials to push beside images: spdx (default) or none" }, \
		{ 0, "sbom-dir", "DIR", OPT_STRING, &(d)->sbom_dir, "also write them to files" }, \
	{ \
		0, "stats", "FILE", OPT_STRING, &(d)->stats, "write counts of the push as JSON" \
	}

/* Takes from the environment what no option says: KO_DOCKER_REPO, KO_BUILDER, which engine. A
 * builder that is not known is ERR_USAGE. */
int destination_defaults(struct destination *destination, struct err *err);

/* The tool that brings the images there: "ko-push" or "ko-load". */
const char *destination_tool(const struct destination *destination);

/* The options as words, for ko-scan. */
void destination_words(const struct destination *destination, struct strs *words);

/* Those that say where the images are and how to get there, for the tool with --confirm. */
void destination_place_words(const struct destination *destination, struct strs *words);

/* All those for the tool. */
void destination_push_words(const struct destination *destination, struct strs *words);

/* Those for ko-save. Returns 1, 0 where nothing is to be saved, or -1: ERR_USAGE for an archive on
 * standard output, where other things go. */
int destination_save_words(
	const struct destination *destination, struct strs *words, struct err *err);

/* Those for ko-sbom. Returns 1, 0 where nobody wants bills of materials, because none of the
 * records' images goes to a registry, or -1: ERR_USAGE for a kind that is not known. */
int destination_sbom_words(const struct destination *destination, const struct records *records,
	struct strs *words, struct err *err);

/* Those that say how to talk to registries, for ko-base. */
void destination_trust_words(const struct destination *destination, struct strs *words);
void destination_release(struct destination *destination);

#endif
