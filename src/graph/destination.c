#include "destination.h"

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

void destination_words(const struct destination *d, struct strs *words)
{
	destination_place_words(d, words);
	if (d->image_refs)
		strs_take(words, xasprintf("--image-refs=%s", d->image_refs));
	if (d->stats)
		strs_take(words, xasprintf("--stats=%s", d->stats));
}

void destination_release(struct destination *d)
{
	strs_release(&d->insecure);
}
