#include "manifests.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"

/* The most directories inside each other, so that a link to a parent ends somewhere. */
#define DEPTH_LIMIT 64

static bool is_manifest(const char *name)
{
	return ends_with(name, ".yaml") || ends_with(name, ".yml") || ends_with(name, ".json");
}

static int walk(
	struct manifests *manifests, const char *dir, bool recursive, int depth, struct err *err)
{
	cleanup(strs_release) struct strs names = { 0 };

	if (depth > DEPTH_LIMIT)
		return err_set(err, ERR_FAILED, "%s: more than %d directories inside each other",
			dir, DEPTH_LIMIT);
	strs_add(&manifests->dirs, dir);
	if (file_list(dir, &names, err))
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		scratch char *path = path_join(dir, names.v[i]);

		if (file_is_dir(path)) {
			if (recursive && walk(manifests, path, recursive, depth + 1, err))
				return -1;
		} else if (is_manifest(path)) {
			strs_add(&manifests->files, path);
		}
	}
	return 0;
}

int manifests_find(
	struct manifests *manifests, const struct strs *names, bool recursive, struct err *err)
{
	for (size_t i = 0; i < names->n; i++) {
		const char *name = names->v[i];

		if (strstr(name, "://"))
			return err_set(err, ERR_USAGE,
				"%s: manifests cannot be read from an address; fetch it and use -f "
				"-",
				name);
		if (file_is_dir(name)) {
			size_t before = manifests->files.n;

			if (walk(manifests, name, recursive, 0, err))
				return -1;
			if (manifests->files.n == before)
				return err_set(err, ERR_FAILED,
					"%s: no .yaml, .yml or .json file in this directory%s",
					name, recursive ? "" : "; -R looks in those below");
		} else if (!strcmp(name, "-") && strs_has(&manifests->files, "-")) {
			return err_set(
				err, ERR_USAGE, "-f -: standard input can be read only once");
		} else if (strcmp(name, "-") && !file_exists(name)) {
			return err_set(err, ERR_FAILED, "%s: no such file or directory", name);
		} else {
			strs_add(&manifests->files, name);
		}
	}
	return 0;
}

void manifests_release(struct manifests *manifests)
{
	strs_release(&manifests->files);
	strs_release(&manifests->dirs);
}
