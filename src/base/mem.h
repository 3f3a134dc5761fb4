#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

/* Memory or death: these never return NULL; out of memory ends the program with one line. */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xreallocarray(void *old, size_t count, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Scratch that frees itself at the end of its scope:
 *
 *	scratch char *path = xasprintf("%s/%s", dir, name);
 *	...
 *	return steal(&path);
 */
static inline void mem_free_scratch(void *p)
{
	free(*(void **)p);
}

#define cleanup(function) __attribute__((cleanup(function)))
#define scratch cleanup(mem_free_scratch)

/* Hands a pointer over: returns it and leaves NULL behind. */
#define steal(pointer) \
	__extension__({ \
		__typeof__(pointer) steal_from = (pointer); \
		__typeof__(*steal_from) steal_value = *steal_from; \
		*steal_from = NULL; \
		steal_value; \
	})

/* Grows a dynamic array so that one more element fits; n elements are in use. */
#define grow(array, n, cap) \
	do { \
		if ((n) == (cap)) { \
			(cap) = (cap) ? 2 * (cap) : 8; \
			(array) = xreallocarray((array), (cap), sizeof *(array)); \
		} \
	} while (0)

#define countof(array) (sizeof(array) / sizeof *(array))

#endif
