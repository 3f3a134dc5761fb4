#include "formats/platform.h"

#include <stdlib.h>

#include "base/mem.h"
#include "tap.h"

static const struct {
	const char *wanted, *have;
	bool match;
} pairs[] = {
	{ "linux/amd64", "linux/amd64", true },
	{ "linux", "linux/s390x", true },
	{ "linux/arm", "linux/arm/v7", true },
	{ "linux/arm/v7", "linux/arm", false },
	{ "linux/arm/v6", "linux/arm/v7", false },
	{ "linux/arm64", "linux/arm64/v8", true },
	{ "linux/arm64", "linux/arm", false },
	{ "windows/amd64", "linux/amd64", false },
	{ "windows/amd64:10.0.17763", "windows/amd64:10.0.17763.1", true },
	{ "windows/amd64:10.0.17763", "windows/amd64:10.0.177634.1", false },
	{ "windows/amd64:10.0", "windows/amd64:10.0.17763", false },
	{ "windows/amd64", "windows/amd64:10.0.17763.1", true },
};

static const char *const malformed[] = { "", "/", "linux/", "linux//v7", "a/b/c/d",
	"linux/amd64:", "linux amd64", "linux/amd64/v1/", ":1",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/amd64" };

static bool from(const char *text)
{
	struct platform platform;
	struct err err;
	cleanup(json_release) json_t *object = json_from("test", text, strlen(text), &err);

	return platform_from(&platform, object);
}

int main(void)
{
	struct platform wanted, have;
	struct err err;

	for (size_t i = 0; i < countof(pairs); i++) {
		scratch char *name = xasprintf("%s for %s", pairs[i].have, pairs[i].wanted);
		scratch char *text = NULL;

		if (platform_parse(&wanted, pairs[i].wanted, &err) ||
			platform_parse(&have, pairs[i].have, &err)) {
			ok(0, name);
			continue;
		}
		ok(platform_matches(&wanted, &have) == pairs[i].match, name);
		text = platform_text(&have);
		is(text, pairs[i].have, "written as it was read");
	}
	for (size_t i = 0; i < countof(malformed); i++) {
		err = (struct err){ 0 };
		ok(platform_parse(&wanted, malformed[i], &err) && err.class == ERR_USAGE &&
				!strchr(err.text, '\n'),
			malformed[i]);
	}
	ok(from("{\"os\":\"linux\",\"architecture\":\"arm64\"}"), "entry of an index");
	ok(!from("{\"os\":\"unknown\",\"architecture\":\"unknown\"}"), "an attestation's");
	ok(!from("{\"architecture\":\"arm64\"}"), "without os");
	ok(!from("{\"os\":\"li/nux\",\"architecture\":\"arm64\"}"),
		"with bytes that do not belong");
	ok(!platform_from(&have, NULL), "none");
	return done();
}
