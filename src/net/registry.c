/*
 * The operations on manifests, and on blobs that are fetched. Each is an op: one call after the
 * other, until its done() is called. Pushing a blob takes more: upload.c.
 */
#include "registry.h"

#include <ctype.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "call.h"
#include "formats/oci.h"
#include "manifest.h"

#define SHORT_ATTEMPTS 3
#define CANCEL_MILLISECONDS 2000
#define SHOW_MILLISECONDS 200

static const char accept_header[] =
	"Accept: " OCI_INDEX ", " DOCKER_LIST ", " OCI_MANIFEST ", " DOCKER_MANIFEST;

struct op {
	struct registry *registry;
	struct host *host;
	struct registry_done done;
	struct call *call;
	const char *repository;
	char *reference;
	struct routes routes;       /* of what is fetched; host and repository are its place */
	void (*begin)(struct op *); /* asks there */
	bool by_digest;
	int64_t size; /* expected; -1: any */
	unsigned attempts;

	/* of what is put */
	const char *media_type_put;
	char *media_type;
	const void *bytes;
	size_t n;
	size_t pending; /* blobs that are looked at again */
	bool verifying, tag_refused;
	struct err refusal;

	/* of what is fetched to a descriptor */
	int fd;
	int64_t received, started;
	struct digest hash;
	bool large, settled; /* that this answer goes on where received is */
	struct err failure;
};

static int setting(int value, const char *variable, int fallback)
{
	const char *text = getenv(variable);
	long n = text ? strtol(text, NULL, 10) : 0;

	return value > 0 ? value : n > 0 && n < 1000000 ? (int)n : fallback;
}

struct registry *registry_new(const struct registry_settings *settings, struct err *err)
{
	struct registry *registry = xcalloc(1, sizeof *registry);
	struct registry_settings *s = &registry->settings;
	struct http_settings http = { .ca_file = settings->ca_file };

	*s = *settings;
	s->jobs = s->jobs > 0 ? s->jobs : 4;
	s->timeout = setting(s->timeout, "KO_TIMEOUT", 60);
	s->retry_budget = setting(s->retry_budget, "KO_RETRY_BUDGET", 300);
	s->retry_wait = setting(s->retry_wait, "KO_RETRY_WAIT", 1000);
	if (!s->chunk_size)
		s->chunk_size = setting(0, "KO_UPLOAD_CHUNK", 0) * INT64_C(1000000);
	http.timeout = s->timeout;
	registry->http = http_new(&http, err);
	if (!registry->http) {
		free(registry);
		return NULL;
	}
	signal(SIGPIPE, SIG_IGN);
	return registry;
}

static void op_free(struct op *op)
{
	call_free(op->call);
	digest_release(&op->hash);
	routes_release(&op->routes);
	free(op->reference);
	free(op->media_type);
	free(op);
}

static void drop_work(struct registry *registry)
{
	while (registry->op_count)
		op_free(registry->ops[--registry->op_count]);
	for (size_t i = 0; i < registry->host_count; i++) {
		call_free(registry->hosts[i]->ping);
		registry->hosts[i]->ping = NULL;
	}
}

void registry_free(struct registry *registry)
{
	if (!registry)
		return;
	drop_work(registry);
	while (registry->upload_count)
		upload_free(registry->uploads[--registry->upload_count]);
	while (registry->host_count)
		host_free(registry->hosts[--registry->host_count]);
	while (registry->waiting_count)
		call_free(registry->waiting[0]);
	while (registry->running_count)
		call_free(registry->running[0]);
	strs_release(&registry->warnings);
	credentials_free(registry->credentials);
	mirrors_free(registry->mirrors);
	http_free(registry->http);
	free(registry->uploads);
	free(registry->ops);
	free(registry->hosts);
	free(registry->waiting);
	free(registry->running);
	free(registry);
}

const struct registry_stats *registry_stats(const struct registry *registry)
{
	struct registry_stats *stats = &((struct registry *)registry)->stats;

	stats->requests = http_requests(registry->http);
	stats->connections = http_connections(registry->http);
	return stats;
}

