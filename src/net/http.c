/*
 * Each exchange is one easy handle in the multi handle. The write callback enforces the limits on
 * what comes in (Content-Length promises nothing), and pauses for http_wake().
 *
 * An answer of 4xx or 5xx that came before the body was sent ends in a transport error in libcurl
 * when the peer closed the connection; the answer is what counts then, so it is delivered.
 */
#include "http.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/trace.h"
#include "trust.h"
#include "url.h"

#define ERROR_BODY_LIMIT ((size_t)64 << 10)
#define HEADER_LIMIT ((size_t)128 << 10)
#define CONNECT_SECONDS 30L
#define SEND_BUFFER (256L << 10)
#define KEPT_CONNECTIONS 32L

struct http {
	struct http_settings settings;
	CURLM *multi;
	struct trusts *trusts;
	struct http_exchange **running;
	size_t running_count, running_cap;
	unsigned requests, connections;
	struct curl_waitfd watched;
};

int64_t http_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

struct http *http_new(const struct http_settings *settings, struct err *err)
{
	struct http *http = xcalloc(1, sizeof *http);

	curl_global_init(CURL_GLOBAL_DEFAULT);
	http->settings = *settings;
	http_watch(http, -1);
	http->multi = curl_multi_init();
	curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, KEPT_CONNECTIONS);
	http->trusts = trusts_new(settings->ca_file, err);
	if (http->trusts)
		return http;
	http_free(http);
	return NULL;
}

void http_free(struct http *http)
{
	if (!http)
		return;
	while (http->running_count)
		http_cancel(http->running[0]);
	free(http->running);
	curl_multi_cleanup(http->multi);
	trusts_free(http->trusts);
	free(http);
}

static size_t take_header(char *bytes, size_t size, size_t n, void *arg)
{
	struct http_exchange *exchange = arg;
	size_t all = n *= size;

	exchange->header_bytes += n;
	if (exchange->header_bytes > HEADER_LIMIT) {
		snprintf(exchange->reason, sizeof exchange->reason,
			"more than %zu bytes of headers", HEADER_LIMIT);
		return 0;
	}
	if (n > 5 && !strncasecmp(bytes, "HTTP/", 5)) {
		strs_release(&exchange->answer);
		return all;
	}
	while (n && strchr("\r\n \t", bytes[n - 1]))
		n--;
	if (n && memchr(bytes, ':', n) && !memchr(bytes, '\0', n))
		strs_addn(&exchange->answer, bytes, n);
	return all;
}

static size_t keep(struct http_exchange *exchange, const char *bytes, size_t n, size_t limit)
{
	size_t room = (limit ? limit : ERROR_BODY_LIMIT) - exchange->body.len;

	if (n > room)
		exchange->overflow = true;
	buf_add(&exchange->body, bytes, n > room ? room : n);
	return n > room ? 0 : n;
}

static bool encoded(struct http_exchange *exchange)
{
	const char *encoding = http_header(exchange, "Content-Encoding", 0);

	if (!encoding || !*encoding || !strcasecmp(encoding, "identity"))
		return false;
	snprintf(exchange->reason, sizeof exchange->reason,
		"the answer came compressed (Content-Encoding: %.40s) though nobody asked for it",
		encoding);
	return true;
}

static size_t take_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct http_exchange *exchange = arg;
	long status = 0;

	n *= size;
	curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200 || status > 299)
		return keep(exchange, bytes, n, 0);
	if (encoded(exchange))
		return 0;
	if (!exchange->write)
		return keep(exchange, bytes, n, exchange->limit);
	exchange->status = (int)status;
	switch (exchange->write(exchange->arg, bytes, n)) {
	case 0:
		return n;
	case HTTP_WAIT:
		exchange->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	default:
		return 0;
	}
}

static size_t give_body(char *to, size_t size, size_t n, void *arg)
{
	struct http_exchange *exchange = arg;
	ssize_t got = exchange->read(exchange->arg, to, size * n);

	if (got == HTTP_WAIT) {
		exchange->paused = true;
		return CURL_READFUNC_PAUSE;
	}
	return got < 0 ? CURL_READFUNC_ABORT : (size_t)got;
}

/* libcurl sends a body again when a kept connection turned out to be dead. */
static int seek_body(void *arg, curl_off_t offset, int origin)
{
	struct http_exchange *exchange = arg;

	if (offset || origin != SEEK_SET || !exchange->rewind || exchange->rewind(exchange->arg))
		return CURL_SEEKFUNC_FAIL;
	return CURL_SEEKFUNC_OK;
}

static const char *either_case(const char *lower, const char *upper)
{
	const char *value = getenv(lower);

	return value && *value ? value : getenv(upper);
}

