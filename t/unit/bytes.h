
/* A buffer in which a test puts a message together. */


#ifndef BYTES_H_INCLUDED
#define BYTES_H_INCLUDED


#include "unit.h"


/* Room for the longest ClientHello, even in records of one byte each. */

#define BYTES_MAX  800000


typedef struct {
    size_t    len;
    uint8_t   bytes[BYTES_MAX];
} bytes_t;


static inline void
bytes_add(bytes_t *b, const void *p, size_t len)
{
    assert_true(len <= sizeof(b->bytes) - b->len);

    memcpy(b->bytes + b->len, p, len);
    b->len += len;
}


/* The most significant byte comes first. */

static inline void
bytes_int(bytes_t *b, unsigned width, size_t value)
{
    uint8_t  byte;

    while (width-- > 0) {
        byte = (uint8_t) (value >> 8 * width);
        bytes_add(b, &byte, 1);
    }
}


/* A length of "width" bytes, and what has it. */

static inline void
bytes_vector(bytes_t *b, unsigned width, const void *p, size_t len)
{
    bytes_int(b, width, len);
    bytes_add(b, p, len);
}


#endif /* BYTES_H_INCLUDED */
