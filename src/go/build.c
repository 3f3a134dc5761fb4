#include "build.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"
#include "formats/elf.h"
#include "group.h"
#include "list.h"
#include "state.h"

/* How often a build is repeated because its inputs changed meanwhile. */
#define REPEAT_LIMIT 4

/* The name that "go build -o DIR/" gives: the last element, or the one before a major version. */
static char *executable_name(const char *importpath, const char *platform)
{
	const char *base = path_base(importpath);
	scratch char *dir = path_dir(importpath);
	bool version =
		base[0] == 'v' && base[1] && strspn(base + 1, "0123456789") == strlen(base + 1);

	return xasprintf("%s%s", version && strcmp(dir, ".") ? path_base(dir) : base,
		starts_with(platform, "windows/") ? ".exe" : "");
}

/* What is at hand while a group is built. */
struct builder {
	struct go_group *group;
	char *dir;
	struct state *state; /* as it was found */
	struct strs paths;   /* to compile */
	struct buf *said;
	struct err *err;
};

/*
 * The executable of a program. Of programs with the same name go would write one over the other, so
 * each further one gets a directory of its own.
 */
static char *executable_path(const struct builder *b, const char *importpath)
{
	const struct records *records = &b->group->records;
	scratch char *name = executable_name(importpath, b->group->platform);
	size_t same = 0;

	for (size_t i = 0; i < records_count(records); i++) {
		const char *other = record_get(records_at(records, i), "importpath");
		scratch char *other_name = executable_name(other, b->group->platform);

		if (!strcmp(other, importpath))
			break;
		same += !strcmp(name, other_name);
	}
	if (same)
		return xasprintf("%s/bin/%zu/%s", b->dir, same, name);
	return xasprintf("%s/bin/%s", b->dir, name);
}

/* "config/app.yaml:21:16: ko://github.com/user/myapp", or the import path alone. malloced. */
static char *where(const struct go_group *group, const char *importpath)
{
	const struct records *lists[] = { group->found, &group->records };

	for (size_t i = 0; i < countof(lists); i++) {
		for (size_t j = 0; lists[i] && j < records_count(lists[i]); j++) {
			const json_t *record = records_at(lists[i], j);
			const char *path = record_get(record, "importpath");
			const char *place = json_string_value(
				json_array_get(json_object_get(record, "found"), 0));

			if (path && place && !strcmp(path, importpath))
				return xasprintf("%s: ko://%s", place, importpath);
		}
	}
	return xstrdup(importpath);
}

static int go_missing(struct err *err)
{
	return err_set(err, ERR_FAILED,
		"go: not found on PATH; install Go (https://go.dev/dl, Debian: golang-go)");
}

/* One go build for programs whose executables have different names. */
static int start_build(const struct builder *b, const struct strs *paths, const char *out,
	struct strs *argv, struct proc *proc)
{
	scratch char *absolute = path_absolute(out);

	strs_add(argv, "go");
	strs_add(argv, "build");
	strs_add(argv, "-trimpath");
	strs_add(argv, "-buildvcs=false");
	for (size_t i = 0; i < b->group->flags.n; i++)
		strs_add(argv, b->group->flags.v[i]);
	strs_add(argv, "-o");
	strs_take(argv, xasprintf("%s/", absolute));
	strs_add(argv, "--");
	for (size_t i = 0; i < paths->n; i++)
		strs_add(argv, paths->v[i]);
	if (file_mkdirs(out, b->err))
		return -1;
	*proc = (struct proc){ .argv = (const char *const *)strs_argv(argv),
		.dir = b->group->dir,
		.env = &b->group->env,
		.output = b->said,
		.messages = b->said };
	return proc_start(proc, b->err);
}

