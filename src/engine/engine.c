#include "engine.h"

#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "base/mem.h"

/* 1: there is no API to be used. */
static int find_api(struct engine *engine, struct endpoint *endpoint, struct err *err)
{
	engine->podman = !strcmp(engine->title, "podman");
	if (engine->podman)
		return endpoint_podman(endpoint, err);
	return strcmp(engine->title, "docker") ? 1 : endpoint_docker(endpoint, err);
}

int engine_open(struct engine *engine, const char *builder, struct err *err)
{
	cleanup(endpoint_release) struct endpoint endpoint = { 0 };
	int found;

	if (!endpoint_known(builder))
		return err_set(err, ERR_USAGE,
			"builder %s is none of native, docker, podman, buildah", builder);
	engine->title = builder;
	found = find_api(engine, &endpoint, err);
	if (found < 0)
		return err_prefix(err, "%s", builder);
	if (found)
		return engine_open_command(engine, err);
	engine->api = api_new(engine->title, &endpoint, err);
	return engine->api ? engine_open_api(engine, err) : -1;
}

void engine_close(struct engine *engine)
{
	api_free(engine->api);
	*engine = (struct engine){ 0 };
}
