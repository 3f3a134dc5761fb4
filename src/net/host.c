/*
 * Authentication, as Docker's registries do it (distribution, auth/token):
 *
 * The first request to a registry is GET /v2/ without credentials. 200: nothing is asked for. 401:
 * a challenge says how to authenticate: Basic, at the registry itself, or Bearer, with a token that
 * a token server ("realm") gives for a set of scopes. A challenge may also come later, with any
 * request, and then counts from there on; a 401 without one refers to the one known.
 *
 * Tokens are kept by the set of scopes that was asked for. The first token asks for everything that
 * registry_expect() announced; where the server will not have that, for one repository at a time.
 * A call is sent again for a refused token once, and once more where a credential helper may have
 * another secret by now.
 */
#include "call.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>

#include "base/log.h"
#include "base/mem.h"
#include "token.h"

#define TOKEN_LIMIT ((size_t)64 << 10)
#define SCOPES_AT_ONCE 32
#define SLOW_CONNECT 0.010
#define SLOW_ANSWER 0.030
#define SMALL_CALLS 8
#define REALM_HOPS 3

/* "localhost:5000", "[::1]:5000": what may stand before the first slash of a reference. */
static bool valid_name(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++) {
		if (!isalnum((unsigned char)name[i]) && !strchr(".-_:[]", name[i]))
			return false;
	}
	return n && n < 300 && name[0] != '-' && name[0] != '.';
}

static void set_base(struct host *host, const char *scheme)
{
	scratch char *text = xasprintf("%s://%s", scheme, host->name);
	size_t n = strlen(scheme) + 3;
	struct err ignored;

	url_release(&host->base);
	if (!url_parse(&host->base, text, &ignored)) /* libcurl writes a path behind it */
		host->base.text[strcspn(host->base.text + n, "/") + n] = '\0';
}

static bool may_be_plain(const struct host *host)
{
	const struct strs *insecure = host->registry->settings.insecure;

	return host->insecure || url_host_loopback(host->base.host) ||
		url_listed(&host->base, insecure) ||
		(insecure && (strs_has(insecure, host->name) || strs_has(insecure, "*")));
}

/*
 * Plain http is for loopback and for hosts that the user named. On loopback it comes first: it is
 * what most speak there, a ping has no secret in it, and TLS would first have to read all
 * authorities, which takes longer than a push that has nothing to do.
 */
static void choose_scheme(struct host *host)
{
	bool plain = may_be_plain(host);
	bool hub = !strcmp(host->name, "docker.io");

	host->scheme_known = !plain;
	if (!hub)
		set_base(host, plain && url_host_loopback(host->base.host) ? "http" : "https");
	else
		host->base.text[strcspn(host->base.text + 8, "/") + 8] = '\0';
}

static struct host *host_new(
	struct registry *registry, const char *name, const char *mirror_of, bool insecure)
{
	bool hub = !strcmp(name, "docker.io");
	scratch char *base = xasprintf("https://%s", hub ? "registry-1.docker.io" : name);
	struct host *host = xcalloc(1, sizeof *host);
	struct err err;

	host->registry = registry;
	host->name = xstrdup(name);
	host->small_limit = 1;
	host->mirror_of = mirror_of ? xstrdup(mirror_of) : NULL;
	host->insecure = insecure;
	if (!valid_name(name) || url_parse(&host->base, base, &err)) {
		err_set(&err, ERR_USAGE, "'%s' is not the name of a registry: HOST or HOST:PORT",
			name);
		registry_fail(registry, &err);
		free(host->mirror_of);
		free(host->name);
		free(host);
		return NULL;
	}
	choose_scheme(host);
	grow(registry->hosts, registry->host_count, registry->host_cap);
	registry->hosts[registry->host_count++] = host;
	return host;
}

