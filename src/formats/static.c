#include "static.h"

#include "../../share/static/layer.h"

/* The path is seen from the top of the tree, where the compiler runs. */
__asm__(".section .rodata\n"
	".globl static_layer\n"
	".hidden static_layer\n"
	".type static_layer, %object\n"
	".balign 16\n"
	"static_layer:\n"
	".incbin \"share/static/layer.tar.gz\"\n"
	".size static_layer, . - static_layer\n"
	".previous\n");

const size_t static_layer_size = LAYER_SIZE;
const char static_layer_digest[] = LAYER_DIGEST;
const char static_layer_diff_id[] = LAYER_DIFF_ID;
