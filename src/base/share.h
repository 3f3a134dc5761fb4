#ifndef BASE_SHARE_H
#define BASE_SHARE_H

#include "file.h"

/*
 * Starts a file beside path (see file_begin()) that has the content of another one, by the cheapest
 * way there is: shared blocks (FICLONE), a hard link, a copy inside the kernel, a copy. Since it
 * may be a link, only for files that nobody ever writes to again; mode and time then stay those of
 * the other file. The descriptor may be open for reading only. Returns 0, 1 where there is no file
 * `from`, -1 with err.
 */
int share_begin(struct file_draft *draft, const char *path, const char *from, struct err *err);

/* Takes the right to write away, which others' links to the file need. A file that is itself a link
 * is left alone. */
void share_protect(const char *path);

#endif
