#ifndef FORMATS_COMPRESSION_H
#define FORMATS_COMPRESSION_H

#include <stdbool.h>

#include "base/err.h"

/*
 * What --compression, KO_COMPRESSION, the key "compression" of ko.yaml and of records say: "gzip",
 * "gzip:0" (stored) to "gzip:9" (smallest), "zstd", "zstd:1" to "zstd:19".
 */
struct compression {
	bool zstd;
	int level; /* -1: not said */
};

/* Anything else is ERR_USAGE. */
int compression_parse(struct compression *compression, const char *text, struct err *err);

#endif
