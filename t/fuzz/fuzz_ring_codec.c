
/*
 * The first byte is the capacity of a ring, the next eight are a time.  The
 * rest is an encoded ring: even one that was sealed with the right secret is
 * not trusted.
 */

#include "fuzz.h"

#include "sss_ring_codec.h"


#define BEFORE  2       /* keys that are in the ring already */


static sss_ring_t *new_ring(uint32_t capacity);
static void add_own(sss_ring_t *ring);
static void check_order(const sss_ring_t *ring);
static void check_round_trip(const sss_ring_t *ring);
static void check_use(sss_ring_t *ring, uint64_t now_ms);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t       i;
    uint64_t     now_ms;
    sss_ring_t  *ring, *before;

    if (size < 9) {
        return 0;
    }

    ring = new_ring(data[0] % 32);
    before = new_ring(ring->capacity);
    now_ms = 0;

    for (i = 1; i < 9; i++) {
        now_ms = now_ms << 8 | data[i];
    }

    data += 9;
    size -= 9;

    add_own(ring);
    sss_ring_copy(before, ring);

    if (sss_ring_decode(ring, data, size) != 0) {
        fuzz_check(memcmp(ring, before, sss_ring_size(ring->capacity)) == 0);

    } else {
        fuzz_check(size >= SSS_RING_CODEC_HEADER && data[0] == 1);
        fuzz_check(ring->n <= BEFORE + (size - SSS_RING_CODEC_HEADER)
                                       / SSS_RING_CODEC_KEY);
        fuzz_check(ring->n >= before->n);

        check_order(ring);
        check_round_trip(ring);
        check_use(ring, now_ms);
    }

    free(ring);
    free(before);

    return 0;
}


static sss_ring_t *
new_ring(uint32_t capacity)
{
    sss_ring_t  *ring;

    ring = malloc(sss_ring_size(capacity));
    fuzz_check(ring != NULL);

    sss_ring_init(ring, capacity);

    return ring;
}


static void
add_own(sss_ring_t *ring)
{
    uint32_t   i;
    sss_key_t  key;

    for (i = 0; i < BEFORE; i++) {
        memset(&key, (int) i + 1, sizeof(key));

        key.rotation = 3600;
        key.slot = 497222 + i;
        key.created = 1790000000000u;
        key.learned = 0;
        key.expires = sss_key_expiry(key.rotation, key.slot, 300);

        (void) sss_ring_add(ring, &key);
    }
}


static void
check_order(const sss_ring_t *ring)
{
    uint32_t          i, k;
    const sss_key_t  *a, *b;

    fuzz_check(ring->n <= ring->capacity);
    fuzz_check(fuzz_zero(&ring->keys[ring->n],
                         (ring->capacity - ring->n) * sizeof(sss_key_t)));

    for (i = 0; i < ring->n; i++) {
        b = &ring->keys[i];

        fuzz_check(b->rotation > 0 && b->unused == 0);
        fuzz_check(b->slot < UINT64_MAX / 1000 / b->rotation - 1);
        fuzz_check(b->expires >= (b->slot + 1) * b->rotation);
        fuzz_check(b->expires - (b->slot + 1) * b->rotation <= SSS_KEY_LIFE);
        fuzz_check(sss_ring_find(ring, b->name) == b);

        for (k = 0; k < i; k++) {
            a = &ring->keys[k];

            fuzz_check(a->slot * a->rotation >= b->slot * b->rotation);

            if (a->slot != b->slot || a->rotation != b->rotation) {
                continue;
            }

            fuzz_check(a->created < b->created
                       || (a->created == b->created
                           && memcmp(a->name, b->name, SSS_KEY_NAME) < 0));
        }
    }
}


static void
check_round_trip(const sss_ring_t *ring)
{
    size_t       len;
    uint8_t     *out, *again;
    sss_ring_t  *copy;

    len = sss_ring_encoded_size(ring->n);
    out = malloc(len);
    again = malloc(len);
    copy = new_ring(ring->capacity);
    fuzz_check(out != NULL && again != NULL);

    sss_ring_encode(ring, out);
    fuzz_check(sss_ring_decode(copy, out, len) == 0);
    fuzz_check(memcmp(copy, ring, sss_ring_size(ring->capacity)) == 0);

    sss_ring_encode(copy, again);
    fuzz_check(memcmp(out, again, len) == 0);

    fuzz_check(sss_ring_covers(copy, ring));
    fuzz_check(sss_ring_merge(copy, ring) == 0);

    free(out);
    free(again);
    free(copy);
}


static void
check_use(sss_ring_t *ring, uint64_t now_ms)
{
    uint32_t          i, before;
    uint64_t          begin, now;
    const sss_key_t  *key;

    before = ring->n;
    now = now_ms / 1000;

    fuzz_check(sss_ring_expire(ring, now_ms) == before - ring->n);
    fuzz_check(sss_ring_expire(ring, now_ms) == 0);

    check_order(ring);

    for (i = 0; i < ring->n; i++) {
        key = &ring->keys[i];
        begin = key->slot * key->rotation;

        fuzz_check(key->expires > now);
        fuzz_check(begin <= now || begin - now <= 2ull * key->rotation);

        /* each slot has one key that encrypts, its first one */

        key = sss_ring_slot(ring, key->rotation, key->slot);
        fuzz_check(key != NULL && key <= &ring->keys[i]);
    }

    key = sss_ring_encrypting(ring, 3600, now_ms);
    fuzz_check((key == NULL) == (ring->n == 0));

    if (key != NULL) {
        fuzz_check(key == sss_ring_slot(ring, key->rotation, key->slot));
    }
}
