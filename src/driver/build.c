/*
 * The commands that build: options become words for ko-scan, ko-scan writes the graph, ninja
 * brings it up to date, and what it made is printed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"
#include "cluster/kubectl.h"
#include "driver.h"
#include "formats/fingerprint.h"
#include "formats/record.h"
#include "graph/destination.h"
#include "graph/plan.h"
#include "graph/run.h"
#include "graph/why.h"
#include "inputs/ref.h"
#include "inputs/target.h"

static struct plan_options plan;
static struct destination destination = { .push = true };
static const char *image_refs;
static struct strs kubectl, apply_words;
static int jobs;
static struct timeline timeline;

#define BUILD_OPTIONS \
	PLAN_IMAGE_OPTIONS(&plan), \
		{ 'j', "jobs", "N", OPT_NUMBER, &jobs, "how many commands ninja runs at once" }, \
		{ 0, "trace", "FILE", OPT_STRING, &timeline.file, \
			"write where the time went, for ui.perfetto.dev" }, \
		DESTINATION_OPTIONS(&destination)

static const struct opt build_opts[] = { BUILD_OPTIONS };
static const struct opt resolve_opts[] = { PLAN_FILE_OPTIONS(&plan), BUILD_OPTIONS };
static const struct opt apply_opts[] = { PLAN_FILE_OPTIONS(&plan), BUILD_OPTIONS,
	APPLY_OPTIONS(OPT_PASS, OPT_PASS, &apply_words, &apply_words, &apply_words, &apply_words),
	KUBECTL_CONNECTION_OPTIONS(&kubectl), KUBECTL_APPLY_OPTIONS(&kubectl) };
static const struct opt run_opts[] = { BUILD_OPTIONS, KUBECTL_CONNECTION_OPTIONS(&kubectl) };

const struct opt_tool driver_build_tool = { "ko build", "[OPTIONS] [IMPORTPATH...]",
	"Compile the programs, push an image of each and print its reference.", build_opts,
	countof(build_opts) };
const struct opt_tool driver_resolve_tool = { "ko resolve", "-f FILE|DIR|-... [OPTIONS]",
	"Print the manifests with every ko:// replaced by the image that was built and pushed for "
	"it.",
	resolve_opts, countof(resolve_opts) };
const struct opt_tool driver_why_tool = { "ko why", "-f FILE|DIR|-... [OPTIONS] [NAME...]",
	"Say why images would be made again, or why they were the last time. The options are those "
	"of\n"
	"the ko resolve that is asked about.",
	resolve_opts, countof(resolve_opts) };
const struct opt_tool driver_apply_tool = { "ko apply",
	"-f FILE|DIR|-... [OPTIONS] [-- KUBECTL ARGUMENTS]",
	"Resolve the manifests and hand them to kubectl apply.", apply_opts, countof(apply_opts) };
const struct opt_tool driver_create_tool = { "ko create",
	"-f FILE|DIR|-... [OPTIONS] [-- KUBECTL ARGUMENTS]",
	"Resolve the manifests and hand them to kubectl create.", apply_opts, countof(apply_opts) };
const struct opt_tool driver_run_tool = { "ko run", "IMPORTPATH [OPTIONS] [-- KUBECTL ARGUMENTS]",
	"Compile a program, push its image, run it as a pod, show what it prints and remove it.",
	run_opts, countof(run_opts) };

/* Standard input has to be a file that ninja can look at; the name says what is in it. */
static int save_stdin(struct err *err)
{
	for (size_t i = 0; i < plan.filenames.n; i++) {
		cleanup(buf_release) struct buf text = { 0 };
		char name[FINGERPRINT_SIZE];
		char *path;

		if (strcmp(plan.filenames.v[i], "-"))
			continue;
		if (file_read("-", FILE_LIMIT, &text, err))
			return -1;
		fingerprint_of(buf_str(&text), text.len, name);
		path = xasprintf("%s/stdin/%s.yaml", file_build_dir(NULL), name);
		free(plan.filenames.v[i]);
		plan.filenames.v[i] = path;
		if (file_save(path, buf_str(&text), text.len, err) < 0)
			return -1;
	}
	return 0;
}

/* The words for ko-scan that the options amount to. */
static int make_words(struct strs *words, struct err *err)
{
	if (destination_defaults(&destination, err))
		return -1;
	if (destination.stats && !strcmp(destination.stats, "-")) {
		destination.stats = NULL;
		timeline.table = true;
	}
	/* written from what the graph made, so also when nothing has to be made */
	image_refs = destination.image_refs;
	destination.image_refs = NULL;
	if (save_stdin(err))
		return -1;
	strs_take(words, xasprintf("--builddir=%s", file_build_dir(NULL)));
	destination_words(&destination, words);
	plan_options_words(&plan, words);
	return 0;
}

