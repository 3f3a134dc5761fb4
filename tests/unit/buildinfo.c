/* What a linker notes in a program, found in places and made of bytes that no linker writes. Real
 * programs are in tests/cli/sbom.t. */
#include "go/buildinfo.h"

#include <stdint.h>
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

static void add_zeros(struct buf *out, size_t n)
{
	while (n--)
		buf_addch(out, '\0');
}

static void add_header(struct buf *out, char flags)
{
	buf_add(out, "\xff Go buildinf:\x08", 15);
	buf_addch(out, flags);
	add_zeros(out, 16);
}

/* With a name of Go that is none it is not one. */
static void add_info(struct buf *out, char flags, const char *go, const char *text)
{
	scratch char *framed = xasprintf(MARK "%s" MARK, text);

	add_header(out, flags);
	add_string(out, go);
	add_string(out, framed);
}

static void save(const struct buf *file)
{
	struct err err;

	if (file_save("program", file->data, file->len, &err) < 0)
		abort();
}

static void version_is(const char *want, const char *what)
{
	cleanup(go_buildinfo_release) struct go_buildinfo info = { 0 };
	struct err err = { 0 };

	if (go_buildinfo_read(&info, "program", &err))
		is(err.text, want, what);
	else
		is(info.version, want, what);
}

static void test_place(
	const char *what, size_t before, char flags, const char *go, const char *want)
{
	cleanup(buf_release) struct buf file = { 0 };

	add_zeros(&file, before);
	add_info(&file, flags, go, "mod\texample.com/x\t(devel)\t\n");
	save(&file);
	version_is(want, what);
}

#define CONSTANTS 0x400u
#define DATA 0x600u

/* Writes a number, little-endian, into the file. */
static void set(struct buf *file, size_t at, size_t width, uint64_t n)
{
	for (; width--; n >>= 8)
		file->data[at++] = (char)n;
}

/* A head, the info of another program among the constants, and the program's own in its data. */
static void add_two_infos(struct buf *file, const char *magic, size_t n)
{
	add_zeros(file, CONSTANTS);
	memcpy(file->data, magic, n);
	add_info(file, 2, "go1.18", "");
	add_zeros(file, DATA - file->len);
	add_info(file, 2, "go1.26", "");
}

static void pe_section(struct buf *file, size_t at, unsigned place, unsigned kind)
{
	set(file, at + 16, 4, 0x200);
	set(file, at + 20, 4, place);
	set(file, at + 36, 4, kind);
}

static void test_pe(void)
{
	cleanup(buf_release) struct buf file = { 0 };

	add_two_infos(&file, "MZ", 2);
	set(&file, 0x3c, 4, 0x80);
	memcpy(file.data + 0x80, "PE", 2);
	set(&file, 0x86, 2, 2);
	set(&file, 0x94, 2, 0x20);
	pe_section(&file, 0xb8, CONSTANTS, 0x40000040);
	pe_section(&file, 0xe0, DATA, 0xc0600040);
	save(&file);
	version_is("go1.26", "PE: the program's own, not that of one that it embeds");
	set(&file, 0xe0 + 20, 4, 0xfffffff0);
	save(&file);
	version_is("go1.18", "PE: data behind the end of the file");
	set(&file, 0x3c, 4, 0xfffffff0);
	save(&file);
	version_is("go1.18", "PE: header behind the end of the file");
}

static void macho_segment(struct buf *file, size_t at, size_t size, uint64_t place, unsigned prot)
{
	set(file, at, 4, 0x19);
	set(file, at + 4, 4, size);
	set(file, at + 40, 8, place);
	set(file, at + 48, 8, 0x200);
	set(file, at + 56, 4, prot);
	set(file, at + 60, 4, prot);
}

static void test_macho(void)
{
	cleanup(buf_release) struct buf file = { 0 };

	add_two_infos(&file, "\xcf\xfa\xed\xfe", 4);
	set(&file, 16, 4, 2);
	macho_segment(&file, 32, 72, CONSTANTS, 1);
	macho_segment(&file, 104, 152, DATA, 3);
	save(&file);
	version_is("go1.26", "Mach-O: the program's own");
	set(&file, 104 + 40, 8, UINT64_MAX);
	save(&file);
	version_is("go1.18", "Mach-O: data at a place that no file has");
	set(&file, 104 + 64, 4, 1);
	memcpy(file.data + 104 + 72, "__go_buildinfo", 14);
	set(&file, 104 + 72 + 48, 4, DATA);
	save(&file);
	version_is("go1.26", "Mach-O: a section of its own");
	set(&file, 104 + 4, 4, 0);
	save(&file);
	version_is("go1.18", "Mach-O: a command without size");
}

static void test_elf(void)
{
	static const char magic[] = "\x7f"
				    "ELF\2\1\1";
	cleanup(buf_release) struct buf file = { 0 };

	add_two_infos(&file, magic, sizeof magic - 1);
	set(&file, 0x20, 8, 0x40);
	set(&file, 0x36, 2, 56);
	set(&file, 0x38, 2, 1);
	set(&file, 0x40, 4, 1);
	set(&file, 0x44, 4, 6);
	set(&file, 0x48, 8, DATA);
	save(&file);
	version_is("go1.26", "ELF: the program's own");
	set(&file, 0x48, 8, 1ull << 63);
	save(&file);
	version_is("go1.18", "ELF: data at a place that no file has");
}

/* If each claim were believed, 700 GB would be read. */
static void test_claims(void)
{
	cleanup(buf_release) struct buf file = { 0 };
	scratch char *name = xasprintf("go%04095d", 1);

	while (file.len < 8u << 20) {
		add_header(&file, 2);
		add_string(&file, "go");
		buf_add(&file, "\x80\x80\x80\x07", 4);
		add_zeros(&file, 48 - file.len % 48);
	}
	add_info(&file, 2, name, "");
	add_zeros(&file, 16 - file.len % 16);
	add_info(&file, 2, "go1.26", "");
	save(&file);
	version_is("go1.26", "claims that are too long");
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
	test_pe();
	test_macho();
	test_elf();
	test_claims();
	test_modules();
	test_limit();
	return done();
}
