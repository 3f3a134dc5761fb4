#include "platforms.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "formats/fingerprint.h"
#include "formats/image.h"
#include "formats/static.h"
#include "go/group.h"

static bool is_open(const char *word)
{
	struct platform platform;
	struct err ignored;

	if (!strcmp(word, "all"))
		return true;
	if (platform_parse(&platform, word, &ignored))
		return false;
	if (!*platform.arch)
		return true;
	if (!strcmp(platform.os, "windows"))
		return !*platform.version;
	return !strcmp(platform.arch, "arm") && !*platform.variant;
}

bool platforms_are_open(const struct strs *words)
{
	for (size_t i = 0; i < words->n; i++) {
		if (is_open(words->v[i]))
			return true;
	}
	return false;
}

static bool is_meant(const struct platform *have, const struct strs *words)
{
	for (size_t i = 0; i < words->n; i++) {
		struct platform wanted;
		struct err ignored;

		if (!strcmp(words->v[i], "all") ||
			(!platform_parse(&wanted, words->v[i], &ignored) &&
				platform_matches(&wanted, have)))
			return true;
	}
	return false;
}

int platforms_choose(
	struct strs *platforms, const struct strs *words, const json_t *base, struct err *err)
{
	cleanup(buf_release) struct buf wanted = { 0 };
	const json_t *entry;
	size_t i;

	json_array_foreach (json_object_get(base, "platforms"), i, entry) {
		const char *text = record_get(entry, "platform");
		struct platform have;
		struct err ignored;

		if (text && !platform_parse(&have, text, &ignored) && is_meant(&have, words) &&
			go_knows_platform(&have) && !strs_has(platforms, text))
			strs_add(platforms, text);
	}
	if (platforms->n)
		return 0;
	for (i = 0; i < words->n; i++)
		buf_addf(&wanted, "%s%s", i ? "," : "", words->v[i]);
	return err_set(err, ERR_USAGE,
		"base image %s has no platform that go compiles for and that is meant by %s",
		record_get(base, "base"), buf_str(&wanted));
}

char *platforms_base_id(const char *reference, const struct strs *words)
{
	cleanup(buf_release) struct buf text = { 0 };
	char full[FINGERPRINT_SIZE];

	buf_addf(&text, "%s\n", reference);
	for (size_t i = 0; i < words->n; i++)
		buf_addf(&text, "%s\n", words->v[i]);
	fingerprint_of(text.data, text.len, full);
	return xstrndup(full, 8);
}

char *platforms_base_file(const char *dir, const char *reference, const struct strs *words)
{
	scratch char *id = platforms_base_id(reference, words);
	scratch char *name = xasprintf("base.%s.json", id);

	return path_join(dir, name);
}

json_t *platforms_of_static(void)
{
	cleanup(strs_release) struct strs platforms = { 0 };
	json_t *record = json_pack("{s:s}", "base", STATIC_REFERENCE);

	image_static_platforms(&platforms);
	for (size_t i = 0; i < platforms.n; i++)
		record_platform(record, platforms.v[i]);
	return record;
}
