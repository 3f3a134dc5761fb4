#ifndef BASE_ENVIRONMENT_H
#define BASE_ENVIRONMENT_H

#include <stdbool.h>

#include "buf.h"

/*
 * Adds the variables that are set and change what is built, as NAME=VALUE, sorted: settings of ko
 * (KO_*), of the go command ("go help environment") and of cgo's compilers. Left out are those that
 * only say where caches and proxies are: they do not change what is built, and the addresses of
 * proxies may hold passwords.
 */
void environment_settings(struct strs *settings);

/* Whether a variable that is yes or no is set, and neither empty nor "0". */
bool environment_flag(const char *name);

#endif
