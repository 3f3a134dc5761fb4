#ifndef FORMATS_STATIC_H
#define FORMATS_STATIC_H

#include <stddef.h>

/*
 * The built-in base image: what a statically linked program needs and nothing else. One layer, the
 * same for every linux platform, made by share/static/make and linked into the program:
 *
 *	/etc/passwd, /etc/group           root, nobody (65534), nonroot (65532)
 *	/etc/nsswitch.conf                files before dns
 *	/etc/ssl/certs/ca-certificates.crt
 *	/usr/share/zoneinfo/
 *	/home/nonroot, /root, /tmp, /var/tmp
 */
#define STATIC_REFERENCE "ko.local/static"
#define STATIC_CREATED "1970-01-01T00:00:00Z"
#define STATIC_CREATED_BY "ko.local/static"
#define STATIC_USER "65532:65532"
#define STATIC_WORKDIR "/"
#define STATIC_ENV_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define STATIC_ENV_CERT "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"

/* The layer as it goes into the store: a gzipped tar, OCI_LAYER_GZIP. */
extern const unsigned char static_layer[];
extern const size_t static_layer_size;
extern const char static_layer_digest[];  /* of the gzipped bytes, "sha256:..." */
extern const char static_layer_diff_id[]; /* of the tar, "sha256:..." */

#endif
