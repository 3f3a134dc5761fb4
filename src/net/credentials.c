#include "credentials.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "auth.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"
#include "formats/record.h"

#define CONFIG_LIMIT ((size_t)1 << 20)
#define HELPER_LIMIT ((size_t)1 << 20)

#define HUB_SERVER "https://index.docker.io/v1/"

struct config {
	char *path; /* NULL: there is no such file */
	json_t *json;
};

struct credentials {
	struct config environment, file;
};

void credential_release(struct credential *credential)
{
	secret_free(&credential->user);
	secret_free(&credential->secret);
	secret_free(&credential->identity_token);
	secret_free(&credential->registry_token);
	free(credential->source);
	*credential = (struct credential){ 0 };
}

bool credential_is_none(const struct credential *credential)
{
	return !credential->user && !credential->identity_token && !credential->registry_token;
}

const char *credentials_server(const char *registry)
{
	static const char *const hub[] = { "docker.io", "index.docker.io", "registry-1.docker.io" };

	for (size_t i = 0; i < countof(hub); i++) {
		if (!strcmp(registry, hub[i]))
			return HUB_SERVER;
	}
	return registry;
}

bool credentials_helper_name(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";

	return *name && *name != '-' && strspn(name, allowed) == strlen(name) && strlen(name) < 100;
}

int credentials_helper_seconds(void)
{
	const char *text = getenv("KO_TIMEOUT");
	long n = text ? strtol(text, NULL, 10) : 0;

	return n > 0 && n < 100000 ? (int)n : 60;
}

static char *in_home(const char *name)
{
	const char *home = getenv("HOME");

	return path_join(home && *home ? home : "/", name);
}

char *credentials_docker_path(void)
{
	const char *dir = getenv("DOCKER_CONFIG");

	return dir && *dir ? path_join(dir, "config.json") : in_home(".docker/config.json");
}

static char *containers_path(void)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR"), *config = getenv("XDG_CONFIG_HOME");
	char *path = path_join(runtime && *runtime ? runtime : "/", "containers/auth.json");

	if (runtime && *runtime && file_exists(path))
		return path;
	free(path);
	return config && *config ? path_join(config, "containers/auth.json")
				 : in_home(".config/containers/auth.json");
}

/* The file that ko reads. When DOCKER_CONFIG is set but has none, one in the home directory still
 * keeps the others from being looked at; so does ko. */
static char *config_path(void)
{
	scratch char *docker = credentials_docker_path();
	scratch char *home = in_home(".docker/config.json");
	const char *file = getenv("REGISTRY_AUTH_FILE");

	if (file_exists(docker) || file_exists(home))
		return steal(&docker);
	return file && *file ? xstrdup(file) : containers_path();
}

static void wipe_json(json_t *json)
{
	const char *key;
	json_t *value;

	json_object_foreach (json, key, value) {
		if (json_is_string(value))
			explicit_bzero((char *)json_string_value(value), json_string_length(value));
		else
			wipe_json(value);
	}
}

static void config_release(struct config *config)
{
	wipe_json(config->json);
	json_decref(config->json);
	free(config->path);
	*config = (struct config){ 0 };
}

static int config_parse(
	struct config *config, const char *name, const char *text, size_t n, struct err *err)
{
	size_t blank = 0;
	json_error_t error;

	while (blank < n && strchr(" \t\r\n", text[blank]) && text[blank])
		blank++;
	if (blank == n) {
		config->json = json_object();
		return 0;
	}
	/* jansson's own words may repeat a part of the text, and so a secret */
	config->json = json_loadb(text, n, JSON_REJECT_DUPLICATES, &error);
	if (!config->json)
		return err_set(
			err, ERR_INPUT, "%s:%d:%d: malformed JSON", name, error.line, error.column);
	if (!json_is_object(config->json))
		return err_set(err, ERR_INPUT, "%s: not a JSON object", name);
	return 0;
}

static int read_file(struct config *config, struct err *err)
{
	cleanup(buf_release) struct buf text = { 0 };
	scratch char *path = config_path();
	struct stat st;
	int result;

	result = file_read_if_exists(path, CONFIG_LIMIT, &text, err);
	if (result == 1)
		return 0;
	if (!result && !stat(path, &st) && (st.st_mode & 077))
		log_debug(1, "%s: can be read by others; chmod 600 it", path);
	if (!result)
		result = config_parse(config, path, buf_str(&text), text.len, err);
	if (text.data)
		explicit_bzero(text.data, text.cap);
	config->path = steal(&path);
	return result;
}

struct credentials *credentials_new(struct err *err)
{
	struct credentials *credentials = xcalloc(1, sizeof *credentials);
	const char *text = getenv("DOCKER_AUTH_CONFIG");

	if (read_file(&credentials->file, err) ||
		(text && *text &&
			config_parse(&credentials->environment, "DOCKER_AUTH_CONFIG", text,
				strlen(text), err))) {
		credentials_free(credentials);
		return NULL;
	}
	if (text && *text)
		credentials->environment.path = xstrdup("DOCKER_AUTH_CONFIG");
	return credentials;
}

