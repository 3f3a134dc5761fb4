#include <stdio.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/tool.h"
#include "inputs/yaml.h"

static const char *file = "-", *verb = "apply";

static const struct opt opts[] = {
	{ 'f', "filename", "FILE", OPT_STRING, &file,
		"resolved manifests (default: standard input)" },
	{ 0, "verb", "VERB", OPT_STRING, &verb, "kubectl's command: apply or create" },
};

static const struct opt_tool tool = { "ko-apply", "[-f FILE] [-- KUBECTL ARGUMENTS]",
	"Hand resolved manifests to the cluster: kubectl apply, with its output and exit status.",
	opts, countof(opts) };

/* Malformed text is kubectl's to report: what it says of it is what the user is to see. */
static void note_unresolved(const struct buf *manifests)
{
	struct references found = { 0 };
	struct err ignored;

	if (!yaml_references(&found, file, buf_str(manifests), manifests->len, &ignored) && found.n)
		log_note("%s:%zu:%zu: %s is not resolved", file, found.v[0].line, found.v[0].column,
			found.v[0].text);
	references_release(&found);
}

/* kubectl gets the manifests only when they are all there: an empty stream means that the tool
 * before this one in a pipe has failed. */
static int check(const struct buf *manifests, struct err *err)
{
	if (!manifests->len)
		return err_set(err, ERR_INPUT, "no manifests: nothing was applied");
	note_unresolved(manifests);
	return 0;
}

static int run(const struct strs *words, struct err *err)
{
	cleanup(buf_release) struct buf manifests = { 0 };
	cleanup(strs_release) struct strs argv = { 0 };
	struct proc proc = { .input = &manifests };

	if (file_read(file, FILE_LIMIT, &manifests, err) || check(&manifests, err))
		return -1;
	strs_add(&argv, "kubectl");
	strs_add(&argv, verb);
	strs_add(&argv, "-f");
	strs_add(&argv, "-");
	for (size_t i = 0; i < words->n; i++)
		strs_add(&argv, words->v[i]);
	proc.argv = (const char *const *)strs_argv(&argv);
	return proc_run(&proc, err);
}

int main(int argc, char *argv[])
{
	return tool_main(&tool, argc, argv, run);
}