static void set_proxy(struct http_exchange *exchange, const struct url *url)
{
	bool secure = !strcmp(url->scheme, "https");
	const char *proxy = secure ? either_case("https_proxy", "HTTPS_PROXY")
				   : either_case("http_proxy", "HTTP_PROXY");
	const char *exempt = either_case("no_proxy", "NO_PROXY");
	scratch char *shown = NULL;

	if (!proxy || !*proxy)
		proxy = either_case("all_proxy", "ALL_PROXY");
	if (!proxy || url_host_loopback(url->host) || exchange->http->settings.socket)
		proxy = "";
	shown = url_redacted(proxy);
	snprintf(exchange->proxy, sizeof exchange->proxy, "%s", shown);
	curl_easy_setopt(exchange->easy, CURLOPT_PROXY, proxy);
	curl_easy_setopt(exchange->easy, CURLOPT_NOPROXY, exempt ? exempt : "");
	curl_easy_setopt(exchange->easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	curl_easy_setopt(exchange->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

/* In place of the authorities that libcurl would read for each connection anew. */
static CURLcode use_store(CURL *easy, void *context, void *arg)
{
	const struct trust *trust = arg;

	(void)easy;
	SSL_CTX_set1_cert_store(context, trust->store);
	return CURLE_OK;
}

static void set_certificate(CURL *easy, const char *certificate, const char *key)
{
	if (!certificate)
		return;
	curl_easy_setopt(easy, CURLOPT_SSLCERT, certificate);
	curl_easy_setopt(easy, CURLOPT_SSLKEY, key);
}

/* Without the authorities that were asked for, nothing is believed. */
static CURLcode use_nothing(CURL *easy, void *context, void *arg)
{
	(void)easy, (void)context, (void)arg;
	return CURLE_SSL_CACERT_BADFILE;
}

static void set_trust(struct http_exchange *exchange, const struct url *url)
{
	const struct http_settings *settings = &exchange->http->settings;
	scratch char *authority = url_authority(url);
	CURL *easy = exchange->easy;
	const struct trust *trust;
	struct err err;

	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (strcmp(url->scheme, "https"))
		return;
	curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
	trust = trusts_find(exchange->http->trusts, authority, &err);
	if (!trust)
		snprintf(exchange->reason, sizeof exchange->reason, "%.*s",
			(int)sizeof exchange->reason - 1, err.text);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, trust ? use_store : use_nothing);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, trust);
	if (settings->certificate)
		set_certificate(easy, settings->certificate, settings->key);
	else if (trust)
		set_certificate(easy, trust->certificate, trust->key);
	if (settings->unverified) {
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

static void set_request(struct http_exchange *exchange)
{
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");
	CURL *easy = exchange->easy;

	for (size_t i = 0; i < exchange->headers.n; i++)
		list = curl_slist_append(list, exchange->headers.v[i]);
	if (exchange->authorization) {
		char *line = xasprintf("Authorization: %s", exchange->authorization);

		list = curl_slist_append(list, line);
		explicit_bzero(line, strlen(line));
		free(line);
	}
	exchange->list = list;
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
	if (!strcmp(exchange->method, "HEAD"))
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	if (exchange->body_size >= 0) {
		curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)exchange->body_size);
		curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE,
			exchange->body_size > SEND_BUFFER ? SEND_BUFFER : 16384L);
		curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_body);
		curl_easy_setopt(easy, CURLOPT_READDATA, exchange);
		curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, seek_body);
		curl_easy_setopt(easy, CURLOPT_SEEKDATA, exchange);
	}
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, exchange->method);
}

static void set_limits(struct http_exchange *exchange)
{
	CURL *easy = exchange->easy;
	long timeout = exchange->http->settings.timeout;

	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT,
		timeout < CONNECT_SECONDS ? timeout : CONNECT_SECONDS);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, timeout);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, exchange->fresh ? 1L : 0L);
	if (exchange->http->settings.socket)
		curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, exchange->http->settings.socket);
}

/* Whether the exchange is one that goes on. */
static bool leave(struct http_exchange *exchange)
{
	struct http *http = exchange->http;

	for (size_t i = 0; http && i < http->running_count; i++) {
		if (http->running[i] != exchange)
			continue;
		http->running[i] = http->running[--http->running_count];
		return true;
	}
	return false;
}

static void drop_list(struct http_exchange *exchange)
{
	struct curl_slist *list = exchange->list;

	for (struct curl_slist *item = list; item; item = item->next)
		explicit_bzero(item->data, strlen(item->data));
	curl_slist_free_all(list);
	exchange->list = NULL;
}

