#include "ref.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "formats/digest.h"

#define REPOSITORY_LIMIT 255
#define TAG_LIMIT 128
#define HOST_LIMIT 255

static const char lower[] = "abcdefghijklmnopqrstuvwxyz0123456789";
#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
static const char digits[] = "0123456789";

/* How long the separator at s is: ".", "_", "__" or any number of "-"; 0 for none. */
static size_t separator_span(const char *s)
{
	if (*s == '.')
		return 1;
	if (*s == '_')
		return s[1] == '_' ? 2 : 1;
	return strspn(s, "-");
}

/* How long the path component at s is; 0 where there is none. */
static size_t component_span(const char *s)
{
	size_t n = strspn(s, lower);

	while (n) {
		size_t gap = separator_span(s + n);
		size_t more = gap ? strspn(s + n + gap, lower) : 0;

		if (!more)
			break;
		n += gap + more;
	}
	return n;
}

bool ref_repository_valid(const char *s)
{
	size_t total = strlen(s);

	for (;; s++) {
		size_t n = component_span(s);

		if (!n)
			return false;
		s += n;
		if (*s != '/')
			return !*s && total <= REPOSITORY_LIMIT;
	}
}

bool ref_tag_valid(const char *tag)
{
	size_t n = strlen(tag);

	return n && n <= TAG_LIMIT && *tag != '.' && *tag != '-' && !tag[strspn(tag, ALNUM "._-")];
}

/* A label of a host name: letters, digits and inner "-". */
static size_t label_span(const char *s)
{
	size_t n = strspn(s, ALNUM "-");

	while (n && s[n - 1] == '-')
		n--;
	return *s == '-' ? 0 : n;
}

/* A host name or an IPv6 address in brackets; 0 where there is none. */
static size_t name_span(const char *s)
{
	size_t n;

	if (*s == '[') {
		n = 1 + strspn(s + 1, ":0123456789abcdefABCDEF");
		return n > 1 && s[n] == ']' ? n + 1 : 0;
	}
	n = label_span(s);
	while (n && s[n] == '.') {
		size_t more = label_span(s + n + 1);

		if (!more)
			return 0;
		n += 1 + more;
	}
	return n;
}

static bool host_valid(const char *host)
{
	size_t n = name_span(host);
	size_t length = strlen(host);

	if (!n || length > HOST_LIMIT)
		return false;
	if (!host[n])
		return true;
	if (host[n] != ':' || length - n > 6 || !host[n + 1] ||
		host[n + 1 + strspn(host + n + 1, digits)])
		return false;
	return strtoul(host + n + 1, NULL, 10) - 1 < 65535;
}

/* Whether the first component of a reference is a host and not a user of Docker Hub. */
static bool looks_like_host(const char *s)
{
	return strpbrk(s, ".:[") || !strcmp(s, "localhost");
}

static bool is_hub(const char *host)
{
	return !strcmp(host, "docker.io") || !strcmp(host, REF_HUB) ||
		!strcmp(host, "registry-1.docker.io");
}

static int bad(struct err *err, const char *text, const char *why)
{
	return err_set(err, ERR_USAGE, "image reference \"%s\": %s", text, why);
}

