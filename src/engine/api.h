#ifndef ENGINE_API_H
#define ENGINE_API_H

#include <stdint.h>

#include "formats/record.h"
#include "inputs/endpoint.h"

/*
 * Requests to the API of a container engine (docs.docker.com "Docker Engine API"; Podman has the
 * same), one at a time. Answers that go on for a while are JSON objects, one a line, and may say
 * after their status of 200 that the work has failed: that is an error here.
 *
 * Errors are one line, "TITLE: WHAT: MESSAGE": ERR_RETRY when the engine is not reached,
 * ERR_REFUSED when it says no, ERR_INPUT when it sends nonsense.
 */
struct api;

/* title ("docker") is borrowed, the endpoint's content is taken over. */
struct api *api_new(const char *title, struct endpoint *endpoint, struct err *err);
void api_free(struct api *api);

struct api_call {
	const char *what;    /* for messages: "load" */
	const char *method;  /* "GET" */
	const char *path;    /* "/images/json" */
	struct strs headers; /* owned */
	int body_fd;         /* a file, sent from its start; 0: none */
	int64_t body_size;
	bool may_miss; /* a status of 404 is an answer */

	/* The answer. Each object of a stream; may_be NULL. Returns 0, or -1 with err. */
	int (*message)(void *arg, const json_t *message, struct err *err);
	void *arg;
	int status;
	json_t *json; /* the last object; owned, NULL: none */
};

int api_ask(struct api *api, struct api_call *call, struct err *err);
void api_call_release(struct api_call *call);

#endif