void registry_stats_add(struct registry_stats *to, const struct registry_stats *more)
{
	to->requests += more->requests;
	to->connections += more->connections;
	to->tokens += more->tokens;
	to->blobs_sent += more->blobs_sent;
	to->blobs_mounted += more->blobs_mounted;
	to->blobs_present += more->blobs_present;
	to->manifests_sent += more->manifests_sent;
	to->bytes_sent += more->bytes_sent;
	to->bytes_present += more->bytes_present;
	to->bytes_received += more->bytes_received;
}

/* distribution-spec: lower-case components with single separators, at most 255 bytes in all. */
static bool valid_component(const char *s, size_t n)
{
	bool separated = true;

	for (size_t i = 0; i < n;) {
		size_t run = strspn(s + i, "._-");

		if (run > n - i)
			run = n - i;
		if (!run) {
			if (!islower((unsigned char)s[i]) && !isdigit((unsigned char)s[i]))
				return false;
			separated = false;
			i++;
			continue;
		}
		if (separated || i + run == n || (s[i] == '.' && run > 1) ||
			(s[i] == '_' && run > 2) ||
			(run > 1 && strspn(s + i, s[i] == '_' ? "_" : "-") < run))
			return false;
		separated = true;
		i += run;
	}
	return n;
}

static bool valid_path(const char *path)
{
	size_t n = strlen(path);

	while (path) {
		size_t length = strcspn(path, "/");

		if (!valid_component(path, length))
			return false;
		path = path[length] ? path + length + 1 : NULL;
	}
	return n && n <= 255;
}

static bool valid_tag(const char *tag)
{
	size_t n = strlen(tag);

	for (size_t i = 0; i < n; i++) {
		if (!isalnum((unsigned char)tag[i]) && !strchr("_.-", tag[i]))
			return false;
	}
	return n && n <= 128 && *tag != '.' && *tag != '-';
}

static bool refused(
	struct registry *registry, const char *what, const char *value, const char *rule)
{
	struct err err;

	err_set(&err, ERR_USAGE, "'%.300s' is no valid %s: %s", value, what, rule);
	registry_fail(registry, &err);
	return true;
}

bool registry_refuses(struct registry *registry, struct repo repo, const char *digest)
{
	if (!valid_path(repo.path))
		return refused(registry, "repository", repo.path,
			"lower-case letters, digits and single . _ - in parts joined by /");
	if (digest && !digest_valid(digest))
		return refused(registry, "digest", digest,
			"sha256: and 64 hexadecimal digits are expected");
	return false;
}

char *repository_path(const struct host *host, const char *path)
{
	bool official = !strcmp(host->name, "docker.io") && !strchr(path, '/');

	return xasprintf("%s%s", official ? "library/" : "", path);
}

const char *repository_actions(const struct host *host, const char *path)
{
	return strs_has(&host->pushed, path) ? "pull,push" : "pull";
}

void registry_expect_path(struct host *host, const char *path, bool push)
{
	scratch char *scope = xasprintf("repository:%s:%s", path, push ? "pull,push" : "pull");

	scope_add(&host->expected, scope);
	if (push && !strs_has(&host->pushed, path))
		strs_add(&host->pushed, path);
}

void registry_expect(struct registry *registry, struct repo repo, bool push)
{
	struct host *host =
		registry_refuses(registry, repo, NULL) ? NULL : host_get(registry, repo.host);
	scratch char *path = host ? repository_path(host, repo.path) : NULL;

	if (host)
		registry_expect_path(host, path, push);
}

static void op_end(struct op *op, const struct registry_result *result)
{
	struct registry *registry = op->registry;
	struct err err;

	if (op->done.call(op->done.arg, result, &err))
		registry_fail(registry, &err);
	for (size_t i = 0; i < registry->op_count; i++) {
		if (registry->ops[i] == op)
			registry->ops[i] = registry->ops[--registry->op_count];
	}
	op_free(op);
}

static void go_to(struct op *op)
{
	const struct route *route = &op->routes.v[op->routes.at];

	op->host = route->host;
	op->repository = route->repository;
}

