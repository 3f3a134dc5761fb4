#include "inputs/config.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "tap.h"
#include "tempdir.h"

/* A setting as "value value (from)". malloced. */
static char *shown(const struct settings *settings, enum config_key key)
{
	const struct setting *setting = &settings->of[key];
	struct buf out = { 0 };

	for (size_t i = 0; i < setting->values.n; i++)
		buf_addf(&out, "[%s] ", setting->values.v[i]);
	buf_addf(&out, "(%s)", setting->from ? setting->from : "");
	return buf_detach(&out);
}

/* Checks one effective setting of a program. */
static void effective(const struct config *config, const char *importpath, enum config_key key,
	const char *want, const char *name)
{
	struct settings settings = { 0 };
	scratch char *got = NULL;

	config_for(config, importpath, &settings);
	got = shown(&settings, key);
	is(got, want, name);
	settings_release(&settings);
}

/* Loads and gives the error text, or NULL. */
static char *load_error(void)
{
	struct config config = { 0 };
	struct err err = { 0 };
	char *text = config_load(&config, &err) ? xasprintf("%d %s", err.class, err.text) : NULL;

	config_release(&config);
	return text;
}

static void refused(const char *text, const char *want, const char *name)
{
	scratch char *got = NULL;

	put(".ko.yaml", text);
	got = load_error();
	is(got, want, name);
	remove(".ko.yaml");
}

static void refused_variable(
	const char *variable, const char *text, const char *want, const char *name)
{
	scratch char *got = NULL;

	setenv(variable, text, 1);
	got = load_error();
	is(got, want, name);
	unsetenv(variable);
}

static void load(struct config *config)
{
	struct err err = { 0 };

	if (!ok(!config_load(config, &err), "loads"))
		printf("# %s\n", err.text);
}

static void test_built_in(void)
{
	struct config config = { 0 };

	load(&config);
	ok(!config.file, "without any file");
	effective(&config, "m/a", CONFIG_BASEIMAGE, "[ko.local/static] (built in)", "base");
	effective(&config, "m/a", CONFIG_PLATFORMS, "[linux/amd64] (built in)", "platform");
	effective(&config, "m/a", CONFIG_NAMING, "[last] (built in)", "naming");
	effective(&config, NULL, CONFIG_TAGS, "[latest] (built in)", "tags");
	effective(&config, NULL, CONFIG_FLAGS, "()", "no flags");
	ok(strs_has(&config.absent, ".ko.yaml") && strs_has(&config.absent, "ko.yaml") &&
			strs_has(&config.absent, "../ko.yaml"),
		"the places where one may appear are known");
	config_release(&config);
}

/* ko's own documented example, and then some. */
static const char ko_yaml[] = "defaultBaseImage: ghcr.io/me/base:1\n"
			      "baseimageoverrides:\n"
			      "  example.com/M/CMD/a: ghcr.io/me/special\n"
			      "defaultPlatforms: linux/arm64,linux/amd64\n"
			      "defaultEnv:\n"
			      "- GOPROXY=off\n"
			      "defaultFlags: -a -v\n"
			      "defaultLdflags:\n"
			      "- -s\n"
			      "builds:\n"
			      "- id: a\n"
			      "  main: ./cmd/a\n"
			      "  env: [GOFLAGS=-mod=mod]\n"
			      "  flags:\n"
			      "  - -tags\n"
			      "  - netgo\n"
			      "  ldflags: -s -w -X main.v={{.Env.VERSION}}\n"
			      "  linux_capabilities: net_bind_service chown\n"
			      "  labels: {team: a, level: 2}\n"
			      "  tags: [v1, '{{.Git.Tag}}']\n"
			      "  repository: ghcr.io/a\n"
			      "  naming: md5\n"
			      "- dir: sub\n"
			      "  main: cmd/b/main.go\n"
			      "  user: 65532\n"
			      "defaultLabels:\n"
			      "  team: all\n"
			      "  site: x\n"
			      "repository: ghcr.io/all\n"
			      "annotations: [a=b]\n"
			      "containerEnv: {LOG: debug, EMPTY: }\n"
			      "user: nobody\n";

