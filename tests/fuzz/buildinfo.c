/* Programs that claim anything about their modules, and the text about modules alone. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "go/buildinfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct go_buildinfo *info)
{
	if (info->n > GO_MODULES_LIMIT)
		abort();
	for (size_t i = 0; i < info->n; i++) {
		const struct go_module *m = &info->deps[i];

		if (!m->path || !m->version || !m->sum ||
			!m->replacement != !m->replacement_version)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("program", MFD_CLOEXEC);
	struct go_buildinfo info;
	char path[64];
	struct err err;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (go_buildinfo_read(&info, path, &err))
		abort();
	check(&info);
	go_buildinfo_release(&info);
	close(fd);
	if (!go_buildinfo_parse(&info, (const char *)data, size, &err))
		check(&info);
	go_buildinfo_release(&info);
	return 0;
}
