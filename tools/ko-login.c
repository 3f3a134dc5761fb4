/* Keeps credentials for a registry, where docker keeps them. */
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/opt.h"
#include "net/auth.h"
#include "net/login.h"

#define SECRET_LIMIT ((size_t)64 << 10)

static const char *user, *password;
static bool from_input, logout;

static const struct opt opts[] = {
	{ 'u', "username", "USER", OPT_STRING, &user, "who to log in as" },
	{ 'p', "password", "PASSWORD", OPT_STRING, &password,
		"the password or token; others can see it, so rather use --password-stdin" },
	{ 0, "password-stdin", NULL, OPT_FLAG, &from_input,
		"read the password from standard input" },
	{ 0, "logout", NULL, OPT_FLAG, &logout, "remove the credentials" },
};

static const struct opt_tool tool = { "ko-login",
	"[-u USER] [-p PASSWORD | --password-stdin] SERVER | --logout SERVER",
	"Keeps credentials for a registry in the Docker config, or its credential helper.", opts,
	countof(opts) };

/* The line without its end; the secret's copies are overwritten. */
static int read_secret(char **secret, struct err *err)
{
	struct buf text = { 0 };
	int result = file_read("-", SECRET_LIMIT, &text, err);

	while (text.len && strchr("\r\n", text.data[text.len - 1]))
		text.data[--text.len] = '\0';
	if (!result)
		*secret = xstrdup(buf_str(&text));
	if (text.data)
		explicit_bzero(text.data, text.cap);
	buf_release(&text);
	return result;
}

/* Reads a line from the terminal; without echo when it is a secret. */
static int ask(const char *what, bool hidden, char **answer, struct err *err)
{
	FILE *tty = fopen("/dev/tty", "r+e");
	struct termios old, quiet;
	char line[4096] = "";
	bool got;

	if (!tty)
		return err_set(err, ERR_USAGE,
			"no terminal to ask for the %s; use -u USER --password-stdin", what);
	fprintf(tty, "%s: ", what);
	fflush(tty);
	if (hidden && !tcgetattr(fileno(tty), &old)) {
		quiet = old;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(fileno(tty), TCSAFLUSH, &quiet);
	} else {
		hidden = false;
	}
	got = fgets(line, sizeof line, tty);
	if (hidden) {
		tcsetattr(fileno(tty), TCSAFLUSH, &old);
		fprintf(tty, "\n");
	}
	fclose(tty);
	line[strcspn(line, "\r\n")] = '\0';
	*answer = xstrdup(line);
	explicit_bzero(line, sizeof line);
	return got ? 0 : err_set(err, ERR_USAGE, "no %s was given", what);
}

static int store(const char *server, struct err *err)
{
	cleanup(secret_free) char *name = NULL;
	cleanup(secret_free) char *secret = NULL;

	if (password && from_input)
		return err_set(err, ERR_USAGE, "-p and --password-stdin exclude each other");
	if (!user && from_input)
		return err_set(err, ERR_USAGE, "--password-stdin needs -u USER");
	if (!user && ask("username", false, &name, err))
		return -1;
	if (password)
		secret = xstrdup(password);
	else if (from_input ? read_secret(&secret, err) : ask("password", true, &secret, err))
		return -1;
	return login_store(server, user ? user : name, secret, err);
}

/* Others see the arguments of a program for as long as it runs. */
static void hide(char *const argv[])
{
	for (size_t i = 1; argv[i]; i++) {
		char *at = password ? strstr(argv[i], password) : NULL;

		if (at && at + strlen(at) == password + strlen(password))
			memset(at, '*', strlen(at));
	}
}

static int run(const struct strs *operands, struct err *err)
{
	int result;

	if (operands->n != 1)
		return err_set(err, ERR_USAGE,
			"one SERVER is needed, such as ghcr.io; see ko-login --help");
	if (!logout)
		return store(operands->v[0], err);
	result = login_erase(operands->v[0], err);
	if (result == 1)
		log_note("%s: there were no credentials", operands->v[0]);
	return result < 0 ? -1 : 0;
}

int main(int argc, char *argv[])
{
	cleanup(strs_release) struct strs operands = { 0 };
	cleanup(secret_free) char *copy = NULL;
	struct err err;
	int result;

	log_init("ko-login");
	result = opt_parse(&tool, argc, argv, &operands, NULL, &err);
	if (result > 0)
		return 0;
	if (!result && password && *password) {
		copy = xstrdup(password);
		hide(argv);
		password = copy;
	}
	if (result || run(&operands, &err))
		return log_error(&err);
	return 0;
}
