/*
 * Fields and their order are those that ko writes. Different are: identifiers hold only what SPDX
 * allows (letters, digits, "." and "-"); a module that another one was put in the place of is
 * listed as what is in the program; sums of go.sum are no checksums of a file, so they are in
 * sourceInfo; the standard library is a package; package URLs follow the purl specification; the
 * tool has no version in it, so that another version of it gives the same document.
 */
#include "sbom.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "buildinfo.h"
#include "formats/fingerprint.h"
#include "formats/image.h"
#include "formats/platform.h"
#include "inputs/ref.h"

#define NOASSERTION "NOASSERTION"
#define BASE_NAME "org.opencontainers.image.base.name"
#define BASE_DIGEST "org.opencontainers.image.base.digest"

/* A document in the making. */
struct document {
	const struct sbom_maker *maker;
	const json_t *record;
	const char *digest; /* of the image or index it is about */
	const char *media_type;
	json_t *packages, *relationships;
	json_t *ids; /* those in use, each with the number of the last that begins with it */
};

struct package {
	const char *id, *name, *version, *download, *source, *purpose;
	const char *digest; /* of an image; "sha256:..." */
	const char *purl;
};

static const char *hex_of(const char *digest)
{
	return digest + strlen("sha256:");
}

static void set(json_t *object, const char *key, const char *value)
{
	if (value && *value)
		json_object_set_new(object, key, json_string(value));
}

/* ---- package URLs (github.com/package-url/purl-spec) ---- */

static void add_encoded(struct buf *out, const char *text, const char *keep)
{
	for (const char *p = text; *p; p++) {
		bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			(*p >= '0' && *p <= '9') || strchr(".-_~", *p) || strchr(keep, *p);

		if (plain)
			buf_addch(out, *p);
		else
			buf_addf(out, "%%%02X", (unsigned char)*p);
	}
}

static void add_lower(struct buf *out, const char *text)
{
	scratch char *lower = xstrdup(text);

	for (char *p = lower; *p; p++)
		*p = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
	add_encoded(out, lower, "/");
}

/* Whether a version is one of a module that the proxy has. */
static bool is_release(const char *version)
{
	return version[0] == 'v' && version[1] >= '0' && version[1] <= '9';
}

static char *module_purl(const char *path, const char *version)
{
	struct buf purl = { 0 };

	buf_addstr(&purl, "pkg:golang/");
	add_lower(&purl, path);
	if (is_release(version)) {
		buf_addch(&purl, '@');
		add_encoded(&purl, version, "");
	}
	buf_addstr(&purl, "?type=module");
	return buf_detach(&purl);
}

static char *image_purl(const char *name, const char *digest, const struct strs *qualifiers)
{
	const char *slash = strrchr(name, '/');
	struct buf purl = { 0 };

	buf_addstr(&purl, "pkg:oci/");
	add_lower(&purl, slash ? slash + 1 : name);
	buf_addch(&purl, '@');
	add_encoded(&purl, digest, "");
	for (size_t i = 0; i < qualifiers->n; i++) {
		buf_addch(&purl, i ? '&' : '?');
		add_encoded(&purl, qualifiers->v[i], "=/:");
	}
	return buf_detach(&purl);
}

/* ---- packages ---- */

static json_t *package_json(const struct package *p)
{
	json_t *json = json_object();

	set(json, "SPDXID", p->id);
	set(json, "name", p->name);
	set(json, "versionInfo", p->version);
	json_object_set_new(json, "filesAnalyzed", json_false());
	set(json, "licenseDeclared", NOASSERTION);
	set(json, "licenseConcluded", NOASSERTION);
	set(json, "downloadLocation", p->download ? p->download : NOASSERTION);
	set(json, "sourceInfo", p->source);
	set(json, "copyrightText", NOASSERTION);
	set(json, "primaryPackagePurpose", p->purpose);
	if (p->digest)
		json_object_set_new(json, "checksums",
			json_pack("[{s:s, s:s}]", "algorithm", "SHA256", "checksumValue",
				hex_of(p->digest)));
	if (p->purl)
		json_object_set_new(json, "externalRefs",
			json_pack("[{s:s, s:s, s:s}]", "referenceCategory", "PACKAGE-MANAGER",
				"referenceLocator", p->purl, "referenceType", "purl"));
	return json;
}

