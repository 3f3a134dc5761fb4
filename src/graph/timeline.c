/*
 * ninja's log (.ninja_log, versions 5 to 7) has a line for each output of an edge,
 *
 *	START<tab>END<tab>MTIME<tab>OUTPUT<tab>HASH
 *
 * with milliseconds since ninja's start. Lines of earlier runs stay in it, and ninja writes it anew
 * once in a while; those of this run are what has come since timeline_begin(). When ninja started
 * is not told: the tools know what they made, and so an edge is put around its tool. An edge ends
 * soon after its tool; of all edges the one for which that is soonest tells ninja's start best. It
 * is not before ninja was started.
 *
 * Perfetto draws an event into another one of the same thread when it lies within its time, and
 * wants no others to overlap. So everything that goes on at the same time gets a lane of its own.
 */
#include "timeline.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/trace.h"
#include "formats/record.h"

#define RAW_LIMIT ((size_t)256 << 20)

enum track { TRACK_KO = 1, TRACK_REQUESTS, TRACK_PROCESSES, TRACK_GO, TRACK_END };

static const char *const track_names[] = { [TRACK_KO] = "ko",
	[TRACK_REQUESTS] = "requests",
	[TRACK_PROCESSES] = "processes",
	[TRACK_GO] = "go build" };

struct span {
	int64_t begin, end;
	char *name;
	const char *category;
	json_t *event;       /* as it was told; NULL: an edge */
	struct strs outputs; /* of an edge */
	struct span *within; /* whose lane it is in; NULL: one of its own */
	json_int_t pid;      /* of the process that told it */
	enum track track;
	size_t lane;
};

struct spans {
	struct span **v;
	size_t n, cap;
};

static struct span *add(struct spans *spans, char *name, const char *category, int64_t begin,
	int64_t end, enum track track)
{
	struct span *span = xcalloc(1, sizeof *span);

	*span = (struct span){
		.begin = begin, .end = end, .name = name, .category = category, .track = track
	};
	grow(spans->v, spans->n, spans->cap);
	spans->v[spans->n++] = span;
	return span;
}

static void spans_release(struct spans *spans)
{
	for (size_t i = 0; i < spans->n; i++) {
		free(spans->v[i]->name);
		json_decref(spans->v[i]->event);
		strs_release(&spans->v[i]->outputs);
		free(spans->v[i]);
	}
	free(spans->v);
}

/* ---- what tools told ---- */

static enum track track_of(const char *category)
{
	return !strcmp(category, "request")    ? TRACK_REQUESTS
		: !strcmp(category, "process") ? TRACK_PROCESSES
		: !strcmp(category, "package") ? TRACK_GO
					       : TRACK_KO;
}

static void add_event(struct spans *spans, json_t *event)
{
	const char *category = record_get(event, "cat"), *name = record_get(event, "name");
	int64_t begin = json_integer_value(json_object_get(event, "ts"));
	int64_t end = begin + json_integer_value(json_object_get(event, "dur"));
	struct span *span;

	if (!category || !name)
		return;
	span = add(spans, xstrdup(name), category, begin, end, track_of(category));
	span->event = json_incref(event);
	span->pid = json_integer_value(json_object_get(event, "pid"));
}

static int read_events(struct spans *spans, const char *path, struct err *err)
{
	cleanup(buf_release) struct buf text = { 0 };
	const char *line;

	if (file_read_if_exists(path, RAW_LIMIT, &text, err) < 0)
		return -1;
	for (line = buf_str(&text); *line;) {
		size_t n = strcspn(line, "\n");
		json_t *event = json_from(path, line, n, err);

		if (!event)
			return -1;
		add_event(spans, event);
		json_decref(event);
		line += n + (line[n] == '\n');
	}
	return 0;
}

/* ---- what ninja noted ---- */

