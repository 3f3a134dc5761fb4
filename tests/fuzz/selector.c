/* Any text is a selector or an error. */
#include "inputs/selector.h"

#include <string.h>

#include "base/mem.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static const char *value(const void *object, const char *key)
{
	(void)object;
	return strlen(key) % 2 ? "1" : NULL;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	cleanup(selector_release) struct selector selector = { 0 };
	scratch char *text = xstrndup((const char *)data, size);
	struct err err;

	if (!selector_parse(&selector, text, &err))
		selector_matches(&selector, value, NULL);
	return 0;
}
