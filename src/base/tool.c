#include "tool.h"

#include <string.h>
#include <unistd.h>

#include "file.h"
#include "log.h"
#include "mem.h"
#include "trace.h"

/* The file that a tool makes: the value of its option --output, or --ninja. */
static const char *output_of(const struct opt_tool *tool)
{
	for (size_t i = 0; i < tool->count; i++) {
		const struct opt *opt = &tool->opts[i];

		if ((!strcmp(opt->name, "output") || !strcmp(opt->name, "ninja")) &&
			*(const char **)opt->value)
			return *(const char **)opt->value;
	}
	return NULL;
}

/* Tells of the whole run, for ko --trace. */
static void tell(const struct opt_tool *tool, int64_t began, int status)
{
	if (trace_wanted())
		trace_event("tool", tool->name, began,
			json_pack("{s:s*, s:i}", "output", output_of(tool), "status", status));
}

int tool_main(const struct opt_tool *tool, int argc, char *argv[],
	int (*run)(const struct strs *operands, struct err *err))
{
	cleanup(strs_release) struct strs operands = { 0 };
	int64_t began = trace_now();
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
		status = log_error(&err);
	tell(tool, began, status);
	return status;
}