static void test_file(void)
{
	struct config config = { 0 };
	struct settings settings = { 0 };

	put("go.mod", "module example.com/m\n");
	put("cmd/a/main.go", "package main\n");
	put("sub/go.mod", "module example.com/sub\n");
	put("sub/cmd/b/main.go", "package main\n");
	put(".ko.yaml", ko_yaml);
	load(&config);
	is(config.file, ".ko.yaml", "the file");
	ok(config.n == 2, "two builds entries");
	is(config.builds[0].importpath, "example.com/m/cmd/a", "the program of the first");
	is(config.builds[1].importpath, "example.com/sub/cmd/b", "and of the second, by a file");
	ok(strs_has(&config.files, ".ko.yaml") && strs_has(&config.files, "sub/go.mod"),
		"all files that were read are known");
	effective(&config, "example.com/m/cmd/a", CONFIG_BASEIMAGE,
		"[ghcr.io/me/special] (.ko.yaml:3)", "override, case aside");
	effective(
		&config, "x", CONFIG_BASEIMAGE, "[ghcr.io/me/base:1] (.ko.yaml:1)", "default base");
	effective(&config, "x", CONFIG_PLATFORMS, "[linux/arm64] [linux/amd64] (.ko.yaml:4)",
		"platforms in one text");
	effective(&config, "x", CONFIG_ENV, "[GOPROXY=off] (.ko.yaml:5)", "default env");
	effective(&config, "example.com/m/cmd/a", CONFIG_ENV, "[GOFLAGS=-mod=mod] (.ko.yaml:13)",
		"env of a build replaces it");
	effective(&config, "x", CONFIG_FLAGS, "[-a] [-v] (.ko.yaml:7)", "a text becomes words");
	effective(&config, "example.com/m/cmd/a", CONFIG_FLAGS, "[-tags] [netgo] (.ko.yaml:14)",
		"flags of a build replace");
	effective(&config, "example.com/m/cmd/a", CONFIG_LDFLAGS,
		"[-s -w -X main.v={{.Env.VERSION}}] (.ko.yaml:17)", "ldflags stay one text");
	effective(&config, "example.com/sub/cmd/b", CONFIG_LDFLAGS, "[-s] (.ko.yaml:8)",
		"default ldflags where a build has none");
	effective(&config, "example.com/m/cmd/a", CONFIG_CAPABILITIES,
		"[net_bind_service] [chown] (.ko.yaml:18)", "capabilities");
	effective(&config, "example.com/m/cmd/a", CONFIG_LABELS,
		"[team=a] [site=x] [level=2] (.ko.yaml:26, .ko.yaml:19)", "labels are merged");
	effective(
		&config, "x", CONFIG_LABELS, "[team=all] [site=x] (.ko.yaml:26)", "default labels");
	effective(&config, "example.com/m/cmd/a", CONFIG_TAGS, "[v1] [{{.Git.Tag}}] (.ko.yaml:20)",
		"tags with a template");
	effective(&config, "example.com/m/cmd/a", CONFIG_REPOSITORY, "[ghcr.io/a] (.ko.yaml:21)",
		"repository of a build");
	effective(&config, "x", CONFIG_REPOSITORY, "[ghcr.io/all] (.ko.yaml:29)", "and by default");
	effective(&config, "example.com/m/cmd/a", CONFIG_NAMING, "[md5] (.ko.yaml:22)", "naming");
	effective(&config, "x", CONFIG_ANNOTATIONS, "[a=b] (.ko.yaml:30)", "a list for a map");
	effective(&config, "x", CONFIG_CONTAINERENV, "[LOG=debug] [EMPTY=] (.ko.yaml:31)",
		"environment of the container");
	effective(&config, "x", CONFIG_USER, "[nobody] (.ko.yaml:32)", "user");
	effective(&config, "example.com/sub/cmd/b", CONFIG_USER, "[65532] (.ko.yaml:25)",
		"user of a build");
	config_for(&config, "example.com/sub/cmd/b", &settings);
	is(settings.dir, "sub", "where go is run");
	settings_put(&settings, CONFIG_LABELS, "site=y", "--image-label");
	{
		scratch char *got = shown(&settings, CONFIG_LABELS);

		is(got, "[team=all] [site=y] (.ko.yaml:26, --image-label)",
			"an option adds a label");
	}
	settings_release(&settings);
	config_release(&config);
}

