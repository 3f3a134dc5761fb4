#include "inputs/naming.h"

#include <stdlib.h>

#include "base/mem.h"
#include "inputs/kopath.h"
#include "inputs/ref.h"
#include "tap.h"

/* The md5 names are ko's own. */
static const struct {
	const char *path, *last, *whole, *md5, *program;
} names[] = {
	{ "example.org/sample/cmd/example", "example", "example.org/sample/cmd/example",
		"example-51d74b7127c5f7495a338df33ecdeb19", "example" },
	{ "github.com/google/ko/test", "test", "github.com/google/ko/test",
		"test-46c4b272b3716c422d5ff6dfc7547fa9", "test" },
	{ "github.com/GoogleCloudPlatform/foo/cmd/Bar", "bar",
		"github.com/googlecloudplatform/foo/cmd/bar",
		"bar-d7737cc04c88a7fa1986389fc502b2a6", "Bar" },
	{ "caps.test", "caps.test", "caps.test", "caps.test-4b8f7bca75c467b3d2803e1c087a3287",
		"caps.test" },
	{ "example.com/foo/v2", "foo", "example.com/foo/v2", "v2-7a1f393577bb3af2e6ee09d59f7fb565",
		"foo" },
	{ "example.com/foo/v1", "v1", "example.com/foo/v1", NULL, "v1" },
	{ "example.com/foo/v02", "v02", "example.com/foo/v02", NULL, "v02" },
	{ "example.com/foo/v10", "foo", "example.com/foo/v10", NULL, "foo" },
	{ "v2", "v2", "v2", NULL, "v2" },
	{ "example.com/a+b~c/x._-y_", "x-y", "example.com/a-b-c/x-y", NULL, "x._-y_" },
	{ "example.com/_", "x", "example.com/x", NULL, "_" },
};

static void test_names(void)
{
	for (size_t i = 0; i < countof(names); i++) {
		scratch char *last = naming_name(NAMING_LAST, names[i].path);
		scratch char *whole = naming_name(NAMING_PATH, names[i].path);
		scratch char *md5 = naming_name(NAMING_MD5, names[i].path);
		scratch char *program = naming_program(names[i].path);
		scratch char *bare = naming_name(NAMING_BARE, names[i].path);

		is(last, names[i].last, names[i].path);
		is(whole, names[i].whole, "-P");
		if (names[i].md5)
			is(md5, names[i].md5, "md5");
		is(program, names[i].program, "inside the image");
		is(bare, "", "--bare");
		ok(ref_repository_valid(last) && ref_repository_valid(whole) &&
				ref_repository_valid(md5),
			"all are repositories");
	}
}

static void test_words(void)
{
	enum naming naming = NAMING_BARE;
	struct err err = { 0 };

	ok(!naming_parse(&naming, "base", &err) && naming == NAMING_LAST, "base is last");
	ok(!naming_parse(&naming, "md5", &err) && naming == NAMING_MD5, "md5");
	is(naming_word(NAMING_PATH), "path", "the word for -P");
	ok(naming_parse(&naming, "sha1", &err) == -1, "others are refused");
	is(err.text, "naming \"sha1\" is not known; there are last, path, bare and md5",
		"with the words there are");
}

static void test_check(void)
{
	char *paths[] = { (char *)"a.com/x/cmd/web", (char *)"a.com/z", (char *)"a.com/y/cmd/web" };
	char *same[] = { (char *)"web", (char *)"z", (char *)"web" };
	char *bare[] = { (char *)"", (char *)"", (char *)"" };
	struct err err = { 0 };

	ok(naming_check(paths, same, 3, &err) == -1 && err.class == ERR_USAGE, "a name twice");
	ok(strstr(err.text, "a.com/x/cmd/web") && strstr(err.text, "a.com/y/cmd/web"),
		"both paths are named");
	ok(strstr(err.text, "-P") && strstr(err.text, "--naming=md5") && strstr(err.text, "--bare"),
		"and the ways out");
	ok(!naming_check(paths, bare, 3, &err), "bare names may repeat");
	ok(!naming_check(paths, same, 2, &err), "different names are fine");
	paths[2] = paths[0];
	ok(!naming_check(paths, same, 3, &err), "one program twice is no clash");
}

/* A reference, and its path or (with "!") what is said about it. */
static const struct {
	const char *text, *want;
} references[] = {
	{ "ko://github.com/user/myapp", "github.com/user/myapp" },
	{ "ko://github.com/user/myapp \n", "github.com/user/myapp" },
	{ "ko://./cmd/x/", "./cmd/x" },
	{ "ko://./cmd/../x", "./x" },
	{ "ko://.", "." },
	{ "ko://../x", "../x" },
	{ "./..", ".." },
	{ "ko:///abs//dir", "/abs/dir" },
	{ "github.com/user/myapp", "github.com/user/myapp" },
	{ "ko://", "!is missing" },
	{ "ko://./...", "!any number of packages" },
	{ "ko://a.com/b@v1.2.3", "!has a version" },
	{ "ko://-x", "!starts with" },
	{ "ko://a.com/b c", "!white space" },
	{ "ko://a.com/b\x01", "!control character" },
	{ "ko://a.com/b\\c", "!no import path has" },
	{ "ko://a.com//b", "!empty part" },
	{ "ko://a.com/b/", "a.com/b" },
	{ "ko://a.com/../b", "!ends in" },
	{ "ko://a.com/b.", "!ends in" },
	{ "ko://a.com/main.go", "!is a file" },
};

static void test_references(void)
{
	for (size_t i = 0; i < countof(references); i++) {
		struct err err = { 0 };
		scratch char *got = kopath_parse(references[i].text, "m.yaml:3:5", &err);
		const char *want = references[i].want;

		if (*want != '!')
			is(got ? got : err.text, want, references[i].text);
		else if (!ok(!got && err.class == ERR_INPUT && strstr(err.text, want + 1) &&
					 !strncmp(err.text, "m.yaml:3:5: ko://", 17),
				 references[i].text))
			printf("# %s\n", got ? got : err.text);
	}
	ok(kopath_is("ko://x") && !kopath_is(" ko://x") && !kopath_is("KO://x"), "the scheme");
	ok(kopath_is_dir("..") && !kopath_is_dir("...") && !kopath_is_dir(".x"), "directories");
}

int main(void)
{
	test_names();
	test_words();
	test_check();
	test_references();
	return done();
}
