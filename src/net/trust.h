#ifndef NET_TRUST_H
#define NET_TRUST_H

#include <openssl/ssl.h>

#include "base/err.h"

/*
 * Which certificates are believed, and which one is our own, for each host that TLS is spoken to:
 *
 *	SSL_CERT_FILE, SSL_CERT_DIR	authorities in place of the system's (all files of the
 *					directories, as Go takes them)
 *	--ca-file			further ones
 *	certs.d/HOST[:PORT]		further ones (NAME.crt), and our own (NAME.cert, NAME.key):
 *					docs.docker.com "Verify repository client with
 *					certificates", containers-certs.d(5)
 *
 * They are read when TLS is spoken for the first time, and once for all connections: for many
 * authorities that takes longer than a handshake.
 */
struct trusts;

struct trust {
	char *host;
	X509_STORE *store;
	char *certificate, *key; /* paths, or NULL */
};

/* Reads ca_file (NULL: none) at once; ERR_INPUT when no certificate is in it. */
struct trusts *trusts_new(const char *ca_file, struct err *err);
void trusts_free(struct trusts *trusts);

/* What holds for "host" or "host:port". Owned by the trusts; NULL with err. */
const struct trust *trusts_find(struct trusts *trusts, const char *authority, struct err *err);

#endif
