#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <stdint.h>

#include "formats/platform.h"
#include "inputs/target.h"

/*
 * A container engine, as far as images are brought to it: Docker by its API, Podman by its command
 * or the same API, Buildah by its command. An image is known by its ID, which is the digest of its
 * config. Errors are one line that begins with the engine's name and ends with what it said.
 */
struct engine {
	const struct engine_operations *operations;
	const char *title; /* "docker", "podman", "buildah"; also the name of the command */
	struct api *api;   /* NULL: the command is used */
	bool podman;
	struct platform platform; /* what it runs */
};

/* Where an image is pushed to, under a name that the engine has it by. */
struct engine_push {
	const char *name; /* "registry/repository:tag" */
	const struct target *target;
	bool insecure; /* the registry may be spoken to in plain http */
};

struct engine_operations {
	/* Whether the image is there: 1, 0, or -1 with err. */
	int (*has)(struct engine *engine, const char *id, struct err *err);
	/* Appends the diffIDs of the image with this name; none where there is no such image. NULL:
	 * the engine does not take archives without the layers that it has. */
	int (*layers)(
		struct engine *engine, const char *name, struct strs *diff_ids, struct err *err);
	/* Takes the images of a docker archive (see formats/saved.h), which has each of these names
	 * once. The file is read from its start. */
	int (*load)(struct engine *engine, int fd, int64_t size, const struct strs *names,
		struct err *err);
	/* Gives an image, by its ID or a name, another name; takes it from the image that had it.
	 */
	int (*tag)(struct engine *engine, const char *image, const char *name, struct err *err);
	/* Sends it to its registry; digest takes what the engine calls it there, "" when it does
	 * not say. */
	int (*push)(struct engine *engine, const struct engine_push *push, char digest[DIGEST_SIZE],
		struct err *err);
};

/* Finds the engine of a builder ("docker") and asks it for its platform. */
int engine_open(struct engine *engine, const char *builder, struct err *err);
void engine_close(struct engine *engine);

/* The two ways to speak to one; for engine_open(). */
int engine_open_api(struct engine *engine, struct err *err);
int engine_open_command(struct engine *engine, struct err *err);

/* What a program said before it failed: its line that begins with "Error", else its first one, else
 * how it ended. malloced. */
char *engine_reason(const char *said, int status);

#endif
