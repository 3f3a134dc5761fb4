#include "settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "formats/compression.h"
#include "formats/platform.h"
#include "naming.h"
#include "ref.h"

#define WORDS " \t\r\n"
#define WORDS_OR_COMMAS ", \t\r\n"

const struct config_key_form config_keys[CONFIG_KEYS] = {
	[CONFIG_BASEIMAGE] = { "baseImage", NULL, "defaultBaseImage", "KO_DEFAULTBASEIMAGE", NULL,
		false, false },
	[CONFIG_PLATFORMS] = { "platforms", NULL, "defaultPlatforms", "KO_DEFAULTPLATFORMS",
		WORDS_OR_COMMAS, true, false },
	[CONFIG_FLAGS] = { "flags", "flags", "defaultFlags", "KO_DEFAULTFLAGS", WORDS, true,
		false },
	[CONFIG_LDFLAGS] = { "ldflags", "ldflags", "defaultLdflags", "KO_DEFAULTLDFLAGS", NULL,
		true, false },
	[CONFIG_ENV] = { "env", "env", "defaultEnv", "KO_DEFAULTENV", WORDS, true, false },
	[CONFIG_CAPABILITIES] = { "linux_capabilities", "linux_capabilities", NULL, NULL, WORDS,
		true, false },
	[CONFIG_REPOSITORY] = { "repository", "repository", "repository", "KO_DOCKER_REPO", NULL,
		false, false },
	[CONFIG_NAMING] = { "naming", "naming", "naming", "KO_NAMING", NULL, false, false },
	[CONFIG_TAGS] = { "tags", "tags", "tags", "KO_TAGS", WORDS_OR_COMMAS, true, false },
	[CONFIG_LABELS] = { "labels", "labels", "labels", "KO_LABELS", WORDS, true, true },
	[CONFIG_ANNOTATIONS] = { "annotations", "annotations", "annotations", "KO_ANNOTATIONS",
		WORDS, true, true },
	[CONFIG_USER] = { "user", "user", "user", "KO_USER", NULL, false, false },
	[CONFIG_COMPRESSION] = { "compression", "compression", "compression", "KO_COMPRESSION",
		NULL, false, false },
	[CONFIG_CONTAINERENV] = { "containerEnv", "containerEnv", "containerEnv", "KO_CONTAINERENV",
		WORDS, true, true },
	[CONFIG_INHERITLABELS] = { "inheritLabels", "inheritLabels", "inheritLabels",
		"KO_INHERITLABELS", NULL, false, false },
	[CONFIG_GOFLAGS] = { "goflags", NULL, NULL, "KO_GOFLAGS", NULL, false, false },
};

const char *config_key_name(enum config_key key)
{
	return config_keys[key].name;
}

void setting_clear(struct setting *setting)
{
	strs_release(&setting->values);
	free(setting->from);
	setting->from = NULL;
}

/* The length of the template at s ("{{...}}"), 0 where there is none. */
static size_t template_span(const char *s)
{
	const char *end = starts_with(s, "{{") ? strstr(s, "}}") : NULL;

	return end ? (size_t)(end + 2 - s) : 0;
}

/* Splits at separators, but not inside templates. */
static void split(struct strs *out, const char *text, const char *separators)
{
	while (*(text += strspn(text, separators))) {
		size_t n = 0;

		while (text[n] && !strchr(separators, text[n])) {
			size_t inner = template_span(text + n);

			n += inner ? inner : 1;
		}
		strs_addn(out, text, n);
		text += n;
	}
}

void setting_add_text(struct setting *setting, enum config_key key, const char *text)
{
	if (config_keys[key].separators)
		split(&setting->values, text, config_keys[key].separators);
	else
		strs_add(&setting->values, text);
}

int setting_check_value(enum config_key key, const char *value, struct err *err)
{
	cleanup(ref_release) struct image_ref ref = { 0 };
	struct platform platform;
	struct compression compression;
	enum naming naming;

	switch (key) {
	case CONFIG_BASEIMAGE:
		return starts_with(value, "oci:") ? 0 : ref_parse(&ref, value, err);
	case CONFIG_PLATFORMS:
		return strcmp(value, "all") ? platform_parse(&platform, value, err) : 0;
	case CONFIG_INHERITLABELS:
		if (!strcmp(value, "true") || !strcmp(value, "false"))
			return 0;
		return err_set(
			err, ERR_USAGE, "inheritLabels: \"%s\" is neither true nor false", value);
	case CONFIG_REPOSITORY:
		return ref_parse_prefix(&ref, "repository", value, err);
	case CONFIG_NAMING:
		return naming_parse(&naming, value, err);
	case CONFIG_COMPRESSION:
		return compression_parse(&compression, value, err);
	case CONFIG_TAGS:
		/* set to nothing: no tag at all */
		if (!*value || strstr(value, "{{") || ref_tag_valid(value))
			return 0;
		return err_set(
			err, ERR_USAGE, "\"%s\" is no tag: 1 to 128 of A-Z a-z 0-9 _ . -", value);
	case CONFIG_ENV:
	case CONFIG_LABELS:
	case CONFIG_ANNOTATIONS:
	case CONFIG_CONTAINERENV:
		if (*value != '=' && strchr(value, '='))
			return 0;
		return err_set(err, ERR_USAGE, "%s: \"%s\" has no \"=\"; write NAME=VALUE",
			config_keys[key].name, value);
	default:
		return 0;
	}
}

