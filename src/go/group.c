#include "group.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/environment.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/proc.h"
#include "formats/fingerprint.h"
#include "goflags.h"

#define GOENV_LIMIT ((size_t)1 << 20)

void go_default_platforms(struct strs *platforms)
{
	const char *os = getenv("GOOS"), *arch = getenv("GOARCH");
	const char *wanted = getenv("KO_DEFAULTPLATFORMS");

	strs_split(platforms, wanted ? wanted : "", ", ");
	if (!platforms->n && os && arch && *os && *arch)
		strs_take(platforms, xasprintf("%s/%s", os, arch));
	else if (!platforms->n)
		strs_add(platforms, "linux/amd64");
}

bool go_knows_platform(const struct platform *platform)
{
	static const char *const ports[] = { "linux/386", "linux/amd64", "linux/arm", "linux/arm64",
		"linux/loong64", "linux/mips", "linux/mips64", "linux/mips64le", "linux/mipsle",
		"linux/ppc64", "linux/ppc64le", "linux/riscv64", "linux/s390x", "windows/386",
		"windows/amd64", "windows/arm64", "freebsd/386", "freebsd/amd64", "freebsd/arm",
		"freebsd/arm64" };
	scratch char *port = xasprintf("%s/%s", platform->os, platform->arch);

	for (size_t i = 0; i < countof(ports); i++) {
		if (!strcmp(ports[i], port))
			return true;
	}
	return false;
}

/* "v5" to "v7"; what is newer runs what was made for v7, for older ones there is no GOARM. */
static int add_arm(struct strs *env, const char *variant, const char *platform, struct err *err)
{
	if (variant[0] != 'v' || !variant[1] || variant[2] || variant[1] < '0' || variant[1] > '9')
		return err_set(err, ERR_USAGE,
			"%s: strange arm variant: %s; v5, v6 or v7 is wanted", platform, variant);
	if (variant[1] >= '5')
		strs_take(env, xasprintf("GOARM=%c", variant[1] > '7' ? '7' : variant[1]));
	return 0;
}

int go_platform_environment(struct strs *env, const char *text, struct err *err)
{
	struct platform platform;

	if (platform_parse(&platform, text, err))
		return -1;
	if (!*platform.arch)
		return err_set(err, ERR_USAGE,
			"\"%s\" is not a platform; os/arch[/variant], such as linux/arm64, is "
			"wanted",
			text);
	if (!getenv("CGO_ENABLED"))
		strs_add(env, "CGO_ENABLED=0");
	strs_take(env, xasprintf("GOOS=%s", platform.os));
	strs_take(env, xasprintf("GOARCH=%s", platform.arch));
	if (*platform.variant && !strcmp(platform.arch, "amd64"))
		strs_take(env, xasprintf("GOAMD64=%s", platform.variant));
	if (*platform.variant && !strcmp(platform.arch, "arm"))
		return add_arm(env, platform.variant, text, err);
	return 0;
}

/* A variable as the group's go commands see it; NULL: not set. */
static const char *variable(const struct strs *env, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = env->n; i > 0; i--) {
		if (!strncmp(env->v[i - 1], name, n) && env->v[i - 1][n] == '=')
			return env->v[i - 1] + n + 1;
	}
	return getenv(name);
}

static bool is_host(const struct platform *platform)
{
	static const char *const machines[][2] = { { "x86_64", "amd64" }, { "aarch64", "arm64" },
		{ "i686", "386" }, { "armv7l", "arm" }, { "ppc64le", "ppc64le" },
		{ "s390x", "s390x" }, { "riscv64", "riscv64" }, { "loongarch64", "loong64" } };
	struct utsname host;

	if (uname(&host) || strcmp(platform->os, "linux") != 0)
		return false;
	for (size_t i = 0; i < countof(machines); i++) {
		if (!strcmp(machines[i][0], host.machine))
			return !strcmp(machines[i][1], platform->arch);
	}
	return true;
}

