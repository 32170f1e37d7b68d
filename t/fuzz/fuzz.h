
/*
 * What the fuzz targets share.  A check that fails ends the program, as a
 * crash would.
 */


#ifndef FUZZ_H_INCLUDED
#define FUZZ_H_INCLUDED


#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define fuzz_check(condition)                                                 \
                                                                              \
    do {                                                                      \
        if (!(condition)) {                                                   \
            fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__,        \
                    #condition);                                              \
            abort();                                                          \
        }                                                                     \
    } while (0)


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static inline int
fuzz_zero(const void *p, size_t len)
{
    size_t          i;
    const uint8_t  *byte;

    byte = p;

    for (i = 0; i < len; i++) {
        if (byte[i] != 0) {
            return 0;
        }
    }

    return 1;
}


#endif /* FUZZ_H_INCLUDED */
