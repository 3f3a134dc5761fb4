#ifndef NET_AUTH_H
#define NET_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * How registries ask for authentication and what is answered: WWW-Authenticate challenges (RFC 9110
 * section 11), scopes, and the tokens of docker's token server (distribution, auth/token and
 * auth/oauth). Only texts in, texts out: the requests are made elsewhere.
 */

enum auth_scheme { AUTH_NONE, AUTH_BASIC, AUTH_BEARER };

/* Strings are owned; NULL where the challenge does not have the parameter. */
struct challenge {
	enum auth_scheme scheme;
	char *realm, *service, *scope, *error;
};

/*
 * Reads one WWW-Authenticate value, which may hold several challenges, and keeps the best seen so
 * far in challenge: Bearer before Basic before nothing; a Bearer without a realm is no use. The
 * names of all schemes are added to offered.
 */
void challenge_read(struct challenge *challenge, const char *value, struct strs *offered);
void challenge_release(struct challenge *challenge);

/*
 * A scope ("repository:a/b:pull,push registry:catalog:*") as a sorted set of single permissions
 * ("repository:a/b:pull"), as registries give the actions in any order.
 */
void scope_add(struct strs *set, const char *scope);
bool scope_covers(const struct strs *have, const struct strs *need);
/* The set as scopes, one for each resource, "pull" before "push", the resource of first ahead. */
void scope_list(const struct strs *set, const struct strs *first, struct strs *scopes);

/* URL of the GET that asks a realm for a token. malloced. */
char *token_url(const struct challenge *challenge, const struct strs *scopes);
/* Body of the POST that asks with an identity token. malloced; a secret. */
char *token_form(
	const struct challenge *challenge, const struct strs *scopes, const char *identity_token);
/* Reads the answer. token is malloced, a secret; seconds is how long it may be used. */
int token_read(const char *body, size_t n, char **token, int64_t *seconds, struct err *err);

/* "Basic ..." for user and secret; malloced, a secret. */
char *basic_value(const char *user, const char *secret);

/* Overwrites and frees a secret and leaves NULL. NULL is fine. Usable as cleanup(). */
void secret_free(char **secret);

#endif
