#ifndef GRAPH_PLAN_H
#define GRAPH_PLAN_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/opt.h"
#include "formats/record.h"
#include "inputs/settings.h"

/*
 * What ko-scan finds out: which programs the manifests (or import path operands) ask for, with
 * their settings, and every file and directory that this depends on.
 */

/* What ko-scan and the driver's build commands have in common on the command line. */
struct plan_options {
	struct strs filenames; /* -f */
	bool recursive;
	const char *selector; /* -l */
	bool skip_invalid;
	struct strs importpaths;               /* operands */
	bool preserve_paths, base_paths, bare; /* -P, -B, --bare */
	const char *naming;
	struct strs platforms, tags, labels, annotations, ldflags;
	const char *user, *compression;
	bool disable_optimizations, debug;
	struct strs bases; /* files of base records */
};

/* The rows of the option table for these, for use inside an array of struct opt. */
#define PLAN_FILE_OPTIONS(o) \
	{ 'f', "filename", "FILE", OPT_LIST, &(o)->filenames, \
		"manifests: a file, a directory or - (repeatable)" }, \
		{ 'R', "recursive", NULL, OPT_FLAG, &(o)->recursive, "go down into directories" }, \
		{ 'l', "selector", "SELECTOR", OPT_STRING, &(o)->selector, \
			"only objects whose labels match" }, \
	{ \
		0, "skip-invalid", NULL, OPT_FLAG, &(o)->skip_invalid, \
			"pass files on that are no YAML, instead of failing" \
	}

#define PLAN_IMAGE_OPTIONS(o) \
	{ 'P', "preserve-import-paths", NULL, OPT_FLAG, &(o)->preserve_paths, \
		"name images by their whole import path" }, \
		{ 'B', "base-import-paths", NULL, OPT_FLAG, &(o)->base_paths, \
			"name images by the last element of the path (default)" }, \
		{ 0, "bare", NULL, OPT_FLAG, &(o)->bare, "use the repository alone as name" }, \
		{ 0, "naming", "KIND", OPT_STRING, &(o)->naming, "last, path, bare or md5" }, \
		{ 0, "platform", "LIST", OPT_CSV, &(o)->platforms, \
			"os/arch[/variant],... or all" }, \
		{ 't', "tags", "LIST", OPT_CSV_OR_NONE, &(o)->tags, \
			"tags to push (default latest); empty: none" }, \
		{ 0, "image-label", "KEY=VALUE", OPT_LIST, &(o)->labels, \
			"label for the images (repeatable)" }, \
		{ 0, "image-annotation", "KEY=VALUE", OPT_LIST, &(o)->annotations, \
			"annotation for the images (repeatable)" }, \
		{ 0, "image-user", "USER", OPT_STRING, &(o)->user, "user the programs run as" }, \
		{ 0, "compression", "KIND", OPT_STRING, &(o)->compression, \
			"of layers: gzip, gzip:0 to gzip:9, zstd, zstd:1 to zstd:19" }, \
		{ 0, "ldflags", "FLAGS", OPT_LIST, &(o)->ldflags, \
			"-ldflags of go build (repeatable)" }, \
		{ 0, "debug", NULL, OPT_FLAG, &(o)->debug, \
			"start the programs under Delve, which listens on port 40000" }, \
	{ \
		0, "disable-optimizations", NULL, OPT_FLAG, &(o)->disable_optimizations, \
			"compile with -gcflags 'all=-N -l'" \
	}

void plan_options_release(struct plan_options *options);

/* The options as words that say the same, for another command line and for keys. */
void plan_options_words(const struct plan_options *options, struct strs *words);

/* The options come over the settings of files and variables. Wrong ones are ERR_USAGE. */
int plan_options_override(
	const struct plan_options *options, struct settings *settings, struct err *err);

struct plan {
	char *graph_dir; /* set before: the directory of the graph; NULL: there will be none */

	struct records records; /* in the order of first appearance */
	struct strs manifests;  /* files, in order */
	struct buf contents;    /* a fingerprint of each manifest, a line each */
	struct strs inputs;     /* files and directories whose change makes another plan */
	bool is_open; /* platforms of a program depend on a base record, one of the inputs, that is
			 not there yet; the plan is to be made again when it is */
	bool is_volatile; /* templates name the time, git's state or any variable, or an input is
			     from the future: no time of a file tells when the plan is another one
			   */
};

/*
 * Reads manifests, ko.yaml, go.mod; runs no program. Errors name FILE:LINE:COLUMN of the reference
 * they are about.
 */
int plan_make(struct plan *plan, const struct plan_options *options, struct err *err);
void plan_release(struct plan *plan);

#endif
