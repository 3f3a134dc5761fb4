#include "depfile.h"

#include <string.h>

#include "file.h"
#include "mem.h"

void depfile_add(struct depfile *depfile, const char *path)
{
	strs_add(&depfile->paths, path);
}

/* What a backslash has to stand before. In make, "%" is special in targets only. */
static const char ninja_special[] = " #", make_special[] = " \t#:;", make_target[] = " \t#:;%";

/* Neither program can name a file with a newline in a dependency file. */
static int add_path(struct buf *out, const char *path, const char *special, struct err *err)
{

	if (strchr(path, '\n'))
		return err_set(err, ERR_INPUT,
			"a file name with a newline cannot be a dependency: %s", path);
	for (const char *p = path; *p; p++) {
		if (*p == '$') {
			buf_addch(out, '$');
		} else if (*p == '\\') {
			size_t n = strspn(p, "\\");

			/* only backslashes before something special are syntax */
			if (p[n] && strchr(special, p[n])) {
				for (size_t i = 0; i < 2 * n; i++)
					buf_addch(out, '\\');
				p += n - 1;
				continue;
			}
		} else if (strchr(special, *p)) {
			buf_addch(out, '\\');
		}
		buf_addch(out, *p);
	}
	return 0;
}

/* The paths have been written once, so that no error can come here. */
static void add_recipes(struct buf *out, const struct strs *paths)
{
	static const char special[] = " \t#:%;$\\";
	struct err ignored;

	buf_addstr(out, "ko.inputs +=");
	for (size_t i = 0; i < paths->n; i++) {
		if (!strpbrk(paths->v[i], special))
			buf_addf(out, " \\\n %s", paths->v[i]);
	}
	buf_addch(out, '\n');
	for (size_t i = 0; i < paths->n; i++) {
		if (strpbrk(paths->v[i], special)) {
			(void)add_path(out, paths->v[i], make_target, &ignored);
			buf_addstr(out, ": ;\n");
		}
	}
}

int depfile_write(struct depfile *depfile, const char *file, enum depfile_form form,
	const char *target, struct err *err)
{
	cleanup(buf_release) struct buf out = { 0 };

	const char *special = form == DEPFILE_MAKE ? make_special : ninja_special;

	strs_sort(&depfile->paths);
	for (size_t i = 0; i < depfile->paths.n; i++)
		file_mark_input(depfile->paths.v[i]);
	if (add_path(&out, target, special, err))
		return -1;
	buf_addch(&out, ':');
	for (size_t i = 0; i < depfile->paths.n; i++) {
		buf_addstr(&out, " \\\n ");
		if (add_path(&out, depfile->paths.v[i], special, err))
			return -1;
	}
	buf_addch(&out, '\n');
	if (form == DEPFILE_MAKE)
		add_recipes(&out, &depfile->paths);
	return file_save(file, buf_str(&out), out.len, err) < 0 ? -1 : 0;
}

int depfile_write_all(struct depfile *depfile, const struct depfile_options *options,
	const char *out, struct err *err)
{
	const char *target = options->target ? options->target : out ? out : "-";

	if (options->ninja && depfile_write(depfile, options->ninja, DEPFILE_NINJA, target, err))
		return -1;
	if (options->make && depfile_write(depfile, options->make, DEPFILE_MAKE, target, err))
		return -1;
	return 0;
}

void depfile_release(struct depfile *depfile)
{
	strs_release(&depfile->paths);
}
