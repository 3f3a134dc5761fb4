/*
 * All calls wait in one queue, in the order in which they were started. calls_pump() starts those
 * whose time has come, whose registry is known, and that find a free place: per registry a few
 * calls with blobs, and one small one. Where the network is slow small ones go in parallel, on more
 * connections; where it is fast that would cost more than it gives.
 */
#include "call.h"

#include <curl/curl.h>
#include <jansson.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "formats/record.h"

#define HOPS 5
#define LONGEST_DELAY 30000
#define SHOWN_TEXT 300
#define WARNINGS 20
#define WARNING_LIMIT 2000

void registry_fail(struct registry *registry, const struct err *err)
{
	if (!registry->failed)
		registry->err = *err;
	registry->failed = true;
}

void host_fail(struct host *host, const struct err *err)
{
	if (!host->mirror_of) {
		registry_fail(host->registry, err);
		return;
	}
	if (!host->down)
		log_note("mirror of %s: %s; it is asked no more in this run", host->mirror_of,
			err->text);
	host->down = true;
}

struct call *call_new(struct host *host, const char *repository, const char *actions,
	const char *method, const char *rest)
{
	struct call *call = xcalloc(1, sizeof *call);

	call->host = host;
	call->repository = xstrdup(repository);
	call->method = method;
	call->body_size = -1;
	call->what = xstrdup(rest);
	call->path = xasprintf("/v2/%s%s%s", repository, *repository ? "/" : "", rest);
	if (actions) {
		scratch char *scope = xasprintf("repository:%s:%s", repository, actions);

		scope_add(&call->scopes, scope);
	}
	return call;
}

static ssize_t read_bytes(void *arg, char *to, size_t n)
{
	struct call *call = arg;
	size_t left = (size_t)call->body_size - call->offset;

	if (n > left)
		n = left;
	if (n)
		memcpy(to, call->bytes + call->offset, n);
	call->offset += n;
	return (ssize_t)n;
}

static int rewind_bytes(void *arg)
{
	struct call *call = arg;

	call->offset = 0;
	return 0;
}

void call_body(struct call *call, const void *bytes, size_t n)
{
	call->bytes = bytes;
	call->body_size = (int64_t)n;
	call->read = read_bytes;
	call->rewind = rewind_bytes;
	call->arg = call->arg ? call->arg : call;
}

static void *body_arg(struct call *call)
{
	return call->read == read_bytes ? call : call->arg;
}

static ssize_t exchange_read(void *arg, char *to, size_t n)
{
	struct call *call = arg;
	ssize_t got = call->read(body_arg(call), to, n);

	if (got > 0 && call->large)
		call->host->registry->stats.bytes_sent += got;
	call->given |= got > 0;
	return got;
}

static int rewind_body(struct call *call)
{
	return call->rewind ? call->rewind(body_arg(call)) : HTTP_STOP;
}

static int exchange_rewind(void *arg)
{
	struct call *call = arg;

	/* how much of it arrived is not known, and the session may have it already */
	if (call->once && call->large && call->given)
		return HTTP_STOP;
	return rewind_body(call);
}

static int exchange_write(void *arg, const char *bytes, size_t n)
{
	struct call *call = arg;
	int result = call->write(call->arg, bytes, n);

	if (!result)
		call->host->registry->stats.bytes_received += (int64_t)n;
	return result;
}

static void put(struct call ***list, size_t *n, size_t *cap, struct call *call)
{
	grow(*list, *n, *cap);
	(*list)[(*n)++] = call;
}

static bool take(struct call **list, size_t *n, const struct call *call)
{
	for (size_t i = 0; i < *n; i++) {
		if (list[i] != call)
			continue;
		memmove(list + i, list + i + 1, (*n - i - 1) * sizeof(struct call *));
		--*n;
		return true;
	}
	return false;
}

void call_start(struct call *call)
{
	struct registry *registry = call->host->registry;

	put(&registry->waiting, &registry->waiting_count, &registry->waiting_cap, call);
}

