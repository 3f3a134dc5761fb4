/* The streaming compressor: what it writes unpacks to what went in, its digests are true, and its
 * bytes depend on nothing but the content. */
#include "formats/pack.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#if __has_include(<zstd.h>)
#include <zstd.h>
#endif

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "tap.h"
#include "tempdir.h"

#define BLOCK (256u << 10) /* pack.c's */

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

static struct codec codec;

static void use(const char *compression)
{
	struct err err;

	if (codec_choose(&codec, compression, &err))
		abort();
}

/* Compresses in pieces of so many bytes. */
static int compress_it(
	const char *bytes, size_t n, size_t piece, unsigned jobs, struct pack_result *result)
{
	int fd = open("out.gz", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct pack *pack = pack_begin(fd, &codec, jobs);
	struct err err;
	int status;

	for (size_t at = 0; at < n; at += piece)
		pack_write(pack, bytes + at, n - at < piece ? n - at : piece);
	status = pack_end(pack, result, &err);
	close(fd);
	return status;
}

static bool unpacks_by_zstd(const char *bytes, size_t n)
{
#if __has_include(<zstd.h>)
	cleanup(buf_release) struct buf file = { 0 };
	scratch char *got = xmalloc(n + 1);
	struct err err;

	return !file_read("out.gz", 1 << 30, &file, &err) &&
		ZSTD_decompress(got, n + 1, file.data, file.len) == n && !memcmp(got, bytes, n);
#else
	(void)bytes, (void)n;
	return true;
#endif
}

static bool unpacks_by_zlib(const char *bytes, size_t n)
{
	gzFile file = gzopen("out.gz", "rb");
	scratch char *got = xmalloc(n + 1);
	int have = file ? gzread(file, got, (unsigned)n + 1) : -1;

	/* one member, and nothing after it: gzclose checks CRC and length */
	return file && gzclose(file) == Z_OK && have == (int)n && !memcmp(got, bytes, n);
}

static bool unpacks_to(const char *bytes, size_t n)
{
	return codec.calls->deflate ? unpacks_by_zlib(bytes, n) : unpacks_by_zstd(bytes, n);
}

static void round_trips(const char *bytes, const char *compression)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 18, 512, 65536, BLOCK - 1, BLOCK,
		BLOCK + 1, BLOCK + 16, BLOCK + 17, 2 * BLOCK, 7 * BLOCK + 12345 };

	for (size_t i = 0; i < countof(sizes); i++) {
		scratch char *what = xasprintf("%s: %zu bytes", compression, sizes[i]);
		cleanup(buf_release) struct buf file = { 0 };
		struct pack_result one, result;
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
		for (unsigned jobs = 1; jobs <= PACK_JOBS_LIMIT; jobs += jobs) {
			compress_it(bytes, sizes[i], 1000 + 7919 * jobs, jobs, &result);
			same = same && !strcmp(result.digest, one.digest) &&
				!strcmp(result.diff_id, one.diff_id);
		}
		ok(same, "  the same by 1, 2, 4 and 8 threads, in any pieces");
	}
}

/* The bytes are those they always were, where the library is the one that the digest is from. */
static void golden(const char *bytes, size_t n)
{
	static const struct {
		struct codec codec;
		const char *title, *digest;
	} goldens[] = {
		{ { &codec_isal, 1 }, "isal:1",
			"sha256:a03591aeccfa7ea086d096eebcf904043b90ac3fe1ff4904493eb76786506906" },
		{ { &codec_isal, 2 }, "isal:2",
			"sha256:24a36589c3bb75b508628623a67c468aa2f74e67c1aaa3d09221c1551a91dd14" },
		{ { &codec_zlib, 0 }, "zlib:0/1.2.13",
			"sha256:890478940a6ebcb603f793af06b0fbaaa4af76a33fe7d1d14286815eae84bd75" },
		{ { &codec_zlib, 1 }, "zlib:1/1.2.13",
			"sha256:dbc67c57f7257b2d62b0f61f67552803a64da59b96a0bfa00d2f90fc938a440e" },
		{ { &codec_zlib, 2 }, "zlib:2/1.2.13",
			"sha256:e7970e2cae70ad95cb23a38a538c0ccae059a16f7ef8bccefbd1587d6040c500" },
		{ { &codec_zlib, 3 }, "zlib:3/1.2.13",
			"sha256:9e648b06f07b6b3eee9a6b4d4a87b067c36dd0097b5e49ac7da35f0555dd3ef4" },
		{ { &codec_zlib, 4 }, "zlib:4/1.2.13",
			"sha256:a4a0b5aa23797f4645a011cb3d22d47f017c984e09b83f93a8aa1d86b96686b5" },
		{ { &codec_zlib, 5 }, "zlib:5/1.2.13",
			"sha256:f2d07b26515f39b255c6b42e054e2756b01c4a37be760d065a506cba202ab18f" },
		{ { &codec_zlib, 6 }, "zlib:6/1.2.13",
			"sha256:108c13b6320c4c50f4ae03e7bbadc08106637cc9e962c3b0d8d3159cc5d2be7f" },
		{ { &codec_zlib, 7 }, "zlib:7/1.2.13",
			"sha256:be513c3b79e857fdfb7b914ea28350ec7c27139ec8806c79d9f55c5d0b783864" },
		{ { &codec_zlib, 8 }, "zlib:8/1.2.13",
			"sha256:c58a3a2110fb66192337d7409af93eacebf950a255ee0ddb7e8756245d19aabd" },
		{ { &codec_zlib, 9 }, "zlib:9/1.2.13",
			"sha256:4ba67f0160c614985cb882497d7e2646ba64fe37630022ef5c2ccaf5a2194de4" },
		{ { &codec_zstd, 1 }, "zstd:1/1.5.4",
			"sha256:459f6180109f95f77b604adf45e467c5d212c9aa7c04629e3eb9809ef038d83c" },
		{ { &codec_zstd, 3 }, "zstd:3/1.5.4",
			"sha256:60c3bb86473e534396a1a1e92a2ed165dac9b7d2967b3d36f67dbfaff7467ca7" },
		{ { &codec_zstd, 9 }, "zstd:9/1.5.4",
			"sha256:351711a2a25bd3a168d49e65257bd003cb889ff32f6374a7e98653d826d5a70b" },
		{ { &codec_zstd, 19 }, "zstd:19/1.5.4",
			"sha256:780e271cd832a5be233554d605a3d6358e44ed985254c776d3bdb9771d07e6ab" },
	};

	for (size_t i = 0; i < countof(goldens); i++) {
		struct pack_result result;
		scratch char *title = NULL;

		codec = goldens[i].codec;
		if (!codec.calls->name)
			continue;
		title = codec_title(&codec);
		compress_it(bytes, n, n, 0, &result);
		if (strcmp(title, goldens[i].title))
			printf("# %s here, no golden digest\n", title);
		else
			is(result.digest, goldens[i].digest, title);
	}
}

