#include "inputs/gomod.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/proc.h"
#include "tap.h"
#include "tempdir.h"

static const char full[] = "// a comment\n"
			   "module \"example.com/my app\" // quoted\r\n"
			   "\n"
			   "go 1.21.0\n"
			   "toolchain go1.22.1\n"
			   "require example.com/one v1.0.0\n"
			   "require (\n"
			   "\texample.com/two/v2 v2.3.4 // indirect\n"
			   "\n"
			   "\t// alone\n"
			   "\t\"example.com/three\" v0.0.0-20200101000000-abcdefabcdef\n"
			   ")\n"
			   "replace example.com/one => ./local/one\n"
			   "replace (\n"
			   "\texample.com/two/v2 v2.3.4 => example.com/fork/v2 v2.3.5\n"
			   "\texample.com/three => ../three\n"
			   ")\n"
			   "exclude example.com/one v0.9.0\n"
			   "retract [v0.1.0, v0.2.0]\n"
			   "retract (\n"
			   ")\n"
			   "exclude ()";

static const char work[] = "go 1.21\n"
			   "use .\n"
			   "use (\n"
			   "\t./tools // the tools\n"
			   "\t\"./with space\"\n"
			   ")\n"
			   "replace example.com/one v1.0.0 => ./one\n";

/* What "go mod edit -json" says, as text with sorted keys of what we keep. */
static char *ours(const struct gomod *mod)
{
	json_t *all = json_object();
	json_t *requires = json_array(), *replaces = json_array(), *uses = json_array();
	char *text;

	for (size_t i = 0; i < mod->n_requires; i++)
		json_array_append_new(requires,
			json_pack("[ss]", mod->requires[i].path, mod->requires[i].version));
	for (size_t i = 0; i < mod->n_replaces; i++)
		json_array_append_new(replaces,
			json_pack("[ss?ss?]", mod->replaces[i].path, mod->replaces[i].version,
				mod->replaces[i].target, mod->replaces[i].target_version));
	for (size_t i = 0; i < mod->uses.n; i++)
		json_array_append_new(uses, json_string(mod->uses.v[i]));
	json_object_set_new(all, "module", json_pack("s?", mod->module));
	json_object_set_new(all, "go", json_pack("s?", mod->go));
	json_object_set_new(all, "toolchain", json_pack("s?", mod->toolchain));
	json_object_set_new(all, "require", requires);
	json_object_set_new(all, "replace", replaces);
	json_object_set_new(all, "use", uses);
	text = json_dumps(all, JSON_SORT_KEYS);
	json_decref(all);
	return text;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text && *text ? text : NULL;
}

static char *theirs(const json_t *json)
{
	json_t *all = json_object();
	json_t *requires = json_array(), *replaces = json_array(), *uses = json_array();
	json_t *item;
	size_t i;
	char *text;

	json_array_foreach (json_object_get(json, "Require"), i, item)
		json_array_append_new(requires,
			json_pack("[ss]", text_of(item, "Path"), text_of(item, "Version")));
	json_array_foreach (json_object_get(json, "Replace"), i, item) {
		const json_t *old = json_object_get(item, "Old"),
			     *new = json_object_get(item, "New");

		json_array_append_new(replaces,
			json_pack("[ss?ss?]", text_of(old, "Path"), text_of(old, "Version"),
				text_of(new, "Path"), text_of(new, "Version")));
	}
	json_array_foreach (json_object_get(json, "Use"), i, item)
		json_array_append_new(uses, json_string(text_of(item, "DiskPath")));
	json_object_set_new(
		all, "module", json_pack("s?", text_of(json_object_get(json, "Module"), "Path")));
	json_object_set_new(all, "go", json_pack("s?", text_of(json, "Go")));
	json_object_set_new(all, "toolchain", json_pack("s?", text_of(json, "Toolchain")));
	json_object_set_new(all, "require", requires);
	json_object_set_new(all, "replace", replaces);
	json_object_set_new(all, "use", uses);
	text = json_dumps(all, JSON_SORT_KEYS);
	json_decref(all);
	return text;
}

/* What go says about a file, NULL when it refuses. */
static char *ask_go(const char *what, const char *file)
{
	const char *argv[] = { "go", what, "edit", "-json", file, NULL };
	cleanup(buf_release) struct buf out = { 0 }, talk = { 0 };
	struct proc proc = { .argv = argv, .output = &out, .messages = &talk };
	struct err err;
	json_t *json;
	char *text;

	if (proc_run(&proc, &err))
		return NULL;
	json = json_loads(buf_str(&out), 0, NULL);
	text = theirs(json);
	json_decref(json);
	return text;
}

