
/* Names of items in memcached. */


#ifndef SSS_NAME_H_INCLUDED
#define SSS_NAME_H_INCLUDED


#include <stddef.h>
#include <stdint.h>
#include <string.h>


#define SSS_NAME_HASH  20               /* bytes of a hash in a name       */


/*
 * Writes the name that has the first SSS_NAME_HASH bytes of "hash" in it:
 * "sss1:", 40 hex digits and a zero byte, 46 bytes in all.
 */

static inline void
sss_name_write(const uint8_t *hash, char *name)
{
    size_t             i;
    static const char  hex[] = "0123456789abcdef";

    memcpy(name, "sss1:", 5);
    name += 5;

    for (i = 0; i < SSS_NAME_HASH; i++) {
        *name++ = hex[hash[i] >> 4];
        *name++ = hex[hash[i] & 0xf];
    }

    *name = '\0';
}


#endif /* SSS_NAME_H_INCLUDED */
