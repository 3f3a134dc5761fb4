#include "platform.h"

#include <string.h>

#include "base/mem.h"

static bool part_valid(const char *s, size_t n)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	return n && n < PLATFORM_PART && strspn(s, letters) >= n;
}

int platform_parse(struct platform *platform, const char *text, struct err *err)
{
	struct platform result = { 0 };
	char *const parts[] = { result.os, result.arch, result.variant };
	const char *p = text;

	for (size_t i = 0;; i++) {
		size_t n = strcspn(p, "/:");

		if (i == countof(parts))
			return err_set(err, ERR_USAGE,
				"too many slashes in platform spec: %s; os/arch/variant is wanted",
				text);
		if (!part_valid(p, n))
			return err_set(err, ERR_USAGE,
				"\"%s\" is not a platform; os/arch[/variant], such as linux/arm64, "
				"is wanted",
				text);
		memcpy(parts[i], p, n);
		p += n;
		if (*p != '/')
			break;
		p++;
	}
	if (*p == ':') {
		if (!part_valid(p + 1, strlen(p + 1)))
			return err_set(err, ERR_USAGE, "platform %s: malformed OS version", text);
		memcpy(result.version, p + 1, strlen(p + 1));
	}
	*platform = result;
	return 0;
}

/* A field that is absent is "". */
static bool take(char part[PLATFORM_PART], const json_t *object, const char *key)
{
	const char *value = record_get(object, key);

	*part = 0;
	if (!value || !*value)
		return true;
	if (!part_valid(value, strlen(value)))
		return false;
	memcpy(part, value, strlen(value) + 1);
	return true;
}

bool platform_from(struct platform *platform, const json_t *object)
{
	return take(platform->os, object, "os") && take(platform->arch, object, "architecture") &&
		take(platform->variant, object, "variant") &&
		take(platform->version, object, "os.version") && *platform->os &&
		strcmp(platform->os, "unknown") != 0;
}

static bool part_matches(const char *wanted, const char *have)
{
	return !*wanted || !strcmp(wanted, have);
}

static bool version_matches(const struct platform *wanted, const struct platform *have)
{
	size_t n = strlen(wanted->version), dots = 0;

	if (part_matches(wanted->version, have->version))
		return true;
	for (const char *p = wanted->version; *p; p++)
		dots += *p == '.';
	return !strcmp(wanted->os, "windows") && dots == 2 &&
		starts_with(have->version, wanted->version) && have->version[n] == '.';
}

bool platform_matches(const struct platform *wanted, const struct platform *have)
{
	return part_matches(wanted->os, have->os) && part_matches(wanted->arch, have->arch) &&
		part_matches(wanted->variant, have->variant) && version_matches(wanted, have);
}

char *platform_text(const struct platform *platform)
{
	return xasprintf("%s%s%s%s%s%s%s", platform->os, *platform->arch ? "/" : "", platform->arch,
		*platform->variant ? "/" : "", platform->variant, *platform->version ? ":" : "",
		platform->version);
}

json_t *platform_json(const struct platform *platform)
{
	json_t *object =
		json_pack("{s:s, s:s}", "architecture", platform->arch, "os", platform->os);

	if (*platform->version)
		json_object_set_new(object, "os.version", json_string(platform->version));
	if (*platform->variant)
		json_object_set_new(object, "variant", json_string(platform->variant));
	return object;
}