/* Says what is wrong with a repository path. */
static int bad_repository(struct err *err, const char *text, const char *repository)
{
	if (!*repository)
		return bad(err, text, "the repository is missing");
	if (strlen(repository) > REPOSITORY_LIMIT)
		return bad(err, text, "the repository is longer than 255 bytes");
	if (strpbrk(repository, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
		return bad(err, text, "a repository is written in lower case");
	if (starts_with(repository, "/") || ends_with(repository, "/") || strstr(repository, "//"))
		return bad(err, text, "a part between slashes is empty");
	return err_set(err, ERR_USAGE,
		"image reference \"%s\": \"%s\" is no repository: its parts are a-z and 0-9, "
		"joined by "
		"\".\", \"_\", \"__\" or \"-\"",
		text, repository);
}

/* Fills host and repository from the text without tag and digest. */
static int split_name(struct image_ref *ref, const char *text, struct err *err)
{
	const char *slash = strchr(ref->name, '/');
	scratch char *first = slash ? xstrndup(ref->name, (size_t)(slash - ref->name)) : NULL;
	const char *rest = ref->name;

	if (first && looks_like_host(first)) {
		if (!host_valid(first))
			return err_set(err, ERR_USAGE,
				"image reference \"%s\": \"%s\" is no host or host:port", text,
				first);
		ref->host = xstrdup(is_hub(first) ? REF_HUB : first);
		rest = slash + 1;
	} else {
		ref->host = xstrdup(REF_HUB);
	}
	if (!ref_repository_valid(rest))
		return bad_repository(err, text, rest);
	if (!strcmp(ref->host, REF_HUB) && !strchr(rest, '/'))
		ref->repository = xasprintf("library/%s", rest);
	else
		ref->repository = xstrdup(rest);
	return strlen(ref->repository) > REPOSITORY_LIMIT
		? bad_repository(err, text, ref->repository)
		: 0;
}

/* Cuts "@digest" and ":tag" off; what is left becomes ref->name. */
static int split_ends(struct image_ref *ref, const char *text, struct err *err)
{
	const char *at = strchr(text, '@');
	const char *end = at ? at : text + strlen(text);
	const char *colon = memrchr(text, ':', (size_t)(end - text));

	if (at) {
		if (!digest_valid(at + 1))
			return bad(err, text,
				"what follows \"@\" is not sha256: and 64 digits 0-9 and a-f");
		ref->digest = xstrdup(at + 1);
	}
	if (colon && !memchr(colon, '/', (size_t)(end - colon))) {
		ref->tag = xstrndup(colon + 1, (size_t)(end - colon - 1));
		if (!ref_tag_valid(ref->tag))
			return bad(err, text,
				"the tag is not 1 to 128 of A-Z a-z 0-9 _ . - (first not . or -)");
		end = colon;
	}
	ref->name = xstrndup(text, (size_t)(end - text));
	return 0;
}

int ref_parse(struct image_ref *ref, const char *text, struct err *err)
{
	struct image_ref made = { 0 };

	if (!*text)
		return bad(err, text, "is empty");
	if (starts_with(text, "https://") || starts_with(text, "http://"))
		return bad(err, text, "is a URL; write it without the scheme");
	if (split_ends(&made, text, err) || split_name(&made, text, err)) {
		ref_release(&made);
		return -1;
	}
	*ref = made;
	return 0;
}

/* Whether a prefix without a slash is a registry: it has a dot, a port, or is localhost. */
static int parse_host_alone(struct image_ref *prefix, const char *text, struct err *err)
{
	if (!host_valid(text))
		return err_set(err, ERR_USAGE, "\"%s\" is no host or host:port", text);
	prefix->name = xstrdup(text);
	prefix->host = xstrdup(is_hub(text) ? REF_HUB : text);
	return 0;
}

static int parse_place(struct image_ref *prefix, const char *text, struct err *err)
{
	const char *slash = strchr(text, '/');
	scratch char *first = xstrndup(text, slash ? (size_t)(slash - text) : strlen(text));
	const char *rest = text;

	if (strchr(text, '@'))
		return err_set(err, ERR_USAGE, "\"%s\" has a digest; leave it out", text);
	if (slash ? strchr(slash, ':') != NULL : strchr(text, ':') && !host_valid(text))
		return err_set(err, ERR_USAGE, "\"%s\" has a tag; leave it out", text);
	if (looks_like_host(first)) {
		if (parse_host_alone(prefix, first, err))
			return -1;
		if (!slash)
			return 0;
		rest = slash + 1;
	} else {
		prefix->host = xstrdup(REF_HUB);
	}
	free(prefix->name);
	prefix->name = xstrdup(text);
	if (!ref_repository_valid(rest))
		return bad_repository(err, text, rest);
	prefix->repository = xstrdup(rest);
	return 0;
}

int ref_parse_prefix(
	struct image_ref *prefix, const char *variable, const char *text, struct err *err)
{
	struct image_ref made = { 0 };
	size_t n = strlen(text);
	scratch char *trimmed = xstrndup(text, n && text[n - 1] == '/' ? n - 1 : n);
	int result = 0;

	if (!*trimmed)
		result = err_set(err, ERR_USAGE, "is empty");
	else if (strstr(trimmed, "://"))
		result = err_set(
			err, ERR_USAGE, "\"%s\" is a URL; write it without the scheme", text);
	else
		result = parse_place(&made, trimmed, err);
	if (result) {
		ref_release(&made);
		return err_prefix(err, "%s", variable);
	}
	*prefix = made;
	return 0;
}

int ref_under(
	struct image_ref *ref, const struct image_ref *prefix, const char *name, struct err *err)
{
	scratch char *text = *name ? xasprintf("%s/%s", prefix->name, name) : xstrdup(prefix->name);

	if (!*name && !prefix->repository)
		return err_set(err, ERR_USAGE,
			"%s: a host alone cannot take images without names; add a repository",
			text);
	return ref_parse(ref, text, err);
}

static bool is_at(const char *prefix, const char *host)
{
	size_t n = strlen(host);

	return !strncmp(prefix, host, n) && (!prefix[n] || prefix[n] == '/');
}

enum ref_place ref_place(const char *prefix)
{
	if (!*prefix)
		return REF_STORE;
	if (is_at(prefix, "ko.local"))
		return REF_ENGINE;
	return is_at(prefix, "kind.local") ? REF_KIND : REF_REGISTRY;
}

char *ref_text(const struct image_ref *ref)
{
	return xasprintf("%s/%s%s%s%s%s", ref->host, ref->repository, ref->tag ? ":" : "",
		ref->tag ? ref->tag : "", ref->digest ? "@" : "", ref->digest ? ref->digest : "");
}

void ref_release(struct image_ref *ref)
{
	free(ref->name);
	free(ref->host);
	free(ref->repository);
	free(ref->tag);
	free(ref->digest);
	*ref = (struct image_ref){ 0 };
}