static bool stop_running(struct call *call)
{
	struct registry *registry = call->host->registry;

	if (!take(registry->running, &registry->running_count, call))
		return false;
	if (call->large)
		call->host->large -= !call->uncounted;
	else
		call->host->small -= !call->uncounted;
	return true;
}

void call_free(struct call *call)
{
	struct registry *registry;

	if (!call)
		return;
	registry = call->host->registry;
	take(registry->waiting, &registry->waiting_count, call);
	stop_running(call);
	host_forget(call);
	http_release(&call->http);
	secret_free(&call->authorization);
	url_release(&call->at);
	strs_release(&call->headers);
	strs_release(&call->scopes);
	free(call->repository);
	free(call->path);
	free(call->url);
	free(call->what);
	free(call);
}

void call_deliver(struct call *call)
{
	call->done(call);
}

void call_again(struct call *call)
{
	struct registry *registry = call->host->registry;

	if ((call->rewind && rewind_body(call)) || (call->restart && call->restart(call->arg)))
		call_deliver(call);
	else
		put(&registry->waiting, &registry->waiting_count, &registry->waiting_cap, call);
}

int64_t retry_delay(const struct registry *registry, unsigned attempt)
{
	int64_t delay = registry->settings.retry_wait;
	unsigned char random = 128;

	while (--attempt && delay < LONGEST_DELAY)
		delay *= 3;
	if (delay > LONGEST_DELAY)
		delay = LONGEST_DELAY;
	RAND_bytes(&random, 1);
	return delay * 3 / 4 + delay * random / 512;
}

int64_t call_retry_after(const struct call *call)
{
	const char *value = http_header(&call->http, "Retry-After", 0);
	time_t date;

	if (!value)
		return -1;
	if (*value && strspn(value, "0123456789") == strlen(value) && strlen(value) < 10)
		return strtoll(value, NULL, 10);
	date = curl_getdate(value, NULL);
	if (date < 0)
		return -1;
	return date > time(NULL) ? date - time(NULL) : 0;
}

/* The registry that is asked too often is left alone by all calls. */
static void pause_host(struct call *call, int64_t delay)
{
	struct host *host = call->host;

	if (host->paused_until < http_now() + delay)
		host->paused_until = http_now() + delay;
	if (!host->told)
		log_note("%s: asks to slow down; waiting %lld s", host->name,
			(long long)(delay + 999) / 1000);
	host->told = true;
}

static bool patient(const struct call *call)
{
	if (call->http.failure == CURLE_SSL_CONNECT_ERROR && call->attempts)
		return false;
	if (call->host->mirror_of) /* the next place is the better second attempt */
		return false;
	return call_may_pass(call) && call->attempts + 1 < RETRY_ATTEMPTS;
}

/* Tries once more later, or gives the owner what there is. */
static void retry(struct call *call)
{
	int64_t asked = call_retry_after(call), delay, now = http_now();

	if (!call->give_up)
		call->give_up = now + call->host->registry->settings.retry_budget * INT64_C(1000);
	delay = asked >= 0 ? asked * 1000 : retry_delay(call->host->registry, call->attempts + 1);
	if (!patient(call) || now + delay > call->give_up) {
		call->spent = true;
		call_deliver(call);
		return;
	}
	if (call->http.status == 429)
		pause_host(call, delay);
	if (call->once) {
		call_deliver(call);
		return;
	}
	call->attempts++;
	call->not_before = now + delay;
	log_debug(1, "%s: again in %lld ms", call->host->name, (long long)delay);
	call_again(call);
}

bool call_may_pass(const struct call *call)
{
	static const int statuses[] = { 408, 429, 499, 500, 502, 503, 504, 522 };

	if (!call->http.status && call->http.failure == CURLE_SSL_CONNECT_ERROR)
		return !strstr(call->http.failure_text, "handshake failure") &&
			!strstr(call->http.failure_text, "TLS port") &&
			!strstr(call->http.failure_text, "TLS 1.2");
	if (!call->http.status)
		return http_failure_passes(call->http.failure);
	for (size_t i = 0; i < countof(statuses); i++) {
		if (call->http.status == statuses[i])
			return true;
	}
	return false;
}

