#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What others sent may be quoted in a text; it makes no second line of it. */
static int in_one_line(struct err *err)
{
	for (char *s = err->text; *s; s++) {
		if ((unsigned char)*s < ' ')
			*s = ' ';
	}
	return -1;
}

int err_set(struct err *err, enum err_class class, const char *format, ...)
{
	va_list args;

	err->class = class;
	va_start(args, format);
	vsnprintf(err->text, sizeof err->text, format, args);
	va_end(args);
	return in_one_line(err);
}

int err_sys(struct err *err, const char *format, ...)
{
	const char *why = strerror(errno);
	char what[sizeof err->text];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	err->class = ERR_FAILED;
	snprintf(err->text, sizeof err->text, "%.900s: %s", what, why);
	return in_one_line(err);
}

int err_prefix(struct err *err, const char *format, ...)
{
	char rest[sizeof err->text];
	va_list args;
	int n;

	memcpy(rest, err->text, sizeof rest);
	va_start(args, format);
	n = vsnprintf(err->text, sizeof err->text, format, args);
	va_end(args);
	if (n >= 0 && (size_t)n < sizeof err->text)
		snprintf(err->text + n, sizeof err->text - (size_t)n, ": %s", rest);
	return in_one_line(err);
}
