#ifndef NET_SAVE_H
#define NET_SAVE_H

#include "base/depfile.h"
#include "base.h"

/*
 * Images for other programs, beside their destination: in an image layout of the user's, in an
 * archive. Their names there are what they are called at their destination.
 */
struct save {
	const struct oci *oci;
	const char *repo;           /* as for target_make() */
	const struct strs *tags;    /* the same */
	struct base_finder *finder; /* for layers of base images that the store lacks */
	const char *layout;         /* a directory; NULL: none */
	const char *tarball;        /* a file, "-" for standard output; NULL: none */
	struct depfile *made;       /* takes what was written and must not go missing */
};

/*
 * The archive is one of docker save when all images are for one platform each, else an image layout
 * (see formats/saved.h). It appears whole, and is left alone where it would not change.
 */
int save_images(const struct save *save, const struct records *records, struct err *err);

#endif
