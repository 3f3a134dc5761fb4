#include "log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *name = "ko";
int log_verbosity;
static void (*before_message)(void);

void log_init(const char *tool)
{
	const char *verbose = getenv("KO_VERBOSE");

	name = tool;
	if (verbose)
		log_verbosity = (int)strtol(verbose, NULL, 10);
}

void log_before_message(void (*erase)(void))
{
	before_message = erase;
}

/* A terminal must not obey what a registry or a manifest says. Newlines stay: go's text has them.
 */
static void mask(char *s)
{
	for (; *s; s++) {
		if ((*s > 0 && *s < ' ' && *s != '\n' && *s != '\t') || *s == 0x7f)
			*s = '?';
	}
}

__attribute__((format(printf, 1, 0))) static void say(const char *format, va_list args)
{
	char line[4096];
	int n = snprintf(line, sizeof line, "%s: ", name);
	size_t len;

	if (before_message)
		before_message();
	vsnprintf(line + n, sizeof line - (size_t)n - 1, format, args);
	mask(line);
	len = strlen(line);
	line[len++] = '\n';
	ssize_t ignored = write(STDERR_FILENO, line, len);
	(void)ignored;
}

void log_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

void log_debug(int level, const char *format, ...)
{
	va_list args;

	if (log_verbosity < level)
		return;
	va_start(args, format);
	say(format, args);
	va_end(args);
}

int log_ask(const char *question)
{
	FILE *terminal = fopen("/dev/tty", "r+e");
	char answer[64] = "";

	if (!terminal)
		return -1;
	fprintf(terminal, "%s: %s [y/N] ", name, question);
	fflush(terminal);
	if (!fgets(answer, sizeof answer, terminal))
		fputc('\n', terminal);
	fclose(terminal);
	return *answer == 'y' || *answer == 'Y';
}

static void report_status(int status)
{
	const char *path = getenv("KO_REPORT");
	int fd = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666) : -1;

	if (fd < 0)
		return;
	dprintf(fd, "%d\n", status);
	close(fd);
}

int log_error(const struct err *err)
{
	int status = err->class ? (int)err->class : ERR_FAILED;

	log_note("%s", err->text);
	report_status(status);
	return status;
}

int log_close_stdout(struct err *err)
{
	if (ferror(stdout) | fflush(stdout))
		return err_sys(err, "cannot write to standard output");
	return 0;
}