/* A package, and how it is related to another one. */
static void add_package(
	struct document *d, const char *from, const char *type, const struct package *package)
{
	json_array_append_new(d->packages, package_json(package));
	json_array_append_new(d->relationships,
		json_pack("{s:s, s:s, s:s}", "spdxElementId", from, "relationshipType", type,
			"relatedSpdxElement", package->id));
}

static char *image_id(const char *digest)
{
	return xasprintf("SPDXRef-Package-sha256-%s", hex_of(digest));
}

/* An identifier that no other package has. malloced. */
static char *module_id(struct document *d, const char *path, const char *version)
{
	scratch char *id = xasprintf("SPDXRef-Package-%s%s%s", path, *version ? "-" : "", version);
	char *unique;
	json_int_t n;

	for (char *p = id; *p; p++) {
		bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			(*p >= '0' && *p <= '9') || strchr(".-", *p);

		*p = plain ? *p : *p == '/' ? '.' : '-';
	}
	n = json_integer_value(json_object_get(d->ids, id)) + 1;
	unique = n > 1 ? xasprintf("%s-%lld", id, (long long)n) : xstrdup(id);
	while (json_object_get(d->ids, unique)) {
		free(unique);
		unique = xasprintf("%s-%lld", id, (long long)++n);
	}
	json_object_set_new(d->ids, unique, json_integer(1));
	json_object_set_new(d->ids, id, json_integer(n));
	return unique;
}

/* The module proxy's address (go.dev/ref/mod, goproxy-protocol): capitals are written "!x". */
static char *proxy_url(const char *path, const char *version)
{
	scratch char *rest = xasprintf("%s/@v/%s.zip", path, version);
	struct buf url = { 0 };

	buf_addstr(&url, "https://proxy.golang.org/");
	for (const char *p = rest; *p; p++) {
		if (*p >= 'A' && *p <= 'Z')
			buf_addf(&url, "!%c", *p - 'A' + 'a');
		else
			buf_addch(&url, *p);
	}
	return buf_detach(&url);
}

/* What there is to say about where a module comes from. */
static char *module_source(const struct go_module *m, bool directory)
{
	struct buf text = { 0 };

	if (directory)
		buf_addf(&text, "replaced by the directory %s", m->replacement);
	else if (m->replacement)
		buf_addf(&text, "in place of %s%s%s", m->path, *m->version ? "@" : "", m->version);
	if (m->sum && *m->sum)
		buf_addf(&text, "%sgo.sum %s", text.len ? "; " : "", m->sum);
	return buf_detach(&text);
}

/* Adds a module and returns its identifier, malloced. */
static char *add_module(
	struct document *d, const char *from, const char *type, const struct go_module *m)
{
	bool directory = m->replacement && !is_release(m->replacement_version);
	bool other = m->replacement && !directory;
	const char *path = other ? m->replacement : m->path;
	const char *version = directory ? "" : other ? m->replacement_version : m->version;
	bool release = is_release(version);
	scratch char *id = module_id(d, path, release ? version : "");
	scratch char *url = release ? proxy_url(path, version) : NULL;
	scratch char *purl = module_purl(path, version);
	scratch char *source = module_source(m, directory);

	add_package(d, from, type,
		&(struct package){ .id = id,
			.name = path,
			.version = release ? version : NULL,
			.download = url,
			.source = source,
			.purl = purl });
	return steal(&id);
}

static void add_library(struct document *d, const char *from, const char *version)
{
	const char *number = starts_with(version, "go") ? version + 2 : version;
	scratch char *short_number = xstrndup(number, strcspn(number, " "));
	scratch char *id = module_id(d, "stdlib", short_number);
	cleanup(buf_release) struct buf purl = { 0 };

	buf_addstr(&purl, "pkg:golang/stdlib@");
	add_encoded(&purl, short_number, "");
	add_package(d, from, "DEPENDS_ON",
		&(struct package){ .id = id,
			.name = "stdlib",
			.version = short_number,
			.purl = buf_str(&purl) });
}

