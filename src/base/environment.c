#include "environment.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"

extern char **environ;

static const char *const setting_prefixes[] = { "KO_", "CGO_", "PKG_CONFIG", "CC=", "CC_FOR_",
	"CXX=", "CXX_FOR_", "FC=", "AR=", "GCCGO=", "GO111MODULE=", "GO386=", "GOAMD64=", "GOARCH=",
	"GOARM=", "GOARM64=", "GODEBUG=", "GOENV=", "GOEXPERIMENT=", "GO_EXTLINK_ENABLED=",
	"GOFIPS140=", "GOFLAGS=", "GOMIPS=", "GOMIPS64=", "GOMODCACHE=", "GOOS=", "GOPATH=",
	"GOPPC64=", "GORISCV64=", "GOROOT=", "GOTOOLCHAIN=", "GOWASM=", "GOWORK=",
	"SOURCE_DATE_EPOCH=", "COSIGN_REPOSITORY=" };

/* Of these, the ones that do not change what is built. */
static const char *const not_settings[] = { "KO_REPORT=", "KO_BASE_UPDATE=", "KO_VERBOSE=",
	"KO_BUILDDIR=", "KO_WRAP=", "KO_JOBS=", "KO_TIMEOUT=", "KO_RETRY_BUDGET=", "KO_RETRY_WAIT=",
	"KO_UPLOAD_CHUNK=", "KO_TRACE=", "KO_AHEAD=", "KO_CACHE_DIR=", "KO_CACHE_SIZE=" };

static bool has_prefix(const char *s, const char *const prefixes[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (starts_with(s, prefixes[i]))
			return true;
	}
	return false;
}

void environment_settings(struct strs *settings)
{
	for (char **e = environ; *e; e++) {
		if (has_prefix(*e, setting_prefixes, countof(setting_prefixes)) &&
			!has_prefix(*e, not_settings, countof(not_settings)))
			strs_add(settings, *e);
	}
	strs_sort(settings);
}

bool environment_flag(const char *name)
{
	const char *value = getenv(name);

	return value && *value && strcmp(value, "0");
}
