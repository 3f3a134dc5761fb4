#ifndef BASE_TOOL_H
#define BASE_TOOL_H

#include "opt.h"

/*
 * What the main of every tool does: takes the time (see file.h), parses the options, calls run with
 * the operands, reports the error. run returns the exit status, or -1 with err. Data on standard
 * output is known to be written before success is claimed.
 */
int tool_main(const struct opt_tool *tool, int argc, char *argv[],
	int (*run)(const struct strs *operands, struct err *err));

#endif