static void add_modules(struct document *d, const char *image, const struct go_buildinfo *info)
{
	scratch char *main = NULL;

	if (info->main.path)
		main = add_module(d, image, "CONTAINS", &info->main);
	for (size_t i = 0; i < info->n; i++)
		free(add_module(
			d, main ? main : image, main ? "DEPENDS_ON" : "CONTAINS", &info->deps[i]));
	if (info->version)
		add_library(d, main ? main : image, info->version);
}

/* The base image, by the annotations of what is on it. */
static void add_base(struct document *d, const char *image, const json_t *annotations)
{
	const char *name = record_get(annotations, BASE_NAME);
	const char *digest = record_get(annotations, BASE_DIGEST);
	cleanup(strs_release) struct strs qualifiers = { 0 };
	cleanup(ref_release) struct image_ref ref = { 0 };
	scratch char *id = NULL;
	scratch char *full = NULL;
	scratch char *purl = NULL;
	struct err ignored;

	if (!name || !digest || !digest_valid(digest))
		return;
	id = image_id(digest);
	if (!ref_parse(&ref, name, &ignored)) {
		strs_take(&qualifiers, xasprintf("repository_url=%s", ref.name));
		if (ref.tag)
			strs_take(&qualifiers, xasprintf("tag=%s", ref.tag));
		purl = image_purl(ref.name, digest, &qualifiers);
	}
	full = xasprintf("%s@%s", purl ? ref.name : name, digest);
	add_package(d, image, "DESCENDANT_OF",
		&(struct package){
			.id = id, .name = full, .version = name, .digest = digest, .purl = purl });
}

static const char *image_name(const struct document *d)
{
	const char *name = record_get(d->record, "name");

	return name ? name : "image";
}

/* The image or index that the document describes. Returns its identifier, malloced. */
static char *add_subject(struct document *d)
{
	cleanup(strs_release) struct strs qualifiers = { 0 };
	scratch char *id = image_id(d->digest);
	scratch char *purl = NULL;

	strs_take(&qualifiers, xasprintf("mediaType=%s", d->media_type));
	purl = image_purl(image_name(d), d->digest, &qualifiers);
	add_package(d, "SPDXRef-DOCUMENT", "DESCRIBES",
		&(struct package){ .id = id,
			.name = d->digest,
			.purpose = "CONTAINER",
			.digest = d->digest,
			.purl = purl });
	return steal(&id);
}

/* An image of the index. */
static void add_variant(struct document *d, const char *index, const json_t *entry)
{
	const char *digest = record_get(json_object_get(entry, "manifest"), "digest");
	const char *text = record_get(entry, "platform");
	cleanup(strs_release) struct strs qualifiers = { 0 };
	struct platform platform;
	scratch char *id = NULL;
	scratch char *purl = NULL;
	struct err ignored;

	if (!digest || !digest_valid(digest) || !text || platform_parse(&platform, text, &ignored))
		return;
	id = image_id(digest);
	strs_take(&qualifiers, xasprintf("arch=%s", platform.arch));
	strs_take(&qualifiers, xasprintf("os=%s", platform.os));
	if (*platform.variant)
		strs_take(&qualifiers, xasprintf("variant=%s", platform.variant));
	purl = image_purl(image_name(d), digest, &qualifiers);
	add_package(d, index, "VARIANT_OF",
		&(struct package){ .id = id,
			.name = digest,
			.version = text,
			.purpose = "CONTAINER",
			.digest = digest,
			.purl = purl });
}

/* ---- documents ---- */