struct host *host_get(struct registry *registry, const char *name)
{
	if (strcmp(credentials_server(name), name))
		name = "docker.io";
	for (size_t i = 0; i < registry->host_count; i++) {
		if (!registry->hosts[i]->mirror_of && !strcmp(registry->hosts[i]->name, name))
			return registry->hosts[i];
	}
	return host_new(registry, name, NULL, false);
}

struct host *host_get_mirror(struct registry *registry, const struct place *place, const char *of)
{
	bool hub = strcmp(credentials_server(place->host), place->host);
	const char *name = hub ? "docker.io" : place->host;

	for (size_t i = 0; i < registry->host_count; i++) {
		struct host *host = registry->hosts[i];

		if (host->mirror_of && !strcmp(host->name, name) && !strcmp(host->mirror_of, of))
			return host;
	}
	return host_new(registry, name, of, place->insecure);
}

static void token_free(struct token *token)
{
	call_free(token->call);
	secret_free(&token->value);
	strs_release(&token->scopes);
	free(token->key);
	free(token);
}

void host_free(struct host *host)
{
	for (size_t i = 0; i < host->token_count; i++)
		token_free(host->tokens[i]);
	for (size_t i = 0; i < host->login_count; i++) {
		credential_release(&host->logins[i]->credential);
		free(host->logins[i]->key);
		free(host->logins[i]);
	}
	call_free(host->ping);
	free(host->tokens);
	free(host->logins);
	challenge_release(&host->challenge);
	strs_release(&host->expected);
	strs_release(&host->pushed);
	url_release(&host->base);
	free(host->mirror_of);
	free(host->name);
	free(host);
}

/*
 * How servers answer to the wrong one of http and https: no TLS, nothing, or a 400 in plain text.
 * Without a port in the name the two are different ports, of which one may be closed.
 */
static bool wrong_scheme(const struct call *call)
{
	bool usual_port = !strchr(call->host->name, ':');

	return call->http.status == 400 || call->http.failure == CURLE_SSL_CONNECT_ERROR ||
		call->http.failure == CURLE_GOT_NOTHING || call->http.failure == CURLE_RECV_ERROR ||
		call->http.failure == CURLE_SEND_ERROR ||
		(call->http.failure == CURLE_COULDNT_CONNECT && usual_port);
}

static void other_scheme(struct host *host)
{
	set_base(host, strcmp(host->base.scheme, "http") ? "http" : "https");
	host->scheme_known = true;
}

static void read_challenges(
	const struct http_exchange *http, struct challenge *challenge, struct strs *offered)
{
	const char *value;

	for (size_t i = 0; (value = http_header(http, "WWW-Authenticate", i)); i++)
		challenge_read(challenge, value, offered);
}

static bool is_page(const struct http_exchange *http)
{
	const char *type = http_header(http, "Content-Type", 0);
	const char *body = buf_str(&http->body);

	return (type && !strncasecmp(type, "text/html", 9)) || body[strspn(body, " \t\r\n")] == '<';
}

static void unusable(const struct call *call, const struct strs *offered)
{
	cleanup(buf_release) struct buf names = { 0 };

	for (size_t i = 0; i < offered->n; i++)
		buf_addf(&names, "%s%.30s", i ? ", " : "", offered->v[i]);
	call_fail_text(call, ERR_REFUSED,
		"asks for authentication that is not supported (%s); Basic and Bearer are",
		names.len ? buf_str(&names) : "no WWW-Authenticate header");
}

static void set_pace(struct host *host, const struct call *ping)
{
	if (ping->http.connect_seconds > SLOW_CONNECT || ping->http.answer_seconds > SLOW_ANSWER)
		host->small_limit = SMALL_CALLS;
}

