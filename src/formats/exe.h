#ifndef FORMATS_EXE_H
#define FORMATS_EXE_H

#include <stdint.h>

/*
 * Where in an executable, ELF, PE or Mach-O, the first part that a program writes to begins: there
 * Go's linker puts what it notes about a program. In Mach-O a section that is named for these notes
 * comes first. 0 for other formats and for tables that make no sense. Not above INT64_MAX, but
 * maybe behind the end of the file.
 */
uint64_t exe_data(int fd);

#endif
