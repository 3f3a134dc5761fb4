#include "inputs/ref.h"

#include <stdlib.h>

#include "base/mem.h"
#include "tap.h"

#define D64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define C16 "aaaaaaaaaaaaaaaa"
#define C240 C16 C16 C16 C16 C16 C16 C16 C16 C16 C16 C16 C16 C16 C16 C16
#define C256 C16 C16 C16 C16 C16 C16 C16 C16 C16 C16 C16 C16 C16 C16 C16 C16

/* What a reference is in full; starts with "!" when it is refused. */
static const struct {
	const char *text, *full;
} references[] = {
	{ "debian", "index.docker.io/library/debian" },
	{ "debian:12", "index.docker.io/library/debian:12" },
	{ "docker.io/debian", "index.docker.io/library/debian" },
	{ "index.docker.io/me/app", "index.docker.io/me/app" },
	{ "me/app:v1", "index.docker.io/me/app:v1" },
	{ "localhost/app", "localhost/app" },
	{ "localhost:5000/app", "localhost:5000/app" },
	{ "localhost:5000", "index.docker.io/library/localhost:5000" },
	{ "ghcr.io/a/b_c/d__e/f--g/h.i:T.a-g_1", "ghcr.io/a/b_c/d__e/f--g/h.i:T.a-g_1" },
	{ "[::1]:5000/x@sha256:" D64, "[::1]:5000/x@sha256:" D64 },
	{ "a.b/c:t@sha256:" D64, "a.b/c:t@sha256:" D64 },
	{ "Example.COM/x", "Example.COM/x" },
	{ "", "!is empty" },
	{ "ghcr.io/", "!the repository is missing" },
	{ "https://ghcr.io/x", "!without the scheme" },
	{ "ghcr.io/Me/app", "!lower case" },
	{ "ghcr.io//app", "!between slashes is empty" },
	{ "ghcr.io/app/", "!between slashes is empty" },
	{ "ghcr.io/../app", "!is no repository" },
	{ "ghcr.io/a___b", "!is no repository" },
	{ "ghcr.io/a..b", "!is no repository" },
	{ "ghcr.io/-a", "!is no repository" },
	{ "ghcr.io/a b", "!is no repository" },
	{ "ghcr.io/a%2e", "!is no repository" },
	{ "ghcr.io:0/a", "!is no host" },
	{ "ghcr.io:65536/a", "!is no host" },
	{ "ghcr.io:/a", "!is no host" },
	{ "-x.io/a", "!is no host" },
	{ "x..io/a", "!is no host" },
	{ "[::1/a", "!is no host" },
	{ "ghcr.io/a:", "!the tag is not" },
	{ "ghcr.io/a:-x", "!the tag is not" },
	{ "ghcr.io/a:x y", "!the tag is not" },
	{ "ghcr.io/a@sha256:ABC", "!what follows \"@\"" },
	{ "ghcr.io/a@md5:" D64, "!what follows \"@\"" },
	{ "ghcr.io/a@sha256:" D64 "@sha256:" D64, "!what follows \"@\"" },
	{ "ghcr.io/" C256, "!longer than 255" },
	{ C240 "abcdefgh", "!longer than 255" },
};

static void test_references(void)
{
	for (size_t i = 0; i < countof(references); i++) {
		struct image_ref ref = { 0 };
		struct err err = { 0 };
		const char *want = references[i].full;
		scratch char *got = NULL;

		if (!ref_parse(&ref, references[i].text, &err))
			got = ref_text(&ref);
		if (*want != '!')
			is(got ? got : err.text, want, references[i].text);
		else if (!ok(!got && err.class == ERR_USAGE && strstr(err.text, want + 1),
				 references[i].text))
			printf("# %s\n", got ? got : err.text);
		ref_release(&ref);
	}
}

/* A prefix, and what the image "app" is called below it and printed as. */
static const struct {
	const char *text, *full, *name;
} prefixes[] = {
	{ "us-docker.pkg.dev/my-project/my-repo", "us-docker.pkg.dev/my-project/my-repo/app",
		"us-docker.pkg.dev/my-project/my-repo/app" },
	{ "ghcr.io/me/", "ghcr.io/me/app", "ghcr.io/me/app" },
	{ "localhost:5000", "localhost:5000/app", "localhost:5000/app" },
	{ "docker.io/me", "index.docker.io/me/app", "docker.io/me/app" },
	{ "me", "index.docker.io/me/app", "me/app" },
	{ "docker.io", "index.docker.io/library/app", "docker.io/app" },
	{ "ko.local", "ko.local/app", "ko.local/app" },
	{ "ghcr.io/me:v1", "!has a tag", NULL },
	{ "me:v1", "!has a tag", NULL },
	{ "ghcr.io/me@sha256:" D64, "!has a digest", NULL },
	{ "https://ghcr.io/me", "!without the scheme", NULL },
	{ "ghcr.io/Me", "!lower case", NULL },
	{ "", "!is empty", NULL },
};

static void test_prefixes(void)
{
	for (size_t i = 0; i < countof(prefixes); i++) {
		struct image_ref prefix = { 0 }, ref = { 0 };
		struct err err = { 0 };
		const char *want = prefixes[i].full;
		scratch char *got = NULL;

		if (!ref_parse_prefix(&prefix, "KO_DOCKER_REPO", prefixes[i].text, &err) &&
			!ref_under(&ref, &prefix, "app", &err))
			got = ref_text(&ref);
		if (*want == '!') {
			ok(!got && strstr(err.text, want + 1) &&
					!strncmp(err.text, "KO_DOCKER_REPO: ", 16),
				prefixes[i].text);
		} else {
			is(got ? got : err.text, want, prefixes[i].text);
			is(ref.name, prefixes[i].name, "and as it was written");
		}
		ref_release(&prefix);
		ref_release(&ref);
	}
}

static void test_bare(void)
{
	struct image_ref prefix = { 0 }, ref = { 0 };
	struct err err = { 0 };

	ref_parse_prefix(&prefix, "X", "ghcr.io/me/app", &err);
	ok(!ref_under(&ref, &prefix, "", &err), "a repository may be the whole name");
	is(ref.repository, "me/app", "then it is the repository itself");
	ref_release(&prefix);
	ref_release(&ref);
	ref_parse_prefix(&prefix, "X", "ghcr.io", &err);
	ok(ref_under(&ref, &prefix, "", &err), "a host alone may not");
	ok(ref_under(&ref, &prefix, "Caps", &err), "the name is checked too");
	ref_release(&prefix);
}

int main(void)
{
	test_references();
	test_prefixes();
	test_bare();
	return done();
}
