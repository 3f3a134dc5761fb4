#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "driver.h"

static const char bash_head[] = "_ko()\n"
				"{\n"
				"\tlocal cur=${COMP_WORDS[COMP_CWORD]} words\n"
				"\tif [ \"$COMP_CWORD\" = 1 ]; then words=\"%s\"\n"
				"\telse case ${COMP_WORDS[1]} in\n";
static const char bash_tail[] =
	"\tesac; fi\n"
	"\tcase $cur in\n"
	"\t-*) COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")) ;;\n"
	"\t*) if [ \"$COMP_CWORD\" = 1 ]; then COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	"\t   else COMPREPLY=($(compgen -f -- \"$cur\")); fi ;;\n"
	"\tesac\n"
	"}\n"
	"complete -o filenames -F _ko ko\n";

static void add_names(struct buf *names)
{
	for (size_t i = 0; i < driver_command_count; i++) {
		buf_addf(names, "%s%s", i ? " " : "", driver_commands[i].name);
		if (driver_commands[i].alias)
			buf_addf(names, " %s", driver_commands[i].alias);
	}
}

/* The option words of one command on one line. */
static char *option_words(const struct driver_command *command)
{
	struct buf words = { 0 };

	if (command->tool)
		opt_words(command->tool, &words);
	for (size_t i = 0; i < words.len; i++) {
		if (words.data[i] == '\n')
			words.data[i] = ' ';
	}
	return buf_detach(&words);
}

static void print_bash(void)
{
	cleanup(buf_release) struct buf names = { 0 };

	add_names(&names);
	printf("# bash completion for ko\n");
	printf(bash_head, buf_str(&names));
	for (size_t i = 0; i < driver_command_count; i++) {
		const struct driver_command *command = &driver_commands[i];
		scratch char *words = option_words(command);

		printf("\t%s%s%s) words=\"%s\" ;;\n", command->name, command->alias ? "|" : "",
			command->alias ? command->alias : "", words);
	}
	fputs(bash_tail, stdout);
}

static void print_zsh(void)
{
	printf("#compdef ko\nautoload -U +X bashcompinit && bashcompinit\n");
	print_bash();
}

static void print_fish(void)
{
	printf("# fish completion for ko\n");
	for (size_t i = 0; i < driver_command_count; i++) {
		const struct driver_command *command = &driver_commands[i];

		printf("complete -c ko -n __fish_use_subcommand -a %s -d '%s'\n", command->name,
			command->summary);
		for (size_t j = 0; command->tool && j < command->tool->count; j++) {
			const struct opt *opt = &command->tool->opts[j];

			if (opt->help)
				printf("complete -c ko -n '__fish_seen_subcommand_from %s' -l %s\n",
					command->name, opt->name);
		}
	}
}

int driver_completion(int argc, char *argv[], struct err *err)
{
	const char *shell = argc == 2 ? argv[1] : "";

	if (!strcmp(shell, "bash"))
		print_bash();
	else if (!strcmp(shell, "zsh"))
		print_zsh();
	else if (!strcmp(shell, "fish"))
		print_fish();
	else
		return err_set(err, ERR_USAGE, "usage: ko completion bash|zsh|fish");
	return 0;
}
