#include "group.h"

#include <stdlib.h>
#include <string.h>

#include "base/environment.h"
#include "base/mem.h"
#include "base/proc.h"
#include "goflags.h"

char *go_default_platform(void)
{
	const char *os = getenv("GOOS"), *arch = getenv("GOARCH");

	return os && arch && *os && *arch ? xasprintf("%s/%s", os, arch) : xstrdup("linux/amd64");
}

/* GOOS, GOARCH and what a variant says (ko's mapping); CGO_ENABLED unless the user has set it. */
static void platform_environment(struct strs *env, const char *platform)
{
	cleanup(strs_release) struct strs parts = { 0 };

	strs_split(&parts, platform, "/");
	if (!getenv("CGO_ENABLED"))
		strs_add(env, "CGO_ENABLED=0");
	if (parts.n < 2)
		return;
	strs_take(env, xasprintf("GOOS=%s", parts.v[0]));
	strs_take(env, xasprintf("GOARCH=%s", parts.v[1]));
	if (parts.n > 2 && !strcmp(parts.v[1], "arm"))
		strs_take(env, xasprintf("GOARM=%s", parts.v[2] + (parts.v[2][0] == 'v')));
	if (parts.n > 2 && !strcmp(parts.v[1], "amd64"))
		strs_take(env, xasprintf("GOAMD64=%s", parts.v[2]));
}

static int set_flags(struct go_group *group, const json_t *record, struct err *err)
{
	const char *goflags = getenv("KO_GOFLAGS"), *inherited = getenv("GOFLAGS");
	cleanup(strs_release) struct strs ldflags = { 0 };
	cleanup(strs_release) struct strs refused = { 0 };
	cleanup(buf_release) struct buf joined = { 0 };

	record_strings(record, "flags", &group->flags);
	if (goflags && goflags_split(&group->flags, goflags, "KO_GOFLAGS", err))
		return -1;
	record_strings(record, "ldflags", &ldflags);
	for (size_t i = 0; i < ldflags.n; i++)
		buf_addf(&joined, "%s%s", i ? " " : "", ldflags.v[i]);
	if (ldflags.n)
		strs_take(&group->flags, xasprintf("-ldflags=%s", buf_str(&joined)));
	if (inherited && goflags_split(&refused, inherited, "GOFLAGS", err))
		return -1;
	return goflags_check(&group->flags, "flags for go build", err) ||
			goflags_check(&refused, "GOFLAGS", err)
		? -1
		: 0;
}

static bool same_fields(const json_t *a, const json_t *b)
{
	static const char *const fields[] = { "dir", "flags", "ldflags", "env" };

	for (size_t i = 0; i < countof(fields); i++) {
		const json_t *x = json_object_get(a, fields[i]), *y = json_object_get(b, fields[i]);

		if (x != y && !json_equal(x, y))
			return false;
	}
	return true;
}

static struct go_group *find_group(struct go_groups *groups, const json_t *record)
{
	for (size_t i = 0; i < groups->n; i++) {
		if (same_fields(records_at(&groups->v[i].records, 0), record))
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
		struct go_group *group = find_group(groups, record);
		const char *dir = record_get(record, "dir");

		if (!record_need(record, "importpath", err))
			return -1;
		if (!group->dir) {
			group->dir = dir ? dir : ".";
			group->platform = platform;
			group->builddir = builddir;
			group->found = found;
			platform_environment(&group->env, platform);
			record_strings(record, "env", &group->env);
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

static void add_all(struct buf *text, const struct strs *strs)
{
	for (size_t i = 0; i < strs->n; i++)
		buf_addf(text, "%s\n", strs->v[i]);
}

char *go_group_dir(const struct go_group *group)
{
	cleanup(buf_release) struct buf text = { 0 };
	cleanup(strs_release) struct strs settings = { 0 };
	scratch char *go = proc_find("go");
	char print[FINGERPRINT_SIZE];

	buf_addf(&text, "%s\n%s\n%s\n", group->dir, group->platform, go ? go : "");
	add_all(&text, &group->flags);
	add_all(&text, &group->env);
	environment_settings(&settings);
	add_all(&text, &settings);
	fingerprint_of(text.data, text.len, print);
	return xasprintf("%s/go/%.16s", group->builddir, print);
}
