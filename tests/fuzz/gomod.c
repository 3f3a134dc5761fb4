/* go.mod and go.work: no input breaks the parser, and an accepted go.mod has a module path. */
#include <stdint.h>
#include <stdlib.h>

#include "inputs/gomod.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct gomod mod = { 0 };
	struct err err;

	if (!gomod_parse(&mod, GOMOD_MOD, "go.mod", (const char *)data, n, &err) &&
		(!mod.module || !*mod.module))
		abort();
	gomod_release(&mod);
	if (!gomod_parse(&mod, GOMOD_WORK, "go.work", (const char *)data, n, &err) && mod.module)
		abort();
	gomod_release(&mod);
	return 0;
}
