#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"

/*
 * Programs are started with an argv, never through a shell, looked up on PATH. Descriptors of ours
 * are close-on-exec, so a child gets the three standard ones only.
 */
struct proc {
	const char *const *argv; /* NULL-terminated */
	const char *dir;         /* working directory; NULL: ours */
	const struct strs *env;  /* NAME=VALUE, over the environment we have, the last one counts;
				    may be NULL */
	const struct buf *input; /* standard input; NULL: /dev/null unless inherit_input */
	bool inherit_input;
	int from, to;   /* descriptors for standard input and output; 0: as the others say */
	int shared;     /* a descriptor that the child keeps too, and its children; 0: none */
	bool gives_way; /* where processors are few, to programs that somebody waits for */
	bool output_to_stderr; /* standard output goes where our standard error does */
	struct buf *output;    /* takes standard output; NULL: inherited */
	struct buf *messages;  /* takes standard error; NULL: inherited. May equal output */
	size_t output_limit;   /* of output and messages each, in bytes; 0: 1 GiB */
	int timeout; /* seconds, after which the child's process group is killed; 0: none */

	/* private */
	pid_t pid;
	int64_t began; /* trace_now() */
	int out_fd, err_fd;
};

/* Starts the program. A missing one is ERR_FAILED "NAME: not found on PATH". */
int proc_start(struct proc *proc, struct err *err);

/* Collects the output and waits for the end. Returns the exit status (0 to 255), 128 + N for a
 * death by signal N, or -1 with err set (time limit, output limit, system). */
int proc_wait(struct proc *proc, struct err *err);

/* Waits until one of two started programs has ended, and says which; proc_wait() is still to be
 * called for it. */
struct proc *proc_first(struct proc *a, struct proc *b);

/* Ends a started program that is no longer wanted, with SIGTERM, and reaps it. */
void proc_stop(struct proc *proc);

/* proc_start() and proc_wait(). */
int proc_run(struct proc *proc, struct err *err);

/* The path a program has by PATH, malloced, or NULL. A name with a slash stays. */
char *proc_find(const char *name);

/* The directory that the running program is in, where its fellow tools are too. malloced, or NULL.
 */
char *proc_own_dir(void);

/* The path of one of these fellows, for proc_exec() and argv; the name alone, to be found on PATH,
 * when our own place is not known. malloced. */
char *proc_fellow(const char *tool);

/* Becomes the program; returns only when that fails. */
int proc_exec(const char *const argv[], struct err *err);

/* "exit status 2" or "killed by signal 9 (Killed)", for a status of proc_wait(). Static text. */
const char *proc_death(int status);

#endif
