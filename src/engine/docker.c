/*
 * The API of Docker, and Podman's form of it: GET /version, GET /images/ID/json, POST /images/load,
 * POST /images/ID/tag, POST /images/NAME/push.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "base/mem.h"
#include "engine.h"
#include "net/auth.h"
#include "net/credentials.h"
#include "net/url.h"

static int ask(struct engine *engine, struct api_call *call, struct err *err)
{
	int result = api_ask(engine->api, call, err);

	api_call_release(call);
	return result;
}

static int keep_platform(void *arg, const json_t *version, struct err *err)
{
	struct engine *engine = arg;
	const char *os = record_get(version, "Os"), *arch = record_get(version, "Arch");

	if (!os || !arch)
		return err_set(err, ERR_INPUT, "the answer has no Os and Arch");
	snprintf(engine->platform.os, PLATFORM_PART, "%s", os);
	snprintf(engine->platform.arch, PLATFORM_PART, "%s", arch);
	return 0;
}

static int has(struct engine *engine, const char *id, struct err *err)
{
	scratch char *path = xasprintf("/images/%s/json", id);
	struct api_call call = {
		.what = "look for an image", .method = "GET", .path = path, .may_miss = true
	};

	if (ask(engine, &call, err))
		return -1;
	return call.status == 200;
}

static int keep_layers(void *arg, const json_t *image, struct err *err)
{
	(void)err;
	record_strings(json_object_get(image, "RootFS"), "Layers", arg);
	return 0;
}

static int layers(struct engine *engine, const char *name, struct strs *diff_ids, struct err *err)
{
	scratch char *path = xasprintf("/images/%s/json", name);
	struct api_call call = { .what = "look at an image",
		.method = "GET",
		.path = path,
		.may_miss = true,
		.message = keep_layers,
		.arg = diff_ids };

	return ask(engine, &call, err);
}

static int load(
	struct engine *engine, int fd, int64_t size, const struct strs *names, struct err *err)
{
	struct api_call call = { .what = "load images",
		.method = "POST",
		.path = "/images/load?quiet=1",
		.body_fd = fd,
		.body_size = size };

	(void)names;
	strs_add(&call.headers, "Content-Type: application/x-tar");
	return ask(engine, &call, err);
}

/* The repository and tag of "repository:tag". */
static const char *split(const char *name, char **repository)
{
	const char *colon = strrchr(name, ':');

	*repository = xstrndup(name, (size_t)(colon - name));
	return colon + 1;
}

static int tag(struct engine *engine, const char *image, const char *name, struct err *err)
{
	scratch char *repository = NULL;
	const char *word = split(name, &repository);
	cleanup(buf_release) struct buf path = { 0 };
	scratch char *what = xasprintf("tag %s", name);
	struct api_call call = { .what = what, .method = "POST" };

	buf_addf(&path, "/images/%s/tag?repo=", image);
	url_encode(&path, repository);
	buf_addf(&path, "&tag=%s", word);
	call.path = buf_str(&path);
	return ask(engine, &call, err);
}

/* The credential as the engine wants it: base64url of a JSON object. malloced, a secret. */
static char *auth_value(const struct credential *c, const char *server)
{
	json_t *auth = json_object();
	char *text, *value;
	size_t n;

	json_object_set_new(auth, "serveraddress", json_string(server));
	if (c->registry_token) {
		json_object_set_new(auth, "registrytoken", json_string(c->registry_token));
	} else if (c->identity_token) {
		json_object_set_new(auth, "identitytoken", json_string(c->identity_token));
	} else if (c->user) {
		json_object_set_new(auth, "username", json_string(c->user));
		json_object_set_new(auth, "password", json_string(c->secret));
	}
	text = json_text(auth, &n);
	value = xmalloc(4 * ((n + 2) / 3) + 1);
	EVP_EncodeBlock((unsigned char *)value, (const unsigned char *)text, (int)n);
	for (char *p = value; *p; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
	secret_free(&text);
	json_decref(auth);
	return value;
}

static int add_auth(struct api_call *call, const struct image_ref *ref, struct err *err)
{
	struct credentials *credentials = credentials_new(err);
	cleanup(credential_release) struct credential credential = { 0 };
	char *value = NULL;
	int result = -1;

	if (credentials)
		result =
			credentials_find(credentials, ref->host, ref->repository, &credential, err);
	if (!result) {
		value = auth_value(&credential, credentials_server(ref->host));
		strs_take(&call->headers, xasprintf("X-Registry-Auth: %s", value));
	}
	secret_free(&value);
	credentials_free(credentials);
	return result;
}

/* Docker's last word about a push has "aux": {"Tag", "Digest", "Size"}. */
static int keep_digest(void *arg, const json_t *message, struct err *err)
{
	const char *digest = record_get(json_object_get(message, "aux"), "Digest");

	(void)err;
	if (digest && digest_valid(digest))
		memcpy(arg, digest, DIGEST_SIZE);
	return 0;
}

static int push(struct engine *engine, const struct engine_push *push, char digest[DIGEST_SIZE],
	struct err *err)
{
	scratch char *repository = NULL;
	const char *word = split(push->name, &repository);
	scratch char *path = xasprintf("/images/%s/push?tag=%s%s", repository, word,
		engine->podman && push->insecure ? "&tlsVerify=false" : "");
	scratch char *what = xasprintf("push %s", push->name);
	struct api_call call = {
		.what = what, .method = "POST", .path = path, .message = keep_digest, .arg = digest
	};

	digest[0] = '\0';
	if (add_auth(&call, &push->target->ref, err))
		return -1;
	return ask(engine, &call, err);
}

static const struct engine_operations operations = { has, layers, load, tag, push };
static const struct engine_operations podman_operations = { has, NULL, load, tag, push };

int engine_open_api(struct engine *engine, struct err *err)
{
	struct api_call call = { .what = "version",
		.method = "GET",
		.path = "/version",
		.message = keep_platform,
		.arg = engine };

	engine->operations = engine->podman ? &podman_operations : &operations;
	return ask(engine, &call, err);
}
