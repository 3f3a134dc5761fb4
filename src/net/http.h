#ifndef NET_HTTP_H
#define NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Single HTTP exchanges, many at a time on one thread, over one libcurl multi handle. No redirect
 * is followed, no credential found, nothing retried, no cookie kept: that is for those above.
 *
 * HTTP/1.1 only, TLS 1.2 and later, no Expect, no compression; 30 seconds to connect, or the
 * timeout where that is less. Proxies by
 * HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY in either case, never for loopback. What is
 * believed is in trust.h.
 */
struct http;

struct http_settings {
	const char *ca_file; /* further authorities, PEM; NULL: none */
	int timeout;         /* seconds without a byte, after which an exchange has failed; > 0 */

	/* For the API of an engine; all zero for registries. */
	const char *socket;            /* the Unix socket to connect to, whatever the URL says */
	const char *certificate, *key; /* our own, PEM, in place of those of certs.d */
	bool unverified;               /* do not look at the peer's certificate */
	const char *trust_advice;      /* what to do about a certificate that is not trusted */
};

/* What http_exchange.read returns instead of a number of bytes; and write instead of 0. */
#define HTTP_WAIT -2 /* nothing now: go on after http_wake() */
#define HTTP_STOP -1 /* give up */

/*
 * One request and its answer. The caller fills in the first part, which is borrowed until done. An
 * exchange that ended may be started again after http_clear().
 */
struct http_exchange {
	const char *method;
	const char *url;
	struct strs headers;       /* "Name: value"; owned by the exchange */
	const char *authorization; /* value of that header; NULL: none */
	bool fresh;                /* on a new connection */

	int64_t body_size; /* of the request; -1: no body */
	/* Gives up to n of its bytes. */
	ssize_t (*read)(void *arg, char *to, size_t n);
	/* Goes back to the first byte; HTTP_STOP when that cannot be. NULL: no body. */
	int (*rewind)(void *arg);

	/* Takes the body of a 2xx answer; NULL: it is kept in body, and more than limit bytes (0:
	 * 64 KiB) is a failure. Other answers' bodies are kept up to 64 KiB and cut there. */
	int (*write)(void *arg, const char *bytes, size_t n);
	size_t limit;

	void (*done)(void *arg); /* may start and cancel others, and start this one again */
	void *arg;

	/* the answer */
	int status;         /* 0: none was received, see failure */
	int failure;        /* CURLcode; 0: the answer came whole */
	char *failure_text; /* one line: what happened, for failure */
	struct strs answer; /* header lines "Name: value" */
	struct buf body;
	double connect_seconds; /* 0: the connection was there already */
	double answer_seconds;  /* from the request to the first byte of the answer */

	/* private */
	struct http *http;
	int64_t began; /* trace_now() */
	void *easy, *list;
	size_t header_bytes;
	char problem[256]; /* in libcurl's words */
	char reason[300];  /* in ours, where we ended it */
	char proxy[128];
	bool paused, woken, overflow;
};

struct http *http_new(const struct http_settings *settings, struct err *err);
void http_free(struct http *http);

void http_start(struct http *http, struct http_exchange *exchange);
/* Ends it at once, without done(). Does nothing to one that is not going on. */
void http_cancel(struct http_exchange *exchange);
/* An exchange that waits may go on; takes effect in http_step(). */
void http_wake(struct http_exchange *exchange);
/* Drops the answer, keeping the request. */
void http_clear(struct http_exchange *exchange);
/* Frees everything; also one that is all zero. */
void http_release(struct http_exchange *exchange);

/* Lets transfers go on, waiting for up to milliseconds when nothing is to be done now, and calls
 * done() for those that ended. */
int http_step(struct http *http, int milliseconds, struct err *err);

/* A descriptor that ends the waiting of http_step() when it can be read; -1: none. */
void http_watch(struct http *http, int fd);

/* The value of the nth (from 0) header of this name in the answer, or NULL. Borrowed. */
const char *http_header(const struct http_exchange *exchange, const char *name, size_t nth);

/* Counted over all exchanges. */
unsigned http_requests(const struct http *http);
unsigned http_connections(const struct http *http);

/* Whether a transport failure (CURLcode) may go away by itself. */
bool http_failure_passes(int failure);

/* Milliseconds of a clock that only goes forward. */
int64_t http_now(void);

#endif
