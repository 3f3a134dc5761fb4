#include "kubectl.h"

#include <string.h>

#include "base/mem.h"
#include "base/proc.h"
#include "formats/record.h"

/* The most that is taken from an answer of kubectl. */
#define ANSWER_LIMIT ((size_t)256 << 20)

/* Flags of kubectl that commands other than apply and create take (kubectl options, kubectl diff
 * --help). */
static const struct flag {
	const char *name;
	char letter;
	bool has_value;
	enum kubectl_words kind;
} flags[] = {
	{ "as", 0, true, KUBECTL_CONNECTION },
	{ "as-group", 0, true, KUBECTL_CONNECTION },
	{ "as-uid", 0, true, KUBECTL_CONNECTION },
	{ "cache-dir", 0, true, KUBECTL_CONNECTION },
	{ "certificate-authority", 0, true, KUBECTL_CONNECTION },
	{ "client-certificate", 0, true, KUBECTL_CONNECTION },
	{ "client-key", 0, true, KUBECTL_CONNECTION },
	{ "cluster", 0, true, KUBECTL_CONNECTION },
	{ "context", 0, true, KUBECTL_CONNECTION },
	{ "disable-compression", 0, false, KUBECTL_CONNECTION },
	{ "insecure-skip-tls-verify", 0, false, KUBECTL_CONNECTION },
	{ "kubeconfig", 0, true, KUBECTL_CONNECTION },
	{ "kuberc", 0, true, KUBECTL_CONNECTION },
	{ "match-server-version", 0, false, KUBECTL_CONNECTION },
	{ "namespace", 'n', true, KUBECTL_CONNECTION },
	{ "password", 0, true, KUBECTL_CONNECTION },
	{ "request-timeout", 0, true, KUBECTL_CONNECTION },
	{ "server", 's', true, KUBECTL_CONNECTION },
	{ "tls-server-name", 0, true, KUBECTL_CONNECTION },
	{ "token", 0, true, KUBECTL_CONNECTION },
	{ "user", 0, true, KUBECTL_CONNECTION },
	{ "username", 0, true, KUBECTL_CONNECTION },
	{ "v", 'v', true, KUBECTL_CONNECTION },
	{ "filename", 'f', true, KUBECTL_OBJECTS },
	{ "recursive", 'R', false, KUBECTL_OBJECTS },
	{ "selector", 'l', true, KUBECTL_OBJECTS },
	{ "field-manager", 0, true, KUBECTL_DIFF },
	{ "force-conflicts", 0, false, KUBECTL_DIFF },
	{ "prune", 0, false, KUBECTL_DIFF },
	{ "prune-allowlist", 0, true, KUBECTL_DIFF },
	{ "server-side", 0, false, KUBECTL_DIFF },
	{ "show-managed-fields", 0, false, KUBECTL_DIFF },
};

/* By its letter, or, where that is 0, by n bytes of its name. NULL: the table does not have it. */
static const struct flag *find(char letter, const char *name, size_t n)
{
	for (size_t i = 0; i < countof(flags); i++) {
		const struct flag *flag = &flags[i];

		if (letter ? flag->letter == letter
			   : strlen(flag->name) == n && !strncmp(flag->name, name, n))
			return flag;
	}
	return NULL;
}

/* "--name" or "--name=value". Returns the flag if its value is the next word. */
static const struct flag *add_long(struct strs *argv, const char *word, enum kubectl_words which)
{
	size_t n = strcspn(word + 2, "=");
	const struct flag *flag = find(0, word + 2, n);

	if (flag && flag->kind <= which)
		strs_add(argv, word);
	return flag && flag->has_value && !word[2 + n] ? flag : NULL;
}

/* "-Rn", letters that stand together: the first that has a value takes the rest ("-nprod",
 * "-R=false"), or the next word. What a letter that is not known takes is not known either. */
static const struct flag *add_letters(struct strs *argv, const char *word, enum kubectl_words which)
{
	for (const char *s = word + 1; *s; s++) {
		const struct flag *flag = find(*s, NULL, 0);
		bool last = flag && (flag->has_value || s[1] == '=');

		if (!flag)
			return NULL;
		if (flag->kind <= which)
			strs_take(argv, last ? xasprintf("-%s", s) : xasprintf("-%c", *s));
		if (last)
			return s[1] ? NULL : flag;
	}
	return NULL;
}

