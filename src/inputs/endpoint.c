#include "endpoint.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "formats/record.h"

#define CONFIG_LIMIT ((size_t)1 << 20)
#define DEFAULT_SOCKET "/var/run/docker.sock"

static const char *setting(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* The directory of the Docker config. malloced. */
static char *config_dir(void)
{
	const char *home = getenv("HOME");

	if (setting("DOCKER_CONFIG"))
		return xstrdup(setting("DOCKER_CONFIG"));
	return path_join(home ? home : "/", ".docker");
}

static void set_socket(struct endpoint *endpoint, const char *path)
{
	endpoint->socket = xstrdup(path);
	endpoint->url = xstrdup("http://localhost");
}

/* "HOST[:PORT]" of a tcp address; the usual ports are those of docker. */
static int set_address(struct endpoint *endpoint, const char *address, bool tls, struct err *err)
{
	const char *colon = strrchr(address, ':'), *bracket = strrchr(address, ']');
	size_t n = strcspn(address, "/");
	bool has_port = colon && (!bracket || colon > bracket);

	if (!n || strpbrk(address, " @?#"))
		return err_set(err, ERR_USAGE, "is not tcp://HOST:PORT");
	endpoint->url = xasprintf("%s://%.*s%s", tls ? "https" : "http", (int)n, address,
		has_port      ? ""
			: tls ? ":2376"
			      : ":2375");
	return 0;
}

static int set_host(struct endpoint *endpoint, const char *host, bool tls, struct err *err)
{
	if (starts_with(host, "unix://")) {
		set_socket(endpoint, host + strlen("unix://"));
		return 0;
	}
	if (starts_with(host, "tcp://"))
		return set_address(endpoint, host + strlen("tcp://"), tls, err);
	if (starts_with(host, "ssh://"))
		return err_set(err, ERR_USAGE,
			"ssh is not spoken here; forward the socket with ssh -N -L "
			"SOCKET:" DEFAULT_SOCKET " HOST and use unix://SOCKET");
	if (!strstr(host, "://"))
		return set_address(endpoint, host, tls, err);
	return err_set(err, ERR_USAGE, "is neither unix://PATH nor tcp://HOST:PORT");
}

/* A certificate of the directory, or NULL where there is no such file. */
static char *pem(const char *dir, const char *name)
{
	scratch char *path = path_join(dir, name);

	return file_exists(path) ? steal(&path) : NULL;
}

static int set_certificates(
	struct endpoint *endpoint, const char *dir, bool required, struct err *err)
{
	endpoint->ca = pem(dir, "ca.pem");
	endpoint->certificate = pem(dir, "cert.pem");
	endpoint->key = pem(dir, "key.pem");
	if (required && !endpoint->ca)
		return err_set(err, ERR_USAGE,
			"%s/ca.pem: no such file; DOCKER_CERT_PATH is where it is looked for", dir);
	if (!endpoint->certificate != !endpoint->key)
		return err_set(err, ERR_USAGE,
			"%s: has one of cert.pem and key.pem; both are "
			"needed",
			dir);
	return 0;
}

static int from_environment(struct endpoint *endpoint, const char *host, struct err *err)
{
	const char *certificates = setting("DOCKER_CERT_PATH");
	scratch char *dir = certificates ? xstrdup(certificates) : config_dir();
	bool verify = setting("DOCKER_TLS_VERIFY"), tls = verify || setting("DOCKER_TLS");

	endpoint->title = xasprintf("%s (DOCKER_HOST)", host);
	endpoint->unverified = tls && !verify;
	if (set_host(endpoint, host, tls, err))
		return err_prefix(err, "DOCKER_HOST=%s", host);
	return tls && !endpoint->socket ? set_certificates(endpoint, dir, verify, err) : 0;
}

static int from_meta(struct endpoint *endpoint, const char *name, const json_t *docker,
	const char *certificates, struct err *err)
{
	const char *host = record_get(docker, "Host");
	bool tls;

	if (!host)
		return err_set(err, ERR_INPUT, "has no endpoint for docker");
	endpoint->title = xasprintf("%s (context %s)", host, name);
	endpoint->unverified = json_is_true(json_object_get(docker, "SkipTLSVerify"));
	tls = endpoint->unverified || file_is_dir(certificates);
	if (set_host(endpoint, host, tls, err))
		return err_prefix(err, "%s", host);
	return tls && !endpoint->socket ? set_certificates(endpoint, certificates, false, err) : 0;
}

static int from_context(struct endpoint *endpoint, const char *name, struct err *err)
{
	scratch char *dir = config_dir();
	cleanup(buf_release) struct buf text = { 0 };
	cleanup(json_release) json_t *meta = NULL;
	char digest[DIGEST_SIZE];
	const char *id = digest + strlen("sha256:");
	scratch char *path = NULL;
	scratch char *certificates = NULL;
	int found;

	digest_of(name, strlen(name), digest);
	path = xasprintf("%s/contexts/meta/%s/meta.json", dir, id);
	certificates = xasprintf("%s/contexts/tls/%s/docker", dir, id);
	found = file_read_if_exists(path, CONFIG_LIMIT, &text, err);
	if (found < 0)
		return -1;
	if (found)
		return err_set(err, ERR_USAGE,
			"docker context %s: there is none of this name in %s; see docker context "
			"ls",
			name, dir);
	meta = json_from(path, buf_str(&text), text.len, err);
	if (!meta)
		return -1;
	if (from_meta(endpoint, name, json_object_get(json_object_get(meta, "Endpoints"), "docker"),
		    certificates, err))
		return err_prefix(err, "docker context %s", name);
	return 0;
}

/* The name in the Docker config. A file that cannot be read is an error where an engine is spoken
 * to; for credentials others report it. */
static int current_context(char **name, struct err *err)
{
	scratch char *dir = config_dir();
	scratch char *path = path_join(dir, "config.json");
	cleanup(buf_release) struct buf text = { 0 };
	cleanup(json_release) json_t *config = NULL;
	const char *value = setting("DOCKER_CONTEXT");
	int found = value ? 1 : file_read_if_exists(path, CONFIG_LIMIT, &text, err);

	if (found < 0)
		return -1;
	if (!found) {
		config = json_from(path, buf_str(&text), text.len, err);
		if (!config)
			return -1;
		value = record_get(config, "currentContext");
	}
	*name = value && *value && strcmp(value, "default") != 0 ? xstrdup(value) : NULL;
	return 0;
}

int endpoint_docker(struct endpoint *endpoint, struct err *err)
{
	scratch char *context = NULL;

	if (setting("DOCKER_HOST"))
		return from_environment(endpoint, setting("DOCKER_HOST"), err);
	if (current_context(&context, err))
		return -1;
	if (context)
		return from_context(endpoint, context, err);
	endpoint->title = xstrdup("unix://" DEFAULT_SOCKET);
	set_socket(endpoint, DEFAULT_SOCKET);
	return 0;
}

int endpoint_podman(struct endpoint *endpoint, struct err *err)
{
	const char *host = setting("CONTAINER_HOST");

	if (!host)
		return 1;
	endpoint->title = xasprintf("%s (CONTAINER_HOST)", host);
	if (set_host(endpoint, host, false, err))
		return err_prefix(err, "CONTAINER_HOST=%s", host);
	return 0;
}

void endpoint_release(struct endpoint *endpoint)
{
	free(endpoint->title);
	free(endpoint->socket);
	free(endpoint->url);
	free(endpoint->ca);
	free(endpoint->certificate);
	free(endpoint->key);
	*endpoint = (struct endpoint){ 0 };
}

bool endpoint_known(const char *builder)
{
	static const char *const known[] = { "docker", "podman", "buildah" };

	for (size_t i = 0; i < countof(known); i++) {
		if (!strcmp(builder, known[i]))
			return true;
	}
	return false;
}

static void add_variable(struct buf *text, const char *name)
{
	if (setting(name))
		buf_addf(text, "%s%s=%s", text->len ? "," : "", name, setting(name));
}

static void add_docker(struct buf *text)
{
	scratch char *context = NULL;
	struct err ignored;

	add_variable(text, "DOCKER_HOST");
	if (text->len || current_context(&context, &ignored) || !context)
		return;
	buf_addf(text, "context=%s", context);
}

char *endpoint_identity(const char *builder)
{
	struct buf text = { 0 };

	if (!builder || !strcmp(builder, "native") || !strcmp(builder, "docker")) {
		add_docker(&text);
	} else if (!strcmp(builder, "kind")) {
		add_docker(&text);
		add_variable(&text, "KIND_CLUSTER_NAME");
		add_variable(&text, "KIND_EXPERIMENTAL_PROVIDER");
	} else {
		add_variable(&text, "CONTAINER_HOST");
		add_variable(&text, "CONTAINERS_STORAGE_CONF");
	}
	return text.data ? buf_detach(&text) : xstrdup("");
}
