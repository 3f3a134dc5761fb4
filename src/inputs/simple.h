#ifndef INPUTS_SIMPLE_H
#define INPUTS_SIMPLE_H

#include <stdbool.h>
#include <stddef.h>

#include "yaml.h"

/*
 * Reads one document if it is in the simple part of YAML that nearly all manifests keep to, or is
 * JSON, several times as fast as a parser of all of YAML. True: the document is well-formed, and
 * its references were added. False: it may be anything, let libyaml see; nothing was added.
 *
 * The document is text[begin..end): up to the line "---" of the next one, which may come first.
 * text[end] can be read and is "-" there or NUL.
 */
bool simple_references(struct references *references, const char *text, size_t begin, size_t end);

#endif
