#ifndef GRAPH_GRAPH_H
#define GRAPH_GRAPH_H

#include "plan.h"

/*
 * Writes a plan as a build graph. Beside the graph file, in its directory, go the files that the
 * edges start from: scan.json (all records, with where they were found), GROUP.scan.json (the
 * records that one go build makes), manifests (the list of files) and contents (their
 * fingerprints). All are left alone where they would not change. Descriptors, not bytes, flow:
 * NAME.PLATFORM.built.json (of the programs of one go build, named after the first; ninja only),
 * NAME.PLATFORM.bin.json, NAME.PLATFORM.layer.json, base-N.json, NAME.image.json, saved.json,
 * sboms.json, refs.json, resolved.yaml, all there too. "apply" is the goal before the cluster is
 * spoken to: resolved.yaml, and all images confirmed by the registry.
 */
struct graph_options {
	const char *file;           /* the graph */
	const char *builddir;       /* executables, memos; ".ko" */
	const char *oci;            /* the store */
	const char *data;           /* KO_DATA_PATH; NULL: none */
	const struct strs *base;    /* options for ko-base */
	const char *tool;           /* that brings the images to their place: ko-push or ko-load */
	const struct strs *push;    /* options for it, the destination among them */
	const struct strs *confirm; /* options for it when it confirms */
	const struct strs *save;    /* options for ko-save; NULL: nothing is saved */
	const struct strs *sbom;    /* options for ko-sbom; NULL: there are no bills of materials */
	const struct strs *patch;   /* options for ko-patch */
	const char *bin;            /* directory of the tools; NULL: PATH */
	/* ninja: the graph is a whole build.ninja, with rules, and re-makes itself by running
	 * ko-scan with these words; NULL: a file for subninja */
	const struct strs *scan;
};

int graph_ninja(const struct plan *plan, const struct graph_options *options, struct err *err);
int graph_make(const struct plan *plan, const struct graph_options *options, struct err *err);

/*
 * All that decides over the graph besides files, a line each: the words, the environment variables
 * that ko, go and cgo obey, the file of go env -w, which go and which tools are used, and which of
 * go.work, go.mod and ko.yaml there are from here upwards.
 */
void graph_settings(const struct strs *words, const char *bin, struct buf *text);

/* A fingerprint of these. malloced. */
char *graph_key(const struct strs *words, const char *bin);

/* s as one word for sh. malloced. */
char *shell_quote(const char *s);

#endif
