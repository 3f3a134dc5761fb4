/*
 * The way of one blob into a repository (distribution-spec, "Pushing blobs"):
 *
 *	HEAD blob ──present──▶ done
 *	  │ absent                        another upload of the blob, to this registry:
 *	  ├──────────────────────────────▶ wait for it, then mount
 *	  │            202: a session
 *	  ▼  mount ───────────────┐
 *	POST ?mount=&from= ──201──┼──▶ done
 *	POST uploads/ ──202──▶ PATCH whole body ──▶ PUT ?digest= ──201──▶ done
 *	  ▲                       │ any failure      │
 *	  └──── absent ───── HEAD blob ◀─────────────┘──present──▶ done
 *
 * One that is new begins with POST, and a small body goes with the PUT.
 *
 * After a failure the session is given up and the body sent from its start in a new one: few
 * registries can resume, and fewer tell truly how much they have. Each answer's Location replaces
 * the one before, its query untouched. The digest is computed while sending, and the PUT that makes
 * the blob exist is sent only when it is right.
 *
 * A blob that comes from another repository flows through a small ring of memory: the GET pauses
 * when it is full, the PATCH when it is empty.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "call.h"

#define RING ((size_t)512 << 10)

/* The most bytes that go with the PUT: a request less counts more than to know early of a wrong
 * answer. */
#define SMALL (64 << 10)

enum state {
	ASKING,  /* whether the blob is there */
	WAITING, /* for another upload of the same blob, the leader */
	READY,   /* to be sent, when there is a place */
	SENDING,
	FINISHED,
};

/* Bytes on their way from one repository to another. */
struct ring {
	char *bytes;
	size_t start, used;
	int64_t received;
	struct call *get;
	bool flowing; /* the first bytes came, and the PATCH was begun */
	bool refused; /* full: the GET waits */
	bool broken;
};

struct upload {
	struct registry *registry;
	struct host *host;
	char *repository, digest[DIGEST_SIZE], *mount_from;
	int64_t size;
	struct registry_done *waiters;
	size_t waiter_count, waiter_cap;

	char *path; /* the source: one of three */
	const void *bytes;
	struct routes from; /* n 0: none */

	enum state state;
	enum registry_blob how;
	struct call *call;
	char *session; /* URL of the upload that is open */
	struct upload *leader;
	bool recheck, no_mount;
	bool seen;           /* that probe() brings bytes */
	bool digest_doubted; /* the registry computed another digest */
	bool whole_put;      /* the body goes with the PUT */
	unsigned attempts;
	int64_t give_up, delay, began;
	struct err why; /* what the last failure was */

	int fd;
	struct digest hash;
	int64_t sent;
	int64_t piece, piece_end; /* the part that goes now */
	struct err broken;        /* what is wrong with the source */
	struct ring ring;
};

static void ask(struct upload *upload);
static void begin(struct upload *upload);
static void open_session(struct upload *upload);
static void send_body(struct upload *upload);
static void failed(struct upload *upload, struct call *call);
static bool other_source(struct upload *upload);

static void close_source(struct upload *upload)
{
	if (upload->fd >= 0)
		close(upload->fd);
	upload->fd = -1;
	digest_release(&upload->hash);
	call_free(upload->ring.get);
	free(upload->ring.bytes);
	upload->ring = (struct ring){ 0 };
}

void upload_free(struct upload *upload)
{
	close_source(upload);
	call_free(upload->call);
	free(upload->repository);
	free(upload->mount_from);
	free(upload->waiters);
	free(upload->path);
	routes_release(&upload->from);
	free(upload->session);
	free(upload);
}

static void fail_text(struct upload *upload, enum err_class class, const char *text)
{
	struct err err;

	err_set(&err, class, "%s/%s: blob %s: %s", upload->host->name, upload->repository,
		upload->digest, text);
	registry_fail(upload->registry, &err);
}

