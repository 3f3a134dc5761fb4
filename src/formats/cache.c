#include "cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/share.h"

#define DEFAULT_SIZE "2G"

/* The most bytes of a description. */
#define NOTE_LIMIT 4096

static int parse_size(uint64_t *size, const char *text, struct err *err)
{
	static const char units[] = "KMGT";
	unsigned long long n;
	const char *unit;
	int shift;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	shift = unit ? 10 * (int)(unit - units + 1) : 0;
	if (errno || *text < '0' || *text > '9' || (*end && (!unit || end[1])) ||
		n > (uint64_t)INT64_MAX >> shift)
		return err_set(err, ERR_USAGE,
			"KO_CACHE_SIZE is to be a number of bytes, or with K, M, G or T, such as "
			"%s, not '%s'",
			DEFAULT_SIZE, text);
	*size = (uint64_t)n << shift;
	return 0;
}

static const char *setting(const char *variable)
{
	const char *value = getenv(variable);

	return value && *value ? value : NULL;
}

int cache_open(struct cache *cache, struct err *err)
{
	const char *dir = setting("KO_CACHE_DIR"), *size = setting("KO_CACHE_SIZE");
	const char *xdg = setting("XDG_CACHE_HOME"), *home = setting("HOME");

	*cache = (struct cache){ 0 };
	if (parse_size(&cache->limit, size ? size : DEFAULT_SIZE, err))
		return -1;
	if (dir)
		cache->dir = strcmp(dir, "off") ? path_join(dir, "layers") : NULL;
	else if (xdg && *xdg == '/')
		cache->dir = path_join(xdg, "ko/layers");
	else if (home)
		cache->dir = path_join(home, ".cache/ko/layers");
	return 0;
}

void cache_release(struct cache *cache)
{
	free(steal(&cache->dir));
}

static char *place(const struct cache *cache, const char *key, const char *suffix)
{
	return xasprintf("%s/%s.%s", cache->dir, key, suffix);
}

static json_t *read_note(const char *path, struct descriptor *descriptor, struct err *err)
{
	cleanup(buf_release) struct buf text = { 0 };
	json_t *layer;

	if (file_read_if_exists(path, NOTE_LIMIT, &text, err))
		return NULL;
	layer = json_from(path, buf_str(&text), text.len, err);
	if (layer && descriptor_from(descriptor, layer, path, err))
		json_release(&layer);
	return layer;
}

json_t *cache_get(struct cache *cache, const char *key, const struct oci *oci)
{
	cleanup(descriptor_release) struct descriptor d = { 0 };
	scratch char *note = NULL, *blob = NULL;
	json_t *layer;
	int taken;

	if (!cache->dir)
		return NULL;
	note = place(cache, key, "json");
	blob = place(cache, key, "layer");
	layer = read_note(note, &d, &cache->trouble);
	if (!layer)
		return NULL;
	taken = oci_take(oci, blob, d.digest, d.size, &cache->trouble);
	if (!taken) {
		utimensat(AT_FDCWD, note, NULL, 0);
		utimensat(AT_FDCWD, blob, NULL, 0);
		return layer;
	}
	json_release(&layer);
	if (taken > 0) {
		unlink(note);
		if (!unlink(blob))
			err_set(&cache->trouble, ERR_FAILED, "%s: was damaged; removed", blob);
	}
	return NULL;
}

/* A file of the cache. */
struct entry {
	char *path;
	struct timespec used;
	uint64_t size;
};

static int older_first(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;

	if (a->used.tv_sec != b->used.tv_sec)
		return a->used.tv_sec < b->used.tv_sec ? -1 : 1;
	if (a->used.tv_nsec != b->used.tv_nsec)
		return a->used.tv_nsec < b->used.tv_nsec ? -1 : 1;
	return strcmp(a->path, b->path);
}

/* All files, drafts that somebody left behind too. Returns their size. */
static uint64_t measure(const struct cache *cache, const struct strs *names, struct entry *entries)
{
	uint64_t total = 0;

	for (size_t i = 0; i < names->n; i++) {
		struct stat st = { 0 };

		entries[i].path = path_join(cache->dir, names->v[i]);
		if (lstat(entries[i].path, &st))
			continue;
		entries[i].used = st.st_mtim;
		entries[i].size = (uint64_t)st.st_size;
		total += entries[i].size;
	}
	return total;
}

static void trim(struct cache *cache)
{
	cleanup(strs_release) struct strs names = { 0 };
	struct entry *entries;
	uint64_t total;

	if (file_list(cache->dir, &names, &cache->trouble))
		return;
	entries = xcalloc(names.n + 1, sizeof *entries);
	total = measure(cache, &names, entries);
	if (total > cache->limit)
		qsort(entries, names.n, sizeof *entries, older_first);
	for (size_t i = 0; i < names.n; i++) {
		if (total > cache->limit && !unlink(entries[i].path))
			total -= entries[i].size;
		free(entries[i].path);
	}
	free(entries);
}

/* For this user alone: programs are in it. */
static int make_dir(const struct cache *cache, struct err *err)
{
	return file_mkdirs_for(cache->dir, err) ||
			(mkdir(cache->dir, 0700) && errno != EEXIST &&
				err_sys(err, "%s", cache->dir))
		? -1
		: 0;
}

static int add_blob(const char *path, const char *from, struct err *err)
{
	cleanup(file_abandon) struct file_draft draft = { 0 };
	int status = share_begin(&draft, path, from, err);

	if (!status)
		share_protect(draft.temp);
	return status ? status : file_commit(&draft, path, err);
}

void cache_put(struct cache *cache, const char *key, const struct oci *oci, const json_t *layer)
{
	scratch char *note = NULL, *blob = NULL, *from = NULL, *text = NULL;
	struct err *err = &cache->trouble;
	size_t n;

	if (!cache->dir ||
		json_integer_value(json_object_get(layer, "size")) > (json_int_t)cache->limit)
		return;
	note = place(cache, key, "json");
	blob = place(cache, key, "layer");
	from = oci_path(oci, record_get(layer, "digest"));
	text = json_text(layer, &n);
	if (make_dir(cache, err) || add_blob(blob, from, err) || file_save(note, text, n, err) < 0)
		return;
	trim(cache);
}
