/* What a token server answers. */
#include <stdint.h>

#include "net/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *token = NULL;
	int64_t seconds;
	struct err err;

	token_read((const char *)data, n, &token, &seconds, &err);
	secret_free(&token);
	return 0;
}
