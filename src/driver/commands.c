#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/proc.h"
#include "driver.h"

static int no_command(int argc, char *argv[], struct err *err)
{
	(void)argc;
	return err_set(err, ERR_USAGE, "%s takes no options", argv[0]);
}

const struct driver_command driver_commands[] = {
	{ "build", "publish", "compile programs, push images, print their references", driver_build,
		&driver_build_tool },
	{ "resolve", NULL, "print manifests with references to images in place of ko://",
		driver_resolve, &driver_resolve_tool },
	{ "apply", NULL, "resolve manifests and hand them to kubectl apply", driver_apply,
		&driver_apply_tool },
	{ "create", NULL, "resolve manifests and hand them to kubectl create", driver_create,
		&driver_create_tool },
	{ "why", NULL, "say why an image would be or was made again", driver_why,
		&driver_why_tool },
	{ "base", NULL, "update: look for newer base images", driver_base, &driver_base_tool },
	{ "config", NULL, "print the settings in effect and where each comes from", driver_config,
		&driver_config_tool },
	{ "run", NULL, "build a program and run it as a pod", driver_run, &driver_run_tool },
	{ "delete", NULL, "kubectl delete", driver_delete, NULL },
	{ "login", NULL, "store credentials for a registry", driver_login, NULL },
	{ "logout", NULL, "forget credentials for a registry", driver_logout, NULL },
	{ "completion", NULL, "print a completion script: bash, zsh or fish", driver_completion,
		NULL },
	{ "version", NULL, "print the version", no_command, NULL },
	{ "help", NULL, "show this text", no_command, NULL },
};
const size_t driver_command_count = countof(driver_commands);

/* Becomes another program that has the same words; first replaces argv[0]. */
static int become(const char *program, const char *first, int argc, char *argv[], struct err *err)
{
	cleanup(strs_release) struct strs words = { 0 };

	strs_add(&words, program);
	if (first)
		strs_add(&words, first);
	for (int i = 1; i < argc; i++)
		strs_add(&words, argv[i]);
	return proc_exec((const char *const *)strs_argv(&words), err);
}

int driver_delete(int argc, char *argv[], struct err *err)
{
	return become("kubectl", "delete", argc, argv, err);
}

static int become_login(const char *first, int argc, char *argv[], struct err *err)
{
	scratch char *program = proc_fellow("ko-login");

	return become(program, first, argc, argv, err);
}

int driver_login(int argc, char *argv[], struct err *err)
{
	return become_login(NULL, argc, argv, err);
}

int driver_logout(int argc, char *argv[], struct err *err)
{
	return become_login("--logout", argc, argv, err);
}
