/*
 * Of registries.conf, a TOML file, this is read: tables [[registry]] with prefix, location and
 * blocked, [[registry.mirror]] below them with location, insecure and pull-from-mirror, and of the
 * registry "mirror-by-digest-only"; strings in either quotes, true and false, comments. Everything
 * else is skipped, but mirrors that are written in another way are refused rather than overlooked.
 *
 * A prefix is "HOST[/PATH]", or "*.DOMAIN" for all hosts below; the longest that fits counts. Of a
 * name that fits, the part that is the prefix is replaced by a location.
 */
#include "mirror.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

#define CONF_LIMIT ((size_t)1 << 20)

/* How a mirror is written down: a location in place of the prefix. */
struct target {
	char *location;
	bool insecure, no_tags, no_digests;
};

struct rule {
	char *prefix, *location; /* NULL: the prefix */
	char *origin;            /* FILE:LINE; NULL: the variable */
	bool blocked, digests_only;
	struct target *targets;
	size_t n, cap;
};

struct mirrors {
	struct rule *rules;
	size_t n, cap;
};

enum section { OTHER, REGISTRY, MIRROR };

struct conf {
	struct mirrors *mirrors;
	const char *path;
	int line;
	enum section section;
};

static struct rule *add_rule(struct mirrors *mirrors)
{
	grow(mirrors->rules, mirrors->n, mirrors->cap);
	mirrors->rules[mirrors->n] = (struct rule){ 0 };
	return &mirrors->rules[mirrors->n++];
}

static struct target *add_target(struct rule *rule)
{
	grow(rule->targets, rule->n, rule->cap);
	rule->targets[rule->n] = (struct target){ 0 };
	return &rule->targets[rule->n++];
}

static void rule_release(struct rule *rule)
{
	for (size_t i = 0; i < rule->n; i++)
		free(rule->targets[i].location);
	free(rule->targets);
	free(rule->prefix);
	free(rule->location);
	free(rule->origin);
}

void mirrors_free(struct mirrors *mirrors)
{
	if (!mirrors)
		return;
	while (mirrors->n)
		rule_release(&mirrors->rules[--mirrors->n]);
	free(mirrors->rules);
	free(mirrors);
}

/* "HOST[:PORT][/PATH]"; the client looks at the parts again before it uses them. */
static bool valid_location(const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++) {
		if (!isalnum((unsigned char)text[i]) && !strchr("._-:[]/", text[i]))
			return false;
	}
	return n && n < 512 && text[0] != '/' && text[n - 1] != '/' && !strstr(text, "//");
}

/* ---- the variable ---- */

static struct rule *rule_for(struct mirrors *mirrors, const char *prefix, size_t n)
{
	struct rule *rule;

	for (size_t i = 0; i < mirrors->n; i++) {
		rule = &mirrors->rules[i];
		if (strlen(rule->prefix) == n && !strncmp(rule->prefix, prefix, n))
			return rule;
	}
	rule = add_rule(mirrors);
	rule->prefix = xstrndup(prefix, n);
	return rule;
}

static int read_variable(struct mirrors *mirrors, const char *text, struct err *err)
{
	cleanup(strs_release) struct strs list = { 0 };

	strs_split(&list, text, ", ");
	for (size_t i = 0; i < list.n; i++) {
		const char *location = strchr(list.v[i], '=');

		if (!location || location == list.v[i] || !valid_location(location + 1))
			return err_set(err, ERR_USAGE,
				"KO_REGISTRY_MIRROR: '%.200s' is not HOST=MIRROR, where MIRROR is "
				"HOST[:PORT][/PATH]",
				list.v[i]);
		add_target(rule_for(mirrors, list.v[i], (size_t)(location - list.v[i])))->location =
			xstrdup(location + 1);
	}
	return 0;
}

/* ---- registries.conf ---- */

static int malformed(const struct conf *conf, const char *text, struct err *err)
{
	return err_set(err, ERR_INPUT, "%s:%d: %s", conf->path, conf->line, text);
}

static char *trimmed(const char *text, size_t n)
{
	while (n && isspace((unsigned char)*text)) {
		text++;
		n--;
	}
	while (n && isspace((unsigned char)text[n - 1]))
		n--;
	return xstrndup(text, n);
}

/* Where the comment begins, or the line ends. */
static size_t without_comment(const char *line)
{
	char quote = 0;
	size_t i;

	for (i = 0; line[i] && (quote || line[i] != '#'); i++) {
		if (quote == '"' && line[i] == '\\' && line[i + 1])
			i++;
		else if (quote && line[i] == quote)
			quote = 0;
		else if (!quote && (line[i] == '"' || line[i] == '\''))
			quote = line[i];
	}
	return i;
}

/* Names of registries have nothing in them that would have to be escaped. */
static int read_string(const struct conf *conf, const char *value, char **to, struct err *err)
{
	size_t n = strlen(value);

	if (n < 2 || (*value != '"' && *value != '\'') || value[n - 1] != *value ||
		memchr(value + 1, *value, n - 2) || strchr(value, '\\'))
		return malformed(conf, "a string in quotes is expected", err);
	free(*to);
	*to = xstrndup(value + 1, n - 2);
	return 0;
}

