#ifndef NET_CALL_H
#define NET_CALL_H

#include "auth.h"
#include "credentials.h"
#include "http.h"
#include "mirror.h"
#include "registry.h"
#include "url.h"

/*
 * Calls: what the registry client asks of a registry, one request each, with all that may be
 * needed to get its answer: a ping that finds scheme and kind of authentication, a token, waiting
 * for a free connection, redirects, and retries. Private to the client: registry.c has the
 * operations, upload.c the way of one blob, call.c the calls, host.c what is known of a registry.
 */

/* A token of a registry. */
struct token {
	struct strs scopes;  /* what was asked for, as a set */
	char *key;           /* credentials_key() of the repositories that it is for */
	char *value;         /* "Bearer ..."; NULL: on its way */
	int64_t born, renew; /* http_now() */
	struct call *asker;  /* whose need it is, while it is on its way */
	struct call *call;   /* that fetches it */
	bool posted;         /* asked by POST */
	bool dead;           /* was refused or is old */
};

/* A credential that was looked up. */
struct login {
	char *key;
	struct credential credential;
	bool asked_again; /* its helper */
};

struct host {
	struct registry *registry;
	char *name;        /* as in references; for credentials and messages */
	struct url base;   /* scheme, host and port of its API */
	char *mirror_of;   /* registry that it is asked instead of, for pulls only; or NULL */
	bool insecure;     /* a mirror that may be spoken to in plain http */
	bool down;         /* a mirror that failed: it is asked no more */
	bool ready;        /* the ping was answered */
	bool scheme_known; /* http or https; until then one is tried, then the other */
	struct call *ping;
	struct challenge challenge;
	struct token **tokens;
	size_t token_count, token_cap;
	struct login **logins;
	size_t login_count, login_cap;
	struct strs expected; /* scopes announced by registry_expect() */
	struct strs pushed;   /* repositories that will be pushed to */
	bool one_scope;       /* a token for several repositories was refused */
	bool whole_put;       /* PATCH is not known here: bodies go with the PUT */
	bool told;            /* that it asks to slow down */
	int64_t paused_until;
	int large, small; /* calls that go on */
	int small_limit;
	int sending; /* uploads that have begun to send */
};

struct call {
	/* Set by the owner. */
	struct host *host;
	char *repository; /* "" for none; owned */
	const char *method;
	char *path;          /* at the registry; owned */
	char *url;           /* where it goes instead, or NULL; owned */
	char *what;          /* for messages: "blob sha256:..."; owned */
	struct strs headers; /* owned */
	struct strs scopes;  /* what the token must allow; owned */
	bool large;          /* carries a blob */
	bool uncounted;      /* starts without a free place: the source of a stream */
	bool stay;           /* redirects are an answer */
	bool once;           /* failures are for the owner to deal with, not retried here */
	bool optional;       /* a refusal by the authentication is an answer (401), not the end */
	int64_t body_size;   /* -1: no body */
	ssize_t (*read)(void *arg, char *to, size_t n);
	int (*rewind)(void *arg);
	/* Takes the body of a 2xx answer; restart says that it comes again, from its start. */
	int (*write)(void *arg, const char *bytes, size_t n);
	int (*restart)(void *arg);
	size_t limit;
	void (*done)(struct call *call); /* must call_free() it */
	void *arg;

	/* The answer: http.status, http.answer, http.body; for status 0 http.failure_text. */
	struct http_exchange http;
	struct url at; /* where it was sent, after redirects */

	/* private to call.c and host.c */
	bool raw;            /* ping or token: needs no ping and no token */
	bool given;          /* some of the body, to this exchange */
	bool spent;          /* all retries */
	struct token *token; /* that was used */
	char *authorization;
	bool foreign; /* goes elsewhere than to the registry */
	unsigned attempts, unasked, refused, hops;
	bool renewed;
	int64_t not_before, give_up, began;
	const char *bytes; /* of call_body() */
	size_t offset;
};

struct upload;
struct op;

struct registry {
	struct registry_settings settings;
	struct registry_stats stats;
	struct http *http;
	struct credentials *credentials;
	struct host **hosts;
	size_t host_count, host_cap;
	struct call **waiting, **running;
	size_t waiting_count, waiting_cap, running_count, running_cap;
	struct mirrors *mirrors; /* read when something is fetched first */
	struct upload **uploads;
	size_t upload_count, upload_cap;
	struct op **ops;
	size_t op_count, op_cap;
	struct strs warnings;                     /* that were shown */
	int (*ready)(void *arg, struct err *err); /* of registry_watch(); NULL: none */
	void *ready_arg;
	bool failed;
	struct err err;
};

