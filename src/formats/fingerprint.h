#ifndef FORMATS_FINGERPRINT_H
#define FORMATS_FINGERPRINT_H

#include <stddef.h>

/* XXH3-128 in 32 digits, for what no attacker chooses. */
#define FINGERPRINT_SIZE 33

/* Of bytes in memory. */
void fingerprint_of(const void *bytes, size_t n, char text[FINGERPRINT_SIZE]);

#endif
