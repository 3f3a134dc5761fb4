#include "debugger.h"

#include <stdlib.h>
#include <string.h>

#include "base/depfile.h"
#include "base/file.h"
#include "base/mem.h"
#include "build.h"

#define COMMAND "/cmd/dlv"

static bool is_version(const char *text)
{
	static const char bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789.-+";

	return *text == 'v' && text[1] && strspn(text, bytes) == strlen(text);
}

char *debugger_wanted(struct err *err)
{
	const char *version = getenv("KO_DELVE_VERSION");

	if (!version || !*version)
		version = DEBUGGER_VERSION;
	if (is_version(version))
		return xasprintf("%s@%s", DEBUGGER_MODULE, version);
	err_set(err, ERR_USAGE,
		"KO_DELVE_VERSION=%s: a version of " DEBUGGER_MODULE ", such as " DEBUGGER_VERSION
		", is wanted",
		version);
	return NULL;
}

bool debugger_supports(const char *platform)
{
	return starts_with(platform, "linux/amd64") || starts_with(platform, "linux/arm64");
}

/* A module that requires nothing but the debugger, for go to be run in. go completes it. */
static char *make_module(const char *wanted, const char *builddir, struct err *err)
{
	scratch char *path = xstrndup(wanted, strcspn(wanted, "@"));
	const char *version = wanted + strlen(path) + 1;
	scratch char *text =
		xasprintf("module ko.local/debugger\n\ngo 1.19\n\nrequire %s %s\n", path, version);
	scratch char *dir = xasprintf("%s/go/modules/%s@%s", builddir, path_base(path), version);
	scratch char *file = path_join(dir, "go.mod");

	if (file_mkdirs(dir, err) ||
		(!file_exists(file) && file_save(file, text, strlen(text), err) < 0))
		return NULL;
	return steal(&dir);
}

/* Nothing of the user's settings for their own programs counts here. */
static json_t *make_record(const char *wanted, const char *dir, const struct strs *platforms)
{
	scratch char *command = xasprintf("%.*s" COMMAND, (int)strcspn(wanted, "@"), wanted);
	json_t *record = json_pack("{s:s, s:s, s:s, s:s, s:[s], s:[s, s], s:[s, s, s], s:[]}",
		"importpath", command, "name", "dlv", "dir", dir, "module", wanted, "flags",
		"-mod=mod", "ldflags", "-s", "-w", "env", "CGO_ENABLED=0", "GOWORK=off",
		"GOFLAGS=", "platforms");

	for (size_t i = 0; i < platforms->n; i++) {
		if (debugger_supports(platforms->v[i]))
			record_platform(record, platforms->v[i]);
	}
	return record;
}

/* Gives what was made to the records that asked for it. */
static void hand_over(const struct records *records, const char *wanted, json_t *made)
{
	for (size_t i = 0; i < records_count(records); i++) {
		json_t *record = records_at(records, i), *entry, *from;
		const char *own = record_get(record, "debugger");
		size_t j, k;

		if (!own || strcmp(own, wanted) != 0)
			continue;
		json_array_foreach (json_object_get(record, "platforms"), j, entry)
			json_array_foreach (json_object_get(made, "platforms"), k, from)
				if (!strcmp(record_get(entry, "platform"),
					    record_get(from, "platform")))
					json_object_set_new(entry, "debugger",
						json_pack("{s:O, s:O}", "executable",
							json_object_get(from, "executable"), "hash",
							json_object_get(from, "hash")));
	}
}

static int build_one(const struct records *records, const char *wanted,
	const struct strs *platforms, const char *builddir, struct buf *said, struct err *err)
{
	cleanup(records_release) struct records own = { 0 };
	/* The version decides over all that is compiled: nothing of it needs to be looked at. */
	cleanup(depfile_release) struct depfile unused = { 0 };
	scratch char *dir = make_module(wanted, builddir, err);

	if (!dir)
		return -1;
	records_add(&own, make_record(wanted, dir, platforms));
	if (go_build_all(&own, platforms, builddir, NULL, &unused, said, err))
		return err_prefix(err, "debugger");
	hand_over(records, wanted, records_at(&own, 0));
	return 0;
}

int debugger_build(const struct records *records, const struct strs *platforms,
	const char *builddir, struct buf *said, struct err *err)
{
	cleanup(strs_release) struct strs all = { 0 };

	for (size_t i = 0; i < records_count(records); i++) {
		const char *wanted = record_get(records_at(records, i), "debugger");

		if (!wanted || strs_has(&all, wanted))
			continue;
		if (!strchr(wanted, '@'))
			return err_set(err, ERR_INPUT,
				"record of %s: debugger %s: no MODULE@VERSION",
				record_title(records_at(records, i)), wanted);
		strs_add(&all, wanted);
		if (build_one(records, wanted, platforms, builddir, said, err))
			return -1;
	}
	return 0;
}
