/*
 * The nodes of a kind cluster are containers of Docker or Podman (found by their labels, as kind
 * does it) in which containerd keeps the images that Kubernetes uses in the namespace k8s.io. Each
 * node is asked what it has; then those that lack the same get the same archive, at the same time.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/proc.h"
#include "engine.h"
#include "formats/saved.h"
#include "load.h"

#define OUTPUT_LIMIT ((size_t)64 << 20)
#define LABEL "label=io.x-k8s.kind."
#define CTR "ctr", "--namespace=k8s.io"

struct node {
	char *name;
	struct strs content; /* digests of blobs */
	struct buf images;   /* what ctr images ls prints */
	char *need;          /* which images and blobs it lacks, as a text; "": nothing */
	bool partial;        /* of those images it has some blobs, which are not sent */
	bool done;
	struct proc import;
	struct buf said;
	struct strs argv;
};

struct cluster {
	const char *name;
	const char *provider; /* the command: docker, podman, nerdctl */
	struct node *nodes;
	size_t n, cap;
};

static void cluster_release(struct cluster *cluster)
{
	for (size_t i = 0; i < cluster->n; i++) {
		struct node *node = &cluster->nodes[i];

		proc_stop(&node->import);
		free(node->name);
		free(node->need);
		strs_release(&node->content);
		strs_release(&node->argv);
		buf_release(&node->images);
		buf_release(&node->said);
	}
	free(cluster->nodes);
}

static const char *setting(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value && *value ? value : otherwise;
}

static int find_provider(struct cluster *cluster, struct err *err)
{
	static const char *const providers[] = { "docker", "podman", "nerdctl" };
	const char *wanted = setting("KIND_EXPERIMENTAL_PROVIDER", NULL);

	for (size_t i = 0; i < countof(providers); i++) {
		scratch char *path = proc_find(providers[i]);

		if (wanted ? !strcmp(wanted, providers[i]) : path != NULL) {
			cluster->provider = providers[i];
			return 0;
		}
	}
	if (wanted)
		return err_set(err, ERR_USAGE,
			"KIND_EXPERIMENTAL_PROVIDER=%s: is none of docker, podman, nerdctl",
			wanted);
	return err_set(err, ERR_FAILED,
		"kind.local: neither docker nor podman is on PATH to reach the nodes");
}

static int failed(const struct cluster *cluster, const char *what, int status,
	const struct buf *said, struct err *err)
{
	scratch char *why = engine_reason(buf_str(said), status);

	return err_set(err, ERR_REFUSED, "kind cluster %s: %s: %s", cluster->name, what, why);
}

/* Runs the provider's command and takes what it prints. */
static int ask(struct cluster *cluster, const char *what, const char *const *words,
	struct buf *output, struct err *err)
{
	cleanup(strs_release) struct strs argv = { 0 };
	cleanup(buf_release) struct buf said = { 0 };
	struct proc proc = { .output = output, .messages = &said, .output_limit = OUTPUT_LIMIT };
	int status;

