#ifndef BASE_ERR_H
#define BASE_ERR_H

/*
 * Errors are values: a class and one line of text, never allocated. A function that can fail takes
 * a struct err * last, returns 0 (or something useful) on success and -1 (or NULL) on failure, and
 * leaves the struct alone on success. The text says what, where and what to do.
 */

/* The class of an error is the exit status of the tool that reports it; one table for all tools. */
enum err_class {
	ERR_NONE = 0,
	ERR_FAILED = 1,  /* the work could not be done */
	ERR_USAGE = 2,   /* wrong options, operands or settings */
	ERR_INPUT = 3,   /* malformed input: manifest, record, config file, go.mod */
	ERR_REFUSED = 4, /* the other side said no: registry, credential helper */
	ERR_RETRY = 5,   /* the same command may work later */
};

struct err {
	enum err_class class;
	char text[1024];
};

/* Sets class and text; returns -1, so that "return err_set(...)" reads well. */
int err_set(struct err *err, enum err_class class, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Sets class ERR_FAILED and the text followed by ": " and the words for errno; returns -1. */
int err_sys(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts the text and ": " before what the error already says; returns -1. */
int err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
