/* Without libzstd at compile time, zstd is refused with a way out. */
#define WITHOUT_ZSTD
#include "../../src/formats/codec_zstd.c"

#include <string.h>

#include "tap.h"

int main(void)
{
	struct codec codec;
	struct err err;

	ok(codec_choose(&codec, "zstd", &err) == -1 && err.class == ERR_USAGE, "zstd is refused");
	ok(strstr(err.text, "built without libzstd; use gzip, or install") != NULL,
		"with what to do");
	ok(!codec_choose(&codec, "gzip", &err), "gzip is not");
	return done();
}
