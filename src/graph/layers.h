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

#endif