static void test_variables(void)
{
	struct config config = { 0 };

	setenv("KO_DEFAULTFLAGS", "-x {{ .Env.A }} -y", 1);
	setenv("KO_DEFAULTBASEIMAGE", "ghcr.io/v/default", 1);
	setenv("KO_DEFAULTPLATFORMS", "linux/s390x,linux/arm", 1);
	setenv("KO_DOCKER_REPO", "ghcr.io/v", 1);
	setenv("KO_GOFLAGS", "-ldflags='-s -w'", 1);
	setenv("KO_DEFAULTENV", "", 1);
	load(&config);
	effective(&config, "x", CONFIG_FLAGS, "[-x] [{{ .Env.A }}] [-y] (KO_DEFAULTFLAGS)",
		"a variable over the file; templates stay whole");
	effective(&config, "example.com/m/cmd/a", CONFIG_FLAGS, "[-tags] [netgo] (.ko.yaml:14)",
		"but not over a build");
	effective(&config, "x", CONFIG_BASEIMAGE, "[ghcr.io/v/default] (KO_DEFAULTBASEIMAGE)",
		"base");
	effective(&config, "x", CONFIG_PLATFORMS, "[linux/s390x] [linux/arm] (KO_DEFAULTPLATFORMS)",
		"platforms");
	effective(&config, "example.com/m/cmd/a", CONFIG_REPOSITORY, "[ghcr.io/v] (KO_DOCKER_REPO)",
		"KO_DOCKER_REPO over everything");
	effective(&config, "x", CONFIG_GOFLAGS, "[-ldflags='-s -w'] (KO_GOFLAGS)", "KO_GOFLAGS");
	effective(&config, "x", CONFIG_ENV, "[GOPROXY=off] (.ko.yaml:5)", "an empty one is unset");
	config_release(&config);

	setenv("KO_BASEIMAGE", "ghcr.io/v/base", 1);
	setenv("KO_BASEIMAGEOVERRIDES", "{\"Example.com/B\": \"ghcr.io/v/b\"}", 1);
	load(&config);
	effective(&config, "x", CONFIG_BASEIMAGE, "[ghcr.io/v/base] (KO_BASEIMAGE)",
		"KO_BASEIMAGE over KO_DEFAULTBASEIMAGE");
	effective(&config, "example.com/b", CONFIG_BASEIMAGE,
		"[ghcr.io/v/b] (KO_BASEIMAGEOVERRIDES)", "overrides over both");
	effective(&config, "example.com/m/cmd/a", CONFIG_BASEIMAGE,
		"[ghcr.io/v/base] (KO_BASEIMAGE)", "and instead of the file's");
	config_release(&config);

	unsetenv("KO_DEFAULTFLAGS");
	unsetenv("KO_DEFAULTBASEIMAGE");
	unsetenv("KO_DEFAULTPLATFORMS");
	unsetenv("KO_DOCKER_REPO");
	unsetenv("KO_GOFLAGS");
	unsetenv("KO_DEFAULTENV");
	unsetenv("KO_BASEIMAGE");
	unsetenv("KO_BASEIMAGEOVERRIDES");
	remove(".ko.yaml");
}

static void test_go_platform(void)
{
	struct config config = { 0 };

	setenv("GOOS", "linux", 1);
	load(&config);
	effective(&config, "x", CONFIG_PLATFORMS, "[linux/amd64] (built in)",
		"GOOS alone is nothing");
	config_release(&config);
	setenv("GOARCH", "arm", 1);
	setenv("GOARM", "7", 1);
	load(&config);
	effective(&config, "x", CONFIG_PLATFORMS, "[linux/arm/v7] (GOOS, GOARCH)", "with GOARCH");
	config_release(&config);
	unsetenv("GOOS");
	unsetenv("GOARCH");
	unsetenv("GOARM");
}

static void test_errors(void)
{
	refused("defaultBaseImag: x\n",
		"3 .ko.yaml:1: unknown key \"defaultBaseImag\"; the nearest known one is "
		"\"defaultBaseImage\"",
		"an unknown key");
	refused("\nbuilds:\n- id: a\n  ldflag: x\n",
		"3 .ko.yaml:4: unknown key \"ldflag\" in builds; the nearest known one is "
		"\"ldflags\"",
		"in builds");
	refused("defaultFlags: [a]\nDEFAULTFLAGS: [b]\n",
		"3 .ko.yaml:2: \"DEFAULTFLAGS\" is there already, in line 1",
		"case does not matter");
	refused("a: 1\na: 2\n", "3 .ko.yaml:2: \"a\" is there already, in line 1", "a key twice");
	refused("- a\n", "3 .ko.yaml:1: the file is a map of settings", "no map");
	refused("user: [a]\n", "3 .ko.yaml:1: user takes one value, not a list",
		"a list for one value");
	refused("tags: {a: b}\n", "3 .ko.yaml:1: tags takes a list, not a map", "a map for a list");
	refused("tags: [[a]]\n", "3 .ko.yaml:1: tags takes a list of texts", "lists in lists");
	refused("labels: {a: [b]}\n", "3 .ko.yaml:1: labels takes a map of texts",
		"a list as label");
	refused("builds: x\n", "3 .ko.yaml:1: builds takes a list", "builds as a text");
	refused("builds: [x]\n", "3 .ko.yaml:1: builds takes a list of maps", "builds of texts");
	refused("builds:\n- main: ./gone\n",
		"3 .ko.yaml:2: builds: there is no gone (dir and main)", "no such main");
	refused("builds:\n- main: ./go.mod\n",
		"3 .ko.yaml:2: builds: main is a directory or a .go file, which go.mod is not",
		"main that is no program");
	refused("naming: short\n",
		"3 .ko.yaml:1: naming \"short\" is not known; there are last, path, bare and md5",
		"naming");
	refused("defaultEnv: [A]\n", "3 .ko.yaml:1: env: \"A\" has no \"=\"; write NAME=VALUE",
		"environment");
	refused("tags: a b/c\n", "3 .ko.yaml:1: \"b/c\" is no tag: 1 to 128 of A-Z a-z 0-9 _ . -",
		"a tag");
	refused("defaultBaseImage: a:b:c\n",
		"3 .ko.yaml:1: image reference \"a:b:c\": \"a:b\" is no repository: its parts are "
		"a-z "
		"and 0-9, joined by \".\", \"_\", \"__\" or \"-\"",
		"a base image");
	refused("baseImageOverrides: {a: B}\n",
		"3 .ko.yaml:1: baseImageOverrides: image reference \"B\": a repository is written "
		"in "
		"lower case",
		"an override");
	refused("a: b: c\n", "3 .ko.yaml:1: mapping values are not allowed in this context",
		"no YAML");
	refused("user: a\n---\nuser: b\n",
		"3 .ko.yaml:2: a second document; a file of settings has one", "two documents");
	refused("user: *x\n", "3 .ko.yaml:1: no anchor is called \"x\"", "an alias to nothing");
	refused_variable("KO_NAMING", "x",
		"2 KO_NAMING: naming \"x\" is not known; there are last, path, bare and md5",
		"a wrong variable");
	refused_variable("KO_BASEIMAGEOVERRIDES", "[]",
		"2 KO_BASEIMAGEOVERRIDES: is no JSON object of import paths to images",
		"wrong overrides");
	refused_variable("KO_CONFIG_PATH", "gone", "2 KO_CONFIG_PATH=gone: there is no such file",
		"no such file");
	refused_variable("KO_CONFIG_PATH", "cmd", "2 KO_CONFIG_PATH=cmd: holds no .ko.yaml",
		"a directory without one");
	put(".ko.toml", "");
	refused("", "3 .ko.yaml and .ko.toml: both have settings; only one may be there",
		"two files");
	refused_variable("KO_UNUSED", "",
		"3 .ko.toml: TOML is not read; write the settings as .ko.yaml", "TOML");
	remove(".ko.toml");
}

