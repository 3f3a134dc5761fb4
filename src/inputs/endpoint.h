#ifndef INPUTS_ENDPOINT_H
#define INPUTS_ENDPOINT_H

#include <stdbool.h>

#include "base/err.h"

/*
 * Where a container engine answers, by the rules of the docker command: DOCKER_HOST; else the
 * context that DOCKER_CONTEXT names; else the currentContext of the Docker config; else
 * /var/run/docker.sock. A context (docker-context(1)) is a file of the Docker config's directory,
 * contexts/meta/SHA256(NAME)/meta.json, its certificates are in contexts/tls/SHA256(NAME)/docker.
 *
 * All strings are owned; all zero is a valid, empty one.
 */
struct endpoint {
	char *title;  /* for messages: "unix:///run/docker.sock (DOCKER_HOST)" */
	char *socket; /* path of a Unix socket, or NULL */
	char *url;    /* "http://localhost", "https://build.example:2376", without a final slash */
	char *ca, *certificate, *key; /* PEM files; NULL: none */
	bool unverified;              /* the context says that certificates are not looked at */
};

/* The docker command's engine. ERR_USAGE for an address of another kind, ERR_INPUT for a malformed
 * context. */
int endpoint_docker(struct endpoint *endpoint, struct err *err);

/* The address of a podman service in CONTAINER_HOST. Returns 1 where that is not set. */
int endpoint_podman(struct endpoint *endpoint, struct err *err);

void endpoint_release(struct endpoint *endpoint);

/* Whether a builder is the name of an engine: "docker", "podman", "buildah". "native" is none. */
bool endpoint_known(const char *builder);

/*
 * What decides which engine a builder ("podman", "buildah", "kind"; else docker) speaks to, as one
 * word that is another one for another engine: it makes an image that one engine has be loaded into
 * the next. Reads the environment and at most the Docker config. malloced, "" for the default.
 */
char *endpoint_identity(const char *builder);

#endif
