/* The registry client against a registry that misbehaves: tests/data/registry-faults.txt. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"
#include "formats/oci.h"
#include "net/registry.h"
#include "server.h"
#include "tap.h"

/* user:secret, user:stale */
static const struct {
	const char *name, *text;
} configs[] = {
	{ "basic", "{\"auths\":{\"HOST\":{\"auth\":\"dXNlcjpzZWNyZXQ=\"}}}" },
	{ "stale", "{\"auths\":{\"HOST\":{\"auth\":\"dXNlcjpzdGFsZQ==\"}}}" },
	{ "identity", "{\"auths\":{\"HOST\":{\"identitytoken\":\"secret\"}}}" },
	{ "registry-token", "{\"auths\":{\"HOST\":{\"registrytoken\":\"verbatim\"}}}" },
};

enum what { PUSH, HEAD, GET, GET_DIGEST, BLOB, FETCH, COPY, TWO, TLS_PUSH, PROXIED };

static const char *const words[] = { "push", "head", "get", "get-digest", "blob", "fetch", "copy",
	"two", "tls-push", "proxied" };

struct row {
	char *name;
	enum what what;
	struct strs commands, log;
	char *config, *text; /* NULL: none */
	bool trusted;        /* the certificate of the server */
	int class;
};

static struct server server;
static char dir[] = "/tmp/ko-registry.XXXXXX";
static char content[300000];
static char layer_digest[DIGEST_SIZE], config_digest[DIGEST_SIZE];
static const char config_text[] = "{\"architecture\":\"amd64\",\"os\":\"linux\"}";
static struct buf manifest;
static struct registry *registry;
static struct repo repo, other;
static char *layer_path, certificate[64], key[64];
static struct registry_result last;
static unsigned ended;
static int fetched;

static int note(void *arg, const struct registry_result *result, struct err *err)
{
	(void)arg;
	(void)err;
	last = *result;
	last.body = NULL;
	ended++;
	return 0;
}

static int pushed(void *arg, const struct registry_result *result, struct err *err)
{
	note(arg, result, err);
	if (ended == 2)
		registry_put_manifest(registry, repo, "v1", OCI_MANIFEST, manifest.data,
			manifest.len, (struct registry_done){ note, NULL });
	return 0;
}

static void start(enum what what)
{
	struct registry_done done = { note, NULL }, next = { pushed, NULL };
	struct blob_source file = { .path = layer_path }, text = { .bytes = config_text };
	struct blob_source from = { .repo = &other };

	switch (what) {
	case PROXIED:
	case HEAD:
		registry_head_manifest(registry, repo, "v1", done);
		break;
	case GET:
		registry_get_manifest(registry, repo, "v1", done);
		break;
	case GET_DIGEST:
		registry_get_manifest(registry, repo, layer_digest, done);
		break;
	case BLOB:
		registry_get_blob(registry, repo, config_digest, sizeof config_text - 1, done);
		break;
	case FETCH:
		registry_fetch_blob(registry, repo, layer_digest, sizeof content, fetched, done);
		break;
	case COPY:
		registry_push_blob(registry, repo, layer_digest, sizeof content, from, NULL, done);
		break;
	case TWO:
		registry_expect(registry, repo, true);
		registry_expect(registry, other, true);
		registry_head_manifest(registry, repo, "v1", done);
		registry_head_manifest(registry, other, "v1", done);
		break;
	case TLS_PUSH:
	case PUSH:
		registry_push_blob(
			registry, repo, layer_digest, sizeof content, file, "base", next);
		registry_push_blob(
			registry, repo, config_digest, sizeof config_text - 1, text, NULL, next);
		break;
	}
}

static void script(const struct strs *commands)
{
	server_say(&server, "reset");
	for (size_t i = 0; i < commands->n; i++) {
		const char *at = strstr(commands->v[i], "LAYER");
		scratch char *full = at
			? xasprintf("%.*s%.*s%s", (int)(at - commands->v[i]), commands->v[i],
				  (int)sizeof content, content, at + 5)
			: xstrdup(commands->v[i]);

		server_say(&server, full);
	}
}

static void configure(const char *text, const char *host)
{
	scratch char *path = xasprintf("%s/config.json", dir);
	struct buf config = { 0 };
	const char *at;
	struct err err;

	unlink(path);
	if (!text)
		return;
	for (size_t i = 0; i < countof(configs); i++) {
		if (!strcmp(text, configs[i].name))
			text = configs[i].text;
	}
	at = strstr(text, "HOST");
	if (at)
		buf_addf(&config, "%.*s%s%s", (int)(at - text), text, host, at + 4);
	else
		buf_addstr(&config, text);
	file_save(path, config.data, config.len, &err);
	chmod(path, 0600);
	buf_release(&config);
}

