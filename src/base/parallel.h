#ifndef BASE_PARALLEL_H
#define BASE_PARALLEL_H

#include <stddef.h>

/*
 * Does something small, as stat(2) of a file, n times: work() is called for parts of 0 ... n - 1,
 * in several threads where that is worth their start.
 */
void parallel(size_t n, void (*work)(void *arg, size_t from, size_t to), void *arg);

#endif
