#ifndef GO_ACTIONS_H
#define GO_ACTIONS_H

/*
 * What go build did, for a trace (base/trace.h): its actions "build PACKAGE" and "link PACKAGE", of
 * a millisecond and more. They come from go build -debug-trace=FILE, which go 1.15 and newer have
 * but do not document; a file of another form is no error and tells nothing.
 */
void actions_tell(const char *file);

#endif
