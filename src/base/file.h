#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"

/*
 * Files appear whole or not at all, and a file whose content would not change is not touched: so
 * ninja and make see that there is nothing to do. Files being written have a temporary name beside
 * the final one (".NAME.XXXXXX"), which a signal that ends the program removes too.
 *
 * make and ninja compare times of modification. A result must therefore not look newer than an
 * input that was edited while the result was being made. file_mark_start() notes the moment before
 * any input is read, and what file_save() and file_commit() write carries that time.
 */

/* The most that file_read() takes from a text file of a user: manifests, records, config. */
#define FILE_LIMIT ((size_t)1 << 30)

/*
 * Notes the time for all results written later, and returns when the clock has moved on, so that
 * an edit after this call is seen to be later (a few milliseconds at most). Called once, first.
 */
void file_mark_start(void);

/*
 * Notes that a result depends on a file. When its time is in the future, a result that stays as it
 * is gets the time of the start all the same: otherwise ninja would note the future time as that of
 * the result's inputs and miss all changes until then. file_read() does this by itself.
 */
void file_mark_input(const char *path);
/* The same for one whose time of modification, in nanoseconds, is known. */
void file_mark_input_time(int64_t mtime);
/* Whether there was such an input. Results are left alone from here on: they are made anew every
 * time, so that nothing is missed. */
bool file_ignore_future_input(void);

/* Gives a file that was made meanwhile, by another program perhaps, a time before the start, so
 * that it can be an input of the result which it belongs to: that one is missed when it goes. */
int file_mark_made(const char *path, struct err *err);

/* Where executables, notes and the image store are kept: option, else KO_BUILDDIR, else ".ko". */
const char *file_build_dir(const char *option);
/* Where the image store is: option, else "oci" in the build directory. malloced. */
char *file_store_dir(const char *option, const char *build_dir_option);

/* Appends the whole file to buf; "-" is standard input. More than limit bytes is an error. */
int file_read(const char *path, size_t limit, struct buf *buf, struct err *err);

/* Like file_read(), but returns 1 and leaves buf alone where there is no such file. */
int file_read_if_exists(const char *path, size_t limit, struct buf *buf, struct err *err);

/* Like file_read() for what is no input of this program's results: its own earlier output, a file
 * that it has just had made. */
int file_read_made(const char *path, size_t limit, struct buf *buf, struct err *err);

/* Makes the file hold these bytes, making directories as needed. Returns 1 when it was written,
 * 0 when it held them already, -1 on error. */
int file_save(const char *path, const void *bytes, size_t n, struct err *err);

/* Like file_save(); path NULL or "-" writes to stdout instead. */
int file_output(const char *path, const void *bytes, size_t n, struct err *err);

/* Copies a file to stdout, in pieces. */
int file_print(const char *path, struct err *err);

/* A file in the making. All zero: none. */
struct file_draft {
	int fd;
	char *temp; /* NULL when nothing is in the making */
};

/* Starts a file beside path (directories are made); the descriptor is open for reading, writing. */
int file_begin(struct file_draft *draft, const char *path, struct err *err);
/* Gives the finished file its name, in one step, and closes it. The draft is empty afterwards, also
 * on error. */
int file_commit(struct file_draft *draft, const char *path, struct err *err);
/* Like file_commit(), but leaves a file alone that holds the same bytes. Returns as file_save(). */
int file_commit_changed(struct file_draft *draft, const char *path, struct err *err);
/* Removes what was begun; does nothing after file_commit(). Usable as cleanup(). */
void file_abandon(struct file_draft *draft);

/* write(2) until all is written. */
int file_write_all(int fd, const void *bytes, size_t n, struct err *err);

/* mkdir -p. */
int file_mkdirs(const char *dir, struct err *err);
/* mkdir -p of the directory that path is in. */
int file_mkdirs_for(const char *path, struct err *err);

bool file_exists(const char *path);
/* Modified later than now: the clock, ours or that of the file's machine, was or is wrong. */
bool file_is_future(const char *path);
bool file_is_dir(const char *path);

/* The names in a directory except "." and "..", sorted by bytes. */
int file_list(const char *dir, struct strs *names, struct err *err);

/* "dir/name", or just name where dir is "." or empty or name is absolute. malloced. */
char *path_join(const char *dir, const char *name);
/* Everything before the last slash, "." where there is none, "/" for the root. malloced. */
char *path_dir(const char *path);
/* Points at what follows the last slash. */
const char *path_base(const char *path);
/* Removes "./", "//", "x/.." by text alone. malloced; "." for nothing. */
char *path_clean(const char *path);
/* Whether, by text alone, path is of something in dir or further down; dir NULL or empty: no. */
bool path_is_below(const char *path, const char *dir);
/* Absolute path to one relative to the working directory where it lies inside it, else a copy.
 * malloced. */
char *path_relative(const char *absolute);
/* Adds the directories that hold the symbolic links which the path leads through: they are newer
 * once a link leads elsewhere, also to what is older. */
void path_links(const char *path, struct strs *dirs);
/* The absolute, cleaned form, seen from the working directory; links are not followed. malloced. */
char *path_absolute(const char *path);

#endif
