#ifndef FORMATS_SAVED_H
#define FORMATS_SAVED_H

#include "oci.h"

/*
 * Images from the store for other programs: in a layout of theirs, or as one tar archive, written
 * to a descriptor (a file, a pipe) as a stream. The same images and names give the same bytes. Each
 * blob's size and digest are checked on the way; after an error the archive lacks its end, so no
 * reader takes it for a whole one.
 *
 * All blobs must be in the store, base layers too (see store_complete() in net/push.h). A missing
 * one is ERR_FAILED, a damaged one ERR_INPUT.
 */
struct saved_image {
	const json_t *descriptor;    /* of a manifest or an index in the store */
	struct strs names;           /* "registry/name:tag"; there may be none */
	const struct strs *left_out; /* digests of blobs that the reader has; may be NULL */
};

/*
 * What `docker save` makes and `docker load`, `podman load`, `ctr images import` and skopeo's
 * docker-archive: read: configs named by digest, layers HEX.tar.gz, manifest.json at the end
 * (moby's image-spec v1.2), as ko writes it. An index is ERR_USAGE: the format holds single images,
 * so give the descriptor of one of its platforms. So are layers that may not be distributed.
 */
int saved_write_docker(
	int fd, const struct oci *oci, const struct saved_image *images, size_t n, struct err *err);

/*
 * An image layout (image-spec, image-layout.md) as an archive: `podman load`, `ctr images import`,
 * skopeo's oci-archive: and `docker load` of Docker 25 read it. index.json has one entry for each
 * name, which is in its annotations org.opencontainers.image.ref.name and, for containerd and
 * Podman, io.containerd.image.name. Layers that may not be distributed are left out.
 */
int saved_write_oci(
	int fd, const struct oci *oci, const struct saved_image *images, size_t n, struct err *err);

/*
 * Adds them to a layout: their blobs, by links to those in the store where that can be, and then an
 * entry of index.json for each name (see oci_tag()). What is there stays. Layers that may not be
 * distributed are left out.
 */
int saved_to_layout(const struct oci *to, const struct oci *oci, const struct saved_image *images,
	size_t n, struct err *err);

void saved_image_release(struct saved_image *image);

#endif
