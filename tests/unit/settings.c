#include "inputs/settings.h"

#include "base/mem.h"
#include "tap.h"

static void test_masked(void)
{
	static const struct {
		enum config_key key;
		const char *value, *shown;
	} cases[] = {
		{ CONFIG_USER, "", "" },
		{ CONFIG_CONTAINERENV, "MODE=a b", "MODE=a b" },
		{ CONFIG_CONTAINERENV, "TOKEN=a b", "TOKEN=***" },
		{ CONFIG_CONTAINERENV, "TOKEN={{.Env.T}}", "TOKEN={{.Env.T}}" },
		{ CONFIG_ENV, "X=https://h/mod@v1", "X=https://h/mod@v1" },
		{ CONFIG_ENV, "X=https://u:p@h/mod@v1", "X=https://***@h/mod@v1" },
		{ CONFIG_ENV, "X=https://a,https://u:p@b", "X=https://a,https://***@b" },
		{ CONFIG_ENV, "X=https://u:p@a|https://v:q@b,direct",
			"X=https://***@a|https://***@b,direct" },
		{ CONFIG_ENV, "X=amqp://user:p@ss@host", "X=amqp://***@host" },
		{ CONFIG_ENV, "X=amqp://user:p,w'q@host", "X=amqp://***@host" },
		{ CONFIG_ENV, "X=https://a://u:p@b", "X=https://a://***@b" },
		{ CONFIG_ENV, "X=https://u:p@h,TOKEN=q", "X=https://***@h,TOKEN=***" },
		{ CONFIG_LDFLAGS, "-X main.password=a -w", "-X main.password=*** -w" },
		{ CONFIG_LDFLAGS, "-X 'main.password=correct horse' -w",
			"-X 'main.password=***' -w" },
		{ CONFIG_LDFLAGS, "-X \"main.password=correct horse 'battery'\" -w",
			"-X \"main.password=***\" -w" },
		{ CONFIG_LDFLAGS, "-X main.password='correct horse' -w",
			"-X main.password=***' -w" },
		{ CONFIG_LDFLAGS, "-X 'main.password=correct horse", "-X 'main.password=***" },
		{ CONFIG_LDFLAGS, "-X 'main.password=", "-X 'main.password=***" },
		{ CONFIG_LDFLAGS, "-X 'main.mode=a b' -X main.password=c -w",
			"-X 'main.mode=a b' -X main.password=*** -w" },
		{ CONFIG_GOFLAGS, "-ldflags='-X a.secret=x -w'", "-ldflags='-X a.secret=*** -w'" },
		{ CONFIG_GOFLAGS, "-ldflags=\"-X 'a.secret=x y' -w\" -v",
			"-ldflags=\"-X 'a.secret=***' -w\" -v" },
	};

	for (size_t i = 0; i < countof(cases); i++) {
		scratch char *shown = settings_masked(cases[i].key, cases[i].value);

		is(shown, cases[i].shown, cases[i].value);
	}
}

int main(void)
{
	test_masked();
	return done();
}
