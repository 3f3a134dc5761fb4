#include "archive.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "elf.h"

int archive_begin(struct archive *archive, const struct oci *oci, const struct codec *codec,
	unsigned jobs, struct err *err)
{
	archive->oci = oci;
	archive->codec = *codec;
	archive->pack = NULL;
	if (oci_begin(oci, &archive->draft, err))
		return -1;
	archive->pack = pack_begin(archive->draft.fd, codec, jobs);
	return 0;
}

void archive_entry(struct archive *archive, const struct tar_entry *entry)
{
	cleanup(buf_release) struct buf header = { 0 };

	tar_header(&header, entry);
	pack_write(archive->pack, header.data, header.len);
}

static void add_zeros(struct archive *archive, size_t n)
{
	static const char zeros[TAR_END];

	pack_write(archive->pack, zeros, n);
}

static int changed(const char *path, struct err *err)
{
	return err_set(err, ERR_RETRY, "%s: changed while it was read; run again", path);
}

/* Reads size bytes straight into the compressor's memory. */
static int copy(struct archive *archive, int fd, const char *path, uint64_t size,
	const struct elf_notes *notes, struct err *err)
{
	for (uint64_t offset = 0; offset < size;) {
		size_t room;
		char *to = pack_room(archive->pack, &room);
		uint64_t left = size - offset;
		ssize_t n = pread(fd, to, left < room ? (size_t)left : room, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "%s", path);
		if (!n)
			return changed(path, err);
		if (notes) {
			elf_blank(notes, offset, to, (size_t)n);
			pack_add_marked(archive->pack, (size_t)n);
		} else {
			pack_add(archive->pack, (size_t)n);
		}
		offset += (uint64_t)n;
	}
	return 0;
}

static int add_content(struct archive *archive, int fd, const char *path, const struct stat *st,
	const struct elf_notes *notes, struct err *err)
{
	uint64_t size = (uint64_t)st->st_size;
	struct stat after;

	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	if (copy(archive, fd, path, size, notes, err))
		return -1;
	if (fstat(fd, &after))
		return err_sys(err, "%s", path);
	if (after.st_size != st->st_size || after.st_mtim.tv_sec != st->st_mtim.tv_sec ||
		after.st_mtim.tv_nsec != st->st_mtim.tv_nsec)
		return changed(path, err);
	add_zeros(archive, tar_padding(size));
	return 0;
}

int archive_file(struct archive *archive, const struct tar_entry *entry, const char *path,
	bool blank, struct err *err)
{
	struct tar_entry sized = *entry;
	struct elf_notes notes = { 0 };
	/* O_NONBLOCK: a named pipe must not hold us up */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int result = -1;

	if (fd < 0 || fstat(fd, &st)) {
		err_sys(err, "%s", path);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(err, ERR_FAILED, "%s: neither a file nor a directory", path);
		goto out;
	}
	if (blank && elf_notes(fd, &notes, err))
		goto out;
	sized.size = (uint64_t)st.st_size;
	archive_entry(archive, &sized);
	result = add_content(archive, fd, path, &st, blank ? &notes : NULL, err);
out:
	if (fd >= 0)
		close(fd);
	return result;
}

json_t *archive_end(struct archive *archive, char marked[DIGEST_SIZE], struct err *err)
{
	struct pack_result result;
	json_t *layer;

	add_zeros(archive, TAR_END);
	if (pack_end(steal(&archive->pack), &result, err)) {
		err_prefix(err, "%s", archive->oci->dir);
		return NULL;
	}
	if (oci_has(archive->oci, result.digest, (json_int_t)result.size))
		file_abandon(&archive->draft);
	else if (oci_commit(archive->oci, &archive->draft, result.digest, err))
		return NULL;
	if (marked)
		memcpy(marked, result.marked, DIGEST_SIZE);
	layer = descriptor_json(archive->codec.calls->deflate ? OCI_LAYER_GZIP : OCI_LAYER_ZSTD,
		result.digest, (json_int_t)result.size);
	json_object_set_new(layer, "diffID", json_string(result.diff_id));
	return layer;
}

void archive_abandon(struct archive *archive)
{
	if (archive->pack)
		pack_abandon(&archive->pack);
	file_abandon(&archive->draft);
}
