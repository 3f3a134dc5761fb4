#include "layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/environment.h"
#include "base/file.h"
#include "base/mem.h"
#include "formats/fingerprint.h"
#include "formats/static.h"
#include "platforms.h"
#include "settle.h"

static char *short_fingerprint(const char *text)
{
	char full[FINGERPRINT_SIZE];

	fingerprint_of(text, strlen(text), full);
	return xstrndup(full, 8);
}

static void add_field(struct buf *text, const json_t *record, const char *key)
{
	const json_t *value = json_object_get(record, key);
	scratch char *json = value ? json_text(value, NULL) : xstrdup("null");

	buf_addf(text, "%s\n", json);
}

/* The fields that make two records' programs different to go, platforms included. */
static char *group_id(const json_t *record)
{
	static const char *const fields[] = { "dir", "flags", "ldflags", "env", "platforms",
		"debugger" };
	cleanup(buf_release) struct buf text = { 0 };

	for (size_t i = 0; i < countof(fields); i++)
		add_field(&text, record, fields[i]);
	return short_fingerprint(buf_str(&text));
}

static struct group *find_group(struct layout *layout, const json_t *record)
{
	scratch char *id = group_id(record);
	struct group *group;

	for (size_t i = 0; i < layout->group_count; i++) {
		if (!strcmp(layout->groups[i].id, id))
			return &layout->groups[i];
	}
	grow(layout->groups, layout->group_count, layout->group_cap);
	group = &layout->groups[layout->group_count++];
	*group = (struct group){ .id = steal(&id) };
	record_platforms(record, &group->platforms);
	return group;
}

static char *base_id(const json_t *record)
{
	cleanup(strs_release) struct strs words = { 0 };

	settle_wanted(record, &words);
	return platforms_base_id(record_get(record, "base"), &words);
}

const struct base *layout_base(const struct layout *layout, const json_t *record)
{
	scratch char *id = base_id(record);

	for (size_t i = 0; i < layout->base_count; i++) {
		if (!strcmp(layout->bases[i].id, id))
			return &layout->bases[i];
	}
	return NULL;
}

static void add_base(struct layout *layout, const json_t *record)
{
	struct base *base;

	if (layout_base(layout, record))
		return;
	grow(layout->bases, layout->base_count, layout->base_cap);
	base = &layout->bases[layout->base_count++];
	*base = (struct base){ .id = base_id(record), .reference = record_get(record, "base") };
	settle_wanted(record, &base->wanted);
	base->decides =
		strcmp(base->reference, STATIC_REFERENCE) && json_object_get(record, "wanted");
}

char *layout_path(
	const struct layout *layout, const char *name, const char *platform, const char *suffix)
{
	scratch char *slug =
		xasprintf("%s%s.%s", platform ? "." : "", platform ? platform : "", suffix);
	scratch char *file = NULL;

	for (char *p = slug; *p; p++) {
		if (*p == '/' || *p == ':')
			*p = '-';
	}
	file = xasprintf("%s%s", name, slug);
	return path_join(layout->dir, file);
}

char *group_title(const struct group *group, const char *platform)
{
	size_t n = records_count(&group->records);
	struct buf text = { 0 };

	for (size_t i = 0; i < n && i < 4; i++)
		buf_addf(&text, "%s%s", i ? ", " : "",
			record_get(records_at(&group->records, i), "name"));
	if (n > 4)
		buf_addf(&text, " and %zu more", n - 4);
	buf_addf(&text, " for %s", platform);
	return buf_detach(&text);
}

static int write_manifest_list(
	const struct layout *layout, const struct plan *plan, struct err *err)
{
	scratch char *path = path_join(layout->dir, "manifests");
	scratch char *contents = path_join(layout->dir, "contents");
	cleanup(buf_release) struct buf text = { 0 };

	for (size_t i = 0; i < plan->manifests.n; i++)
		buf_addf(&text, "%s\n", plan->manifests.v[i]);
	if (file_save(path, buf_str(&text), text.len, err) < 0)
		return -1;
	return file_save(contents, buf_str(&plan->contents), plan->contents.len, err) < 0 ? -1 : 0;
}

/* A file that is there when the graph has to be made anew each time. */
static int write_volatile(const struct layout *layout, const struct plan *plan, struct err *err)
{
	scratch char *path = path_join(layout->dir, "volatile");

	if (plan->is_volatile)
		return file_save(path, "", 0, err) < 0 ? -1 : 0;
	return unlink(path) && errno != ENOENT ? err_sys(err, "%s", path) : 0;
}

static int write_records(const struct layout *layout, const struct plan *plan, struct err *err)
{
	scratch char *all = path_join(layout->dir, "scan.json");

	if (records_write(&plan->records, all, err))
		return -1;
	for (size_t i = 0; i < layout->group_count; i++) {
		scratch char *path = layout_path(layout, layout->groups[i].id, NULL, "scan.json");

		if (records_write(&layout->groups[i].records, path, err))
			return -1;
	}
	return write_manifest_list(layout, plan, err) || write_volatile(layout, plan, err) ? -1 : 0;
}

int layout_make(struct layout *layout, const struct plan *plan, const char *file, struct err *err)
{
	*layout = (struct layout){ .dir = path_dir(file) };
	for (size_t i = 0; i < records_count(&plan->records); i++) {
		json_t *record = records_at(&plan->records, i);
		json_t *copy = json_deep_copy(record);

		json_object_del(copy, "found");
		records_add(&find_group(layout, record)->records, copy);
		add_base(layout, record);
	}
	return write_records(layout, plan, err);
}

int layout_check_environment(struct err *err)
{
	cleanup(strs_release) struct strs settings = { 0 };

	environment_settings(&settings);
	for (size_t i = 0; i < settings.n; i++) {
		if (strchr(settings.v[i], '\n'))
			return err_set(err, ERR_USAGE,
				"%.*s: has a line break, which no graph can hold; put it into "
				"ko.yaml",
				(int)strcspn(settings.v[i], "="), settings.v[i]);
	}
	return 0;
}

void layout_release(struct layout *layout)
{
	for (size_t i = 0; i < layout->group_count; i++) {
		free(layout->groups[i].id);
		records_release(&layout->groups[i].records);
		strs_release(&layout->groups[i].platforms);
	}
	for (size_t i = 0; i < layout->base_count; i++) {
		free(layout->bases[i].id);
		strs_release(&layout->bases[i].wanted);
	}
	free(layout->groups);
	free(layout->bases);
	free(layout->dir);
	*layout = (struct layout){ 0 };
}
