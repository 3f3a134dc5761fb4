/* A Location header, or the host of an image reference in a URL. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "net/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	scratch char *text = xstrndup((const char *)data, n);
	scratch char *redacted = url_redacted(text);
	scratch char *named = xasprintf("https://%s", text);
	struct url from, to, host;
	struct err err;

	(void)redacted;
	if (!url_parse(&host, named, &err)) {
		free(url_authority(&host));
		url_release(&host);
	}
	if (url_parse(&from, "https://registry.example/v2/a/blobs/uploads/", &err))
		return 0;
	if (!url_resolve(&to, &from, text, &err)) {
		/* what may be followed from a public registry is https, and public */
		if (!url_allowed(&to, &from, NULL, "Location", &err)) {
			assert(!strcmp(to.scheme, "https"));
			assert(!url_host_private(to.host));
		}
		free(url_with(to.text, "digest", "sha256:0"));
		url_release(&to);
	}
	url_release(&from);
	return 0;
}
