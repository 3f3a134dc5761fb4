#include "codec.h"

#include "base/mem.h"
#include "compression.h"

static int choose_zstd(struct codec *codec, int level, struct err *err)
{
	if (!codec_zstd.name)
		return err_set(err, ERR_USAGE,
			"compression zstd: this program was built without libzstd; use gzip, or "
			"install libzstd-dev and build it again");
	*codec = (struct codec){ &codec_zstd, level < 0 ? 3 : level };
	return 0;
}

int codec_choose(struct codec *codec, const char *text, struct err *err)
{
	struct compression compression;

	if (compression_parse(&compression, text && *text ? text : "gzip", err))
		return -1;
	if (compression.zstd)
		return choose_zstd(codec, compression.level, err);
	if (codec_isal.name &&
		(compression.level < 0 || compression.level == 1 || compression.level == 2))
		*codec = (struct codec){ &codec_isal,
			compression.level < 0 ? 2 : compression.level };
	else
		*codec = (struct codec){ &codec_zlib,
			compression.level < 0 ? 1 : compression.level };
	return 0;
}

char *codec_title(const struct codec *codec)
{
	const char *(*version)(void) = codec->calls->version;

	return xasprintf("%s:%d%s%s", codec->calls->name, codec->level, version ? "/" : "",
		version ? version() : "");
}

size_t codec_bound(size_t n)
{
	return n + n / 4 + 4096;
}