static void drop_handle(struct http_exchange *exchange)
{
	if (exchange->easy) {
		curl_multi_remove_handle(exchange->http->multi, exchange->easy);
		curl_easy_cleanup(exchange->easy);
	}
	exchange->easy = NULL;
	drop_list(exchange);
}

void http_start(struct http *http, struct http_exchange *exchange)
{
	struct err ignored;
	struct url url;

	http_clear(exchange);
	exchange->http = http;
	exchange->easy = curl_easy_init();
	curl_easy_setopt(exchange->easy, CURLOPT_URL, exchange->url);
	curl_easy_setopt(exchange->easy, CURLOPT_PRIVATE, exchange);
	curl_easy_setopt(exchange->easy, CURLOPT_ERRORBUFFER, exchange->problem);
	curl_easy_setopt(exchange->easy, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(exchange->easy, CURLOPT_HEADERDATA, exchange);
	curl_easy_setopt(exchange->easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(exchange->easy, CURLOPT_WRITEDATA, exchange);
	set_limits(exchange);
	set_request(exchange);
	if (!url_parse(&url, exchange->url, &ignored)) {
		set_proxy(exchange, &url);
		set_trust(exchange, &url);
		url_release(&url);
	}
	grow(http->running, http->running_count, http->running_cap);
	http->running[http->running_count++] = exchange;
	http->requests++;
	exchange->began = trace_now();
	curl_multi_add_handle(http->multi, exchange->easy);
}

/* Tells of a request, with nothing in its address that may be a secret. */
static void trace_exchange(const struct http_exchange *exchange)
{
	scratch char *shown = trace_wanted() ? url_redacted(exchange->url) : NULL;
	scratch char *name = NULL;
	curl_off_t sent = 0, received = 0;

	if (!shown)
		return;
	shown[strcspn(shown, "?")] = '\0';
	name = xasprintf("%s %s", exchange->method, shown);
	curl_easy_getinfo(exchange->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
	curl_easy_getinfo(exchange->easy, CURLINFO_SIZE_DOWNLOAD_T, &received);
	trace_event("request", name, exchange->began,
		json_pack("{s:i, s:I, s:I, s:s*}", "status", exchange->status, "sent",
			(json_int_t)sent, "received", (json_int_t)received, "failure",
			exchange->failure_text));
}

void http_cancel(struct http_exchange *exchange)
{
	if (!leave(exchange))
		return;
	trace_exchange(exchange);
	drop_handle(exchange);
}

void http_wake(struct http_exchange *exchange)
{
	exchange->woken = true;
}

void http_clear(struct http_exchange *exchange)
{
	strs_release(&exchange->answer);
	if (exchange->body.data)
		explicit_bzero(exchange->body.data, exchange->body.cap);
	buf_release(&exchange->body);
	free(steal(&exchange->failure_text));
	exchange->status = exchange->failure = 0;
	exchange->connect_seconds = exchange->answer_seconds = 0;
	exchange->header_bytes = 0;
	exchange->problem[0] = exchange->reason[0] = '\0';
	exchange->paused = exchange->woken = exchange->overflow = false;
}

void http_release(struct http_exchange *exchange)
{
	http_cancel(exchange);
	http_clear(exchange);
	strs_release(&exchange->headers);
	*exchange = (struct http_exchange){ 0 };
}

const char *http_header(const struct http_exchange *exchange, const char *name, size_t nth)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < exchange->answer.n; i++) {
		const char *line = exchange->answer.v[i];

		if (!strncasecmp(line, name, n) && line[n] == ':' && !nth--)
			return line + n + 1 + strspn(line + n + 1, " \t");
	}
	return NULL;
}

bool http_failure_passes(int failure)
{
	switch (failure) {
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_HTTP2:
	case CURLE_PARTIAL_FILE:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_HTTP2_STREAM:
	case CURLE_SEND_FAIL_REWIND: /* a broken connection, and a body that cannot be had again */
		return true;
	default:
		return false;
	}
}

static const char *advice(const struct http *http, CURLcode failure, const char *why)
{
	const char *own = http->settings.trust_advice;

	switch (failure) {
	case CURLE_PEER_FAILED_VERIFICATION:
		if (strstr(why, "not yet valid") || strstr(why, "has expired"))
			return "; is this machine's clock right?";
		return own
			? own
			: "; if the registry has an authority of its own, name it with --ca-file";
	case CURLE_SSL_CERTPROBLEM:
		return own ? own : "; look at the client certificate and its key in certs.d";
	default:
		return "";
	}
}

static void describe(struct http_exchange *exchange, CURLcode code, long tunnel)
{
	const char *why = *exchange->reason ? exchange->reason
		: *exchange->problem        ? exchange->problem
					    : curl_easy_strerror(code);
	bool proxied = *exchange->proxy && (tunnel >= 300 || code == CURLE_COULDNT_RESOLVE_PROXY);

	if (proxied && tunnel == 407)
		exchange->failure_text =
			xasprintf("the proxy %s wants other credentials (407)", exchange->proxy);
	else if (proxied && tunnel)
		exchange->failure_text =
			xasprintf("the proxy %s refused (%ld)", exchange->proxy, tunnel);
	else if (exchange->overflow)
		exchange->failure_text = xasprintf("the answer has more than %zu bytes",
			exchange->limit ? exchange->limit : ERROR_BODY_LIMIT);
	else if (proxied)
		exchange->failure_text = xasprintf("proxy %s: %s", exchange->proxy, why);
	else if (code == CURLE_OUT_OF_MEMORY) /* libcurl's limit for one line is 100 KiB */
		exchange->failure_text = xstrdup("a line of the answer is too long");
	else if (strstr(why, "wrong version number"))
		exchange->failure_text =
			xstrdup("this is not a TLS port; if the registry speaks plain http, say "
				"--insecure-registry");
	else if (strstr(why, "protocol version") || strstr(why, "unsupported protocol"))
		exchange->failure_text = xstrdup("it speaks no TLS 1.2 or newer");
	else
		exchange->failure_text = xasprintf("%s%s", why, advice(exchange->http, code, why));
	/* the proxy's refusal will not change, though libcurl calls it a broken connection */
	exchange->failure = tunnel >= 400 && tunnel < 500 ? CURLE_PROXY : (int)code;
}

static void log_exchange(const struct http_exchange *exchange)
{
	scratch char *shown = log_verbosity ? url_redacted(exchange->url) : NULL;

	if (!shown)
		return;
	if (exchange->failure_text)
		log_debug(1, "%s %s: %s", exchange->method, shown, exchange->failure_text);
	else
		log_debug(1, "%s %s: %d", exchange->method, shown, exchange->status);
}

static void finish(struct http_exchange *exchange, CURLcode code)
{
	long status = 0, connects = 0, tunnel = 0;
	double connect = 0, sent = 0, answered = 0;

	curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(exchange->easy, CURLINFO_HTTP_CONNECTCODE, &tunnel);
	curl_easy_getinfo(exchange->easy, CURLINFO_NUM_CONNECTS, &connects);
	curl_easy_getinfo(exchange->easy, CURLINFO_CONNECT_TIME, &connect);
	curl_easy_getinfo(exchange->easy, CURLINFO_PRETRANSFER_TIME, &sent);
	curl_easy_getinfo(exchange->easy, CURLINFO_STARTTRANSFER_TIME, &answered);
	exchange->http->connections += (unsigned)connects;
	exchange->connect_seconds = connects ? connect : 0;
	exchange->answer_seconds = answered - sent;
	exchange->status = (int)status;
	if (code && status < 400) {
		describe(exchange, code, tunnel);
		exchange->status = 0;
	}
	leave(exchange);
	trace_exchange(exchange);
	drop_handle(exchange);
	log_exchange(exchange);
	exchange->done(exchange->arg);
}

/* Returns how many ended. */
static int deliver(struct http *http)
{
	int count = 0, left;
	CURLMsg *message;

	while ((message = curl_multi_info_read(http->multi, &left))) {
		struct http_exchange *exchange;
		CURLcode code = message->data.result;

		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &exchange);
		finish(exchange, code);
		count++;
	}
	return count;
}

/* Returns how many go on. */
static int wake_all(struct http *http)
{
	int count = 0;

	for (size_t i = 0; i < http->running_count; i++) {
		struct http_exchange *exchange = http->running[i];

		if (!exchange->woken || !exchange->paused)
			continue;
		exchange->woken = exchange->paused = false;
		curl_easy_pause(exchange->easy, CURLPAUSE_CONT);
		count++;
	}
	return count;
}

int http_step(struct http *http, int milliseconds, struct err *err)
{
	CURLMcode code;
	int running;

	code = curl_multi_perform(http->multi, &running);
	if (!code && !deliver(http) && !wake_all(http))
		code = curl_multi_poll(
			http->multi, &http->watched, http->watched.fd >= 0, milliseconds, NULL);
	if (code)
		return err_set(err, ERR_FAILED, "network: %s", curl_multi_strerror(code));
	return 0;
}

void http_watch(struct http *http, int fd)
{
	http->watched = (struct curl_waitfd){ .fd = fd, .events = CURL_WAIT_POLLIN };
}

unsigned http_requests(const struct http *http)
{
	return http->requests;
}

unsigned http_connections(const struct http *http)
{
	return http->connections;
}
