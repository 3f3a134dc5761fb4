/*
 * A document that could be read as an image and as an index would mean different things to
 * different readers (CVE-2021-41190); so would one whose type in the header and in the content
 * differ.
 */
#include "manifest.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "formats/oci.h"

#define ENTRIES 1024

static const struct {
	const char *type;
	bool index;
} known[] = {
	{ OCI_MANIFEST, false },
	{ DOCKER_MANIFEST, false },
	{ OCI_INDEX, true },
	{ DOCKER_LIST, true },
};

static const char *const vague[] = { "application/json", "text/plain", "application/octet-stream",
	"application/vnd.oci.image.layout.header.v1+json" };

static const char *find(const char *type, size_t n, bool *index)
{
	for (size_t i = 0; i < countof(known); i++) {
		if (strlen(known[i].type) == n && !strncasecmp(known[i].type, type, n)) {
			*index = known[i].index;
			return known[i].type;
		}
	}
	return NULL;
}

static bool says_nothing(const char *type, size_t n)
{
	for (size_t i = 0; i < countof(vague); i++) {
		if (strlen(vague[i]) == n && !strncasecmp(vague[i], type, n))
			return true;
	}
	return !n;
}

static int check_shape(const json_t *json, bool *index, struct err *err)
{
	const json_t *manifests = json_object_get(json, "manifests");
	const json_t *layers = json_object_get(json, "layers");
	const json_t *config = json_object_get(json, "config");

	if (json_integer_value(json_object_get(json, "schemaVersion")) == 1 ||
		json_object_get(json, "fsLayers"))
		return err_set(err, ERR_INPUT,
			"is a schema 1 manifest, which is obsolete; push the image again with a "
			"current tool");
	if (manifests && (layers || config))
		return err_set(err, ERR_INPUT, "is both an image and an index; this is refused");
	if (!json_is_array(manifests) && !(json_is_array(layers) && json_is_object(config)))
		return err_set(err, ERR_INPUT, "is no image manifest and no index");
	if (json_array_size(manifests) > ENTRIES || json_array_size(layers) > ENTRIES)
		return err_set(err, ERR_INPUT, "has more than %d entries", ENTRIES);
	*index = manifests;
	return 0;
}

const char *manifest_type(const char *content_type, const char *text, size_t n, struct err *err)
{
	cleanup(json_release) json_t *json = json_from("manifest", text, n, err);
	const char *own = json_string_value(json_object_get(json, "mediaType"));
	size_t length = content_type ? strcspn(content_type, "; \t") : 0;
	bool index = false, by_header = false, by_content = false;
	const char *header = find(content_type ? content_type : "", length, &by_header);
	const char *content = own ? find(own, strlen(own), &by_content) : NULL;

	if (!json || check_shape(json, &index, err))
		return NULL;
	if ((own && !content) || (!header && !says_nothing(content_type, length)))
		err_set(err, ERR_INPUT, "has type '%.*s', which is not that of an image",
			own && !content ? 100 : (int)length, own && !content ? own : content_type);
	else if (header && content && strcmp(header, content))
		err_set(err, ERR_INPUT, "came as '%s' but says that it is '%s'", header, content);
	else if ((header && by_header != index) || (content && by_content != index))
		err_set(err, ERR_INPUT, "is an %s by its type but not by its content",
			index ? "image" : "index");
	else
		return header ? header : content ? content : index ? OCI_INDEX : OCI_MANIFEST;
	return NULL;
}