/* Replaces the call of before; url NULL: the registry's own "blobs/REST". */
static struct call *next_call(struct upload *upload, const char *method, const char *rest,
	const char *url, void (*answered)(struct call *))
{
	scratch char *path = xasprintf("blobs/%s", rest);
	struct call *call = call_new(upload->host, upload->repository, "pull,push", method, path);

	call_free(upload->call);
	upload->call = call;
	free(call->what);
	call->what = xasprintf("blob %s", upload->digest);
	call->url = url ? xstrdup(url) : NULL;
	call->done = answered;
	call->arg = upload;
	return call;
}

static void count(struct upload *upload)
{
	struct registry_stats *stats = &upload->registry->stats;

	if (upload->how == BLOB_SENT)
		stats->blobs_sent++;
	else
		stats->bytes_present += upload->size;
	stats->blobs_mounted += upload->how == BLOB_MOUNTED;
	stats->blobs_present += upload->how == BLOB_PRESENT;
}

static void tell(struct upload *upload)
{
	struct registry_result result = {
		.found = true, .media_type = "", .size = upload->size, .blob = upload->how
	};
	struct err err;

	snprintf(result.digest, sizeof result.digest, "%s", upload->digest);
	while (upload->waiter_count && !upload->registry->failed) {
		struct registry_done done = upload->waiters[--upload->waiter_count];

		if (done.call(done.arg, &result, &err))
			registry_fail(upload->registry, &err);
	}
}

/* Those that waited for this one may now mount from it. */
static void release_followers(const struct upload *leader)
{
	struct registry *registry = leader->registry;

	for (size_t i = 0; i < registry->upload_count; i++) {
		struct upload *upload = registry->uploads[i];

		if (upload->leader != leader || upload->state != WAITING)
			continue;
		upload->state = READY;
		free(upload->mount_from);
		upload->mount_from = xstrdup(leader->repository);
	}
}

static void finish(struct upload *upload, enum registry_blob how)
{
	upload->host->sending -= upload->state == SENDING;
	upload->how = how;
	upload->state = FINISHED;
	upload->recheck = upload->seen = false;
	close_source(upload);
	free(steal(&upload->session));
	call_free(upload->call);
	upload->call = NULL;
	count(upload);
	release_followers(upload);
	tell(upload);
}

/* ---- whether it is there ---- */

/* One that is sent or there, or else one that may turn out to be. */
static struct upload *find_leader(const struct upload *upload)
{
	const struct registry *registry = upload->registry;
	struct upload *asking = NULL;

	for (size_t i = 0; i < registry->upload_count; i++) {
		struct upload *other = registry->uploads[i];

		if (other == upload || other->host != upload->host || other->recheck ||
			strcmp(other->digest, upload->digest))
			continue;
		if (other->state >= READY)
			return other;
		if (other->state == ASKING)
			asking = other;
	}
	return asking;
}

static void absent(struct upload *upload)
{
	struct upload *leader = upload->recheck || upload->no_mount ? NULL : find_leader(upload);

	if (upload->state == SENDING) { /* it was asked for after a failure */
		begin(upload);
		return;
	}
	upload->state = READY;
	if (!leader)
		return;
	upload->leader = leader;
	if (leader->state != FINISHED) {
		upload->state = WAITING;
		return;
	}
	free(upload->mount_from);
	upload->mount_from = xstrdup(leader->repository);
}

/* One byte is enough to know; what a registry sends beyond that is not read. */
static int first_byte(void *arg, const char *bytes, size_t n)
{
	struct upload *upload = arg;

	(void)bytes;
	(void)n;
	upload->seen = true;
	return HTTP_STOP;
}

static void probed(struct call *call)
{
	struct upload *upload = call->arg;
	int status = call->http.status;
	bool seen =
		upload->seen || (status >= 200 && status < 400) || (status == 416 && !upload->size);

	upload->seen = false;
	if (seen)
		finish(upload, upload->recheck ? upload->how : BLOB_PRESENT);
	else if (status == 404 || status == 403 || status == 416)
		absent(upload);
	else
		call_fail(call);
}

/* For registries that do not answer HEAD, or not truly. */
static void probe(struct upload *upload)
{
	struct call *call = next_call(upload, "GET", upload->digest, NULL, probed);

	upload->seen = false;
	call->stay = true;
	call->write = first_byte;
	strs_add(&call->headers, "Range: bytes=0-0");
	call_start(call);
}