static void ping_answered(struct call *call)
{
	cleanup(strs_release) struct strs offered = { 0 };
	struct host *host = call->host;
	int status = call->http.status;

	host->ping = NULL;
	read_challenges(&call->http, &host->challenge, &offered);
	set_pace(host, call);
	if (call->once && wrong_scheme(call))
		other_scheme(host);
	else if (call->once && (!status || call_may_pass(call)))
		host->scheme_known = true; /* the next ping is sent by the calls that wait */
	else if (!status || call_may_pass(call))
		call_fail(call);
	else if (status == 401 && host->challenge.scheme == AUTH_NONE)
		unusable(call, &offered);
	else if (status == 403)
		call_fail_text(call, ERR_REFUSED, "HTTP 403: the registry does not let us in");
	else if (status == 400 && strstr(buf_str(&call->http.body), "SSL certificate"))
		call_fail_text(call, ERR_REFUSED,
			"the registry wants a client certificate: put NAME.cert and NAME.key into "
			"/etc/docker/certs.d/%s",
			host->name);
	else if ((status != 401 && (status < 200 || status > 299)) ||
		(status != 401 && is_page(&call->http)))
		call_fail_text(call, ERR_REFUSED,
			"this is not a container registry (HTTP %d%s); check the host name", status,
			is_page(&call->http) ? ", a web page" : "");
	else
		host->ready = true;
	call_free(call);
}

void host_ping(struct host *host)
{
	struct call *call;

	if (host->ping)
		return;
	call = call_new(host, "", NULL, "GET", "");
	free(call->what);
	call->what = xstrdup("/v2/");
	call->raw = true;
	call->once = !host->scheme_known;
	call->done = ping_answered;
	host->ping = call;
	call_start(call);
}

static struct login *login_find(struct call *call, struct err *err)
{
	struct host *host = call->host;
	struct registry *registry = host->registry;
	scratch char *key = NULL;
	struct login *login;

	prctl(PR_SET_DUMPABLE, 0);
	if (!registry->credentials && !registry->settings.anonymous) {
		registry->credentials = credentials_new(err);
		if (!registry->credentials)
			return NULL;
	}
	key = registry->settings.anonymous
		? xstrdup(host->name)
		: credentials_key(registry->credentials, host->name, call->repository);
	for (size_t i = 0; i < host->login_count; i++) {
		if (!strcmp(host->logins[i]->key, key))
			return host->logins[i];
	}
	login = xcalloc(1, sizeof *login);
	if (!registry->settings.anonymous &&
		credentials_find(registry->credentials, host->name, call->repository,
			&login->credential, err)) {
		free(login);
		return NULL;
	}
	log_debug(1, "%s: credentials: %s", host->name,
		login->credential.source ? login->credential.source : "none");
	login->key = steal(&key);
	grow(host->logins, host->login_count, host->login_cap);
	host->logins[host->login_count++] = login;
	return login;
}

/* Asks the helper for a secret once more, which may be another one by now. */
static bool ask_again(struct call *call, struct login *login)
{
	struct credential fresh;
	struct err ignored;

	if (!login->credential.helper || login->asked_again)
		return false;
	login->asked_again = true;
	if (credentials_find(call->host->registry->credentials, call->host->name, call->repository,
		    &fresh, &ignored))
		return false;
	credential_release(&login->credential);
	login->credential = fresh;
	return true;
}

/* What may be done about a refusal: the last part of the error. */
static void deny(struct call *call, const struct login *login, const char *detail)
{
	const struct credential *credential = &login->credential;

	if (call->host->registry->settings.anonymous)
		call_fail_text(call, ERR_REFUSED,
			"unauthorized: authentication required%s (no credentials were to be used)",
			detail);
	else if (credential_is_none(credential))
		call_fail_text(call, ERR_REFUSED,
			"unauthorized: authentication required%s (credentials: %s); log in with: "
			"ko login %s",
			detail, credential->source, call->host->name);
	else
		call_fail_text(call, ERR_REFUSED,
			"unauthorized: authentication required%s (credentials: %s); refresh them "
			"with: ko login %s",
			detail, credential->source, call->host->name);
}