static bool same_place(const struct url *url, const struct url *base)
{
	return !strcmp(url->host, base->host) &&
		(url->port == base->port || (url->port == 80 && base->port == 443));
}

int call_locate(const struct call *call, const char *location, const char *what, struct url *to,
	struct err *err)
{
	const struct url *base = &call->host->base;

	if (url_resolve(to, &call->at, location, err))
		return err_prefix(err, "%s/%s: %s", call->host->name, call->repository, what);
	if (!strcmp(to->scheme, "http") && !strcmp(base->scheme, "https") && same_place(to, base)) {
		const char *path = strchr(strstr(to->text, "://") + 3, '/');
		char *text = xasprintf("%s%s", base->text, path ? path : "/");

		url_release(to);
		url_parse(to, text, err);
		free(text);
	}
	if (url_allowed(to, base, call->host->registry->settings.insecure, what, err)) {
		url_release(to);
		return err_prefix(err, "%s/%s: %s", call->host->name, call->repository, call->what);
	}
	return 0;
}

static bool may_redirect(const struct call *call)
{
	bool keeps = call->http.status == 307 || call->http.status == 308;
	bool plain = !strcmp(call->method, "GET") || !strcmp(call->method, "HEAD");

	return keeps || (plain && call->http.status >= 301 && call->http.status <= 303);
}

/* A registry that answers its ping with "use https" is spoken to in https from then on. */
static void adopt(struct call *call, const struct url *to)
{
	struct host *host = call->host;
	struct err ignored;
	scratch char *authority = NULL, *text = NULL;

	if (call != host->ping || strcmp(host->base.scheme, "http") ||
		strcmp(to->scheme, "https") || strcmp(to->host, host->base.host))
		return;
	authority = url_authority(to);
	text = xasprintf("https://%s", authority);
	url_release(&host->base);
	url_parse(&host->base, text, &ignored);
}

static void redirect(struct call *call)
{
	const char *location = http_header(&call->http, "Location", 0);
	struct err err;
	struct url to;

	if (!location || !may_redirect(call)) {
		call_deliver(call);
	} else if (++call->hops > HOPS) {
		call_fail_text(call, ERR_REFUSED, "more than %d redirects", HOPS);
	} else if (call_locate(call, location, "redirect", &to, &err)) {
		host_fail(call->host, &err);
	} else {
		if (call->raw && !url_same_origin(&to, &call->at))
			secret_free(&call->authorization);
		adopt(call, &to);
		free(call->url);
		call->url = xstrdup(to.text);
		url_release(&to);
		call_again(call);
	}
}

/* The text of Warning: 299 - "TEXT" (RFC 7234 section 5.5; distribution-spec, "Warnings"), for
 * people to read; false for another kind. */
static bool read_warning(struct buf *out, const char *value)
{
	const char *p = strchr(value, '"');

	if (!starts_with(value, "299 ") || !p)
		return false;
	for (p++; *p && *p != '"' && out->len < WARNING_LIMIT; p++) {
		p += *p == '\\' && p[1];
		buf_addch(out, *p);
	}
	return true;
}

static void show_warnings(const struct call *call)
{
	struct strs *shown = &call->host->registry->warnings;
	const char *value;

	for (size_t i = 0; (value = http_header(&call->http, "Warning", i)); i++) {
		cleanup(buf_release) struct buf line = { 0 };

		buf_addf(&line, "%s: warning: ", call->host->name);
		if (call->foreign || shown->n >= WARNINGS || !read_warning(&line, value) ||
			strs_has(shown, buf_str(&line)))
			continue;
		strs_add(shown, buf_str(&line));
		log_note("%s", buf_str(&line));
	}
}

static void answered(void *arg)
{
	struct call *call = arg;
	struct registry *registry = call->host->registry;
	int status = call->http.status;

	stop_running(call);
	show_warnings(call);
	if (registry->failed)
		put(&registry->waiting, &registry->waiting_count, &registry->waiting_cap, call);
	else if (!status || call_may_pass(call))
		retry(call);
	else if (status >= 300 && status < 400 && !call->stay)
		redirect(call);
	else if (status == 401 && !call->raw)
		host_challenged(call);
	else if ((status == 400 || status == 403) && host_renews(call))
		return;
	else
		call_deliver(call);
}

