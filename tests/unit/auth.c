/* URLs, challenges, scopes, tokens and credentials, as texts. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/token.h"
#include "net/credentials.h"
#include "net/manifest.h"
#include "net/url.h"
#include "tap.h"

static void test_resolve(void)
{
	static const struct {
		const char *from, *location, *want; /* NULL: refused */
	} rows[] = {
		{ "https://r.example/v2/a/blobs/uploads/", "/v2/a/blobs/uploads/1?_state=a%2Fb%3D",
			"https://r.example/v2/a/blobs/uploads/1?_state=a%2Fb%3D" },
		{ "https://r.example/v2/a/blobs/uploads/", "1?x=y",
			"https://r.example/v2/a/blobs/uploads/1?x=y" },
		{ "https://r.example:5000/v2/a/", "//other.example/x", "https://other.example/x" },
		{ "https://r.example/v2/a/", "r.example/v2/a/1", "https://r.example/v2/a/1" },
		{ "https://r.example/v2/a/", "r:5000/v2/a/1", "https://r:5000/v2/a/1" },
		{ "https://r.example/v2/a/", "http://r.example/v2/%2e%2e/1",
			"http://r.example/v2/%2e%2e/1" },
		{ "https://r.example/v2/a/", "file:///etc/passwd", NULL },
		{ "https://r.example/v2/a/", "https://user:pw@r.example/", NULL },
		{ "https://r.example/v2/a/", "https://", NULL },
		{ "https://r.example/v2/a/", "", NULL },
		{ "https://r.example/v2/a/", "/a b", NULL },
		{ "https://r.example/v2/a/", "/a\r\nX: y", NULL },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct url from, to = { 0 };
		struct err err;

		url_parse(&from, rows[i].from, &err);
		url_resolve(&to, &from, rows[i].location, &err);
		is(to.text, rows[i].want, rows[i].location);
		url_release(&from);
		url_release(&to);
	}
}

static void test_allowed(void)
{
	static const struct {
		const char *registry, *to;
		bool want;
	} rows[] = {
		{ "https://r.example/", "https://storage.example/x", true },
		{ "https://r.example/", "http://r.example/x", false },
		{ "https://r.example/", "https://127.0.0.1/x", false },
		{ "https://r.example/", "https://localhost/x", false },
		{ "https://r.example/", "https://10.1.2.3/x", false },
		{ "https://r.example/", "https://169.254.169.254/x", false },
		{ "https://r.example/", "https://[::ffff:127.0.0.1]/x", false },
		{ "https://r.example/", "https://[fd00::1]/x", false },
		{ "https://r.example/", "https://[fe80::1]/x", false },
		{ "https://r.example/", "https://2130706433/x", false },
		{ "https://r.example/", "https://0x7f.1/x", false },
		{ "https://r.example/", "https://017700000001/x", false },
		{ "https://10.1.2.3/", "https://10.1.2.3:444/x", true },
		{ "https://10.1.2.3/", "https://10.1.2.4/x", false },
		{ "http://127.0.0.1:5000/", "http://127.0.0.1:5001/x", true },
		{ "http://127.0.0.1:5000/", "http://localhost:5001/x", true },
		{ "http://127.0.0.1:5000/", "http://r.example/x", false },
		{ "http://127.0.0.1:5000/", "https://r.example/x", true },
		{ "http://lab.example/", "http://listed.example/x", true },
	};
	cleanup(strs_release) struct strs insecure = { 0 };

	strs_add(&insecure, "listed.example");
	for (size_t i = 0; i < countof(rows); i++) {
		scratch char *name = xasprintf("%s to %s: %s", rows[i].registry, rows[i].to,
			rows[i].want ? "allowed" : "refused");
		struct url registry, to;
		struct err err = { 0 };

		url_parse(&registry, rows[i].registry, &err);
		url_parse(&to, rows[i].to, &err);
		ok(!url_allowed(&to, &registry, &insecure, "Location", &err) == rows[i].want, name);
		url_release(&registry);
		url_release(&to);
	}
}

