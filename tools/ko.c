#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/opt.h"
#include "driver/driver.h"

static const char usage[] =
	"usage: ko COMMAND [OPTIONS]\n\n"
	"Build Go programs into container images and deploy them by their import paths.\n\n";

static void show_help(void)
{
	fputs(usage, stdout);
	for (size_t i = 0; i < driver_command_count; i++)
		printf("  %-12s %s\n", driver_commands[i].name, driver_commands[i].summary);
	puts("\nko COMMAND --help shows the options of a command.");
}

static int dispatch(int argc, char *argv[], struct err *err)
{
	for (size_t i = 0; i < driver_command_count; i++) {
		const struct driver_command *command = &driver_commands[i];

		if (!strcmp(command->name, argv[1]) ||
			(command->alias && !strcmp(command->alias, argv[1])))
			return command->run(argc - 1, argv + 1, err);
	}
	return err_set(err, ERR_USAGE, "unknown command '%s'; see ko --help", argv[1]);
}

/* "ko -v resolve" and "ko -v 1 resolve" are the same as "ko resolve -v" and "ko resolve -v 1". */
static void take_verbosity(int *argc, char ***argv)
{
	while (*argc > 1 && (!strcmp((*argv)[1], "-v") || !strcmp((*argv)[1], "--verbose"))) {
		const char *number = *argc > 2 ? (*argv)[2] : "";
		char *end;
		long level = strtol(number, &end, 10);
		int words = *number && !*end ? 2 : 1;

		log_verbosity = words == 2 ? (int)level : log_verbosity + 1;
		(*argv)[words] = (*argv)[0];
		*argc -= words;
		*argv += words;
	}
}

int main(int argc, char *argv[])
{
	struct err err;
	int status;

	log_init("ko");
	take_verbosity(&argc, &argv);
	if (argc < 2 || !strcmp(argv[1], "help") || !strcmp(argv[1], "--help") ||
		!strcmp(argv[1], "-h")) {
		show_help();
		status = argc < 2 ? ERR_USAGE : 0;
	} else if (!strcmp(argv[1], "version") || !strcmp(argv[1], "--version")) {
		printf("%s\n", version);
		status = 0;
	} else {
		status = dispatch(argc, argv, &err);
	}
	if (status < 0 || log_close_stdout(&err))
		return log_error(&err);
	return status;
}
