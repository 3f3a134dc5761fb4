#ifndef INPUTS_EVENTS_H
#define INPUTS_EVENTS_H

#include <stddef.h>
#include <yaml.h>

#include "base/err.h"

/*
 * libyaml's events of a piece of a file, with their places in bytes. Events end with that of the
 * stream; each has to be given to yaml_event_delete().
 */
struct events {
	const char *name, *text; /* of the file; text has a NUL at its end */
	size_t begin, end;       /* the piece: whole documents */

	/* private */
	yaml_parser_t parser;
	char *copy;
	size_t byte, character;
	int depth;
};

int events_start(struct events *events, const char *name, const char *text, size_t begin,
	size_t end, struct err *err);

/* Malformed text, and collections nested too deep, are ERR_INPUT NAME:LINE:COLUMN. */
int events_next(struct events *events, yaml_event_t *event, struct err *err);

/* Where a mark is in the text. Marks have to be asked for in their order, or nearly so. */
size_t events_byte(struct events *events, const yaml_mark_t *mark);

/* Where the node itself starts that an event tells of: after its anchor and tag. */
size_t events_node_byte(struct events *events, const yaml_event_t *event);

void events_stop(struct events *events);

/* ERR_INPUT "NAME:LINE:COLUMN: malformed LANGUAGE: WHAT", and what may be done. */
int events_malformed(const struct events *events, size_t byte, const char *language,
	const char *what, struct err *err);

/* Moves line and column, in characters, on from one byte of a text to a later one. Both start at 1,
 * at the byte after a byte order mark. */
void events_move(const char *text, size_t from, size_t to, size_t *line, size_t *column);

#endif
