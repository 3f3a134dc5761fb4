#include "url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* A session's state may be in the query of an upload's Location: some have 8 KiB there. */
#define URL_LIMIT 32768

void url_release(struct url *url)
{
	free(url->scheme);
	free(url->host);
	free(url->text);
	*url = (struct url){ 0 };
}

void url_copy(struct url *to, const struct url *from)
{
	*to = (struct url){ xstrdup(from->scheme), xstrdup(from->host), from->port,
		xstrdup(from->text) };
}

static char *part(CURLU *handle, CURLUPart which, unsigned flags)
{
	char *value = NULL, *copy = NULL;

	if (!curl_url_get(handle, which, &value, flags))
		copy = xstrdup(value);
	curl_free(value);
	return copy;
}

static char *host_part(CURLU *handle)
{
	char *host = part(handle, CURLUPART_HOST, 0);
	size_t n = host ? strlen(host) : 0;

	if (n && host[0] == '[') {
		memmove(host, host + 1, n);
		host[strcspn(host, "]%")] = '\0';
		n = strlen(host);
	}
	while (n > 1 && host[n - 1] == '.')
		host[--n] = '\0';
	for (size_t i = 0; i < n; i++)
		host[i] = (char)tolower((unsigned char)host[i]);
	return host;
}

static int take_apart(struct url *url, CURLU *handle, struct err *err)
{
	scratch char *port = part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	scratch char *user = part(handle, CURLUPART_USER, 0);
	scratch char *password = part(handle, CURLUPART_PASSWORD, 0);

	curl_url_set(handle, CURLUPART_FRAGMENT, NULL, 0);
	*url = (struct url){ part(handle, CURLUPART_SCHEME, 0), host_part(handle),
		port ? (unsigned)strtoul(port, NULL, 10) : 0, part(handle, CURLUPART_URL, 0) };
	if (!url->scheme || !url->host || !*url->host || !url->text || !url->port)
		err_set(err, ERR_INPUT, "malformed URL");
	else if (user || password)
		err_set(err, ERR_INPUT, "URL with user name or password; this is refused");
	else if (strcmp(url->scheme, "https") && strcmp(url->scheme, "http"))
		err_set(err, ERR_INPUT, "URL of scheme '%.20s'; only https is followed",
			url->scheme);
	else
		return 0;
	url_release(url);
	return -1;
}

static bool printable(const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)text[i] <= ' ' || text[i] == 0x7f)
			return false;
	}
	return n && n <= URL_LIMIT;
}

static int set(CURLU *handle, const char *text, struct err *err)
{
	if (!printable(text) ||
		curl_url_set(
			handle, CURLUPART_URL, text, CURLU_PATH_AS_IS | CURLU_NON_SUPPORT_SCHEME))
		return err_set(err, ERR_INPUT, "malformed URL");
	return 0;
}

int url_parse(struct url *url, const char *text, struct err *err)
{
	CURLU *handle = curl_url();
	int result = set(handle, text, err);

	*url = (struct url){ 0 };
	if (!result)
		result = take_apart(url, handle, err);
	curl_url_cleanup(handle);
	return result;
}

/* "registry.example/v2/..." or "host:5000/v2/...": a host without its scheme, which some proxies
 * write. A path relative to the request never has a dot or a port in its first part. */
static bool lacks_scheme(const char *location)
{
	size_t n = strcspn(location, "/?#");

	if (!n || location[n] != '/' || strncmp(location + n, "/v2/", 4))
		return false;
	return memchr(location, '.', n) || memchr(location, ':', n);
}

int url_resolve(struct url *url, const struct url *from, const char *location, struct err *err)
{
	bool bare = !strstr(location, "://") && lacks_scheme(location);
	scratch char *full = bare ? xasprintf("%s://%s", from->scheme, location) : NULL;
	CURLU *handle = curl_url();
	int result = set(handle, from->text, err);

	*url = (struct url){ 0 };
	if (!result)
		result = set(handle, full ? full : location, err);
	if (!result)
		result = take_apart(url, handle, err);
	curl_url_cleanup(handle);
	return result;
}

bool url_same_origin(const struct url *a, const struct url *b)
{
	return !strcmp(a->scheme, b->scheme) && !strcmp(a->host, b->host) && a->port == b->port;
}

static bool private_v4(const unsigned char a[4])
{
	return a[0] == 0 || a[0] == 10 || a[0] == 127 || a[0] >= 224 ||
		(a[0] == 100 && (a[1] & 0xc0) == 64) || (a[0] == 169 && a[1] == 254) ||
		(a[0] == 172 && (a[1] & 0xf0) == 16) || (a[0] == 192 && a[1] == 168);
}