static void send_call(struct call *call)
{
	struct registry *registry = call->host->registry;
	struct http_exchange *http = &call->http;

	http->method = call->method;
	http->url = call->url;
	http->authorization = call->foreign ? NULL : call->authorization;
	http->fresh = call->attempts && !http->status;
	http->body_size = call->body_size;
	http->read = exchange_read;
	http->rewind = exchange_rewind;
	http->write = call->write ? exchange_write : NULL;
	http->limit = call->limit;
	http->done = answered;
	http->arg = call;
	strs_release(&http->headers);
	for (size_t i = 0; i < call->headers.n; i++)
		strs_add(&http->headers, call->headers.v[i]);
	call->given = false;
	call->began = http_now();
	put(&registry->running, &registry->running_count, &registry->running_cap, call);
	http_start(registry->http, http);
}

static bool has_place(const struct call *call)
{
	const struct host *host = call->host;

	if (call->uncounted)
		return true;
	if (call->large)
		return host->large < host->registry->settings.jobs;
	return host->small < host->small_limit;
}

static void occupy(struct call *call)
{
	if (call->large)
		call->host->large += !call->uncounted;
	else
		call->host->small += !call->uncounted;
}

/* Where the call goes, and whether that is the registry itself. */
static int aim(struct call *call)
{
	struct err err;

	url_release(&call->at);
	if (!call->url)
		call->url = xasprintf("%s%s", call->host->base.text, call->path);
	if (url_parse(&call->at, call->url, &err)) {
		err_prefix(&err, "%s/%s", call->host->name, call->repository);
		host_fail(call->host, &err);
		return -1;
	}
	call->foreign = !call->raw && !url_same_origin(&call->at, &call->host->base);
	return 0;
}

/* Whether the call was taken out of the queue: sent, delivered, or failed. */
static bool launch(struct call *call)
{
	struct registry *registry = call->host->registry;

	if (call->host->down)
		return false;
	if (!call->raw && !call->host->ready) {
		host_ping(call->host);
		return false;
	}
	if (!has_place(call) || aim(call))
		return false;
	if (!call->raw && !call->foreign) {
		switch (host_authorize(call)) {
		case AUTHORIZED:
			break;
		case AUTHORIZATION_WAITS:
			return false;
		case AUTHORIZATION_FAILED:
			return true;
		}
	}
	take(registry->waiting, &registry->waiting_count, call);
	occupy(call);
	send_call(call);
	return true;
}

static int64_t ready_at(const struct call *call)
{
	int64_t paused = call->host->paused_until;

	return paused > call->not_before ? paused : call->not_before;
}

int calls_pump(struct registry *registry)
{
	int64_t next = http_now() + 1000;
	int64_t now = http_now();

	for (size_t i = 0; i < registry->waiting_count && !registry->failed;) {
		struct call *call = registry->waiting[i];
		size_t before = registry->waiting_count;
		int64_t when = ready_at(call);

		if (when > now && when < next)
			next = when;
		if (when > now || !launch(call))
			i++;
		else if (registry->waiting_count != before - 1)
			i = 0; /* done() has started or freed others */
	}
	now = http_now();
	return next > now ? (int)(next - now) : 0;
}

