#ifndef NET_AUTH_H
#define NET_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * How registries ask for authentication and what is answered: WWW-Authenticate challenges (RFC 9110
 * section 11), and scopes (distribution, auth/scope). Only texts in, texts out.
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

/* "Basic ..." for user and secret; malloced, a secret. */
char *basic_value(const char *user, const char *secret);

/* Overwrites and frees a secret and leaves NULL. NULL is fine. Usable as cleanup(). */
void secret_free(char **secret);

#endif