/* The paths whose executable goes to the directory of the first of them; removes them from left. */
static char *take_batch(const struct builder *b, struct strs *left, struct strs *batch)
{
	scratch char *first = executable_path(b, left->v[0]);
	char *dir = path_dir(first);
	size_t n = 0;

	for (size_t i = 0; i < left->n; i++) {
		scratch char *path = executable_path(b, left->v[i]);
		scratch char *own = path_dir(path);

		if (!strcmp(own, dir))
			strs_take(batch, left->v[i]);
		else
			left->v[n++] = left->v[i];
	}
	left->n = n;
	return dir;
}

/* Runs go build for all paths, batch after batch. Returns go's status, or -1. */
static int build_more(const struct builder *b, struct strs *left)
{
	while (left->n) {
		cleanup(strs_release) struct strs batch = { 0 };
		cleanup(strs_release) struct strs argv = { 0 };
		scratch char *out = take_batch(b, left, &batch);
		struct proc proc;
		int status;

		if (start_build(b, &batch, out, &argv, &proc))
			return -1;
		status = proc_wait(&proc, b->err);
		if (status)
			return status;
	}
	return 0;
}

/* What is wrong with a program before anything is compiled. */
static int check_program(const struct builder *b, const struct go_package *package)
{
	scratch char *place = where(b->group, package->importpath);

	if (package->error) {
		char *newline = strchr(package->error, '\n');

		if (newline)
			*newline = '\0';
		return err_set(b->err, ERR_FAILED, "%s: %s", place, package->error);
	}
	if (!package->main)
		return err_set(b->err, ERR_FAILED,
			"%s: not a program: importpath is not `package main`; name the package of "
			"a command",
			place);
	return 0;
}

static int check_list(const struct builder *b, const struct go_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->v[i].wanted && check_program(b, &list->v[i]))
			return -1;
	}
	return 0;
}

/* Starts go list; go build runs at the same time. */
static int start_list(const struct builder *b, struct strs *argv, struct buf *out,
	struct buf *messages, struct proc *proc)
{
	*proc = (struct proc){
		.dir = b->group->dir, .env = &b->group->env, .output = out, .messages = messages
	};
	go_list_command(proc, argv, &b->group->flags, &b->paths);
	return proc_start(proc, b->err);
}

static int read_list(
	const struct builder *b, struct proc *proc, struct go_env *env, struct go_list *list)
{
	int status = go_env_load(env, b->group->dir, &b->group->env, b->err);

	if (status) {
		proc_stop(proc);
		return -1;
	}
	status = proc_wait(proc, b->err);
	if (status > 0) {
		buf_add(b->said, buf_str(proc->messages), proc->messages->len);
		return err_set(b->err, ERR_FAILED, "go list: %s", proc_death(status));
	}
	if (status)
		return -1;
	return go_list_parse(list, env, buf_str(proc->output), proc->output->len, b->err) ||
			check_list(b, list)
		? -1
		: 0;
}

/*
 * go build and, beside it, go list. next takes what the programs are made from; status the exit
 * status of go build. Returns -1 when something else failed.
 */
static int run_go(const struct builder *b, struct state *next, int *status)
{
	cleanup(buf_release) struct buf out = { 0 };
	cleanup(buf_release) struct buf messages = { 0 };
	cleanup(strs_release) struct strs list_argv = { 0 };
	cleanup(strs_release) struct strs build_argv = { 0 };
	cleanup(strs_release) struct strs left = { 0 };
	cleanup(strs_release) struct strs batch = { 0 };
	cleanup(go_list_release) struct go_list list = { 0 };
	cleanup(go_env_release) struct go_env env = { 0 };
	scratch char *dir = NULL;
	struct proc lister, build;

	for (size_t i = 0; i < b->paths.n; i++)
		strs_add(&left, b->paths.v[i]);
	dir = take_batch(b, &left, &batch);
	if (start_build(b, &batch, dir, &build_argv, &build))
		return -1;
	if (start_list(b, &list_argv, &out, &messages, &lister) ||
		read_list(b, &lister, &env, &list)) {
		proc_stop(&build);
		return -1;
	}
	state_add_list(next, &list, &env, b->state);
	*status = proc_wait(&build, b->err);
	if (!*status)
		*status = build_more(b, &left);
	return *status < 0 ? -1 : 0;
}