static int write_image_refs(const char *dir, struct err *err)
{
	cleanup(records_release) struct records records = { 0 };
	cleanup(buf_release) struct buf text = { 0 };
	scratch char *path = path_join(dir, "refs.json");

	if (records_read(&records, path, err) || target_list(&records, &text, err))
		return -1;
	return file_output(image_refs, buf_str(&text), text.len, err) < 0 ? -1 : 0;
}

/* Where images go to a registry, their layers may go ahead of them. */
static void set_ahead(struct listener *listener, struct strs *layer, struct strs *upload)
{
	if (!destination.push || !destination.repo ||
		strcmp(destination_tool(&destination), "ko-push") ||
		ref_place(destination.repo) != REF_REGISTRY)
		return;
	strs_take(layer, xasprintf("--builddir=%s", file_build_dir(NULL)));
	strs_add(layer, "--data=");
	strs_take(upload, xasprintf("--builddir=%s", file_build_dir(NULL)));
	destination_push_words(&destination, upload);
	listener->layer = layer;
	listener->push = upload;
}

/* Brings the goal up to date and gives the path of a file of the graph. Returns as run_goal(). */
static int make_goal(
	const char *command, const char *goal, const char *file, char **path, struct err *err)
{
	cleanup(strs_release) struct strs words = { 0 };
	cleanup(strs_release) struct strs layer = { 0 };
	cleanup(strs_release) struct strs upload = { 0 };
	struct listener listener = { 0 };
	scratch char *bin = proc_own_dir();
	cleanup(run_release) struct run run = { .builddir = file_build_dir(NULL),
		.bin = bin,
		.words = &words,
		.jobs = jobs,
		.listener = &listener,
		.timeline = &timeline };
	int status;

	timeline.name = command;
	if (make_words(&words, err))
		return -1;
	set_ahead(&listener, &layer, &upload);
	status = run_goal(&run, goal, err);
	*path = path_join(run.dir, file);
	if (!status && image_refs)
		status = write_image_refs(run.dir, err);
	/* a trace of a run that failed is of use too */
	return status >= 0 && timeline_end(&timeline, err) ? -1 : status;
}

static int print_refs(const char *path, struct err *err)
{
	cleanup(records_release) struct records records = { 0 };

	if (records_read(&records, path, err))
		return -1;
	for (size_t i = 0; i < records_count(&records); i++) {
		const char *ref = record_need(records_at(&records, i), "ref", err);

		if (!ref)
			return -1;
		printf("%s\n", ref);
	}
	return 0;
}

int driver_build(int argc, char *argv[], struct err *err)
{
	scratch char *path = NULL;
	int status = opt_parse(&driver_build_tool, argc, argv, &plan.importpaths, NULL, err);

	if (status)
		return status > 0 ? 0 : -1;
	if (!plan.importpaths.n)
		strs_add(&plan.importpaths, ".");
	status = make_goal("ko build", "refs.json", "refs.json", &path, err);
	return status ? status : print_refs(path, err);
}

static int need_manifests(const char *command, struct err *err)
{
	if (plan.filenames.n)
		return 0;
	return err_set(err, ERR_USAGE, "no manifests: name them with -f; see %s --help", command);
}

int driver_resolve(int argc, char *argv[], struct err *err)
{
	cleanup(strs_release) struct strs operands = { 0 };
	scratch char *path = NULL;
	int status = opt_parse(&driver_resolve_tool, argc, argv, &operands, NULL, err);

	if (status)
		return status > 0 ? 0 : -1;
	if (operands.n)
		return err_set(err, ERR_USAGE,
			"unexpected operand '%s'; manifests are named with -f", operands.v[0]);
	if (need_manifests("ko resolve", err))
		return -1;
	status = make_goal("ko resolve", "resolved.yaml", "resolved.yaml", &path, err);
	return status ? status : file_print(path, err);
}

/* Another run of this graph may go on, and write the file anew, once we are another program. */
static int open_as_stdin(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || (fd != STDIN_FILENO && dup2(fd, STDIN_FILENO) < 0))
		return err_sys(err, "%s", path);
	return 0;
}

/* Becomes ko-apply, so that kubectl's output and status are those of the command. */
static int hand_over(const char *verb, const char *path, struct err *err)
{
	cleanup(strs_release) struct strs words = { 0 };

	strs_take(&words, proc_fellow("ko-apply"));
	strs_take(&words, xasprintf("--verb=%s", verb));
	strs_add(&words, "--filename=-");
	for (size_t i = 0; i < apply_words.n; i++)
		strs_add(&words, apply_words.v[i]);
	strs_add(&words, "--");
	if (plan.selector)
		strs_take(&words, xasprintf("--selector=%s", plan.selector));
	for (size_t i = 0; i < kubectl.n; i++)
		strs_add(&words, kubectl.v[i]);
	if (open_as_stdin(path, err))
		return -1;
	return proc_exec((const char *const *)strs_argv(&words), err);
}

