#include <stdlib.h>

#include "base/mem.h"
#include "call.h"

int routes_find(struct routes *routes, struct host *host, const char *repository, bool tag)
{
	struct registry *registry = host->registry;
	cleanup(places_release) struct places places = { 0 };
	struct err err;

	if (!registry->mirrors)
		registry->mirrors = mirrors_new(&err);
	if (!registry->mirrors ||
		mirrors_find(registry->mirrors, host->name, repository, &places, &err)) {
		registry_fail(registry, &err);
		return -1;
	}
	routes->v = xcalloc(places.n, sizeof *routes->v);
	for (size_t i = 0; i < places.n; i++) {
		struct place *place = &places.v[i];
		struct host *at = place->mirror ? host_get_mirror(registry, place, host->name)
						: host_get(registry, place->host);

		if (!at)
			return -1;
		if (!at->down && !(tag ? place->no_tags : place->no_digests))
			routes->v[routes->n++] = (struct route){ at, steal(&place->path) };
	}
	return 0;
}

bool routes_next(struct routes *routes)
{
	while (routes->at + 1 < routes->n) {
		if (!routes->v[++routes->at].host->down)
			return true;
	}
	return false;
}

void routes_release(struct routes *routes)
{
	for (size_t i = 0; i < routes->n; i++)
		free(routes->v[i].repository);
	free(routes->v);
	*routes = (struct routes){ 0 };
}