/* Adds the flags among the words. Returns the one whose value is missing at the end, or NULL. */
static const struct flag *add_words(
	struct strs *argv, const struct strs *words, enum kubectl_words which)
{
	const struct flag *open = NULL;

	for (size_t i = 0; i < words->n; i++) {
		const char *word = words->v[i];

		if (open) {
			if (open->kind <= which)
				strs_add(argv, word);
			open = NULL;
		} else if (word[0] == '-') {
			open = word[1] == '-' ? add_long(argv, word, which)
					      : add_letters(argv, word, which);
		}
	}
	return open;
}

void kubectl_add_words(struct strs *argv, const struct strs *words, enum kubectl_words which)
{
	(void)add_words(argv, words, which);
}

int kubectl_check_words(const struct strs *words, struct err *err)
{
	cleanup(strs_release) struct strs ignored = { 0 };
	const struct flag *open = add_words(&ignored, words, KUBECTL_DIFF);

	if (!open)
		return 0;
	return err_set(err, ERR_USAGE, "%s, an option for kubectl, lacks its value at the end",
		words->v[words->n - 1]);
}

bool kubectl_is_dry_run(const struct strs *words)
{
	const char *mode = "none";

	for (size_t i = 0; i < words->n; i++) {
		if (!strcmp(words->v[i], "--dry-run"))
			mode = "client";
		else if (starts_with(words->v[i], "--dry-run="))
			mode = words->v[i] + strlen("--dry-run=");
	}
	return strcmp(mode, "none") && strcmp(mode, "false");
}

/* "kubectl VERB -f -". */
static void begin(struct strs *argv, const char *verb)
{
	strs_add(argv, "kubectl");
	strs_add(argv, verb);
	strs_add(argv, "-f");
	strs_add(argv, "-");
}

static int run(struct proc *proc, struct strs *argv, struct err *err)
{
	proc->argv = (const char *const *)strs_argv(argv);
	proc->output_limit = ANSWER_LIMIT;
	return proc_run(proc, err);
}

int kubectl_run(const struct cluster *cluster, struct err *err)
{
	cleanup(strs_release) struct strs argv = { 0 };
	struct proc proc = { .input = cluster->manifests };

	begin(&argv, cluster->verb);
	for (size_t i = 0; i < cluster->words->n; i++)
		strs_add(&argv, cluster->words->v[i]);
	return run(&proc, &argv, err);
}

int kubectl_diff(const struct cluster *cluster, struct err *err)
{
	cleanup(strs_release) struct strs argv = { 0 };
	struct proc proc = { .input = cluster->manifests };

	begin(&argv, "diff");
	kubectl_add_words(&argv, cluster->words, KUBECTL_DIFF);
	return run(&proc, &argv, err);
}

/* The namespaces that the manifests bring, as "namespace/NAME". */
static int own_namespaces(const struct cluster *cluster, struct strs *names, struct err *err)
{
	cleanup(strs_release) struct strs argv = { 0 };
	cleanup(buf_release) struct buf out = { 0 }, ignored = { 0 };
	struct proc proc = { .input = cluster->manifests, .output = &out, .messages = &ignored };

	begin(&argv, "create");
	strs_add(&argv, "--dry-run=client");
	strs_add(&argv, "--validate=false");
	strs_add(&argv, "--output=name");
	kubectl_add_words(&argv, cluster->words, KUBECTL_OBJECTS);
	if (run(&proc, &argv, err) < 0)
		return -1;
	strs_split(names, buf_str(&out), "\n");
	return 0;
}

/* The name in a line that ends in: namespaces "NAME" not found. malloced, or NULL. */
static char *missing_namespace(const char *line)
{
	static const char before[] = "namespaces \"", after[] = "\" not found";
	const char *name = strstr(line, before);

	if (!name || !ends_with(line, after))
		return NULL;
	name += strlen(before);
	return xstrndup(name, strlen(name) - strlen(after));
}