	strs_add(&argv, cluster->provider);
	for (; *words; words++)
		strs_add(&argv, *words);
	proc.argv = (const char *const *)strs_argv(&argv);
	status = proc_run(&proc, err);
	return status > 0 ? failed(cluster, what, status, &said, err) : status;
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Not the load balancer in front of several control planes: that runs no containerd. */
static int find_nodes(struct cluster *cluster, const char *role, struct err *err)
{
	cleanup(buf_release) struct buf output = { 0 };
	cleanup(strs_release) struct strs names = { 0 };
	scratch char *by_name = xasprintf(LABEL "cluster=%s", cluster->name);
	scratch char *by_role = xasprintf(LABEL "role=%s", role);

	if (ask(cluster, "look for its nodes",
		    WORDS("ps", "--filter", by_name, "--filter", by_role, "--format", "{{.Names}}"),
		    &output, err))
		return -1;
	strs_split(&names, buf_str(&output), "\r\n");
	for (size_t i = 0; i < names.n; i++) {
		grow(cluster->nodes, cluster->n, cluster->cap);
		cluster->nodes[cluster->n++] = (struct node){ .name = xstrdup(names.v[i]) };
	}
	return 0;
}

static int find_cluster(struct cluster *cluster, struct err *err)
{
	cluster->name = setting("KIND_CLUSTER_NAME", "kind");
	if (find_provider(cluster, err) || find_nodes(cluster, "control-plane", err) ||
		find_nodes(cluster, "worker", err))
		return -1;
	if (cluster->n)
		return 0;
	return err_set(err, ERR_FAILED,
		"kind cluster %s: %s knows no running nodes of it; kind create cluster makes one, "
		"and KIND_CLUSTER_NAME says which is meant",
		cluster->name, cluster->provider);
}

/* The kernel's name for the machine; all nodes of a cluster have the same. */
static int find_platform(struct cluster *cluster, struct platform *platform, struct err *err)
{
	static const char *const machines[][3] = { { "x86_64", "amd64", "" },
		{ "aarch64", "arm64", "" }, { "armv7l", "arm", "v7" }, { "i686", "386", "" },
		{ "ppc64le", "ppc64le", "" }, { "riscv64", "riscv64", "" },
		{ "s390x", "s390x", "" } };
	cleanup(buf_release) struct buf output = { 0 };
	scratch char *machine = NULL;

	if (ask(cluster, "uname", WORDS("exec", cluster->nodes[0].name, "uname", "-m"), &output,
		    err))
		return -1;
	machine = xstrndup(buf_str(&output), strcspn(buf_str(&output), "\r\n"));
	*platform = (struct platform){ .os = "linux" };
	for (size_t i = 0; i < countof(machines); i++) {
		if (strcmp(machine, machines[i][0]) != 0)
			continue;
		snprintf(platform->arch, PLATFORM_PART, "%s", machines[i][1]);
		snprintf(platform->variant, PLATFORM_PART, "%s", machines[i][2]);
		return 0;
	}
	return err_set(err, ERR_FAILED, "kind cluster %s: its nodes are of an unknown machine, %s",
		cluster->name, machine);
}

static int look_at(struct cluster *cluster, struct node *node, struct err *err)
{
	cleanup(buf_release) struct buf content = { 0 };

	buf_clear(&node->images);
	strs_release(&node->content);
	if (ask(cluster, "list images", WORDS("exec", node->name, CTR, "images", "ls"),
		    &node->images, err) ||
		ask(cluster, "list blobs", WORDS("exec", node->name, CTR, "content", "ls", "-q"),
			&content, err))
		return err_prefix(err, "node %s", node->name);
	strs_split(&node->content, buf_str(&content), "\r\n");
	strs_sort(&node->content);
	return 0;
}

/* A line of ctr images ls: REF TYPE DIGEST SIZE... */
static bool has_name(const struct node *node, const char *name, const char *digest)
{
	size_t n = strlen(name);

	for (const char *line = buf_str(&node->images); *line;) {
		size_t length = strcspn(line, "\n");

		if (length > n && !strncmp(line, name, n) && strchr(" \t", line[n])) {
			const char *found = memmem(line, length, digest, strlen(digest));

			return found != NULL;
		}
		line += length + (line[length] == '\n');
	}
	return false;
}

static bool has_names(const struct node *node, const struct load_image *image)
{
	for (size_t i = 0; i < image->names.n; i++) {
		if (!has_name(node, image->names.v[i], image->digest))
			return false;
	}
	return true;
}

static bool add_lack(const struct node *node, struct buf *lack, const char *digest)
{
	if (!digest || strs_has(&node->content, digest))
		return false;
	buf_addf(lack, " %s", digest);
	return true;
}

/* Lists the blobs of an image that the node lacks. Returns how many it has, or -1. */
static int find_lack(const struct load *load, const struct node *node,
	const struct load_image *image, struct buf *lack, struct err *err)
{
	cleanup(json_release) json_t *manifest = oci_get_json(load->oci, image->digest, NULL, err);
	const json_t *layer;
	size_t i;
	int have = 0;

	if (!manifest)
		return -1;
	have += !add_lack(node, lack, image->digest);
	have += !add_lack(node, lack, image->id);
	json_array_foreach (json_object_get(manifest, "layers"), i, layer)
		have += !add_lack(node, lack, record_get(layer, "digest"));
	return have;
}

/* Lists what the node lacks: "IMAGE BLOB BLOB...;" for each image. */
static int find_need(struct load *load, struct node *node, const struct load_image *images,
	size_t n, struct err *err)
{
	struct buf need = { 0 };

	for (size_t i = 0; i < n; i++) {
		int have;

		if (has_names(node, &images[i]))
			continue;
		buf_addf(&need, "%zu", i);
		have = find_lack(load, node, &images[i], &need, err);
		if (have < 0) {
			buf_release(&need);
			return -1;
		}
		node->partial = node->partial || have;
		buf_addch(&need, ';');
	}
	node->need = buf_detach(&need);
	return 0;
}

static int write_archive(const struct load *load, const struct node *node,
	const struct load_image *images, size_t n, int fd, struct err *err)
{
	struct saved_image *saved = xcalloc(n, sizeof *saved);
	size_t count = 0;
	int result;

	for (size_t i = 0; i < n; i++) {
		if (images[i].there || has_names(node, &images[i]))
			continue;
		saved[count].descriptor = json_object_get(images[i].entry, "manifest");
		saved[count].left_out = &node->content;
		saved[count++].names = images[i].names;
	}
	result = saved_write_oci(fd, load->oci, saved, count, err);
	free(saved);
	return result;
}

static int start_import(
	struct cluster *cluster, struct node *node, const char *archive, struct err *err)
{
	const char *const *words = WORDS(cluster->provider, "exec", "-i", node->name, CTR, "images",
		"import", "--all-platforms", "-");
	/* each import has a place of its own in the file */
	int fd = open(archive, O_RDONLY | O_CLOEXEC);
	int result;

