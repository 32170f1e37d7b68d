
/*
 * The key ring: a set of STEKs.  Keys are added, and leave it only when they
 * expire.  Two rings merge by union, so that hosts need no leader.
 *
 * Time is divided into slots of "rotation" seconds: slot n begins n * rotation
 * seconds after the epoch.  Each key belongs to one slot, during which the
 * hosts with this rotation encrypt with it.  Keys with another rotation, from
 * before the configuration was changed or from a host where it was not changed
 * yet, still decrypt.
 *
 * Keys are sorted: those whose slot begins latest are first, and within a slot
 * the one with the smallest (created, name), which is the one that encrypts.
 */


#ifndef SSS_RING_H_INCLUDED
#define SSS_RING_H_INCLUDED


#include <stddef.h>
#include <stdint.h>


#define SSS_KEY_NAME  16
#define SSS_KEY_LIFE  (400 * 86400)     /* a key expires at most so many
                                           seconds after its slot has ended */


/* A STEK. */

typedef struct {
    uint64_t  slot;
    uint64_t  created;          /* milliseconds since the epoch           */
    uint64_t  expires;          /* when it is wiped, seconds since the
                                   epoch                                  */
    uint64_t  learned;          /* when this host got it from another one,
                                   milliseconds since the epoch; 0: unknown.
                                   Not sent to other hosts                */
    uint32_t  rotation;         /* seconds, never 0                       */
    uint32_t  unused;           /* 0                                      */
    uint8_t   name[SSS_KEY_NAME];       /* first bytes of its tickets     */
    uint8_t   aes[32];          /* AES-256-CBC                            */
    uint8_t   hmac[32];         /* HMAC-SHA256                            */
} sss_key_t;


typedef struct {
    uint32_t   n;
    uint32_t   capacity;
    sss_key_t  keys[];
} sss_ring_t;


/* The size in bytes of a ring with room for "capacity" keys. */
size_t sss_ring_size(uint32_t capacity);

/* Makes an empty ring in sss_ring_size(capacity) bytes of the caller's. */
void sss_ring_init(sss_ring_t *ring, uint32_t capacity);

/*
 * Returns an empty ring in memory of sss_memory_alloc(), or NULL without
 * memory.  The system provides pages only for as many keys as are in it.
 */
sss_ring_t *sss_ring_create(uint32_t capacity);

/* Wipes the ring and gives its memory back.  Does nothing for NULL. */
void sss_ring_destroy(sss_ring_t *ring);

/* Wipes all keys; the ring is empty then. */
void sss_ring_wipe(sss_ring_t *ring);

/*
 * Replaces the keys of "dst" by those of "src"; the capacity of "dst" stays.
 * If there is not enough room, the keys that expire first are left out.
 */
void sss_ring_copy(sss_ring_t *dst, const sss_ring_t *src);

/*
 * Adds a copy of a key.  If the ring has a key with this name and slot, its
 * "expires" becomes the later one of both.  A full ring drops the key that
 * expires first, which may be the new one.  Returns 1 if the ring has changed,
 * else 0.
 */
int sss_ring_add(sss_ring_t *ring, const sss_key_t *key);

/*
 * Makes "dst" the union of both, as if all keys of "src" were added one by
 * one, but in time that grows with the number of keys and not with its square,
 * as long as there is memory for that.  Returns the number of keys that were
 * added or changed.
 */
unsigned sss_ring_merge(sss_ring_t *dst, const sss_ring_t *src);

/* The same, and sets "learned" of keys that are added to "now_ms". */
unsigned sss_ring_learn(sss_ring_t *dst, const sss_ring_t *src,
    uint64_t now_ms);

/*
 * The same with "n" keys in any order.  If "learned" is not 0, keys that are
 * added get it as their "learned".
 */
unsigned sss_ring_absorb(sss_ring_t *ring, const sss_key_t *keys, uint32_t n,
    uint64_t learned);

/*
 * Wipes and removes the keys that have expired at "now_ms" (milliseconds since
 * the epoch), and those whose slot begins more than two of their rotations
 * later: no host with a working clock makes one.  Returns their number.
 */
unsigned sss_ring_expire(sss_ring_t *ring, uint64_t now_ms);

/*
 * 1 if "ring" has every key of "part", with the same or a later "expires", so
 * that merging "part" into it would change nothing; else 0.
 */
int sss_ring_covers(const sss_ring_t *ring, const sss_ring_t *part);

/*
 * The functions below return a pointer into the ring, or NULL if it has no
 * such key.
 */

/* The key with this name (SSS_KEY_NAME bytes). */
const sss_key_t *sss_ring_find(const sss_ring_t *ring, const uint8_t *name);

/* The key that encrypts in this slot of this rotation. */
const sss_key_t *sss_ring_slot(const sss_ring_t *ring, uint32_t rotation,
    uint64_t slot);

/*
 * The key that encrypts at "now_ms": that of the current slot; if there is
 * none, the one whose slot has begun last; if no slot has begun, that of the
 * next one.  NULL for an empty ring.
 */
const sss_key_t *sss_ring_encrypting(const sss_ring_t *ring,
    uint32_t rotation, uint64_t now_ms);

/*
 * The same, but a key that this host has learned less than "settle_ms" ago is
 * avoided, since other hosts may not have it yet.  Another key is returned
 * instead, if there is one that was learned before and whose slot has begun
 * and did not end more than "settle_ms" ago.  That happens while the rotation
 * is changed host by host, when the ring had run out of keys, and when two
 * halves of a cluster meet again.  If all keys are that new, the one that was
 * learned first is returned.
 */
const sss_key_t *sss_ring_settled(const sss_ring_t *ring, uint32_t rotation,
    uint64_t now_ms, uint64_t settle_ms);

/*
 * The order of the keys in a ring; the result is like that of memcmp().  The
 * order is total, so that equal sets of keys make equal rings, even if slots
 * of different rotations begin at the same time.
 */
int sss_key_cmp(const sss_key_t *a, const sss_key_t *b);

/*
 * 1 if a full ring keeps "a" rather than "b", which is the one that expires
 * later, and of two that expire together the first one in the order of the
 * ring.  So full rings merge to the same result in whatever order.
 */
int sss_key_outlives(const sss_key_t *a, const sss_key_t *b);

/*
 * 1 if "key", which has the name of "known", extends its "expires"; else 0.  A
 * key of the same name in another slot does not: names are random, so no host
 * has made it.
 */
int sss_key_renews(const sss_key_t *key, const sss_key_t *known);

/* The number of the slot that "now_ms" is in. */
uint64_t sss_slot(uint32_t rotation, uint64_t now_ms);

/*
 * When a key of this slot expires, in seconds since the epoch: "retention"
 * seconds (the longest session timeout) and half a rotation, for clocks that
 * differ, after the end of the slot, but at most SSS_KEY_LIFE after it.
 */
uint64_t sss_key_expiry(uint32_t rotation, uint64_t slot,
    uint32_t retention);

/*
 * Makes a random key for a slot, created at "now_ms".  Returns 0, or -1 if
 * OpenSSL has no random bytes.
 */
int sss_key_generate(sss_key_t *key, uint32_t rotation, uint64_t slot,
    uint64_t now_ms, uint32_t retention);


#endif /* SSS_RING_H_INCLUDED */