static int finish_program(const struct builder *b, struct program *program)
{
	const struct program *old = state_program(b->state, program->importpath);

	program->executable = executable_path(b, program->importpath);
	program->stamp = stamp_of(program->executable);
	program->changed = false;
	if (old && stamp_same(&old->stamp, &program->stamp) &&
		!strcmp(old->executable, program->executable)) {
		memcpy(program->hash, old->hash, sizeof program->hash);
		return 0;
	}
	return elf_hash(program->executable, program->hash, b->err);
}

/* What go build wrote begins a paragraph for each package that failed with "# IMPORTPATH". */
static bool names_package(const char *said, const char *importpath)
{
	size_t n = strlen(importpath);

	for (const char *p = said; (p = strstr(p, "# ")); p += 2) {
		if ((p == said || p[-1] == '\n') && !strncmp(p + 2, importpath, n) &&
			strchr(" \n", p[2 + n]))
			return true;
	}
	return false;
}

static bool is_broken(const struct state *state, const struct program *program, const char *said)
{
	for (size_t i = 0; i < program->n; i++) {
		const char *name = state->units[program->units[i]].name;

		if (*name && names_package(said, name))
			return true;
	}
	return false;
}

/*
 * Sorts the programs by whether go's words are about one of their packages: the good ones stay in
 * b->paths; the error names the others, one a line, the first in err.
 */
static void blame(struct builder *b, const struct state *next)
{
	struct buf lines = { 0 };
	struct strs good = { 0 };
	size_t broken = 0;

	for (size_t i = 0; i < next->program_count; i++)
		broken += is_broken(next, &next->programs[i], buf_str(b->said));
	for (size_t i = 0; i < next->program_count; i++) {
		const struct program *program = &next->programs[i];
		scratch char *place = where(b->group, program->importpath);

		if (broken && !is_broken(next, program, buf_str(b->said)))
			strs_add(&good, program->importpath);
		else
			buf_addf(&lines, "%s%s", lines.len ? "; " : "", place);
	}
	err_set(b->err, ERR_FAILED, "%.900s: go build failed", buf_str(&lines));
	buf_release(&lines);
	strs_release(&b->paths);
	b->paths = good;
}

/* Everything of next, and the programs of the old state that next does not have. */
static int keep(struct builder *b, struct state *next, const char *state_path)
{
	for (size_t i = 0; i < next->program_count; i++) {
		if (finish_program(b, &next->programs[i]))
			return -1;
	}
	for (size_t i = 0; i < b->state->program_count; i++) {
		const struct program *program = &b->state->programs[i];

		if (!program->changed && !state_program(next, program->importpath))
			state_copy_program(next, b->state, program);
	}
	state_release(b->state);
	*b->state = *next;
	*next = (struct state){ 0 };
	return state_save(b->state, state_path, b->err);
}

static int compile(struct builder *b, const char *state_path);

static int fail(struct builder *b, const struct state *next, const char *state_path)
{
	struct err first, ignored;
	struct buf unheard = { 0 };

	blame(b, next);
	first = *b->err;
	if (b->paths.n) {
		struct buf *said = b->said;
		struct err *err = b->err;

		b->said = &unheard;
		b->err = &ignored;
		(void)compile(b, state_path);
		b->said = said;
		b->err = err;
		buf_release(&unheard);
	}
	*b->err = first;
	return -1;
}

