/* A Docker config or containers' auth.json. */
#include <stdint.h>

#include "net/credentials.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct credential credential;
	struct err err;

	credentials_parse("config.json", (const char *)data, n, "r.example", &credential, &err);
	credential_release(&credential);
	return 0;
}
