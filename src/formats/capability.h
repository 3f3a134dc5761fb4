#ifndef FORMATS_CAPABILITY_H
#define FORMATS_CAPABILITY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * File capabilities, which let a program do what else only root may, such as listening at port 80.
 * A term is a name ("net_bind_service", "CAP_CHOWN", "40", "all"), which becomes permitted, or
 * names with actions as setcap(8) has them: "chown,kill=pe", "=p", "kill-e". Terms count from the
 * first to the last.
 */
#define CAPABILITY_SIZE 20

struct capability {
	bool any;                             /* whether there is something to store */
	unsigned char xattr[CAPABILITY_SIZE]; /* value of security.capability (linux/capability.h,
						 struct vfs_cap_data, revision 2) */
};

/* ERR_INPUT names the term that is not understood. */
int capability_parse(struct capability *capability, const struct strs *terms, struct err *err);

#endif
