#include "assemble.h"

#include <string.h>

#include "base/mem.h"
#include "formats/image.h"
#include "inputs/naming.h"

static const char *base_of(const json_t *record)
{
	const char *base = record_get(record, "base");

	return base && *base ? base : base_default();
}

/* The platforms of all images that are to be made on a base. */
static void collect(struct strs *platforms, const struct records *records, const char *base)
{
	for (size_t i = 0; i < records_count(records); i++) {
		const json_t *record = records_at(records, i);
		const json_t *entry;
		size_t j;

		if (json_object_get(record, "image") || strcmp(base_of(record), base))
			continue;
		json_array_foreach (json_object_get(record, "platforms"), j, entry) {
			const char *platform = record_get(entry, "platform");

			if (platform && !strs_has(platforms, platform))
				strs_add(platforms, platform);
		}
	}
}

/* The record of a base; bases keeps it for the next image. Borrowed, or NULL. */
static const json_t *find(struct base_finder *finder, json_t *bases, const struct records *records,
	const char *reference, struct err *err)
{
	cleanup(strs_release) struct strs platforms = { 0 };
	json_t *base = json_object_get(bases, reference);

	if (base)
		return base;
	collect(&platforms, records, reference);
	finder->platforms = &platforms;
	base = base_find(finder, reference, err);
	finder->platforms = NULL;
	if (base)
		json_object_set_new(bases, reference, base);
	return base;
}

int assemble_images(struct base_finder *finder, struct records *records, struct err *err)
{
	cleanup(json_release) json_t *bases = json_object();

	for (size_t i = 0; i < records_count(records); i++) {
		json_t *record = records_at(records, i);
		scratch char *program = NULL;
		const json_t *base;

		if (json_object_get(record, "image"))
			continue;
		base = find(finder, bases, records, base_of(record), err);
		program = naming_program(record_title(record));
		if (!base || image_assemble(finder->oci, record, base, program, err))
			return -1;
	}
	return 0;
}
