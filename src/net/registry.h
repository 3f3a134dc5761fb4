#ifndef NET_REGISTRY_H
#define NET_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "formats/digest.h"

/*
 * A client for container registries (distribution-spec 1.1; docker's token authentication).
 *
 * Operations are started, then registry_run() drives all of them on this one thread until nothing
 * is left to do. What an operation found comes through its done(), which may start further ones:
 *
 *	registry_head_manifest(registry, repo, "latest", have_tag, image);
 *	return registry_run(registry, err);
 *
 * done() is called once, and on success only: "not found" is a success, with found false. It
 *returns 0, or -1 with err set. The first error, of an operation or from a done(), ends the run:
 * registry_run() reports it, sends nothing more, and the remaining done() are never called. So no
 * caller has a branch for failed requests. Every error is one line that names registry, repository
 * and object, and says what to do; class ERR_REFUSED when the registry said no, ERR_RETRY when it
 * could not be reached or is overloaded after all retries, ERR_INPUT when it sent nonsense.
 *
 * The client does by itself: https (plain http for loopback and for hosts named insecure), proxies,
 * authentication and renewal of tokens, redirects, retries with waiting, the pause that a "429"
 * asks for, limits on all that is received, and the comparison of digests. An operation on a host
 * that is down ends after the retry budget.
 *
 * All strings given to a function are copied; bodies and sources are not, and say so.
 */

/* A repository. host is as in image references ("docker.io", "localhost:5000"); aliases of Docker
 * Hub and its "library/" are resolved by the client. */
struct repo {
	const char *host;
	const char *path;
};

/* A transfer that goes on, for a progress display. */
struct registry_transfer {
	struct repo repo;
	const char *digest;
	int64_t done, size; /* bytes */
	double seconds;     /* since it began */
	bool upload;
};

/* All zero: the defaults. What it points at is borrowed until registry_free(). */
struct registry_settings {
	const struct strs
		*insecure;   /* host[:port] that may be spoken to in plain http; "*": each */
	const char *ca_file; /* further certificate authorities, PEM; NULL: none */
	int jobs;            /* uploads and downloads at a time per host; 0: 4 */
	int timeout;         /* seconds without a byte; 0: KO_TIMEOUT, or 60 */
	int retry_budget;    /* seconds to spend on retries; 0: KO_RETRY_BUDGET, or 300 */
	int retry_wait;     /* ms before the first retry, then times 3; 0: KO_RETRY_WAIT, or 1000 */
	int64_t chunk_size; /* upload in pieces of this size; 0: KO_UPLOAD_CHUNK MB, or whole */
	bool anonymous;     /* use no credentials at all */

	/* Called about five times a second with the blobs that are on their way, and at the end of
	 * a run with none; NULL: never. */
	void (*progress)(void *arg, const struct registry_transfer *transfers, size_t n);
	void *progress_arg;
};

struct registry_stats {
	unsigned requests;    /* all, to registries and token servers */
	unsigned connections; /* opened */
	unsigned tokens;      /* obtained */
	unsigned blobs_sent, blobs_mounted, blobs_present;
	unsigned manifests_sent;
	int64_t bytes_sent;     /* of blobs, also those that had to be sent again */
	int64_t bytes_present;  /* of blobs that were there or were mounted, and of images that were
				 */
	int64_t bytes_received; /* of blobs and manifests */
};

struct registry;

/* The rows of an option table for what people say about registries: a list and a string. */
#define REGISTRY_OPTIONS(insecure, ca_file) \
	{ 0, "insecure-registry", "[=HOST]", OPT_LIST, insecure, \
		"allow plain http, to this registry only (repeatable)" }, \
	{ \
		0, "ca-file", "FILE", OPT_STRING, ca_file, \
			"certificates that registries are checked by" \
	}

struct registry *registry_new(const struct registry_settings *settings, struct err *err);
void registry_free(struct registry *registry);
const struct registry_stats *registry_stats(const struct registry *registry);
void registry_stats_add(struct registry_stats *to, const struct registry_stats *more);

/* Drives all operations that were started, and those they start. SIGINT, SIGTERM and SIGHUP end it
 * early: open uploads are cancelled (for two seconds at most), then the signal takes its course. A
 * second one takes it at once. */