/* Whether all that kubectl said is that namespaces are not there which the manifests bring. */
static int only_own_missing(const struct cluster *cluster, const struct buf *said,
	struct strs *missing, struct err *err)
{
	cleanup(strs_release) struct strs lines = { 0 };
	cleanup(strs_release) struct strs own = { 0 };

	strs_split(&lines, buf_str(said), "\n");
	for (size_t i = 0; i < lines.n; i++) {
		scratch char *name = missing_namespace(lines.v[i]);

		if (name)
			strs_take(missing, steal(&name));
		else if (!starts_with(lines.v[i], "Warning: "))
			return 0;
	}
	strs_sort(missing);
	if (!missing->n || own_namespaces(cluster, &own, err))
		return missing->n ? -1 : 0;
	for (size_t i = 0; i < missing->n; i++) {
		scratch char *object = xasprintf("namespace/%s", missing->v[i]);

		if (!strs_has(&own, object))
			return 0;
	}
	return 1;
}

/* The user's command as a dry run, whatever the words are: said at the end, so that a
 * --dry-run=none before it does not count, and twice, since a flag that lacks its value takes the
 * first for it. */
static void begin_dry_run(struct strs *argv, const struct cluster *cluster)
{
	static const char dry_run[] = "--dry-run=server";

	begin(argv, cluster->verb);
	for (size_t i = 0; i < cluster->words->n; i++)
		strs_add(argv, cluster->words->v[i]);
	strs_add(argv, dry_run);
	strs_add(argv, dry_run);
}

int kubectl_preflight(
	const struct cluster *cluster, struct buf *said, struct strs *unchecked, struct err *err)
{
	cleanup(strs_release) struct strs argv = { 0 };
	cleanup(strs_release) struct strs missing = { 0 };
	cleanup(buf_release) struct buf ignored = { 0 };
	struct proc proc = { .input = cluster->manifests, .output = &ignored, .messages = said };
	int status, forgiven;

	begin_dry_run(&argv, cluster);
	status = run(&proc, &argv, err);
	if (status <= 0)
		return status;
	forgiven = only_own_missing(cluster, said, &missing, err);
	if (forgiven < 0)
		return -1;
	for (size_t i = 0; forgiven && i < missing.n; i++)
		strs_add(unchecked, missing.v[i]);
	return forgiven ? 0 : status;
}

/* One object, or a list of them, as an array. */
static json_t *items(json_t *answer)
{
	const char *kind = record_get(answer, "kind");
	json_t *list = json_object_get(answer, "items");

	if (kind && ends_with(kind, "List") && json_is_array(list))
		return json_incref(list);
	return json_pack("[O]", answer);
}

/* Definitions of resources go deeper than JSON_DEPTH; jansson's own limit holds. */
static json_t *parse(const struct buf *out, struct err *err)
{
	json_error_t error;
	json_t *answer = json_loadb(out->data, out->len, 0, &error);

	if (!answer)
		err_set(err, ERR_FAILED, "kubectl get: its answer is no JSON: line %d: %s",
			error.line, error.text);
	return answer;
}

json_t *kubectl_get(const struct cluster *cluster, const struct strs *words, bool with_manifests,
	struct err *err)
{
	cleanup(strs_release) struct strs argv = { 0 };
	cleanup(buf_release) struct buf out = { 0 }, said = { 0 };
	cleanup(json_release) json_t *answer = NULL;
	struct proc proc = { .output = &out, .messages = &said };
	int status;

	strs_add(&argv, "kubectl");
	strs_add(&argv, "get");
	for (size_t i = 0; i < words->n; i++)
		strs_add(&argv, words->v[i]);
	kubectl_add_words(&argv, cluster->words, KUBECTL_CONNECTION);
	strs_add(&argv, "--output=json");
	proc.input = with_manifests ? cluster->manifests : NULL;
	status = run(&proc, &argv, err);
	if (status > 0)
		err_set(err, ERR_FAILED, "kubectl get %s: %.*s", words->v[0],
			(int)strcspn(buf_str(&said), "\n"), buf_str(&said));
	if (status)
		return NULL;
	if (!out.len)
		return json_array();
	answer = parse(&out, err);
	return answer ? items(answer) : NULL;
}
