
/*
 * The key ring: a set of STEKs that only grows, and forgets by age.
 *
 * Time is cut into slots of "rotation" seconds; slot n begins at n * rotation
 * seconds after the epoch.  A key belongs to one slot, and encrypts in it on
 * the host that has this rotation.  Keys of another rotation, left over from
 * a changed configuration or made by a host that has not changed yet, still
 * decrypt.  Two rings merge by union, so that hosts need no leader.
 *
 * Keys are kept sorted: the latest beginning of a slot first; within a slot
 * the smallest (created, name), which is the one that encrypts.
 */


#ifndef SSS_RING_H_INCLUDED
#define SSS_RING_H_INCLUDED


#include <stddef.h>
#include <stdint.h>


#define SSS_KEY_NAME  16
#define SSS_KEY_LIFE  (400 * 86400)     /* seconds after the end of a slot */


typedef struct {
    uint64_t  slot;
    uint64_t  created;          /* milliseconds since the epoch           */
    uint64_t  expires;          /* seconds since the epoch: forgotten     */
    uint64_t  learned;          /* when this host got it, milliseconds since
                                   the epoch; not shared, 0: unknown      */
    uint32_t  rotation;         /* seconds, never 0                       */
    uint32_t  unused;           /* 0                                      */
    uint8_t   name[SSS_KEY_NAME];
    uint8_t   aes[32];
    uint8_t   hmac[32];
} sss_key_t;


typedef struct {
    uint32_t   n;
    uint32_t   capacity;
    sss_key_t  keys[];
} sss_ring_t;


/* Bytes of a ring that holds "capacity" keys. */
size_t sss_ring_size(uint32_t capacity);

/* Makes an empty ring in sss_ring_size(capacity) bytes of the caller's. */
void sss_ring_init(sss_ring_t *ring, uint32_t capacity);

/*
 * An empty ring in memory of sss_memory_alloc(), of which only what keys need
 * is ever touched; NULL without memory.
 */
sss_ring_t *sss_ring_create(uint32_t capacity);

/* Wipes the ring and gives its memory back; NULL is none. */
void sss_ring_destroy(sss_ring_t *ring);

/* Wipes all keys; the ring is empty then. */
void sss_ring_wipe(sss_ring_t *ring);

/*
 * Copies "src" over "dst", whose capacity stays.  If it does not fit, the
 * keys that expire first are left out.
 */
void sss_ring_copy(sss_ring_t *dst, const sss_ring_t *src);

/*
 * Adds a copy of a key.  A key of the same name is there already: the later
 * "expires" of both is kept.  A full ring gives up the key that expires
 * first (which may be the new one).  Returns 1 if the ring changed, else 0.
 */
int sss_ring_add(sss_ring_t *ring, const sss_key_t *key);

/*
 * dst becomes the union of both, as if all were added one by one; the time it
 * takes grows with the number of keys and not with its square, as long as
 * there is memory.  Returns the number of keys changed.
 */
unsigned sss_ring_merge(sss_ring_t *dst, const sss_ring_t *src);

/* The same, and marks keys that were not there as learned at "now_ms". */
unsigned sss_ring_learn(sss_ring_t *dst, const sss_ring_t *src,
    uint64_t now_ms);

/*
 * The same with "n" keys, in any order; those that were not there are marked
 * as learned at "learned", unless that is 0.
 */
unsigned sss_ring_absorb(sss_ring_t *ring, const sss_key_t *keys, uint32_t n,
    uint64_t learned);

/*
 * Forgets and wipes keys that expired at "now_ms" (milliseconds since the
 * epoch), and keys whose slot begins more than two of their rotations after
 * it: no clock of a working host can be that far ahead.  Returns how many.
 */
unsigned sss_ring_expire(sss_ring_t *ring, uint64_t now_ms);

/*
 * 1 if "ring" has every key of "part" with at least the same "expires",
 * so that nothing would be gained by writing "part" there; else 0.
 */
int sss_ring_covers(const sss_ring_t *ring, const sss_ring_t *part);

/* The key with this name, or NULL.  Points into the ring. */
const sss_key_t *sss_ring_find(const sss_ring_t *ring, const uint8_t *name);

/* The key that encrypts in this slot of this rotation, or NULL. */
const sss_key_t *sss_ring_slot(const sss_ring_t *ring, uint32_t rotation,
    uint64_t slot);

/*
 * The key that encrypts at "now_ms": the current slot's; where the ring has
 * none, the latest key whose slot has begun; else any; NULL for an empty
 * ring.
 */
const sss_key_t *sss_ring_encrypting(const sss_ring_t *ring,
    uint32_t rotation, uint64_t now_ms);

/*
 * The same, but a key learned less than "settle_ms" ago, which other hosts may
 * not have yet, is passed over if there is another one, learned before, whose
 * slot has begun and did not end longer ago than that: while a rotation is
 * being changed, where a ring had run out, where two halves of a cluster
 * meet again.  If all are that new, the one learned first encrypts.
 */
const sss_key_t *sss_ring_settled(const sss_ring_t *ring, uint32_t rotation,
    uint64_t now_ms, uint64_t settle_ms);

/*
 * The order of a ring, as memcmp() has it.  It is a total one, so that equal
 * sets are equal rings.  Slots of different rotations may begin together.
 */
int sss_key_cmp(const sss_key_t *a, const sss_key_t *b);

/*
 * 1 if a full ring keeps a rather than b.  Between equal ends the order of the
 * ring decides, so that full rings, too, merge to the same whatever comes
 * first.
 */
int sss_key_outlives(const sss_key_t *a, const sss_key_t *b);

/*
 * 1 if "key" is a later word on "known", which has the same name.  A key of
 * another slot is none that this cluster made.
 */
int sss_key_renews(const sss_key_t *key, const sss_key_t *known);

/* The slot of "now_ms". */
uint64_t sss_slot(uint32_t rotation, uint64_t now_ms);

/*
 * When a key of this slot is forgotten, in seconds since the epoch: the end
 * of the slot, and "retention" seconds more (the longest session timeout),
 * and half a rotation for clocks that differ, but at most SSS_KEY_LIFE after
 * the end of the slot.
 */
uint64_t sss_key_expiry(uint32_t rotation, uint64_t slot,
    uint32_t retention);

/* Makes a random key of a slot.  Returns 0, or -1 without randomness. */
int sss_key_generate(sss_key_t *key, uint32_t rotation, uint64_t slot,
    uint64_t now_ms, uint32_t retention);


#endif /* SSS_RING_H_INCLUDED */
