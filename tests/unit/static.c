/* The built-in base: its layer is what its constants say. */
#include "formats/static.h"

#include <stdlib.h>
#include <zlib.h>

#include "base/mem.h"
#include "formats/digest.h"
#include "tap.h"

int main(void)
{
	size_t room = 16 << 20;
	scratch unsigned char *plain = xmalloc(room);
	z_stream stream = { .next_in = (unsigned char *)(uintptr_t)static_layer,
		.avail_in = (unsigned)static_layer_size,
		.next_out = plain,
		.avail_out = (unsigned)room };
	char digest[DIGEST_SIZE];

	digest_of(static_layer, static_layer_size, digest);
	is(digest, static_layer_digest, "digest");
	ok(static_layer_size < 1 << 20, "less than 1 MB");
	ok(inflateInit2(&stream, 31) == Z_OK && inflate(&stream, Z_FINISH) == Z_STREAM_END &&
			!stream.avail_in,
		"a whole gzip file");
	digest_of(plain, stream.total_out, digest);
	is(digest, static_layer_diff_id, "diffID");
	inflateEnd(&stream);
	return done();
}
