/* A manifest or index as a registry sends it; the first line is its Content-Type. */
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "net/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const uint8_t *end = n ? memchr(data, '\n', n) : NULL;
	size_t line = end ? (size_t)(end - data) : 0;
	scratch char *type = xstrndup((const char *)data, line);
	struct err err;

	manifest_type(*type ? type : NULL, (const char *)data + line, n - line, &err);
	return 0;
}