/* Whether there is another place to ask, which has been done then. */
static bool ask_elsewhere(struct op *op)
{
	if (!routes_next(&op->routes))
		return false;
	go_to(op);
	op->begin(op);
	return true;
}

/* What was asked of mirrors that have failed is asked of others. */
static void leave_mirrors(struct registry *registry)
{
	for (size_t i = 0; i < registry->op_count && !registry->failed; i++) {
		if (registry->ops[i]->host->down)
			ask_elsewhere(registry->ops[i]);
	}
}

static void op_not_found(struct op *op)
{
	if (ask_elsewhere(op))
		return;
	op_end(op, &(struct registry_result){ .size = -1, .media_type = "" });
}

/* The registry itself, and before it its mirrors where nothing is pushed. */
static int set_routes(struct op *op, struct host *host, const char *path)
{
	scratch char *full = repository_path(host, path);

	if (strs_has(&host->pushed, full)) {
		op->routes.v = xcalloc(1, sizeof *op->routes.v);
		op->routes.v[op->routes.n++] = (struct route){ host, steal(&full) };
	} else if (routes_find(&op->routes, host, full, !op->by_digest)) {
		return -1;
	}
	go_to(op);
	return 0;
}

/* NULL when the run has failed. */
static struct op *op_new(struct registry *registry, struct repo repo, const char *reference,
	bool digest_only, struct registry_done done)
{
	struct host *host = NULL;
	struct op *op;

	if (registry->failed || registry_refuses(registry, repo, digest_only ? reference : NULL))
		return NULL;
	if (!valid_tag(reference) && !digest_valid(reference)) {
		refused(registry, "tag or digest", reference,
			"letters, digits and _ . - are allowed, or sha256:HEX");
		return NULL;
	}
	host = host_get(registry, repo.host);
	if (!host)
		return NULL;
	op = xcalloc(1, sizeof *op);
	op->registry = registry;
	op->done = done;
	op->reference = xstrdup(reference);
	op->by_digest = digest_valid(reference);
	op->size = -1;
	if (set_routes(op, host, repo.path)) {
		op_free(op);
		return NULL;
	}
	grow(registry->ops, registry->op_count, registry->op_cap);
	registry->ops[registry->op_count++] = op;
	return op;
}

/* Sends the first request, which is sent again when the operation turns to another place. Does
 * nothing for a run that has failed. */
static void op_start(struct op *op, void (*begin)(struct op *op))
{
	if (!op)
		return;
	op->begin = begin;
	begin(op);
}

/* The next call of the op, replacing the one before. */
static struct call *op_call(struct op *op, const char *kind, const char *actions,
	const char *method, void (*answered)(struct call *))
{
	scratch char *rest = xasprintf("%ss/%s", kind, op->reference);

	call_free(op->call);
	op->call = call_new(op->host, op->repository, actions, method, rest);
	free(op->call->what);
	op->call->what = xasprintf("%s %s", kind, op->reference);
	op->call->done = answered;
	op->call->arg = op;
	return op->call;
}

static int64_t content_length(const struct call *call)
{
	const char *text = http_header(&call->http, "Content-Length", 0);

	return text && *text && strspn(text, "0123456789") == strlen(text) && strlen(text) < 18
		? strtoll(text, NULL, 10)
		: -1;
}

static const char *told_digest(const struct call *call)
{
	const char *digest = http_header(&call->http, "Docker-Content-Digest", 0);

	return digest && digest_valid(digest) ? digest : NULL;
}

/* ---- manifests that are asked for or fetched ---- */

static void manifest_arrived(struct call *call)
{
	struct op *op = call->arg;
	struct buf *body = &call->http.body;
	struct registry_result result = {
		.found = true, .body = buf_str(body), .size = (int64_t)body->len
	};
	struct err err;

	if (call->http.status == 404) {
		op_not_found(op);
		return;
	}
	if (call->http.status != 200) {
		call_fail(call);
		return;
	}
	op->registry->stats.bytes_received += result.size;
	digest_of(result.body, body->len, result.digest);
	result.media_type = manifest_type(
		http_header(&call->http, "Content-Type", 0), result.body, body->len, &err);
	if (op->by_digest && strcmp(result.digest, op->reference))
		call_fail_text(call, ERR_INPUT,
			"the registry sent something else, with digest %s; it is not used",
			result.digest);
	else if (!result.media_type)
		call_fail_text(call, ERR_INPUT, "%s", err.text);
	else
		op_end(op, &result);
}

