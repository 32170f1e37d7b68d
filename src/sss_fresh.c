
#include <string.h>

#include <openssl/rand.h>

#include "sss_fresh.h"
#include "sss_memory.h"


#define SSS_FRESH_KEYS  2               /* keys due at once                */


static int sss_fresh_draw(sss_fresh_t *fresh, uint64_t slot);
static void sss_fresh_prolong(const sss_fresh_t *fresh, sss_ring_t *ring);
static int sss_fresh_key(sss_fresh_t *fresh, const sss_ring_t *ring,
    uint64_t slot, uint64_t now_ms);


int
sss_fresh_create(sss_fresh_t *fresh, const sss_sync_conf_t *conf)
{
    fresh->conf = conf;
    fresh->ring = sss_ring_create(SSS_FRESH_KEYS);

    return fresh->ring == NULL ? -1 : sss_fresh_draw(fresh, 0);
}


void
sss_fresh_destroy(sss_fresh_t *fresh)
{
    sss_ring_destroy(fresh->ring);
}


int
sss_fresh_make(sss_fresh_t *fresh, sss_ring_t *ring, uint64_t now_ms)
{
    uint32_t  rotation;
    uint64_t  slot;

    rotation = fresh->conf->rotation;
    slot = sss_slot(rotation, now_ms);

    (void) sss_ring_expire(ring, now_ms);
    sss_fresh_prolong(fresh, ring);

    if (slot != fresh->slot) {
        (void) sss_fresh_draw(fresh, slot);
    }

    if (sss_fresh_key(fresh, ring, slot, now_ms) != 0) {
        return -1;
    }

    if (now_ms - slot * rotation * 1000 >= fresh->ahead) {
        (void) sss_fresh_key(fresh, ring, slot + 1, now_ms);
    }

    return 0;
}


void
sss_fresh_drop(sss_fresh_t *fresh, const sss_ring_t *ring)
{
    uint32_t          i, n;
    sss_key_t         kept[SSS_FRESH_KEYS];
    const sss_key_t  *key;

    n = 0;

    for (i = 0; i < fresh->ring->n; i++) {
        key = &fresh->ring->keys[i];

        if (sss_ring_slot(ring, key->rotation, key->slot) == NULL) {
            kept[n++] = *key;
        }
    }

    sss_ring_wipe(fresh->ring);

    for (i = 0; i < n; i++) {
        (void) sss_ring_add(fresh->ring, &kept[i]);
    }

    sss_memory_wipe(kept, sizeof(kept));
}


void
sss_fresh_keep(sss_fresh_t *fresh, sss_ring_t *ring)
{
    fresh->generated += sss_ring_merge(ring, fresh->ring);

    sss_ring_wipe(fresh->ring);
}


void
sss_fresh_settle(sss_fresh_t *fresh, sss_ring_t *ring, uint64_t now_ms)
{
    const sss_key_t  *key;

    key = sss_ring_slot(fresh->ring, fresh->conf->rotation,
                        sss_slot(fresh->conf->rotation, now_ms));

    if (key != NULL && sss_ring_add(ring, key)) {
        fresh->generated++;
    }

    sss_ring_wipe(fresh->ring);
}


uint64_t
sss_fresh_extra(const sss_fresh_t *fresh)
{
    return fresh->ahead - (uint64_t) fresh->conf->rotation * 500;
}


/*
 * The next slot's key is due somewhere between a half and five eighths of a
 * slot, so that of many hosts one is first.
 */

static int
sss_fresh_draw(sss_fresh_t *fresh, uint64_t slot)
{
    uint32_t  jitter;
    uint64_t  rotation_ms;

    if (RAND_bytes((unsigned char *) &jitter, sizeof(jitter)) != 1) {
        return -1;
    }

    rotation_ms = (uint64_t) fresh->conf->rotation * 1000;

    fresh->slot = slot;
    fresh->ahead = rotation_ms / 2 + jitter % (rotation_ms / 8 + 1);

    return 0;
}


/* The longest session timeout of all hosts decides how long keys live. */

static void
sss_fresh_prolong(const sss_fresh_t *fresh, sss_ring_t *ring)
{
    uint32_t    i;
    uint64_t    expires;
    sss_key_t  *key;

    for (i = 0; i < ring->n; i++) {
        key = &ring->keys[i];

        expires = sss_key_expiry(key->rotation, key->slot,
                                 fresh->conf->retention);

        if (expires > key->expires) {
            key->expires = expires;
        }
    }
}


static int
sss_fresh_key(sss_fresh_t *fresh, const sss_ring_t *ring, uint64_t slot,
    uint64_t now_ms)
{
    int        rc;
    sss_key_t  key;

    if (sss_ring_slot(ring, fresh->conf->rotation, slot) != NULL) {
        return 0;
    }

    rc = sss_key_generate(&key, fresh->conf->rotation, slot, now_ms,
                          fresh->conf->retention);
    if (rc == 0) {
        (void) sss_ring_add(fresh->ring, &key);
    }

    sss_memory_wipe(&key, sizeof(sss_key_t));

    return rc;
}
