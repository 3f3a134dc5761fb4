/*
 * Podman and Buildah by their commands, which read and write one storage (containers-storage.conf)
 * and take the same words but for a few. An archive is their standard input, by the name that the
 * kernel gives it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/proc.h"
#include "engine.h"

#define OUTPUT_LIMIT ((size_t)8 << 20)
#define ARCHIVE "/dev/stdin"

/* A run of the engine's command. */
struct command {
	struct strs words;
	int input; /* an archive, which the command opens by its name; 0: none */
	struct buf out, said;
};

static void command_release(struct command *command)
{
	strs_release(&command->words);
	buf_release(&command->out);
	buf_release(&command->said);
}

static void add_words(struct command *command, const char *const *words)
{
	for (; *words; words++)
		strs_add(&command->words, *words);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Warnings come first, the error last. */
char *engine_reason(const char *said, int status)
{
	const char *found = said + strspn(said, " \n");

	for (const char *line = found; *line; line += strspn(line, "\n")) {
		if (starts_with(line, "Error: "))
			found = line + strlen("Error: ");
		else if (starts_with(line, "Error"))
			found = line;
		line += strcspn(line, "\n");
	}
	return *found ? xstrndup(found, strcspn(found, "\n")) : xstrdup(proc_death(status));
}

static int start(const struct engine *engine, struct command *command, struct err *err)
{
	struct proc proc = { .from = command->input,
		.output = &command->out,
		.messages = &command->said,
		.output_limit = OUTPUT_LIMIT };
	struct strs argv = { 0 };
	int status;

	strs_add(&argv, engine->title);
	for (size_t i = 0; i < command->words.n; i++)
		strs_add(&argv, command->words.v[i]);
	proc.argv = (const char *const *)strs_argv(&argv);
	status = proc_run(&proc, err);
	if (status < 0)
		err_prefix(err, "builder %s", engine->title);
	strs_release(&argv);
	return status;
}

/* Runs it; a status other than 0 is an error. */
static int run(struct engine *engine, struct command *command, struct err *err)
{
	int status = start(engine, command, err);
	scratch char *why = NULL;

	if (status <= 0)
		return status;
	why = engine_reason(buf_str(&command->said), status);
	return err_set(err, ERR_REFUSED, "%s %s: %s", engine->title, command->words.v[0], why);
}

static int has(struct engine *engine, const char *id, struct err *err)
{
	cleanup(command_release) struct command command = { 0 };
	scratch char *why = NULL;
	int status;

	if (engine->podman)
		add_words(&command, WORDS("image", "exists"));
	else
		add_words(&command, WORDS("inspect", "--type", "image"));
	strs_add(&command.words, id + strlen("sha256:"));
	status = start(engine, &command, err);
	if (status <= 0)
		return status < 0 ? -1 : 1;
	why = engine_reason(buf_str(&command.said), status);
	if (status == 1 || strstr(why, "image not known") || strstr(why, "no such image"))
		return 0;
	return err_set(err, ERR_REFUSED, "%s: look for an image: %s", engine->title, why);
}

static int pull(struct engine *engine, int fd, const char *name, struct err *err)
{
	cleanup(command_release) struct command command = { .input = fd };

	add_words(&command, WORDS("pull", "--quiet"));
	strs_take(&command.words, xasprintf("docker-archive:" ARCHIVE ":%s", name));
	return run(engine, &command, err);
}

/* One image of the archive at a time: podman load would say what each format it knows lacks. */
static int load(
	struct engine *engine, int fd, int64_t size, const struct strs *names, struct err *err)
{
	(void)size;
	for (size_t i = 0; i < names->n; i++) {
		if (pull(engine, fd, names->v[i], err))
			return -1;
	}
	return 0;
}

static int tag(struct engine *engine, const char *image, const char *name, struct err *err)
{
	cleanup(command_release) struct command command = { 0 };

	if (starts_with(image, "sha256:"))
		image += strlen("sha256:");
	add_words(&command, WORDS("tag", image, name));
	return run(engine, &command, err);
}

static int push(struct engine *engine, const struct engine_push *push, char digest[DIGEST_SIZE],
	struct err *err)
{
	cleanup(command_release) struct command command = { 0 };
	scratch char *to = xasprintf("docker://%s", push->name);
	size_t n;

	add_words(&command, WORDS("push", "--quiet", "--digestfile", "/dev/stdout"));
	if (push->insecure)
		strs_add(&command.words, "--tls-verify=false");
	add_words(&command, WORDS(push->name, to));
	if (run(engine, &command, err))
		return -1;
	n = strcspn(buf_str(&command.out), "\n");
	snprintf(digest, DIGEST_SIZE, "%.*s", (int)n, buf_str(&command.out));
	if (!digest_valid(digest))
		digest[0] = '\0';
	return 0;
}

static int read_platform(struct engine *engine, const struct buf *text, struct err *err)
{
	cleanup(json_release) json_t *info =
		json_from(engine->title, buf_str(text), text->len, err);
	const json_t *host = json_object_get(info, "host");
	const char *os = record_get(host, "os"), *arch = record_get(host, "arch");

	if (!info)
		return -1;
	if (!os || !arch)
		return err_set(err, ERR_INPUT, "%s info: no host.os and host.arch", engine->title);
	snprintf(engine->platform.os, PLATFORM_PART, "%s", os);
	snprintf(engine->platform.arch, PLATFORM_PART, "%s", arch);
	return 0;
}

static const struct engine_operations operations = { has, NULL, load, tag, push };

int engine_open_command(struct engine *engine, struct err *err)
{
	cleanup(command_release) struct command command = { 0 };

	engine->operations = &operations;
	strs_add(&command.words, "info");
	if (engine->podman)
		add_words(&command, WORDS("--format", "json"));
	if (run(engine, &command, err))
		return -1;
	return read_platform(engine, &command.out, err);
}
