#ifndef TAP_H
#define TAP_H

/* A test prints TAP: "ok 1 - name" for each check, the plan at the end. */
#include <stdio.h>
#include <string.h>

static int tap_count, tap_failed;

static inline int ok(int passed, const char *name)
{
	tap_count++;
	tap_failed += !passed;
	printf("%s %d - %s\n", passed ? "ok" : "not ok", tap_count, name);
	return passed;
}

static inline int is(const char *got, const char *want, const char *name)
{
	int same = got && want ? !strcmp(got, want) : got == want;

	if (!ok(same, name))
		printf("#      got: %s\n# expected: %s\n", got ? got : "(null)",
			want ? want : "(null)");
	return same;
}

/* The plan; returns the exit status of the test. */
static inline int done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed != 0;
}

#endif
