/*
 * The state file is text, one thing a line: "u NAME" begins a unit, its inputs follow as
 * "KIND SIZE MTIME CTIME INODE PRINT PATH"; "p IMPORTPATH" begins a program, followed by
 * "e SIZE MTIME CTIME INODE HASH EXECUTABLE", "d DIRECTORY" and "m UNIT UNIT ..." (indices). It is
 * ours alone: anything unexpected makes it an empty state, and everything is looked at anew.
 */
#include "state.h"

#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/parallel.h"

#define HEADER "ko-gobuild state 3\n"

static struct stamp stamp_of_input(const struct input *input)
{
	scratch char *file = NULL;

	if (input->kind != INPUT_GLOB)
		return stamp_of(input->path);
	file = inputs_file(input->kind, input->path);
	return stamp_of(file);
}

/* Notes a stamp, or one that is never the same again where it may hide an edit. */
static void note_stamp(struct input *input, struct stamp stamp, int64_t now)
{
	input->stamp = stamp;
	if (!stamp_tells(&stamp, now))
		input->stamp.mtime = -2;
}

/* An input as it is now. */
struct sight {
	struct unit *unit;
	struct input *input;
	struct stamp stamp;
};

static void look_at(void *arg, size_t from, size_t to)
{
	struct sight *sights = arg;

	for (size_t i = from; i < to; i++)
		sights[i].stamp = stamp_of_input(sights[i].input);
}

static struct sight *look_at_all(const struct state *state, size_t *n)
{
	struct sight *sights = NULL;
	size_t cap = 0;

	*n = 0;
	for (size_t i = 0; i < state->unit_count; i++) {
		struct unit *unit = &state->units[i];

		for (size_t j = 0; j < unit->n; j++) {
			grow(sights, *n, cap);
			sights[(*n)++] = (struct sight){ .unit = unit, .input = &unit->v[j] };
		}
	}
	parallel(*n, look_at, sights);
	return sights;
}

static void take_sight(struct state *state, const struct sight *sight, int64_t now)
{
	struct input *input = sight->input;
	char print[FINGERPRINT_SIZE];

	if (stamp_same(&sight->stamp, &input->stamp))
		return;
	inputs_print(input->kind, input->path, print);
	if (strcmp(print, input->print)) {
		sight->unit->changed = true;
		sight->unit->cause = input->path;
	} else {
		note_stamp(input, sight->stamp, now);
		state->touched = true;
	}
}

void state_look(struct state *state)
{
	int64_t now = stamp_now();
	size_t n;
	scratch struct sight *sights = look_at_all(state, &n);

	for (size_t i = 0; i < n; i++)
		take_sight(state, &sights[i], now);
	for (size_t i = 0; i < state->program_count; i++) {
		struct program *program = &state->programs[i];
		struct stamp stamp = stamp_of(program->executable);

		program->whole = stamp_same(&stamp, &program->stamp);
		program->changed = !program->whole;
		for (size_t j = 0; j < program->n; j++)
			program->changed |= state->units[program->units[j]].changed;
	}
}

char *state_reason(const struct state *state, const struct program *program)
{
	if (!program)
		return xstrdup("it was not compiled with these settings before");
	for (size_t i = 0; i < program->n; i++) {
		const struct unit *unit = &state->units[program->units[i]];

		if (unit->changed) {
			scratch char *cause = path_clean(unit->cause);

			return xasprintf("%s has changed", cause);
		}
	}
	return program->changed ? xstrdup("its executable was changed or removed") : NULL;
}

struct program *state_program(const struct state *state, const char *importpath)
{
	for (size_t i = 0; i < state->program_count; i++) {
		if (!strcmp(state->programs[i].importpath, importpath))
			return &state->programs[i];
	}
	return NULL;
}

/* Units by name, for the time that a state is put together. */
struct names {
	struct hsearch_data table;
};

static void names_init(struct names *names, size_t n)
{
	memset(names, 0, sizeof *names);
	if (!hcreate_r(2 * n + 16, &names->table))
		abort();
}

