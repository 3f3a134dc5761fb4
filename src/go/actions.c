#include "actions.h"

#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/trace.h"
#include "formats/record.h"

#define LIMIT ((size_t)256 << 20)
#define SHORTEST 1000 /* microseconds */

/* What go's clock, that of the day, is ahead of ours; microseconds. */
static int64_t clock_lead(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 - trace_now();
}

/* "build fmt" of "Executing action (build fmt)"; malloced, or NULL for other events. */
static char *action_of(const char *name)
{
	static const char prefix[] = "Executing action (";
	const char *action = name + strlen(prefix);
	size_t n;

	if (!starts_with(name, prefix) ||
		(!starts_with(action, "build ") && !starts_with(action, "link ")))
		return NULL;
	n = strcspn(action, ")");
	return action[n] && !action[n + 1] ? xstrndup(action, n) : NULL;
}

/* begun: name -> time of what goes on. */
static void take(json_t *begun, const json_t *event, int64_t lead)
{
	const char *phase = record_get(event, "ph"), *name = record_get(event, "name");
	scratch char *action = name ? action_of(name) : NULL;
	double at = json_number_value(json_object_get(event, "ts"));
	double from;

	if (!action || !phase)
		return;
	if (!strcmp(phase, "B"))
		json_object_set_new(begun, action, json_real(at));
	from = json_number_value(json_object_get(begun, action));
	if (!strcmp(phase, "E") && from > 0 && at - from >= SHORTEST)
		trace_span("package", action, (int64_t)from - lead, (int64_t)at - lead, NULL);
}

void actions_tell(const char *file)
{
	cleanup(buf_release) struct buf text = { 0 };
	cleanup(json_release) json_t *begun = json_object();
	cleanup(json_release) json_t *events = NULL;
	int64_t lead = clock_lead();
	struct err ignored;
	json_t *event;
	size_t i;

	if (!file_read_made(file, LIMIT, &text, &ignored))
		events = json_from(file, buf_str(&text), text.len, &ignored);
	json_array_foreach (events, i, event)
		take(begun, event, lead);
}