static char *ask_us(enum gomod_kind kind, const char *text)
{
	struct gomod mod = { 0 };
	struct err err = { 0 };
	char *said = NULL;

	if (!gomod_parse(&mod, kind, "f", text, strlen(text), &err))
		said = ours(&mod);
	else
		printf("# %s\n", err.text);
	gomod_release(&mod);
	return said;
}

/* Texts that we and the go command must judge and read alike. */
static const char *const mods[] = {
	full,
	"module m",
	"module m\nrequire (\n\ta.com/x v1.0.0 // indirect\n)",
	"module\tm\r\ngo 1.20\r\n",
	"module (\n\tm\n)\n",
	"module m // x\n// y\n",
	"module a.com/b//c\n",
	"module m\nrequire (\n a.com/x v1.0.0\n",
	"module m\nrequire (\n a.com/x v1.0.0\n) x\n",
	"module m\nrequire a.com/x\n",
	"module m\nrequire a.com/x v1.0.0 v2\n",
	"module m\nmodule n\n",
	"module m n\n",
	"module \"m\n",
	"module `m`\n",
	"module a\"b\n",
	"module m /* c */\n",
	"module m\nreplace a.com/x => b\n",
	"module m\nreplace a.com/x v1.0.0 => ./b\n",
	"module m\nreplace a.com/x ./b\n",
	"module m\ngo 1.20\ngo 1.21\n",
	"module m\ngo\n",
	"module m\n)\n",
	"module m\x01\n",
	"module m\nrequire a.com/x(b) v1.0.0\n",
	"module m\nrequire(\na.com/x v1.0.0\n)\n",
	"module m\nrequire ( // c\na.com/x v1.0.0\n) // d\n",
	"module m\nrequire x (\n)\n",
};

static const char *const works[] = {
	work,
	"go 1.20\n",
	"use ./a\nuse ./b",
	"go 1.20\nuse (\n ./a\n",
	"go 1.20\nuse ./a ./b\n",
	"go 1.20\nuse\n",
	"go 1.20\nuse \"./a \\\"b\\\" \\\\c\"\n",
};

static void compare(enum gomod_kind kind, const char *text, const char *name)
{
	const char *file = kind == GOMOD_MOD ? "go.mod" : "go.work";
	scratch char *go = NULL;
	scratch char *we = ask_us(kind, text);

	put(file, text);
	go = ask_go(kind == GOMOD_MOD ? "mod" : "work", file);
	is(we, go, name);
}

static void test_against_go(void)
{
	scratch char *go = proc_find("go");

	if (!go) {
		ok(1, "no go command to compare with # SKIP");
		return;
	}
	for (size_t i = 0; i < countof(mods); i++)
		compare(GOMOD_MOD, mods[i], mods[i] == full ? "all directives" : "a go.mod");
	for (size_t i = 0; i < countof(works); i++)
		compare(GOMOD_WORK, works[i], "a go.work");
}

static void test_fields(void)
{
	struct gomod mod = { 0 };
	struct err err = { 0 };

	ok(!gomod_parse(&mod, GOMOD_MOD, "go.mod", full, sizeof full - 1, &err), "is read");
	is(mod.module, "example.com/my app", "module path");
	ok(mod.module_line == 2, "its line");
	ok(mod.n_requires == 3 && mod.n_replaces == 3, "requirements and replacements");
	ok(!mod.replaces[0].target_version, "a directory has no version");
	gomod_release(&mod);
}

/* Where an error is, and a word of it. */
static const struct {
	const char *text, *error;
} broken[] = {
	{ "\n\nmodule\n", "d/go.mod:3: \"module\" takes one argument" },
	{ "go 1.21\n", "d/go.mod: has no \"module\" line; \"go mod edit -module PATH\" adds it" },
	{ "module m\nrequire (\n\n\n", "d/go.mod:2: the block opened here is not closed" },
	{ "module m\nmodule n\n", "d/go.mod:2: a second \"module\" line" },
	{ "module \"\"\n", "d/go.mod:1: the module path is empty" },
};

static void test_errors(void)
{
	for (size_t i = 0; i < countof(broken); i++) {
		struct gomod mod = { 0 };
		struct err err = { 0 };

		ok(gomod_parse(&mod, GOMOD_MOD, "d/go.mod", broken[i].text, strlen(broken[i].text),
			   &err) == -1 &&
				err.class == ERR_INPUT,
			"is refused");
		is(err.text, broken[i].error, "with place and reason");
	}
}

int main(void)
{
	tempdir_enter();
	test_fields();
	test_errors();
	test_against_go();
	return done();
}
