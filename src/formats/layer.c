#include "layer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive.h"
#include "base/file.h"
#include "base/mem.h"
#include "capability.h"

/* The most directories inside each other. */
#define DEPTH_LIMIT 100

/* Counted up when the same program becomes other bytes. */
#define KEY_VERSION "layer 1"

static bool is_windows(const char *platform)
{
	return starts_with(platform, "windows/");
}

static json_t *finish(
	struct archive *archive, const char *kind, char marked[DIGEST_SIZE], struct err *err)
{
	scratch char *codec = codec_title(&archive->codec);
	json_t *layer = archive_end(archive, marked, err);

	if (layer) {
		json_object_set_new(layer, "kind", json_string(kind));
		json_object_set_new(layer, "codec", json_string(codec));
	}
	return layer;
}

static int read_epoch(uint64_t *epoch, const char *variable, struct err *err)
{
	const char *text = getenv(variable);
	char *end;

	*epoch = 0;
	if (!text || !*text)
		return 0;
	errno = 0;
	*epoch = strtoull(text, &end, 10);
	if (errno || *end || *text < '0' || *text > '9')
		return err_set(err, ERR_USAGE,
			"%s is to be the number of seconds since 1970-01-01 00:00 UTC, not '%s'",
			variable, text);
	return 0;
}

static void add_dirs(
	struct archive *archive, const char *const names[], uint64_t mtime, bool windows)
{
	for (; *names; names++)
		archive_entry(archive,
			&(struct tar_entry){ .name = *names,
				.type = TAR_DIR,
				.mode = 0555,
				.mtime = mtime,
				.windows = windows });
}

/*
 * What decides over the layer of a program, in 64 digits. It is a digest, as programs of people who
 * do not trust each other may meet in the cache. malloced; NULL when its hash is not known.
 */
static char *program_key(const struct layer_maker *maker, const char *hash, const char *name,
	const char *platform, const struct strs *capabilities)
{
	cleanup(buf_release) struct buf text = { 0 };
	scratch char *codec = codec_title(&maker->codec);
	char digest[DIGEST_SIZE];

	if (!hash)
		return NULL;
	buf_addf(
		&text, "%s %s\n%s\n%s\n%d\n", KEY_VERSION, codec, hash, name, is_windows(platform));
	for (size_t i = 0; capabilities && i < capabilities->n; i++)
		buf_addf(&text, "%s\n", capabilities->v[i]);
	digest_of(text.data, text.len, digest);
	return xstrdup(digest + strlen("sha256:"));
}

/* The layer that is noted, if the store still has it. */
static json_t *recall(const struct layer_maker *maker, const char *memo)
{
	cleanup(buf_release) struct buf text = { 0 };
	struct descriptor descriptor = { 0 };
	struct err ignored;
	json_t *layer = NULL;

	if (file_read_if_exists(memo, 4096, &text, &ignored))
		return NULL;
	layer = json_from(memo, buf_str(&text), text.len, &ignored);
	if (layer &&
		(descriptor_from(&descriptor, layer, memo, &ignored) ||
			!oci_has(maker->oci, descriptor.digest, descriptor.size)))
		json_release(&layer);
	descriptor_release(&descriptor);
	return layer;
}

static int remember(const char *memo, const json_t *layer, struct err *err)
{
	size_t n;
	scratch char *text = json_text(layer, &n);

	return file_save(memo, text, n, err) < 0 ? -1 : 0;
}

static json_t *make_program(const struct layer_maker *maker, const char *path, const char *hash,
	const char *name, bool windows, const struct capability *capability, struct err *err)
{
	static const char *const linux_dirs[] = { "ko-app", NULL };
	static const char *const windows_dirs[] = { "Hives", "Files", "Files/ko-app", NULL };
	cleanup(archive_abandon) struct archive archive = { 0 };
	scratch char *inside = xasprintf("%s/ko-app/%s", windows ? "Files" : "", name);
	struct tar_entry entry = { .name = inside,
		.type = TAR_FILE,
		.mode = 0555,
		.windows = windows,
		.capability = capability->any ? capability->xattr : NULL,
		.capability_size = sizeof capability->xattr };
	char marked[DIGEST_SIZE];
	json_t *layer;

	if (archive_begin(&archive, maker->oci, &maker->codec, maker->jobs, err))
		return NULL;
	add_dirs(&archive, windows ? windows_dirs : linux_dirs, 0, windows);
	if (archive_file(&archive, &entry, path, true, err))
		return NULL;
	layer = finish(&archive, "program", marked, err);
	if (layer && hash && strcmp(marked, hash)) {
		json_release(&layer);
		err_set(err, ERR_RETRY, "%s: is not the program that was compiled; run again",
			path);
	}
	return layer;
}

