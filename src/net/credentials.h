#ifndef NET_CREDENTIALS_H
#define NET_CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * Where credentials for a registry come from; the first source that has some wins:
 *
 * 1. DOCKER_AUTH_CONFIG, the text of a config file with "auths";
 * 2. the Docker config: $DOCKER_CONFIG/config.json or ~/.docker/config.json. Where neither exists,
 *    $REGISTRY_AUTH_FILE; where that is not set, $XDG_RUNTIME_DIR/containers/auth.json or
 *    ~/.config/containers/auth.json. In the file: credHelpers for the host, then credsStore, then
 *    auths: by registry/repository and its parents, then by registry;
 * 3. for ghcr.io, GITHUB_TOKEN.
 *
 * Credential helpers are the programs of docker-credential-helpers(1): docker-credential-NAME with
 * the argument "get", the server on standard input, JSON on standard output. What they say on
 * standard error is not shown: it may hold the secret.
 */
struct credentials;

/* All NULL: anonymous. Secrets are owned; see credential_release(). */
struct credential {
	char *user, *secret;
	char *identity_token; /* goes to the token server, never to the registry */
	char *registry_token; /* goes to the registry as it is */
	char *source;         /* for messages: a path, a variable's name, a helper's name */
	bool helper;          /* came from a helper, which may be asked again */
};

/* Reads the files. An unreadable or malformed one is an error that names it. */
struct credentials *credentials_new(struct err *err);
void credentials_free(struct credentials *credentials);

/*
 * What part of the configuration is about a repository, as a name: repositories of one registry
 * with the same name share their credential. malloced.
 */
char *credentials_key(
	const struct credentials *credentials, const char *registry, const char *repository);

/* Finds the credential; runs the helper where there is one. "None" is a success. */
int credentials_find(const struct credentials *credentials, const char *registry,
	const char *repository, struct credential *credential, struct err *err);
void credential_release(struct credential *credential);
bool credential_is_none(const struct credential *credential);

/* The key that Docker uses for a registry: Docker Hub's is a URL, others' their host. Static or the
 * argument. */
const char *credentials_server(const char *registry);

/* The Docker config file that login writes: $DOCKER_CONFIG/config.json, ~/.docker/config.json.
 * malloced. */
char *credentials_docker_path(void);

/* How long a helper may take: KO_TIMEOUT, or 60. */
int credentials_helper_seconds(void);

/* Whether NAME may be part of a helper's program name. */
bool credentials_helper_name(const char *name);

/* Reads a config file's text, whatever it is; for tests of the parser. Returns -1 when it is
 * refused. name is what errors call it. */
int credentials_parse(const char *name, const char *text, size_t n, const char *registry,
	struct credential *credential, struct err *err);

#endif