static bool private_v6(const unsigned char a[16])
{
	static const unsigned char zero[16], nat64[12] = { 0, 0x64, 0xff, 0x9b };
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (!memcmp(a, mapped, 12) || !memcmp(a, nat64, 12))
		return private_v4(a + 12);
	return !memcmp(a, zero, 12) || a[0] == 0xff || (a[0] & 0xfe) == 0xfc ||
		(a[0] == 0xfe && (a[1] & 0xc0) == 0x80);
}

bool url_host_private(const char *host)
{
	unsigned char a[16];

	if (inet_pton(AF_INET, host, a) == 1)
		return private_v4(a);
	if (inet_pton(AF_INET6, host, a) == 1)
		return private_v6(a);
	return url_host_loopback(host);
}

bool url_host_loopback(const char *host)
{
	unsigned char a[4];

	return !strcmp(host, "localhost") || ends_with(host, ".localhost") ||
		!strcmp(host, "::1") || (inet_pton(AF_INET, host, a) == 1 && a[0] == 127);
}

char *url_authority(const struct url *url)
{
	bool usual = url->port == (strcmp(url->scheme, "http") ? 443 : 80);
	bool v6 = strchr(url->host, ':');
	char port[16] = "";

	if (!usual)
		snprintf(port, sizeof port, ":%u", url->port);
	return xasprintf("%s%s%s%s", v6 ? "[" : "", url->host, v6 ? "]" : "", port);
}

bool url_listed(const struct url *url, const struct strs *list)
{
	scratch char *authority = url_authority(url);

	return list && (strs_has(list, authority) || strs_has(list, url->host));
}

int url_allowed(const struct url *to, const struct url *registry, const struct strs *insecure,
	const char *what, struct err *err)
{
	bool plain = !strcmp(to->scheme, "http");
	bool here = !strcmp(to->host, registry->host) ||
		(url_host_loopback(to->host) && url_host_loopback(registry->host));

	if (url_host_private(to->host) && !here)
		return err_set(err, ERR_REFUSED,
			"the %s leads to %s, an address that is not public; this is refused", what,
			to->host);
	if (plain && !strcmp(registry->scheme, "https"))
		return err_set(err, ERR_REFUSED,
			"the %s leads from https to plain http (%s); this is refused", what,
			to->host);
	if (plain && !url_same_origin(to, registry) && !url_host_loopback(to->host) &&
		!url_listed(to, insecure))
		return err_set(err, ERR_REFUSED,
			"the %s leads to plain http at %s; allow it with --insecure-registry=%s",
			what, to->host, to->host);
	return 0;
}

static bool harmless(const char *name, size_t n)
{
	static const char *const names[] = { "ns", "digest", "mount", "from", "scope", "service" };

	for (size_t i = 0; i < countof(names); i++) {
		if (strlen(names[i]) == n && !strncmp(names[i], name, n))
			return true;
	}
	return false;
}

static void redact_query(struct buf *out, const char *query)
{
	while (*query) {
		size_t n = strcspn(query, "&"), name = strcspn(query, "=&");

		if (harmless(query, name))
			buf_add(out, query, n);
		else if (name < n)
			buf_addf(out, "%.*s=***", (int)name, query);
		else
			buf_addstr(out, "***");
		query += n;
		if (*query)
			buf_addch(out, *query++);
	}
}

char *url_redacted(const char *text)
{
	size_t n = strcspn(text, "?#");
	const char *at = memchr(text, '@', n), *slashes = strstr(text, "://");
	struct buf out = { 0 };

	if (at && slashes && slashes < at) {
		buf_add(&out, text, (size_t)(slashes + 3 - text));
		buf_addstr(&out, "***");
		n -= (size_t)(at - text);
		text = at;
	}
	buf_add(&out, text, n);
	if (text[n] == '?') {
		buf_addch(&out, '?');
		redact_query(&out, text + n + 1);
	}
	return buf_detach(&out);
}

void url_encode(struct buf *out, const char *s)
{
	for (; *s; s++) {
		if (isalnum((unsigned char)*s) || strchr("-._~", *s))
			buf_addch(out, *s);
		else
			buf_addf(out, "%%%02X", (unsigned char)*s);
	}
}

char *url_with(const char *text, const char *name, const char *value)
{
	const char *query = strchr(text, '?');
	struct buf out = { 0 };

	buf_addstr(&out, text);
	if (!query)
		buf_addch(&out, '?');
	else if (query[1] && !ends_with(text, "&"))
		buf_addch(&out, '&');
	buf_addf(&out, "%s=", name);
	url_encode(&out, value);
	return buf_detach(&out);
}
