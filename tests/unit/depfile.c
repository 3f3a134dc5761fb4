/* What depfile_write() writes, as ninja and GNU make read it: for each name the step runs again
 * when the file changes or goes, and does not when nothing changes, unless its name is one that
 * cannot be written. */
#include "base/depfile.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/proc.h"
#include "tap.h"
#include "tempdir.h"

static const struct name {
	const char *text;
	bool ninja, make, line; /* can be written */
} names[] = {
	{ "plain", 1, 1, 1 },
	{ "a b", 1, 1, 1 },
	{ "a#b", 1, 1, 1 },
	{ "a$b", 1, 1, 1 },
	{ "a:b", 1, 1, 1 },
	{ "a%b", 1, 1, 1 },
	{ "a=b", 1, 1, 1 },
	{ "\303\251t\303\251", 1, 1, 1 },
	{ "a: b", 1, 1, 1 },
	{ "a\\b", 1, 1, 1 },
	{ "a\\ b", 1, 1, 1 },
	{ "a\\\\ b", 1, 1, 1 },
	{ "a\\#b", 1, 1, 1 },
	{ "a\\:b", 1, 1, 1 },
	{ "a\\%b", 1, 1, 1 },
	{ "~a", 1, 1, 1 },
	{ "#a", 1, 1, 1 },
	{ "-a", 1, 1, 1 },
	{ "\\a", 1, 1, 1 },
	{ "a!b", 1, 1, 1 },
	{ "a,b", 1, 1, 1 },
	{ "a@b", 1, 1, 1 },
	{ "a{b}", 1, 1, 1 },
	{ "a]b", 1, 1, 1 },
	{ "a[b]", 1, 1, 1 },
	{ "$(a)", 1, 0, 1 },
	{ "a(b)", 1, 0, 1 },
	{ "a*b", 0, 1, 1 },
	{ "a?b", 0, 1, 1 },
	{ "a|b", 0, 1, 1 },
	{ "a'b", 0, 1, 1 },
	{ "a\"b", 0, 1, 1 },
	{ "a&b", 0, 1, 1 },
	{ "a^b", 0, 1, 1 },
	{ "a`b", 0, 1, 1 },
	{ "a<b", 0, 1, 1 },
	{ "a;b", 0, 0, 1 },
	{ "a\tb", 0, 0, 0 },
	{ "a\nb", 0, 0, 0 },
	{ "ab\\", 0, 0, 1 },
	{ "a:", 0, 1, 1 },
	{ " a", 1, 1, 0 },
	{ "Program Files", 1, 1, 0 },
	{ "my microsoft Visual studio", 1, 1, 0 },
	{ "a  b", 1, 1, 1 },
};

/* Times are given, so that no test waits for a clock. */
static void set_time(const char *path, time_t when)
{
	struct timespec times[2] = { { .tv_sec = when }, { .tv_sec = when } };

	if (utimensat(AT_FDCWD, path, times, 0))
		exit(99);
}

/* Runs it; whether the step ran, or -1. */
static int step_runs(enum depfile_form form)
{
	const char *const ninja[] = { "ninja", NULL };
	const char *const make[] = { "make", "-s", "out", NULL };
	cleanup(buf_release) struct buf said = { 0 };
	struct proc proc = {
		.argv = form == DEPFILE_MAKE ? make : ninja, .output = &said, .messages = &said
	};
	struct err err;
	int status;

	unlink("ran");
	status = proc_run(&proc, &err);
	if (status)
		printf("# %s\n", status < 0 ? err.text : buf_str(&said));
	return status ? -1 : file_exists("ran");
}

static void try(const struct name *name, enum depfile_form form)
{
	cleanup(depfile_release) struct depfile depfile = { 0 };
	static const char *const tools[] = { "ninja", "ninja, lines", "make" };
	const char *tool = tools[form];
	bool written = (const bool[]){ name->ninja, name->line, name->make }[form];
	scratch char *title = xasprintf("%s: '%s'", tool, name->text);
	struct err err;
	int idle, changed, other, gone;

	put(name->text, "x");
	put("other", "x");
	put("out", "x");
	unlink(".ninja_log");
	unlink(".ninja_deps");
	depfile_add(&depfile, "other");
	depfile_add(&depfile, name->text);
	depfile_add(&depfile, name->text);
	if (depfile_write(&depfile, "d", form, "out", &err))
		exit(99);
	set_time(name->text, 1000);
	set_time("other", 1000);
	set_time("out", 2000);
	if (form != DEPFILE_MAKE)
		step_runs(form);
	idle = step_runs(form);
	set_time(name->text, 3000);
	changed = step_runs(form);
	set_time(name->text, 1000);
	set_time("other", 3000);
	other = step_runs(form);
	set_time("other", 1000);
	unlink(name->text);
	gone = step_runs(form);
	if (strchr(title, '\n'))
		*strchr(title, '\n') = ' ';
	if (!ok(idle == !written && changed == 1 && other == 1 && gone == 1, title))
		printf("# idle %d, changed %d, other %d, gone %d\n", idle, changed, other, gone);
}

int main(void)
{
	tempdir_enter();
	put("Makefile",
		"out:\n\ttouch -d @2000 out; touch ran\n"
		"-include d\n$(sort $(ko.inputs)): ;\n");
	for (size_t i = 0; i < countof(names); i++) {
		put("build.ninja",
			"rule r\n  command = cp d d.copy && touch -d @2000 out && touch ran\n"
			"  depfile = d.copy\n  deps = gcc\nbuild out: r\n");
		try(&names[i], DEPFILE_NINJA);
		put("build.ninja",
			"rule r\n  command = cat d && touch -d @2000 out && touch ran\n"
			"  deps = msvc\n  msvc_deps_prefix = ko-input:\nbuild out: r\n");
		try(&names[i], DEPFILE_LINES);
		try(&names[i], DEPFILE_MAKE);
	}
	return done();
}
