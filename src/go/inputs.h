#ifndef GO_INPUTS_H
#define GO_INPUTS_H

#include "base/buf.h"
#include "formats/fingerprint.h"

/*
 * What a program depends on: a path and in which way it matters. Each way has a fingerprint that
 * changes only when something changed that can make a difference to go.
 */
enum input_kind {
	INPUT_FILE,   /* the content, or that it is not there */
	INPUT_ABOVE,  /* the same, but too far away to bother ninja or make with it */
	INPUT_LISTED, /* a package's directory: the names of sources but tests */
	INPUT_GLOB, /* "DIR//PATTERN": the names in DIR that match, and what kind of file each is */
	INPUT_WALKED, /* an embedded directory: all names but those that begin with "." or "_" */
	INPUT_WALKED_ALL, /* one embedded with "all:": all names */
	INPUT_KINDS,
};

/* Paths by kind. All zero is a valid, empty one. */
struct go_inputs {
	struct strs v[INPUT_KINDS];
};

/* Takes over a malloced path. */
void inputs_take(struct go_inputs *inputs, enum input_kind kind, char *path);
void inputs_add(struct go_inputs *inputs, enum input_kind kind, const char *path);
/* "DIR//NAME" */
void inputs_add_glob(struct go_inputs *inputs, const char *dir, const char *pattern);
void inputs_sort(struct go_inputs *inputs);
void inputs_release(struct go_inputs *inputs);

/* The letter that stands for a kind in a file, and back (INPUT_KINDS: none). */
char inputs_letter(enum input_kind kind);
enum input_kind inputs_kind(char letter);

/* The fingerprint now. */
void inputs_print(enum input_kind kind, const char *path, char print[FINGERPRINT_SIZE]);

/* The file or directory whose time of modification shows a change. malloced. */
char *inputs_file(enum input_kind kind, const char *path);

/* What ninja or make have to look at: the same, or the nearest directory that is there when it is
 * not; NULL: nothing. malloced. */
char *inputs_watched(enum input_kind kind, const char *path);

/*
 * What the patterns of //go:embed in a package's directory depend on besides the embedded files
 * (https://pkg.go.dev/embed; cmd/go/internal/load, resolveEmbed): which names match and, below
 * directories, which are there.
 */
void inputs_add_embed(struct go_inputs *inputs, const char *dir, const char *pattern);

#endif
