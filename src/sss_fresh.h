
/*
 * Keys that are due: that of the current slot if there is none, and that of
 * the next one from about the middle of the current slot on.
 *
 * A key that a host has made is fresh until a memcached server took it, or
 * none can: other hosts may have made another one meanwhile.
 */


#ifndef SSS_FRESH_H_INCLUDED
#define SSS_FRESH_H_INCLUDED


#include "sss_ring.h"
#include "sss_sync.h"


typedef struct {
    const sss_sync_conf_t  *conf;
    sss_ring_t             *ring;       /* the fresh keys                  */
    uint64_t                slot;       /* which "ahead" was chosen for    */
    uint64_t                ahead;      /* ms from the beginning of a slot
                                           until the next one's key is due */
    uint64_t                generated;  /* keys made here that were kept   */
} sss_fresh_t;


/* In zeroed memory.  Returns 0, or -1 without memory or randomness. */
int sss_fresh_create(sss_fresh_t *fresh, const sss_sync_conf_t *conf);
void sss_fresh_destroy(sss_fresh_t *fresh);

/*
 * Forgets what has expired, prolongs the life of keys to what this host needs,
 * and makes those that are due.  Returns 0, or -1 if a key of the current slot
 * is missing and cannot be made.
 */
int sss_fresh_make(sss_fresh_t *fresh, sss_ring_t *ring, uint64_t now_ms);

/* Forgets fresh keys of slots that have a key in "ring" meanwhile. */
void sss_fresh_drop(sss_fresh_t *fresh, const sss_ring_t *ring);

/* They are fresh no more. */
void sss_fresh_keep(sss_fresh_t *fresh, sss_ring_t *ring);

/* Keeps that of the current slot alone, without which one cannot go on. */
void sss_fresh_settle(sss_fresh_t *fresh, sss_ring_t *ring,
    uint64_t now_ms);

/*
 * How much longer than a rotation an epoch of a group lasts by the choice of
 * this host, ms: up to an eighth, so that of many hosts one is first.
 */
uint64_t sss_fresh_extra(const sss_fresh_t *fresh);


#endif /* SSS_FRESH_H_INCLUDED */