static void answered_head(struct call *call)
{
	struct upload *upload = call->arg;
	const char *text = http_header(&call->http, "Content-Length", 0);
	int64_t length = text ? strtoll(text, NULL, 10) : -1;
	bool again = upload->state == SENDING;
	int status = call->http.status;

	/* a redirect leads to where the blob is kept, often by a URL that is good for a GET only */
	if (status >= 300 && status < 400)
		finish(upload, again ? BLOB_SENT : BLOB_PRESENT);
	else if (status == 200 && (length < 0 || length == upload->size))
		finish(upload, again ? BLOB_SENT : BLOB_PRESENT);
	else if (status == 200 || status == 404 || status == 403)
		absent(upload);
	else if (status == 405 || status == 400)
		probe(upload);
	else if (*upload->why.text && call_may_pass(call)) /* what led here tells more */
		registry_fail(upload->registry, &upload->why);
	else
		call_fail(call);
}

static void ask(struct upload *upload)
{
	struct call *call;

	if (upload->recheck) {
		probe(upload);
		return;
	}
	call = next_call(upload, "HEAD", upload->digest, NULL, answered_head);
	call->stay = true;
	call_start(call);
}

/* ---- sessions ---- */

/* Keeps the newest Location. Returns -1 when the run has failed, 1 when there is none. */
static int keep_location(struct upload *upload, const struct call *call)
{
	const char *location = http_header(&call->http, "Location", 0);
	struct err err;
	struct url to;

	if (!location)
		return 1;
	if (call_locate(call, location, "Location of the upload", &to, &err)) {
		registry_fail(upload->registry, &err);
		return -1;
	}
	free(upload->session);
	upload->session = xstrdup(to.text);
	url_release(&to);
	return 0;
}

static void answered_post(struct call *call)
{
	struct upload *upload = call->arg;

	if (call->http.status != 202) {
		failed(upload, call);
		return;
	}
	switch (keep_location(upload, call)) {
	case 0:
		send_body(upload);
		break;
	case 1:
		call_fail_text(call, ERR_REFUSED,
			"the registry gives no Location to send it to; is there a proxy before "
			"it?");
	}
}

static void open_session(struct upload *upload)
{
	struct call *call = next_call(upload, "POST", "uploads/", NULL, answered_post);

	call_body(call, "", 0);
	call->not_before = upload->delay;
	upload->delay = 0;
	call_start(call);
}

static void answered_mount(struct call *call)
{
	struct upload *upload = call->arg;
	const char *told = http_header(&call->http, "Docker-Content-Digest", 0);

	upload->no_mount = true;
	if (call->http.status == 201 && (!told || !strcmp(told, upload->digest)))
		finish(upload, BLOB_MOUNTED);
	else if (call->http.status == 202 && !keep_location(upload, call))
		send_body(upload);
	else if (!upload->registry->failed)
		open_session(upload);
}

static void mount(struct upload *upload)
{
	scratch char *scope = xasprintf("repository:%s:pull", upload->mount_from);
	struct call *call = next_call(upload, "POST", "uploads/", NULL, answered_mount);
	scratch char *with_digest = url_with(call->path, "mount", upload->digest);

	free(call->path);
	call->path = url_with(with_digest, "from", upload->mount_from);
	scope_add(&call->scopes, scope);
	call->optional = call->once = true;
	call_body(call, "", 0);
	call_start(call);
}

static void begin(struct upload *upload)
{
	if (upload->state != SENDING)
		upload->host->sending++;
	upload->state = SENDING;
	upload->began = http_now();
	if (upload->mount_from && !upload->no_mount &&
		strcmp(upload->mount_from, upload->repository))
		mount(upload);
	else
		open_session(upload);
}

void uploads_pump(struct registry *registry)
{
	for (size_t i = 0; i < registry->upload_count && !registry->failed; i++) {
		struct upload *upload = registry->uploads[i];

		if (upload->state == READY && upload->host->sending < registry->settings.jobs)
			begin(upload);
		else if (upload->ring.get && !upload->ring.flowing && upload->ring.get->host->down)
			other_source(upload);
	}
}