static bool in_order(const char *log, const struct strs *wanted)
{
	for (size_t i = 0; i < wanted->n; i++) {
		const char *line = wanted->v[i];
		const char *found = strstr(log, line + (*line == '!'));

		if (!found != (*line == '!'))
			return false;
		if (found)
			log = found + 1;
	}
	return true;
}

static bool fetched_all(void)
{
	static char bytes[sizeof content + 1];

	return pread(fetched, bytes, sizeof bytes, 0) == sizeof content &&
		!memcmp(bytes, content, sizeof content);
}

static void run(const struct row *row)
{
	static char log[400000];
	bool tls = row->what == TLS_PUSH;
	char host[64], where[64], proxy[64];
	struct registry_settings settings = { .retry_wait = 1, .retry_budget = 4, .timeout = 1 };
	struct err err = { 0 };
	int result;

	snprintf(proxy, sizeof proxy, "http://user:secret@127.0.0.1:%u", server.port[0]);
	snprintf(host, sizeof host, "127.0.0.1:%u", server.port[tls ? 2 : 0]);
	snprintf(where, sizeof where, "127.0.0.1:%u", server.port[1]);
	repo = (struct repo){ host, "a/b" };
	other = (struct repo){ row->what == TWO ? host : where, "c/d" };
	if (row->trusted)
		settings.ca_file = certificate;
	if (row->what == PROXIED) {
		snprintf(host, sizeof host, "registry.example");
		setenv("https_proxy", proxy, 1);
	} else {
		setenv("https_proxy", "http://user:secret@127.0.0.1:1", 1);
	}
	script(&row->commands);
	configure(row->config, host);
	ended = 0;
	fetched = memfd_create("fetched", 0);
	memset(&last, 0, sizeof last);
	registry = registry_new(&settings, &err);
	start(row->what);
	result = registry_run(registry, &err);
	registry_free(registry);
	server_log(&server, log, sizeof log);
	if (!ok((result ? (int)err.class : 0) == row->class, row->name))
		printf("# class %d, expected %d: %s\n", result ? (int)err.class : 0, row->class,
			err.text);
	if (row->text && !ok(strstr(err.text, row->text) != NULL, "  its text"))
		printf("# %s\n", err.text);
	if (row->log.n && !ok(in_order(log, &row->log), "  its requests"))
		printf("# %.3000s\n", log);
	if (!ok(!strstr(err.text, "secret") && !strstr(err.text, "stale") &&
			    !strstr(err.text, "token-") && !strchr(err.text, '\n'),
		    "  no secret and one line"))
		printf("# %s\n", err.text);
	if (!row->class && row->what == FETCH)
		ok(fetched_all(), "  all came, in its place");
	close(fetched);
	if (!row->class && (row->what == PUSH || row->what == TLS_PUSH))
		ok(ended == 3 && last.found, "  all was stored");
}

static void make_inputs(void)
{
	struct err err;

	for (size_t i = 0; i < sizeof content; i++)
		content[i] = (char)('a' + i * 7919 % 26);
	digest_of(content, sizeof content, layer_digest);
	digest_of(config_text, sizeof config_text - 1, config_digest);
	layer_path = xasprintf("%s/layer", dir);
	file_save(layer_path, content, sizeof content, &err);
	buf_addf(&manifest,
		"{\"schemaVersion\":2,\"mediaType\":\"" OCI_MANIFEST
		"\",\"config\":{\"mediaType\":\"" OCI_CONFIG
		"\",\"digest\":\"%s\",\"size\":%zu},\"layers\":[{\"mediaType\":\"" OCI_LAYER_TAR
		"\",\"digest\":\"%s\",\"size\":%zu}]}",
		config_digest, sizeof config_text - 1, layer_digest, sizeof content);
}

static enum what what_of(const char *word)
{
	for (size_t i = 0; i < countof(words); i++) {
		if (!strcmp(words[i], word))
			return (enum what)i;
	}
	printf("# no such operation: %s\n", word);
	exit(1);
}

static void take_line(struct row *row, const char *line)
{
	const char *value = strchr(line, ' ');

	value = value ? value + 1 : "";
	if (starts_with(line, "server "))
		strs_add(&row->commands, value);
	else if (starts_with(line, "log "))
		strs_add(&row->log, value);
	else if (starts_with(line, "config "))
		row->config = xstrdup(value);
	else if (starts_with(line, "error "))
		row->text = xstrdup(value);
	else if (!strcmp(line, "trusted"))
		row->trusted = true;
	else if (starts_with(line, "exit "))
		row->class = (int)strtol(value, NULL, 10);
	else
		row->what = what_of(line);
}

