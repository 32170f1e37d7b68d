
/*
 * The encoding of a ring, before it is sealed.  Numbers are big-endian.
 *
 *     size  what
 *        1  format, 1
 *        3  number of keys
 *      then for each key
 *        8  slot
 *        4  rotation, seconds
 *        8  created, milliseconds since the epoch
 *        8  expires, seconds since the epoch
 *       16  name
 *       32  AES-256 key
 *       32  HMAC-SHA256 key
 */


#ifndef SSS_RING_CODEC_H_INCLUDED
#define SSS_RING_CODEC_H_INCLUDED


#include "sss_ring.h"


#define SSS_RING_CODEC_HEADER  4
#define SSS_RING_CODEC_KEY     108


/* The number of bytes that sss_ring_encode() writes for a ring of "n" keys. */
size_t sss_ring_encoded_size(uint32_t n);

/* Encodes a ring into sss_ring_encoded_size(ring->n) bytes at "out". */
void sss_ring_encode(const sss_ring_t *ring, uint8_t *out);

/*
 * Adds the keys of an encoded ring, all of the "len" bytes, to "ring".
 * Returns 0.  Returns -1 without memory, and if the bytes are not exactly one
 * encoded ring: if the format or the length is wrong, or a key has a rotation
 * of 0, a slot whose time overflows, or expires before its slot ends or more
 * than SSS_KEY_LIFE after that.  The ring is unchanged then.
 */
int sss_ring_decode(sss_ring_t *ring, const uint8_t *in, size_t len);

/*
 * The first half of that, for a caller who does the two in separate steps.
 * "raw" gets the keys in the order of the bytes, and names may be there twice,
 * so that it may only be used as the source of sss_ring_merge().  Returns 0,
 * or -1 as above and if "raw" has no room for the keys; it is empty then.
 */
int sss_ring_decode_raw(sss_ring_t *raw, const uint8_t *in, size_t len);


#endif /* SSS_RING_CODEC_H_INCLUDED */