	if (fd < 0)
		return err_sys(err, "%s", archive);
	for (; *words; words++)
		strs_add(&node->argv, *words);
	node->import = (struct proc){ .argv = (const char *const *)strs_argv(&node->argv),
		.from = fd,
		.output = &node->said,
		.messages = &node->said,
		.output_limit = OUTPUT_LIMIT };
	node->done = true;
	result = proc_start(&node->import, err);
	close(fd);
	return result;
}

/* 1, 0, or -1 with err. */
static int has_image(const struct load *load, const struct node *node,
	const struct load_image *image, struct err *err)
{
	cleanup(buf_release) struct buf lack = { 0 };

	if (find_lack(load, node, image, &lack, err) < 0)
		return -1;
	return !lack.len && has_names(node, image);
}

/* Takes what ctr says, and then what containerd has. */
static int check_import(const struct load *load, struct cluster *cluster, struct node *node,
	const struct load_image *images, size_t n, int status, struct err *err)
{
	if (status) {
		failed(cluster, "import", status, &node->said, err);
		return err_prefix(err, "node %s", node->name);
	}
	if (look_at(cluster, node, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		int found = images[i].there ? 1 : has_image(load, node, &images[i], err);

		if (found < 0)
			return -1;
		if (!found)
			return err_set(err, ERR_REFUSED,
				"node %s: kind cluster %s: %s was imported, but is not there",
				node->name, cluster->name, images[i].names.v[0]);
	}
	return 0;
}

/* As if it had nothing: it is served again, with all there is. */
static void forget(struct node *node)
{
	buf_clear(&node->images);
	buf_clear(&node->said);
	strs_release(&node->content);
	strs_release(&node->argv);
	free(node->need);
	node->need = xstrdup("all");
	node->partial = node->done = false;
}

/* Blobs that it had before may have been collected as garbage by now. */
static int end_import(const struct load *load, struct cluster *cluster, struct node *node,
	const struct load_image *images, size_t n, struct err *err)
{
	int status = proc_wait(&node->import, err);

	if (status < 0)
		return -1;
	if (!check_import(load, cluster, node, images, n, status, err))
		return 0;
	if (!node->partial)
		return -1;
	forget(node);
	return 0;
}

/* Serves the node and all others that lack the same. */
static int serve(struct load *load, struct cluster *cluster, size_t first,
	const struct load_image *images, size_t n, struct err *err)
{
	cleanup(file_abandon) struct file_draft archive = { 0 };
	struct node *node = &cluster->nodes[first];
	struct stat st;

	if (oci_begin(load->oci, &archive, err) ||
		write_archive(load, node, images, n, archive.fd, err))
		return -1;
	if (fstat(archive.fd, &st))
		return err_sys(err, "%s", archive.temp);
	for (size_t i = first; i < cluster->n; i++) {
		if (cluster->nodes[i].done || strcmp(cluster->nodes[i].need, node->need) != 0)
			continue;
		load->bytes += st.st_size;
		if (start_import(cluster, &cluster->nodes[i], archive.temp, err))
			return -1;
	}
	for (size_t i = first; i < cluster->n; i++) {
		if (cluster->nodes[i].import.pid &&
			end_import(load, cluster, &cluster->nodes[i], images, n, err))
			return -1;
	}
	return 0;
}

static int examine(struct load *load, struct cluster *cluster, struct load_image *images, size_t n,
	struct err *err)
{
	struct platform platform;

	if (find_cluster(cluster, err) || find_platform(cluster, &platform, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (load_choose(load, &images[i], &platform, "kind", err))
			return -1;
		images[i].there = true;
	}
	for (size_t i = 0; i < cluster->n; i++) {
		struct node *node = &cluster->nodes[i];

		if (look_at(cluster, node, err) || find_need(load, node, images, n, err))
			return -1;
		for (size_t j = 0; j < n; j++)
			images[j].there = images[j].there && has_names(node, &images[j]);
		node->done = !*node->need;
	}
	return 0;
}

int load_into_kind(struct load *load, struct load_image *images, size_t n, struct err *err)
{
	cleanup(cluster_release) struct cluster cluster = { 0 };

	if (examine(load, &cluster, images, n, err) || load_complete(load, images, n, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		load->loaded += !images[i].there;
	for (size_t i = 0; i < cluster.n; i++) {
		while (!cluster.nodes[i].done) {
			if (serve(load, &cluster, i, images, n, err))
				return -1;
		}
	}
	return 0;
}
