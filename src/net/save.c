#include "save.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "formats/image.h"
#include "formats/saved.h"
#include "push.h"

struct images {
	struct saved_image *v;
	size_t n;
	struct strs taken; /* names, NAME:TAG, that images have */
	bool indexes;      /* at least one is for several platforms */
};

static int add_image(
	const struct save *save, struct images *images, const json_t *record, struct err *err)
{
	cleanup(target_release) struct target target = { 0 };
	cleanup(descriptor_release) struct descriptor d = { 0 };
	struct saved_image *image = &images->v[images->n];

	image->descriptor = json_object_get(record, "image");
	if (!image->descriptor)
		return err_set(err, ERR_INPUT, "record of %s: no image; has ko-image run?",
			record_title(record));
	if (descriptor_from(&d, image->descriptor, record_title(record), err) ||
		target_make(&target, record, save->repo, save->tags, false, err))
		return -1;
	for (size_t i = 0; i < target.tags.n; i++) {
		if (target_take_tag(&target, target.tags.v[i], &images->taken))
			strs_take(&image->names,
				xasprintf("%s:%s", target.ref.name, target.tags.v[i]));
	}
	images->n++;
	images->indexes |= image_is_index(d.media_type);
	return 0;
}

static int write_archive(
	const struct save *save, const struct images *images, int fd, struct err *err)
{
	return (images->indexes ? saved_write_oci : saved_write_docker)(
		fd, save->oci, images->v, images->n, err);
}

/* Something that is written to, not replaced: standard output, a device, a named pipe. */
static int write_stream(const struct save *save, const struct images *images, struct err *err)
{
	bool standard = !strcmp(save->tarball, "-");
	int fd = standard ? STDOUT_FILENO : open(save->tarball, O_WRONLY | O_CLOEXEC);
	int result;

	if (fd < 0)
		return err_sys(err, "%s", save->tarball);
	result = write_archive(save, images, fd, err);
	if (!standard)
		close(fd);
	return result;
}

static bool is_stream(const char *path)
{
	struct stat st;

	return !strcmp(path, "-") ||
		(!stat(path, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode));
}

/* What we wrote is an input of our result: so it is missed when it goes. */
static int note_made(const struct save *save, const char *path, struct err *err)
{
	depfile_add(save->made, path);
	return file_mark_made(path, err);
}

static int write_tarball(const struct save *save, const struct images *images, struct err *err)
{
	cleanup(file_abandon) struct file_draft draft = { 0 };

	if (is_stream(save->tarball))
		return write_stream(save, images, err);
	if (file_begin(&draft, save->tarball, err) || write_archive(save, images, draft.fd, err) ||
		file_commit_changed(&draft, save->tarball, err) < 0)
		return -1;
	return note_made(save, save->tarball, err);
}

static int write_layout(const struct save *save, const struct images *images, struct err *err)
{
	cleanup(oci_release) struct oci to = { 0 };
	scratch char *index = path_join(save->layout, "index.json");

	if (oci_open(&to, save->layout, err) ||
		saved_to_layout(&to, save->oci, images->v, images->n, err))
		return -1;
	return note_made(save, index, err);
}

static int save_all(const struct save *save, const struct records *records, struct images *images,
	struct err *err)
{
	struct push store = { .oci = save->oci, .finder = save->finder };

	for (size_t i = 0; i < records_count(records); i++) {
		if (add_image(save, images, records_at(records, i), err))
			return -1;
	}
	if (store_complete(&store, records, err) ||
		(save->layout && write_layout(save, images, err)) ||
		(save->tarball && write_tarball(save, images, err)))
		return -1;
	return 0;
}

int save_images(const struct save *save, const struct records *records, struct err *err)
{
	size_t n = records_count(records);
	struct images images = { .v = xcalloc(n ? n : 1, sizeof *images.v) };
	int result = save_all(save, records, &images, err);

	for (size_t i = 0; i < n; i++)
		saved_image_release(&images.v[i]);
	free(images.v);
	strs_release(&images.taken);
	return result;
}
