#include "tool.h"

#include <unistd.h>

#include "file.h"
#include "log.h"
#include "mem.h"

int tool_main(const struct opt_tool *tool, int argc, char *argv[],
	int (*run)(const struct strs *operands, struct err *err))
{
	cleanup(strs_release) struct strs operands = { 0 };
	struct err err;
	int status;

	log_init(tool->name);
	/* a descriptor that ninja shares with us is not for go or kubectl */
	(void)close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	file_mark_start();
	status = opt_parse(tool, argc, argv, &operands, NULL, &err);
	if (status)
		return status > 0 ? 0 : log_error(&err);
	status = run(&operands, &err);
	if (status < 0 || log_close_stdout(&err))
		return log_error(&err);
	return status;
}