static void names_release(struct names *names)
{
	hdestroy_r(&names->table);
}

static void names_add(struct names *names, const struct unit *unit, size_t index)
{
	ENTRY *found;

	hsearch_r((ENTRY){ unit->name, (void *)index }, ENTER, &found, &names->table);
}

/* The index, or -1. */
static ssize_t names_find(struct names *names, const char *name)
{
	ENTRY *found;

	if (!hsearch_r((ENTRY){ (char *)name, NULL }, FIND, &found, &names->table))
		return -1;
	return (ssize_t)(size_t)found->data;
}

static void names_fill(struct names *names, const struct state *state, size_t more)
{
	names_init(names, state->unit_count + more);
	for (size_t i = 0; i < state->unit_count; i++)
		names_add(names, &state->units[i], i);
}

static struct unit *add_unit(struct state *state, const char *name)
{
	struct unit *unit;

	grow(state->units, state->unit_count, state->unit_cap);
	unit = &state->units[state->unit_count++];
	*unit = (struct unit){ .name = xstrdup(name) };
	return unit;
}

static struct program *add_program(struct state *state, const char *importpath)
{
	struct program *program;

	grow(state->programs, state->program_count, state->program_cap);
	program = &state->programs[state->program_count++];
	*program = (struct program){ .importpath = xstrdup(importpath) };
	return program;
}

static void use_unit(struct program *program, size_t index)
{
	grow(program->units, program->n, program->cap);
	program->units[program->n++] = index;
}

static const struct input *find_input(
	const struct unit *unit, enum input_kind kind, const char *path, size_t guess)
{
	for (size_t i = 0; unit && i < unit->n; i++) {
		const struct input *input = &unit->v[(guess + i) % unit->n];

		if (input->kind == kind && !strcmp(input->path, path))
			return input;
	}
	return NULL;
}

/* The path as it is noted. malloced. */
static char *note_path(enum input_kind kind, const char *absolute)
{
	scratch char *file = inputs_file(kind, absolute);
	scratch char *relative = path_relative(file);

	return xasprintf("%s%s", relative, absolute + strlen(file));
}

static void add_input(
	struct unit *unit, enum input_kind kind, const char *absolute, const struct unit *old)
{
	char *path = note_path(kind, absolute);
	const struct input *known = find_input(old, kind, path, unit->n);
	struct input *input;

	grow(unit->v, unit->n, unit->cap);
	input = &unit->v[unit->n++];
	*input = (struct input){ .kind = kind, .path = path };
	input->stamp = stamp_of_input(input);
	if (known && stamp_same(&known->stamp, &input->stamp)) {
		memcpy(input->print, known->print, sizeof known->print);
	} else {
		note_stamp(input, input->stamp, stamp_now());
		inputs_print(kind, path, input->print);
	}
}

static void add_inputs(struct unit *unit, const struct go_inputs *inputs, const struct unit *old)
{
	for (int kind = 0; kind < INPUT_KINDS; kind++) {
		const struct strs *paths = &inputs->v[kind];

		for (size_t i = 0; i < paths->n; i++)
			add_input(unit, (enum input_kind)kind, paths->v[i], old);
	}
}

static void add_listed_program(
	struct state *state, const struct go_package *package, struct names *names)
{
	struct program *program = add_program(state, package->importpath);
	ssize_t own = names_find(names, package->importpath);

	program->changed = true;
	program->dir = path_relative(package->dir);
	use_unit(program, (size_t)names_find(names, ""));
	if (own >= 0)
		use_unit(program, (size_t)own);
	for (size_t i = 0; i < package->deps.n; i++) {
		ssize_t index = names_find(names, package->deps.v[i]);

		if (index >= 0)
			use_unit(program, (size_t)index);
	}
}

static const struct unit *find_unit(
	const struct state *state, struct names *names, const char *name)
{
	ssize_t index = names_find(names, name);

	return index < 0 ? NULL : &state->units[index];
}

