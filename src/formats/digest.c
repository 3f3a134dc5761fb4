#include "digest.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/buf.h"
#include "base/mem.h"

void digest_init(struct digest *digest)
{
	digest->state = EVP_MD_CTX_new();
	if (!digest->state || !EVP_DigestInit_ex(digest->state, EVP_sha256(), NULL))
		abort();
}

void digest_update(struct digest *digest, const void *bytes, size_t n)
{
	if (!EVP_DigestUpdate(digest->state, bytes, n))
		abort();
}

void digest_final(struct digest *digest, char text[DIGEST_SIZE])
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned n;

	if (!EVP_DigestFinal_ex(digest->state, sum, &n))
		abort();
	digest_release(digest);
	memcpy(text, "sha256:", 7);
	for (unsigned i = 0; i < n; i++)
		snprintf(text + 7 + 2 * i, 3, "%02x", sum[i]);
}

void digest_release(struct digest *digest)
{
	EVP_MD_CTX_free(digest->state);
	digest->state = NULL;
}

void digest_of(const void *bytes, size_t n, char text[DIGEST_SIZE])
{
	struct digest digest;

	digest_init(&digest);
	digest_update(&digest, bytes, n);
	digest_final(&digest, text);
}

bool digest_valid(const char *s)
{
	return starts_with(s, "sha256:") && strlen(s) == DIGEST_SIZE - 1 &&
		strspn(s + 7, "0123456789abcdef") == 64;
}

void fingerprint_of(const void *bytes, size_t n, char text[FINGERPRINT_SIZE])
{
	XXH128_hash_t hash = XXH3_128bits(bytes, n);

	snprintf(text, FINGERPRINT_SIZE, "%016llx%016llx", (unsigned long long)hash.high64,
		(unsigned long long)hash.low64);
}