/* "layer app.linux-amd64", from the name of what was made. */
static char *edge_name(const char *output)
{
	static const struct {
		const char *suffix, *kind;
	} kinds[] = { { ".built.json", "compile" }, { ".bin.json", "split" },
		{ ".layer.json", "layer" }, { ".image.json", "image" }, { "saved.json", "save" },
		{ "sboms.json", "sbom" }, { "refs.json", "push" }, { "resolved.yaml", "patch" },
		{ "build.ninja", "scan" }, { "oci-layout", "store" }, { "marker", "store" } };
	const char *base = path_base(output);

	if (starts_with(base, "base."))
		return xasprintf("base %s", base);
	for (size_t i = 0; i < countof(kinds); i++) {
		size_t n = strlen(base) - strlen(kinds[i].suffix);

		if (!ends_with(base, kinds[i].suffix))
			continue;
		return n ? xasprintf("%s %.*s", kinds[i].kind, (int)n, base)
			 : xstrdup(kinds[i].kind);
	}
	return xasprintf("make %s", base);
}

/* The edge of a line; several lines that are next to each other may be of one. */
static void add_line(struct spans *edges, char *line, const char **last_hash)
{
	char *fields[5], *rest = line;
	int64_t begin, end;
	struct span *edge = edges->n ? edges->v[edges->n - 1] : NULL;

	for (size_t i = 0; i < countof(fields); i++) {
		fields[i] = strsep(&rest, "\t");
		if (!fields[i])
			return;
	}
	begin = strtoll(fields[0], NULL, 10) * 1000;
	end = strtoll(fields[1], NULL, 10) * 1000;
	if (!edge || edge->begin != begin || edge->end != end || strcmp(*last_hash, fields[4]))
		edge = add(edges, edge_name(fields[3]), "edge", begin, end, TRACK_KO);
	*last_hash = fields[4];
	strs_add(&edge->outputs, fields[3]);
}

/* The lines of after that have come since before was read. */
static void add_edges(struct spans *edges, const struct buf *before, struct buf *after)
{
	cleanup(strs_release) struct strs old = { 0 };
	const char *last_hash = "";
	bool grown =
		after->len >= before->len && !memcmp(buf_str(before), buf_str(after), before->len);
	char *rest = after->data + (grown ? before->len : 0), *line;

	if (!grown)
		strs_split(&old, buf_str(before), "\n");
	while ((line = strsep(&rest, "\n"))) {
		if (*line && *line != '#' && !strs_has(&old, line))
			add_line(edges, line, &last_hash);
	}
}

/* ---- the two together ---- */

/* Whether a tool's output, "DIR/%.bin.json" perhaps, is this file. */
static bool is_output(const char *pattern, const char *file)
{
	size_t n = strcspn(pattern, "%");

	if (!pattern[n])
		return !strcmp(pattern, file);
	return !strncmp(pattern, file, n) && ends_with(file + n, pattern + n + 1);
}

static bool makes(const struct span *edge, const struct span *tool)
{
	const char *output = record_get(json_object_get(tool->event, "args"), "output");

	for (size_t i = 0; output && i < edge->outputs.n; i++) {
		if (is_output(output, edge->outputs.v[i]))
			return true;
	}
	return false;
}

/* When ninja was started; the driver itself runs tools before. */
static int64_t ninja_began(const struct spans *spans)
{
	for (size_t i = 0; i < spans->n; i++) {
		if (!strcmp(spans->v[i]->category, "process") &&
			starts_with(spans->v[i]->name, "ninja"))
			return spans->v[i]->begin;
	}
	return 0;
}

/* The tool that ran in an edge; NULL: a command of another kind. */
static struct span *tool_in(const struct spans *spans, const struct span *edge, int64_t since)
{
	for (size_t i = 0; i < spans->n; i++) {
		struct span *tool = spans->v[i];

		if (!strcmp(tool->category, "tool") && !tool->within && tool->begin >= since &&
			makes(edge, tool))
			return tool;
	}
	return NULL;
}

/* Puts edges n of ninja's clock where their tools are, and so the others between them. */
static void align(const struct spans *spans, struct span **edges, size_t n, int64_t since)
{
	int64_t start = since;

	for (size_t i = 0; i < n; i++) {
		struct span *tool = tool_in(spans, edges[i], since);

		if (!tool)
			continue;
		tool->within = edges[i];
		if (tool->end - edges[i]->end > start)
			start = tool->end - edges[i]->end;
	}
	for (size_t i = 0; i < n; i++) {
		edges[i]->begin += start;
		edges[i]->end += start;
	}
}