json_t *layer_program(const struct layer_maker *maker, const char *path, const char *hash,
	const char *name, const char *platform, const struct strs *capabilities, struct err *err)
{
	scratch char *key = program_key(maker, hash, name, platform, capabilities);
	scratch char *memo = key && maker->memo ? xasprintf("%s/%s.json", maker->memo, key) : NULL;
	struct capability capability = { 0 };
	json_t *layer = memo ? recall(maker, memo) : NULL;

	if (layer || (capabilities && capability_parse(&capability, capabilities, err)))
		return layer;
	if (key && maker->cache)
		layer = cache_get(maker->cache, key, maker->oci);
	if (!layer) {
		layer = make_program(
			maker, path, hash, name, is_windows(platform), &capability, err);
		if (layer && key && maker->cache)
			cache_put(maker->cache, key, maker->oci, layer);
	}
	if (layer && memo && remember(memo, layer, err))
		json_release(&layer);
	return layer;
}

/* A directory on its way into an archive. */
struct tree {
	const struct layer_maker *maker;
	struct archive archive;
	bool follow; /* links become what they point at */
	bool windows;
	uint64_t mtime;
	char *root; /* links may not lead out of it; NULL: no matter */
	struct err *err;
};

/* A directory that the walk is in, for the detection of links that lead back. */
struct place {
	const struct place *above;
	dev_t device;
	ino_t inode;
	int depth;
};

static int walk(struct tree *tree, const char *path, const char *name, const struct place *above);

static unsigned mode_of(const struct tree *tree, const struct stat *st)
{
	if (tree->follow)
		return 0555;
	if (S_ISLNK(st->st_mode))
		return 0777;
	return S_ISDIR(st->st_mode) || (st->st_mode & 0111) ? 0755 : 0644;
}

/* Both canonical. */
static bool lies_inside(const char *path, const char *root)
{
	size_t n = strlen(root);

	return !strncmp(path, root, n) && (!path[n] || path[n] == '/' || n == 1);
}

static int check_link(const struct tree *tree, const char *path)
{
	scratch char *target = realpath(path, NULL);

	if (!target && errno == ELOOP)
		return err_set(tree->err, ERR_FAILED, "%s: the link leads back to itself", path);
	if (!target)
		return err_set(tree->err, ERR_FAILED,
			"%s: the link points to something that does not exist", path);
	if (!lies_inside(target, tree->root))
		return err_set(tree->err, ERR_FAILED,
			"%s: kodata symlink resolves to %s, which is outside of %s; "
			"KO_DATA_PATH_ALLOWED_ROOT can widen this",
			path, target, tree->root);
	return 0;
}

/* A path that is read, and what decides over where it leads. */
static void note(const struct layer_maker *maker, const char *path)
{
	cleanup(strs_release) struct strs dirs = { 0 };

	path_links(path, &dirs);
	for (size_t i = 0; i < dirs.n; i++)
		depfile_add(maker->depfile, dirs.v[i]);
	depfile_add(maker->depfile, path);
}

static int add_link(struct tree *tree, const char *path, struct tar_entry *entry)
{
	char target[4096];
	ssize_t n = readlink(path, target, sizeof target - 1);

	if (n < 0)
		return err_sys(tree->err, "%s", path);
	target[n] = '\0';
	entry->type = TAR_LINK;
	entry->link = target;
	archive_entry(&tree->archive, entry);
	return 0;
}

static int add_path(
	struct tree *tree, const char *path, const char *name, const struct place *above)
{
	struct tar_entry entry = {
		.name = name, .type = TAR_FILE, .mtime = tree->mtime, .windows = tree->windows
	};
	struct stat st;

	if (lstat(path, &st))
		return err_sys(tree->err, "%s", path);
	if (S_ISLNK(st.st_mode) && tree->follow) {
		note(tree->maker, path);
		if (check_link(tree, path))
			return -1;
		if (stat(path, &st))
			return err_sys(tree->err, "%s", path);
	}
	entry.mode = mode_of(tree, &st);
	if (S_ISLNK(st.st_mode))
		return add_link(tree, path, &entry);
	depfile_add(tree->maker->depfile, path);
	if (S_ISDIR(st.st_mode)) {
		entry.type = TAR_DIR;
		archive_entry(&tree->archive, &entry);
		return walk(tree, path, name, above);
	}
	return archive_file(&tree->archive, &entry, path, false, tree->err);
}

static bool looks_secret(const char *name)
{
	static const char *const names[] = { ".git", ".env", ".netrc", ".aws", ".ssh", ".kube",
		".docker", ".npmrc", ".pypirc" };

	for (size_t i = 0; i < countof(names); i++) {
		if (!strcmp(name, names[i]))
			return true;
	}
	return starts_with(name, "id_rsa") || starts_with(name, "id_ed25519") ||
		starts_with(name, "id_ecdsa") || ends_with(name, ".pem") || ends_with(name, ".key");
}

