#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "err.h"

/*
 * Talk goes to stderr, one line and one write(2) a message, with the tool's name in front and
 * control bytes masked. Library code does not call log_error(); main does, once.
 */

/* The name in front of every line; set first thing in main. Not copied. */
void log_init(const char *tool);

/* 0: silent on success; 1 and more: what -v asked for. KO_VERBOSE in the environment counts too,
 * so that it reaches tools started through ninja or make. */
extern int log_verbosity;

/* Something the user should know although the work goes on. */
void log_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Asks a question on the terminal that the program was started from, whatever its input and output
 * are. 1: the answer begins with "y"; 0: any other; -1: there is no terminal. */
int log_ask(const char *question);

/* Shown only when log_verbosity is at least level. */
void log_debug(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Called before each message, to take away what is drawn on the terminal for a while. */
void log_before_message(void (*erase)(void));

/*
 * Reports the error and returns the exit status for it. Where KO_REPORT names a file, the status
 * is also appended there, one line each: so the driver learns it through ninja, which only says 1.
 */
int log_error(const struct err *err);

/* Flushes and checks stdout: data that did not get out is an error. For the end of main. */
int log_close_stdout(struct err *err);

#endif
