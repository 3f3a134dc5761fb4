#include "login.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/proc.h"
#include "credentials.h"
#include "formats/record.h"

#define CONFIG_LIMIT ((size_t)1 << 20)

static int read_config(const char *path, json_t **config, struct err *err)
{
	cleanup(buf_release) struct buf text = { 0 };
	json_error_t error;

	if (file_read_if_exists(path, CONFIG_LIMIT, &text, err) < 0)
		return -1;
	if (!text.len) {
		*config = json_object();
		return 0;
	}
	*config = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &error);
	explicit_bzero(text.data, text.cap);
	if (!json_is_object(*config))
		return err_set(err, ERR_INPUT, "%s:%d:%d: malformed JSON; mend it, or move it away",
			path, *config ? 1 : error.line, *config ? 1 : error.column);
	return 0;
}

/* As docker writes it: indented by a tab. jansson indents by spaces only, so they are replaced. */
static void indent_by_tabs(const char *text, struct buf *out)
{
	while (*text) {
		size_t spaces = strspn(text, " "), line = strcspn(text, "\n");

		for (size_t i = 0; i < spaces; i++)
			buf_addch(out, '\t');
		buf_add(out, text + spaces, line - spaces);
		text += line;
		if (*text)
			buf_addch(out, *text++);
	}
}

/* A link is followed, so that a config kept elsewhere is written there. */
static char *final_path(const char *path)
{
	char *real = realpath(path, NULL);

	return real ? real : xstrdup(path);
}

static int write_config(const char *path, const json_t *config, struct err *err)
{
	cleanup(file_abandon) struct file_draft draft = { 0 };
	scratch char *place = final_path(path);
	char *text = json_dumps(config, JSON_INDENT(1));
	struct buf out = { 0 };
	int result = 0;

	indent_by_tabs(text, &out);
	buf_addch(&out, '\n');
	if (file_begin(&draft, place, err))
		result = -1;
	else if (fchmod(draft.fd, 0600) || fsync(draft.fd))
		result = err_sys(err, "%s", place);
	else if (file_write_all(draft.fd, out.data, out.len, err))
		result = err_prefix(err, "%s", place);
	else
		result = file_commit(&draft, place, err);
	explicit_bzero(text, strlen(text));
	free(text);
	explicit_bzero(out.data, out.cap);
	buf_release(&out);
	return result;
}

static const char *helper_of(const json_t *config, const char *server)
{
	const json_t *helpers = json_object_get(config, "credHelpers");
	const char *name = json_string_value(json_object_get(helpers, server));

	if (!name)
		name = json_string_value(json_object_get(config, "credsStore"));
	return name && *name ? name : NULL;
}

static int run_helper(const char *name, const char *action, struct buf *input, struct err *err)
{
	scratch char *program = xasprintf("docker-credential-%s", name);
	const char *const argv[] = { program, action, NULL };
	cleanup(buf_release) struct buf output = { 0 };
	struct proc proc = { .argv = argv,
		.input = input,
		.output = &output,
		.output_limit = CONFIG_LIMIT,
		.timeout = credentials_helper_seconds() };
	int status;

	if (!credentials_helper_name(name))
		return err_set(err, ERR_INPUT, "'%.60s' is no name of a credential helper", name);
	status = proc_run(&proc, err);
	if (status > 0)
		return err_set(err, ERR_REFUSED, "%s %s: %s: %.200s", program, action,
			proc_death(status), buf_str(&output));
	return status;
}

static int store_in_helper(
	const char *name, const char *server, const char *user, const char *secret, struct err *err)
{
	json_t *entry =
		json_pack("{ssssss}", "ServerURL", server, "Username", user, "Secret", secret);
	char *text = entry ? json_dumps(entry, JSON_COMPACT) : NULL;
	struct buf input = { 0 };
	int result;

	if (!text) {
		json_decref(entry);
		return err_set(err, ERR_USAGE, "user name and password must be UTF-8");
	}
	buf_addstr(&input, text);
	result = run_helper(name, "store", &input, err);
	explicit_bzero(text, strlen(text));
	free(text);
	explicit_bzero(input.data, input.cap);
	buf_release(&input);
	json_decref(entry);
	return result;
}

static json_t *auths_of(json_t *config)
{
	json_t *auths = json_object_get(config, "auths");

	if (!json_is_object(auths)) {
		auths = json_object();
		json_object_set_new(config, "auths", auths);
	}
	return auths;
}

static void set_inline(json_t *config, const char *server, const char *user, const char *secret)
{
	char *value = basic_value(user, secret);

	json_object_set_new(
		auths_of(config), server, json_pack("{ss}", "auth", value + strlen("Basic ")));
	secret_free(&value);
}

static int check(const char *server, const char *user, const char *secret, struct err *err)
{
	if (!*server || strpbrk(server, "/ \t\r\n@?#%\\"))
		return err_set(err, ERR_USAGE,
			"'%.200s' is not the name of a registry: HOST or HOST:PORT", server);
	if (!*user || strpbrk(user, ":\r\n"))
		return err_set(err, ERR_USAGE,
			"the user name must not be empty, and hold no colon and no line break");
	if (!*secret || strpbrk(secret, "\r\n"))
		return err_set(
			err, ERR_USAGE, "the password must not be empty, and hold no line break");
	return 0;
}

int login_store(const char *server, const char *user, const char *secret, struct err *err)
{
	scratch char *path = credentials_docker_path();
	const char *key = credentials_server(server), *helper;
	cleanup(json_release) json_t *config = NULL;

	if (check(server, user, secret, err) || read_config(path, &config, err))
		return -1;
	helper = helper_of(config, key);
	if (!helper) {
		set_inline(config, key, user, secret);
		return write_config(path, config, err);
	}
	if (store_in_helper(helper, key, user, secret, err))
		return -1;
	/* docker marks in the file that there is one */
	if (json_object_size(json_object_get(json_object_get(config, "auths"), key)) == 0 &&
		json_object_get(json_object_get(config, "auths"), key))
		return 0;
	json_object_set_new(auths_of(config), key, json_object());
	return write_config(path, config, err);
}

int login_erase(const char *server, struct err *err)
{
	scratch char *path = credentials_docker_path();
	const char *key = credentials_server(server), *helper;
	cleanup(json_release) json_t *config = NULL;
	struct buf input = { 0 };
	int result = 0;

	if (check(server, "user", "secret", err) || read_config(path, &config, err))
		return -1;
	helper = helper_of(config, key);
	if (helper) {
		buf_addstr(&input, key);
		result = run_helper(helper, "erase", &input, err);
		buf_release(&input);
	}
	if (result < 0)
		return -1;
	if (json_object_del(json_object_get(config, "auths"), key))
		return helper ? 0 : 1;
	return write_config(path, config, err);
}
