/* What a linker notes in a program, found in places and made of bytes that no linker writes. Real
 * programs are in tests/cli/sbom.t. */
#include "go/buildinfo.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "tap.h"
#include "tempdir.h"

#define MARK "0123456789abcdef"

static void add_string(struct buf *out, const char *text)
{
	size_t n = strlen(text);

	for (; n >= 0x80; n >>= 7)
		buf_addch(out, (char)(n | 0x80));
	buf_addch(out, (char)n);
	buf_addstr(out, text);
}

/* A file with the info after so many zeros; with a name of Go that is none it is not one. */
static void put_info(const char *path, size_t before, char flags, const char *go, const char *text)
{
	cleanup(buf_release) struct buf file = { 0 };
	scratch char *framed = xasprintf(MARK "%s" MARK, text);
	struct err err;

	while (before--)
		buf_addch(&file, '\0');
	buf_add(&file, "\xff Go buildinf:\x08", 15);
	buf_addch(&file, flags);
	for (int i = 0; i < 16; i++)
		buf_addch(&file, '\0');
	add_string(&file, go);
	add_string(&file, framed);
	if (file_save(path, file.data, file.len, &err) < 0)
		abort();
}

static void test_place(
	const char *what, size_t before, char flags, const char *go, const char *want)
{
	cleanup(go_buildinfo_release) struct go_buildinfo info = { 0 };
	struct err err = { 0 };

	put_info("program", before, flags, go, "mod\texample.com/x\t(devel)\t\n");
	if (go_buildinfo_read(&info, "program", &err))
		printf("# %s\n", err.text);
	is(info.version, want, what);
}

static void test_modules(void)
{
	static const char text[] = "path\texample.com/x/cmd\n"
				   "mod\texample.com/x\tv1.0.0\th1:main=\n"
				   "dep\texample.com/a\tv0.1.0\th1:a=\n"
				   "dep\texample.com/b\tv0.2.0\n"
				   "=>\t../b\t(devel)\t\n"
				   "dep\texample.com/c\tv0.3.0\n"
				   "=>\texample.com/d\tv0.4.0\th1:d=\n"
				   "dep\n"
				   "nonsense\n"
				   "build\tCGO_ENABLED=0\n";
	cleanup(go_buildinfo_release) struct go_buildinfo info = { 0 };
	struct err err = { 0 };

	ok(!go_buildinfo_parse(&info, text, sizeof text - 1, &err), "lines");
	is(info.main.version, "v1.0.0", "the main module");
	ok(info.n == 3, "three modules");
	is(info.deps[0].sum, "h1:a=", "a sum");
	ok(!info.deps[0].replacement, "not replaced");
	is(info.deps[1].replacement, "../b", "replaced by a directory");
	is(info.deps[2].replacement, "example.com/d", "replaced by a module");
	is(info.deps[2].replacement_version, "v0.4.0", "its version");
	is(info.deps[2].sum, "h1:d=", "and its sum");
}

static void test_limit(void)
{
	cleanup(go_buildinfo_release) struct go_buildinfo info = { 0 };
	cleanup(buf_release) struct buf text = { 0 };
	struct err err = { 0 };

	for (int i = 0; i <= GO_MODULES_LIMIT; i++)
		buf_addstr(&text, "dep\tx\tv1\n");
	ok(go_buildinfo_parse(&info, text.data, text.len, &err) == -1 && err.class == ERR_INPUT,
		"too many modules");
}

int main(void)
{
	tempdir_enter();
	test_place("at the start", 0, 2, "go1.26", "go1.26");
	test_place("behind a megabyte", (1 << 20) + 32, 2, "go1.26", "go1.26");
	test_place("at the end of a chunk", (1 << 20) - 16, 2, "go1.26", "go1.26");
	test_place("a toolchain of one's own", 16, 2, "devel go1.27-abc", "devel go1.27-abc");
	test_place("not aligned", 8, 2, "go1.26", NULL);
	test_place("pointers, as before Go 1.18", 16, 0, "go1.17", NULL);
	test_place("bytes that only look like it", 16, 2, "text", NULL);
	test_modules();
	test_limit();
	return done();
}