static void get_manifest(struct op *op)
{
	struct call *call = op_call(op, "manifest", repository_actions(op->host, op->repository),
		"GET", manifest_arrived);

	strs_add(&call->headers, accept_header);
	call->limit = MANIFEST_LIMIT;
	call_start(call);
}

void registry_get_manifest(struct registry *registry, struct repo repo, const char *reference,
	struct registry_done done)
{
	op_start(op_new(registry, repo, reference, false, done), get_manifest);
}

static void head_told(struct op *op, const struct call *call, const char *digest)
{
	const char *type = http_header(&call->http, "Content-Type", 0);
	scratch char *bare = xstrndup(type ? type : "", strcspn(type ? type : "", "; \t"));
	struct registry_result result = {
		.found = true, .media_type = bare, .size = content_length(call)
	};

	snprintf(result.digest, sizeof result.digest, "%s", digest);
	op_end(op, &result);
}

static void head_arrived(struct call *call)
{
	struct op *op = call->arg;
	const char *digest = told_digest(call);
	int status = call->http.status;

	if (status == 200 && digest && op->by_digest && strcmp(digest, op->reference))
		call_fail_text(call, ERR_INPUT, "the registry says that its digest is %s", digest);
	else if (status == 200 && digest)
		head_told(op, call, digest);
	else if (status == 404 || (status == 403 && strs_has(&op->host->pushed, op->repository)))
		op_not_found(op); /* some say 403 for what is not there yet */
	else if (status == 200 || status == 400 || status == 405)
		get_manifest(op);
	else
		call_fail(call);
}

static struct call *head_manifest(struct op *op, void (*answered)(struct call *))
{
	struct call *call = op_call(
		op, "manifest", repository_actions(op->host, op->repository), "HEAD", answered);

	strs_add(&call->headers, accept_header);
	return call;
}

static void ask_for_manifest(struct op *op)
{
	call_start(head_manifest(op, head_arrived));
}

void registry_head_manifest(struct registry *registry, struct repo repo, const char *reference,
	struct registry_done done)
{
	op_start(op_new(registry, repo, reference, false, done), ask_for_manifest);
}

/* ---- manifests that are stored ---- */

static void put_manifest(struct op *op, int64_t delay);

static void put_confirmed(struct op *op)
{
	struct registry_result result = {
		.found = true, .media_type = op->media_type, .size = (int64_t)op->n
	};

	digest_of(op->bytes, op->n, result.digest);
	op->registry->stats.manifests_sent += !op->tag_refused;
	op_end(op, &result);
}

static void verified(struct call *call)
{
	struct op *op = call->arg;
	const char *digest = told_digest(call);
	char computed[DIGEST_SIZE], own[DIGEST_SIZE];

	digest_of(op->bytes, op->n, own);
	if (call->http.status == 200 && !digest && !strcmp(call->method, "GET")) {
		digest_of(buf_str(&call->http.body), call->http.body.len, computed);
		digest = computed;
	}
	if (digest && call->http.status == 200 && !strcmp(digest, own)) {
		put_confirmed(op);
	} else if (op->tag_refused) {
		registry_fail(op->registry, &op->refusal);
	} else if (call->http.status == 200 && digest) {
		call_fail_text(call, ERR_FAILED,
			"was stored, but now has digest %s instead of %s: someone else pushed to "
			"it "
			"at the same time; push again",
			digest, own);
	} else if (call->http.status == 404 && op->attempts < SHORT_ATTEMPTS) {
		struct call *again = head_manifest(op, verified);

		again->not_before = http_now() + retry_delay(op->registry, ++op->attempts);
		call_start(again);
	} else if (!strcmp(call->method, "HEAD") && call->http.status != 404) {
		struct call *get = head_manifest(op, verified);

		get->method = "GET";
		get->limit = MANIFEST_LIMIT;
		call_start(get);
	} else {
		call_fail_text(call, ERR_REFUSED,
			"was sent and accepted, but the registry does not show it (HTTP %d)",
			call->http.status);
	}
}

