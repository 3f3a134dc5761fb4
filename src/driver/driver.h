#ifndef DRIVER_DRIVER_H
#define DRIVER_DRIVER_H

#include "base/opt.h"

/*
 * The commands of ko. Each parses its own options and returns the exit status, or -1 with err.
 */
struct driver_command {
	const char *name, *alias;
	const char *summary;
	int (*run)(int argc, char *argv[], struct err *err);
	/* for completion; NULL: no options of its own */
	const struct opt_tool *tool;
};

extern const struct driver_command driver_commands[];
extern const size_t driver_command_count;

int driver_build(int argc, char *argv[], struct err *err);
int driver_resolve(int argc, char *argv[], struct err *err);
int driver_apply(int argc, char *argv[], struct err *err);
int driver_create(int argc, char *argv[], struct err *err);
int driver_base(int argc, char *argv[], struct err *err);
int driver_why(int argc, char *argv[], struct err *err);
int driver_config(int argc, char *argv[], struct err *err);
int driver_run(int argc, char *argv[], struct err *err);
int driver_delete(int argc, char *argv[], struct err *err);
int driver_login(int argc, char *argv[], struct err *err);
int driver_logout(int argc, char *argv[], struct err *err);
int driver_completion(int argc, char *argv[], struct err *err);

extern const struct opt_tool driver_build_tool, driver_resolve_tool, driver_why_tool,
	driver_apply_tool, driver_create_tool, driver_base_tool, driver_config_tool,
	driver_run_tool;

#endif
