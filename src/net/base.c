#include "base.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "formats/image.h"
#include "formats/platform.h"
#include "formats/static.h"

const char *base_default(void)
{
	static const char *const variables[] = { "KO_BASEIMAGE", "KO_DEFAULTBASEIMAGE" };

	for (size_t i = 0; i < countof(variables); i++) {
		const char *value = getenv(variables[i]);

		if (value && *value)
			return value;
	}
	return STATIC_REFERENCE;
}

static bool wants(const struct base_finder *finder, const char *text)
{
	const struct strs *wanted = finder->platforms;
	struct platform want, have;
	struct err ignored;

	if (!wanted || !wanted->n || strs_has(wanted, "all") || strs_has(wanted, text))
		return true;
	if (platform_parse(&have, text, &ignored))
		return false;
	for (size_t i = 0; i < wanted->n; i++) {
		if (!platform_parse(&want, wanted->v[i], &ignored) &&
			platform_matches(&want, &have))
			return true;
	}
	return false;
}

/* Leaves the platforms that are wanted in a base record. */
static int choose(const struct base_finder *finder, json_t *record, struct err *err)
{
	json_t *chosen = json_array();
	json_t *entry;
	size_t i;

	json_array_foreach (json_object_get(record, "platforms"), i, entry) {
		if (wants(finder, record_get(entry, "platform")))
			json_array_append(chosen, entry);
	}
	json_object_set_new(record, "platforms", chosen);
	if (json_array_size(chosen))
		return 0;
	return err_set(err, ERR_USAGE, "no matching platforms in base image %s",
		record_get(record, "base"));
}

json_t *base_find(struct base_finder *finder, const char *reference, struct err *err)
{
	cleanup(json_release) json_t *record = NULL;

	if (strcmp(reference, STATIC_REFERENCE)) {
		err_set(err, ERR_USAGE, "base image %s: only %s yet", reference, STATIC_REFERENCE);
		return NULL;
	}
	record = image_static_base(finder->oci, err);
	if (!record || choose(finder, record, err))
		return NULL;
	return steal(&record);
}

void base_finder_release(struct base_finder *finder)
{
	registry_free(finder->registry);
	free(steal(&finder->note));
	finder->registry = NULL;
}