static int read_flag(const struct conf *conf, const char *value, bool *to, struct err *err)
{
	if (strcmp(value, "true") && strcmp(value, "false"))
		return malformed(conf, "true or false is expected", err);
	*to = !strcmp(value, "true");
	return 0;
}

static int read_location(const struct conf *conf, const char *value, char **to, struct err *err)
{
	if (read_string(conf, value, to, err))
		return -1;
	if (**to && !valid_location(*to + 2 * starts_with(*to, "*.")))
		return malformed(conf, "HOST[:PORT][/PATH] is expected", err);
	return 0;
}

static int read_pull(
	const struct conf *conf, const char *value, struct target *target, struct err *err)
{
	scratch char *text = NULL;

	if (read_string(conf, value, &text, err))
		return -1;
	target->no_tags = !strcmp(text, "digest-only");
	target->no_digests = !strcmp(text, "tag-only");
	if (!target->no_tags && !target->no_digests && strcmp(text, "all"))
		return malformed(conf, "all, digest-only or tag-only is expected", err);
	return 0;
}

static int set_registry(const struct conf *conf, struct rule *rule, const char *key,
	const char *value, struct err *err)
{
	if (!strcmp(key, "prefix"))
		return read_location(conf, value, &rule->prefix, err);
	if (!strcmp(key, "location"))
		return read_location(conf, value, &rule->location, err);
	if (!strcmp(key, "blocked"))
		return read_flag(conf, value, &rule->blocked, err);
	if (!strcmp(key, "mirror-by-digest-only"))
		return read_flag(conf, value, &rule->digests_only, err);
	if (!strcmp(key, "mirror"))
		return malformed(conf, "write mirrors as [[registry.mirror]] tables", err);
	return 0;
}

static int set_mirror(const struct conf *conf, struct target *target, const char *key,
	const char *value, struct err *err)
{
	if (!strcmp(key, "location"))
		return read_location(conf, value, &target->location, err);
	if (!strcmp(key, "insecure"))
		return read_flag(conf, value, &target->insecure, err);
	if (!strcmp(key, "pull-from-mirror"))
		return read_pull(conf, value, target, err);
	return 0;
}

static int take_pair(struct conf *conf, const char *line, struct err *err)
{
	const char *equals = strchr(line, '=');
	struct mirrors *mirrors = conf->mirrors;
	struct rule *rule = mirrors->n ? &mirrors->rules[mirrors->n - 1] : NULL;
	scratch char *key = NULL, *value = NULL;

	if (!equals)
		return conf->section == OTHER ? 0 : malformed(conf, "KEY = VALUE is expected", err);
	key = trimmed(line, (size_t)(equals - line));
	value = trimmed(equals + 1, strlen(equals + 1));
	if (conf->section == REGISTRY)
		return set_registry(conf, rule, key, value, err);
	if (conf->section == MIRROR)
		return set_mirror(conf, &rule->targets[rule->n - 1], key, value, err);
	if (!strcmp(key, "registry"))
		return malformed(conf, "write registries as [[registry]] tables", err);
	return 0;
}

static int take_line(struct conf *conf, const char *line, struct err *err)
{
	if (!strcmp(line, "[[registry]]")) {
		conf->section = REGISTRY;
		add_rule(conf->mirrors)->origin = xasprintf("%s:%d", conf->path, conf->line);
	} else if (!strcmp(line, "[[registry.mirror]]")) {
		if (conf->section == OTHER)
			return malformed(conf, "a mirror, but of no [[registry]]", err);
		conf->section = MIRROR;
		add_target(&conf->mirrors->rules[conf->mirrors->n - 1]);
	} else if (*line == '[' && conf->section == OTHER) {
		return 0; /* also a part of some list */
	} else if (*line == '[') {
		conf->section = OTHER;
	} else if (*line) {
		return take_pair(conf, line, err);
	}
	return 0;
}

/* Every registry needs a prefix, every mirror a location. */
static int check_rules(struct mirrors *mirrors, size_t from, struct err *err)
{
	for (size_t i = from; i < mirrors->n; i++) {
		struct rule *rule = &mirrors->rules[i];

		if ((!rule->prefix || !*rule->prefix) && rule->location) {
			free(rule->prefix);
			rule->prefix = xstrdup(rule->location);
		}
		if (!rule->prefix || !*rule->prefix)
			return err_set(err, ERR_INPUT, "%s: registry without location or prefix",
				rule->origin);
		for (size_t j = 0; j < rule->n; j++) {
			if (!rule->targets[j].location || !*rule->targets[j].location)
				return err_set(err, ERR_INPUT, "%s: mirror without location",
					rule->origin);
		}
	}
	return 0;
}

