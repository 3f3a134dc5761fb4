#ifndef GRAPH_SETTLE_H
#define GRAPH_SETTLE_H

#include <stdbool.h>

#include "formats/record.h"
#include "inputs/settings.h"

/*
 * From a program's settings to its record: platforms that depend on the base image are looked up,
 * templates are expanded, for each platform with its own GOOS and GOARCH. What comes out the same
 * for all platforms is a field of the record, other things are fields of its "platforms" entries.
 */
struct settle {
	const char *graph_dir;    /* where base.ID.json are; NULL: there is no graph */
	const struct strs *bases; /* files of base records, instead of those */

	/* result */
	struct strs files; /* base records that were read, or would have been had they been there */
	bool is_volatile;  /* templates name the time, git's state or any variable */
	bool is_open;      /* platforms depend on a base record that is not there yet */
};

/*
 * Fills in the record, which has "dir" and is called by its "importpath" in errors. The record of a
 * program whose platforms are open has none; "wanted" then says what they are to be taken from, as
 * it does when they were taken from a base record.
 */
int settle_record(
	struct settle *settle, json_t *record, const struct settings *settings, struct err *err);

/* The words that the base image is asked for: "wanted", or the names of the platforms. */
void settle_wanted(const json_t *record, struct strs *words);

void settle_release(struct settle *settle);

#endif