/* ---- the bytes ---- */

static int broken(struct upload *upload, const char *text)
{
	err_set(&upload->broken, ERR_FAILED, "%s", text);
	return HTTP_STOP;
}

/* The digest is final when the last byte has been hashed; wrong ones are not sent to their end. */
static int hash(struct upload *upload, const void *bytes, size_t n, int64_t before)
{
	char digest[DIGEST_SIZE];

	digest_update(&upload->hash, bytes, n);
	if (before + (int64_t)n < upload->size)
		return 0;
	digest_final(&upload->hash, digest);
	if (!strcmp(digest, upload->digest))
		return 0;
	return broken(upload,
		upload->from.n ? "the registry it comes from sent something else"
			       : "input changed during push; build again");
}

static ssize_t read_file(struct upload *upload, char *to, size_t n)
{
	ssize_t got;

	do {
		got = read(upload->fd, to, n);
	} while (got < 0 && errno == EINTR);
	if (got < 0) {
		err_sys(&upload->broken, "%s", upload->path);
		return HTTP_STOP;
	}
	return got ? got : broken(upload, "input changed during push (it is shorter); build again");
}

static ssize_t read_ring(struct upload *upload, char *to, size_t n)
{
	struct ring *ring = &upload->ring;
	size_t run = RING - ring->start;

	if (ring->broken)
		return HTTP_STOP;
	if (!ring->used)
		return HTTP_WAIT;
	run = run < ring->used ? run : ring->used;
	run = run < n ? run : n;
	memcpy(to, ring->bytes + ring->start, run);
	ring->start = (ring->start + run) % RING;
	ring->used -= run;
	if (ring->refused && RING - ring->used >= RING / 2) {
		ring->refused = false;
		if (ring->get)
			http_wake(&ring->get->http);
	}
	return (ssize_t)run;
}

static ssize_t give(void *arg, char *to, size_t n)
{
	struct upload *upload = arg;
	int64_t left = upload->piece_end - upload->sent;
	ssize_t got;

	if ((int64_t)n > left)
		n = (size_t)left;
	if (!n)
		return 0;
	if (upload->from.n)
		got = read_ring(upload, to, n);
	else if (upload->path)
		got = read_file(upload, to, n);
	else
		got = (ssize_t)n;
	if (got > 0 && upload->bytes)
		memcpy(to, (const char *)upload->bytes + upload->sent, n);
	if (got > 0 && !upload->from.n && hash(upload, to, (size_t)got, upload->sent))
		return HTTP_STOP;
	if (got > 0)
		upload->sent += got;
	return got;
}

/* Only the whole body can be begun again, as the digest is computed on the way. */
static int begin_again(void *arg)
{
	struct upload *upload = arg;

	if (upload->sent == upload->piece && upload->piece)
		return 0;
	if (upload->piece || (upload->from.n && upload->sent))
		return HTTP_STOP;
	if (upload->path && lseek(upload->fd, 0, SEEK_SET))
		return HTTP_STOP;
	upload->sent = 0;
	if (!upload->from.n) {
		digest_release(&upload->hash);
		digest_init(&upload->hash);
	}
	return 0;
}

static int open_file(struct upload *upload)
{
	struct stat st;

	upload->fd = open(upload->path, O_RDONLY | O_CLOEXEC);
	if (upload->fd < 0 || fstat(upload->fd, &st))
		return err_sys(&upload->broken, "%s", upload->path);
	if (!S_ISREG(st.st_mode) || st.st_size != upload->size)
		return err_set(&upload->broken, ERR_FAILED,
			"%s: has %lld bytes instead of %lld: input changed during push; build "
			"again",
			upload->path, (long long)st.st_size, (long long)upload->size);
	return 0;
}

/* ---- a source that is another repository ---- */

static void send_piece(struct upload *upload);

/* The target is not kept waiting for a source that takes its time, or does not have the blob. */
static void flow(struct upload *upload)
{
	upload->ring.flowing = true;
	send_piece(upload);
}