/* TOOL=... from TOOL_FOR_linux_arm64=..., which is what go's own build calls it. */
static void add_compiler(struct strs *env, const struct platform *platform, const char *tool)
{
	scratch char *name = xasprintf("%s_FOR_%s_%s", tool, platform->os, platform->arch);
	const char *value = variable(env, name);

	if (value && *value)
		strs_take(env, xasprintf("%s=%s", tool, value));
}

/* cgo needs a C compiler for the platform; the host's makes errors that nobody understands. */
static int set_up_cgo(struct strs *env, const char *text, struct err *err)
{
	const char *enabled = variable(env, "CGO_ENABLED"), *cc;
	struct platform platform;

	if (platform_parse(&platform, text, err))
		return -1;
	if (!enabled || !strcmp(enabled, "0"))
		return 0;
	add_compiler(env, &platform, "CC");
	add_compiler(env, &platform, "CXX");
	cc = variable(env, "CC");
	if (is_host(&platform) || (cc && *cc))
		return 0;
	return err_set(err, ERR_USAGE,
		"%s: CGO_ENABLED=%s, but no C compiler for this platform is named; set "
		"CC_FOR_%s_%s, or CGO_ENABLED=0",
		text, enabled, platform.os, platform.arch);
}

/* os.UserConfigDir of Go. */
char *go_settings_file(void)
{
	const char *file = getenv("GOENV"), *config = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	scratch char *path = NULL;

	if (file && *file)
		path = strcmp(file, "off") ? xstrdup(file) : NULL;
	else if (config && *config)
		path = xasprintf("%s/go/env", config);
	else if (home && *home)
		path = xasprintf("%s/.config/go/env", home);
	return path && file_exists(path) ? steal(&path) : NULL;
}

/* All places from which go takes flags. */
static int check_inherited(const struct go_group *group, struct err *err)
{
	cleanup(strs_release) struct strs lines = { 0 };
	cleanup(buf_release) struct buf text = { 0 };
	scratch char *file = go_settings_file();
	struct err ignored;

	if (goflags_check_text(getenv("GOFLAGS"), "GOFLAGS", err))
		return -1;
	for (size_t i = 0; i < group->env.n; i++) {
		if (starts_with(group->env.v[i], "GOFLAGS=") &&
			goflags_check_text(group->env.v[i] + strlen("GOFLAGS="), "GOFLAGS", err))
			return -1;
	}
	if (!file || file_read_if_exists(file, GOENV_LIMIT, &text, &ignored))
		return 0;
	strs_split(&lines, buf_str(&text), "\n");
	for (size_t i = 0; i < lines.n; i++) {
		if (starts_with(lines.v[i], "GOFLAGS=") &&
			goflags_check_text(lines.v[i] + strlen("GOFLAGS="), file, err))
			return -1;
	}
	return 0;
}

static const json_t *platform_entry(const json_t *record, const char *platform)
{
	const json_t *entry;
	size_t i;

	json_array_foreach (json_object_get(record, "platforms"), i, entry) {
		const char *own = record_get(entry, "platform");

		if (own && !strcmp(own, platform))
			return entry;
	}
	return NULL;
}

/* The record, or its entry for the platform where this has a field of its own. */
static const json_t *owner(const json_t *record, const char *platform, const char *key)
{
	const json_t *entry = platform_entry(record, platform);

	return json_object_get(entry, key) ? entry : record;
}

static int set_flags(struct go_group *group, const json_t *record, struct err *err)
{
	const char *goflags = record_get(record, "module") ? NULL : getenv("KO_GOFLAGS");
	cleanup(strs_release) struct strs ldflags = { 0 };
	cleanup(buf_release) struct buf joined = { 0 };

	record_strings(owner(record, group->platform, "flags"), "flags", &group->flags);
	if (goflags_check(&group->flags, record_title(record), err))
		return -1;
	if (goflags && goflags_split(&group->flags, goflags, "KO_GOFLAGS", err))
		return -1;
	record_strings(owner(record, group->platform, "ldflags"), "ldflags", &ldflags);
	for (size_t i = 0; i < ldflags.n; i++)
		buf_addf(&joined, "%s%s", i ? " " : "", ldflags.v[i]);
	if (ldflags.n)
		strs_take(&group->flags, xasprintf("-ldflags=%s", buf_str(&joined)));
	return goflags_check(&group->flags, "KO_GOFLAGS", err) || check_inherited(group, err) ? -1
											      : 0;
}

