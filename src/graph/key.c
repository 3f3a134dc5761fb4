#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/opt.h"
#include "base/proc.h"
#include "formats/digest.h"
#include "graph.h"

extern char **environ;

/*
 * Variables that are settings of ko, of the go command ("go help environment") or of cgo's
 * compilers. Left out are those that only say where caches and proxies are: they do not change
 * what is built, and proxies' addresses may hold passwords.
 */
static const char *const setting_prefixes[] = { "KO_", "CGO_", "PKG_CONFIG", "CC=", "CXX=", "FC=",
	"AR=", "GCCGO=", "GO111MODULE=", "GO386=", "GOAMD64=", "GOARCH=", "GOARM=", "GOARM64=",
	"GODEBUG=", "GOENV=", "GOEXPERIMENT=", "GOFIPS140=", "GOFLAGS=", "GOMIPS=", "GOMIPS64=",
	"GOMODCACHE=", "GOOS=", "GOPATH=", "GOPPC64=", "GORISCV64=", "GOROOT=", "GOTOOLCHAIN=",
	"GOWASM=", "GOWORK=", "SOURCE_DATE_EPOCH=" };

/* Of these, the ones that do not change what is built. */
static const char *const not_settings[] = { "KO_REPORT=", "KO_VERBOSE=", "KO_BUILDDIR=", "KO_WRAP=",
	"KO_JOBS=" };

static bool has_prefix(const char *s, const char *const prefixes[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (starts_with(s, prefixes[i]))
			return true;
	}
	return false;
}

void graph_environment(struct strs *settings)
{
	for (char **e = environ; *e; e++) {
		if (has_prefix(*e, setting_prefixes, countof(setting_prefixes)) &&
			!has_prefix(*e, not_settings, countof(not_settings)))
			strs_add(settings, *e);
	}
	strs_sort(settings);
}

static void add_program(struct buf *text, const char *name)
{
	scratch char *path = proc_find(name);
	struct stat st;

	if (path && !stat(path, &st))
		buf_addf(text, "%s %lld %lld.%09ld\n", path, (long long)st.st_size,
			(long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

/* A file that appears or goes above us changes which module or workspace we are in. */
static void add_presence(struct buf *text)
{
	static const char *const names[] = { "go.work", "go.mod", "ko.yaml", ".ko.yaml" };
	scratch char *dir = path_absolute(".");

	for (;;) {
		char *parent;

		for (size_t i = 0; i < countof(names); i++) {
			scratch char *path = path_join(dir, names[i]);

			if (file_exists(path))
				buf_addf(text, "%s\n", path);
		}
		if (!strcmp(dir, "/"))
			return;
		parent = path_dir(dir);
		free(dir);
		dir = parent;
	}
}

char *graph_key(const struct strs *words, const char *bin)
{
	cleanup(buf_release) struct buf text = { 0 };
	cleanup(strs_release) struct strs settings = { 0 };
	char full[FINGERPRINT_SIZE];

	buf_addf(&text, "%s\n%s\n", version, bin ? bin : "");
	for (size_t i = 0; i < words->n; i++)
		buf_addf(&text, "%s\n", words->v[i]);
	graph_environment(&settings);
	for (size_t i = 0; i < settings.n; i++)
		buf_addf(&text, "%s\n", settings.v[i]);
	add_program(&text, "go");
	add_presence(&text);
	fingerprint_of(text.data, text.len, full);
	return xstrndup(full, 16);
}

char *shell_quote(const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "_-./:=,@%+";
	struct buf text = { 0 };

	if (*s && strspn(s, plain) == strlen(s))
		return xstrdup(s);
	buf_addch(&text, '\'');
	for (; *s; s++) {
		if (*s == '\'')
			buf_addstr(&text, "'\\''");
		else
			buf_addch(&text, *s);
	}
	buf_addch(&text, '\'');
	return buf_detach(&text);
}
