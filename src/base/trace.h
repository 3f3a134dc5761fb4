#ifndef BASE_TRACE_H
#define BASE_TRACE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * What tools tell about their time. Where KO_TRACE names a file, each event is appended there as
 * one line of JSON by one write(2), so any number of processes may tell at once:
 *
 *	{"cat":"layer","name":"program","ts":123,"dur":45,"pid":678,"args":{...}}
 *
 * ts and dur are microseconds, ts of the clock that all processes of a machine share and that only
 * goes forward. Where it is not set, nothing is done. ko --trace makes a file of the Trace Event
 * Format out of these lines.
 */

bool trace_wanted(void);

/* The clock. */
int64_t trace_now(void);

/* Tells of something that began then and ends now. Takes over args; NULL: none. What cannot be
 * written is left out. */
void trace_event(const char *category, const char *name, int64_t began, json_t *args);
/* The same for an end that is known. */
void trace_span(const char *category, const char *name, int64_t began, int64_t ended, json_t *args);

#endif