/* ninja's clock starts again when it has made its graph anew. */
static void align_all(const struct spans *spans, const struct spans *edges)
{
	int64_t since = ninja_began(spans);
	size_t from = 0;

	for (size_t i = 0; i < edges->n; i++) {
		if (i + 1 < edges->n && strcmp(edges->v[i]->name, "scan"))
			continue;
		align(spans, edges->v + from, i + 1 - from, since);
		from = i + 1;
	}
	for (size_t i = 0; i < spans->n; i++) {
		struct span *edge = spans->v[i]->within;

		if (edge && edge->begin > spans->v[i]->begin)
			edge->begin = spans->v[i]->begin;
		if (edge && edge->end < spans->v[i]->end)
			edge->end = spans->v[i]->end;
	}
}

/* What a tool told of its work is within the tool. */
static void place_details(struct spans *spans)
{
	for (size_t i = 0; i < spans->n; i++) {
		struct span *detail = spans->v[i];

		if (strcmp(detail->category, "layer"))
			continue;
		for (size_t j = 0; j < spans->n && !detail->within; j++) {
			if (!strcmp(spans->v[j]->category, "tool") &&
				spans->v[j]->pid == detail->pid)
				detail->within = spans->v[j];
		}
	}
}

static int earlier(const void *a, const void *b)
{
	const struct span *x = *(struct span *const *)a, *y = *(struct span *const *)b;

	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	if (x->end != y->end)
		return x->end > y->end ? -1 : 1;
	return (x->within != NULL) - (y->within != NULL);
}

static void set_lanes(const struct spans *spans, enum track track)
{
	size_t count = 0, cap = 0;
	int64_t *ends = NULL;

	for (size_t i = 0; i < spans->n; i++) {
		struct span *span = spans->v[i];
		size_t lane = 0;

		if (span->track != track || span->within)
			continue;
		while (lane < count && ends[lane] > span->begin)
			lane++;
		grow(ends, count, cap);
		count += lane == count;
		ends[lane] = span->end;
		span->lane = lane;
	}
	free(ends);
}

static size_t lane_of(const struct span *span)
{
	while (span->within)
		span = span->within;
	return span->lane;
}

/* ---- the file ---- */

static json_t *args_of(const struct span *span)
{
	json_t *args;

	if (span->event)
		return json_incref(json_object_get(span->event, "args"));
	args = json_object();
	record_set_strings(args, "outputs", &span->outputs);
	return args;
}

static void add_json(struct buf *out, json_t *event)
{
	scratch char *text = json_dumps(event, JSON_COMPACT);

	json_decref(event);
	if (text)
		buf_addf(out, "%s%s", out->len > 2 ? ",\n" : "", text);
}

static int write_file(const struct timeline *timeline, const struct spans *spans, struct err *err)
{
	cleanup(buf_release) struct buf out = { 0 };

	buf_addstr(&out, "[\n");
	for (int track = TRACK_KO; track < TRACK_END; track++)
		add_json(&out,
			json_pack("{s:s, s:s, s:i, s:{s:s}}", "name", "process_name", "ph", "M",
				"pid", track, "args", "name", track_names[track]));
	for (size_t i = 0; i < spans->n; i++) {
		const struct span *span = spans->v[i];

		add_json(&out,
			json_pack("{s:s, s:s, s:s, s:I, s:I, s:i, s:I, s:o*}", "name", span->name,
				"cat", span->category, "ph", "X", "ts",
				(json_int_t)(span->begin - timeline->began), "dur",
				(json_int_t)(span->end - span->begin), "pid", (int)span->track,
				"tid", (json_int_t)lane_of(span), "args", args_of(span)));
	}
	buf_addstr(&out, "\n]\n");
	return file_output(timeline->file, out.data, out.len, err) < 0 ? -1 : 0;
}

/* ---- the table ---- */

/* What is counted together: edges by the first word of their name, and tools that the driver ran.
 */
static bool is_row(const struct span *span)
{
	return span->track == TRACK_KO && !span->within && strcmp(span->category, "run");
}

static bool same_row(const struct span *a, const struct span *b)
{
	size_t n = strcspn(a->name, " ");

	return strcspn(b->name, " ") == n && !strncmp(a->name, b->name, n);
}

