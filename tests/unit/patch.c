#include "inputs/patch.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "inputs/kopath.h"
#include "tap.h"

#define IMAGE "r.example:5000/a@sha256:1"

static const struct {
	const char *name, *ref;
	const char *files[4];
	const char *want;
} cases[] = {
	{ "every style", IMAGE,
		{ "ko://a: [ko://a, 'ko://a', \"ko://a\"]\nb: |\n  ko://a\n\n# c\n" },
		IMAGE ": [" IMAGE ", '" IMAGE "', \"" IMAGE "\"]\nb: |\n  " IMAGE "\n\n# c\n" },
	{ "an image that no plain scalar can hold", "[::1]:5000/a",
		{ "ko://a: {ko://a: 'ko://a', b: \"ko://a\"}\n" },
		"'[::1]:5000/a': {'[::1]:5000/a': '[::1]:5000/a', b: \"[::1]:5000/a\"}\n" },
	{ "an image without a slash", "1e3", { "a: ko://a\nb: 'ko://a'\n" },
		"a: '1e3'\nb: '1e3'\n" },
	{ "quotes in an image", "a/'\"\\", { "[ko://a, 'ko://a', \"ko://a\"]" },
		"['a/''\"\\', 'a/''\"\\', \"a/'\\\"\\\\\"]" },
	{ "an image with a newline", "a/b\nc: d", { "a: ko://a" },
		"f:1:4: ko://a: 'a/b c: d' in the records is no image" },
	{ "a reference without an image", IMAGE, { "a: 1", "b: ko://b" },
		"f:1:4: ko://b: no image for it in the records; does the pipe begin with ko-scan "
		"-f "
		"f?" },
	{ "a line between documents", IMAGE, { "a: 1\n", "b: 2\n" }, "a: 1\n---\nb: 2\n" },
	{ "no newline at the end", IMAGE, { "a: 1", "b: 2" }, "a: 1\n---\nb: 2" },
	{ "the line is there", IMAGE, { "a: 1\n", "--- # x\nb: 2\n" }, "a: 1\n--- # x\nb: 2\n" },
	{ "the line is there below comments", IMAGE, { "a: 1\n", "# x\n\n---\nb: 2\n" },
		"a: 1\n# x\n\n---\nb: 2\n" },
	{ "no such line", IMAGE, { "a: 1\n", "---b: 2\n" }, "a: 1\n---\n---b: 2\n" },
	{ "a directive", IMAGE, { "a: 1\n", "%YAML 1.1\n---\nb: 2\n" },
		"a: 1\n...\n%YAML 1.1\n---\nb: 2\n" },
	{ "an end", IMAGE, { "a: 1\n...\n", "b: 2\n" }, "a: 1\n...\n---\nb: 2\n" },
	{ "a byte order mark inside", IMAGE,
		{ "a: 1\n",
			"\xef\xbb\xbf"
			"b: 2\n" },
		"a: 1\n---\nb: 2\n" },
	{ "a byte order mark alone", IMAGE,
		{ "\xef\xbb\xbf"
		  "b: ko://a\n" },
		"\xef\xbb\xbf"
		"b: " IMAGE "\n" },
	{ "empty files", IMAGE, { "", "a: 1\n", "", "b: 2\n" }, "a: 1\n---\nb: 2\n" },
	{ "files of comments", IMAGE, { "# x", "a: 1\n", "# y\n", "b: 2\n" },
		"# x\na: 1\n# y\n---\nb: 2\n" },
};

static int patch_file(struct patch *patch, const char *text, bool alone, struct err *err)
{
	cleanup(manifest_release) struct manifest manifest = { .path = "f" };

	buf_addstr(&manifest.text, text);
	return patch_add(patch, &manifest, alone, err);
}

static char *patch_all(const char *const *files, const struct images *images)
{
	struct patch patch = { .images = images, .out = { .limit = SIZE_MAX } };
	struct err err;
	char *text;

	for (size_t i = 0; i < 4 && files[i]; i++) {
		if (patch_file(&patch, files[i], !files[1], &err)) {
			spool_release(&patch.out);
			return xstrdup(err.text);
		}
	}
	text = buf_detach(&patch.out.data);
	spool_release(&patch.out);
	return text;
}

int main(void)
{
	for (size_t i = 0; i < countof(cases); i++) {
		cleanup(records_release) struct records records = { 0 };
		cleanup(images_release) struct images images = { 0 };
		scratch char *got = NULL;

		records_add(&records,
			json_pack("{s:s, s:[s], s:s}", "importpath", "a", "references", "ko://a",
				"ref", cases[i].ref));
		images_from(&images, &records);
		got = patch_all(cases[i].files, &images);
		is(got, cases[i].want, cases[i].name);
	}
	return done();
}
