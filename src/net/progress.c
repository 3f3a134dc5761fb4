/*
 * All lines are written with one write(2), each cut at the width of the terminal so that none takes
 * two rows; then the cursor goes back to the first one. Erasing is clearing from there to the end
 * of the screen.
 */
#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

#define ERASE "\033[J"

static bool drawn;

bool progress_possible(void)
{
	const char *terminal = getenv("TERM");

	return isatty(STDERR_FILENO) && terminal && *terminal && strcmp(terminal, "dumb") != 0;
}

static void put(const char *text, size_t n)
{
	ssize_t ignored = write(STDERR_FILENO, text, n);

	(void)ignored;
}

static void erase(void)
{
	if (drawn)
		put("\r" ERASE, strlen("\r" ERASE));
	drawn = false;
}

static void add_left(struct buf *line, double seconds)
{
	if (seconds < 90)
		buf_addf(line, ", %.0f s left", seconds);
	else if (seconds < 90 * 60)
		buf_addf(line, ", %.0f min left", seconds / 60);
	else
		buf_addf(line, ", %.1f h left", seconds / 3600);
}

static void describe(struct buf *line, const struct registry_transfer *t)
{
	const char *hash = strchr(t->digest, ':');
	double rate = t->seconds > 0 ? (double)t->done / t->seconds : 0;

	buf_addf(line, "%.80s/%.200s %.12s: %.1f", t->repo.host, t->repo.path,
		hash ? hash + 1 : t->digest, (double)t->done / 1e6);
	if (t->size >= 0)
		buf_addf(line, " of %.1f", (double)t->size / 1e6);
	buf_addf(line, " MB, %.1f MB/s", rate / 1e6);
	if (t->size >= 0 && rate > 0)
		add_left(line, (double)(t->size - t->done) / rate);
}

static void measure(size_t *columns, size_t *rows)
{
	struct winsize window = { 0 };

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window))
		window = (struct winsize){ 0 };
	*columns = window.ws_col > 1 ? window.ws_col - 1U : 79;
	*rows = window.ws_row > 1 ? window.ws_row - 1U : 23;
}

void progress_show(void *arg, const struct registry_transfer *transfers, size_t n)
{
	cleanup(buf_release) struct buf text = { 0 };
	size_t columns, rows;

	(void)arg;
	log_before_message(erase);
	measure(&columns, &rows);
	if (n > rows)
		n = rows;
	if (!n) {
		erase();
		return;
	}
	buf_addstr(&text, "\r" ERASE);
	for (size_t i = 0; i < n; i++) {
		cleanup(buf_release) struct buf line = { 0 };

		describe(&line, &transfers[i]);
		buf_add(&text, line.data, line.len < columns ? line.len : columns);
		buf_addstr(&text, i + 1 < n ? "\n" : "\r");
	}
	if (n > 1)
		buf_addf(&text, "\033[%zuA", n - 1);
	put(text.data, text.len);
	drawn = true;
}
