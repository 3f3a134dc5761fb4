#ifndef NET_URL_H
#define NET_URL_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * What a client that holds credentials must know about URLs (RFC 3986): which two have the same
 * origin, what a Location means, where a registry may send us, and how to show one without its
 * secrets.
 */
struct url {
	char *scheme;  /* "http" or "https" */
	char *host;    /* lower case, numbers normalised, no brackets, no final dot */
	unsigned port; /* always set */
	char *text;    /* the whole, path and query byte for byte as they came */
};

/* Only http and https; user information, control bytes and fragments are refused. ERR_INPUT; the
 * text is not repeated in the error. */
int url_parse(struct url *url, const char *text, struct err *err);
/* A Location header, seen from the URL of its request; also "host/path" without a scheme. */
int url_resolve(struct url *url, const struct url *from, const char *location, struct err *err);
void url_release(struct url *url);
void url_copy(struct url *to, const struct url *from);

/* Scheme, host and port are equal. */
bool url_same_origin(const struct url *a, const struct url *b);

/* localhost, *.localhost, 127.0.0.0/8, ::1. */
bool url_host_loopback(const char *host);
/* An address in digits that is not for the public: loopback, private, link-local, multicast,
 * unspecified, also mapped into IPv6. Names are not looked up. */
bool url_host_private(const char *host);

/*
 * Whether a registry may send us to a URL, as realm, Location or redirect: https where the registry
 * is https; plain http only to its own origin, to loopback, or to a host in insecure; private
 * addresses and loopback only where the registry itself is there. what names it in the error.
 */
int url_allowed(const struct url *to, const struct url *registry, const struct strs *insecure,
	const char *what, struct err *err);

/* Whether host or host:port is in the list. */
bool url_listed(const struct url *url, const struct strs *list);

/* "host", or "host:port" where the port is not the scheme's own; IPv6 in brackets. malloced. */
char *url_authority(const struct url *url);

/* The text with every value of the query, except those known to be harmless, as "***"; malloced. */
char *url_redacted(const char *text);

/* The text with "name=value" added to its query, the value percent-encoded. malloced. */
char *url_with(const char *text, const char *name, const char *value);

/* Appends s percent-encoded (everything but unreserved characters). */
void url_encode(struct buf *out, const char *s);

#endif