/* What was asked for, in words. */
static void wanted(const struct call *call, char *text, size_t n)
{
	cleanup(strs_release) struct strs scopes = { 0 };
	const char *colon;

	*text = '\0';
	scope_list(&call->scopes, &call->scopes, &scopes);
	colon = scopes.n ? strrchr(scopes.v[0], ':') : NULL;
	if (colon)
		snprintf(text, n, ": denied %.40s", colon + 1);
}

static void refuse(struct call *call)
{
	struct login *login;
	char text[100];
	struct err err;

	if (call->optional) {
		call->http.status = 401;
		call_deliver(call);
		return;
	}
	login = login_find(call, &err);
	wanted(call, text, sizeof text);
	if (login)
		deny(call, login, text);
	else
		host_fail(call->host, &err);
}

static void set_authorization(struct call *call, char *value)
{
	secret_free(&call->authorization);
	call->authorization = value;
}

static enum authorization authorize_basic(struct call *call, const struct login *login)
{
	const struct credential *credential = &login->credential;

	if (!credential->user) {
		refuse(call);
		return AUTHORIZATION_FAILED;
	}
	set_authorization(call, basic_value(credential->user, credential->secret));
	return AUTHORIZED;
}

static struct token *token_find(const struct call *call, const char *key)
{
	const struct host *host = call->host;

	for (size_t i = 0; i < host->token_count; i++) {
		struct token *token = host->tokens[i];

		if (!token->dead && !strcmp(token->key, key) &&
			scope_covers(&token->scopes, &call->scopes) &&
			(!token->value || http_now() < token->renew))
			return token;
	}
	return NULL;
}

/* Everything announced for repositories with this credential, and what the call needs. */
static void token_scopes(const struct call *call, const struct login *login, struct strs *set)
{
	const struct host *host = call->host;
	const struct registry *registry = host->registry;

	for (size_t i = 0; i < call->scopes.n; i++)
		strs_add(set, call->scopes.v[i]);
	for (size_t i = 0; i < host->expected.n && !host->one_scope && !call->optional; i++) {
		const char *scope = host->expected.v[i];
		scratch char *path = xstrdup(scope + strlen("repository:"));
		scratch char *key = NULL;

		*strrchr(path, ':') = '\0';
		key = registry->credentials
			? credentials_key(registry->credentials, host->name, path)
			: xstrdup(host->name);
		if (set->n < 2 * SCOPES_AT_ONCE && !strcmp(key, login->key))
			strs_add(set, scope);
	}
	strs_sort(set);
}

static void token_answered(struct call *call);

static struct call *token_call(struct host *host, const struct token *token, char *url)
{
	struct call *call = call_new(host, "", NULL, "GET", "");

	call->url = url;
	free(call->what);
	call->what = xstrdup("token server");
	call->raw = true;
	call->limit = TOKEN_LIMIT;
	call->hops = 5 - REALM_HOPS;
	call->done = token_answered;
	call->arg = (void *)token;
	return call;
}

/* The form holds the identity token, so it goes to the realm itself and nowhere else. */
static struct call *token_post(struct host *host, struct token *token, const struct strs *scopes,
	const char *identity_token)
{
	struct call *call = token_call(host, token, xstrdup(host->challenge.realm));
	char *form = token_form(&host->challenge, scopes, identity_token);

	call->method = "POST";
	call->stay = true;
	strs_add(&call->headers, "Content-Type: application/x-www-form-urlencoded");
	call_body(call, form, strlen(form));
	token->posted = true;
	return call;
}

static struct call *token_get(struct host *host, struct token *token, const struct strs *scopes,
	const struct credential *credential)
{
	struct call *call = token_call(host, token, token_url(&host->challenge, scopes));

	if (credential->user)
		call->authorization = basic_value(credential->user, credential->secret);
	else if (credential->identity_token)
		call->authorization = basic_value("<token>", credential->identity_token);
	return call;
}

