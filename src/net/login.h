#ifndef NET_LOGIN_H
#define NET_LOGIN_H

#include "base/err.h"

/*
 * What "docker login" and "docker logout" do to the Docker config ($DOCKER_CONFIG/config.json, or
 * ~/.docker/config.json): the credential goes to the helper that credHelpers names for the server,
 * or credsStore, or else into "auths" of the file, whose other fields stay, and which only its
 * owner can read. server is as in image references; Docker Hub is docker.io.
 */
int login_store(const char *server, const char *user, const char *secret, struct err *err);

/* Returns 1 when there was nothing to erase. */
int login_erase(const char *server, struct err *err);

#endif
