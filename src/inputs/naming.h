#ifndef INPUTS_NAMING_H
#define INPUTS_NAMING_H

#include <stddef.h>

#include "base/err.h"

/*
 * What an image is called below the repository (KO_DOCKER_REPO). Names are lower-cased.
 */
enum naming {
	NAMING_LAST, /* "last", "base", -B: last element of the import path */
	NAMING_PATH, /* "path", -P: the whole import path */
	NAMING_BARE, /* "bare", --bare: nothing; all images go to the repository itself */
	NAMING_MD5,  /* "md5": last element, "-", md5 of the lower-case import path; ko's default */
};

/* One of the words above. ERR_USAGE lists them. */
int naming_parse(enum naming *naming, const char *word, struct err *err);
const char *naming_word(enum naming naming);

/*
 * The name of a program's image: record field "name"; "" for NAMING_BARE. Import paths that end in
 * a major version ("example.com/app/v2") are named by the element before it, except by NAMING_MD5,
 * where ko's name is kept. Bytes that a repository may not hold become "-". malloced.
 */
char *naming_name(enum naming naming, const char *importpath);

/* The name of the program inside the image (/ko-app/NAME): the last element, or the one before a
 * major version, case kept. malloced. */
char *naming_program(const char *importpath);

/*
 * Two programs with one name would overwrite each other's tags: ERR_USAGE with both import paths
 * and the way out. Names "" (bare) may repeat. The arrays have n elements each.
 */
int naming_check(char *const importpaths[], char *const names[], size_t n, struct err *err);

#endif