static int fill(void *arg, const char *bytes, size_t n)
{
	struct upload *upload = arg;
	struct ring *ring = &upload->ring;
	size_t end = (ring->start + ring->used) % RING, run = RING - end;

	if (n > RING - ring->used) {
		ring->refused = true;
		return HTTP_WAIT;
	}
	if (ring->received + (int64_t)n > upload->size)
		return broken(upload, "the registry it comes from sends more than it should");
	if (hash(upload, bytes, n, ring->received))
		return HTTP_STOP;
	run = run < n ? run : n;
	memcpy(ring->bytes + end, bytes, run);
	memcpy(ring->bytes, bytes + run, n - run);
	ring->used += n;
	ring->received += (int64_t)n;
	if (!ring->flowing)
		flow(upload);
	http_wake(&upload->call->http);
	return 0;
}

static bool came_whole(const struct upload *upload, const struct call *get)
{
	return get->http.status == 200 && upload->ring.received == upload->size;
}

/* The source was a mirror, which does not have it, or has failed: the next place is asked. What the
 * target has got of it is given up. */
static bool other_source(struct upload *upload)
{
	bool begun = upload->ring.flowing;

	if (!routes_next(&upload->from))
		return false;
	close_source(upload);
	if (!begun) {
		send_body(upload);
		return true;
	}
	free(steal(&upload->session));
	ask(upload);
	return true;
}

static void mirror_failed(struct upload *upload, const struct call *get)
{
	if (*upload->broken.text)
		call_fail_text(get, upload->broken.class, "%s", upload->broken.text);
	else if (get->http.status != 404)
		call_fail(get);
	other_source(upload);
}

/* The GET has ended. When it was not the whole, the PATCH is given up; what follows is as after any
 * failure. */
static void filled(struct call *get)
{
	struct upload *upload = get->arg;
	struct call *call = upload->call;

	upload->ring.get = NULL;
	if (came_whole(upload, get)) {
		if (!upload->ring.flowing)
			flow(upload);
		call_free(get);
		return;
	}
	if (get->host->mirror_of) {
		mirror_failed(upload, get);
		call_free(get);
		return;
	}
	upload->ring.broken = true;
	if (*upload->broken.text || (!call_may_pass(get) && get->http.status != 200)) {
		if (*upload->broken.text)
			call_fail_text(get, upload->broken.class, "%s", upload->broken.text);
		else
			call_fail(get);
		call_free(get);
		return;
	}
	upload->call = NULL;
	failed(upload, get);
	call_free(call);
	call_free(get);
}

static void open_stream(struct upload *upload)
{
	scratch char *rest = xasprintf("blobs/%s", upload->digest);
	const struct route *from = &upload->from.v[upload->from.at];
	struct call *get = call_new(from->host, from->repository,
		repository_actions(from->host, from->repository), "GET", rest);

	upload->ring = (struct ring){ .bytes = xmalloc(RING), .get = get };
	free(get->what);
	get->what = xasprintf("blob %s", upload->digest);
	get->uncounted = get->once = get->large = true;
	get->write = fill;
	get->done = filled;
	get->arg = upload;
	call_start(get);
}

/* ---- PATCH and PUT ---- */

static bool body_is_sent(const struct upload *upload)
{
	return upload->sent == upload->size;
}

static void answered_put(struct call *call)
{
	struct upload *upload = call->arg;
	int status = call->http.status;

	if (status == 201 || status == 204)
		finish(upload, BLOB_SENT);
	else if (status == 200 || status == 202)
		ask(upload);
	else
		failed(upload, call);
}

static void commit(struct upload *upload)
{
	scratch char *url = url_with(upload->session, "digest", upload->digest);
	struct call *call = next_call(upload, "PUT", "", url, answered_put);

	call->once = true;
	call_body(call, "", 0);
	call_start(call);
}

static bool patch_unknown(const struct call *call)
{
	int status = call->http.status;

	return status == 405 || status == 501 ||
		(status == 404 && !call_says(call, "BLOB_UPLOAD_UNKNOWN") &&
			!call_says(call, "BLOB_UPLOAD_INVALID"));
}