static void test_text(void)
{
	scratch char *redacted = url_redacted(
		"https://u:p@r.example/x?sig=secret&digest=sha256%3Aabc&plain&_state=s");
	scratch char *with = url_with("https://r/x?_state=a%2Fb", "digest", "sha256:ab");
	scratch char *bare = url_with("https://r/x", "digest", "sha256:ab");
	struct url a, b;
	struct err err;

	is(redacted, "https://***@r.example/x?sig=***&digest=sha256%3Aabc&***&_state=***",
		"a URL without its secrets");
	is(with, "https://r/x?_state=a%2Fb&digest=sha256%3Aab", "a query is added to");
	is(bare, "https://r/x?digest=sha256%3Aab", "a query is made");
	url_parse(&a, "https://R.example./x", &err);
	url_parse(&b, "https://r.example:443/y", &err);
	ok(url_same_origin(&a, &b), "a port that goes without saying makes no difference");
	url_release(&a);
	url_release(&b);
}

static void test_challenges(void)
{
	static const struct {
		const char *value;
		enum auth_scheme scheme;
		const char *realm, *scope;
	} rows[] = {
		{ "Bearer realm=\"https://t/\",service=\"s\",scope=\"repository:a:pull,push\"",
			AUTH_BEARER, "https://t/", "repository:a:pull,push" },
		{ "bearer REALM=https://t/ , scope=x", AUTH_BEARER, "https://t/", "x" },
		{ "Basic realm=\"x\", Bearer realm=\"https://t/\"", AUTH_BEARER, "https://t/",
			NULL },
		{ "Bearer realm=\"https://t/\", Basic realm=\"x\"", AUTH_BEARER, "https://t/",
			NULL },
		{ "Negotiate, Basic realm=\"a \\\"b\\\", c\"", AUTH_BASIC, "a \"b\", c", NULL },
		{ "Negotiate YII=, Bearer realm=\"https://t/\"", AUTH_BEARER, "https://t/", NULL },
		{ "Bearer realm=\"https://a/\",realm=\"https://b/\"", AUTH_BEARER, "https://a/",
			NULL },
		{ "Basic", AUTH_BASIC, NULL, NULL },
		{ "Bearer service=\"s\"", AUTH_NONE, NULL, NULL },
		{ "Bearer realm=\"https://t/", AUTH_NONE, NULL, NULL },
		{ "Digest realm=\"x\"", AUTH_NONE, NULL, NULL },
		{ "", AUTH_NONE, NULL, NULL },
		{ ",,, =\"", AUTH_NONE, NULL, NULL },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		cleanup(strs_release) struct strs offered = { 0 };
		struct challenge challenge = { 0 };

		challenge_read(&challenge, rows[i].value, &offered);
		ok(challenge.scheme == rows[i].scheme, rows[i].value);
		is(challenge.realm, rows[i].realm, "  its realm");
		is(challenge.scope, rows[i].scope, "  its scope");
		challenge_release(&challenge);
	}
}

static void test_scopes(void)
{
	cleanup(strs_release) struct strs a = { 0 };
	cleanup(strs_release) struct strs b = { 0 };
	cleanup(strs_release) struct strs list = { 0 };

	scope_add(&a, "repository:host:5000/a:push,pull repository:b:pull");
	scope_add(&b, "repository:host:5000/a:pull,push");
	ok(scope_covers(&a, &b) && !scope_covers(&b, &a), "scopes are sets");
	scope_add(&a, "nonsense");
	scope_list(&a, &b, &list);
	ok(list.n == 2, "one scope for each resource");
	is(list.v[0], "repository:host:5000/a:pull,push", "what is asked for first comes first");
	is(list.v[1], "repository:b:pull", "then the others");
}

