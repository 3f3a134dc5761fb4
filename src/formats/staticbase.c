#include "base/mem.h"
#include "image.h"
#include "platform.h"
#include "static.h"

static const char *const platforms[] = { "linux/amd64", "linux/arm64", "linux/arm/v7", "linux/386",
	"linux/ppc64le", "linux/s390x", "linux/riscv64", "linux/loong64" };

void image_static_platforms(struct strs *out)
{
	for (size_t i = 0; i < countof(platforms); i++)
		strs_add(out, platforms[i]);
}

static json_t *put_config(const struct oci *oci, const struct platform *platform, struct err *err)
{
	cleanup(json_release) json_t *config = json_pack("{s:s, s:s, s:[{s:s, s:s}], s:s}",
		"architecture", platform->arch, "created", STATIC_CREATED, "history", "created",
		STATIC_CREATED, "created_by", STATIC_CREATED_BY, "os", platform->os);

	json_object_set_new(config, "rootfs",
		json_pack("{s:s, s:[s]}", "type", "layers", "diff_ids", static_layer_diff_id));
	json_object_set_new(config, "config",
		json_pack("{s:[s, s], s:s, s:s}", "Env", STATIC_ENV_PATH, STATIC_ENV_CERT, "User",
			STATIC_USER, "WorkingDir", STATIC_WORKDIR));
	if (*platform->variant)
		json_object_set_new(config, "variant", json_string(platform->variant));
	return oci_put_json(oci, config, OCI_CONFIG, err);
}

static json_t *put_manifest(const struct oci *oci, const json_t *config, struct err *err)
{
	cleanup(json_release) json_t *manifest = json_pack("{s:i, s:s, s:O, s:[o]}",
		"schemaVersion", 2, "mediaType", OCI_MANIFEST, "config", config, "layers",
		descriptor_json(
			OCI_LAYER_GZIP, static_layer_digest, (json_int_t)static_layer_size));

	return oci_put_json(oci, manifest, OCI_MANIFEST, err);
}

/* Adds one platform to the base record and to the entries of the index. */
static int add_platform(
	const struct oci *oci, const char *text, json_t *record, json_t *entries, struct err *err)
{
	struct platform platform;
	cleanup(json_release) json_t *config = NULL;
	cleanup(json_release) json_t *manifest = NULL;

	if (platform_parse(&platform, text, err))
		return -1;
	config = put_config(oci, &platform, err);
	manifest = config ? put_manifest(oci, config, err) : NULL;
	if (!manifest)
		return -1;
	json_object_set_new(manifest, "platform", platform_json(&platform));
	json_array_append(entries, manifest);
	json_array_append_new(json_object_get(record, "platforms"),
		json_pack("{s:s, s:O, s:O}", "platform", text, "manifest", manifest, "config",
			config));
	return 0;
}

static int put_layer(const struct oci *oci, struct err *err)
{
	char digest[DIGEST_SIZE];

	if (oci_has(oci, static_layer_digest, (json_int_t)static_layer_size))
		return 0;
	return oci_put(oci, static_layer, static_layer_size, digest, err);
}

json_t *image_static_base(const struct oci *oci, struct err *err)
{
	cleanup(json_release) json_t *record = json_pack("{s:s, s:s, s:s, s:s, s:i, s:[]}", "base",
		STATIC_REFERENCE, "canonical", STATIC_REFERENCE, "mediaType", OCI_INDEX, "digest",
		"", "size", 0, "platforms");
	cleanup(json_release) json_t *entries = json_array();
	cleanup(json_release) json_t *index = NULL;
	cleanup(json_release) json_t *descriptor = NULL;

	if (put_layer(oci, err))
		return NULL;
	for (size_t i = 0; i < countof(platforms); i++) {
		if (add_platform(oci, platforms[i], record, entries, err))
			return NULL;
	}
	index = json_pack("{s:i, s:s, s:O}", "schemaVersion", 2, "mediaType", OCI_INDEX,
		"manifests", entries);
	descriptor = oci_put_json(oci, index, OCI_INDEX, err);
	if (!descriptor)
		return NULL;
	json_object_update(record, descriptor);
	return steal(&record);
}
