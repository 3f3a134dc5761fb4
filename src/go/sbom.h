#ifndef GO_SBOM_H
#define GO_SBOM_H

#include "base/depfile.h"
#include "formats/oci.h"

/*
 * Bills of materials: which image, on which base, holds which program of which Go modules, as SPDX
 * 2.3 in JSON (spdx.github.io/spdx-spec/v2.3). As with ko there is one for each platform's image,
 * made of what the linker noted in the program (see buildinfo.h), and one for an index. The same
 * image has the same document, byte for byte.
 *
 * For a registry each is an image of one layer, of media type SBOM_LAYER, as cosign attaches it: to
 * be pushed beside the image under the tag "sha256-HEX.sbom", HEX being the image's digest.
 */
#define SBOM_LAYER "text/spdx+json"

struct sbom_maker {
	const struct oci *oci;
	/* Where documents go as files too, NAME-OS-ARCH[-VARIANT].spdx.json and
	 * NAME-index.spdx.json, with a hash behind the NAME where a file of this name has been
	 * made; NULL: nowhere */
	const char *dir;
	struct depfile *made; /* takes these files, which must not go missing */
};

/*
 * Makes the documents of a record whose platforms have manifests, puts their images into the store,
 * and sets their descriptors: "sbom" of each platform and, for an index, of the record.
 */
int sbom_make(const struct sbom_maker *maker, json_t *record, struct err *err);

#endif