void state_add_list(struct state *state, const struct go_list *list, const struct go_inputs *common,
	const struct state *old)
{
	struct names before, names;

	names_fill(&before, old, 0);
	add_inputs(add_unit(state, ""), common, find_unit(old, &before, ""));
	for (size_t i = 0; i < list->n; i++) {
		const struct go_package *package = &list->v[i];

		if (package->changes)
			add_inputs(add_unit(state, package->importpath), &package->inputs,
				find_unit(old, &before, package->importpath));
	}
	names_release(&before);
	names_fill(&names, state, 0);
	for (size_t i = 0; i < list->n; i++) {
		if (list->v[i].wanted && list->v[i].main && list->v[i].dir)
			add_listed_program(state, &list->v[i], &names);
	}
	names_release(&names);
	state->touched = true;
}

static const struct unit *copy_unit(struct state *state, const struct unit *from)
{
	struct unit *unit = add_unit(state, from->name);

	for (size_t i = 0; i < from->n; i++) {
		grow(unit->v, unit->n, unit->cap);
		unit->v[unit->n] = from->v[i];
		unit->v[unit->n++].path = xstrdup(from->v[i].path);
	}
	return unit;
}

static bool same_unit(const struct unit *a, const struct unit *b)
{
	bool same = a->n == b->n;

	for (size_t i = 0; same && i < a->n; i++)
		same = a->v[i].kind == b->v[i].kind && !strcmp(a->v[i].path, b->v[i].path) &&
			!strcmp(a->v[i].print, b->v[i].print);
	return same;
}

/*
 * The unit of what is common knows the modules and directories of the programs that were made last;
 * it takes on those of the others. false: something has changed since they were made.
 */
static bool merge_unit(struct unit *unit, const struct unit *from)
{
	for (size_t i = 0; i < from->n; i++) {
		const struct input *input = &from->v[i];
		const struct input *known = find_input(unit, input->kind, input->path, i);

		if (known && strcmp(known->print, input->print))
			return false;
	}
	for (size_t i = 0; i < from->n; i++) {
		const struct input *input = &from->v[i];

		if (find_input(unit, input->kind, input->path, i))
			continue;
		grow(unit->v, unit->n, unit->cap);
		unit->v[unit->n] = *input;
		unit->v[unit->n++].path = xstrdup(input->path);
	}
	return true;
}

/* The unit in state, copied when it is not there; false: there it is not what it was. */
static bool share_unit(
	struct state *state, struct names *names, struct program *program, const struct unit *unit)
{
	ssize_t index = names_find(names, unit->name);

	if (index >= 0 && !same_unit(unit, &state->units[index]) &&
		(*unit->name || !merge_unit(&state->units[index], unit)))
		return false;
	if (index < 0) {
		index = (ssize_t)state->unit_count;
		names_add(names, copy_unit(state, unit), (size_t)index);
	}
	use_unit(program, (size_t)index);
	return true;
}

/* Copies a program and its units that are not there yet. */
static void copy_program(struct state *state, struct names *names, const struct state *from,
	const struct program *program)
{
	struct program *copy = add_program(state, program->importpath);
	bool up_to_date = !program->changed;

	copy->executable = xstrdup(program->executable);
	copy->stamp = program->stamp;
	memcpy(copy->hash, program->hash, sizeof copy->hash);
	copy->dir = xstrdup(program->dir);
	copy->reason = program->reason ? xstrdup(program->reason) : NULL;
	for (size_t i = 0; up_to_date && i < program->n; i++)
		up_to_date = share_unit(state, names, copy, &from->units[program->units[i]]);
	if (!up_to_date)
		copy->stamp.mtime = -2;
}

void state_copy_others(struct state *state, const struct state *from)
{
	struct names names;

	names_fill(&names, state, from->unit_count);
	for (size_t i = 0; i < from->program_count; i++) {
		const struct program *program = &from->programs[i];

		if (!state_program(state, program->importpath) && file_exists(program->executable))
			copy_program(state, &names, from, program);
	}
	names_release(&names);
}

