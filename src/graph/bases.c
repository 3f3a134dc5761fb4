/*
 * Each graph has the records of its bases in files of its own, "base.ID.json". What a tag means is
 * decided by ko-base, which keeps a lock for each reference; the records depend on the locks.
 */
#include "bases.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"
#include "formats/record.h"
#include "formats/static.h"
#include "layout.h"

static int find_files_in(const char *dir, struct strs *files, struct err *err)
{
	cleanup(strs_release) struct strs names = { 0 };

	if (file_list(dir, &names, err))
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		if (starts_with(names.v[i], "base.") && ends_with(names.v[i], ".json"))
			strs_take(files, path_join(dir, names.v[i]));
	}
	return 0;
}

/* The graphs' files, in the build directory itself and in the directories below. */
static int find_files(const char *builddir, struct strs *files, struct err *err)
{
	cleanup(strs_release) struct strs names = { 0 };

	if (!file_is_dir(builddir))
		return 0;
	if (find_files_in(builddir, files, err) || file_list(builddir, &names, err))
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		scratch char *dir = path_join(builddir, names.v[i]);

		if (file_is_dir(dir) && find_files_in(dir, files, err))
			return -1;
	}
	return 0;
}

/* The record of a base as it is now: ko-base's output. Returns as bases_update(). */
static int ask(const struct bases *bases, const char *reference, const struct strs *platforms,
	struct records *now, struct err *err)
{
	cleanup(strs_release) struct strs argv = { 0 };
	cleanup(buf_release) struct buf output = { 0 };
	cleanup(buf_release) struct buf messages = { 0 };
	struct proc proc = { .output = &output, .messages = &messages };
	int status;

	strs_take(&argv, proc_fellow("ko-base"));
	strs_add(&argv, "--update");
	strs_take(&argv, xasprintf("--builddir=%s", bases->builddir));
	for (size_t i = 0; i < bases->trust->n; i++)
		strs_add(&argv, bases->trust->v[i]);
	for (size_t i = 0; i < platforms->n; i++)
		strs_take(&argv, xasprintf("--platform=%s", platforms->v[i]));
	strs_add(&argv, "--");
	strs_add(&argv, reference);
	proc.argv = (const char *const *)strs_argv(&argv);
	status = proc_run(&proc, err);
	/* what has changed is told by us */
	if (status > 0 || log_verbosity)
		fputs(buf_str(&messages), stderr);
	if (status)
		return status;
	return records_parse(now, "ko-base", buf_str(&output), output.len, err);
}

static const json_t *find(const struct records *records, const char *base)
{
	for (size_t i = 0; base && i < records_count(records); i++) {
		const json_t *record = records_at(records, i);
		const char *name = record_get(record, "base");

		if (name && !strcmp(name, base))
			return record;
	}
	return NULL;
}

/* Where the file's record is another one now, it is reported. */
static int compare(const char *file, const struct records *now, struct buf *report, struct err *err)
{
	cleanup(records_release) struct records records = { 0 };
	scratch char *line = NULL;
	const char *base, *was, *is;

	if (records_read(&records, file, err))
		return -1;
	base = record_get(records_at(&records, 0), "base");
	was = record_get(records_at(&records, 0), "digest");
	is = record_get(find(now, base), "digest");
	if (!was || !is || !strcmp(was, is))
		return 0;
	line = xasprintf("%s: %s -> %s\n", base, was, is);
	if (!strstr(buf_str(report), line))
		buf_addstr(report, line);
	return 0;
}

static bool is_meant(const struct bases *bases, const char *reference)
{
	if (!reference || !strcmp(reference, STATIC_REFERENCE))
		return false;
	return !bases->references->n || strs_has(bases->references, reference);
}

static int ask_all(
	const struct bases *bases, const struct records *used, struct records *now, struct err *err)
{
	int status = 0;

	for (size_t i = 0; i < records_count(used) && !status; i++) {
		const json_t *base = records_at(used, i);
		cleanup(strs_release) struct strs platforms = { 0 };

		record_platforms(base, &platforms);
		if (is_meant(bases, record_get(base, "base")))
			status = ask(bases, record_get(base, "base"), &platforms, now, err);
	}
	return status;
}

static int check_references(const struct bases *bases, const struct records *used, struct err *err)
{
	for (size_t i = 0; i < bases->references->n; i++) {
		if (!find(used, bases->references->v[i]))
			return err_set(err, ERR_USAGE, "%s: no image in %s is made on this base",
				bases->references->v[i], bases->builddir);
	}
	return 0;
}

int bases_update(const struct bases *bases, struct buf *report, struct err *err)
{
	cleanup(strs_release) struct strs files = { 0 };
	cleanup(records_release) struct records used = { 0 };
	cleanup(records_release) struct records now = { 0 };
	int status;

	if (find_files(bases->builddir, &files, err))
		return -1;
	for (size_t i = 0; i < files.n; i++) {
		if (records_read(&used, files.v[i], err))
			return -1;
	}
	if (check_references(bases, &used, err))
		return -1;
	status = ask_all(bases, &used, &now, err);
	for (size_t i = 0; i < files.n && !status; i++)
		status = compare(files.v[i], &now, report, err);
	return status;
}
