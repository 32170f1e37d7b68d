
/*
 * The ring as bytes, before it is sealed.  Numbers are big-endian.
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


/* Bytes that sss_ring_encode() writes for a ring of n keys. */
size_t sss_ring_encoded_size(uint32_t n);

/* Writes the ring; "out" has room for sss_ring_encoded_size(ring->n). */
void sss_ring_encode(const sss_ring_t *ring, uint8_t *out);

/*
 * Adds the keys of "len" encoded bytes to "ring".  Returns 0, or -1 if they
 * are not the whole of one encoded ring (wrong format, length, a rotation of
 * 0, a slot beyond the range of time, expires before the slot ends or more
 * than 400 days after), or without memory; the ring is as before then.
 */
int sss_ring_decode(sss_ring_t *ring, const uint8_t *in, size_t len);

/*
 * The first half of that: "raw" gets the keys as they come, in any order and
 * with any names, and is good for nothing but sss_ring_merge() from it.  Also
 * -1 if it has no room for them; it is empty then.
 */
int sss_ring_decode_raw(sss_ring_t *raw, const uint8_t *in, size_t len);


#endif /* SSS_RING_CODEC_H_INCLUDED */
