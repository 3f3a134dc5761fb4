#ifndef NET_PROGRESS_H
#define NET_PROGRESS_H

#include "registry.h"

/*
 * Transfers on a terminal, one line each with bytes, rate and time left, redrawn in place on
 * standard error:
 *
 *	ghcr.io/team/app 0c1f2d3e4a5b: 12.3 of 40.0 MB, 5.1 MB/s, 6 s left
 *
 * They are erased when none is left, and before any other message.
 */

/* Whether standard error is a terminal that can do it. */
bool progress_possible(void);

/* For registry_settings.progress. */
void progress_show(void *arg, const struct registry_transfer *transfers, size_t n);

#endif