void credentials_free(struct credentials *credentials)
{
	if (!credentials)
		return;
	config_release(&credentials->environment);
	config_release(&credentials->file);
	free(credentials);
}

/* Keys written by old tools are URLs: what counts of them is the host. */
static bool same_host(const char *key, const char *registry)
{
	bool url = starts_with(key, "https://") || starts_with(key, "http://");
	const char *host = url ? strstr(key, "://") + 3 : key;
	size_t n = strcspn(host, "/");

	if (!url && host[n] && !starts_with(host + n, "/v1") && !starts_with(host + n, "/v2"))
		return false;
	return strlen(registry) == n && !strncmp(host, registry, n);
}

/* The key of the entry in auths for a repository, or NULL. Borrowed. */
static const char *auths_key(const json_t *auths, const char *registry, const char *repository)
{
	scratch char *path = xasprintf("%s/%s", registry, repository ? repository : "");
	const char *server = credentials_server(registry), *key;
	json_t *value;

	for (char *slash = path + strlen(path); slash; slash = strrchr(path, '/')) {
		*slash = '\0';
		json_object_foreach ((json_t *)auths, key, value) {
			if (!strcmp(key, path))
				return key;
		}
	}
	json_object_foreach ((json_t *)auths, key, value) {
		if (!strcmp(key, server) || same_host(key, registry) ||
			(server != registry && same_host(key, "index.docker.io")))
			return key;
	}
	return NULL;
}

static const char *helper_of(const struct config *config, const char *registry)
{
	const json_t *helpers = json_object_get(config->json, "credHelpers");
	const char *name = json_string_value(json_object_get(helpers, registry));

	if (!name)
		name = json_string_value(json_object_get(helpers, credentials_server(registry)));
	if (!name)
		name = json_string_value(json_object_get(config->json, "credsStore"));
	return name && *name ? name : NULL;
}

char *credentials_key(
	const struct credentials *credentials, const char *registry, const char *repository)
{
	const struct config *configs[] = { &credentials->environment, &credentials->file };

	for (size_t i = 0; i < countof(configs); i++) {
		const json_t *auths = json_object_get(configs[i]->json, "auths");
		const char *key = auths_key(auths, registry, repository);

		if (helper_of(configs[i], registry))
			return xstrdup(registry);
		if (key)
			return xstrdup(key);
	}
	return xstrdup(registry);
}

/* base64, padded or not, to a string of its own; NULL when it is not. */
static char *decode(const char *text)
{
	size_t n = strlen(text), padding;
	char *padded, *out;
	int got;

	while (n && text[n - 1] == '=')
		n--;
	padding = (4 - n % 4) % 4;
	padded = xmalloc(n + 4);
	memcpy(padded, text, n);
	memcpy(padded + n, "===", padding);
	out = xcalloc(n + 4, 1);
	got = padding == 3 ? -1
			   : EVP_DecodeBlock((unsigned char *)out, (unsigned char *)padded,
				     (int)(n + padding));
	explicit_bzero(padded, n);
	free(padded);
	if (got < 0) {
		free(out);
		return NULL;
	}
	return out;
}

static int split_auth(const char *auth, struct credential *credential)
{
	char *pair = decode(auth);
	char *colon = pair ? strchr(pair, ':') : NULL;

	if (colon && colon > pair) {
		secret_free(&credential->user);
		secret_free(&credential->secret);
		credential->user = xstrndup(pair, (size_t)(colon - pair));
		credential->secret = xstrdup(colon + 1);
	}
	secret_free(&pair);
	return credential->user ? 0 : -1;
}

static char *copy_field(const json_t *entry, const char *name)
{
	const char *value = json_string_value(json_object_get(entry, name));

	return value && *value ? xstrdup(value) : NULL;
}

/* Header and form values: a line break in a secret is an attack or an accident. */
static bool clean(const char *s)
{
	return !s || !strpbrk(s, "\r\n");
}

static int from_entry(const json_t *entry, const char *key, const char *path,
	struct credential *credential, struct err *err)
{
	scratch char *auth = copy_field(entry, "auth");
	int result = 0;

	credential->identity_token = copy_field(entry, "identitytoken");
	credential->registry_token = copy_field(entry, "registrytoken");
	credential->user = copy_field(entry, "username");
	credential->secret = copy_field(entry, "password");
	if (credential->user && !credential->secret)
		credential->secret = xstrdup("");
	if (auth && split_auth(auth, credential) && !credential->identity_token &&
		!credential->registry_token)
		result = err_set(err, ERR_INPUT,
			"%s: \"auth\" of %.200s is not base64 of USER:PASSWORD; run ko login "
			"%.200s",
			path, key, key);
	if (auth)
		explicit_bzero(auth, strlen(auth));
	if (!clean(credential->user) || !clean(credential->secret) ||
		!clean(credential->identity_token) || !clean(credential->registry_token))
		result =
			err_set(err, ERR_INPUT, "%s: line break in the entry of %.200s", path, key);
	if (!credential_is_none(credential))
		credential->source = xstrdup(path);
	return result;
}

