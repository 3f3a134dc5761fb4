#ifndef SERVER_H
#define SERVER_H

/* Drives tests/servers/scripted.py from a test: a child whose commands and answers go by pipes. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct server {
	pid_t pid;
	FILE *to, *from;
	unsigned port[3]; /* plain, plain, TLS */
};

/* Starts it; certificate and key may be NULL. Returns -1 where it does not come up. */
static inline int server_start(struct server *server, const char *certificate, const char *key)
{
	int in[2], out[2];

	if (pipe(in) || pipe(out))
		return -1;
	server->pid = fork();
	if (!server->pid) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		close(out[0]);
		execlp("python3", "python3", "tests/servers/scripted.py",
			certificate ? "--tls" : NULL, certificate, key, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	server->to = fdopen(in[1], "w");
	server->from = fdopen(out[0], "r");
	if (!server->to || !server->from)
		return -1;
	return fscanf(server->from, "%u %u %u", &server->port[0], &server->port[1],
		       &server->port[2]) < 2 ||
			fgetc(server->from) != '\n'
		? -1
		: 0;
}

/* Sends one command; "ok" comes back. */
static inline void server_say(struct server *server, const char *command)
{
	char answer[100];

	fprintf(server->to, "%s\n", command);
	fflush(server->to);
	if (!fgets(answer, sizeof answer, server->from) || strcmp(answer, "ok\n"))
		printf("# the server answers %s to: %s\n", answer, command);
}

/* Appends the requests since the last reset. */
static inline void server_log(struct server *server, char *log, size_t size)
{
	char line[40000];

	*log = '\0';
	fprintf(server->to, "log\n");
	fflush(server->to);
	while (fgets(line, sizeof line, server->from) && strcmp(line, ".\n"))
		strncat(log, line, size - strlen(log) - 1);
}

static inline void server_stop(struct server *server)
{
	fclose(server->to);
	kill(server->pid, SIGTERM);
	waitpid(server->pid, NULL, 0);
	fclose(server->from);
}

#endif