/* The registry's own words: {"errors":[{"code","message"}]}, or the first line of a text. */
static void add_words(struct buf *out, const struct http_exchange *http)
{
	struct err ignored;
	cleanup(json_release) json_t *body =
		json_from("answer", buf_str(&http->body), http->body.len, &ignored);
	const json_t *first = json_array_get(json_object_get(body, "errors"), 0);
	const char *code = json_string_value(json_object_get(first, "code"));
	const char *message = json_string_value(json_object_get(first, "message"));
	const char *detail = json_string_value(json_object_get(first, "detail"));

	if (code)
		buf_addf(out, ": %.60s", code);
	if (message && *message)
		buf_addf(out, ": %.*s", SHOWN_TEXT, message);
	if (detail && *detail)
		buf_addf(out, ": %.*s", SHOWN_TEXT, detail);
	if (!body && http->body.len && *buf_str(&http->body) != '<')
		buf_addf(out, ": %.*s", (int)strcspn(buf_str(&http->body), "\r\n"),
			buf_str(&http->body));
	if (out->len > 2 * SHOWN_TEXT)
		out->data[out->len = 2 * SHOWN_TEXT] = '\0';
	for (size_t i = 0; i < out->len; i++) {
		if ((unsigned char)out->data[i] < ' ' || out->data[i] == 0x7f)
			out->data[i] = ' ';
	}
}

bool call_says(const struct call *call, const char *code)
{
	struct err ignored;
	cleanup(json_release) json_t *body =
		json_from("answer", buf_str(&call->http.body), call->http.body.len, &ignored);
	const json_t *errors = json_object_get(body, "errors");

	for (size_t i = 0; i < json_array_size(errors); i++) {
		const char *is =
			json_string_value(json_object_get(json_array_get(errors, i), "code"));

		if (is && !strcmp(is, code))
			return true;
	}
	return false;
}

static const char *advice(const struct call *call)
{
	switch (call->http.status) {
	case 413:
		return "; it is too large for the registry or for a proxy before it: raise the "
		       "limit there, or set KO_UPLOAD_CHUNK";
	case 405:
		return strcmp(call->method, "GET") && strcmp(call->method, "HEAD")
			? "; the registry is read-only"
			: "";
	case 403:
		return "; this account may not do that";
	case 404:
		return call_says(call, "NAME_UNKNOWN") ? "; is there such a repository?" : "";
	case 507:
		return "; the registry has no space left";
	default:
		return "";
	}
}

static int status_error(const struct call *call, struct err *err)
{
	cleanup(buf_release) struct buf words = { 0 };
	int64_t wait = call_retry_after(call);

	add_words(&words, &call->http);
	if (call->http.status == 429 && wait > 0)
		return err_set(err, ERR_RETRY, "HTTP 429%s; the registry asks to wait %lld seconds",
			buf_str(&words), (long long)wait);
	if (call_may_pass(call))
		return err_set(err, ERR_RETRY, "HTTP %d%s; try again later", call->http.status,
			buf_str(&words));
	return err_set(
		err, ERR_REFUSED, "HTTP %d%s%s", call->http.status, buf_str(&words), advice(call));
}

static int transport_error(const struct call *call, struct err *err)
{
	bool passes = call_may_pass(call);
	bool dropped =
		call->http.failure == CURLE_GOT_NOTHING || call->http.failure == CURLE_RECV_ERROR;

	return err_set(err,
		passes ? ERR_RETRY
			: call->http.failure == CURLE_WRITE_ERROR ||
				call->http.failure == CURLE_OUT_OF_MEMORY
			? ERR_INPUT
			: ERR_FAILED,
		"%.500s%s%s", call->http.failure_text,
		dropped && call->spent
			? "; some registries do this where there is no such repository"
			: "",
		passes ? "; try again when the registry can be reached" : "");
}

int call_error(const struct call *call, struct err *err)
{
	if (call->http.status)
		status_error(call, err);
	else
		transport_error(call, err);
	return err_prefix(err, "%s%s%s: %s", call->host->name, *call->repository ? "/" : "",
		call->repository, call->what);
}

void call_fail(const struct call *call)
{
	struct err err;

	call_error(call, &err);
	host_fail(call->host, &err);
}

void call_fail_text(const struct call *call, enum err_class class, const char *format, ...)
{
	struct err err = { .class = class };
	va_list args;

	va_start(args, format);
	vsnprintf(err.text, sizeof err.text, format, args);
	va_end(args);
	err_prefix(&err, "%s%s%s: %s", call->host->name, *call->repository ? "/" : "",
		call->repository, call->what);
	host_fail(call->host, &err);
}