static void test_tokens(void)
{
	static const struct {
		const char *body, *token;
		int64_t seconds;
	} rows[] = {
		{ "{\"token\":\"abc\",\"expires_in\":300}", "abc", 300 },
		{ "{\"access_token\":\"abc\"}", "abc", 60 },
		{ "{\"token\":\"\",\"access_token\":\"abc\",\"expires_in\":1}", "abc", 60 },
		{ "{\"token\":\"a\\r\\nX: y\"}", NULL, 0 },
		{ "{\"token\":7}", NULL, 0 },
		{ "{}", NULL, 0 },
		{ "[]", NULL, 0 },
		{ "<html>", NULL, 0 },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		char *token = NULL;
		int64_t seconds = 0;
		struct err err;

		token_read(rows[i].body, strlen(rows[i].body), &token, &seconds, &err);
		is(token, rows[i].token, rows[i].body);
		ok(seconds == rows[i].seconds, "  its life");
		secret_free(&token);
	}
}

static void test_config(void)
{
	static const struct {
		const char *text, *registry, *user, *secret;
		bool good;
	} rows[] = {
		{ "{\"auths\":{\"r.example\":{\"auth\":\"dTpwOnc=\"}}}", "r.example", "u", "p:w",
			true },
		{ "{\"auths\":{\"r.example\":{\"auth\":\"dTpwOnc\"}}}", "r.example", "u", "p:w",
			true },
		{ "{\"auths\":{\"https://r.example/v1/\":{\"auth\":\"dTpw\"}}}", "r.example", "u",
			"p", true },
		{ "{\"auths\":{\"r.example/a\":{\"auth\":\"dTpw\"}}}", "r.example", "u", "p",
			true },
		{ "{\"auths\":{\"r.example/other\":{\"auth\":\"dTpw\"}}}", "r.example", NULL, NULL,
			true },
		{ "{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"dTpw\"}}}", "docker.io",
			"u", "p", true },
		{ "{\"auths\":{\"r.example\":{\"username\":\"u\",\"password\":\"p\"}}}",
			"r.example", "u", "p", true },
		{ "{\"auths\":{\"r.example\":{}}}", "r.example", NULL, NULL, true },
		{ "{\"auths\":{\"r.example:5000\":{\"auth\":\"dTpw\"}}}", "r.example", NULL, NULL,
			true },
		{ "{\"auths\":{\"r.example\":{\"auth\":\"OnA=\"}}}", "r.example", NULL, NULL,
			false },
		{ "{\"auths\":{\"r.example\":{\"auth\":\"****\"}}}", "r.example", NULL, NULL,
			false },
		{ "{\"auths\":{\"r.example\":{\"auth\":\"dToNCng=\"}}}", "r.example", NULL, NULL,
			false },
		{ "{\"auths\":[]}", "r.example", NULL, NULL, true },
		{ "[]", "r.example", NULL, NULL, false },
		{ "", "r.example", NULL, NULL, true },
		{ "{\"auths\":{\"r.example\":{\"auth\":\"c2VjcmV0OnNlY3JldA==\"", "r.example", NULL,
			NULL, false },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct credential credential;
		struct err err = { 0 };
		int result = credentials_parse("config.json", rows[i].text, strlen(rows[i].text),
			rows[i].registry, &credential, &err);

		ok(!result == rows[i].good, *rows[i].text ? rows[i].text : "an empty file");
		if (rows[i].good) {
			is(credential.user, rows[i].user, "  the user");
			is(credential.secret, rows[i].secret, "  the secret");
		} else {
			ok(strstr(err.text, "config.json") && !strstr(err.text, "c2Vj"),
				"  the error names the file and not its content");
		}
		credential_release(&credential);
	}
}

static void test_names(void)
{
	ok(credentials_helper_name("ecr-login") && credentials_helper_name("a.b_c"),
		"helper names");
	ok(!credentials_helper_name("../x") && !credentials_helper_name("a/b") &&
			!credentials_helper_name("-x") && !credentials_helper_name("") &&
			!credentials_helper_name("a b;c"),
		"what is no helper name");
	is(credentials_server("index.docker.io"), "https://index.docker.io/v1/",
		"Docker Hub's key");
	is(credentials_server("ghcr.io"), "ghcr.io", "another key");
}

int main(void)
{
	test_resolve();
	test_allowed();
	test_text();
	test_challenges();
	test_scopes();
	test_tokens();
	test_config();
	test_names();
	return done();
}
