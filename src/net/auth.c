/*
 * A challenge is a scheme followed by parameters, "name=token" or "name="quoted"", separated by
 * commas; the next challenge follows a comma too. So a word is a scheme when no "=" comes after it.
 * What does not follow the grammar ends the reading; what was read before it counts.
 */
#include "auth.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

#define VALUE_LIMIT 8192

void secret_free(char **secret)
{
	if (*secret)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

void challenge_release(struct challenge *challenge)
{
	free(challenge->realm);
	free(challenge->service);
	free(challenge->scope);
	free(challenge->error);
	*challenge = (struct challenge){ 0 };
}

static const char *skip_space(const char *s)
{
	return s + strspn(s, " \t");
}

static size_t token_length(const char *s)
{
	return strcspn(s, " \t,=\"");
}

/* Reads a quoted string or a token; NULL when it does not end. */
static const char *read_value(const char *s, struct buf *out)
{
	if (*s != '"') {
		size_t n = strcspn(s, " \t,");

		buf_add(out, s, n);
		return s + n;
	}
	for (s++; *s && *s != '"'; s++) {
		if (*s == '\\' && s[1])
			s++;
		buf_addch(out, *s);
	}
	return *s ? s + 1 : NULL;
}

static void set_parameter(
	struct challenge *challenge, const char *name, size_t n, const char *value)
{
	const struct {
		const char *name;
		char **place;
	} known[] = {
		{ "realm", &challenge->realm },
		{ "service", &challenge->service },
		{ "scope", &challenge->scope },
		{ "error", &challenge->error },
	};

	for (size_t i = 0; i < countof(known); i++) {
		if (strlen(known[i].name) == n && !strncasecmp(known[i].name, name, n) &&
			!*known[i].place)
			*known[i].place = xstrdup(value);
	}
}

static enum auth_scheme scheme_of(const char *name, size_t n)
{
	if (n == 6 && !strncasecmp(name, "Bearer", n))
		return AUTH_BEARER;
	return n == 5 && !strncasecmp(name, "Basic", n) ? AUTH_BASIC : AUTH_NONE;
}

/* Keeps the better one in best, releases the other. */
static void keep_better(struct challenge *best, struct challenge *next)
{
	if (next->scheme == AUTH_BEARER && !next->realm)
		next->scheme = AUTH_NONE;
	if (next->scheme > best->scheme) {
		struct challenge old = *best;

		*best = *next;
		*next = old;
	}
	challenge_release(next);
}

void challenge_read(struct challenge *challenge, const char *value, struct strs *offered)
{
	struct challenge next = { 0 };
	const char *s = value;

	if (strlen(value) > VALUE_LIMIT)
		return;
	while (s && *(s += strspn(s, " \t,"))) {
		size_t n = token_length(s);
		const char *after = skip_space(s + n);

		if (n && *after == '=') {
			cleanup(buf_release) struct buf text = { 0 };
			const char *name = s;

			s = read_value(skip_space(after + 1), &text);
			if (s)
				set_parameter(&next, name, n, buf_str(&text));
		} else if (n) {
			keep_better(challenge, &next);
			next.scheme = scheme_of(s, n);
			strs_addn(offered, s, n);
			s += n;
		} else {
			break;
		}
	}
	keep_better(challenge, &next);
}

void scope_add(struct strs *set, const char *scope)
{
	cleanup(strs_release) struct strs parts = { 0 };

	strs_split(&parts, scope, " ");
	for (size_t i = 0; i < parts.n; i++) {
		const char *colon = strrchr(parts.v[i], ':');
		cleanup(strs_release) struct strs actions = { 0 };

		strs_split(&actions, colon ? colon + 1 : "", ",");
		for (size_t j = 0; j < actions.n; j++)
			strs_take(set,
				xasprintf("%.*s:%s", (int)(colon - parts.v[i]), parts.v[i],
					actions.v[j]));
	}
	strs_sort(set);
}

bool scope_covers(const struct strs *have, const struct strs *need)
{
	for (size_t i = 0; i < need->n; i++) {
		if (!strs_has(have, need->v[i]))
			return false;
	}
	return true;
}

/* The set is sorted, so the permissions of one resource stand together. */
static void list_scopes(const struct strs *set, struct strs *scopes)
{
	for (size_t i = 0; i < set->n;) {
		size_t n = (size_t)(strrchr(set->v[i], ':') - set->v[i]) + 1;
		struct buf scope = { 0 };
		size_t first = i;

		buf_add(&scope, set->v[i], n);
		for (; i < set->n && !strncmp(set->v[i], set->v[first], n) &&
			!strchr(set->v[i] + n, ':');
			i++)
			buf_addf(&scope, "%s%s", i == first ? "" : ",", set->v[i] + n);
		if (!strs_has(scopes, scope.data))
			strs_add(scopes, scope.data);
		buf_release(&scope);
	}
}

void scope_list(const struct strs *set, const struct strs *first, struct strs *scopes)
{
	cleanup(strs_release) struct strs ahead = { 0 };

	/* of the whole set, those of the resources in first */
	for (size_t i = 0; i < set->n; i++) {
		for (size_t j = 0; j < first->n; j++) {
			size_t n = (size_t)(strrchr(first->v[j], ':') - first->v[j]) + 1;

			if (!strncmp(set->v[i], first->v[j], n) && !strchr(set->v[i] + n, ':')) {
				strs_add(&ahead, set->v[i]);
				break;
			}
		}
	}
	list_scopes(&ahead, scopes);
	list_scopes(set, scopes);
}

char *basic_value(const char *user, const char *secret)
{
	char *pair = xasprintf("%s:%s", user, secret);
	size_t n = strlen(pair);
	char *value = xmalloc(sizeof "Basic " + 4 * (n / 3 + 1) + 1);

	memcpy(value, "Basic ", 6);
	EVP_EncodeBlock((unsigned char *)value + 6, (const unsigned char *)pair, (int)n);
	secret_free(&pair);
	return value;
}