/* Compiles b->paths until that has happened without an input changing meanwhile. */
static int compile(struct builder *b, const char *state_path)
{
	struct state previous = { 0 };
	int result = 1;

	for (int i = 0; result == 1 && i < REPEAT_LIMIT; i++) {
		cleanup(state_release) struct state next = { 0 };
		int64_t since = stamp_now();
		int status;

		buf_clear(b->said);
		if (run_go(b, &next, &status)) {
			result = -1;
		} else if (status) {
			result = fail(b, &next, state_path);
		} else if (state_settled(&next, i ? &previous : b->state, since)) {
			result = keep(b, &next, state_path);
		} else {
			state_release(&previous);
			previous = next;
			next = (struct state){ 0 };
		}
	}
	state_release(&previous);
	if (result == 1)
		return err_set(b->err, ERR_RETRY,
			"%s: sources keep changing while they are compiled; run again",
			b->group->dir);
	return result;
}

static void find_affected(struct builder *b)
{
	state_look(b->state);
	for (size_t i = 0; i < records_count(&b->group->records); i++) {
		const char *path = record_get(records_at(&b->group->records, i), "importpath");
		const struct program *program = state_program(b->state, path);
		scratch char *executable = executable_path(b, path);

		if (!program || program->changed || strcmp(program->executable, executable))
			strs_add(&b->paths, path);
	}
}

static void set_kodata(json_t *entry, const char *package_dir)
{
	scratch char *kodata = path_join(package_dir, "kodata");

	if (file_is_dir(kodata))
		json_object_set_new(entry, "kodata", json_string(kodata));
	else
		json_object_del(entry, "kodata");
}

static int set_results(const struct builder *b)
{
	for (size_t i = 0; i < records_count(&b->group->records); i++) {
		json_t *record = records_at(&b->group->records, i);
		const struct program *program =
			state_program(b->state, record_get(record, "importpath"));
		json_t *entry = record_platform(record, b->group->platform);

		if (!program)
			return err_set(b->err, ERR_FAILED,
				"%s: go names this package otherwise; use its import path",
				record_title(record));
		json_object_set_new(entry, "executable", json_string(program->executable));
		json_object_set_new(entry, "hash", json_string(program->hash));
		set_kodata(entry, program->dir);
	}
	return 0;
}

static int build_locked(struct builder *b, struct depfile *depfile)
{
	scratch char *state_path = path_join(b->dir, "state");
	int result = 0;

	state_load(b->state, state_path);
	find_affected(b);
	if (b->paths.n) {
		scratch char *go = proc_find("go");

		log_debug(1, "%zu of %zu programs to compile in %s", b->paths.n,
			records_count(&b->group->records), b->group->dir);
		result = go ? compile(b, state_path) : go_missing(b->err);
	} else if (b->state->touched) {
		result = state_save(b->state, state_path, b->err);
	}
	state_inputs(b->state, depfile);
	return result ? -1 : set_results(b);
}

static int build_group(
	struct go_group *group, struct depfile *depfile, struct buf *said, struct err *err)
{
	cleanup(state_release) struct state state = { 0 };
	struct builder b = { .group = group,
		.dir = go_group_dir(group),
		.state = &state,
		.said = said,
		.err = err };
	scratch char *lock_path = path_join(b.dir, "lock");
	int lock = -1, result = -1;

	if (file_mkdirs(b.dir, err))
		goto out;
	lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (lock < 0 || flock(lock, LOCK_EX)) {
		err_sys(err, "%s", lock_path);
		goto out;
	}
	result = build_locked(&b, depfile);
out:
	if (lock >= 0)
		close(lock);
	strs_release(&b.paths);
	free(b.dir);
	return result;
}

int go_build_all(const struct records *records, const struct strs *platforms, const char *builddir,
	const struct records *found, struct depfile *depfile, struct buf *said, struct err *err)
{
	for (size_t i = 0; i < platforms->n; i++) {
		cleanup(go_groups_release) struct go_groups groups = { 0 };

		if (go_groups_make(&groups, records, platforms->v[i], builddir, found, err))
			return -1;
		for (size_t j = 0; j < groups.n; j++) {
			if (build_group(&groups.v[j], depfile, said, err))
				return -1;
		}
	}
	return 0;
}
