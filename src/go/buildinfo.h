#ifndef GO_BUILDINFO_H
#define GO_BUILDINFO_H

#include <stddef.h>

#include "base/err.h"

/*
 * What the Go linker (1.18 and newer) notes in a program: the version of Go, the main module and
 * the modules that it was built from; what "go version -m" prints. The form is that of Go's
 * debug/buildinfo and runtime/debug.ParseBuildInfo.
 */
struct go_module {
	char *path, *version; /* "example.com/x"; "v1.2.3", "(devel)" or "" */
	char *sum;            /* of go.sum, "h1:..."; or "" */
	/* What is used in its place: another module, or a directory, whose version is "" or
	 * "(devel)". NULL: nothing */
	char *replacement, *replacement_version;
};

struct go_buildinfo {
	char *version;          /* "go1.26.8"; NULL: no build info */
	struct go_module main;  /* its path is NULL where modules were not used */
	struct go_module *deps; /* in the order of their paths */
	size_t n, cap;
};

#define GO_MODULES_LIMIT 100000

/* Reads the build info of an executable of any format. One that has none is no error. */
int go_buildinfo_read(struct go_buildinfo *info, const char *path, struct err *err);

/* Parses the lines "KIND<tab>FIELD...", adding to info. Lines that say nothing about modules, and
 * those that make no sense, are left out. -1 for more than GO_MODULES_LIMIT modules. */
int go_buildinfo_parse(struct go_buildinfo *info, const char *text, size_t n, struct err *err);

void go_buildinfo_release(struct go_buildinfo *info);

#endif