/* Ends the run; the first error counts. */
void registry_fail(struct registry *registry, const struct err *err);
/* The same, but of a mirror it only ends the use: what was asked of it goes to the next place. */
void host_fail(struct host *host, const struct err *err);

/*
 * Where to fetch something of a repository: mirrors, then the registry itself. What fails at one
 * place is asked of the next.
 */
struct route {
	struct host *host;
	char *repository;
};

struct routes {
	struct route *v; /* n of them, at least one */
	size_t n, at;
};

/* Fails the run and returns -1 where that cannot be found out. tag: not by digest. */
int routes_find(struct routes *routes, struct host *host, const char *repository, bool tag);
/* Goes to the next place; false when there is none. */
bool routes_next(struct routes *routes);
void routes_release(struct routes *routes);

/* A call of "/v2/REPOSITORY/REST" that needs actions ("pull,push") on the repository. */
struct call *call_new(struct host *host, const char *repository, const char *actions,
	const char *method, const char *rest);
/* Sends these bytes, which are borrowed. */
void call_body(struct call *call, const void *bytes, size_t n);
/* Resolves a Location or redirect of the answer by the rules for where a registry may send us;
 * http at an https registry's own address becomes https. */
int call_locate(const struct call *call, const char *location, const char *what, struct url *to,
	struct err *err);
void call_start(struct call *call);
/* Gives an answer to the owner; for host.c. */
void call_deliver(struct call *call);
/* Puts it back into the queue; for host.c. Delivers it instead when its body cannot be sent again.
 */
void call_again(struct call *call);
/* Ends it without done(), where it has not ended, and frees it. NULL is fine. */
void call_free(struct call *call);

/* Starts what can be started now. Returns the milliseconds until there may be more. */
int calls_pump(struct registry *registry);

/* One line for an answer that ends the operation; class and text come from status and body. */
int call_error(const struct call *call, struct err *err);
/* Ends the run with call_error(). */
void call_fail(const struct call *call);
/* Ends the run with the text after "HOST/REPOSITORY: WHAT: ". */
void call_fail_text(const struct call *call, enum err_class class, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The failure has no cause but the network or an overloaded registry. */
bool call_may_pass(const struct call *call);

/* Whether the registry's error list in the answer has this code. */
bool call_says(const struct call *call, const char *code);
/* Seconds that Retry-After asks for; -1 when there is none, or nonsense. */
int64_t call_retry_after(const struct call *call);

/* Milliseconds before attempt n (from 1), spread by a quarter. */
int64_t retry_delay(const struct registry *registry, unsigned attempt);
#define RETRY_ATTEMPTS 5

/* Fails the run for a repository path that distribution-spec does not allow, and for a digest that
 * is not sha256; returns whether it did. */
bool registry_refuses(struct registry *registry, struct repo repo, const char *digest);
/* The path as the registry wants it. malloced. */
char *repository_path(const struct host *host, const char *path);
/* "pull", or "pull,push" where it was announced. */
const char *repository_actions(const struct host *host, const char *path);
void registry_expect_path(struct host *host, const char *path, bool push);

/* upload.c: starts those that wait for a place. */
void uploads_pump(struct registry *registry);
/* Looks again at the blobs of the repository named in the text of a manifest, sends those that are
 * missing; done is called for each. Returns how many there are. */
size_t uploads_recheck(
	struct host *host, const char *repository, const char *text, struct registry_done done);
/* Starts to cancel the open ones. */
void uploads_cancel(struct registry *registry);
void upload_free(struct upload *upload);
/* Fills in what is known for a display; false when it is not sending. */
bool upload_shows(const struct upload *upload, struct registry_transfer *transfer);

/* The host by its name in references; made on the first use. NULL with the run failed. */
struct host *host_get(struct registry *registry, const char *name);
/* The same for a mirror, which is apart from the registry of that name. */
struct host *host_get_mirror(struct registry *registry, const struct place *place, const char *of);
void host_free(struct host *host);
void host_ping(struct host *host);

enum authorization { AUTHORIZED, AUTHORIZATION_WAITS, AUTHORIZATION_FAILED };
/* Gives the call its Authorization, or starts getting a token. On failure the call has been
 * delivered or the run has failed. */
enum authorization host_authorize(struct call *call);
/* Deals with a 401: the call is sent again, delivered, or the run has failed. */
void host_challenged(struct call *call);
/* Whether a 400 or 403 is about an expired token, and the call was put back to get another. */
bool host_renews(struct call *call);
/* A call is going away. */
void host_forget(struct call *call);

#endif