static int read_conf(struct mirrors *mirrors, const char *path, bool needed, struct err *err)
{
	cleanup(buf_release) struct buf text = { 0 };
	struct conf conf = { mirrors, path, 0, OTHER };
	size_t from = mirrors->n;
	int missing = needed ? file_read(path, CONF_LIMIT, &text, err)
			     : file_read_if_exists(path, CONF_LIMIT, &text, err);

	if (missing)
		return missing < 0 ? -1 : 0;
	for (const char *p = buf_str(&text); *p;) {
		size_t n = strcspn(p, "\n");
		scratch char *line = xstrndup(p, n), *bare = trimmed(line, without_comment(line));

		conf.line++;
		if (take_line(&conf, bare, err))
			return -1;
		p += n + (p[n] == '\n');
	}
	return check_rules(mirrors, from, err);
}

static int read_directory(struct mirrors *mirrors, const char *dir, struct err *err)
{
	cleanup(strs_release) struct strs names = { 0 };

	if (!file_is_dir(dir) || file_list(dir, &names, err))
		return file_is_dir(dir) ? -1 : 0;
	for (size_t i = 0; i < names.n; i++) {
		scratch char *path = path_join(dir, names.v[i]);

		if (ends_with(names.v[i], ".conf") && read_conf(mirrors, path, false, err))
			return -1;
	}
	return 0;
}

static int read_files(struct mirrors *mirrors, struct err *err)
{
	const char *named = getenv("CONTAINERS_REGISTRIES_CONF"), *home = getenv("HOME");
	scratch char *own = home ? path_join(home, ".config/containers/registries.conf") : NULL;
	const char *path = own && file_exists(own) ? own : "/etc/containers/registries.conf";
	scratch char *dir = xasprintf("%s.d", path);

	if (named && *named)
		return read_conf(mirrors, named, true, err);
	return read_conf(mirrors, path, false, err) || read_directory(mirrors, dir, err) ? -1 : 0;
}

struct mirrors *mirrors_new(struct err *err)
{
	struct mirrors *mirrors = xcalloc(1, sizeof *mirrors);
	const char *variable = getenv("KO_REGISTRY_MIRROR");

	if ((variable && read_variable(mirrors, variable, err)) || read_files(mirrors, err)) {
		mirrors_free(mirrors);
		return NULL;
	}
	return mirrors;
}

/* ---- finding ---- */

/* How much of "HOST/PATH" is the prefix; 0: it does not fit. */
static size_t matches(const char *prefix, const char *host, const char *name)
{
	size_t n = strlen(prefix);

	if (starts_with(prefix, "*."))
		return ends_with(host, prefix + 1) ? strlen(host) : 0;
	return starts_with(name, prefix) && name[n] == '/' ? n : strcmp(name, prefix) ? 0 : n;
}

/* The longest prefix counts; the variable, whose rules come first, before any file. */
static const struct rule *best(
	const struct mirrors *mirrors, const char *host, const char *name, size_t *length)
{
	const struct rule *found = NULL;

	*length = 0;
	for (size_t i = 0; i < mirrors->n; i++) {
		const struct rule *rule = &mirrors->rules[i];
		size_t n = matches(rule->prefix, host, name);

		if (found && !found->origin && rule->origin)
			break;
		if (n > *length) {
			found = rule;
			*length = n;
		}
	}
	return found;
}

static int add_place(struct places *places, const struct rule *rule, const struct target *target,
	const char *location, const char *rest, struct err *err)
{
	scratch char *name = xasprintf("%s%s", location, rest);
	const char *slash = strchr(name, '/');

	if (!slash)
		return err_set(err, ERR_USAGE, "%s: '%s' leaves no name of a repository",
			rule->origin ? rule->origin : "KO_REGISTRY_MIRROR", location);
	grow(places->v, places->n, places->cap);
	places->v[places->n++] = (struct place){
		.host = xstrndup(name, (size_t)(slash - name)),
		.path = xstrdup(slash + 1),
		.mirror = target,
		.insecure = target && target->insecure,
		.no_tags = target && (target->no_tags || rule->digests_only),
		.no_digests = target && target->no_digests,
	};
	return 0;
}

int mirrors_find(const struct mirrors *mirrors, const char *host, const char *path,
	struct places *places, struct err *err)
{
	scratch char *name = xasprintf("%s/%s", host, path);
	size_t length;
	const struct rule *first = best(mirrors, host, name, &length);
	const char *rest = name + length;

	if (first && first->blocked)
		return err_set(err, ERR_USAGE, "%s is blocked by %s", name, first->origin);
	for (size_t i = 0; first && i < first->n; i++) {
		if (add_place(places, first, &first->targets[i], first->targets[i].location, rest,
			    err))
			return -1;
	}
	if (first && first->location && *first->location && !starts_with(first->prefix, "*."))
		return add_place(places, first, NULL, first->location, rest, err);
	return add_place(places, first, NULL, host, name + strlen(host), err);
}

void places_release(struct places *places)
{
	while (places->n) {
		free(places->v[--places->n].host);
		free(places->v[places->n].path);
	}
	free(places->v);
	*places = (struct places){ 0 };
}
