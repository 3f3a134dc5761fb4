#include "inputs/workspace.h"

#include <stdlib.h>

#include "base/mem.h"
#include "tap.h"
#include "tempdir.h"

/* Finds from dir, locates path, and gives "importpath in dir at package" or the error. malloced. */
static char *locate(const char *dir, const char *path)
{
	struct workspace ws = { 0 };
	struct location location = { 0 };
	struct err err = { 0 };
	char *text;

	if (workspace_find(&ws, dir, &err) ||
		workspace_locate(&ws, path, "m.yaml:3:5", &location, &err))
		text = xasprintf("%d %s", err.class, err.text);
	else
		text = xasprintf("%s in %s at %s", location.importpath, location.dir,
			location.package ? location.package : "-");
	location_release(&location);
	workspace_release(&ws);
	return text;
}

static void located(const char *dir, const char *path, const char *want, const char *name)
{
	scratch char *got = locate(dir, path);

	is(got, want, name);
}

static void test_one_module(void)
{
	put("one/go.mod",
		"module example.com/one\nrequire example.com/tool/v2 v2.0.0\n"
		"require example.com/one/far v1.0.0\n");
	put("one/cmd/a/main.go", "package main\n");
	put("one/main.go", "package main\n");
	put("one/config/m.yaml", "");
	go_to("one");
	located(".", "example.com/one", "example.com/one in . at .", "the module itself");
	located(".", "example.com/one/cmd/a", "example.com/one/cmd/a in . at cmd/a", "a package");
	located(".", "./cmd/a", "example.com/one/cmd/a in . at cmd/a", "a directory");
	located(".", ".", "example.com/one in . at .", "this directory");
	located("config", "./cmd/a", "example.com/one/cmd/a in . at cmd/a",
		"directories are relative to the module");
	located(".", "example.com/tool/v2/cmd/x", "example.com/tool/v2/cmd/x in . at -",
		"a required command");
	located(".", "example.com/one/far/x", "example.com/one/far/x in . at -",
		"a required module below our path");
	located(".", "github.com/user/myapp",
		"3 m.yaml:3:5: ko://github.com/user/myapp: import path does not match go.mod: "
		"module is "
		"example.com/one (go.mod); fix the manifest or the module path",
		"another module");
	located(".", "example.com/onetwo",
		"3 m.yaml:3:5: ko://example.com/onetwo: import path does not match go.mod: module "
		"is "
		"example.com/one (go.mod); fix the manifest or the module path",
		"prefixes end at slashes");
	located(".", "example.com/two/cmd/a",
		"3 m.yaml:3:5: ko://example.com/two/cmd/a: import path does not match go.mod: "
		"module is "
		"example.com/one (go.mod); write ko://example.com/one/cmd/a in the manifest or "
		"change "
		"the module path",
		"the one that is meant is named");
	located(".", "example.com/one/cmd/b",
		"3 m.yaml:3:5: ko://example.com/one/cmd/b: import path does not match go.mod: no "
		"such package: module example.com/one "
		"(go.mod) has no directory cmd/b",
		"no such directory");
	located(".", "./cmd/b", "3 m.yaml:3:5: ko://./cmd/b: no such package: cmd/b is not there",
		"also by directory");
	located(".", "./main.go",
		"3 m.yaml:3:5: ko://./main.go: no such package: main.go is a file; name its "
		"directory",
		"a file");
	go_to("one/config");
	located(".", "example.com/one/cmd/a", "example.com/one/cmd/a in .. at ../cmd/a",
		"from a directory below");
}

static void test_inputs(void)
{
	struct workspace ws = { 0 };
	struct err err = { 0 };

	go_to("one/config");
	ok(!workspace_find(&ws, ".", &err), "finds");
	ok(strs_has(&ws.files, "../go.mod"), "the go.mod is an input");
	ok(strs_has(&ws.absent, "go.mod") && strs_has(&ws.absent, "../go.work") &&
			strs_has(&ws.absent, "../../go.work"),
		"and so are the places where one may appear");
	is(ws.root, "..", "the root");
	workspace_release(&ws);
}

static void test_nested(void)
{
	go_to(".");
	put("nest/go.mod", "module example.com/nest\n");
	put("nest/tools/go.mod", "module example.com/nest/tools\n");
	put("nest/tools/cmd/x/main.go", "package main\n");
	put("nest/other/go.mod", "module example.org/other\nrequire example.net/dep v1.0.0\n");
	put("nest/other/x/main.go", "package main\n");
	put("nest/vendor/v/go.mod", "module example.net/vendored\n");
	put("nest/broken/go.mod", "modul x\n");
	go_to("nest");
	located(".", "example.com/nest/tools/cmd/x",
		"example.com/nest/tools/cmd/x in tools at tools/cmd/x",
		"a module inside, by its path");
	located(".", "example.org/other/x", "example.org/other/x in other at other/x",
		"a module inside with another path");
	located(".", "./other/x", "example.org/other/x in other at other/x", "or by directory");
	located(".", "example.net/dep/cmd", "example.net/dep/cmd in other at -",
		"what such a module requires");
	located(".", "example.com/nest/other/x",
		"3 m.yaml:3:5: ko://example.com/nest/other/x: import path does not match go.mod: "
		"module "
		"is example.org/other (other/go.mod), which parts the directory from "
		"example.com/nest "
		"(go.mod); fix the manifest or the module path",
		"the path by directories, when another module is there");
	located(".", "example.net/vendored",
		"3 m.yaml:3:5: ko://example.net/vendored: import path does not match go.mod: "
		"modules "
		"are example.com/nest (go.mod), example.org/other (other/go.mod), "
		"example.com/nest/tools (tools/go.mod) (passed over: broken/go.mod: has no "
		"\"module\" "
		"line; \"go mod edit -module PATH\" adds it); fix the manifest or the module path",
		"vendored modules are not ours");
}

