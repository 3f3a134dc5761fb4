/* Tar headers: the same bytes as Go's archive/tar writes for the same entries. */
#include "formats/tar.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/proc.h"
#include "tap.h"

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define USERS "AQAAgBQAAAAkAAAAAAAAAAAAAAABAgAAAAAABSAAAAAhAgAAAQIAAAAAAAUgAAAAIQIAAA=="

static const unsigned char capability[] = { 1, 0x80, 'a', 0xff, 'z' };

static const struct tar_entry entries[] = {
	{ "ko-app", TAR_DIR, 0555, 0, 0, NULL, 0, NULL, 0 },
	{ "/ko-app/app", TAR_FILE, 0555, 12345, 0, NULL, 0, NULL, 0 },
	{ "etc/a", TAR_FILE, 0644, 0, 1700000000, NULL, 0, NULL, 0 },
	{ "etc/b", TAR_LINK, 0777, 0, 0, "../a", 0, NULL, 0 },
	{ "l", TAR_LINK, 0777, 0, 0, FIFTY FIFTY, 0, NULL, 0 },
	{ "l", TAR_LINK, 0777, 0, 0, FIFTY FIFTY "x", 0, NULL, 0 },
	{ "l", TAR_LINK, 0777, 0, 0, "\303\251", 0, NULL, 0 },
	{ FIFTY FIFTY, TAR_FILE, 0555, 1, 0, NULL, 0, NULL, 0 },
	{ FIFTY FIFTY "x", TAR_FILE, 0555, 1, 0, NULL, 0, NULL, 0 },
	{ "a/" FIFTY FIFTY, TAR_FILE, 0555, 1, 0, NULL, 0, NULL, 0 },
	{ "/" FIFTY FIFTY, TAR_FILE, 0555, 1, 0, NULL, 0, NULL, 0 },
	{ "a/" FIFTY FIFTY "x", TAR_FILE, 0555, 1, 0, NULL, 0, NULL, 0 },
	{ FIFTY "/" FIFTY "/" FIFTY "/x", TAR_FILE, 0555, 1, 0, NULL, 0, NULL, 0 },
	{ FIFTY "/" FIFTY "/" FIFTY TEN "/x", TAR_DIR, 0555, 0, 0, NULL, 0, NULL, 0 },
	{ FIFTY FIFTY FIFTY "01234/" FIFTY FIFTY, TAR_FILE, 0555, 1, 0, NULL, 0, NULL, 0 },
	{ FIFTY FIFTY FIFTY "012345/" FIFTY FIFTY, TAR_FILE, 0555, 1, 0, NULL, 0, NULL, 0 },
	{ "/var/run/ko/\303\251t\303\251", TAR_FILE, 0555, 1, 0, NULL, 0, NULL, 0 },
	{ "\303\251/" FIFTY FIFTY "/" FIFTY, TAR_FILE, 0555, 1, 0, NULL, 0, NULL, 0 },
	{ FIFTY FIFTY "/\303\251", TAR_FILE, 0555, 1, 0, NULL, 0, NULL, 0 },
	{ FIFTY FIFTY "/" FIFTY FIFTY "/" FIFTY FIFTY, TAR_DIR, 0555, 0, 0, NULL, 0, NULL, 0 },
	{ "big", TAR_FILE, 0555, 8589934591, 0, NULL, 0, NULL, 0 },
	{ "bigger", TAR_FILE, 0555, 8589934592, 0, NULL, 0, NULL, 0 },
	{ "late", TAR_FILE, 0555, 1, 8589934592, NULL, 0, NULL, 0 },
	{ "Files/ko-app/app", TAR_FILE, 0555, 7, 0, NULL, 1, NULL, 0 },
	{ "Files/ko-app", TAR_DIR, 0555, 0, 0, NULL, 1, NULL, 0 },
	{ "Files/" FIFTY FIFTY, TAR_FILE, 0555, 7, 0, NULL, 1, NULL, 0 },
	{ "capable", TAR_FILE, 0555, 7, 0, NULL, 0, capability, sizeof capability },
};

static void describe(struct buf *out, const struct tar_entry *e)
{
	buf_addf(out, "%c\t%o\t%llu\t%llu\t%s\t%s\t", e->type, e->mode, (unsigned long long)e->size,
		(unsigned long long)e->mtime, e->name, e->link ? e->link : "-");
	if (e->windows && e->type == TAR_FILE)
		buf_addstr(out, "MSWINDOWS.rawsd=" USERS);
	else if (e->capability)
		buf_addf(out, "SCHILY.xattr.security.capability=%.*s", (int)e->capability_size,
			(const char *)e->capability);
	else
		buf_addch(out, '-');
	buf_addch(out, '\n');
}

/* What Go makes of the entry. */
static void by_go(const char *program, const struct tar_entry *entry, struct buf *out)
{
	cleanup(buf_release) struct buf in = { 0 };
	const char *const argv[] = { program, NULL };
	struct proc proc = { .argv = argv, .input = &in, .output = out };
	struct err err;

	describe(&in, entry);
	if (proc_run(&proc, &err))
		abort();
}

static int build(const char *program)
{
	const char *const argv[] = { "go", "build", "-o", program, "tests/data/tarheaders.go",
		NULL };
	struct proc proc = { .argv = argv };
	struct err err;

	return proc_run(&proc, &err);
}

int main(void)
{
	char dir[] = "/tmp/ko-tar.XXXXXX";
	scratch char *program = mkdtemp(dir) ? path_join(dir, "tarheaders") : NULL;

	if (!program || !ok(!build(program), "go builds the reference"))
		return done();
	for (size_t i = 0; i < countof(entries); i++) {
		cleanup(buf_release) struct buf ours = { 0 }, theirs = { 0 };
		scratch char *what = xasprintf("%.60s (%zu)", entries[i].name, i);

		tar_header(&ours, &entries[i]);
		by_go(program, &entries[i], &theirs);
		ok(ours.len == theirs.len && !memcmp(ours.data, theirs.data, ours.len), what);
	}
	ok(tar_padding(0) == 0 && tar_padding(1) == 511 && tar_padding(512) == 0 &&
			tar_padding(8589934593) == 511,
		"padding");
	remove(program);
	remove(dir);
	return done();
}
