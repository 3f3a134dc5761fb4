#include "target.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const char *destination(const json_t *record, const char *option)
{
	const char *repo = option ? option : record_get(record, "repository");

	if (!repo || (!*repo && !option))
		repo = getenv("KO_DOCKER_REPO");
	return repo ? repo : "";
}

static int set_ref(struct target *target, const json_t *record, const char *repo, struct err *err)
{
	bool bare = json_is_true(json_object_get(record, "bare"));
	const char *name = record_need(record, "name", err);
	struct image_ref prefix = { 0 };
	int result;

	if (!name)
		return -1;
	target->place = ref_place(repo);
	if (target->place == REF_STORE) {
		target->ref.name = xasprintf("ko.local/%s", name);
		return 0;
	}
	result = ref_parse_prefix(&prefix, "KO_DOCKER_REPO", repo, err) ||
		ref_under(&target->ref, &prefix, bare ? "" : name, err);
	ref_release(&prefix);
	return result ? -1 : 0;
}

static int add_tag(struct target *target, const char *tag, struct err *err)
{
	if (*tag && !ref_tag_valid(tag))
		return err_set(err, ERR_USAGE,
			"\"%s\" is not a tag: letters, digits and ._- are, 128 of them at most",
			tag);
	if (*tag && !strs_has(&target->tags, tag))
		strs_add(&target->tags, tag);
	return 0;
}

static int set_tags(
	struct target *target, const json_t *record, const struct strs *tags, struct err *err)
{
	cleanup(strs_release) struct strs own = { 0 };

	if (!tags || !tags->n) {
		record_strings(record, "tags", &own);
		tags = &own;
	}
	for (size_t i = 0; i < tags->n; i++) {
		if (add_tag(target, tags->v[i], err))
			return -1;
	}
	return tags->n ? 0 : add_tag(target, "latest", err);
}

int target_make(struct target *target, const json_t *record, const char *repo,
	const struct strs *tags, bool tag_only, struct err *err)
{
	if (set_ref(target, record, destination(record, repo), err) ||
		set_tags(target, record, tags, err))
		return -1;
	target->tag_only = tag_only && target->place == REF_REGISTRY;
	if (target->tag_only && (target->tags.n != 1 || !strcmp(target->tags.v[0], "latest")))
		return err_set(err, ERR_USAGE,
			"--tag-only needs exactly one tag, and not latest: the reference would not "
			"say which image is meant");
	return 0;
}

void target_release(struct target *target)
{
	ref_release(&target->ref);
	strs_release(&target->tags);
}

char *target_reference(const struct target *target, bool tagged, const char *digest)
{
	const char *tag = target->tags.n == 1 ? target->tags.v[0] : "latest";

	if (target->tag_only && tagged)
		return xasprintf("%s:%s", target->ref.name, tag);
	if (target->place == REF_REGISTRY && tagged && strcmp(tag, "latest") != 0)
		return xasprintf("%s:%s@%s", target->ref.name, tag, digest);
	return xasprintf("%s@%s", target->ref.name, digest);
}

bool target_take_tag(const struct target *target, const char *tag, struct strs *taken)
{
	scratch char *name = xasprintf("%s:%s", target->ref.name, tag);

	if (strs_has(taken, name))
		return false;
	strs_take(taken, steal(&name));
	return true;
}

static void list_platforms(const json_t *record, const char *name, struct buf *text)
{
	const char *top = record_get(json_object_get(record, "image"), "digest");
	const json_t *entry;
	size_t i;

	json_array_foreach (json_object_get(record, "platforms"), i, entry) {
		const char *digest = record_get(json_object_get(entry, "manifest"), "digest");

		if (digest && top && strcmp(digest, top) != 0)
			buf_addf(text, "%s@%s\n", name, digest);
	}
}

int target_list(const struct records *records, struct buf *text, struct err *err)
{
	for (size_t i = 0; i < records_count(records); i++) {
		const json_t *record = records_at(records, i);
		cleanup(ref_release) struct image_ref parts = { 0 };
		const char *ref = record_need(record, "ref", err);

		if (!ref || ref_parse(&parts, ref, err))
			return -1;
		buf_addf(text, "%s\n", ref);
		list_platforms(record, parts.name, text);
	}
	return 0;
}
