#include "trace.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mem.h"

static const char *file(void)
{
	const char *path = getenv("KO_TRACE");

	return path && *path ? path : NULL;
}

bool trace_wanted(void)
{
	return file();
}

int64_t trace_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void append(char *text, size_t n)
{
	int fd = open(file(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	ssize_t ignored;

	if (fd < 0)
		return;
	text[n] = '\n'; /* in place of the NUL */
	ignored = write(fd, text, n + 1);
	(void)ignored;
	close(fd);
}

void trace_span(const char *category, const char *name, int64_t began, int64_t ended, json_t *args)
{
	json_t *event;
	char *text;

	if (!file()) {
		json_decref(args);
		return;
	}
	event = json_pack("{s:s, s:s, s:I, s:I, s:i, s:o*}", "cat", category, "name", name, "ts",
		(json_int_t)began, "dur", (json_int_t)(ended - began), "pid", (int)getpid(), "args",
		args);
	text = event ? json_dumps(event, JSON_COMPACT) : NULL;
	json_decref(event);
	if (text)
		append(text, strlen(text));
	free(text);
}

void trace_event(const char *category, const char *name, int64_t began, json_t *args)
{
	trace_span(category, name, began, trace_now(), args);
}