static void answered_patch(struct call *call)
{
	struct upload *upload = call->arg;
	int status = call->http.status;

	if (status == 201 || status == 202 || status == 204) {
		if (keep_location(upload, call) < 0)
			return;
		if (body_is_sent(upload))
			commit(upload);
		else
			send_piece(upload);
	} else if (patch_unknown(call) && !upload->whole_put) {
		/* by a proxy, most often; where that was not it, the next failure ends it */
		upload->whole_put = upload->host->whole_put = true;
		failed(upload, call);
	} else {
		failed(upload, call);
	}
}

static int64_t piece_size(const struct upload *upload)
{
	const char *text =
		upload->call ? http_header(&upload->call->http, "OCI-Chunk-Min-Length", 0) : NULL;
	int64_t size = upload->registry->settings.chunk_size;
	int64_t least = text && strspn(text, "0123456789") < 12 ? strtoll(text, NULL, 10) : 0;

	if (size <= 0 || upload->whole_put)
		return upload->size;
	return size < least ? least : size;
}

static void send_piece(struct upload *upload)
{
	int64_t size = piece_size(upload);
	scratch char *url = upload->whole_put ? url_with(upload->session, "digest", upload->digest)
					      : xstrdup(upload->session);
	struct call *call = next_call(upload, upload->whole_put ? "PUT" : "PATCH", "", url,
		upload->whole_put ? answered_put : answered_patch);

	upload->piece = upload->sent;
	upload->piece_end = upload->size - upload->sent > size ? upload->sent + size : upload->size;
	strs_add(&call->headers, "Content-Type: application/octet-stream");
	if (size < upload->size)
		strs_take(&call->headers,
			xasprintf("Content-Range: %lld-%lld", (long long)upload->piece,
				(long long)upload->piece_end - 1));
	call->body_size = upload->piece_end - upload->piece;
	call->read = give;
	call->rewind = begin_again;
	call->large = call->once = true;
	call_start(call);
}

static void send_body(struct upload *upload)
{
	close_source(upload);
	upload->broken = (struct err){ 0 };
	upload->sent = 0;
	upload->whole_put = upload->host->whole_put || upload->size <= SMALL;
	digest_init(&upload->hash);
	if (upload->path && open_file(upload)) {
		fail_text(upload, upload->broken.class, upload->broken.text);
		return;
	}
	if (!upload->size && hash(upload, "", 0, 0))
		fail_text(upload, upload->broken.class, upload->broken.text);
	else if (upload->from.n)
		open_stream(upload);
	else
		send_piece(upload);
}

/* ---- failures ---- */

/* The upload of before is dead; a new one may do. */
static bool may_restart(struct upload *upload, const struct call *call)
{
	int status = call->http.status;

	if (call->spent && status == 429)
		return false;
	if (call_says(call, "DIGEST_INVALID")) {
		bool again = !upload->digest_doubted;

		upload->digest_doubted = true;
		return again;
	}
	return call_may_pass(call) || call_says(call, "BLOB_UPLOAD_INVALID") ||
		call_says(call, "BLOB_UPLOAD_UNKNOWN") || status == 416 ||
		(upload->session && status == 404) || (status == 401 && !call->foreign) ||
		status == 200;
}

static void failed(struct upload *upload, struct call *call)
{
	int64_t now = http_now(), wait;
	bool switched = upload->whole_put && !strcmp(call->method, "PATCH");

	if (*upload->broken.text) {
		fail_text(upload, upload->broken.class, upload->broken.text);
		return;
	}
	call_error(call, &upload->why);
	if (!upload->give_up)
		upload->give_up = now + upload->registry->settings.retry_budget * INT64_C(1000);
	wait = switched ? 0 : retry_delay(upload->registry, ++upload->attempts);
	if ((!may_restart(upload, call) && !switched) || upload->attempts >= RETRY_ATTEMPTS ||
		now + wait > upload->give_up) {
		registry_fail(upload->registry, &upload->why);
		return;
	}
	free(steal(&upload->session));
	upload->delay = now + wait;
	close_source(upload);
	ask(upload);
}

/* ---- from outside ---- */

