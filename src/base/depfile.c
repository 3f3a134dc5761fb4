/*
 * How names are written.
 *
 * ninja 1.11 (src/depfile_parser.in.cc): a backslash before space, "#" and ":", "$$" for "$".
 * Backslashes stand for themselves, but each of a run before a space is doubled. The bytes
 * "&'*;<>?^`| and control characters end a name, and so does a backslash or colon at its end:
 * there is no way to write these.
 *
 * ninja's deps = msvc (src/clparser.cc): all but control characters and a space at the beginning.
 * Paths that look like those of a compiler's own headers are left out.
 *
 * GNU make 4.3 ("Types of Prerequisites", "Wildcard Examples"; read.c): a backslash before space,
 * "#", ":" and the wildcards "*?[", and the backslashes before it doubled; "$$" for "$". A
 * prerequisite also needs it before "|", a target before "%". "=" would make the line an
 * assignment, so it comes out of a variable; "~" is only special as the first byte. A name with
 * ";", "(" (an archive's member), control characters or a backslash at its end cannot be written.
 */
#include "depfile.h"

#include <string.h>

#include "file.h"
#include "mem.h"

enum place { PREREQUISITE, TARGET };

void depfile_add(struct depfile *depfile, const char *path)
{
	file_mark_input(path);
	strs_add(&depfile->paths, path);
}

void depfile_add_seen(struct depfile *depfile, const char *path, int64_t mtime)
{
	file_mark_input_time(mtime);
	strs_add(&depfile->paths, path);
}

static bool can_write(const char *path, enum depfile_form form)
{
	size_t n = strlen(path);

	for (const char *p = path; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == '\177')
			return false;
	}
	if (form == DEPFILE_LINES)
		return n && *path != ' ' && !strcasestr(path, "program files") &&
			!strcasestr(path, "microsoft visual studio");
	if (!n || path[n - 1] == '\\')
		return false;
	if (form == DEPFILE_MAKE)
		return !strpbrk(path, ";(");
	return path[n - 1] != ':' && !strpbrk(path, "\"&'*;<>?^`|");
}

static void add_for_ninja(struct buf *out, const char *path)
{
	size_t backslashes = 0;

	for (const char *p = path; *p; p++) {
		for (size_t i = 0; *p == ' ' && i < backslashes; i++)
			buf_addch(out, '\\');
		if (strchr(" #:", *p))
			buf_addch(out, '\\');
		if (*p == '$')
			buf_addch(out, '$');
		buf_addch(out, *p);
		backslashes = *p == '\\' ? backslashes + 1 : 0;
	}
}

static void add_for_make(struct buf *out, const char *path, enum place place)
{
	const char *special = place == TARGET ? " #:*?[%" : " #:*?[|";
	size_t backslashes = 0;

	if (*path == '~')
		buf_addstr(out, "./");
	for (const char *p = path; *p; p++) {
		if (*p == '=') {
			buf_addstr(out, "$(ko.equals)");
		} else {
			for (size_t i = 0; strchr(special, *p) && i < backslashes + 1; i++)
				buf_addch(out, '\\');
			if (*p == '$')
				buf_addch(out, '$');
			buf_addch(out, *p);
		}
		backslashes = *p == '\\' ? backslashes + 1 : 0;
	}
}

static void add_path(struct buf *out, const char *path, enum depfile_form form, enum place place)
{
	if (!can_write(path, form))
		path = DEPFILE_ALWAYS;
	if (form == DEPFILE_NINJA)
		add_for_ninja(out, path);
	else if (form == DEPFILE_MAKE)
		add_for_make(out, path, place);
	else
		buf_addstr(out, path);
}

/* Whether a list in a variable can hold it as it stands. */
static bool is_plain(const char *path)
{
	for (const char *p = path; *p; p++) {
		bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			(*p >= '0' && *p <= '9') || (unsigned char)*p >= 0x80;

		if (!letter && !strchr("/._-+,@", *p))
			return false;
	}
	return true;
}

static void add_recipes(struct buf *out, const struct strs *paths)
{
	buf_addstr(out, "ko.inputs +=");
	for (size_t i = 0; i < paths->n; i++) {
		if (is_plain(paths->v[i]))
			buf_addf(out, " \\\n %s", paths->v[i]);
		else if (!can_write(paths->v[i], DEPFILE_MAKE))
			buf_addf(out, " \\\n %s", DEPFILE_ALWAYS);
	}
	buf_addch(out, '\n');
	for (size_t i = 0; i < paths->n; i++) {
		if (!is_plain(paths->v[i]) && can_write(paths->v[i], DEPFILE_MAKE)) {
			add_path(out, paths->v[i], DEPFILE_MAKE, TARGET);
			buf_addstr(out, ": ;\n");
		}
	}
}

static void add_lines(struct buf *out, const struct strs *paths)
{
	for (size_t i = 0; i < paths->n; i++) {
		buf_addstr(out, "ko-input: ");
		add_path(out, paths->v[i], DEPFILE_LINES, PREREQUISITE);
		buf_addch(out, '\n');
	}
}

static void add_rule(
	struct buf *out, const struct strs *paths, enum depfile_form form, const char *target)
{
	if (form == DEPFILE_MAKE)
		buf_addstr(out, "ko.equals := =\n");
	add_path(out, target, form, TARGET);
	buf_addch(out, ':');
	for (size_t i = 0; i < paths->n; i++) {
		buf_addstr(out, " \\\n ");
		add_path(out, paths->v[i], form, PREREQUISITE);
	}
	buf_addch(out, '\n');
	if (form == DEPFILE_MAKE)
		add_recipes(out, paths);
}

int depfile_write(struct depfile *depfile, const char *file, enum depfile_form form,
	const char *target, struct err *err)
{
	cleanup(buf_release) struct buf out = { 0 };

	if (form != DEPFILE_LINES && !can_write(target, form))
		return err_set(err, ERR_USAGE,
			"%s: this name cannot stand in a dependency file; choose another", target);
	strs_sort(&depfile->paths);
	if (form == DEPFILE_LINES)
		add_lines(&out, &depfile->paths);
	else
		add_rule(&out, &depfile->paths, form, target);
	return file_output(file, buf_str(&out), out.len, err) < 0 ? -1 : 0;
}

int depfile_write_all(struct depfile *depfile, const struct depfile_options *options,
	const char *out, struct err *err)
{
	const char *target = options->target ? options->target : out ? out : "-";

	if (options->ninja && depfile_write(depfile, options->ninja, DEPFILE_NINJA, target, err))
		return -1;
	if (options->lines && !out)
		return err_set(err, ERR_USAGE,
			"--print-inputs needs --output: records would be on standard output too");
	if (options->lines && depfile_write(depfile, NULL, DEPFILE_LINES, target, err))
		return -1;
	if (options->make && depfile_write(depfile, options->make, DEPFILE_MAKE, target, err))
		return -1;
	return 0;
}

void depfile_release(struct depfile *depfile)
{
	strs_release(&depfile->paths);
}
