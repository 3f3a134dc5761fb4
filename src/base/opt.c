#include "opt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"

const char version[] = VERSION;

static const struct opt common[] = {
	{ 'v', "verbose", "N", OPT_LEVEL, &log_verbosity, "say more on standard error" },
	{ 'h', "help", NULL, OPT_FLAG, NULL, "show this text" },
	{ 0, "version", NULL, OPT_FLAG, NULL, "show the version" },
};

/* Then it is a value only in the same word. */
static bool value_optional(const struct opt *opt)
{
	return opt->arg && opt->arg[0] == '[';
}

static void show_option(const struct opt *opt)
{
	char left[64];

	if (!opt->help)
		return;
	snprintf(left, sizeof left, "%c%c%s --%s%s%s", opt->letter ? '-' : ' ',
		opt->letter ? opt->letter : ' ', opt->letter ? "," : " ", opt->name,
		!opt->arg || value_optional(opt) ? ""
			: opt->kind == OPT_LEVEL ? " ["
						 : " ",
		opt->arg ? opt->arg : "");
	if (opt->kind == OPT_LEVEL)
		snprintf(left + strlen(left), sizeof left - strlen(left), "]");
	printf("  %-32s %s\n", left, opt->help);
}

static void show_help(const struct opt_tool *tool)
{
	printf("usage: %s %s\n\n%s\n\n", tool->name, tool->usage, tool->summary);
	for (size_t i = 0; i < tool->count; i++)
		show_option(&tool->opts[i]);
	for (size_t i = 0; i < countof(common); i++)
		show_option(&common[i]);
}

static const struct opt *find(const struct opt_tool *tool, const char *name, size_t n, char letter)
{
	for (size_t i = 0; i < tool->count + countof(common); i++) {
		const struct opt *opt = i < tool->count ? &tool->opts[i] : &common[i - tool->count];

		if (name ? strlen(opt->name) == n && !strncmp(opt->name, name, n)
			 : opt->letter && opt->letter == letter)
			return opt;
	}
	return NULL;
}

static int usage_error(
	const struct opt_tool *tool, const char *what, const char *which, size_t n, struct err *err)
{
	return err_set(err, ERR_USAGE, "%s %.*s; see %s --help", what, (int)n, which, tool->name);
}

static int set_flag(const struct opt *opt, const char *value, struct err *err)
{
	bool *flag = opt->value;

	*flag = !value || !strcmp(value, "true") || !strcmp(value, "1");
	if (value && !*flag && strcmp(value, "false") && strcmp(value, "0"))
		return err_set(
			err, ERR_USAGE, "--%s takes true or false, not '%s'", opt->name, value);
	return 0;
}

static int set_number(const struct opt *opt, const char *value, struct err *err)
{
	char *end;
	long n = strtol(value, &end, 10);

	if (end == value || *end || n < 0 || n > 1000000)
		return err_set(err, ERR_USAGE, "--%s takes a number, not '%s'", opt->name, value);
	*(int *)opt->value = (int)n;
	return 0;
}

static int set(const struct opt *opt, const char *value, struct err *err)
{
	switch (opt->kind) {
	case OPT_FLAG:
		return set_flag(opt, value, err);
	case OPT_STRING:
		*(const char **)opt->value = value ? value : "";
		return 0;
	case OPT_LIST:
		strs_add(opt->value, value ? value : "*");
		return 0;
	case OPT_CSV:
	case OPT_CSV_OR_NONE:
		strs_split(opt->value, value, ",");
		if (opt->kind == OPT_CSV_OR_NONE && !*value)
			strs_add(opt->value, "");
		return 0;
	case OPT_NUMBER:
	case OPT_LEVEL:
		return set_number(opt, value ? value : "1", err);
	case OPT_PASS:
		strs_take(opt->value,
			value ? xasprintf("--%s=%s", opt->name, value)
			      : xasprintf("--%s", opt->name));
		return 0;
	}
	return 0;
}

static bool is_number(const char *s)
{
	return s && *s && strspn(s, "0123456789") == strlen(s);
}

/*
 * Applies one option whose value, if it came in the same word, is attached. *i moves over a value
 * that is a word of its own. Returns as opt_parse().
 */
static int apply(const struct opt_tool *tool, const struct opt *opt, const char *attached, int argc,
	char *const argv[], int *i, struct err *err)
{
	const char *next = *i + 1 < argc ? argv[*i + 1] : NULL;

	if (!opt->value && !strcmp(opt->name, "help")) {
		show_help(tool);
		return 1;
	}
	if (!opt->value && !strcmp(opt->name, "version")) {
		printf("%s %s\n", tool->name, version);
		return 1;
	}
	if (!attached && opt->arg && !value_optional(opt) &&
		(opt->kind != OPT_LEVEL || is_number(next))) {
		if (!next)
			return err_set(err, ERR_USAGE, "--%s needs a value: %s; see %s --help",
				opt->name, opt->arg, tool->name);
		attached = next;
		++*i;
	}
	return set(opt, attached, err);
}

static int parse_long(
	const struct opt_tool *tool, int argc, char *const argv[], int *i, struct err *err)
{
	const char *name = argv[*i] + 2, *equals = strchr(name, '=');
	size_t n = equals ? (size_t)(equals - name) : strlen(name);
	const struct opt *opt = find(tool, name, n, 0);

	if (!opt)
		return usage_error(tool, "unknown option", argv[*i], n + 2, err);
	if (equals && !opt->arg && opt->kind != OPT_FLAG)
		return usage_error(tool, "no value goes with", argv[*i], n + 2, err);
	return apply(tool, opt, equals ? equals + 1 : NULL, argc, argv, i, err);
}

static int parse_short(
	const struct opt_tool *tool, int argc, char *const argv[], int *i, struct err *err)
{
	for (const char *p = argv[*i] + 1; *p; p++) {
		const struct opt *opt = find(tool, NULL, 0, *p);
		bool takes_rest =
			opt && opt->arg && p[1] && (opt->kind != OPT_LEVEL || is_number(p + 1));
		int result;

		if (!opt) {
			char word[] = { '-', *p, '\0' };

			return usage_error(tool, "unknown option", word, 2, err);
		}
		result = apply(tool, opt, takes_rest ? p + 1 + (p[1] == '=') : NULL,
			p[1] ? 0 : argc, argv, i, err);
		if (result || takes_rest)
			return result;
	}
	return 0;
}

int opt_parse(const struct opt_tool *tool, int argc, char *const argv[], struct strs *operands,
	struct strs *rest, struct err *err)
{
	for (int i = 1; i < argc; i++) {
		int result = 0;

		if (!strcmp(argv[i], "--")) {
			while (++i < argc)
				strs_add(rest ? rest : operands, argv[i]);
			break;
		}
		if (starts_with(argv[i], "--"))
			result = parse_long(tool, argc, argv, &i, err);
		else if (argv[i][0] == '-' && argv[i][1])
			result = parse_short(tool, argc, argv, &i, err);
		else
			strs_add(operands, argv[i]);
		if (result)
			return result;
	}
	return 0;
}

void opt_words(const struct opt_tool *tool, struct buf *out)
{
	for (size_t i = 0; i < tool->count + countof(common); i++) {
		const struct opt *opt = i < tool->count ? &tool->opts[i] : &common[i - tool->count];

		if (!opt->help)
			continue;
		if (opt->letter)
			buf_addf(out, "-%c\n", opt->letter);
		buf_addf(out, "--%s\n", opt->name);
	}
}
