#ifndef NET_MIRROR_H
#define NET_MIRROR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * Mirrors: other registries that have what a registry has, and are asked before it when something
 * is fetched. They are named by
 *
 *	KO_REGISTRY_MIRROR=HOST=MIRROR[,...]	where MIRROR is HOST[:PORT][/PATH]; of several for
 *						one HOST the first is asked first
 *
 * and, for registries that are not named there, by the file that Podman and others read
 * (containers-registries.conf(5), version 2): $CONTAINERS_REGISTRIES_CONF, or
 * ~/.config/containers/registries.conf, or /etc/containers/registries.conf, with the *.conf files
 * in registries.conf.d beside it.
 */
struct mirrors;

/* Reads what there is; malformed is ERR_INPUT FILE:LINE, or ERR_USAGE for the variable. */
struct mirrors *mirrors_new(struct err *err);
void mirrors_free(struct mirrors *mirrors);

/* A place where a repository is. */
struct place {
	char *host, *path;
	bool mirror;     /* else the registry itself */
	bool insecure;   /* may be spoken to in plain http */
	bool no_tags;    /* is to be asked for digests only */
	bool no_digests; /* is to be asked for tags only */
};

struct places {
	struct place *v;
	size_t n, cap;
};

/* Adds the places to ask for a repository, in this order; the last one is the registry itself,
 * which the file may say to be elsewhere. ERR_USAGE where the file blocks it. */
int mirrors_find(const struct mirrors *mirrors, const char *host, const char *path,
	struct places *places, struct err *err);
void places_release(struct places *places);

#endif
