#ifndef GRAPH_LAYERS_H
#define GRAPH_LAYERS_H

#include "formats/layer.h"
#include "formats/record.h"

/*
 * Gives each platform of each record its "layers": the data directory (NULL: none), the kodata
 * beside the program, and the program; or the directory that stands in a program's place. The
 * codec is the maker's compression, else what the record says, else KO_COMPRESSION.
 */
int layers_make(const struct layer_maker *maker, const char *data, const struct records *records,
	struct err *err);

/* Does that for each record of standard input as it comes and writes it to standard output at once.
 * One that has layers passes unchanged; one that cannot be given any is left out. */
int layers_follow(const struct layer_maker *maker, const char *data, struct err *err);

/* Tells of layers that were made, where something is still compiled (base/ahead.h). */
void layers_announce(const struct records *records);

#endif
