#include "destination.h"

#include <string.h>

#include "base/mem.h"

void destination_trust_words(const struct destination *d, struct strs *words)
{
	for (size_t i = 0; i < d->insecure.n; i++)
		strs_take(words, xasprintf("--insecure-registry=%s", d->insecure.v[i]));
	if (d->ca_file)
		strs_take(words, xasprintf("--ca-file=%s", d->ca_file));
}

void destination_place_words(const struct destination *d, struct strs *words)
{
	if (d->repo)
		strs_take(words, xasprintf("--repo=%s", d->repo));
	if (!d->push)
		strs_add(words, "--push=false");
	if (d->tag_only)
		strs_add(words, "--tag-only");
	destination_trust_words(d, words);
}

void destination_push_words(const struct destination *d, struct strs *words)
{
	destination_place_words(d, words);
	if (d->image_refs)
		strs_take(words, xasprintf("--image-refs=%s", d->image_refs));
	if (d->stats)
		strs_take(words, xasprintf("--stats=%s", d->stats));
}

static void add_outputs(const struct destination *d, struct strs *words)
{
	if (d->layout)
		strs_take(words, xasprintf("--oci-layout-path=%s", d->layout));
	if (d->tarball)
		strs_take(words, xasprintf("--tarball=%s", d->tarball));
}

int destination_save_words(const struct destination *d, struct strs *words, struct err *err)
{
	if (!d->layout && !d->tarball)
		return 0;
	if (d->tarball && !strcmp(d->tarball, "-"))
		return err_set(err, ERR_USAGE,
			"--tarball=-: standard output has references or manifests; name a file, or "
			"use ko-save");
	add_outputs(d, words);
	if (d->repo)
		strs_take(words, xasprintf("--repo=%s", d->repo));
	destination_trust_words(d, words);
	return 0;
}

void destination_words(const struct destination *d, struct strs *words)
{
	destination_push_words(d, words);
	add_outputs(d, words);
}

void destination_release(struct destination *d)
{
	strs_release(&d->insecure);
}
