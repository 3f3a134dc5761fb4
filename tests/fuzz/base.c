/*
 * A base image in a layout: index, manifest and config, separated by NUL. In the first two the
 * bytes 1 and 2 stand for the digests of manifest and config, which no fuzzer would guess. Whatever
 * they are, the base is found or refused in one line.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/base.h"
#include "store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct oci layout, store;
static char manifest[DIGEST_SIZE], config[DIGEST_SIZE];

static void make(struct oci *oci)
{
	char dir[] = "fuzz-base.XXXXXX";
	struct err err;

	if (!oci->dir && (!mkdtemp(dir) || oci_open(oci, dir, &err)))
		abort();
}

/* The part up to the next NUL, with the digests put in. */
static void take(const uint8_t **data, size_t *n, struct buf *out)
{
	for (; *n && **data; ++*data, --*n) {
		if (**data == 1)
			buf_addstr(out, manifest);
		else if (**data == 2)
			buf_addstr(out, config);
		else
			buf_addch(out, (char)**data);
	}
	if (*n) {
		++*data;
		--*n;
	}
}

static void put(const struct buf *bytes, char *digest)
{
	struct err err;

	if (oci_put(&layout, bytes->data ? bytes->data : "", bytes->len, digest, &err))
		abort();
}

static void find(void)
{
	scratch char *reference = xasprintf("oci:%s", layout.dir);
	struct strs platforms = { 0 };
	struct base_finder finder = {
		.oci = &store, .builddir = store.dir, .platforms = &platforms
	};
	struct err err;
	json_t *record;

	strs_add(&platforms, "linux/amd64");
	record = base_find(&finder, reference, &err);
	if (!record && strchr(err.text, '\n'))
		abort();
	json_decref(record);
	base_finder_release(&finder);
	strs_release(&platforms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	cleanup(buf_release) struct buf last = { 0 };
	cleanup(buf_release) struct buf middle = { 0 };
	cleanup(buf_release) struct buf top = { 0 };
	const uint8_t *nul = memrchr(data, 0, n);
	const uint8_t *rest = nul ? nul + 1 : data;
	size_t left = n - (size_t)(rest - data);
	scratch char *index = NULL;
	struct err err;

	make(&layout);
	make(&store);
	take(&rest, &left, &last);
	put(&last, config);
	n = nul ? (size_t)(nul - data) : 0;
	nul = memrchr(data, 0, n);
	rest = nul ? nul + 1 : data;
	left = n - (size_t)(rest - data);
	take(&rest, &left, &middle);
	put(&middle, manifest);
	left = nul ? (size_t)(nul - data) : 0;
	rest = data;
	take(&rest, &left, &top);
	index = path_join(layout.dir, "index.json");
	if (file_save(index, buf_str(&top), top.len, &err) < 0)
		abort();
	find();
	store_empty(&layout);
	store_empty(&store);
	return 0;
}
