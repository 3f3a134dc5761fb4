#include "destination.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "inputs/endpoint.h"
#include "inputs/ref.h"

static enum ref_place place(const struct destination *d)
{
	return ref_place(d->repo ? d->repo : "");
}

static bool loads(const struct destination *d)
{
	return d->local || place(d) == REF_ENGINE || place(d) == REF_KIND ||
		(d->push && d->builder && endpoint_known(d->builder));
}

int destination_defaults(struct destination *d, struct err *err)
{
	if (!d->repo)
		d->repo = getenv("KO_DOCKER_REPO");
	if (!d->builder)
		d->builder = getenv("KO_BUILDER");
	if (d->builder && !*d->builder)
		d->builder = NULL;
	if (d->builder && strcmp(d->builder, "native") != 0 && !endpoint_known(d->builder))
		return err_set(err, ERR_USAGE,
			"builder %s is none of native, docker, podman, buildah", d->builder);
	if (!d->engine && loads(d))
		d->engine = d->found =
			endpoint_identity(place(d) == REF_KIND ? "kind" : d->builder);
	return 0;
}

const char *destination_tool(const struct destination *d)
{
	return loads(d) ? "ko-load" : "ko-push";
}

void destination_trust_words(const struct destination *d, struct strs *words)
{
	for (size_t i = 0; i < d->insecure.n; i++)
		strs_take(words, xasprintf("--insecure-registry=%s", d->insecure.v[i]));
	if (d->ca_file)
		strs_take(words, xasprintf("--ca-file=%s", d->ca_file));
}

static void add_engine(const struct destination *d, struct strs *words)
{
	if (d->builder)
		strs_take(words, xasprintf("--builder=%s", d->builder));
	if (d->local)
		strs_add(words, "--local");
	if (d->engine && *d->engine)
		strs_take(words, xasprintf("--engine=%s", d->engine));
}

static void add_place(const struct destination *d, struct strs *words)
{
	if (d->repo)
		strs_take(words, xasprintf("--repo=%s", d->repo));
	if (d->tag_only)
		strs_add(words, "--tag-only");
	destination_trust_words(d, words);
}

static void add_reports(const struct destination *d, struct strs *words)
{
	if (d->image_refs)
		strs_take(words, xasprintf("--image-refs=%s", d->image_refs));
	if (d->stats)
		strs_take(words, xasprintf("--stats=%s", d->stats));
}

void destination_place_words(const struct destination *d, struct strs *words)
{
	if (loads(d))
		add_engine(d, words);
	else if (!d->push)
		strs_add(words, "--push=false");
	add_place(d, words);
}

void destination_push_words(const struct destination *d, struct strs *words)
{
	destination_place_words(d, words);
	add_reports(d, words);
}

static void add_outputs(const struct destination *d, struct strs *words)
{
	if (d->layout)
		strs_take(words, xasprintf("--oci-layout-path=%s", d->layout));
	if (d->tarball)
		strs_take(words, xasprintf("--tarball=%s", d->tarball));
}

static void add_sbom(const struct destination *d, struct strs *words)
{
	if (d->sbom)
		strs_take(words, xasprintf("--sbom=%s", d->sbom));
	if (d->sbom_dir)
		strs_take(words, xasprintf("--sbom-dir=%s", d->sbom_dir));
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
	return 1;
}

/* Whether any image goes to a registry. */
static bool pushes(const struct destination *d, const struct records *records)
{
	if (!d->push || loads(d))
		return false;
	for (size_t i = 0; !d->repo && i < records_count(records); i++) {
		if (record_get(records_at(records, i), "repository"))
			return true;
	}
	return place(d) == REF_REGISTRY;
}

int destination_sbom_words(const struct destination *d, const struct records *records,
	struct strs *words, struct err *err)
{
	if (d->sbom && !strcmp(d->sbom, "none"))
		return 0;
	if (d->sbom && strcmp(d->sbom, "spdx") != 0)
		return err_set(err, ERR_USAGE, "--sbom=%s: spdx or none is wanted", d->sbom);
	if (d->sbom_dir)
		strs_take(words, xasprintf("--sbom-dir=%s", d->sbom_dir));
	return d->sbom_dir || pushes(d, records);
}

void destination_words(const struct destination *d, struct strs *words)
{
	add_engine(d, words);
	if (!d->push)
		strs_add(words, "--push=false");
	add_place(d, words);
	add_reports(d, words);
	add_outputs(d, words);
	add_sbom(d, words);
}

void destination_release(struct destination *d)
{
	strs_release(&d->insecure);
	free(steal(&d->found));
}
