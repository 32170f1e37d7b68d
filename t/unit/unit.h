
/*
 * What the unit tests share: cmocka with its includes, repeatable random
 * numbers, hex, and keys that are all different.
 */


#ifndef UNIT_H_INCLUDED
#define UNIT_H_INCLUDED


#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* cmocka 2 has another name for this, and deprecates the old one. */

#ifdef assert_uint_in_range
#undef assert_in_range
#define assert_in_range  assert_uint_in_range
#endif


#define unit_count(a)  (sizeof(a) / sizeof((a)[0]))


static inline uint64_t
unit_random(uint64_t *state)
{
    uint64_t  x;

    x = *state ? *state : 0x9e3779b97f4a7c15u;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;

    return *state = x;
}


static inline void
unit_random_bytes(uint64_t *state, uint8_t *p, size_t len)
{
    while (len-- > 0) {
        *p++ = (uint8_t) (unit_random(state) >> 32);
    }
}


/* Decodes a hex string; returns the number of bytes. */

static inline size_t
unit_hex(const char *hex, uint8_t *out)
{
    size_t    n;
    unsigned  byte;

    for (n = 0; sscanf(hex + 2 * n, "%2x", &byte) == 1; n++) {
        out[n] = (uint8_t) byte;

        if (hex[2 * n + 2] == '\0') {
            return n + 1;
        }
    }

    return n;
}


static inline int
unit_zero(const void *p, size_t len)
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


#endif /* UNIT_H_INCLUDED */
