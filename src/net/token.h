#ifndef NET_TOKEN_H
#define NET_TOKEN_H

#include <stddef.h>
#include <stdint.h>

#include "auth.h"

/*
 * What is asked of docker's token servers, and what they answer (distribution, auth/token and
 * auth/oauth). Only texts in, texts out: the requests are made by host.c.
 */

/* URL of the GET that asks a realm for a token. malloced. */
char *token_url(const struct challenge *challenge, const struct strs *scopes);
/* Body of the POST that asks with an identity token. malloced; a secret. */
char *token_form(
	const struct challenge *challenge, const struct strs *scopes, const char *identity_token);
/* Reads the answer. token is malloced, a secret; seconds is how long it may be used. */
int token_read(const char *body, size_t n, char **token, int64_t *seconds, struct err *err);

#endif
