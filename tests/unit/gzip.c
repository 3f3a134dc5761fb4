/* The streaming compressor: what it writes unpacks to what went in, its digests are true, and its
 * bytes depend on nothing but the content. */
#include "formats/gzip.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "formats/deflate.h"
#include "tap.h"
#include "tempdir.h"

#define BLOCK (256u << 10) /* gzip.c's */

/* Half text, half noise; always the same. */
static void fill(char *p, size_t n)
{
	static const char *const words[] = { "layer ", "image ", "registry ", "\0\0\0\0", "func " };
	uint32_t x = 12345;

	for (size_t i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		p[i] = i / 4096 % 2 ? (char)(x >> 24) : words[i / 7 % 5][i % 4];
		if (!(x >> 27))
			p[i] = (char)(x >> 8);
	}
}

/* Compresses in pieces of so many bytes. */
static int compress_it(
	const char *bytes, size_t n, size_t piece, unsigned jobs, struct gzip_result *result)
{
	int fd = open("out.gz", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct gzip *gzip = gzip_begin(fd, jobs);
	struct err err;
	int status;

	for (size_t at = 0; at < n; at += piece)
		gzip_write(gzip, bytes + at, n - at < piece ? n - at : piece);
	status = gzip_end(gzip, result, &err);
	close(fd);
	return status;
}

static bool unpacks_to(const char *bytes, size_t n)
{
	gzFile file = gzopen("out.gz", "rb");
	scratch char *got = xmalloc(n + 1);
	int have = file ? gzread(file, got, (unsigned)n + 1) : -1;

	/* one member, and nothing after it: gzclose checks CRC and length */
	return file && gzclose(file) == Z_OK && have == (int)n && !memcmp(got, bytes, n);
}

static void round_trips(const char *bytes)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 18, 512, 65536, BLOCK - 1, BLOCK,
		BLOCK + 1, BLOCK + 16, BLOCK + 17, 2 * BLOCK, 7 * BLOCK + 12345 };

	for (size_t i = 0; i < countof(sizes); i++) {
		scratch char *what = xasprintf("%zu bytes", sizes[i]);
		cleanup(buf_release) struct buf file = { 0 };
		struct gzip_result one, result;
		char plain[DIGEST_SIZE], packed[DIGEST_SIZE];
		struct err err;
		bool same = true;

		compress_it(bytes, sizes[i], 1 << 20, 1, &one);
		ok(unpacks_to(bytes, sizes[i]), what);
		file_read("out.gz", 1 << 30, &file, &err);
		digest_of(bytes, sizes[i], plain);
		digest_of(file.data, file.len, packed);
		is(one.diff_id, plain, "  digest of the content");
		is(one.digest, packed, "  digest of the file");
		ok(one.size == file.len, "  size of the file");
		for (unsigned jobs = 1; jobs <= GZIP_JOBS_LIMIT; jobs += jobs) {
			compress_it(bytes, sizes[i], 1000 + 7919 * jobs, jobs, &result);
			same = same && !strcmp(result.digest, one.digest) &&
				!strcmp(result.diff_id, one.diff_id);
		}
		ok(same, "  the same by 1, 2, 4 and 8 threads, in any pieces");
	}
}

static void golden(const char *bytes, size_t n)
{
	struct gzip_result result;
	const char *want = !strcmp(deflate_codec, "isal:2")
		? "sha256:24a36589c3bb75b508628623a67c468aa2f74e67c1aaa3d09221c1551a91dd14"
		: "sha256:dbc67c57f7257b2d62b0f61f67552803a64da59b96a0bfa00d2f90fc938a440e";

	compress_it(bytes, n, n, 0, &result);
	is(result.digest, want, "the bytes are those they always were");
}

static void marks(const char *bytes)
{
	int fd = open("out.gz", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct gzip *gzip = gzip_begin(fd, 2);
	size_t n = 3 * BLOCK, at = 0;
	struct gzip_result result;
	char want[DIGEST_SIZE];
	struct err err;

	gzip_write(gzip, "before", 6);
	while (at < n) {
		size_t room;
		char *to = gzip_room(gzip, &room);
		size_t piece = n - at < room ? n - at : room;

		piece = piece < 5000 ? piece : 5000;
		memcpy(to, bytes + at, piece);
		gzip_add_marked(gzip, piece);
		at += piece;
	}
	gzip_write(gzip, "after", 5);
	gzip_end(gzip, &result, &err);
	close(fd);
	digest_of(bytes, n, want);
	is(result.marked, want, "digest of what was marked");
}

static void failures(const char *bytes)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct gzip *gzip = gzip_begin(fd, 2);
	struct gzip_result result;
	struct err err = { 0 };

	gzip_write(gzip, bytes, 5 * BLOCK);
	ok(gzip_end(gzip, &result, &err) == -1, "a full disk is an error");
	ok(strstr(err.text, "No space left") != NULL, "that says so");
	gzip = gzip_begin(fd, 2);
	gzip_write(gzip, bytes, 5 * BLOCK);
	gzip_abandon(&gzip);
	ok(!gzip, "a stream can be given up");
	close(fd);
}

int main(void)
{
	size_t n = 8 * BLOCK;
	scratch char *bytes = xmalloc(n);

	tempdir_enter();
	fill(bytes, n);
	round_trips(bytes);
	golden(bytes, n);
	marks(bytes);
	failures(bytes);
	return done();
}