static int looked_again(void *arg, const struct registry_result *result, struct err *err)
{
	struct op *op = arg;

	(void)result;
	(void)err;
	if (!--op->pending)
		put_manifest(op, retry_delay(op->registry, op->attempts));
	return 0;
}

/* The registry lacks a blob that it said it had: it shows late, or was cleaned up meanwhile. */
static void supply_blobs(struct op *op)
{
	op->attempts++;
	op->pending = 1;
	op->pending += uploads_recheck(
		op->host, op->repository, op->bytes, (struct registry_done){ looked_again, op });
	looked_again(op, NULL, NULL);
}

static bool lacks_blobs(const struct call *call)
{
	if (call->http.status != 400 && call->http.status != 404)
		return false;
	return call_says(call, "MANIFEST_BLOB_UNKNOWN") || call_says(call, "BLOB_UNKNOWN") ||
		(call->http.status == 404 && !call_says(call, "NAME_UNKNOWN"));
}

static bool tag_is_fixed(const struct op *op, const struct call *call)
{
	int status = call->http.status;

	return !op->by_digest && (status == 400 || status == 403 || status == 409 || status == 412);
}

static void put_answered(struct call *call)
{
	struct op *op = call->arg;
	const char *digest = told_digest(call);
	bool stored = call->http.status >= 200 && call->http.status <= 204;
	char own[DIGEST_SIZE];

	digest_of(op->bytes, op->n, own);
	if (stored && digest && strcmp(digest, own)) {
		call_fail_text(call, ERR_REFUSED, "the registry stored it as %s instead of %s",
			digest, own);
	} else if (stored && call->http.status == 201 && digest && op->by_digest) {
		put_confirmed(op);
	} else if (stored) {
		call_start(head_manifest(op, verified));
	} else if (lacks_blobs(call) && op->attempts < SHORT_ATTEMPTS) {
		supply_blobs(op);
	} else if (tag_is_fixed(op, call)) {
		/* a registry with fixed tags refuses even what the tag has already */
		op->tag_refused = true;
		call_error(call, &op->refusal);
		call_start(head_manifest(op, verified));
	} else {
		call_fail(call);
	}
}

static void put_manifest(struct op *op, int64_t delay)
{
	struct call *call = op_call(op, "manifest", "pull,push", "PUT", put_answered);

	strs_take(&call->headers, xasprintf("Content-Type: %s", op->media_type));
	call_body(call, op->bytes, op->n);
	if (delay)
		call->not_before = http_now() + delay;
	call_start(call);
}

void registry_put_manifest(struct registry *registry, struct repo repo, const char *reference,
	const char *media_type, const void *bytes, size_t n, struct registry_done done)
{
	struct op *op;
	struct err err;

	registry_expect(registry, repo, true);
	op = op_new(registry, repo, reference, false, done);
	if (!op)
		return;
	op->media_type = xstrdup(media_type);
	op->bytes = bytes;
	op->n = n;
	if (n > MANIFEST_LIMIT) {
		err_set(&err, ERR_INPUT, "%s/%s: manifest %s: has %zu bytes; 4 MiB is the limit",
			op->host->name, op->repository, reference, n);
		registry_fail(registry, &err);
		return;
	}
	put_manifest(op, 0);
}

/* ---- blobs that are fetched ---- */

static void fetch_blob(struct op *op, int64_t delay);

static void from_start(struct op *op)
{
	digest_release(&op->hash);
	digest_init(&op->hash);
	op->received = 0;
}

/* What has come of a large blob stays, and only the rest is asked for. */
static int blob_restart(void *arg)
{
	struct op *op = arg;

	strs_release(&op->call->headers);
	op->settled = false;
	if (op->large && op->received && op->received < op->size)
		strs_take(&op->call->headers,
			xasprintf("Range: bytes=%lld-", (long long)op->received));
	else
		from_start(op);
	return 0;
}