static int enter(struct tree *tree, const char *path, const struct place *above, struct place *here)
{
	struct stat st;

	if (stat(path, &st))
		return err_sys(tree->err, "%s", path);
	*here = (struct place){ above, st.st_dev, st.st_ino, above ? above->depth + 1 : 0 };
	for (; above; above = above->above) {
		if (above->device == st.st_dev && above->inode == st.st_ino)
			return err_set(tree->err, ERR_FAILED,
				"%s: a link to a directory that it is in", path);
	}
	if (here->depth > DEPTH_LIMIT)
		return err_set(tree->err, ERR_FAILED,
			"%s: more than %d directories inside each other", path, DEPTH_LIMIT);
	return 0;
}

static int walk(struct tree *tree, const char *path, const char *name, const struct place *above)
{
	cleanup(strs_release) struct strs names = { 0 };
	struct place here;

	if (enter(tree, path, above, &here) || file_list(path, &names, tree->err))
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		scratch char *inner = path_join(path, names.v[i]);
		scratch char *inside = path_join(name, names.v[i]);

		if (tree->maker->secrets && !tree->follow && looks_secret(names.v[i]))
			strs_add(tree->maker->secrets, inner);
		if (add_path(tree, inner, inside, &here))
			return -1;
	}
	return 0;
}

/* The directory with .git in it, from dir upwards. malloced, or NULL. */
static char *git_checkout(const char *dir)
{
	scratch char *at = xstrdup(dir);

	for (;;) {
		scratch char *git = path_join(at, ".git");
		char *up;

		if (file_exists(git))
			return steal(&at);
		if (!strcmp(at, "/"))
			return NULL;
		up = path_dir(at);
		free(at);
		at = up;
	}
}

/*
 * The directory that links in kodata, and kodata where it is a link itself, may lead to: so it is
 * looked for from where kodata stands, not from where it leads. malloced; NULL with err.
 */
static char *allowed_root(const char *dir, struct err *err)
{
	const char *setting = getenv("KO_DATA_PATH_ALLOWED_ROOT");
	scratch char *clean = path_clean(dir);
	scratch char *outer = path_dir(clean);
	const char *start = setting && *setting ? setting : outer;
	scratch char *root = realpath(start, NULL);
	scratch char *checkout = NULL;

	if (!root)
		err_sys(err, "%s%s", start == setting ? "KO_DATA_PATH_ALLOWED_ROOT " : "", start);
	if (!root || start == setting)
		return steal(&root);
	checkout = git_checkout(root);
	return checkout ? steal(&checkout) : path_join(root, path_base(clean));
}

json_t *layer_kodata(
	const struct layer_maker *maker, const char *dir, const char *platform, struct err *err)
{
	static const char *const linux_dirs[] = { "/var", "/var/run", "/var/run/ko", NULL };
	static const char *const windows_dirs[] = { "Hives", "Files", "Files/var", "Files/var/run",
		"Files/var/run/ko", NULL };
	struct tree tree = {
		.maker = maker, .follow = true, .windows = is_windows(platform), .err = err
	};
	json_t *layer = NULL;

	if (read_epoch(&tree.mtime, "KO_DATA_DATE_EPOCH", err))
		return NULL;
	if (dir && (!(tree.root = allowed_root(dir, err)) || check_link(&tree, dir)))
		goto out;
	if (archive_begin(&tree.archive, maker->oci, &maker->codec, maker->jobs, err))
		goto out;
	add_dirs(&tree.archive, tree.windows ? windows_dirs : linux_dirs, tree.mtime, tree.windows);
	if (dir)
		note(maker, dir);
	if (!dir || !walk(&tree, dir, tree.windows ? "Files/var/run/ko" : "/var/run/ko", NULL))
		layer = finish(&tree.archive, "kodata", NULL, err);
out:
	archive_abandon(&tree.archive);
	free(tree.root);
	return layer;
}

/* The store would be packed into itself, and so grow with every run. */
static int check_apart(const struct oci *oci, const char *dir, struct err *err)
{
	scratch char *inner = realpath(oci->dir, NULL);
	scratch char *outer = realpath(dir, NULL);

	if (inner && outer && lies_inside(inner, outer))
		return err_set(err, ERR_USAGE,
			"KO_DATA_PATH: the image store %s lies in %s; name a directory that holds "
			"only what belongs into the container",
			oci->dir, dir);
	return 0;
}

json_t *layer_data(const struct layer_maker *maker, const char *dir, struct err *err)
{
	struct tree tree = { .maker = maker, .err = err };
	json_t *layer = NULL;

	if (!file_is_dir(dir)) {
		err_set(err, ERR_USAGE, "KO_DATA_PATH: %s is not a directory", dir);
		return NULL;
	}
	if (check_apart(maker->oci, dir, err) ||
		read_epoch(&tree.mtime, "KO_DATA_DATE_EPOCH", err) ||
		archive_begin(&tree.archive, maker->oci, &maker->codec, maker->jobs, err))
		return NULL;
	note(maker, dir);
	if (!walk(&tree, dir, "", NULL))
		layer = finish(&tree.archive, "data", NULL, err);
	archive_abandon(&tree.archive);
	return layer;
}