static int check(const struct setting *setting, enum config_key key, struct err *err)
{
	for (size_t i = 0; i < setting->values.n; i++) {
		if (setting_check_value(key, setting->values.v[i], err))
			return -1;
	}
	if (key == CONFIG_PLATFORMS && setting->values.n > 1 && strs_has(&setting->values, "all"))
		return err_set(err, ERR_USAGE,
			"all or specific platforms should be used, not both of them");
	return 0;
}

int setting_check(
	const struct setting *setting, enum config_key key, enum err_class class, struct err *err)
{
	if (!check(setting, key, err))
		return 0;
	err_prefix(err, "%s", setting->from);
	err->class = class;
	return -1;
}

void settings_set(
	struct settings *settings, enum config_key key, const struct strs *values, const char *from)
{
	struct setting *setting = &settings->of[key];

	setting_clear(setting);
	for (size_t i = 0; i < values->n; i++)
		strs_add(&setting->values, values->v[i]);
	setting->from = from ? xstrdup(from) : NULL;
}

/* Puts NAME=VALUE in place of what has this name. */
static void put(struct strs *map, const char *assignment)
{
	size_t n = strcspn(assignment, "=");

	for (size_t i = 0; i < map->n; i++) {
		if (!strncmp(map->v[i], assignment, n) && (!map->v[i][n] || map->v[i][n] == '=')) {
			free(map->v[i]);
			map->v[i] = xstrdup(assignment);
			return;
		}
	}
	strs_add(map, assignment);
}

static void add_from(struct setting *setting, const char *from)
{
	char *both;

	if (setting->from && strstr(setting->from, from))
		return;
	both = setting->from ? xasprintf("%s, %s", setting->from, from) : xstrdup(from);
	free(setting->from);
	setting->from = both;
}

void settings_put(
	struct settings *settings, enum config_key key, const char *assignment, const char *from)
{
	put(&settings->of[key].values, assignment);
	add_from(&settings->of[key], from);
}

const char *settings_get(const struct settings *settings, enum config_key key)
{
	return settings->of[key].values.n ? settings->of[key].values.v[0] : NULL;
}

/* Whether the value of NAME=VALUE is likely to be a secret, by the n bytes of its name. */
static bool names_secret(const char *name, size_t n)
{
	static const char *const marks[] = { "TOKEN", "PASSW", "SECRET", "CREDENTIAL", "APIKEY",
		"API_KEY", "ACCESS_KEY", "PRIVATE_KEY", "AUTH" };
	scratch char *text = xstrndup(name, n);

	for (size_t i = 0; i < countof(marks); i++) {
		if (strcasestr(text, marks[i]))
			return true;
	}
	return false;
}

/* Where the secret value begins in a word of n bytes that has NAME=VALUE in it; 0: there is none.
 * A template is no secret, only what it stands for. */
static size_t secret_value(const char *word, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (word[i] == '=' && names_secret(word, i))
			return starts_with(word + i + 1, "{{") ? 0 : i + 1;
	}
	return 0;
}

/* Of each "scheme://user:password@host" the user's part is masked, up to the last "@" that no "/"
 * or blank comes before. malloced. */
static char *mask_users(const char *text)
{
	struct buf out = { 0 };
	const char *scheme;

	while ((scheme = strstr(text, "://"))) {
		const char *user = scheme + 3;
		const char *at = memrchr(user, '@', strcspn(user, "/" WORDS));

		buf_add(&out, text, (size_t)(user - text));
		if (at)
			buf_addstr(&out, "***");
		text = at ? at : user;
	}
	buf_addstr(&out, text);
	return buf_detach(&out);
}

/* The quote that is open after n bytes, or 0. */
static char open_quote(const char *s, size_t n)
{
	char quote = 0;

	for (size_t i = 0; i < n; i++) {
		if (quote ? s[i] == quote : s[i] == '\'' || s[i] == '"')
			quote = quote ? 0 : s[i];
	}
	return quote;
}

/* Where the secret value ends in the text that a word of n bytes begins: with the word, or at the
 * quote that closes one from before the value. */
static size_t secret_end(const char *text, size_t secret, size_t n)
{
	char quote = open_quote(text, secret + 1);
	const char *value = text + secret;
	const char *close = quote ? strchr(value + (*value == quote), quote) : NULL;
	size_t end = close ? (size_t)(close - text) : quote ? strlen(text) : n;

	return end > n ? end : n;
}

char *settings_masked(enum config_key key, const char *value)
{
	bool many = key == CONFIG_FLAGS || key == CONFIG_LDFLAGS || key == CONFIG_GOFLAGS;
	scratch char *text = mask_users(value);
	struct buf out = { 0 };

	for (const char *word = text;; buf_addch(&out, *word++)) {
		size_t n = strcspn(word, many ? WORDS : "");
		size_t secret = secret_value(word, n);

		buf_add(&out, word, secret ? secret : n);
		if (secret)
			buf_addstr(&out, "***");
		word += secret ? secret_end(word, secret, n) : n;
		if (!*word)
			return buf_detach(&out);
	}
}

void settings_release(struct settings *settings)
{
	for (size_t i = 0; i < CONFIG_KEYS; i++)
		setting_clear(&settings->of[i]);
	free(settings->id);
	free(settings->dir);
	*settings = (struct settings){ 0 };
}
