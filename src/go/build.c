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
#include "base/trace.h"
#include "actions.h"
#include "announce.h"
#include "formats/elf.h"
#include "faults.h"
#include "goflags.h"
#include "group.h"
#include "list.h"
#include "modules.h"
#include "state.h"

/* How often a build is repeated because its inputs changed meanwhile. */
#define REPEAT_LIMIT 4

/* What is at hand while a group is built. */
struct builder {
	struct go_group *group;
	char *dir;
	char *state_path;
	struct state *state;     /* as it was found */
	struct strs executables; /* of the group's records, in their order */
	struct made *made;       /* of these */
	struct strs paths;       /* to compile */
	struct buf *said;
	struct err *err;
};

static const char *importpath_at(const struct builder *b, size_t i)
{
	return record_get(records_at(&b->group->records, i), "importpath");
}

/* "v2" and further; v0 and v1 are names like others (cmd/go/internal/load, isVersionElement). */
static bool is_version(const char *element)
{
	return element[0] == 'v' && element[1] && element[1] != '0' && strcmp(element, "v1") &&
		strspn(element + 1, "0123456789") == strlen(element + 1);
}

/* The name that "go build -o DIR/" gives: the last element, or the one before a major version. */
static char *executable_name(const char *importpath, const char *platform)
{
	const char *base = path_base(importpath);
	scratch char *dir = path_dir(importpath);
	bool version = base != importpath && is_version(base);

	return xasprintf("%s%s", version ? path_base(dir) : base,
		starts_with(platform, "windows/") ? ".exe" : "");
}

static bool is_taken(const struct builder *b, const char *path)
{
	for (size_t i = 0; i < b->state->program_count; i++) {
		if (!strcmp(b->state->programs[i].executable, path))
			return true;
	}
	return strs_has(&b->executables, path);
}

/*
 * Where a program goes. Of programs with the same name go would write one over the other, so each
 * further one gets a directory of its own; and keeps it, for records of earlier runs name it.
 */
static char *choose_executable(const struct builder *b, const char *importpath)
{
	const struct program *program = state_program(b->state, importpath);
	scratch char *bin = xasprintf("%s/bin/", b->dir);
	scratch char *name = executable_name(importpath, b->group->platform);
	char *path;

	if (program && starts_with(program->executable, bin))
		return xstrdup(program->executable);
	path = xasprintf("%s%s", bin, name);
	for (size_t i = 1; is_taken(b, path); i++) {
		free(path);
		path = xasprintf("%s%zu/%s", bin, i, name);
	}
	return path;
}

static void choose_executables(struct builder *b)
{
	for (size_t i = 0; i < records_count(&b->group->records); i++)
		strs_take(&b->executables, choose_executable(b, importpath_at(b, i)));
}

/* Where the program is among the group's records; their number when it is none of them. */
static size_t index_of(const struct builder *b, const char *importpath)
{
	size_t i = 0;

	while (i < b->executables.n && strcmp(importpath_at(b, i), importpath))
		i++;
	return i;
}

static const char *executable_of(const struct builder *b, const char *importpath)
{
	size_t i = index_of(b, importpath);

	return i < b->executables.n ? b->executables.v[i] : "";
}

static int go_missing(struct err *err)
{
	return err_set(err, ERR_FAILED,
		"go: not found on PATH; install Go (https://go.dev/dl, Debian: golang-go)");
}

/* Where go build tells what it does, for a trace. malloced. */
static char *actions_path(const struct builder *b)
{
	scratch char *path = path_join(b->dir, "actions");

	return path_absolute(path);
}

/* One go build for programs whose executables have different names. */
static int start_build(const struct builder *b, const struct strs *paths, const char *out,
	struct strs *argv, struct proc *proc)
{
	scratch char *absolute = path_absolute(out);
	scratch char *actions = actions_path(b);

