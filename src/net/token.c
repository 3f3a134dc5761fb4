#include "token.h"

#include <jansson.h>
#include <string.h>

#include "base/mem.h"
#include "formats/record.h"
#include "url.h"

#define SHORTEST_LIFE 60
#define LONGEST_LIFE (24 * 3600)

char *token_url(const struct challenge *challenge, const struct strs *scopes)
{
	char *url = challenge->service ? url_with(challenge->realm, "service", challenge->service)
				       : xstrdup(challenge->realm);

	for (size_t i = 0; i < scopes->n; i++) {
		char *longer = url_with(url, "scope", scopes->v[i]);

		free(url);
		url = longer;
	}
	return url;
}

static void add_field(struct buf *form, const char *name, const char *value)
{
	buf_addf(form, "%s%s=", form->len ? "&" : "", name);
	url_encode(form, value);
}

char *token_form(
	const struct challenge *challenge, const struct strs *scopes, const char *identity_token)
{
	cleanup(buf_release) struct buf joined = { 0 };
	struct buf form = { 0 };

	buf_reserve(&form, 3 * strlen(identity_token) + 4096);
	for (size_t i = 0; i < scopes->n; i++)
		buf_addf(&joined, "%s%s", i ? " " : "", scopes->v[i]);
	add_field(&form, "grant_type", "refresh_token");
	add_field(&form, "service", challenge->service ? challenge->service : "");
	add_field(&form, "client_id", "ko");
	add_field(&form, "scope", buf_str(&joined));
	add_field(&form, "refresh_token", identity_token);
	return buf_detach(&form);
}

/* Tokens go into a header: no control bytes, no spaces. */
static bool usable(const char *token)
{
	for (const char *p = token; p && *p; p++) {
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f)
			return false;
	}
	return token && *token;
}

static void wipe(const json_t *value)
{
	if (json_is_string(value))
		explicit_bzero((char *)json_string_value(value), json_string_length(value));
}

int token_read(const char *body, size_t n, char **token, int64_t *seconds, struct err *err)
{
	cleanup(json_release) json_t *answer = json_from("token", body, n, err);
	const json_t *a = json_object_get(answer, "token");
	const json_t *b = json_object_get(answer, "access_token");
	const char *value = json_string_value(usable(json_string_value(a)) ? a : b);
	json_int_t life = json_integer_value(json_object_get(answer, "expires_in"));
	int result = 0;

	if (!answer)
		return err_set(err, ERR_INPUT, "the token server's answer is not JSON");
	if (usable(value)) {
		*token = xstrdup(value);
		*seconds = life < SHORTEST_LIFE ? SHORTEST_LIFE
			: life > LONGEST_LIFE   ? LONGEST_LIFE
						: life;
	} else {
		result = err_set(err, ERR_INPUT, "no token in the token server's answer");
	}
	wipe(a);
	wipe(b);
	return result;
}
