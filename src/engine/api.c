#include "api.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/http.h"

/* An engine unpacks what it was sent before it answers. */
#define SILENCE_SECONDS 600
#define LINE_LIMIT ((size_t)1 << 20)

struct api {
	const char *title;
	struct endpoint endpoint;
	struct http *http;
};

/* One call that goes on. */
struct asking {
	struct api *api;
	struct api_call *call;
	struct http_exchange http;
	int64_t sent;
	struct buf line;
	bool done, failed;
	struct err err;
};

struct api *api_new(const char *title, struct endpoint *endpoint, struct err *err)
{
	struct api *api = xcalloc(1, sizeof *api);
	struct http_settings settings = { .ca_file = endpoint->ca,
		.timeout = SILENCE_SECONDS,
		.socket = endpoint->socket,
		.certificate = endpoint->certificate,
		.key = endpoint->key,
		.unverified = endpoint->unverified,
		.trust_advice =
			"; look at the certificates in DOCKER_CERT_PATH or of the context" };

	api->title = title;
	api->endpoint = *endpoint;
	*endpoint = (struct endpoint){ 0 };
	api->http = http_new(&settings, err);
	if (!api->http) {
		api_free(api);
		return NULL;
	}
	return api;
}

void api_free(struct api *api)
{
	if (!api)
		return;
	http_free(api->http);
	endpoint_release(&api->endpoint);
	free(api);
}

static int unreached(const struct api *api, enum err_class class, const char *why, struct err *err)
{
	return err_set(err, class,
		"%s: %s: %s; is the engine running? Its address is in DOCKER_HOST, in the context "
		"of docker or in CONTAINER_HOST; KO_BUILDER names another engine",
		api->title, api->endpoint.title, why);
}

/* libcurl does not say why a Unix socket cannot be connected to. */
static int try_socket(const struct api *api, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = api->endpoint.socket;
	int fd, result;

	if (!path)
		return 0;
	if (strlen(path) >= sizeof address.sun_path)
		return unreached(api, ERR_USAGE, "the path of the socket is too long", err);
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	result = connect(fd, (struct sockaddr *)&address, sizeof address);
	if (result)
		result = unreached(
			api, errno == EACCES ? ERR_REFUSED : ERR_RETRY, strerror(errno), err);
	close(fd);
	return result;
}

static ssize_t give_body(void *arg, char *to, size_t n)
{
	struct asking *asking = arg;
	ssize_t got = pread(asking->call->body_fd, to, n, asking->sent);

	if (got < 0)
		return HTTP_STOP;
	asking->sent += got;
	return got;
}

static int rewind_body(void *arg)
{
	struct asking *asking = arg;

	asking->sent = 0;
	return 0;
}

/* "error" is the older form of "errorDetail"; both are there as a rule. */
static const char *complaint(const json_t *message)
{
	const char *text = record_get(json_object_get(message, "errorDetail"), "message");

	return text ? text : record_get(message, "error");
}

static int take_message(struct asking *asking, struct err *err)
{
	struct api_call *call = asking->call;
	json_t *message = json_from("answer", buf_str(&asking->line), asking->line.len, err);
	const char *text = complaint(message);

	if (!message)
		return -1;
	json_decref(call->json);
	call->json = message;
	if (text)
		return err_set(err, ERR_REFUSED, "%s", text);
	return call->message ? call->message(call->arg, message, err) : 0;
}

static int end_line(struct asking *asking)
{
	bool blank = strspn(buf_str(&asking->line), " \t\r") == asking->line.len;

	if (!blank && take_message(asking, &asking->err)) {
		asking->failed = true;
		return HTTP_STOP;
	}
	buf_clear(&asking->line);
	return 0;
}

static int take_body(void *arg, const char *bytes, size_t n)
{
	struct asking *asking = arg;

	while (n) {
		const char *end = memchr(bytes, '\n', n);
		size_t length = end ? (size_t)(end - bytes) : n;

		if (asking->line.len + length > LINE_LIMIT) {
			err_set(&asking->err, ERR_INPUT, "a line of the answer is too long");
			asking->failed = true;
			return HTTP_STOP;
		}
		buf_add(&asking->line, bytes, length);
		bytes += length + (end != NULL);
		n -= length + (end != NULL);
		if (end && end_line(asking))
			return HTTP_STOP;
	}
	return 0;
}

static void end_exchange(void *arg)
{
	((struct asking *)arg)->done = true;
}

/* What an answer of 400 and more says: {"message": "..."}; otherwise its text. */
static int refused(const struct asking *asking, struct err *err)
{
	const struct buf *body = &asking->http.body;
	struct err ignored;
	cleanup(json_release) json_t *json =
		json_from("answer", buf_str(body), body->len, &ignored);
	const char *message = record_get(json, "message");

	if (!message)
		message = body->len ? buf_str(body) : "no reason given";
	return err_set(err, ERR_REFUSED, "%s (HTTP %d)", message, asking->http.status);
}

static int finish(struct asking *asking, struct err *err)
{
	struct api_call *call = asking->call;

	if (!asking->failed && asking->http.status / 100 == 2)
		end_line(asking);
	if (asking->failed) {
		*err = asking->err;
		return -1;
	}
	call->status = asking->http.status;
	if (call->status / 100 != 2 && call->status && !(call->may_miss && call->status == 404))
		return refused(asking, err);
	if (asking->http.failure)
		return err_set(err, ERR_RETRY, "%s", asking->http.failure_text);
	return 0;
}

int api_ask(struct api *api, struct api_call *call, struct err *err)
{
	scratch char *url = xasprintf("%s%s", api->endpoint.url, call->path);
	struct asking asking = { .api = api, .call = call };
	int result = try_socket(api, err);

	if (result)
		return -1;
	asking.http = (struct http_exchange){ .method = call->method,
		.url = url,
		.headers = call->headers,
		.body_size = call->body_fd ? call->body_size : -1,
		.read = give_body,
		.rewind = rewind_body,
		.write = take_body,
		.done = end_exchange,
		.arg = &asking };
	call->headers = (struct strs){ 0 };
	http_start(api->http, &asking.http);
	while (!asking.done && !result)
		result = http_step(api->http, 1000, err);
	if (!result)
		result = finish(&asking, err);
	if (result && asking.done && !asking.failed && !asking.http.status) {
		struct err why = *err;

		unreached(api, why.class, why.text, err);
	} else if (result) {
		err_prefix(err, "%s: %s", api->title, call->what);
	}
	http_release(&asking.http);
	buf_release(&asking.line);
	return result;
}

void api_call_release(struct api_call *call)
{
	strs_release(&call->headers);
	json_decref(call->json);
	call->json = NULL;
}