static int from_answer(
	const char *program, struct buf *output, struct credential *credential, struct err *err)
{
	struct err ignored;
	cleanup(json_release) json_t *answer =
		json_from(program, buf_str(output), output->len, &ignored);
	char *user = copy_field(answer, "Username"), *secret = copy_field(answer, "Secret");

	wipe_json(answer);
	if (!user || !secret || !clean(user) || !clean(secret)) {
		secret_free(&user);
		secret_free(&secret);
		return err_set(err, ERR_REFUSED,
			"%s get: its answer has no Username and Secret; run it by hand to see why",
			program);
	}
	if (!strcmp(user, "<token>")) {
		secret_free(&user);
		credential->identity_token = secret;
	} else {
		credential->user = user;
		credential->secret = secret;
	}
	credential->source = xstrdup(program);
	credential->helper = true;
	return 0;
}

static bool says_not_found(const struct buf *output)
{
	static const char text[] = "credentials not found in native keychain";
	const char *s = buf_str(output) + strspn(buf_str(output), " \t\r\n");

	return starts_with(s, text) &&
		strspn(s + strlen(text), " \t\r\n") == strlen(s) - strlen(text);
}

static int ask_helper(
	const char *name, const char *registry, struct credential *credential, struct err *err)
{
	scratch char *program = xasprintf("docker-credential-%s", name);
	const char *const argv[] = { program, "get", NULL };
	cleanup(buf_release) struct buf input = { 0 };
	cleanup(buf_release) struct buf output = { 0 };
	struct buf messages = { 0 };
	/* credentials for other registries are no matter of a helper */
	static char *const hidden[] = { (char *)"DOCKER_AUTH_CONFIG=" };
	const struct strs env = { .v = (char **)hidden, .n = 1 };
	struct proc proc = { .argv = argv,
		.env = &env,
		.input = &input,
		.output = &output,
		.messages = &messages,
		.output_limit = HELPER_LIMIT,
		.timeout = credentials_helper_seconds() };
	int status, result = 0;

	if (!credentials_helper_name(name))
		return err_set(err, ERR_INPUT, "'%.60s' is no name of a credential helper", name);
	buf_addstr(&input, credentials_server(registry));
	status = proc_run(&proc, err);
	if (status < 0)
		result = err_prefix(err, "credential helper for %s", registry);
	else if (status && !says_not_found(&output))
		result = err_set(err, ERR_REFUSED, "%s get for %s: %s; run it by hand to see why",
			program, registry, proc_death(status));
	else if (!status)
		result = from_answer(program, &output, credential, err);
	if (output.data)
		explicit_bzero(output.data, output.cap);
	if (messages.data)
		explicit_bzero(messages.data, messages.cap);
	buf_release(&messages);
	return result;
}

static int from_config(const struct config *config, const char *registry, const char *repository,
	struct credential *credential, struct err *err)
{
	const json_t *auths = json_object_get(config->json, "auths");
	const char *helper = helper_of(config, registry);
	const char *key = auths_key(auths, registry, repository);

	if (helper)
		return ask_helper(helper, registry, credential, err);
	if (key)
		return from_entry(json_object_get(auths, key), key, config->path, credential, err);
	return 0;
}

static void from_github(struct credential *credential)
{
	const char *token = getenv("GITHUB_TOKEN"), *actor = getenv("GITHUB_ACTOR");

	if (!token || !*token || !clean(token) || !clean(actor))
		return;
	credential->user = xstrdup(actor && *actor ? actor : "unset");
	credential->secret = xstrdup(token);
	credential->source = xstrdup("GITHUB_TOKEN");
}

int credentials_find(const struct credentials *credentials, const char *registry,
	const char *repository, struct credential *credential, struct err *err)
{
	const struct config *configs[] = { &credentials->environment, &credentials->file };

	*credential = (struct credential){ 0 };
	for (size_t i = 0; i < countof(configs) && credential_is_none(credential); i++) {
		if (from_config(configs[i], registry, repository, credential, err)) {
			credential_release(credential);
			return -1;
		}
	}
	if (credential_is_none(credential) && !strcmp(registry, "ghcr.io"))
		from_github(credential);
	if (credential_is_none(credential))
		credential->source = credentials->file.path
			? xasprintf("none in %s", credentials->file.path)
			: xstrdup("none found");
	return 0;
}

int credentials_parse(const char *name, const char *text, size_t n, const char *registry,
	struct credential *credential, struct err *err)
{
	struct config config = { .path = xstrdup(name) };
	const char *key;
	const json_t *auths;
	int result;

	*credential = (struct credential){ 0 };
	result = config_parse(&config, name, text, n, err);
	auths = json_object_get(config.json, "auths");
	key = result ? NULL : auths_key(auths, registry, "a/b");
	if (key)
		result = from_entry(json_object_get(auths, key), key, name, credential, err);
	config_release(&config);
	return result;
}
