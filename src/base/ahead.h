#ifndef BASE_AHEAD_H
#define BASE_AHEAD_H

#include <jansson.h>
#include <stdbool.h>

/*
 * Layers are uploaded while other programs are still compiled, and the registry is asked for the
 * tags of images that were pushed before. KO_AHEAD names a FIFO at which the driver listens; tools
 * tell there what is ready, a record a line, each by one write(2):
 *
 *	ko-gobuild	{"name":"first"}, when it compiles and there is more than one program;
 *			an executable, while others of the same go build are not done
 *	ko-layer	layers, while anything is compiled
 *	ko-push		{"name":"last","last":true}, when it is its turn
 *
 * At the first line the driver starts ko-layer --follow | ko-push --ahead, which read it. What they
 * do is of no consequence but that blobs are in the registry: all that goes wrong is left to the
 * tools whose work it is. When the driver has ended, for whatever reason, the FIFO has no writer,
 * and so they end too.
 */

/* A descriptor to tell at, close-on-exec; -1 when nobody listens. */
int ahead_open(void);

/* Says, until the descriptor is closed, that something is compiled; asks whether anything is. */
void ahead_compile(int fd);
bool ahead_compiles(int fd);

/* Tells of a record, or leaves it out: 1 when there is no room for it now. */
int ahead_tell(int fd, const json_t *record);

/* The first and the last record. */
void ahead_tell_first(int fd);
int ahead_tell_last(int fd);
bool ahead_is_last(const json_t *record);

#endif