static int check_realm(const struct call *call, struct err *err)
{
	const struct host *host = call->host;
	struct url realm;
	int result;

	if (url_parse(&realm, host->challenge.realm, err))
		return err_prefix(err, "%s: realm of its token server", host->name);
	result = url_allowed(&realm, &host->base, host->registry->settings.insecure,
		"realm of its token server", err);
	log_debug(1, "%s: tokens come from %s", host->name, realm.host);
	url_release(&realm);
	return result ? err_prefix(err, "%s", host->name) : 0;
}

static void token_fetch(
	struct token *token, struct call *asker, const struct login *login, bool post)
{
	cleanup(strs_release) struct strs scopes = { 0 };
	struct host *host = asker->host;
	struct err err;

	if (check_realm(asker, &err)) {
		host_fail(host, &err);
		return;
	}
	scope_list(&token->scopes, &asker->scopes, &scopes);
	token->call = post ? token_post(host, token, &scopes, login->credential.identity_token)
			   : token_get(host, token, &scopes, &login->credential);
	call_start(token->call);
}

static void token_request(struct call *call, const struct login *login)
{
	struct host *host = call->host;
	struct token *token = xcalloc(1, sizeof *token);

	token->key = xstrdup(login->key);
	token->asker = call;
	token_scopes(call, login, &token->scopes);
	grow(host->tokens, host->token_count, host->token_cap);
	host->tokens[host->token_count++] = token;
	token_fetch(token, call, login, login->credential.identity_token);
}

static void forget_call(struct token *token)
{
	struct call *call = token->call;

	if (call->bytes) {
		explicit_bzero((char *)call->bytes, (size_t)call->body_size);
		free((char *)call->bytes);
	}
	call_free(call);
	token->call = NULL;
}

/* Nobody may use it; the calls that wait for it ask for themselves. */
static void token_refused(struct token *token, struct call *answer)
{
	struct call *asker = token->asker;
	struct host *host = answer->host;
	struct login *login;
	struct err err;

	token->dead = true;
	if (!asker)
		return;
	if (token->scopes.n > asker->scopes.n && !host->one_scope) {
		host->one_scope = true;
		return;
	}
	login = login_find(asker, &err);
	if (!login) {
		host_fail(host, &err);
	} else if (asker->optional) {
		/* take it out of the queue by delivering it as refused */
		asker->refused = 2;
	} else if (!ask_again(asker, login)) {
		deny(asker, login, ": refused by the token server");
	}
}

static bool is_refusal(const struct call *call)
{
	return call->http.status == 400 || call->http.status == 401 || call->http.status == 403 ||
		call->http.status == 404;
}

static void token_taken(struct token *token, struct call *call)
{
	struct registry *registry = call->host->registry;
	int64_t seconds = 0;
	char *value = NULL;
	struct err err;

	if (token_read(buf_str(&call->http.body), call->http.body.len, &value, &seconds, &err)) {
		err_prefix(&err, "%s: token server %s", call->host->name, call->at.host);
		host_fail(call->host, &err);
		return;
	}
	token->value = xasprintf("Bearer %s", value);
	secret_free(&value);
	token->born = http_now();
	token->renew = token->born + seconds * 800;
	registry->stats.tokens++;
}

static void token_answered(struct call *call)
{
	struct token *token = call->arg;
	struct host *host = call->host;
	bool post_refused = token->posted && (is_refusal(call) || call->http.status == 405);
	struct login *login;
	struct err err;

	if (post_refused && token->asker) {
		struct call *asker = token->asker;

		forget_call(token);
		token->posted = false;
		login = login_find(asker, &err);
		if (login)
			token_fetch(token, asker, login, false);
		else
			host_fail(host, &err);
		return;
	}
	if (call->http.status == 200)
		token_taken(token, call);
	else if (is_refusal(call))
		token_refused(token, call);
	else
		call_fail(call);
	forget_call(token);
}

static enum authorization authorize_bearer(struct call *call, const struct login *login)
{
	struct token *token;

