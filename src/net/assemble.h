#ifndef NET_ASSEMBLE_H
#define NET_ASSEMBLE_H

#include "base.h"

/* Makes the images of the records that have layers but no image yet, each on the base that it names
 * or on base_default(). The finder's platforms are set on the way. */
int assemble_images(struct base_finder *finder, struct records *records, struct err *err);

#endif
