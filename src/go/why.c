#include "why.h"

#include "base/file.h"
#include "base/mem.h"
#include "group.h"
#include "state.h"

static int explain(struct buf *out, json_t *record, const char *platform, const char *builddir,
	struct err *err)
{
	cleanup(go_groups_release) struct go_groups groups = { 0 };
	cleanup(records_release) struct records one = { 0 };
	cleanup(state_release) struct state state = { 0 };
	const struct program *program;
	scratch char *dir = NULL, *path = NULL, *reason = NULL;

	records_add(&one, json_incref(record));
	if (go_groups_make(&groups, &one, platform, builddir, NULL, err))
		return -1;
	dir = go_group_dir(&groups.v[0]);
	path = path_join(dir, "state");
	state_load(&state, path);
	state_look(&state);
	program = state_program(&state, record_get(record, "importpath"));
	reason = state_reason(&state, program);
	buf_addf(out, "%s for %s: ", record_title(record), platform);
	if (reason)
		buf_addf(out, "to be compiled because %s\n", reason);
	else
		buf_addf(out, "compiled last because %s\n", program->reason);
	return 0;
}

int go_why(struct buf *out, const struct records *records, const char *builddir, struct err *err)
{
	for (size_t i = 0; i < records_count(records); i++) {
		json_t *record = records_at(records, i);
		json_t *entry;
		size_t j;

		json_array_foreach (json_object_get(record, "platforms"), j, entry) {
			const char *platform = record_get(entry, "platform");

			if (platform && explain(out, record, platform, builddir, err))
				return -1;
		}
	}
	return 0;
}