/* Whether the answer goes on where the one before has ended; one that is whole begins again. */
static int settle(struct op *op)
{
	const struct http_exchange *http = &op->call->http;
	const char *range = http_header(http, "Content-Range", 0);
	scratch char *want = xasprintf("bytes %lld-", (long long)op->received);

	op->settled = true;
	if (http->status == 206 && (!range || !starts_with(range, want)))
		return err_set(&op->failure, ERR_INPUT,
			"the registry sent another part than the one that was asked for");
	if (http->status != 206 && op->received)
		from_start(op);
	return 0;
}

static int blob_write(void *arg, const char *bytes, size_t n)
{
	struct op *op = arg;
	int64_t most = op->size >= 0 ? op->size
		: op->large          ? INT64_MAX - (int64_t)n
				     : (int64_t)OCI_JSON_LIMIT;

	if (!op->settled && settle(op))
		return -1;
	if (op->received + (int64_t)n > most)
		return err_set(&op->failure, ERR_INPUT, "has more than the %lld bytes it should",
			(long long)most);
	digest_update(&op->hash, bytes, n);
	if (op->large) {
		for (size_t done = 0; done < n;) {
			ssize_t put = pwrite(op->fd, bytes + done, n - done,
				(off_t)(op->received + (int64_t)done));

			if (put <= 0)
				return err_sys(&op->failure, "cannot write it");
			done += (size_t)put;
		}
	} else {
		buf_add(&op->call->http.body, bytes, n);
	}
	op->received += (int64_t)n;
	return 0;
}

static void blob_arrived(struct call *call)
{
	struct op *op = call->arg;
	struct registry_result result = { .found = true,
		.media_type = "",
		.size = op->received,
		.body = op->large ? NULL : buf_str(&call->http.body) };
	char digest[DIGEST_SIZE];

	if (*op->failure.text) {
		call_fail_text(call, op->failure.class, "%s", op->failure.text);
		return;
	}
	if (call->http.status == 404) {
		op_not_found(op);
		return;
	}
	if (call->http.status != 200 && call->http.status != 206) {
		call_fail(call);
		return;
	}
	if (op->size >= 0 && op->received < op->size && ++op->attempts < SHORT_ATTEMPTS) {
		fetch_blob(op, retry_delay(op->registry, op->attempts));
		return;
	}
	digest_final(&op->hash, digest);
	if (op->size >= 0 && op->received != op->size)
		call_fail_text(call, ERR_RETRY, "ended after %lld of %lld bytes; try again later",
			(long long)op->received, (long long)op->size);
	else if (strcmp(digest, op->reference))
		call_fail_text(call, ERR_INPUT,
			"the registry sent something else, with digest %s; it is not used", digest);
	else
		op_end(op, &result);
}

static void fetch_blob(struct op *op, int64_t delay)
{
	struct call *call = op_call(
		op, "blob", repository_actions(op->host, op->repository), "GET", blob_arrived);

	blob_restart(op);
	op->started = op->received ? op->started : http_now();
	call->large = op->large;
	call->write = blob_write;
	call->restart = blob_restart;
	if (delay)
		call->not_before = http_now() + delay;
	call_start(call);
}

static void ask_for_blob(struct op *op)
{
	op->failure = (struct err){ 0 };
	op->attempts = 0;
	from_start(op);
	fetch_blob(op, 0);
}

void registry_get_blob(struct registry *registry, struct repo repo, const char *digest,
	int64_t size, struct registry_done done)
{
	struct op *op = op_new(registry, repo, digest, true, done);
	struct err err;

	if (op && size > (int64_t)OCI_JSON_LIMIT) {
		err_set(&err, ERR_INPUT, "%s/%s: blob %s: has %lld bytes; 8 MiB is the limit",
			op->host->name, op->repository, digest, (long long)size);
		registry_fail(registry, &err);
	} else if (op) {
		op->size = size;
		op_start(op, ask_for_blob);
	}
}

