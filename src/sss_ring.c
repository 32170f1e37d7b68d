
#include <string.h>

#include <openssl/rand.h>

#include "sss_memory.h"
#include "sss_ring.h"


static uint64_t sss_key_begin(const sss_key_t *key);
static int sss_key_stale(const sss_key_t *key, uint64_t now_ms);
static uint32_t sss_ring_place(const sss_ring_t *ring, const sss_key_t *key);
static uint32_t sss_ring_index(const sss_ring_t *ring, const sss_key_t *key);
static uint32_t sss_ring_weakest(const sss_ring_t *ring);
static void sss_ring_remove(sss_ring_t *ring, uint32_t i);


size_t
sss_ring_size(uint32_t capacity)
{
    return sizeof(sss_ring_t) + (size_t) capacity * sizeof(sss_key_t);
}


void
sss_ring_init(sss_ring_t *ring, uint32_t capacity)
{
    memset(ring, 0, sss_ring_size(capacity));

    ring->capacity = capacity;
}


sss_ring_t *
sss_ring_create(uint32_t capacity)
{
    sss_ring_t  *ring;

    ring = sss_memory_alloc(sss_ring_size(capacity));

    if (ring != NULL) {
        ring->capacity = capacity;
    }

    return ring;
}


void
sss_ring_destroy(sss_ring_t *ring)
{
    size_t  size;

    if (ring == NULL) {
        return;
    }

    size = sss_ring_size(ring->capacity);

    sss_ring_wipe(ring);
    sss_memory_free(ring, size);
}


void
sss_ring_wipe(sss_ring_t *ring)
{
    /* nothing is beyond the last key, since keys are wiped when removed */

    sss_memory_wipe(ring->keys, ring->n * sizeof(sss_key_t));

    ring->n = 0;
}


void
sss_ring_copy(sss_ring_t *dst, const sss_ring_t *src)
{
    if (dst == src) {
        return;
    }

    if (src->n > dst->capacity) {
        sss_ring_wipe(dst);
        (void) sss_ring_merge(dst, src);
        return;
    }

    memcpy(dst->keys, src->keys, src->n * sizeof(sss_key_t));

    if (dst->n > src->n) {
        sss_memory_wipe(&dst->keys[src->n],
                        (dst->n - src->n) * sizeof(sss_key_t));
    }

    dst->n = src->n;
}


int
sss_ring_add(sss_ring_t *ring, const sss_key_t *key)
{
    uint32_t  i, last;

    i = sss_ring_index(ring, key);

    if (i < ring->n) {

        if (!sss_key_renews(key, &ring->keys[i])) {
            return 0;
        }

        ring->keys[i].expires = key->expires;

        return 1;
    }

    if (ring->n == ring->capacity) {

        if (ring->n == 0) {
            return 0;
        }

        last = sss_ring_weakest(ring);

        if (sss_key_outlives(&ring->keys[last], key)) {
            return 0;
        }

        sss_ring_remove(ring, last);
    }

    i = sss_ring_place(ring, key);

    memmove(&ring->keys[i + 1], &ring->keys[i],
            (ring->n - i) * sizeof(sss_key_t));

    ring->keys[i] = *key;
    ring->keys[i].unused = 0;
    ring->n++;

    return 1;
}


unsigned
sss_ring_expire(sss_ring_t *ring, uint64_t now_ms)
{
    uint32_t  i, kept;
    unsigned  gone;

    kept = 0;

    for (i = 0; i < ring->n; i++) {

        if (sss_key_stale(&ring->keys[i], now_ms)) {
            continue;
        }

        if (kept != i) {
            ring->keys[kept] = ring->keys[i];
        }

        kept++;
    }

    gone = ring->n - kept;

    sss_memory_wipe(&ring->keys[kept], gone * sizeof(sss_key_t));

    ring->n = kept;

    return gone;
}


int
sss_ring_covers(const sss_ring_t *ring, const sss_ring_t *part)
{
    uint32_t          i, k, next;
    const sss_key_t  *key;

    next = 0;

    for (i = 0; i < part->n; i++) {
        key = &part->keys[i];

        /*
         * Both rings are sorted alike, so that a key is nearly always found at
         * the next place.  sss_ring_index() searches the whole ring.
         */

        while (next < ring->n && sss_key_cmp(&ring->keys[next], key) < 0) {
            next++;
        }

        k = next;

        if (k == ring->n || sss_key_cmp(&ring->keys[k], key) != 0) {
            k = sss_ring_index(ring, key);
        }

        if (k == ring->n || sss_key_renews(key, &ring->keys[k])) {
            return 0;
        }
    }

    return 1;
}


const sss_key_t *
sss_ring_find(const sss_ring_t *ring, const uint8_t *name)
{
    uint32_t  i;

    for (i = 0; i < ring->n; i++) {
        if (memcmp(ring->keys[i].name, name, SSS_KEY_NAME) == 0) {
            return &ring->keys[i];
        }
    }

    return NULL;
}


const sss_key_t *
sss_ring_slot(const sss_ring_t *ring, uint32_t rotation, uint64_t slot)
{
    uint32_t          i;
    const sss_key_t  *key;

    for (i = 0; i < ring->n; i++) {
        key = &ring->keys[i];

        if (key->slot == slot && key->rotation == rotation) {
            return key;
        }
    }

    return NULL;
}