/* The time in which at least one of them went on, in seconds. */
static void add_row(struct buf *out, const struct spans *spans, size_t first, double total)
{
	const struct span *like = spans->v[first];
	int64_t busy = 0, until = INT64_MIN;
	unsigned count = 0;

	for (size_t i = 0; i < spans->n; i++) {
		const struct span *span = spans->v[i];
		int64_t from = span->begin > until ? span->begin : until;

		if (!is_row(span) || !same_row(span, like))
			continue;
		if (i < first)
			return;
		count++;
		busy += span->end > from ? span->end - from : 0;
		until = span->end > until ? span->end : until;
	}
	buf_addf(out, "\n%10.3f s  %3.0f %%  %4u  %.*s", (double)busy / 1e6,
		total > 0 ? (double)busy / 1e4 / total : 0, count, (int)strcspn(like->name, " "),
		like->name);
}

static void add_requests(struct buf *out, const struct spans *spans)
{
	json_int_t sent = 0, received = 0;
	unsigned count = 0;

	for (size_t i = 0; i < spans->n; i++) {
		const json_t *args = json_object_get(spans->v[i]->event, "args");

		if (spans->v[i]->track != TRACK_REQUESTS)
			continue;
		count++;
		sent += json_integer_value(json_object_get(args, "sent"));
		received += json_integer_value(json_object_get(args, "received"));
	}
	if (count)
		buf_addf(out, "\n%u requests, %.1f MB sent, %.1f MB received", count,
			(double)sent / 1e6, (double)received / 1e6);
}

static void show_table(const struct spans *spans, double total)
{
	cleanup(buf_release) struct buf out = { 0 };

	for (size_t i = 0; i < spans->n; i++) {
		if (is_row(spans->v[i]))
			add_row(&out, spans, i, total);
	}
	add_requests(&out, spans);
	log_note("%.3f s in all%s%s", total, out.len ? "; of these, at work on" : ": nothing to do",
		buf_str(&out));
}

/* ---- begin and end ---- */

int timeline_begin(struct timeline *timeline, const char *dir, struct err *err)
{
	if (!timeline->file && !timeline->table)
		return 0;
	timeline->began = trace_now();
	timeline->raw = path_join(dir, "events");
	timeline->log = path_join(dir, ".ninja_log");
	if (unlink(timeline->raw) && errno != ENOENT)
		return err_sys(err, "%s", timeline->raw);
	if (file_read_if_exists(timeline->log, RAW_LIMIT, &timeline->before, err) < 0)
		return -1;
	setenv("KO_TRACE", timeline->raw, 1);
	return 0;
}

static int collect(struct timeline *timeline, struct spans *spans, struct err *err)
{
	cleanup(buf_release) struct buf log = { 0 };
	struct spans edges = { 0 };

	if (read_events(spans, timeline->raw, err) ||
		file_read_if_exists(timeline->log, RAW_LIMIT, &log, err) < 0)
		return -1;
	if (log.len)
		add_edges(&edges, &timeline->before, &log);
	align_all(spans, &edges);
	place_details(spans);
	for (size_t i = 0; i < edges.n; i++) {
		grow(spans->v, spans->n, spans->cap);
		spans->v[spans->n++] = edges.v[i];
	}
	free(edges.v);
	return 0;
}

int timeline_end(struct timeline *timeline, struct err *err)
{
	struct spans spans = { 0 };
	int64_t end = trace_now();
	int result;

	if (!timeline->raw)
		return 0;
	unsetenv("KO_TRACE");
	add(&spans, xstrdup(timeline->name), "run", timeline->began, end, TRACK_KO);
	result = collect(timeline, &spans, err);
	unlink(timeline->raw);
	if (!result) {
		qsort(spans.v, spans.n, sizeof(struct span *), earlier);
		for (int track = TRACK_KO; track < TRACK_END; track++)
			set_lanes(&spans, (enum track)track);
		if (timeline->file)
			result = write_file(timeline, &spans, err);
		if (timeline->table)
			show_table(&spans, (double)(end - timeline->began) / 1e6);
	}
	spans_release(&spans);
	return result;
}

void timeline_release(struct timeline *timeline)
{
	free(timeline->raw);
	free(timeline->log);
	buf_release(&timeline->before);
	*timeline = (struct timeline){ 0 };
}
