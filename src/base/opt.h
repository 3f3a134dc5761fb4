#ifndef BASE_OPT_H
#define BASE_OPT_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "err.h"

/*
 * One table per tool (or per command of the driver) gives parsing, --help, --version and shell
 * completion. Options and operands may be mixed; short ones may be bundled (-Rf dir, -fdir);
 * --name=VALUE and --name VALUE are the same. What follows "--" is kept apart.
 */
enum opt_kind {
	OPT_FLAG,        /* bool *; also --name=true, --name=false */
	OPT_STRING,      /* const char **; the last one wins; points into argv; "" when left out */
	OPT_LIST,        /* struct strs *; one element each time, "*" when the value is left out */
	OPT_CSV,         /* struct strs *; each time split at commas, as ko does */
	OPT_CSV_OR_NONE, /* the same; an empty value is one empty element: a list set to nothing */
	OPT_NUMBER,      /* int *; decimal, not negative */
	OPT_LEVEL,       /* int *; "-v" is 1, "-v 2", "-v2" and "--name=2" are 2 */
	OPT_PASS,        /* struct strs *; handed on as "--name" or "--name=VALUE" */
};

struct opt {
	char letter; /* 0: none */
	const char *name;
	const char
		*arg; /* what --help calls the value; NULL: none. "[=VALUE]": it may be left out */
	enum opt_kind kind;
	void *value;
	const char *help; /* one line; NULL: not shown */
};

struct opt_tool {
	const char *name;    /* "ko-layer", "ko resolve" */
	const char *usage;   /* what follows the name: "[--oci DIR] [RECORDS | FILE]..." */
	const char *summary; /* one sentence */
	const struct opt *opts;
	size_t count;
};

/*
 * Returns 0 to go on, 1 when --help or --version was answered on stdout (the tool then ends with
 * 0), -1 with ERR_USAGE. operands takes what is no option, rest (may be NULL: an operand like
 * others) what follows "--". -v, --verbose, --help and --version need no table entry.
 */
int opt_parse(const struct opt_tool *tool, int argc, char *const argv[], struct strs *operands,
	struct strs *rest, struct err *err);

/* The long option names and letters of a tool, one a line, as "--name" and "-x". */
void opt_words(const struct opt_tool *tool, struct buf *out);

/* The version of the toolkit, as --version prints it. */
extern const char version[];

#endif