const sss_key_t *
sss_ring_encrypting(const sss_ring_t *ring, uint32_t rotation,
    uint64_t now_ms)
{
    uint32_t          i;
    const sss_key_t  *key;

    key = sss_ring_slot(ring, rotation, sss_slot(rotation, now_ms));
    if (key != NULL) {
        return key;
    }

    for (i = 0; i < ring->n; i++) {
        if (sss_key_begin(&ring->keys[i]) <= now_ms / 1000) {
            return &ring->keys[i];
        }
    }

    if (ring->n == 0) {
        return NULL;
    }

    /*
     * No slot has begun.  The last key is of the slot that begins next, and
     * the first key of that slot is the one that encrypts.
     */

    key = &ring->keys[ring->n - 1];

    return sss_ring_slot(ring, key->rotation, key->slot);
}


const sss_key_t *
sss_ring_settled(const sss_ring_t *ring, uint32_t rotation, uint64_t now_ms,
    uint64_t settle_ms)
{
    uint32_t          i;
    const sss_key_t  *key, *other;

    key = sss_ring_encrypting(ring, rotation, now_ms);

    if (key == NULL || key->learned + settle_ms <= now_ms) {
        return key;
    }

    for (i = 0; i < ring->n; i++) {
        other = &ring->keys[i];

        if (sss_key_begin(other) > now_ms / 1000
            || (sss_key_begin(other) + other->rotation) * 1000 + settle_ms
               <= now_ms)
        {
            continue;
        }

        if (other->learned + settle_ms <= now_ms) {
            return other;
        }

        /* no key is old enough so far: remember the one learned first */

        if (other->learned < key->learned) {
            key = other;
        }
    }

    return key;
}


uint64_t
sss_slot(uint32_t rotation, uint64_t now_ms)
{
    return now_ms / 1000 / rotation;
}


uint64_t
sss_key_expiry(uint32_t rotation, uint64_t slot, uint32_t retention)
{
    uint64_t  life;

    life = (uint64_t) retention + rotation / 2 + rotation % 2;

    if (life > SSS_KEY_LIFE) {
        life = SSS_KEY_LIFE;
    }

    return (slot + 1) * rotation + life;
}


int
sss_key_generate(sss_key_t *key, uint32_t rotation, uint64_t slot,
    uint64_t now_ms, uint32_t retention)
{
    memset(key, 0, sizeof(sss_key_t));

    if (RAND_bytes(key->name, sizeof(key->name)) != 1
        || RAND_priv_bytes(key->aes, sizeof(key->aes)) != 1
        || RAND_priv_bytes(key->hmac, sizeof(key->hmac)) != 1)
    {
        sss_memory_wipe(key, sizeof(sss_key_t));
        return -1;
    }

    key->slot = slot;
    key->rotation = rotation;
    key->created = now_ms;
    key->expires = sss_key_expiry(rotation, slot, retention);

    return 0;
}


int
sss_key_renews(const sss_key_t *key, const sss_key_t *known)
{
    return key->slot == known->slot && key->rotation == known->rotation
           && key->expires > known->expires;
}


int
sss_key_cmp(const sss_key_t *a, const sss_key_t *b)
{
    uint64_t  a_begin, b_begin;

    a_begin = sss_key_begin(a);
    b_begin = sss_key_begin(b);

    if (a_begin != b_begin) {
        return a_begin > b_begin ? -1 : 1;
    }

    if (a->rotation != b->rotation) {
        return a->rotation < b->rotation ? -1 : 1;
    }

    if (a->created != b->created) {
        return a->created < b->created ? -1 : 1;
    }

    return memcmp(a->name, b->name, SSS_KEY_NAME);
}


int
sss_key_outlives(const sss_key_t *a, const sss_key_t *b)
{
    if (a->expires != b->expires) {
        return a->expires > b->expires;
    }

    return sss_key_cmp(a, b) < 0;
}


static uint64_t
sss_key_begin(const sss_key_t *key)
{
    return key->slot * key->rotation;
}


static int
sss_key_stale(const sss_key_t *key, uint64_t now_ms)
{
    uint64_t  begin, now;

    now = now_ms / 1000;

    if (key->expires <= now) {
        return 1;
    }

    begin = sss_key_begin(key);

    return begin > now && begin - now > 2 * (uint64_t) key->rotation;
}


/* The index at which a key is, or at which it would be inserted. */

static uint32_t
sss_ring_place(const sss_ring_t *ring, const sss_key_t *key)
{
    uint32_t  low, high, middle;

    low = 0;
    high = ring->n;

    while (low < high) {
        middle = low + (high - low) / 2;

        if (sss_key_cmp(&ring->keys[middle], key) < 0) {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    return low;
}


/*
 * The index of the key with the same name, or ring->n.  A key that is in the
 * ring is nearly always where the order puts it, so that the whole ring is
 * searched for new keys only.
 */

static uint32_t
sss_ring_index(const sss_ring_t *ring, const sss_key_t *key)
{
    uint32_t          i;
    const sss_key_t  *same;

    i = sss_ring_place(ring, key);

    if (i < ring->n
        && memcmp(ring->keys[i].name, key->name, SSS_KEY_NAME) == 0)
    {
        return i;
    }

    same = sss_ring_find(ring, key->name);

    return same == NULL ? ring->n : (uint32_t) (same - ring->keys);
}


static uint32_t
sss_ring_weakest(const sss_ring_t *ring)
{
    uint32_t  i, weakest;

    weakest = 0;

    for (i = 1; i < ring->n; i++) {
        if (ring->keys[i].expires <= ring->keys[weakest].expires) {
            weakest = i;
        }
    }

    return weakest;
}


static void
sss_ring_remove(sss_ring_t *ring, uint32_t i)
{
    ring->n--;

    memmove(&ring->keys[i], &ring->keys[i + 1],
            (ring->n - i) * sizeof(sss_key_t));

    sss_memory_wipe(&ring->keys[ring->n], sizeof(sss_key_t));
}