static void test_anchors(void)
{
	struct config config = { 0 };

	put(".ko.yaml",
		"builds:\n"
		"- &one\n"
		"  main: ./cmd/a\n"
		"  flags: [-a]\n"
		"- <<: *one\n"
		"  dir: sub\n"
		"  main: ./cmd/b\n");
	load(&config);
	effective(
		&config, "example.com/sub/cmd/b", CONFIG_FLAGS, "[-a] (.ko.yaml:4)", "merge keys");
	config_release(&config);
	remove(".ko.yaml");
}

static void test_places(void)
{
	struct config config = { 0 };

	put("ko.yaml", "user: top\nbuilds:\n- main: ./cmd/a\n  user: a\n");
	put("deep/er/x", "");
	go_to("deep/er");
	load(&config);
	is(config.file, "../../ko.yaml", "ko.yaml is found upwards");
	effective(&config, "example.com/m/cmd/a", CONFIG_USER, "[a] (../../ko.yaml:4)",
		"its builds are relative to it");
	config_release(&config);
	put(".ko.yaml", "user: here\n");
	load(&config);
	effective(&config, "x", CONFIG_USER, "[here] (.ko.yaml:1)", ".ko.yaml comes first");
	config_release(&config);
	remove(".ko.yaml");
	put("../.git/HEAD", "");
	load(&config);
	ok(!config.file, "not beyond the top of a git repository");
	config_release(&config);
	setenv("KO_CONFIG_PATH", "../..", 1);
	put("cmd/a/main.go", "package main\n");
	load(&config);
	is(config.file, "../../ko.yaml", "KO_CONFIG_PATH names a directory");
	is(config.builds[0].importpath, "example.com/m/deep/er/cmd/a",
		"then builds are relative to the working directory");
	config_release(&config);
	unsetenv("KO_CONFIG_PATH");
}

static void test_owner(void)
{
	scratch char *got = NULL;

	go_to(".");
	put("foreign/ko.yaml", "user: x\n");
	put("foreign/own/x", "");
	if (chown("foreign/ko.yaml", 12345, 12345)) {
		ok(1, "only the superuser can give files away # SKIP");
		return;
	}
	go_to("foreign/own");
	got = load_error();
	is(got,
		"3 ../ko.yaml: belongs to another user; KO_CONFIG_PATH=../ko.yaml uses it all the "
		"same",
		"a file of another user, above");
}

static void clear_environment(void)
{
	cleanup(strs_release) struct strs names = { 0 };

	config_variables(&names);
	for (size_t i = 0; i < names.n; i++)
		unsetenv(names.v[i]);
}

int main(void)
{
	clear_environment();
	tempdir_enter();
	test_built_in();
	test_file();
	test_variables();
	test_go_platform();
	test_errors();
	test_anchors();
	test_places();
	test_owner();
	return done();
}