static json_t *document_json(const struct document *d, const char *created)
{
	scratch char *name = xasprintf("sbom-%s", d->digest);
	scratch char *space = xasprintf("http://spdx.org/spdxdocs/ko-sbom/%s", d->digest);
	scratch char *id = image_id(d->digest);

	return json_pack("{s:s, s:s, s:s, s:{s:s, s:[s]}, s:s, s:s, s:[s], s:O, s:O}", "SPDXID",
		"SPDXRef-DOCUMENT", "name", name, "spdxVersion", "SPDX-2.3", "creationInfo",
		"created", created, "creators", "Tool: ko-sbom", "dataLicense", "CC0-1.0",
		"documentNamespace", space, "documentDescribes", id, "packages", d->packages,
		"relationships", d->relationships);
}

/* Puts the document's bytes into an image and returns its descriptor, new, or NULL. */
static json_t *put_image(const struct oci *oci, const struct buf *text, struct err *err)
{
	static const char never[] = "0001-01-01T00:00:00Z";
	char digest[DIGEST_SIZE];
	cleanup(json_release) json_t *config = NULL;
	cleanup(json_release) json_t *manifest = NULL;
	json_t *descriptor;

	if (oci_put(oci, text->data, text->len, digest, err))
		return NULL;
	config = json_pack("{s:s, s:s, s:[{s:s}], s:s, s:{s:s, s:[s]}, s:{}}", "architecture", "",
		"created", never, "history", "created", never, "os", "", "rootfs", "type", "layers",
		"diff_ids", digest, "config");
	descriptor = oci_put_json(oci, config, OCI_CONFIG, err);
	if (!descriptor)
		return NULL;
	manifest = json_pack("{s:i, s:s, s:o, s:[o]}", "schemaVersion", 2, "mediaType",
		OCI_MANIFEST, "config", descriptor, "layers",
		descriptor_json(SBOM_LAYER, digest, (json_int_t)text->len));
	return oci_put_json(oci, manifest, OCI_MANIFEST, err);
}

static char *file_path(const struct document *d, const char *mark, const char *kind)
{
	scratch char *name = xasprintf("%s%s-%s.spdx.json", image_name(d), mark, kind);

	for (char *p = name; *p; p++)
		*p = strchr("/:", *p) ? '-' : *p;
	return path_join(d->maker->dir, name);
}

/* Of programs whose names differ by these bytes only, or not at all, those after the first are told
 * apart by a hash. */
static int write_file(
	const struct document *d, const char *kind, const struct buf *text, struct err *err)
{
	scratch char *path = file_path(d, "", kind);

	if (strs_has(&d->maker->made->paths, path)) {
		const char *title = record_title(d->record);
		char hash[FINGERPRINT_SIZE];
		scratch char *mark = NULL;

		fingerprint_of(title, strlen(title), hash);
		mark = xasprintf("-%.8s", hash);
		free(path);
		path = file_path(d, mark, kind);
	}
	depfile_add(d->maker->made, path);
	return file_save(path, text->data, text->len, err) < 0 || file_mark_made(path, err) ? -1
											    : 0;
}

/* Ends the document: file and image. Returns the image's descriptor, new, or NULL. */
static json_t *finish(
	const struct document *d, const char *kind, const char *created, struct err *err)
{
	cleanup(json_release) json_t *json = document_json(d, created);
	cleanup(buf_release) struct buf text = { 0 };
	char *dump = json_dumps(json, JSON_INDENT(2));

	if (!dump)
		abort();
	buf_addf(&text, "%s\n", dump);
	free(dump);
	if (d->maker->dir && write_file(d, kind, &text, err))
		return NULL;
	return put_image(d->maker->oci, &text, err);
}

