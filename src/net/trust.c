#include "trust.h"

#include <curl/curl.h>
#include <glob.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

#define PEM_LIMIT ((size_t)4 << 20)

struct trusts {
	STACK_OF(X509_INFO) * authorities; /* for all hosts */
	bool complete;                     /* not only those of ca_file */
	struct trust **hosts;
	size_t n, cap;
};

/* Adds the certificates of a PEM file; returns how many, or -1 when it cannot be read. */
static int add_file(STACK_OF(X509_INFO) * list, const char *path, struct err *err)
{
	cleanup(buf_release) struct buf text = { 0 };
	int before = sk_X509_INFO_num(list);
	BIO *bio;

	if (file_read(path, PEM_LIMIT, &text, err))
		return -1;
	bio = BIO_new_mem_buf(buf_str(&text), (int)text.len);
	PEM_X509_INFO_read_bio(bio, list, NULL, NULL);
	BIO_free(bio);
	ERR_clear_error();
	return sk_X509_INFO_num(list) - before;
}

static int add_directory(STACK_OF(X509_INFO) * list, const char *dir, struct err *err)
{
	cleanup(strs_release) struct strs names = { 0 };

	if (!file_is_dir(dir))
		return 0;
	if (file_list(dir, &names, err))
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		scratch char *path = path_join(dir, names.v[i]);

		if (!file_is_dir(path) && file_exists(path) && add_file(list, path, err) < 0)
			return -1;
	}
	return 0;
}

/* The system's file is the one that libcurl was built for; its directory has the same, one file
 * each, and is looked into by add_to_store(). */
static int complete(struct trusts *trusts, struct err *err)
{
	const char *file = getenv("SSL_CERT_FILE"), *dirs = getenv("SSL_CERT_DIR");
	const char *system = curl_version_info(CURLVERSION_NOW)->cainfo;
	cleanup(strs_release) struct strs list = { 0 };

	if (trusts->complete)
		return 0;
	if (file && *file && add_file(trusts->authorities, file, err) < 0)
		return err_prefix(err, "SSL_CERT_FILE");
	strs_split(&list, dirs ? dirs : "", ":");
	for (size_t i = 0; i < list.n; i++) {
		if (add_directory(trusts->authorities, list.v[i], err))
			return err_prefix(err, "SSL_CERT_DIR");
	}
	if (!(file && *file) && !list.n && system && file_exists(system) &&
		add_file(trusts->authorities, system, err) < 0)
		return -1;
	trusts->complete = true;
	return 0;
}

struct trusts *trusts_new(const char *ca_file, struct err *err)
{
	struct trusts *trusts = xcalloc(1, sizeof *trusts);
	int found = 0;

	trusts->authorities = sk_X509_INFO_new_null();
	if (ca_file) {
		found = add_file(trusts->authorities, ca_file, err);
		if (!found)
			err_set(err, ERR_INPUT, "%s: no certificate in PEM form in it", ca_file);
	}
	if (!ca_file || found > 0)
		return trusts;
	trusts_free(trusts);
	return NULL;
}

void trusts_free(struct trusts *trusts)
{
	if (!trusts)
		return;
	while (trusts->n) {
		struct trust *trust = trusts->hosts[--trusts->n];

		X509_STORE_free(trust->store);
		free(trust->host);
		free(trust->certificate);
		free(trust->key);
		free(trust);
	}
	sk_X509_INFO_pop_free(trusts->authorities, X509_INFO_free);
	free(trusts->hosts);
	free(trusts);
}

static void add_to_store(X509_STORE *store, const STACK_OF(X509_INFO) * list)
{
	for (int i = 0; i < sk_X509_INFO_num(list); i++) {
		X509_INFO *info = sk_X509_INFO_value(list, i);

		if (info->x509)
			X509_STORE_add_cert(store, info->x509);
		if (info->crl)
			X509_STORE_add_crl(store, info->crl);
	}
	ERR_clear_error();
}

/* A file that cannot be read is left out here; TLS then says what lacks. */
static void read_certs_d(struct trust *trust, const char *dir)
{
	scratch char *pattern = xasprintf("%s/%s/*.c*rt", dir, trust->host);
	STACK_OF(X509_INFO) *list = sk_X509_INFO_new_null();
	glob_t found = { 0 };
	struct err ignored;

	if (!glob(pattern, 0, NULL, &found)) {
		for (size_t i = 0; i < found.gl_pathc; i++) {
			const char *path = found.gl_pathv[i];

			if (ends_with(path, ".crt")) {
				add_file(list, path, &ignored);
			} else if (!trust->certificate) {
				trust->certificate = xstrdup(path);
				trust->key = xasprintf("%.*s.key", (int)(strlen(path) - 5), path);
			}
		}
	}
	add_to_store(trust->store, list);
	sk_X509_INFO_pop_free(list, X509_INFO_free);
	globfree(&found);
}

static void find_certs_d(struct trust *trust)
{
	const char *home = getenv("HOME"), *config = getenv("XDG_CONFIG_HOME");
	scratch char *base =
		config && *config ? xstrdup(config) : xasprintf("%s/.config", home ? home : "");
	scratch char *docker = xasprintf("%s/docker/certs.d", base);
	scratch char *containers = xasprintf("%s/containers/certs.d", base);

	read_certs_d(trust, docker);
	read_certs_d(trust, containers);
	read_certs_d(trust, "/etc/containers/certs.d");
	read_certs_d(trust, "/etc/docker/certs.d");
}

static struct trust *make(struct trusts *trusts, const char *authority)
{
	const char *system = curl_version_info(CURLVERSION_NOW)->capath;
	struct trust *trust = xcalloc(1, sizeof *trust);

	trust->host = xstrdup(authority);
	trust->store = X509_STORE_new();
	/* a certificate that is named is believed, whoever signed it */
	X509_STORE_set_flags(trust->store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
	add_to_store(trust->store, trusts->authorities);
	if (system && !getenv("SSL_CERT_DIR"))
		X509_STORE_load_path(trust->store, system);
	find_certs_d(trust);
	return trust;
}

const struct trust *trusts_find(struct trusts *trusts, const char *authority, struct err *err)
{
	for (size_t i = 0; i < trusts->n; i++) {
		if (!strcmp(trusts->hosts[i]->host, authority))
			return trusts->hosts[i];
	}
	if (complete(trusts, err))
		return NULL;
	grow(trusts->hosts, trusts->n, trusts->cap);
	trusts->hosts[trusts->n] = make(trusts, authority);
	return trusts->hosts[trusts->n++];
}
