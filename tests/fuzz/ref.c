/* References, prefixes, ko:// paths and names: no input breaks them, what is accepted stays the
 * same when it is read again, and every name is a valid repository. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "inputs/kopath.h"
#include "inputs/naming.h"
#include "inputs/ref.h"

static void need(int holds)
{
	if (!holds)
		abort();
}

static void reference(const char *text)
{
	struct image_ref ref = { 0 }, again = { 0 };
	struct err err;

	if (!ref_parse(&ref, text, &err)) {
		scratch char *full = ref_text(&ref);
		scratch char *twice = NULL;

		need(!ref_parse(&again, full, &err));
		twice = ref_text(&again);
		need(!strcmp(full, twice));
	}
	ref_release(&ref);
	ref_release(&again);
	if (!ref_parse_prefix(&ref, "X", text, &err) && !ref_under(&again, &ref, "app", &err))
		need(ref_repository_valid(again.repository));
	ref_release(&ref);
	ref_release(&again);
}

static void path(const char *text)
{
	struct err err;
	scratch char *once = kopath_parse(text, "f:1:1", &err);
	scratch char *twice = once ? kopath_parse(once, NULL, &err) : NULL;

	if (!once)
		return;
	need(twice && !strcmp(once, twice));
	if (kopath_is_dir(once) || strlen(once) > 200)
		return;
	for (int naming = NAMING_LAST; naming <= NAMING_MD5; naming++) {
		scratch char *name = naming_name((enum naming)naming, once);

		need(naming == NAMING_BARE ? !*name : ref_repository_valid(name));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	scratch char *text = xstrndup((const char *)data, n);

	reference(text);
	path(text);
	return 0;
}
