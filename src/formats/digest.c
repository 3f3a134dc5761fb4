#include "digest.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

#define CHUNK ((size_t)1 << 18)

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

int digest_of_file(int fd, char text[DIGEST_SIZE])
{
	scratch char *chunk = xmalloc(CHUNK);
	struct digest digest;
	off_t at = 0;
	ssize_t n;

	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	digest_init(&digest);
	while ((n = pread(fd, chunk, CHUNK, at)) > 0 || (n < 0 && errno == EINTR)) {
		digest_update(&digest, chunk, n > 0 ? (size_t)n : 0);
		at += n > 0 ? n : 0;
	}
	digest_final(&digest, text);
	return n < 0 ? -1 : 0;
}

bool digest_valid(const char *s)
{
	return starts_with(s, "sha256:") && strlen(s) == DIGEST_SIZE - 1 &&
		strspn(s + 7, "0123456789abcdef") == 64;
}