static bool input_settled(const struct input *input, const struct input *known, int64_t since)
{
	struct stamp now = stamp_of_input(input);
	bool same_before = known && !strcmp(known->print, input->print);
	char print[FINGERPRINT_SIZE];

	if (now.size == input->stamp.size && now.ctime == input->stamp.ctime &&
		(now.ctime < since || (same_before && known->stamp.ctime == now.ctime)))
		return true;
	if (!same_before || input->kind == INPUT_FILE || input->kind == INPUT_ABOVE)
		return false;
	inputs_print(input->kind, input->path, print);
	return !strcmp(print, input->print);
}

bool state_settled(const struct state *state, const struct state *old, int64_t since)
{
	struct names names;
	bool settled = true;

	names_fill(&names, old, 0);
	for (size_t i = 0; settled && i < state->unit_count; i++) {
		const struct unit *unit = &state->units[i];
		const struct unit *before = find_unit(old, &names, unit->name);

		for (size_t j = 0; settled && j < unit->n; j++) {
			const struct input *input = &unit->v[j];

			settled = input_settled(
				input, find_input(before, input->kind, input->path, j), since);
		}
	}
	names_release(&names);
	return settled;
}

/* What was there when we looked need not be looked for again. */
static void unit_depends(const struct unit *unit, struct depfile *depfile)
{
	for (size_t i = 0; i < unit->n; i++) {
		const struct input *input = &unit->v[i];
		scratch char *file = input->kind != INPUT_ABOVE && input->stamp.size >= 0
			? inputs_file(input->kind, input->path)
			: inputs_watched(input->kind, input->path);

		if (file && input->stamp.mtime >= 0)
			depfile_add_seen(depfile, file, input->stamp.mtime);
		else if (file)
			depfile_add(depfile, file);
	}
}

void state_depends(
	const struct state *state, const struct strs *importpaths, struct depfile *depfile)
{
	scratch bool *used = xcalloc(state->unit_count + 1, sizeof *used);

	for (size_t i = 0; i < importpaths->n; i++) {
		const struct program *program = state_program(state, importpaths->v[i]);

		if (!program)
			continue;
		depfile_add(depfile, program->executable);
		for (size_t j = 0; j < program->n; j++)
			used[program->units[j]] = true;
	}
	for (size_t i = 0; i < state->unit_count; i++) {
		if (used[i])
			unit_depends(&state->units[i], depfile);
	}
}

static void add_stamp(struct buf *out, char kind, const struct stamp *stamp)
{
	buf_addf(out, "%c %" PRId64 " %" PRId64 " %" PRId64 " %" PRIu64, kind, stamp->size,
		stamp->mtime, stamp->ctime, stamp->inode);
}

static void write_program(struct buf *out, const struct program *program)
{
	buf_addf(out, "p %s\n", program->importpath);
	add_stamp(out, 'e', &program->stamp);
	buf_addf(out, " %s %s\n", program->hash, program->executable);
	buf_addf(out, "d %s\n", program->dir);
	if (program->reason)
		buf_addf(out, "r %s\n", program->reason);
	buf_addch(out, 'm');
	for (size_t i = 0; i < program->n; i++)
		buf_addf(out, " %zu", program->units[i]);
	buf_addch(out, '\n');
}

int state_save(const struct state *state, const char *path, struct err *err)
{
	cleanup(buf_release) struct buf out = { 0 };

	buf_addstr(&out, HEADER);
	for (size_t i = 0; i < state->unit_count; i++) {
		const struct unit *unit = &state->units[i];

		buf_addf(&out, "u %s\n", unit->name);
		for (size_t j = 0; j < unit->n; j++) {
			add_stamp(&out, inputs_letter(unit->v[j].kind), &unit->v[j].stamp);
			buf_addf(&out, " %s %s\n", unit->v[j].print, unit->v[j].path);
		}
	}
	for (size_t i = 0; i < state->program_count; i++)
		write_program(&out, &state->programs[i]);
	return file_save(path, out.data, out.len, err) < 0 ? -1 : 0;
}