	if (login->credential.registry_token) {
		set_authorization(call, xasprintf("Bearer %s", login->credential.registry_token));
		return AUTHORIZED;
	}
	token = token_find(call, login->key);
	if (!token)
		token_request(call, login);
	if (!token || !token->value)
		return AUTHORIZATION_WAITS;
	call->token = token;
	set_authorization(call, xstrdup(token->value));
	return AUTHORIZED;
}

enum authorization host_authorize(struct call *call)
{
	struct host *host = call->host;
	struct login *login;
	struct err err;

	if (host->challenge.scheme == AUTH_NONE)
		return AUTHORIZED;
	if (call->refused >= 2) {
		refuse(call);
		return AUTHORIZATION_FAILED;
	}
	login = login_find(call, &err);
	if (!login) {
		host_fail(host, &err);
		return AUTHORIZATION_FAILED;
	}
	return host->challenge.scheme == AUTH_BASIC ? authorize_basic(call, login)
						    : authorize_bearer(call, login);
}

/* Takes over what the challenge of this answer says. */
static bool learn(struct call *call)
{
	cleanup(strs_release) struct strs offered = { 0 };
	struct challenge challenge = { 0 };

	read_challenges(&call->http, &challenge, &offered);
	if (challenge.scheme == AUTH_NONE) {
		challenge_release(&challenge);
		return call->host->challenge.scheme != AUTH_NONE;
	}
	if (challenge.scope)
		scope_add(&call->scopes, challenge.scope);
	challenge_release(&call->host->challenge);
	call->host->challenge = challenge;
	return true;
}

/* A token that allows too little goes; when one is no longer known, those from before neither. */
static void drop_token(struct call *call)
{
	struct host *host = call->host;
	const char *error = host->challenge.error;
	bool lacks = error && !strcmp(error, "insufficient_scope");

	if (!call->token)
		return;
	if (lacks && call->token->scopes.n > call->scopes.n)
		host->one_scope = true;
	call->token->dead = true;
	for (size_t i = 0; i < host->token_count && !lacks; i++)
		host->tokens[i]->dead |=
			host->tokens[i]->value && host->tokens[i]->born <= call->began;
	call->token = NULL;
}

void host_challenged(struct call *call)
{
	bool known = learn(call), asked = call->authorization;
	struct login *login;
	struct err err;

	if (call->foreign) {
		call_deliver(call);
		return;
	}
	if (!known) {
		call_fail_text(call, ERR_REFUSED,
			"HTTP 401 without a word on how to authenticate (no WWW-Authenticate)");
		return;
	}
	drop_token(call);
	login = login_find(call, &err);
	if (!login) {
		host_fail(call->host, &err);
		return;
	}
	call->refused += asked;
	call->unasked += !asked;
	if (asked && call->host->challenge.scheme == AUTH_BASIC)
		call->refused = 2;
	if (call->refused >= 2 && ask_again(call, login))
		call->refused = 1;
	if (call->refused >= 2 || call->unasked > 2)
		refuse(call);
	else
		call_again(call);
}

static bool about_a_token(const struct call *call)
{
	const char *body = buf_str(&call->http.body);

	return strcasestr(body, "token") &&
		(strcasestr(body, "expired") || strcasestr(body, "invalid"));
}

bool host_renews(struct call *call)
{
	struct login *login;
	struct err ignored;

	if (call->renewed || call->raw || call->foreign || !call->authorization ||
		!about_a_token(call))
		return false;
	login = login_find(call, &ignored);
	if (!login || (!call->token && !ask_again(call, login)))
		return false;
	call->renewed = true;
	if (call->token)
		call->token->dead = true;
	call->token = NULL;
	call_again(call);
	return true;
}

void host_forget(struct call *call)
{
	for (size_t i = 0; i < call->host->token_count; i++) {
		if (call->host->tokens[i]->asker == call)
			call->host->tokens[i]->asker = NULL;
	}
}
