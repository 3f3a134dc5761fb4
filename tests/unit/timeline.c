#include "graph/timeline.h"

#include <string.h>

#include "base/mem.h"
#include "base/trace.h"
#include "formats/record.h"
#include "tap.h"
#include "tempdir.h"

/* Runs from a log to another one and gives the names of the edges between, each with a space. */
static char *edges(const char *before, const char *after)
{
	struct timeline timeline = { .file = "out.json", .name = "test" };
	cleanup(buf_release) struct buf text = { 0 };
	struct buf names = { 0 };
	json_t *events, *event;
	struct err err;
	size_t i;

	put(".ninja_log", before);
	if (timeline_begin(&timeline, ".", &err))
		return xstrdup(err.text);
	trace_event("tool", "ko-layer", trace_now(),
		json_pack("{s:s, s:i}", "output", "d/a.layer.json", "status", 0));
	put(".ninja_log", after);
	if (timeline_end(&timeline, &err) || file_read("out.json", FILE_LIMIT, &text, &err))
		return xstrdup(err.text);
	timeline_release(&timeline);
	events = json_from("out", text.data, text.len, &err);
	json_array_foreach (events, i, event) {
		const char *category = record_get(event, "cat");

		if (category && !strcmp(category, "edge"))
			buf_addf(&names, "%s ", record_get(event, "name"));
	}
	json_decref(events);
	return buf_detach(&names);
}

static void check(const char *name, const char *before, const char *after, const char *want)
{
	scratch char *got = edges(before, after);

	is(got, want, name);
}

#define HEAD "# ninja log v5\n"
#define OLD "1\t9\t77\td/a.layer.json\tabc\n"
#define LAYER "5\t20\t88\td/a.layer.json\tabc\n"
#define COMPILED "1\t4\t88\td/a.built.json\tdef\n"
#define SPLIT "4\t5\t88\td/a.bin.json\teff\n4\t5\t88\td/b.bin.json\teff\n"

int main(void)
{
	tempdir_enter();
	check("the first run", "", HEAD COMPILED SPLIT LAYER, "compile a split a layer a ");
	check("only what is new", HEAD OLD, HEAD OLD COMPILED SPLIT LAYER,
		"compile a split a layer a ");
	check("nothing new", HEAD OLD, HEAD OLD, "");
	check("the log was written anew", HEAD "0\t1\t2\td/gone\tx\n" OLD, HEAD OLD LAYER,
		"layer a ");
	check("two edges at the same time", "",
		HEAD "1\t5\t8\td/a.layer.json\tabc\n1\t5\t8\td/b.layer.json\tghi\n",
		"layer a layer b ");
	check("version 6", "", "# ninja log v6\n" LAYER, "layer a ");
	check("a torn line", HEAD OLD, HEAD OLD LAYER "5\t20", "layer a ");
	check("no log", "", "", "");
	return done();
}
