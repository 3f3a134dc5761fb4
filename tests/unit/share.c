/* A file with the content of another: a link where that can be, else a copy; a blob taken over into
 * a store is checked on the way. */
#include "base/share.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "formats/oci.h"
#include "tap.h"
#include "tempdir.h"

static struct err err;

static ino_t inode(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_ino;
}

static bool holds(const char *path, const char *text)
{
	cleanup(buf_release) struct buf got = { 0 };

	return !file_read(path, 1 << 20, &got, &err) && !strcmp(buf_str(&got), text);
}

static void shares(void)
{
	const struct timespec times[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };
	struct file_draft draft;

	file_mark_start();
	put("a", "content");
	utimensat(AT_FDCWD, "a", times, 0);
	ok(!share_begin(&draft, "dir/b", "a", &err) && !file_commit(&draft, "dir/b", &err),
		"a file in a new directory");
	ok(holds("dir/b", "content"), "has the content");
	ok(share_begin(&draft, "c", "nothing", &err) == 1, "no file: a result, not an error");
	ok(!share_begin(&draft, "c", "a", &err), "one that is given up");
	file_abandon(&draft);
	ok(!file_exists("c") && holds("a", "content"), "leaves the other one alone");
	ok(!share_begin(&draft, "d", "/proc/self/status", &err) && !file_commit(&draft, "d", &err),
		"from another file system");
	ok(inode("d") && inode("d") != inode("/proc/self/status"), "as a copy");
}

static void takes(void)
{
	struct oci oci;
	char digest[DIGEST_SIZE];
	scratch char *blob = NULL;
	struct stat st;

	oci_open(&oci, "store", &err);
	digest_of("content", 7, digest);
	blob = oci_path(&oci, digest);
	ok(oci_take(&oci, "nothing", digest, 7, &err) == 1, "blob: no such file");
	put("other", "Content");
	ok(oci_take(&oci, "other", digest, 7, &err) == 1, "blob: other content");
	ok(oci_take(&oci, "a", digest, 8, &err) == 1, "blob: another size");
	ok(!file_exists(blob), "nothing was taken");
	ok(!oci_take(&oci, "a", digest, 7, &err) && holds(blob, "content"), "blob: taken");
	ok(!stat("a", &st) && st.st_mode & 0200 && st.st_mtime == 1000000000,
		"the other file keeps mode and time");
	ok(!oci_take(&oci, "nothing", digest, 7, &err), "blob: there already");
	oci_release(&oci);
}

int main(void)
{
	tempdir_enter();
	shares();
	takes();
	return done();
}
