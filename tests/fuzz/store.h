#ifndef FUZZ_STORE_H
#define FUZZ_STORE_H

#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "formats/oci.h"

/* Removes all blobs: what one input left must not help the next. */
static inline void store_empty(const struct oci *oci)
{
	scratch char *dir = path_join(oci->dir, "blobs/sha256");
	cleanup(strs_release) struct strs names = { 0 };
	struct err err;

	if (file_list(dir, &names, &err))
		return;
	for (size_t i = 0; i < names.n; i++) {
		scratch char *path = path_join(dir, names.v[i]);

		unlink(path);
	}
}

#endif