/* "SIZE MTIME CTIME INODE WORD REST": gives the stamp, copies WORD, returns REST; NULL if wrong. */
static const char *read_stamp(const char *p, struct stamp *stamp, char *word, size_t size)
{
	char *end;
	size_t n;

	stamp->size = strtoll(p, &end, 10);
	stamp->mtime = strtoll(end, &end, 10);
	stamp->ctime = strtoll(end, &end, 10);
	stamp->inode = strtoull(end, &end, 10);
	if (*end != ' ')
		return NULL;
	n = strcspn(++end, " ");
	if (n + 1 != size || end[n] != ' ')
		return NULL;
	memcpy(word, end, n);
	word[n] = '\0';
	return end + n + 1;
}

static bool read_input(struct state *state, const char *line)
{
	struct input input = { .kind = inputs_kind(line[0]) };
	const char *path = read_stamp(line + 2, &input.stamp, input.print, sizeof input.print);
	struct unit *unit = state->unit_count ? &state->units[state->unit_count - 1] : NULL;

	if (!path || !unit)
		return false;
	input.path = xstrdup(path);
	grow(unit->v, unit->n, unit->cap);
	unit->v[unit->n++] = input;
	return true;
}

static bool read_executable(struct program *program, const char *line)
{
	const char *path =
		read_stamp(line + 2, &program->stamp, program->hash, sizeof program->hash);

	program->executable = path ? xstrdup(path) : NULL;
	return path;
}

static bool read_members(struct state *state, struct program *program, const char *line)
{
	for (char *p = (char *)line + 1; *p;) {
		size_t index = strtoull(p, &p, 10);

		if (index >= state->unit_count || (*p && *p != ' '))
			return false;
		use_unit(program, index);
	}
	return true;
}

static bool read_line(struct state *state, const char *line)
{
	struct program *program =
		state->program_count ? &state->programs[state->program_count - 1] : NULL;

	if (!*line || (line[1] != ' ' && strcmp(line, "m")))
		return false;
	switch (line[0]) {
	case 'u':
		add_unit(state, line + 2);
		return true;
	case 'p':
		add_program(state, line + 2);
		return true;
	case 'e':
		return program && read_executable(program, line);
	case 'd':
		if (program)
			program->dir = xstrdup(line + 2);
		return program;
	case 'r':
		if (program)
			program->reason = xstrdup(line + 2);
		return program;
	case 'm':
		return program && program->executable && program->dir &&
			read_members(state, program, line);
	default:
		return inputs_kind(line[0]) < INPUT_KINDS && read_input(state, line);
	}
}

void state_load(struct state *state, const char *path)
{
	cleanup(buf_release) struct buf text = { 0 };
	struct err ignored;
	char *line, *next;

	if (file_read_if_exists(path, FILE_LIMIT, &text, &ignored) ||
		!starts_with(buf_str(&text), HEADER))
		return;
	for (line = text.data + strlen(HEADER); *line; line = next) {
		char *newline = strchr(line, '\n');

		if (!newline) {
			state_release(state);
			return;
		}
		*newline = '\0';
		next = newline + 1;
		if (!read_line(state, line)) {
			state_release(state);
			return;
		}
	}
}

void state_release(struct state *state)
{
	for (size_t i = 0; i < state->unit_count; i++) {
		for (size_t j = 0; j < state->units[i].n; j++)
			free(state->units[i].v[j].path);
		free(state->units[i].v);
		free(state->units[i].name);
	}
	for (size_t i = 0; i < state->program_count; i++) {
		struct program *program = &state->programs[i];

		free(program->importpath);
		free(program->units);
		free(program->executable);
		free(program->dir);
		free(program->reason);
	}
	free(state->units);
	free(state->programs);
	*state = (struct state){ 0 };
}
