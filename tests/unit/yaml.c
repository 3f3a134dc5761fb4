#include "inputs/yaml.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "tap.h"

/* References as LINE:COLUMN STYLE TEXT <BYTES OF THE FILE>, or the error. */
static const struct {
	const char *name, *text, *want;
} cases[] = {
	{ "nothing", "", "" },
	{ "plain", "a: ko://x/y # ko://z\n", "1:4 plain ko://x/y <ko://x/y>\n" },
	{ "key and item", "ko://x/y:\n  - ko://x/z\n",
		"1:1 plain ko://x/y <ko://x/y>\n2:5 plain ko://x/z <ko://x/z>\n" },
	{ "quoted", "[\"ko://x/y\", 'ko://x/z']",
		"1:3 double ko://x/y <ko://x/y>\n1:15 single ko://x/z <ko://x/z>\n" },
	{ "blanks at the end", "a: 'ko://x/y  '\n", "1:5 single ko://x/y <ko://x/y>\n" },
	{ "not at the start", "a: ' ko://x/y'\nb: see ko://x/y\n", "" },
	{ "other tags", "a: !x ko://x/y\nb: !!binary ko://x/y\n", "" },
	{ "string tags", "a: !!str ko://x/y\nb: ! ko://x/z\n",
		"1:10 plain ko://x/y <ko://x/y>\n2:6 plain ko://x/z <ko://x/z>\n" },
	{ "the same text in comments between", "a: !!str # ko://x/y\n  ko://x/y\n",
		"2:3 plain ko://x/y <ko://x/y>\n" },
	{ "in an anchor", "a: &ko ko://x/y\nb: *ko\n", "1:8 plain ko://x/y <ko://x/y>\n" },
	{ "literal", "a: | # ko://x/y\n  ko://x/y\nb: 1\n", "2:3 block ko://x/y <ko://x/y>\n" },
	{ "folded", "- >2-\n  ko://x/y\n\n", "2:3 block ko://x/y <ko://x/y>\n" },
	{ "an escape at the end", "- 'ko://x/y'''\n- \"ko://x/y\\\\\"\n",
		"1:4 single ko://x/y' <ko://x/y''>\n2:4 double ko://x/y\\ <ko://x/y\\\\>\n" },
	{ "text of another thing", "a: |\n  image: x\n  ko://x/y\n", "" },
	{ "escapes", "a: \"\\x6bo:\\/\\/x/y\"\n", "1:5 double ko://x/y <\\x6bo:\\/\\/x/y>\n" },
	{ "escapes of JSON", "{\"a\":\"ko:\\/\\/x\\u002fy\"}",
		"1:7 double ko://x/y <ko:\\/\\/x\\u002fy>\n" },
	{ "over two lines", "a: \"ko://x\\\n  /y\"\n", "1:5 double ko://x/y <ko://x\\\n  /y>\n" },
	{ "columns are characters", "\xef\xbb\xbf{\xc3\xa9\xf0\x9f\x98\x80: ko://x/y}",
		"1:6 plain ko://x/y <ko://x/y>\n" },
	{ "CRLF", "a: 1\r\nb: ko://x/y\r\n", "2:4 plain ko://x/y <ko://x/y>\n" },
	{ "documents", "a: 1\n---\n- &x ko://x/y\n--- ko://x/z\n...\n",
		"3:6 plain ko://x/y <ko://x/y>\n4:5 plain ko://x/z <ko://x/z>\n" },
	{ "directives", "%YAML 1.1\n---\na: ko://x/y\n", "3:4 plain ko://x/y <ko://x/y>\n" },
	{ "question mark", "? ko://x/y\n: 1\n", "1:3 plain ko://x/y <ko://x/y>\n" },
	{ "JSON: tabs, pairs of surrogates, a colon below its key",
		"\n{\n\t\"a\"\n: \"\\ud83d\\ude00\",\r\n\t\"b\": \"ko://x/y\"}",
		"5:8 double ko://x/y <ko://x/y>\n" },
	{ "an alias bomb", "a: &a [ko://x/y]\nb: &b [*a, *a, *a]\nc: [*b, *b, *b]\n",
		"1:8 plain ko://x/y <ko://x/y>\n" },
	{ "malformed", "a: b\nc: [d\n",
		"t:3:1: malformed YAML: while parsing a flow sequence, did not find expected ',' "
		"or ']'" },
	{ "malformed after good documents", "a: b\n---\nc: d\n---\n  - a\n - b\n",
		"t:6:2: malformed YAML: did not find expected <document start>" },
	{ "a tab", "a:\n\tb: c\n",
		"t:2:1: malformed YAML: while scanning for the next token, found character that "
		"cannot start any token" },
	{ "no UTF-8", "a: b\nc: \xff\n", "t:2:4: malformed YAML: invalid leading UTF-8 octet" },
	{ "a control character", "a: b\n# \x01\n",
		"t:2:3: malformed YAML: control characters are not allowed" },
	{ "a template", "a: b\n{{ if }}\nc: {{ d }}\n",
		"t:3:1: malformed YAML: while scanning a simple key, could not find expected ':'; "
		"a template has to be rendered first, --skip-invalid passes it on" },
};

static void show(struct buf *out, const char *text, const struct reference *r)
{
	static const char *const styles[] = { "plain", "single", "double", "block" };

	buf_addf(out, "%zu:%zu %s %s <%.*s>\n", r->line, r->column, styles[r->style], r->text,
		(int)(r->end - r->begin), text + r->begin);
}

int main(void)
{
	for (size_t i = 0; i < countof(cases); i++) {
		cleanup(references_release) struct references found = { 0 };
		cleanup(buf_release) struct buf got = { 0 };
		const char *text = cases[i].text;
		struct err err;

		if (yaml_references(&found, "t", text, strlen(text), &err))
			buf_addstr(&got, err.text);
		else
			for (size_t j = 0; j < found.n; j++)
				show(&got, text, &found.v[j]);
		is(buf_str(&got), cases[i].want, cases[i].name);
	}
	return done();
}
