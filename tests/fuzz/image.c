/* A base's config and manifest, separated by a NUL: whatever they are, an image is made or refused.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "formats/image.h"
#include "store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct oci oci;

static json_t *put(const uint8_t *data, size_t size, const char *type)
{
	char digest[DIGEST_SIZE];
	struct err err;

	if (oci_put(&oci, data, size, digest, &err))
		abort();
	return descriptor_json(type, digest, (json_int_t)size);
}

static json_t *make_record(void)
{
	static const char zeros[] =
		"sha256:0000000000000000000000000000000000000000000000000000000000000000";

	return json_pack("{s:s, s:[{s:s, s:[{s:s, s:s, s:i, s:s, s:s}]}], s:{s:s}, s:[s]}",
		"importpath", "example.com/a", "platforms", "platform", "linux/amd64", "layers",
		"mediaType", OCI_LAYER_GZIP, "digest", zeros, "size", 1, "diffID", zeros, "kind",
		"program", "labels", "a", "b", "containerEnv", "PATH=/x");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
	size_t n = nul ? (size_t)(nul - data) : size;
	cleanup(json_release) json_t *record = make_record();
	cleanup(json_release) json_t *base = NULL;
	struct err err;

	if (!oci.dir) {
		char dir[] = "fuzz-image.XXXXXX";

		if (!mkdtemp(dir) || oci_open(&oci, dir, &err))
			abort();
	}
	base = json_pack("{s:s, s:s, s:s, s:[{s:s, s:o, s:o}]}", "base", "b", "mediaType",
		OCI_MANIFEST, "digest", "", "platforms", "platform", "linux/amd64", "config",
		put(data, n, OCI_CONFIG), "manifest",
		put(nul ? nul + 1 : data, nul ? size - n - 1 : 0, OCI_MANIFEST));
	if (image_assemble(&oci, record, base, "a", &err) && strchr(err.text, '\n'))
		abort();
	store_empty(&oci);
	return 0;
}
