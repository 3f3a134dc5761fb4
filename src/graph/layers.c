#include "layers.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/ahead.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/trace.h"
#include "inputs/naming.h"

/* Adds a layer of a record, the next one after what ended then. -1 where there is none. */
static int add_layer(json_t *layers, const json_t *record, json_t *layer, int64_t *then)
{
	if (layer && trace_wanted())
		trace_event("layer", record_get(layer, "kind"), *then,
			json_pack("{s:s, s:O, s:O}", "of", record_title(record), "size",
				json_object_get(layer, "size"), "digest",
				json_object_get(layer, "digest")));
	*then = trace_now();
	return json_array_append_new(layers, layer);
}

/* kind "debugger": /ko-app/dlv, with the capabilities of the program, which it starts. */
static int add_debugger(const struct layer_maker *maker, const json_t *record,
	const json_t *debugger, const char *platform, json_t *layers, int64_t *then,
	struct err *err)
{
	cleanup(strs_release) struct strs capabilities = { 0 };
	const char *executable = record_need(debugger, "executable", err);
	json_t *layer;

	if (!executable)
		return -1;
	record_strings(record, "capabilities", &capabilities);
	layer = layer_program(maker, executable, record_get(debugger, "hash"), "dlv", platform,
		&capabilities, err);
	if (layer)
		json_object_set_new(layer, "kind", json_string("debugger"));
	return add_layer(layers, record, layer, then);
}

static int make_layers(const struct layer_maker *maker, const char *data, const json_t *record,
	json_t *entry, json_t *layers, struct err *err)
{
	cleanup(strs_release) struct strs capabilities = { 0 };
	const char *platform = record_need(entry, "platform", err);
	const char *executable, *dir = record_get(entry, "directory");
	const char *importpath = record_get(record, "importpath");
	scratch char *program = naming_program(importpath ? importpath : record_title(record));
	const json_t *debugger = json_object_get(entry, "debugger");
	int64_t then = trace_now();

	if (dir)
		return add_layer(layers, record, layer_data(maker, dir, err), &then);
	executable = record_need(entry, "executable", err);
	if (!executable || !platform)
		return -1;
	record_strings(record, "capabilities", &capabilities);
	if (data && add_layer(layers, record, layer_data(maker, data, err), &then))
		return -1;
	if (importpath &&
		add_layer(layers, record,
			layer_kodata(maker, record_get(entry, "kodata"), platform, err), &then))
		return -1;
	if (add_layer(layers, record,
		    layer_program(maker, executable, record_get(entry, "hash"), program, platform,
			    &capabilities, err),
		    &then))
		return -1;
	return debugger ? add_debugger(maker, record, debugger, platform, layers, &then, err) : 0;
}

static int choose_codec(struct layer_maker *maker, const json_t *record, struct err *err)
{
	const char *own = record_get(record, "compression");
	const char *text = maker->compression ? maker->compression
		: own                         ? own
					      : getenv("KO_COMPRESSION");

	return codec_choose(&maker->codec, text, err);
}

int layers_make(const struct layer_maker *maker, const char *data, const struct records *records,
	struct err *err)
{
	for (size_t i = 0; i < records_count(records); i++) {
		json_t *record = records_at(records, i);
		struct layer_maker own = *maker;
		json_t *entry;
		size_t j;

		if (choose_codec(&own, record, err))
			return -1;
		json_array_foreach (json_object_get(record, "platforms"), j, entry) {
			json_t *layers = json_array();

			if (make_layers(&own, data, record, entry, layers, err)) {
				json_decref(layers);
				return -1;
			}
			json_object_set_new(entry, "layers", layers);
		}
	}
	return 0;
}

void layers_announce(const struct records *records)
{
	int fd = ahead_open();

	if (fd < 0)
		return;
	for (size_t i = 0; ahead_compiles(fd) && i < records_count(records); i++)
		ahead_tell(fd, records_at(records, i));
	close(fd);
}

/* One record of a stream; what goes wrong with it is told when its turn comes in the graph. */
static int pass_on(const struct layer_maker *maker, const char *data, const char *line, size_t n,
	struct err *err)
{
	cleanup(records_release) struct records records = { 0 };
	const json_t *first;

	if (records_parse(&records, "standard input", line, n, err))
		return -1;
	first = json_array_get(json_object_get(records_at(&records, 0), "platforms"), 0);
	if (first && !json_object_get(first, "layers") && layers_make(maker, data, &records, err))
		return 0;
	return records_write(&records, NULL, err) || log_close_stdout(err);
}

int layers_follow(const struct layer_maker *maker, const char *data, struct err *err)
{
	scratch char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, stdin)) > 0) {
		if (pass_on(maker, data, line, (size_t)n, err))
			return -1;
	}
	return 0;
}
