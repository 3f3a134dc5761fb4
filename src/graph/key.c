#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/environment.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/opt.h"
#include "base/proc.h"
#include "formats/fingerprint.h"
#include "go/group.h"
#include "graph.h"

/* A program, which may be replaced by another version. */
static void add_program(struct buf *text, const char *dir, const char *name)
{
	scratch char *path = dir ? path_join(dir, name) : proc_find(name);
	struct stat st;

	if (path && !stat(path, &st))
		buf_addf(text, "%s %lld %lld.%09ld\n", path, (long long)st.st_size,
			(long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

/* A file that appears or goes above us changes which module or workspace we are in. */
static void add_presence(struct buf *text)
{
	static const char *const names[] = { "go.work", "go.mod", "ko.yaml", ".ko.yaml", ".ko.yml",
		".ko.json", ".ko.toml" };
	scratch char *dir = path_absolute(".");

	for (;;) {
		char *parent;

		for (size_t i = 0; i < countof(names); i++) {
			scratch char *path = path_join(dir, names[i]);

			if (file_exists(path))
				buf_addf(text, "%s\n", path);
		}
		if (!strcmp(dir, "/"))
			return;
		parent = path_dir(dir);
		free(dir);
		dir = parent;
	}
}

void graph_settings(const struct strs *words, const char *bin, struct buf *text)
{
	cleanup(strs_release) struct strs settings = { 0 };
	scratch char *file = go_settings_file();

	buf_addf(text, "ko %s %s\n", version, bin ? bin : "");
	for (size_t i = 0; i < words->n; i++)
		buf_addf(text, "%s\n", words->v[i]);
	environment_settings(&settings);
	for (size_t i = 0; i < settings.n; i++)
		buf_addf(text, "%s\n", settings.v[i]);
	if (file)
		buf_addf(text, "%s\n", file);
	/* elsewhere, relative paths mean other files */
	if (*file_build_dir(NULL) == '/') {
		scratch char *here = path_absolute(".");

		buf_addf(text, "%s\n", here);
	}
	add_program(text, bin, "ko-scan");
	add_program(text, NULL, "go");
	add_presence(text);
}

char *graph_key(const struct strs *words, const char *bin)
{
	cleanup(buf_release) struct buf text = { 0 };
	char full[FINGERPRINT_SIZE];

	graph_settings(words, bin, &text);
	fingerprint_of(text.data, text.len, full);
	return xstrndup(full, 16);
}

char *shell_quote(const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "_-./:=,@%+";
	struct buf text = { 0 };

	if (*s && strspn(s, plain) == strlen(s))
		return xstrdup(s);
	buf_addch(&text, '\'');
	for (; *s; s++) {
		if (*s == '\'')
			buf_addstr(&text, "'\\''");
		else
			buf_addch(&text, *s);
	}
	buf_addch(&text, '\'');
	return buf_detach(&text);
}