/* RFC 3339 to what SPDX takes: UTC, whole seconds. */
static char *spdx_time(const char *text)
{
	struct tm tm = { 0 };
	const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
	int hours = 0, minutes = 0;
	time_t t;

	if (!rest)
		return xstrdup("1970-01-01T00:00:00Z");
	if (*rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	if (*rest == '+' || *rest == '-')
		sscanf(rest + 1, "%2d:%2d", &hours, &minutes);
	t = timegm(&tm) + (*rest == '-' ? 1 : -1) * (hours * 3600 + minutes * 60);
	gmtime_r(&t, &tm);
	return xasprintf("%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1,
		tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static char *image_created(const struct oci *oci, const json_t *manifest, struct err *err)
{
	const char *digest = record_get(json_object_get(manifest, "config"), "digest");
	cleanup(json_release) json_t *config =
		digest && digest_valid(digest) ? oci_get_json(oci, digest, NULL, err) : NULL;

	return config ? spdx_time(record_get(config, "created")) : NULL;
}

static int begin(struct document *d, const struct sbom_maker *maker, const json_t *record,
	const json_t *descriptor, struct err *err)
{
	cleanup(descriptor_release) struct descriptor checked = { 0 };

	if (descriptor_from(&checked, descriptor, record_title(record), err))
		return -1;
	*d = (struct document){ .maker = maker,
		.record = record,
		.digest = record_get(descriptor, "digest"),
		.media_type = record_get(descriptor, "mediaType"),
		.packages = json_array(),
		.relationships = json_array(),
		.ids = json_object() };
	return 0;
}

static void document_release(struct document *d)
{
	json_decref(d->packages);
	json_decref(d->relationships);
	json_decref(d->ids);
}

/* The document of one platform's image; created takes the image's time, malloced. */
static json_t *describe_image(
	struct document *d, const json_t *entry, char **created, struct err *err)
{
	cleanup(json_release) json_t *manifest = oci_get_json(d->maker->oci, d->digest, NULL, err);
	cleanup(go_buildinfo_release) struct go_buildinfo info = { 0 };
	const char *executable = record_get(entry, "executable");
	const char *platform = record_need(entry, "platform", err);
	scratch char *id = NULL;

	if (!platform || !manifest || (executable && go_buildinfo_read(&info, executable, err)))
		return NULL;
	*created = image_created(d->maker->oci, manifest, err);
	if (!*created)
		return NULL;
	id = add_subject(d);
	add_base(d, id, json_object_get(manifest, "annotations"));
	add_modules(d, id, &info);
	return finish(d, platform, *created, err);
}

static json_t *describe_index(struct document *d, const char *created, struct err *err)
{
	cleanup(json_release) json_t *index = oci_get_json(d->maker->oci, d->digest, NULL, err);
	const json_t *entry;
	scratch char *id = NULL;
	size_t i;

	if (!index)
		return NULL;
	id = add_subject(d);
	add_base(d, id, json_object_get(index, "annotations"));
	json_array_foreach (json_object_get(d->record, "platforms"), i, entry)
		add_variant(d, id, entry);
	return finish(d, "index", created, err);
}

static int make_image(const struct sbom_maker *maker, const json_t *record, json_t *entry,
	char **created, struct err *err)
{
	cleanup(document_release) struct document d = { 0 };
	scratch char *time = NULL;
	json_t *sbom;

	if (begin(&d, maker, record, json_object_get(entry, "manifest"), err))
		return -1;
	sbom = describe_image(&d, entry, &time, err);
	if (!sbom)
		return err_prefix(err, "%s", record_title(record));
	json_object_set_new(entry, "sbom", sbom);
	*created = *created ? *created : steal(&time);
	return 0;
}

int sbom_make(const struct sbom_maker *maker, json_t *record, struct err *err)
{
	const json_t *image = json_object_get(record, "image");
	const char *type = record_get(image, "mediaType");
	cleanup(document_release) struct document d = { 0 };
	scratch char *created = NULL;
	json_t *entry, *sbom;
	size_t i;

	if (!type)
		return err_set(err, ERR_INPUT, "record of %s: no image; has ko-image run?",
			record_title(record));
	json_array_foreach (json_object_get(record, "platforms"), i, entry) {
		if (json_object_get(entry, "manifest") &&
			make_image(maker, record, entry, &created, err))
			return -1;
	}
	if (!image_is_index(type))
		return 0;
	if (begin(&d, maker, record, image, err))
		return -1;
	sbom = describe_index(&d, created ? created : "1970-01-01T00:00:00Z", err);
	return sbom ? json_object_set_new(record, "sbom", sbom)
		    : err_prefix(err, "%s", record_title(record));
}
