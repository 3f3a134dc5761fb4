/* A registries.conf, and the value of KO_REGISTRY_MIRROR in its first line: what is found is a
 * place whose parts have no byte that could lead elsewhere. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/mirror.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void offer(const uint8_t *data, size_t n)
{
	static int fd = -1;
	scratch char *path = NULL;

	if (fd < 0)
		fd = memfd_create("registries.conf", 0);
	path = xasprintf("/proc/self/fd/%d", fd);
	if (fd < 0 || ftruncate(fd, 0) || pwrite(fd, data, n, 0) != (ssize_t)n)
		abort();
	setenv("CONTAINERS_REGISTRIES_CONF", path, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const uint8_t *end = n ? memchr(data, '\n', n) : NULL;
	size_t line = end ? (size_t)(end - data) : 0;
	scratch char *variable = xstrndup((const char *)data, line);
	cleanup(places_release) struct places places = { 0 };
	struct mirrors *mirrors;
	struct err err;

	setenv("KO_REGISTRY_MIRROR", variable, 1);
	offer(data + line, n - line);
	mirrors = mirrors_new(&err);
	if (mirrors && !mirrors_find(mirrors, "r.example", "team/app", &places, &err)) {
		for (size_t i = 0; i < places.n; i++) {
			if (strpbrk(places.v[i].host, "/@?#% \n\\") ||
				strpbrk(places.v[i].path, "@?#% \n\\"))
				abort();
		}
	}
	mirrors_free(mirrors);
	return 0;
}