/* Whether ko.yaml says for each program where its image goes: 1, 0, or -1. */
static int have_repositories(struct err *err)
{
	cleanup(plan_release) struct plan found = { .graph_dir = xstrdup(file_build_dir(NULL)) };

	if (save_stdin(err) || plan_make(&found, &plan, err))
		return -1;
	for (size_t i = 0; i < records_count(&found.records); i++) {
		const char *repo = record_get(records_at(&found.records, i), "repository");

		if (!repo || !*repo)
			return 0;
	}
	return records_count(&found.records) > 0;
}

/* Images that stay in the store are none that a cluster could pull. */
static int need_repository(struct err *err)
{
	const char *repo = destination.repo ? destination.repo : getenv("KO_DOCKER_REPO");
	int have = destination.local ? 1 : repo ? *repo != 0 : have_repositories(err);

	if (have)
		return have > 0 ? 0 : -1;
	return err_set(err, ERR_USAGE,
		"KO_DOCKER_REPO environment variable is unset; set it to the registry that the "
		"cluster pulls from");
}

/* What the commands need that talk to a cluster, before anything is built for nothing. */
static int need_cluster(struct err *err)
{
	scratch char *program = proc_find("kubectl");

	if (need_repository(err))
		return -1;
	if (!program)
		return err_set(err, ERR_FAILED, "kubectl: not found on PATH");
	return 0;
}

static int apply(
	const struct opt_tool *tool, const char *verb, int argc, char *argv[], struct err *err)
{
	scratch char *path = NULL;
	int status = opt_parse(tool, argc, argv, &kubectl, &kubectl, err);

	if (status)
		return status > 0 ? 0 : -1;
	if (need_manifests(tool->name, err) || kubectl_check_words(&kubectl, err) ||
		need_cluster(err))
		return -1;
	status = make_goal(tool->name, "apply", "resolved.yaml", &path, err);
	return status ? status : hand_over(verb, path, err);
}

int driver_apply(int argc, char *argv[], struct err *err)
{
	return apply(&driver_apply_tool, "apply", argc, argv, err);
}

int driver_create(int argc, char *argv[], struct err *err)
{
	return apply(&driver_create_tool, "create", argc, argv, err);
}

/* The words that ko gives to kubectl: show the output, end with the program, leave nothing. */
static int run_image(const char *ref, struct err *err)
{
	static const char *const usual[] = { "--attach", "--rm", "--restart=Never",
		"--log-flush-frequency=1s" };
	cleanup(strs_release) struct strs words = { 0 };
	cleanup(ref_release) struct image_ref image = { 0 };
	struct proc proc = { .inherit_input = true };

	if (ref_parse(&image, ref, err))
		return -1;
	strs_add(&words, "kubectl");
	strs_add(&words, "run");
	strs_add(&words, path_base(image.repository));
	strs_add(&words, "--image");
	strs_add(&words, ref);
	for (size_t i = 0; i < countof(usual); i++)
		strs_add(&words, usual[i]);
	for (size_t i = 0; i < kubectl.n; i++)
		strs_add(&words, kubectl.v[i]);
	proc.argv = (const char *const *)strs_argv(&words);
	return proc_run(&proc, err);
}

static int run_images(const char *path, struct err *err)
{
	cleanup(records_release) struct records records = { 0 };
	int status = records_read(&records, path, err);

	for (size_t i = 0; !status && i < records_count(&records); i++) {
		const char *ref = record_need(records_at(&records, i), "ref", err);

		status = ref ? run_image(ref, err) : -1;
	}
	return status;
}

int driver_run(int argc, char *argv[], struct err *err)
{
	scratch char *path = NULL;
	int status = opt_parse(&driver_run_tool, argc, argv, &plan.importpaths, &kubectl, err);

	if (status)
		return status > 0 ? 0 : -1;
	if (!plan.importpaths.n)
		return err_set(err, ERR_USAGE,
			"no program: name its import path or directory; see ko run --help");
	if (need_cluster(err))
		return -1;
	status = make_goal("ko run", "confirmed.json", "confirmed.json", &path, err);
	return status ? status : run_images(path, err);
}

int driver_why(int argc, char *argv[], struct err *err)
{
	cleanup(strs_release) struct strs names = { 0 };
	cleanup(strs_release) struct strs words = { 0 };
	cleanup(buf_release) struct buf out = { 0 };
	scratch char *bin = proc_own_dir();
	cleanup(run_release) struct run run = {
		.builddir = file_build_dir(NULL), .bin = bin, .words = &words
	};
	int status = opt_parse(&driver_why_tool, argc, argv, &names, NULL, err);

	if (status)
		return status > 0 ? 0 : -1;
	if (need_manifests("ko why", err) || make_words(&words, err) ||
		run_why(&run, &names, &out, err))
		return -1;
	return file_output(NULL, buf_str(&out), out.len, err) < 0 ? -1 : 0;
}
