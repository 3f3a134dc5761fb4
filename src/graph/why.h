#ifndef GRAPH_WHY_H
#define GRAPH_WHY_H

#include "run.h"

/*
 * Appends, for each image named (none: all), a line or two that say why it would be made again, or
 * why it was the last time: which file, which setting, which base. Makes nothing.
 */
int run_why(struct run *run, const struct strs *names, struct buf *out, struct err *err);

#endif
