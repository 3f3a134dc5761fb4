#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tool.h"
#include "base/trace.h"
#include "net/ahead.h"
#include "net/assemble.h"
#include "net/progress.h"
#include "net/push.h"

static const char *oci_dir, *builddir, *repo, *ca_file, *stats_file, *refs_file, *known_file, *out;
static struct strs tags, insecure;
static bool tag_only, confirm, ahead, pushing = true;

static const struct opt opts[] = {
	{ 0, "oci", "DIR", OPT_STRING, &oci_dir, "image store (default BUILDDIR/oci)" },
	{ 0, "builddir", "DIR", OPT_STRING, &builddir, "build directory (default .ko)" },
	{ 0, "repo", "REPOSITORY", OPT_STRING, &repo,
		"where to push (default KO_DOCKER_REPO); empty: complete the store" },
	{ 't', "tag", "TAG", OPT_CSV_OR_NONE, &tags,
		"tags (default latest, or the record's); empty: none" },
	{ 0, "push", NULL, OPT_FLAG, &pushing,
		"false: complete the store; references are as if pushed" },
	{ 0, "tag-only", NULL, OPT_FLAG, &tag_only, "references are repository:tag" },
	{ 0, "confirm", NULL, OPT_FLAG, &confirm,
		"ask for images by their digests; push those that are gone" },
	REGISTRY_OPTIONS(&insecure, &ca_file),
	{ 0, "known", "FILE", OPT_STRING, &known_file, "what came out last; saves requests" },
	{ 0, "stats", "FILE", OPT_STRING, &stats_file, "write counts as JSON" },
	{ 0, "image-refs", "FILE", OPT_STRING, &refs_file,
		"also write the references, one a line" },
	{ 0, "ahead", NULL, OPT_FLAG, &ahead,
		"only upload layers, of records on standard input as they come" },
	{ 'o', "output", "FILE", OPT_STRING, &out, "records; % stands for a name" },
};

static const struct opt_tool tool = { "ko-push",
	"[--oci DIR] [--repo REPOSITORY] [--tag TAG]... [-o FILE] [RECORDS...]",
	"Push images to a registry, or complete the store of images.", opts, countof(opts) };

static int write_refs(const struct records *records, struct err *err)
{
	cleanup(buf_release) struct buf text = { 0 };

	return target_list(records, &text, err) ||
			file_output(refs_file, buf_str(&text), text.len, err) < 0
		? -1
		: 0;
}

static int write_stats(const struct push *push, double seconds, struct err *err)
{
	const struct registry_stats *s = &push->stats;
	cleanup(buf_release) struct buf text = { 0 };

	buf_addf(&text,
		"{\"images\":%zu,\"pushed\":%zu,\"bytesSent\":%lld,\"bytesPresent\":%lld,"
		"\"bytesReceived\":%lld,\"blobsSent\":%u,\"blobsMounted\":%u,\"blobsPresent\":%u,"
		"\"manifestsSent\":%u,\"requests\":%u,\"connections\":%u,\"tokens\":%u,"
		"\"seconds\":%.3f}\n",
		push->images, push->pushed, (long long)s->bytes_sent, (long long)s->bytes_present,
		(long long)s->bytes_received, s->blobs_sent, s->blobs_mounted, s->blobs_present,
		s->manifests_sent, s->requests, s->connections, s->tokens, seconds);
	return file_output(stats_file, buf_str(&text), text.len, err) < 0 ? -1 : 0;
}

static bool is_talkative(void)
{
	return log_verbosity || isatty(STDERR_FILENO);
}

static void say(const struct push *push, double seconds)
{
	const struct registry_stats *s = &push->stats;

	if (push->stored && !repo && pushing)
		log_note("KO_DOCKER_REPO is unset: the images are in %s; set it to push them",
			push->oci->dir);
	if (confirm && push->pushed)
		log_note("%zu of %zu images were gone from the registry and have been pushed again",
			push->pushed, push->images);
	if (!confirm && s->requests && is_talkative())
		log_note("pushed %zu of %zu images, %.0f MB sent, %.0f MB already there, "
			 "%u mounted, %u requests, %.1f s",
			push->pushed, push->images, (double)s->bytes_sent / 1e6,
			(double)s->bytes_present / 1e6, s->blobs_mounted, s->requests, seconds);
}

static int run(const struct strs *operands, struct err *err)
{
	scratch char *store = file_store_dir(oci_dir, builddir);
	cleanup(records_release) struct records records = { 0 };
	cleanup(records_release) struct records known = { 0 };
	cleanup(json_release) json_t *seen = NULL;
	cleanup(oci_release) struct oci oci = { 0 };
	struct registry_settings network = { .insecure = &insecure,
		.ca_file = ca_file,
		.progress = !ahead && progress_possible() ? progress_show : NULL };
	cleanup(base_finder_release) struct base_finder finder = {
		.oci = &oci, .builddir = file_build_dir(builddir), .network = &network
	};
	struct push push = { .oci = &oci,
		.repo = repo,
		.tags = &tags,
		.tag_only = tag_only,
		.keep = !pushing,
		.confirm = confirm,
		.known = &known,
		.weigh = stats_file || is_talkative(),
		.finder = &finder };
	int64_t from = trace_now();

	if (oci_open(&oci, store, err))
		return -1;
	if (known_file && records_read(&known, known_file, err))
		records_release(&known); /* more is asked for */
	if (ahead) /* what goes wrong is for the ko-push to tell that comes at the end */
		return ahead_push(&push, err) ? ERR_FAILED : 0;
	push.seen = seen = ahead_await(&push.stats);
	if (records_read_all(&records, operands, NULL, err) ||
		assemble_images(&finder, &records, err))
		return -1;
	if (finder.note)
		log_note("%s", finder.note);
	if (push_images(&push, &records, err))
		return -1;
	double seconds = (double)(trace_now() - from) / 1e6;
	if ((refs_file && write_refs(&records, err)) ||
		(stats_file && write_stats(&push, seconds, err)) ||
		records_write(&records, out, err))
		return -1;
	say(&push, seconds);
	return 0;
}

int main(int argc, char *argv[])
{
	return tool_main(&tool, argc, argv, run);
}
