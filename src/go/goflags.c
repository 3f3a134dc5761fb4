#include "goflags.h"

#include <string.h>

#include "base/mem.h"

static const char space[] = " \t\r\n";

/* One flag from *text on; quotes may stand anywhere in it. */
static int take_flag(struct buf *flag, const char **text, const char *name, struct err *err)
{
	const char *p = *text;

	while (*p && !strchr(space, *p)) {
		if (*p == '\'' || *p == '"') {
			const char *end = strchr(p + 1, *p);

			if (!end)
				return err_set(err, ERR_USAGE, "%s: no closing %c in: %s", name, *p,
					*text);
			buf_add(flag, p + 1, (size_t)(end - p - 1));
			p = end + 1;
		} else {
			buf_addch(flag, *p++);
		}
	}
	*text = p;
	return 0;
}

int goflags_split(struct strs *flags, const char *text, const char *name, struct err *err)
{
	for (text += strspn(text, space); *text; text += strspn(text, space)) {
		struct buf flag = { 0 };

		if (take_flag(&flag, &text, name, err)) {
			buf_release(&flag);
			return -1;
		}
		strs_take(flags, buf_detach(&flag));
	}
	return 0;
}

int goflags_check(const struct strs *flags, const char *name, struct err *err)
{
	for (size_t i = 0; i < flags->n; i++) {
		const char *flag = flags->v[i];

		flag += strspn(flag, "-");
		if (flag != flags->v[i] && starts_with(flag, "toolexec") &&
			(flag[8] == '=' || !flag[8]))
			return err_set(err, ERR_USAGE, "%s: cannot set -toolexec; remove it", name);
	}
	return 0;
}