static bool same_fields(const json_t *a, const json_t *b, const char *platform)
{
	static const char *const fields[] = { "dir", "flags", "ldflags", "env" };

	for (size_t i = 0; i < countof(fields); i++) {
		const char *key = fields[i];
		const json_t *x = json_object_get(owner(a, platform, key), key);
		const json_t *y = json_object_get(owner(b, platform, key), key);

		if (x != y && !json_equal(x, y))
			return false;
	}
	return true;
}

static struct go_group *find_group(
	struct go_groups *groups, const json_t *record, const char *platform)
{
	for (size_t i = 0; i < groups->n; i++) {
		if (same_fields(records_at(&groups->v[i].records, 0), record, platform))
			return &groups->v[i];
	}
	grow(groups->v, groups->n, groups->cap);
	groups->v[groups->n] = (struct go_group){ 0 };
	return &groups->v[groups->n++];
}

int go_groups_make(struct go_groups *groups, const struct records *records, const char *platform,
	const char *builddir, const struct records *found, struct err *err)
{
	for (size_t i = 0; i < records_count(records); i++) {
		json_t *record = records_at(records, i);
		const char *dir = record_get(record, "dir");
		struct go_group *group;

		if (!platform_entry(record, platform))
			continue;
		group = find_group(groups, record, platform);
		if (!record_need(record, "importpath", err))
			return -1;
		if (!group->dir) {
			group->dir = dir ? dir : ".";
			group->platform = platform;
			group->builddir = builddir;
			group->found = found;
			if (go_platform_environment(&group->env, platform, err))
				return -1;
			record_strings(record, "env", &group->env);
			if (set_up_cgo(&group->env, platform, err))
				return err_prefix(err, "%s", record_title(record));
			if (set_flags(group, record, err))
				return -1;
		}
		records_add(&group->records, json_incref(record));
	}
	return 0;
}

void go_groups_release(struct go_groups *groups)
{
	for (size_t i = 0; i < groups->n; i++) {
		strs_release(&groups->v[i].flags);
		strs_release(&groups->v[i].env);
		records_release(&groups->v[i].records);
	}
	free(groups->v);
	*groups = (struct go_groups){ 0 };
}

/* Variables that go, its compilers and linkers obey: those of ko are in flags and env by now. */
static void add_settings(struct buf *text, const struct go_group *group)
{
	cleanup(strs_release) struct strs settings = { 0 };
	const char *cgo = variable(&group->env, "CGO_ENABLED");
	bool has_cgo = cgo && strcmp(cgo, "0");

	environment_settings(&settings);
	for (size_t i = 0; i < settings.n; i++) {
		const char *setting = settings.v[i];

		if (starts_with(setting, "KO_") || starts_with(setting, "COSIGN_") ||
			(starts_with(setting, "SOURCE_DATE_EPOCH=") && !has_cgo))
			continue;
		buf_addf(text, "%s\n", setting);
	}
}

static void add_all(struct buf *text, const struct strs *strs)
{
	for (size_t i = 0; i < strs->n; i++)
		buf_addf(text, "%s\n", strs->v[i]);
}

char *go_group_dir(const struct go_group *group)
{
	cleanup(buf_release) struct buf text = { 0 };
	scratch char *go = proc_find("go");
	scratch char *file = go_settings_file();
	char print[FINGERPRINT_SIZE];

	scratch char *store = path_absolute(group->builddir);
	scratch char *inside = path_relative(store);

	buf_addf(&text, "%s\n%s\n%s\n%s\n", group->dir, group->platform, go ? go : "",
		file ? file : "");
	/* Two trees may share a build directory that is in neither. */
	if (*inside == '/') {
		scratch char *cwd = path_absolute(".");

		buf_addf(&text, "%s\n", cwd);
	}
	add_all(&text, &group->flags);
	add_all(&text, &group->env);
	add_settings(&text, group);
	fingerprint_of(text.data, text.len, print);
	return xasprintf("%s/go/%.16s", group->builddir, print);
}