bool upload_shows(const struct upload *upload, struct registry_transfer *transfer)
{
	if (upload->state != SENDING || !upload->sent)
		return false;
	*transfer = (struct registry_transfer){ { upload->host->name, upload->repository },
		upload->digest, upload->sent, upload->size,
		(double)(http_now() - upload->began) / 1000, true };
	return true;
}

static void wait_for(struct upload *upload, struct registry_done done)
{
	grow(upload->waiters, upload->waiter_count, upload->waiter_cap);
	upload->waiters[upload->waiter_count++] = done;
}

static struct upload *find(struct host *host, const char *repository, const char *digest)
{
	const struct registry *registry = host->registry;

	for (size_t i = 0; i < registry->upload_count; i++) {
		struct upload *upload = registry->uploads[i];

		if (upload->host == host && !strcmp(upload->digest, digest) &&
			!strcmp(upload->repository, repository))
			return upload;
	}
	return NULL;
}

size_t uploads_recheck(
	struct host *host, const char *repository, const char *text, struct registry_done done)
{
	struct registry *registry = host->registry;
	size_t n = 0;

	for (size_t i = 0; i < registry->upload_count; i++) {
		struct upload *upload = registry->uploads[i];

		if (upload->host != host || strcmp(upload->repository, repository) ||
			!strstr(text, upload->digest))
			continue;
		wait_for(upload, done);
		n++;
		if (upload->state != FINISHED)
			continue;
		upload->state = ASKING;
		upload->recheck = true;
		ask(upload);
	}
	return n;
}

static void cancelled(struct call *call)
{
	call_free(call);
}

void uploads_cancel(struct registry *registry)
{
	for (size_t i = 0; i < registry->upload_count; i++) {
		struct upload *upload = registry->uploads[i];
		struct call *call;

		close_source(upload);
		call_free(upload->call);
		upload->call = NULL;
		if (!upload->session || !upload->host->ready)
			continue;
		call = call_new(upload->host, upload->repository, "pull,push", "DELETE", "");
		call->url = steal(&upload->session);
		call->once = call->optional = call->stay = call->uncounted = true;
		call->done = cancelled;
		call_start(call);
	}
}

static int set_source(struct upload *upload, struct blob_source source)
{
	struct host *host;
	scratch char *path = NULL;

	upload->bytes = source.bytes;
	upload->path = source.path ? xstrdup(source.path) : NULL;
	if (!source.repo)
		return 0;
	host = host_get(upload->registry, source.repo->host);
	path = host ? repository_path(host, source.repo->path) : NULL;
	return host ? routes_find(&upload->from, host, path, false) : -1;
}

void registry_push_blob(struct registry *registry, struct repo repo, const char *digest,
	int64_t size, struct blob_source source, const char *mount_from, struct registry_done done)
{
	struct host *host = NULL;
	struct upload *upload;
	scratch char *path = NULL;

	if (!registry->failed && !registry_refuses(registry, repo, digest) &&
		(!mount_from ||
			!registry_refuses(registry, (struct repo){ repo.host, mount_from }, NULL)))
		host = host_get(registry, repo.host);
	if (!host)
		return;
	path = repository_path(host, repo.path);
	upload = find(host, path, digest);
	if (upload) {
		wait_for(upload, done);
		if (upload->state == FINISHED)
			tell(upload);
		return;
	}
	upload = xcalloc(1, sizeof *upload);
	upload->registry = registry;
	upload->host = host;
	upload->repository = steal(&path);
	upload->size = size;
	upload->fd = -1;
	upload->mount_from = mount_from ? repository_path(host, mount_from) : NULL;
	snprintf(upload->digest, sizeof upload->digest, "%s", digest);
	wait_for(upload, done);
	grow(registry->uploads, registry->upload_count, registry->upload_cap);
	registry->uploads[registry->upload_count++] = upload;
	registry_expect_path(host, upload->repository, true);
	if (set_source(upload, source))
		return;
	if (source.seen)
		finish(upload, BLOB_PRESENT);
	else if (source.fresh)
		absent(upload);
	else
		ask(upload);
}
