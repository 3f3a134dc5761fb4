#include "parallel.h"

#include <pthread.h>

/* A thread for so many; but not more threads than that: file systems gain no more by them. */
#define SHARE 4096
#define SHARE_LIMIT 4

struct share {
	void (*work)(void *arg, size_t from, size_t to);
	void *arg;
	size_t from, to;
	pthread_t thread;
};

static void *take(void *arg)
{
	const struct share *share = arg;

	share->work(share->arg, share->from, share->to);
	return NULL;
}

void parallel(size_t n, void (*work)(void *arg, size_t from, size_t to), void *arg)
{
	struct share shares[SHARE_LIMIT];
	size_t count = 1 + n / SHARE < SHARE_LIMIT ? 1 + n / SHARE : SHARE_LIMIT, started = 0;

	for (size_t i = 0; i < count; i++)
		shares[i] = (struct share){ work, arg, n * i / count, n * (i + 1) / count, 0 };
	while (started + 1 < count &&
		!pthread_create(&shares[started].thread, NULL, take, &shares[started]))
		started++;
	for (size_t i = started; i < count; i++)
		take(&shares[i]);
	for (size_t i = 0; i < started; i++)
		pthread_join(shares[i].thread, NULL);
}