void registry_fetch_blob(struct registry *registry, struct repo repo, const char *digest,
	int64_t size, int fd, struct registry_done done)
{
	struct op *op = op_new(registry, repo, digest, true, done);

	if (!op)
		return;
	op->size = size;
	op->fd = fd;
	op->large = true;
	op_start(op, ask_for_blob);
}

/* ---- the run ---- */

static volatile sig_atomic_t caught;

/* A second one, of any kind, does not wait for anything. */
static void catch (int sig)
{
	if (caught) {
		signal(sig, SIG_DFL);
		raise(sig);
	}
	caught = sig;
}

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

static void catch_signals(struct sigaction old[])
{
	struct sigaction action = { .sa_handler = catch };

	caught = 0;
	for (size_t i = 0; i < countof(signals); i++) {
		sigaction(signals[i], NULL, &old[i]);
		if (old[i].sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
	}
}

static void release_signals(const struct sigaction old[])
{
	for (size_t i = 0; i < countof(signals); i++)
		sigaction(signals[i], &old[i], NULL);
	if (caught)
		raise(caught);
}

static bool fetch_shows(const struct op *op, struct registry_transfer *transfer)
{
	if (!op->large || !op->received)
		return false;
	*transfer = (struct registry_transfer){ { op->host->name, op->repository }, op->reference,
		op->received, op->size, (double)(http_now() - op->started) / 1000, false };
	return true;
}

static void show(struct registry *registry, int64_t *shown)
{
	struct registry_transfer list[64];
	size_t n = 0;

	if (!registry->settings.progress || http_now() - *shown < SHOW_MILLISECONDS)
		return;
	*shown = http_now();
	for (size_t i = 0; i < registry->upload_count && n < countof(list); i++)
		n += upload_shows(registry->uploads[i], &list[n]);
	for (size_t i = 0; i < registry->op_count && n < countof(list); i++)
		n += fetch_shows(registry->ops[i], &list[n]);
	registry->settings.progress(registry->settings.progress_arg, list, n);
}

void registry_watch(
	struct registry *registry, int fd, int (*ready)(void *arg, struct err *err), void *arg)
{
	http_watch(registry->http, fd);
	registry->ready = ready;
	registry->ready_arg = arg;
}

static void look(struct registry *registry)
{
	struct err err;
	int more = registry->ready ? registry->ready(registry->ready_arg, &err) : 1;

	if (more < 0)
		registry_fail(registry, &err);
	if (more <= 0)
		registry_watch(registry, -1, NULL, NULL);
}

static void drive(struct registry *registry)
{
	int64_t shown = http_now();
	struct err err;

	while (!registry->failed && !caught &&
		(registry->ready || registry->waiting_count || registry->running_count)) {
		int wait = calls_pump(registry);

		if (!registry->failed && http_step(registry->http, wait < 200 ? wait : 200, &err))
			registry_fail(registry, &err);
		look(registry);
		if (!registry->failed)
			uploads_pump(registry);
		leave_mirrors(registry);
		show(registry, &shown);
	}
	if (registry->settings.progress)
		registry->settings.progress(registry->settings.progress_arg, NULL, 0);
}

/* Tells registries that uploads will not go on; what they answer does not matter. */
static void wind_up(struct registry *registry)
{
	int64_t end = http_now() + CANCEL_MILLISECONDS;
	struct err ignored;

	drop_work(registry);
	registry->failed = false;
	uploads_cancel(registry);
	while (!registry->failed && (registry->waiting_count || registry->running_count) &&
		http_now() < end) {
		calls_pump(registry);
		http_step(registry->http, 50, &ignored);
	}
	registry->failed = true;
}

int registry_run(struct registry *registry, struct err *err)
{
	struct sigaction old[countof(signals)];
	struct err first;

	catch_signals(old);
	if (!registry->failed)
		uploads_pump(registry);
	leave_mirrors(registry);
	drive(registry);
	first = registry->err;
	if (caught)
		err_set(&first, ERR_FAILED, "ended by signal %d", (int)caught);
	if (caught || registry->failed)
		wind_up(registry);
	release_signals(old);
	if (registry->failed)
		*err = first;
	return registry->failed ? -1 : 0;
}