/* Which codec stands for what is asked for. */
static void choices(void)
{
	bool isal = codec_isal.name != NULL, zstd = codec_zstd.name != NULL;
	static const char *const wrong[] = { "lz4", "gzip:", "gzip:10", "gzip:-1", "zstd:0",
		"zstd:20", "zstd:3x", "gzip:009", "GZIP" };
	struct codec chosen;
	struct err err;

	ok(!codec_choose(&chosen, "", &err) && chosen.calls == (isal ? &codec_isal : &codec_zlib) &&
			chosen.level == (isal ? 2 : 1),
		"nothing said: the fastest");
	ok(!codec_choose(&chosen, "gzip:1", &err) &&
			chosen.calls == (isal ? &codec_isal : &codec_zlib) && chosen.level == 1,
		"gzip:1");
	ok(!codec_choose(&chosen, "gzip:9", &err) && chosen.calls == &codec_zlib &&
			chosen.level == 9,
		"gzip:9");
	ok(codec_choose(&chosen, "zstd", &err) == (zstd ? 0 : -1), "zstd, where it was there");
	ok(!zstd || chosen.level == 3, "zstd's level");
	for (size_t i = 0; i < countof(wrong); i++)
		ok(codec_choose(&chosen, wrong[i], &err) && err.class == ERR_USAGE, wrong[i]);
}

static void marks(const char *bytes)
{
	int fd = open("out.gz", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct pack *pack = pack_begin(fd, &codec, 2);
	size_t n = 3 * BLOCK, at = 0;
	struct pack_result result;
	char want[DIGEST_SIZE];
	struct err err;

	pack_write(pack, "before", 6);
	while (at < n) {
		size_t room;
		char *to = pack_room(pack, &room);
		size_t piece = n - at < room ? n - at : room;

		piece = piece < 5000 ? piece : 5000;
		memcpy(to, bytes + at, piece);
		pack_add_marked(pack, piece);
		at += piece;
	}
	pack_write(pack, "after", 5);
	pack_end(pack, &result, &err);
	close(fd);
	digest_of(bytes, n, want);
	is(result.marked, want, "digest of what was marked");
}

static void failures(const char *bytes)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct pack *pack = pack_begin(fd, &codec, 2);
	struct pack_result result;
	struct err err = { 0 };

	pack_write(pack, bytes, 5 * BLOCK);
	ok(pack_end(pack, &result, &err) == -1, "a full disk is an error");
	ok(strstr(err.text, "No space left") != NULL, "that says so");
	pack = pack_begin(fd, &codec, 2);
	pack_write(pack, bytes, 5 * BLOCK);
	pack_abandon(&pack);
	ok(!pack, "a stream can be given up");
	close(fd);
}

int main(void)
{
	static const char *const kinds[] = {
		"gzip",
		"gzip:0",
		"gzip:1",
		"gzip:6",
		"gzip:9",
#if __has_include(<zstd.h>)
		"zstd:1",
		"zstd",
		"zstd:19"
#endif
	};
	size_t n = 8 * BLOCK;
	scratch char *bytes = xmalloc(n);

	tempdir_enter();
	fill(bytes, n);
	for (size_t i = 0; i < countof(kinds); i++) {
		use(kinds[i]);
		round_trips(bytes, kinds[i]);
	}
	golden(bytes, n);
	use(NULL);
	choices();
	marks(bytes);
	failures(bytes);
	return done();
}