static void end_row(struct row *row, const char *only)
{
	if (row->name && (!only || strstr(row->name, only)))
		run(row);
	free(row->name);
	free(row->config);
	free(row->text);
	strs_release(&row->commands);
	strs_release(&row->log);
	*row = (struct row){ 0 };
}

static void run_all(const char *only)
{
	cleanup(buf_release) struct buf text = { 0 };
	cleanup(strs_release) struct strs lines = { 0 };
	struct row row = { 0 };
	struct err err;

	if (file_read("tests/data/registry-faults.txt", FILE_LIMIT, &text, &err))
		exit(log_error(&err));
	strs_split(&lines, text.data, "\n");
	for (size_t i = 0; i < lines.n; i++) {
		if (starts_with(lines.v[i], "== ")) {
			end_row(&row, only);
			row.name = xstrdup(lines.v[i] + 3);
		} else if (lines.v[i][0] != '#') {
			take_line(&row, lines.v[i]);
		}
	}
	end_row(&row, only);
}

static void make_certificate(void)
{
	const char *const argv[] = { "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
		"ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=x", "-addext",
		"subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate, NULL };
	struct buf output = { 0 };
	struct proc proc = { .argv = argv, .output = &output, .messages = &output };
	struct err err;

	snprintf(certificate, sizeof certificate, "%s/cert.pem", dir);
	snprintf(key, sizeof key, "%s/key.pem", dir);
	proc_run(&proc, &err);
	buf_release(&output);
}

/* Credential helpers that do well, and that do not. */
static void make_helpers(void)
{
	static const struct {
		const char *name, *script;
	} helpers[] = {
		{ "good", "read x; echo '{\"Username\":\"user\",\"Secret\":\"secret\"}'" },
		{ "old", "echo '{\"Username\":\"user\",\"Secret\":\"stale\"}'" },
		{ "token", "echo '{\"Username\":\"<token>\",\"Secret\":\"secret\"}'" },
		{ "none", "echo credentials not found in native keychain; exit 1" },
		{ "fails", "echo the secret is secret >&2; exit 3" },
		{ "silent", "exit 0" },
		{ "huge", "head -c 3000000 /dev/zero" },
		{ "hangs", "exec sleep 60" },
		{ "closes", "exec >&- 2>&-; sleep 60" },
		{ "second",
			"if test -e $HOME/asked; then exec docker-credential-good; fi; "
			"touch $HOME/asked; exec docker-credential-old" },
	};
	scratch char *path = xasprintf("%s:%s", dir, getenv("PATH"));
	struct err err;

	for (size_t i = 0; i < countof(helpers); i++) {
		scratch char *file = xasprintf("%s/docker-credential-%s", dir, helpers[i].name);
		scratch char *text = xasprintf("#!/bin/sh\n%s\n", helpers[i].script);

		file_save(file, text, strlen(text), &err);
		chmod(file, 0755);
	}
	setenv("PATH", path, 1);
}

static void settle_environment(void)
{
	static const char *const unset[] = { "DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE", "no_proxy",
		"NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "KO_RETRY_BUDGET", "KO_RETRY_WAIT" };

	for (size_t i = 0; i < countof(unset); i++)
		unsetenv(unset[i]);
	setenv("DOCKER_CONFIG", dir, 1);
	setenv("HOME", dir, 1);
	setenv("KO_TIMEOUT", "1", 1);
	/* nothing on loopback goes by a proxy */
	setenv("http_proxy", "http://user:secret@127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://user:secret@127.0.0.1:1", 1);
}

static void remove_all(void)
{
	struct strs names = { 0 };
	struct err err;

	file_list(dir, &names, &err);
	for (size_t i = 0; i < names.n; i++) {
		scratch char *path = path_join(dir, names.v[i]);

		unlink(path);
	}
	strs_release(&names);
	rmdir(dir);
}

int main(int argc, char *argv[])
{
	log_init("test");
	if (!mkdtemp(dir))
		return 1;
	settle_environment();
	make_inputs();
	make_certificate();
	make_helpers();
	if (server_start(&server, certificate, key)) {
		printf("1..0 # SKIP no python3\n");
		return 0;
	}
	run_all(argc > 1 ? argv[1] : NULL);
	server_stop(&server);
	free(layer_path);
	buf_release(&manifest);
	remove_all();
	return done();
}