	strs_add(argv, "go");
	strs_add(argv, "build");
	strs_add(argv, "-trimpath");
	strs_add(argv, "-buildvcs=false");
	if (trace_wanted())
		strs_take(argv, xasprintf("-debug-trace=%s", actions));
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

static int wait_build(const struct builder *b, struct proc *proc)
{
	int status = proc_wait(proc, b->err);

	if (trace_wanted()) {
		scratch char *actions = actions_path(b);

		actions_tell(actions);
		unlink(actions);
	}
	return status;
}

/* The paths whose executable goes to the directory of the first of them; removes them from left. */
static char *take_batch(const struct builder *b, struct strs *left, struct strs *batch)
{
	char *dir = path_dir(executable_of(b, left->v[0]));
	size_t n = 0;

	for (size_t i = 0; i < left->n; i++) {
		scratch char *own = path_dir(executable_of(b, left->v[i]));

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
		status = wait_build(b, &proc);
		if (status)
			return status;
	}
	return 0;
}

/* Starts go list; go build runs at the same time. */
static int start_list(const struct builder *b, struct strs *argv, struct buf *out,
	struct buf *messages, struct proc *proc)
{
	*proc = (struct proc){ .dir = b->group->dir,
		.env = &b->group->env,
		.output = out,
		.messages = messages,
		.gives_way = true };
	go_list_command(proc, argv, &b->group->flags, &b->paths);
	return proc_start(proc, b->err);
}

/* Wrong for all: a flag that go does not know, a malformed go.mod. */
static int list_failed(const struct builder *b, const struct buf *messages)
{
	cleanup(faults_release) struct faults faults = { 0 };
	const char *text = buf_str(messages);

	for (size_t i = 0; i < b->paths.n; i++)
		faults_add(&faults, b->paths.v[i], xstrndup(text, strcspn(text, "\n")));
	buf_clear(b->said);
	buf_add(b->said, text, messages->len);
	return faults_report(&faults, b->group, b->said, b->err);
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
	if (status > 0)
		return list_failed(b, proc->messages);
	if (status)
		return -1;
	return go_list_parse(list, env, buf_str(proc->output), proc->output->len, b->err);
}

/* What the programs are made from, by go list. */
static void note_inputs(const struct builder *b, struct state *next, const struct go_list *list,
	const struct go_env *env)
{
	cleanup(inputs_release) struct go_inputs common = { 0 };
	cleanup(strs_release) struct strs flags = { 0 };
	struct err ignored;

	(void)goflags_split(&flags, env->goflags, "GOFLAGS", &ignored);
	for (size_t i = 0; i < b->group->flags.n; i++)
		strs_add(&flags, b->group->flags.v[i]);
	modules_inputs(&common, list, env, b->group->dir, &flags);
	state_add_list(next, list, &common, b->state);
}

/*
 * go build and, beside it, go list. next takes what the programs are made from, faults what is
 * wrong with them; status is that of go build. Returns -1 when something else failed.
 */
static int run_go(const struct builder *b, struct state *next, struct faults *faults, int *status)
{
	cleanup(buf_release) struct buf out = { 0 };
	cleanup(buf_release) struct buf messages = { 0 };
	cleanup(strs_release) struct strs list_argv = { 0 };
	cleanup(strs_release) struct strs build_argv = { 0 };
	cleanup(strs_release) struct strs left = { 0 };
	cleanup(strs_release) struct strs batch = { 0 };
	cleanup(go_list_release) struct go_list list = { 0 };
	cleanup(go_env_release) struct go_env env = { 0 };
	cleanup(announcer_end) struct announcer announcer = { .records = &b->group->records,
		.executables = &b->executables,
		.made = b->made,
		.platform = b->group->platform,
		.left = b->paths.n };
	scratch char *dir = NULL;
	struct proc lister, build;

	for (size_t i = 0; i < b->paths.n; i++)
		strs_add(&left, b->paths.v[i]);
	dir = take_batch(b, &left, &batch);
	announcer_begin(&announcer);
	if (start_build(b, &batch, dir, &build_argv, &build))
		return -1;
	if (start_list(b, &list_argv, &out, &messages, &lister) ||
		read_list(b, &lister, &env, &list)) {
		proc_stop(&build);
		return -1;
	}
	note_inputs(b, next, &list, &env);
	faults_of_list(faults, &list, &env, b->group);
	*status = wait_build(b, &build);
	if (!*status)
		*status = build_more(b, &left);
	if (*status > 0)
		faults_of_build(faults, next, buf_str(b->said));
	return *status < 0 ? -1 : 0;
}

/* The hash of an executable that go has made, or found to be up to date. */
static int find_hash(const struct builder *b, struct program *program, const struct program *old)
{
	size_t i = index_of(b, program->importpath);
	struct made seen = { .stamp = stamp_of(program->executable) };

	if (old && stamp_same(&old->stamp, &seen.stamp) &&
		!strcmp(old->executable, program->executable))
		memcpy(seen.hash, old->hash, sizeof seen.hash);
	else if (i < b->executables.n && *b->made[i].hash &&
		stamp_same(&b->made[i].stamp, &seen.stamp))
		seen = b->made[i];
	else if (made_look(&seen, program->executable, b->err))
		return -1;
	program->stamp = seen.stamp;
	memcpy(program->hash, seen.hash, sizeof program->hash);
	return 0;
}

static int finish_program(const struct builder *b, struct program *program)
{
	const struct program *old = state_program(b->state, program->importpath);

	program->executable = xstrdup(executable_of(b, program->importpath));
	program->reason = state_reason(b->state, old);
	if (!program->reason)
		program->reason = xstrdup("its executable had to move");
	program->changed = false;
	return find_hash(b, program, old);
}

/* Everything of next, and what next does not have. */
static int keep(struct builder *b, struct state *next)
{
	for (size_t i = 0; i < next->program_count; i++) {
		if (finish_program(b, &next->programs[i]))
			return -1;
	}
	state_copy_others(next, b->state);
	state_release(b->state);
	*b->state = *next;
	*next = (struct state){ 0 };
	return state_save(b->state, b->state_path, b->err);
}

static int compile(struct builder *b);

/* Compiles what can be, for the next time, and reports the rest: others may fail further on. */
static int fail(struct builder *b, const struct faults *faults)
{
	cleanup(buf_release) struct buf words = { 0 };
	struct buf *said = b->said;
	struct err more, *err = b->err;
	struct strs good = { 0 };

	faults_report(faults, b->group, said, err);
	for (size_t i = 0; i < b->paths.n; i++) {
		if (!strs_has(&faults->programs, b->paths.v[i]))
			strs_add(&good, b->paths.v[i]);
	}
	strs_release(&b->paths);
	b->paths = good;
	b->said = &words;
	b->err = &more;
	if (good.n && compile(b)) {
		buf_addf(said, "%s\n", more.text);
		buf_add(said, buf_str(&words), words.len);
	}
	b->said = said;
	b->err = err;
	return -1;
}

/* One go build and what follows from it: 1 when inputs changed meanwhile. */
static int attempt(struct builder *b, struct state *previous)
{
	cleanup(state_release) struct state next = { 0 };
	cleanup(faults_release) struct faults faults = { 0 };
	int64_t since = stamp_next();
	int status;

	buf_clear(b->said);
	if (run_go(b, &next, &faults, &status))
		return -1;
	if (faults.programs.n)
		return fail(b, &faults);
	if (status)
		return err_set(
			b->err, ERR_FAILED, "%s: go build: %s", b->group->dir, proc_death(status));
	if (state_settled(&next, b->state, since) || state_settled(&next, previous, since))
		return keep(b, &next);
	state_release(previous);
	*previous = next;
	next = (struct state){ 0 };
	return 1;
}

/* Compiles b->paths until that has happened without an input changing meanwhile. */
static int compile(struct builder *b)
{
	cleanup(state_release) struct state previous = { 0 };
	int result = 1;

	for (int i = 0; result == 1 && i < REPEAT_LIMIT; i++)
		result = attempt(b, &previous);
	if (result == 1)
		return err_set(b->err, ERR_RETRY,
			"%s: sources keep changing while they are compiled; run again",
			b->group->dir);
	return result;
}

/*
 * What has to be compiled. go takes an executable for up to date by the build ID at its beginning;
 * one that was damaged, or cut off when a copy was interrupted, would stay so. It is removed unless
 * it is known to be whole.
 */
static void find_affected(struct builder *b)
{
	state_look(b->state);
	for (size_t i = 0; i < records_count(&b->group->records); i++) {
		const char *path = importpath_at(b, i);
		const struct program *program = state_program(b->state, path);

		if (program && !program->changed &&
			!strcmp(program->executable, b->executables.v[i]))
			continue;
		strs_add(&b->paths, path);
		if (!program || !program->whole)
			unlink(b->executables.v[i]);
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
	cleanup(strs_release) struct strs all = { 0 };

	state_load(b->state, b->state_path);
	choose_executables(b);
	b->made = xcalloc(b->executables.n + 1, sizeof *b->made);
	find_affected(b);
	if (b->paths.n) {
		scratch char *go = proc_find("go");

		log_debug(1, "%zu of %zu programs to compile in %s", b->paths.n,
			records_count(&b->group->records), b->group->dir);
		if (!go)
			return go_missing(b->err);
		if (compile(b))
			return -1;
	} else if (b->state->touched && state_save(b->state, b->state_path, b->err)) {
		return -1;
	}
	for (size_t i = 0; i < records_count(&b->group->records); i++)
		strs_add(&all, importpath_at(b, i));
	state_depends(b->state, &all, depfile);
	return set_results(b);
}

static int build_group(
	struct go_group *group, struct depfile *depfile, struct buf *said, struct err *err)
{
	cleanup(state_release) struct state state = { 0 };
	scratch char *dir = go_group_dir(group);
	scratch char *lock_path = path_join(dir, "lock");
	scratch char *state_path = path_join(dir, "state");
	struct builder b = { .group = group,
		.dir = dir,
		.state_path = state_path,
		.state = &state,
		.said = said,
		.err = err };
	int lock, result = -1;

	if (file_mkdirs(dir, err))
		return -1;
	lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (lock < 0 || flock(lock, LOCK_EX))
		err_sys(err, "%s", lock_path);
	else
		result = build_locked(&b, depfile);
	if (lock >= 0)
		close(lock);
	strs_release(&b.executables);
	strs_release(&b.paths);
	free(b.made);
	return result;
}

/* A group that fails does not keep the others from being made; err is the first one's. */
static int build_groups(
	struct go_groups *groups, struct depfile *depfile, struct buf *said, struct err *err)
{
	int result = 0;

	for (size_t i = 0; i < groups->n; i++) {
		cleanup(buf_release) struct buf words = { 0 };
		struct err own;

		if (!build_group(&groups->v[i], depfile, &words, &own))
			continue;
		if (result || err->class != ERR_NONE)
			buf_addf(said, "%s\n", own.text);
		else
			*err = own;
		buf_add(said, buf_str(&words), words.len);
		result = -1;
	}
	return result;
}

int go_build_all(const struct records *records, const struct strs *platforms, const char *builddir,
	const struct records *found, struct depfile *depfile, struct buf *said, struct err *err)
{
	int result = 0;

	err->class = ERR_NONE;
	for (size_t i = 0; i < platforms->n; i++) {
		cleanup(go_groups_release) struct go_groups groups = { 0 };

		if (go_groups_make(&groups, records, platforms->v[i], builddir, found, err))
			return -1;
		if (build_groups(&groups, depfile, said, err))
			result = -1;
	}
	return result;
}