int registry_run(struct registry *registry, struct err *err);

/*
 * While the descriptor, which does not block, brings something to do, registry_run() goes on: it
 * calls ready() when it can be read, and perhaps at other times. ready() returns 1, or 0 when
 * nothing will come any more, or -1 with err, which ends the run.
 */
void registry_watch(
	struct registry *registry, int fd, int (*ready)(void *arg, struct err *err), void *arg);

enum registry_blob {
	BLOB_PRESENT, /* was there already */
	BLOB_MOUNTED, /* taken over from another repository of the registry */
	BLOB_SENT,
};

/* What an operation found. Owned by the client, valid during done(). */
struct registry_result {
	bool found;
	char digest[DIGEST_SIZE]; /* of a manifest */
	const char *media_type;   /* of a manifest, without parameters; "" when not told */
	int64_t size;             /* of a manifest or blob; -1 when a HEAD did not tell */
	const void *body;         /* what a GET brought; NUL-terminated */
	enum registry_blob blob;  /* what registry_push_blob() came to */
};

struct registry_done {
	int (*call)(void *arg, const struct registry_result *result, struct err *err);
	void *arg;
};

/*
 * Says that images will be pushed to (push false: pulled from) the repository. Costs nothing; lets
 * the client ask for one token for all repositories of a registry instead of one for each. Pushing
 * implies pulling. Without it, an operation asks for what it needs itself.
 */
void registry_expect(struct registry *registry, struct repo repo, bool push);

/* Asks for the digest of a tag or digest. Where a registry does not answer HEAD with a digest, the
 * manifest is fetched. */
void registry_head_manifest(struct registry *registry, struct repo repo, const char *reference,
	struct registry_done done);

/*
 * Fetches a manifest or index, OCI or Docker, by tag or digest. body has the raw bytes, digest is
 * computed from them, and equals the reference when that is a digest. More than 4 MiB, too deep,
 * duplicate keys, schema 1, or a media type that contradicts the content are ERR_INPUT.
 */
void registry_get_manifest(struct registry *registry, struct repo repo, const char *reference,
	struct registry_done done);

/*
 * Stores a manifest under a tag or a digest; done() means that the registry confirmed its digest (a
 * HEAD follows where the answer to the PUT did not tell). When the registry says that a blob is
 * unknown, those that registry_push_blob() brought to the repository in this run are looked at
 * again, sent where they are missing, and the PUT is retried. bytes are borrowed until done().
 */
void registry_put_manifest(struct registry *registry, struct repo repo, const char *reference,
	const char *media_type, const void *bytes, size_t n, struct registry_done done);

/* Fetches a small blob (a config) into memory: at most 8 MiB; size (-1: any) and digest are
 * compared. */
void registry_get_blob(struct registry *registry, struct repo repo, const char *digest,
	int64_t size, struct registry_done done);

/* Writes a blob to a descriptor that can seek (from offset 0 again on a retry); size (-1: any) and
 * digest are compared before done(); before that the content is worth nothing. */
void registry_fetch_blob(struct registry *registry, struct repo repo, const char *digest,
	int64_t size, int fd, struct registry_done done);

/* Where the bytes of a blob are: the one pointer that is not NULL. Borrowed until registry_free().
 */
struct blob_source {
	const char *path;        /* a file; its digest is checked while it is sent */
	const void *bytes;       /* memory */
	const struct repo *repo; /* another repository, of any registry: the bytes are streamed from
				    there, without touching the disk, checked on the way */
	bool fresh;              /* it is new: not asked for, but sent at once */
	bool seen;               /* it was there a moment ago: not asked for either */
};

/*
 * Makes the repository hold the blob: asks for it, mounts it from the repository mount_from of the
 * same registry (NULL: none), or sends it.
 *
 * Pushing one digest to one repository again waits for the first and shares its result. When one
 * digest goes to several repositories of a registry, it is sent to one of them and mounted in the
 * others. At most settings.jobs blobs are on their way at a time; thousands may be started.
 */
void registry_push_blob(struct registry *registry, struct repo repo, const char *digest,
	int64_t size, struct blob_source source, const char *mount_from, struct registry_done done);

#endif