static void test_many(void)
{
	go_to(".");
	put("many/a/go.mod", "module example.com/a\n");
	put("many/a/cmd/main.go", "package main\n");
	put("many/b/go.mod", "module example.com/b\n");
	put("many/c/go.mod", "module example.com/b\n");
	put("many/testdata/go.mod", "module example.com/t\n");
	go_to("many");
	located(".", "example.com/a/cmd", "example.com/a/cmd in a at a/cmd", "modules and no root");
	located(".", "./a/cmd", "example.com/a/cmd in a at a/cmd", "by directory");
	located(".", "example.com/b",
		"3 m.yaml:3:5: ko://example.com/b: two modules are called example.com/b: b/go.mod "
		"and "
		"c/go.mod; rename one",
		"one path twice");
	located("testdata/..", "example.com/t",
		"3 m.yaml:3:5: ko://example.com/t: import path does not match go.mod: modules are "
		"example.com/a (a/go.mod), example.com/b (b/go.mod), example.com/b (c/go.mod); fix "
		"the "
		"manifest or the module path",
		"test data is not searched");
}

static void test_none(void)
{
	go_to(".");
	put("none/x", "");
	go_to("none");
	located(".", "example.com/a",
		"3 m.yaml:3:5: ko://example.com/a: import path does not match go.mod: there is no "
		"go.mod "
		"in ., above or below it; fix the manifest or the module path",
		"no module at all");
	located(".", ".",
		"3 m.yaml:3:5: ko://.: import path does not match go.mod: there is no go.mod in . "
		"or "
		"above it",
		"no module for a directory");
}

static void test_work(void)
{
	go_to(".");
	put("work/go.work", "go 1.21\nuse ./a\nuse ./b\n");
	put("work/a/go.mod", "module example.com/a\n");
	put("work/a/cmd/main.go", "package main\n");
	put("work/b/go.mod", "module example.com/b\nrequire example.com/dep v1.0.0\n");
	put("work/c/go.mod", "module example.com/c\n");
	go_to("work");
	located(".", "example.com/a/cmd", "example.com/a/cmd in . at a/cmd",
		"go runs for the workspace");
	located("b", "example.com/a/cmd", "example.com/a/cmd in . at a/cmd", "from any module");
	located("a", "./cmd", "example.com/a/cmd in . at a/cmd",
		"directories by the module around");
	located(".", "example.com/dep", "example.com/dep in . at -", "required by one of them");
	located(".", "example.com/c",
		"3 m.yaml:3:5: ko://example.com/c: module example.com/c (c/go.mod) is not in "
		"go.work; "
		"\"go work use ./c\" adds it",
		"a module left out");
	located(".", "./c",
		"3 m.yaml:3:5: ko://./c: module example.com/c (c/go.mod) is not in go.work; \"go "
		"work use "
		"./c\" adds it",
		"also by directory");
	setenv("GOWORK", "off", 1);
	located("b", "example.com/a/cmd",
		"3 m.yaml:3:5: ko://example.com/a/cmd: import path does not match go.mod: module "
		"is "
		"example.com/b (b/go.mod); fix the manifest or the module path",
		"GOWORK=off");
	setenv("GOWORK", "x.work", 1);
	located(".", "example.com/a", "2 GOWORK=x.work: is not an absolute path",
		"GOWORK relative");
	put("other.work", "go 1.21\nuse ./c\n");
	{
		scratch char *path = path_absolute("other.work");

		setenv("GOWORK", path, 1);
	}
	located(".", "example.com/c", "example.com/c in . at c", "GOWORK names a file");
	unsetenv("GOWORK");
	put("go.work", "go 1.21\nuse ./gone\n");
	located(".", "example.com/a",
		"3 go.work: use ./gone: there is no go.mod; \"go work edit -dropuse ./gone\" "
		"removes it",
		"a directory without go.mod");
}

static void test_command_line(void)
{
	struct workspace ws = { 0 };
	struct location location = { 0 };
	struct err err = { 0 };

	go_to("one/cmd");
	ok(!workspace_find(&ws, ".", &err) &&
			!workspace_locate_dir(&ws, "./a", NULL, &location, &err),
		"a directory of the command line");
	is(location.importpath, "example.com/one/cmd/a", "is relative to the working directory");
	is(location.dir, "..", "and go runs for its module");
	location_release(&location);
	workspace_release(&ws);
}

int main(void)
{
	unsetenv("GOWORK");
	tempdir_enter();
	test_one_module();
	test_inputs();
	test_nested();
	test_many();
	test_none();
	test_work();
	test_command_line();
	return done();
}
