
/*
 * Numbers as bytes, big-endian.  The functions that write return a pointer to
 * the byte after the number.
 */


#ifndef SSS_NUMBER_H_INCLUDED
#define SSS_NUMBER_H_INCLUDED


#include <stdint.h>


static inline uint8_t *
sss_put32(uint8_t *p, uint32_t n)
{
    p[0] = (uint8_t) (n >> 24);
    p[1] = (uint8_t) (n >> 16);
    p[2] = (uint8_t) (n >> 8);
    p[3] = (uint8_t) n;

    return p + 4;
}


static inline uint8_t *
sss_put64(uint8_t *p, uint64_t n)
{
    p = sss_put32(p, (uint32_t) (n >> 32));

    return sss_put32(p, (uint32_t) n);
}


static inline uint32_t
sss_get32(const uint8_t *p)
{
    return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16
           | (uint32_t) p[2] << 8 | p[3];
}


static inline uint64_t
sss_get64(const uint8_t *p)
{
    return (uint64_t) sss_get32(p) << 32 | sss_get32(p + 4);
}


#endif /* SSS_NUMBER_H_INCLUDED */
