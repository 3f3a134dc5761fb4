#include "compression.h"

#include <string.h>

/* One or two digits and nothing else; -1: no such number. */
static int read_level(const char *text)
{
	size_t n = strspn(text, "0123456789");

	if (!n || n > 2 || text[n])
		return -1;
	return n == 1 ? *text - '0' : 10 * (text[0] - '0') + text[1] - '0';
}

int compression_parse(struct compression *compression, const char *text, struct err *err)
{
	size_t n = strcspn(text, ":");
	bool zstd = n == 4 && !strncmp(text, "zstd", n);
	bool gzip = n == 4 && !strncmp(text, "gzip", n);
	int level = text[n] ? read_level(text + n + 1) : -1;

	if ((!zstd && !gzip) || (text[n] && (level < zstd || level > (zstd ? 19 : 9))))
		return err_set(err, ERR_USAGE,
			"compression \"%s\" is neither gzip, gzip:0 to gzip:9 nor zstd, "
			"zstd:1 to zstd:19",
			text);
	*compression = (struct compression){ zstd, level };
	return 0;
}
