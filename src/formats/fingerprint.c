#include "fingerprint.h"

#include <stdio.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

void fingerprint_of(const void *bytes, size_t n, char text[FINGERPRINT_SIZE])
{
	XXH128_hash_t hash = XXH3_128bits(bytes, n);

	snprintf(text, FINGERPRINT_SIZE, "%016llx%016llx", (unsigned long long)hash.high64,
		(unsigned long long)hash.low64);
}
