#include "inputs/selector.h"

#include <string.h>

#include "base/mem.h"
#include "tap.h"

/* The labels app=web, n=7, empty= and example.com/tier=front. */
static const char *value(const void *object, const char *key)
{
	static const char *const labels[][2] = { { "app", "web" }, { "n", "7" }, { "empty", "" },
		{ "example.com/tier", "front" } };

	(void)object;
	for (size_t i = 0; i < countof(labels); i++) {
		if (!strcmp(labels[i][0], key))
			return labels[i][1];
	}
	return NULL;
}

static const struct {
	const char *text;
	int want; /* 1: matches; 0: does not; -1: malformed */
} cases[] = {
	{ "", 1 },
	{ "app", 1 },
	{ "!app", 0 },
	{ "!other", 1 },
	{ "other", 0 },
	{ "app=web", 1 },
	{ "app==web", 1 },
	{ "app = web", 1 },
	{ "app=db", 0 },
	{ "app!=db", 1 },
	{ "app!=web", 0 },
	{ "other!=db", 1 },
	{ "empty=", 1 },
	{ "empty=,app=web", 1 },
	{ "app=", 0 },
	{ "other=", 0 },
	{ "app in (db, web)", 1 },
	{ "app in (db,)", 0 },
	{ "empty in (db,)", 1 },
	{ "app notin (db,web)", 0 },
	{ "other notin (web)", 1 },
	{ "n>6", 1 },
	{ "n>7", 0 },
	{ "n < 8", 1 },
	{ "n<-1", -1 },
	{ "app>1", 0 },
	{ "other>1", 0 },
	{ "app=web,n,!other,example.com/tier in (front)", 1 },
	{ "app=web,n=8", 0 },
	{ "in in (in,notin)", 0 },
	{ "\tapp\nin\r(web)", 1 },
	{ "=web", -1 },
	{ "app=web=db", -1 },
	{ "app in", -1 },
	{ "app in web", -1 },
	{ "app in ()", -1 },
	{ "app in (web", -1 },
	{ "app web", -1 },
	{ "app,", -1 },
	{ ",app", -1 },
	{ "app,,n", -1 },
	{ "!app=web", -1 },
	{ "!", -1 },
	{ "n>x", -1 },
	{ "app=-web", -1 },
	{ "app='web'", -1 },
	{ "Example.com/tier", -1 },
	{ "a..b/tier", -1 },
	{ "/tier", -1 },
	{ "example.com/", -1 },
	{ "a/b/c", -1 },
	{ "app=aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1234", -1 },
	{ "app=aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123", 0 },
};

int main(void)
{
	for (size_t i = 0; i < countof(cases); i++) {
		cleanup(selector_release) struct selector selector = { 0 };
		struct err err;
		int got = selector_parse(&selector, cases[i].text, &err) ? -1
			: selector_matches(&selector, value, NULL)       ? 1
									 : 0;

		ok(got == cases[i].want, cases[i].text);
	}
	return done();
}
