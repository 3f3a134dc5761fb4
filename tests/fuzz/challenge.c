/* A WWW-Authenticate header, and the scope in it. */
#include <stdint.h>

#include "base/mem.h"
#include "net/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	scratch char *text = xstrndup((const char *)data, n);
	cleanup(strs_release) struct strs offered = { 0 };
	cleanup(strs_release) struct strs set = { 0 };
	cleanup(strs_release) struct strs scopes = { 0 };
	struct challenge challenge = { 0 };

	challenge_read(&challenge, text, &offered);
	scope_add(&set, challenge.scope ? challenge.scope : text);
	scope_list(&set, &set, &scopes);
	if (challenge.realm)
		free(token_url(&challenge, &scopes));
	challenge_release(&challenge);
	return 0;
}
