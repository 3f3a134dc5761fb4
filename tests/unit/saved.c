/* Archives of images: same bytes, and no whole archive of what is not whole. Foreign programs read
 * them in tests/cli/save.t. */
#include "formats/saved.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "formats/image.h"
#include "tap.h"
#include "tempdir.h"

/* Writes an archive of one image to a file and gives its digest; "" when that failed. */
static void write_to(const char *path, bool docker, const struct oci *oci,
	const struct saved_image *image, char digest[DIGEST_SIZE], struct err *err)
{
	cleanup(buf_release) struct buf bytes = { 0 };
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int result = fd < 0 ? -1
		: docker    ? saved_write_docker(fd, oci, image, 1, err)
			    : saved_write_oci(fd, oci, image, 1, err);

	close(fd);
	*digest = '\0';
	if (!result && !file_read(path, 1 << 30, &bytes, err))
		digest_of(bytes.data, bytes.len, digest);
}

static const json_t *first_manifest(const json_t *record)
{
	return json_object_get(json_array_get(json_object_get(record, "platforms"), 0), "manifest");
}

static void test_same_bytes(const struct oci *oci, struct saved_image *image, bool docker)
{
	char one[DIGEST_SIZE], two[DIGEST_SIZE];
	struct err err = { 0 };

	write_to("one.tar", docker, oci, image, one, &err);
	write_to("two.tar", docker, oci, image, two, &err);
	ok(*one, "written");
	is(one, two, "the same bytes again");
}

static void test_damage(const struct oci *oci, struct saved_image *image)
{
	const char *digest = record_get(image->descriptor, "digest");
	cleanup(json_release) json_t *manifest =
		oci_get_json(oci, digest, NULL, &(struct err){ 0 });
	const json_t *layer = json_array_get(json_object_get(manifest, "layers"), 0);
	scratch char *path = oci_path(oci, record_get(layer, "digest"));
	char none[DIGEST_SIZE];
	struct err err = { 0 };

	if (truncate(path, 100))
		abort();
	write_to("cut.tar", true, oci, image, none, &err);
	ok(!*none && err.class == ERR_INPUT && strstr(err.text, "damaged"), "a layer that is cut");
	unlink(path);
	write_to("gone.tar", false, oci, image, none, &err);
	ok(!*none && err.class == ERR_FAILED && strstr(err.text, path), "a layer that is gone");
}

int main(void)
{
	cleanup(oci_release) struct oci oci = { 0 };
	cleanup(json_release) json_t *base = NULL;
	struct saved_image image = { 0 };
	char none[DIGEST_SIZE];
	struct err err = { 0 };

	tempdir_enter();
	if (oci_open(&oci, "oci", &err))
		abort();
	base = image_static_base(&oci, &err);
	strs_add(&image.names, "example.com/static:latest");
	image.descriptor = base;
	test_same_bytes(&oci, &image, false);
	write_to("index.tar", true, &oci, &image, none, &err);
	ok(!*none && err.class == ERR_USAGE, "no index in a docker archive");
	image.descriptor = first_manifest(base);
	test_same_bytes(&oci, &image, false);
	test_same_bytes(&oci, &image, true);
	test_damage(&oci, &image);
	saved_image_release(&image);
	return done();
}
