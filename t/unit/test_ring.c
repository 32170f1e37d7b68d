
#define _GNU_SOURCE

#include "unit.h"
#include "unit_openssl.h"

#include "sss_ring.h"


#define ROUNDS  300


/* Checks that a ring is sorted, has no name twice, and is wiped elsewhere. */

static void
assert_ring(const sss_ring_t *ring)
{
    uint32_t          i, k;
    const sss_key_t  *a, *b;

    assert_true(ring->n <= ring->capacity);

    for (i = 1; i < ring->n; i++) {
        a = &ring->keys[i - 1];
        b = &ring->keys[i];

        if (a->slot * a->rotation == b->slot * b->rotation) {

            if (a->rotation == b->rotation) {
                assert_true(a->created < b->created
                            || (a->created == b->created
                                && memcmp(a->name, b->name, SSS_KEY_NAME)
                                   < 0));
            }

        } else {
            assert_true(a->slot * a->rotation > b->slot * b->rotation);
        }

        for (k = 0; k < i; k++) {
            assert_memory_not_equal(ring->keys[k].name, b->name,
                                    SSS_KEY_NAME);
        }
    }

    assert_true(unit_zero(&ring->keys[ring->n],
                          (ring->capacity - ring->n) * sizeof(sss_key_t)));
}


/* Makes a key whose bytes follow from "id", except for "expires". */

static sss_key_t
make_key(uint64_t id, uint32_t rotation, uint64_t slot, uint64_t created,
    uint64_t expires)
{
    uint64_t   seed;
    sss_key_t  key;

    memset(&key, 0, sizeof(sss_key_t));

    key.rotation = rotation;
    key.slot = slot;
    key.created = created;
    key.expires = expires;

    seed = id + 1;

    unit_random_bytes(&seed, key.name, sizeof(key.name));
    unit_random_bytes(&seed, key.aes, sizeof(key.aes));
    unit_random_bytes(&seed, key.hmac, sizeof(key.hmac));

    return key;
}


/*
 * One of a few hundred keys, with few different slots, times of creation and
 * of expiry, so that all kinds of ties happen.
 */

static sss_key_t
some_key(uint64_t *seed)
{
    uint64_t  id;
    uint32_t  rotation;

    id = unit_random(seed) % 200;
    rotation = (id % 7 == 0) ? 20 : 10;

    return make_key(id, rotation, 100 / (rotation / 10) + id % 6, id % 3,
                    2000 + unit_random(seed) % 5 * 10);
}


static sss_ring_t *
new_ring(uint32_t capacity)
{
    sss_ring_t  *ring;

    ring = test_malloc(sss_ring_size(capacity));

    memset(ring, 0xa5, sss_ring_size(capacity));
    sss_ring_init(ring, capacity);

    return ring;
}


static sss_ring_t *
some_ring(uint64_t *seed, uint32_t capacity, unsigned n)
{
    sss_key_t    key;
    sss_ring_t  *ring;

    ring = new_ring(capacity);

    while (n-- > 0) {
        key = some_key(seed);
        (void) sss_ring_add(ring, &key);
    }

    assert_ring(ring);

    return ring;
}


static sss_ring_t *
union_of(const sss_ring_t *a, const sss_ring_t *b)
{
    sss_ring_t  *ring;

    ring = new_ring(a->capacity);

    sss_ring_copy(ring, a);
    (void) sss_ring_merge(ring, b);

    assert_ring(ring);

    return ring;
}


static void
assert_same(const sss_ring_t *a, const sss_ring_t *b)
{
    assert_int_equal(a->n, b->n);
    assert_memory_equal(a->keys, b->keys, a->n * sizeof(sss_key_t));
}


static void
test_init(void **state)
{
    sss_ring_t  *ring;

    (void) state;

    assert_int_equal(sss_ring_size(0), sizeof(sss_ring_t));
    assert_int_equal(sss_ring_size(10) - sss_ring_size(9),
                     sizeof(sss_key_t));

    ring = new_ring(7);

    assert_int_equal(ring->n, 0);
    assert_int_equal(ring->capacity, 7);
    assert_ring(ring);

    assert_null(sss_ring_find(ring, (const uint8_t *) "0123456789abcdef"));
    assert_null(sss_ring_slot(ring, 10, 0));
    assert_null(sss_ring_encrypting(ring, 10, 0));
    assert_int_equal(sss_ring_expire(ring, UINT64_MAX), 0);

    test_free(ring);
}


static void
test_add(void **state)
{
    uint8_t           name[SSS_KEY_NAME];
    sss_key_t         key;
    sss_ring_t       *ring;
    const sss_key_t  *found;

    (void) state;

    ring = new_ring(4);

    key = make_key(1, 10, 100, 5, 2000);
    key.unused = 7;
    assert_int_equal(sss_ring_add(ring, &key), 1);
    assert_int_equal(sss_ring_add(ring, &key), 0);
    assert_int_equal(ring->n, 1);
    assert_int_equal(ring->keys[0].unused, 0);

    /* same name and slot: the later "expires" is kept, all else stays */

    key.expires = 1999;
    assert_int_equal(sss_ring_add(ring, &key), 0);
    assert_int_equal(ring->keys[0].expires, 2000);

    key.expires = 2001;
    assert_int_equal(sss_ring_add(ring, &key), 1);
    assert_int_equal(ring->keys[0].expires, 2001);

    key.slot = 101;
    key.expires = 2003;
    assert_int_equal(sss_ring_add(ring, &key), 0);
    assert_int_equal(ring->keys[0].expires, 2001);
    assert_int_equal(ring->keys[0].created, 5);
    assert_int_equal(ring->keys[0].slot, 100);

    memcpy(name, key.name, SSS_KEY_NAME);

    key = make_key(2, 10, 101, 5, 2010);
    assert_int_equal(sss_ring_add(ring, &key), 1);
    assert_memory_equal(&ring->keys[0], &key, sizeof(key));
    assert_ring(ring);

    found = sss_ring_find(ring, name);
    assert_ptr_equal(found, &ring->keys[1]);

    /* keys are the same if their names are, wherever they would be sorted */

    key = ring->keys[1];
    key.created = 4;
    key.expires = 2020;
    assert_int_equal(sss_ring_add(ring, &key), 1);
    assert_int_equal(ring->n, 2);
    assert_int_equal(ring->keys[1].created, 5);
    assert_int_equal(ring->keys[1].expires, 2020);

    name[SSS_KEY_NAME - 1] ^= 1;
    assert_null(sss_ring_find(ring, name));

    test_free(ring);
}


static void
test_order(void **state)
{
    size_t       i, k, n;
    uint64_t     seed;
    sss_key_t    key[6], swap;
    sss_ring_t  *ring;

    (void) state;

    key[0] = make_key(1, 10, 103, 9, 2000);
    key[1] = make_key(2, 10, 102, 4, 2000);
    key[2] = make_key(3, 10, 102, 5, 2000);
    key[3] = make_key(4, 10, 102, 5, 2000);
    key[4] = make_key(5, 20, 51, 1, 2000);
    key[5] = make_key(6, 10, 101, 1, 2000);

    if (memcmp(key[2].name, key[3].name, SSS_KEY_NAME) > 0) {
        swap = key[2];
        key[2] = key[3];
        key[3] = swap;
    }

    seed = 3;

    for (n = 0; n < ROUNDS; n++) {
        ring = new_ring(10);

        while (ring->n < 6) {
            (void) sss_ring_add(ring, &key[unit_random(&seed) % 6]);
        }

        for (i = 0; i < 6; i++) {
            assert_memory_equal(&ring->keys[i], &key[i], sizeof(sss_key_t));
        }

        for (k = 0; k < 6; k++) {
            assert_ptr_equal(sss_ring_find(ring, key[k].name),
                             &ring->keys[k]);
        }

        test_free(ring);
    }
}


static void
test_union(void **state)
{
    int          covers;
    size_t       round;
    uint32_t     capacity;
    uint64_t     seed;
    sss_ring_t  *a, *b, *c, *ab, *ba, *bc, *ab_c, *a_bc, *aa;

    static const uint32_t  capacities[] = { 500, 40, 7, 1, 0 };

    (void) state;

    seed = 11;

    for (round = 0; round < ROUNDS; round++) {
        capacity = capacities[round % unit_count(capacities)];

        a = some_ring(&seed, capacity, unit_random(&seed) % 60);
        b = some_ring(&seed, capacity, unit_random(&seed) % 60);
        c = some_ring(&seed, capacity, unit_random(&seed) % 60);

        ab = union_of(a, b);
        ba = union_of(b, a);
        assert_same(ab, ba);

        bc = union_of(b, c);
        ab_c = union_of(ab, c);
        a_bc = union_of(a, bc);
        assert_same(ab_c, a_bc);

        aa = union_of(a, a);
        assert_same(aa, a);
        assert_int_equal(sss_ring_merge(ab_c, a), 0);
        assert_int_equal(sss_ring_merge(ab_c, ab), 0);
        assert_int_equal(sss_ring_merge(ab_c, ab_c), 0);
        assert_same(ab_c, a_bc);

        if (capacity == 500) {
            assert_int_equal(sss_ring_covers(ab, a), 1);
            assert_int_equal(sss_ring_covers(ab, b), 1);

            covers = sss_ring_covers(a, ab);
            assert_int_equal(sss_ring_merge(a, b) == 0, covers);
        }

        test_free(a);
        test_free(b);
        test_free(c);
        test_free(ab);
        test_free(ba);
        test_free(bc);
        test_free(ab_c);
        test_free(a_bc);
        test_free(aa);
    }
}


/* Compares a merge with the simplest way to make a union. */

static void
test_union_is_complete(void **state)
{
    size_t            round;
    uint32_t          i, count;
    uint64_t          seed;
    unsigned          changed, expected;
    sss_ring_t       *a, *b, *ab;
    const sss_key_t  *in_a, *in_b, *key;

    (void) state;

    seed = 17;

    for (round = 0; round < ROUNDS; round++) {
        a = some_ring(&seed, 300, 50);
        b = some_ring(&seed, 300, 50);

        ab = new_ring(300);
        sss_ring_copy(ab, a);
        changed = sss_ring_merge(ab, b);
        expected = 0;
        count = a->n;

        for (i = 0; i < b->n; i++) {
            in_a = sss_ring_find(a, b->keys[i].name);

            if (in_a == NULL) {
                count++;
                expected++;

            } else if (in_a->expires < b->keys[i].expires) {
                expected++;
            }
        }

        assert_int_equal(ab->n, count);
        assert_int_equal(changed, expected);

        for (i = 0; i < ab->n; i++) {
            key = &ab->keys[i];
            in_a = sss_ring_find(a, key->name);
            in_b = sss_ring_find(b, key->name);

            assert_true(in_a != NULL || in_b != NULL);
            assert_true((in_a != NULL && in_a->expires == key->expires)
                        || (in_b != NULL && in_b->expires == key->expires));
            assert_true(in_a == NULL || in_a->expires <= key->expires);
            assert_true(in_b == NULL || in_b->expires <= key->expires);
            assert_memory_equal(key->aes, (in_a ? in_a : in_b)->aes, 32);
            assert_memory_equal(key->hmac, (in_a ? in_a : in_b)->hmac, 32);
        }

        test_free(a);
        test_free(b);
        test_free(ab);
    }
}


static void
test_full(void **state)
{
    sss_key_t    key;
    sss_ring_t  *ring;

    (void) state;

    ring = new_ring(3);

    key = make_key(1, 10, 101, 1, 2010);
    assert_int_equal(sss_ring_add(ring, &key), 1);
    key = make_key(2, 10, 102, 1, 2020);
    assert_int_equal(sss_ring_add(ring, &key), 1);
    key = make_key(3, 10, 103, 1, 2030);
    assert_int_equal(sss_ring_add(ring, &key), 1);

    /* expires before all others */

    key = make_key(4, 10, 104, 1, 2009);
    assert_int_equal(sss_ring_add(ring, &key), 0);
    assert_int_equal(ring->n, 3);
    assert_null(sss_ring_find(ring, key.name));

    /* takes the place of the first to expire */

    key = make_key(5, 10, 100, 1, 2015);
    assert_int_equal(sss_ring_add(ring, &key), 1);
    assert_int_equal(ring->n, 3);
    assert_non_null(sss_ring_find(ring, key.name));
    assert_null(sss_ring_slot(ring, 10, 101));
    assert_ring(ring);

    /* a key that is in the ring can still be extended */

    key.expires = 2040;
    assert_int_equal(sss_ring_add(ring, &key), 1);

    key = make_key(6, 10, 104, 1, 2040);
    assert_int_equal(sss_ring_add(ring, &key), 1);
    assert_null(sss_ring_slot(ring, 10, 102));
    assert_ring(ring);

    /* of two keys with the same slot and end, the one that encrypts stays */

    key = make_key(7, 10, 104, 0, 2040);
    assert_int_equal(sss_ring_add(ring, &key), 1);
    assert_null(sss_ring_slot(ring, 10, 103));

    key = make_key(8, 10, 104, 2, 2040);
    assert_int_equal(sss_ring_add(ring, &key), 1);
    assert_null(sss_ring_slot(ring, 10, 100));
    assert_ring(ring);

    key = make_key(9, 10, 104, 3, 2040);
    assert_int_equal(sss_ring_add(ring, &key), 0);
    assert_ring(ring);

    test_free(ring);

    ring = new_ring(0);
    assert_int_equal(sss_ring_add(ring, &key), 0);
    assert_int_equal(ring->n, 0);
    test_free(ring);
}


static void
test_copy(void **state)
{
    uint64_t     seed;
    sss_ring_t  *a, *b, *small;

    (void) state;

    seed = 23;

    a = some_ring(&seed, 100, 30);
    b = some_ring(&seed, 60, 50);
    assert_true(b->n > a->n);

    sss_ring_copy(b, a);
    assert_int_equal(b->capacity, 60);
    assert_same(a, b);
    assert_ring(b);
    sss_ring_copy(b, b);
    assert_same(a, b);

    small = some_ring(&seed, 5, 30);
    sss_ring_copy(small, a);
    assert_int_equal(small->capacity, 5);
    assert_int_equal(small->n, 5);
    assert_ring(small);

    sss_ring_wipe(b);
    assert_int_equal(b->n, 0);
    assert_int_equal(b->capacity, 60);
    assert_ring(b);
    test_free(b);

    /* the five that expire last, as after a merge */

    b = new_ring(5);
    (void) sss_ring_merge(b, a);
    assert_same(small, b);

    test_free(a);
    test_free(b);
    test_free(small);
}


static void
test_covers(void **state)
{
    uint64_t     seed;
    sss_key_t    key;
    sss_ring_t  *a, *b;

    (void) state;

    seed = 29;

    a = some_ring(&seed, 100, 30);
    b = new_ring(100);

    assert_int_equal(sss_ring_covers(a, b), 1);
    assert_int_equal(sss_ring_covers(b, b), 1);
    assert_int_equal(sss_ring_covers(b, a), 0);

    sss_ring_copy(b, a);
    assert_int_equal(sss_ring_covers(a, b), 1);

    b->keys[3].expires++;
    assert_int_equal(sss_ring_covers(a, b), 0);
    assert_int_equal(sss_ring_covers(b, a), 1);
    b->keys[3].expires -= 2;
    assert_int_equal(sss_ring_covers(a, b), 1);
    assert_int_equal(sss_ring_covers(b, a), 0);
    b->keys[3].expires++;

    key = make_key(1000, 10, 90, 1, 1);
    assert_int_equal(sss_ring_add(b, &key), 1);
    assert_int_equal(sss_ring_covers(a, b), 0);
    assert_int_equal(sss_ring_covers(b, a), 1);

    test_free(a);
    test_free(b);
}


static void
test_expire(void **state)
{
    sss_key_t    key;
    sss_ring_t  *ring;

    (void) state;

    ring = new_ring(10);

    key = make_key(1, 10, 100, 1, 1015);
    assert_int_equal(sss_ring_add(ring, &key), 1);
    key = make_key(2, 10, 101, 1, 1025);
    assert_int_equal(sss_ring_add(ring, &key), 1);
    key = make_key(3, 10, 100, 0, 1014);
    assert_int_equal(sss_ring_add(ring, &key), 1);
    key = make_key(4, 10, 99, 0, 1026);
    assert_int_equal(sss_ring_add(ring, &key), 1);

    assert_int_equal(sss_ring_expire(ring, 1013999), 0);
    assert_int_equal(sss_ring_expire(ring, 1014000), 1);
    assert_ring(ring);
    assert_int_equal(ring->n, 3);
    assert_null(sss_ring_find(ring, make_key(3, 10, 0, 0, 0).name));

    assert_int_equal(sss_ring_expire(ring, 1014000), 0);
    assert_int_equal(sss_ring_expire(ring, 1014999), 0);
    assert_int_equal(sss_ring_expire(ring, 1025000), 2);
    assert_ring(ring);
    assert_int_equal(ring->n, 1);
    assert_int_equal(ring->keys[0].slot, 99);

    assert_int_equal(sss_ring_expire(ring, UINT64_MAX), 1);
    assert_ring(ring);
    assert_int_equal(ring->n, 0);

    test_free(ring);
}


static void
test_expire_future(void **state)
{
    sss_key_t    key;
    sss_ring_t  *ring;

    (void) state;

    ring = new_ring(10);

    /* begins at 1030 and 1040 */

    key = make_key(1, 10, 103, 1, 2000);
    assert_int_equal(sss_ring_add(ring, &key), 1);
    key = make_key(2, 20, 52, 1, 2000);
    assert_int_equal(sss_ring_add(ring, &key), 1);

    assert_int_equal(sss_ring_expire(ring, 1010000), 0);
    assert_int_equal(sss_ring_expire(ring, 1009999), 1);
    assert_ring(ring);
    assert_int_equal(ring->keys[0].rotation, 20);

    assert_int_equal(sss_ring_expire(ring, 1000000), 0);
    assert_int_equal(sss_ring_expire(ring, 999999), 1);
    assert_int_equal(ring->n, 0);
    assert_ring(ring);

    /* no overflow with the largest times */

    key = make_key(3, UINT32_MAX, UINT64_MAX / UINT32_MAX, 1, UINT64_MAX);
    assert_int_equal(sss_ring_add(ring, &key), 1);
    assert_int_equal(sss_ring_expire(ring, 1000000), 1);

    test_free(ring);
}


/* A random ring expires step by step, and only keys that are due go. */

static void
test_expire_random(void **state)
{
    size_t       round;
    uint32_t     i, left;
    uint64_t     seed, now;
    sss_ring_t  *ring, *before;

    (void) state;

    seed = 31;

    for (round = 0; round < 50; round++) {
        ring = some_ring(&seed, 100, 80);
        before = new_ring(100);

        for (now = 1060; now < 2060; now += 10) {
            sss_ring_copy(before, ring);
            left = 0;

            for (i = 0; i < before->n; i++) {
                left += before->keys[i].expires > now;
            }

            assert_int_equal(sss_ring_expire(ring, now * 1000),
                             before->n - left);
            assert_int_equal(ring->n, left);
            assert_int_equal(sss_ring_covers(before, ring), 1);
            assert_ring(ring);
        }

        assert_int_equal(ring->n, 0);

        test_free(ring);
        test_free(before);
    }
}


static void
test_encrypting(void **state)
{
    sss_key_t         key;
    sss_ring_t       *ring;
    const sss_key_t  *found;

    (void) state;

    ring = new_ring(10);

    key = make_key(1, 10, 104, 7, 2000);
    assert_int_equal(sss_ring_add(ring, &key), 1);
    key = make_key(2, 10, 103, 8, 2000);
    assert_int_equal(sss_ring_add(ring, &key), 1);
    key = make_key(3, 10, 103, 5, 2000);
    assert_int_equal(sss_ring_add(ring, &key), 1);

    /* all slots are in the future: the first key of the next one */

    found = sss_ring_encrypting(ring, 10, 1019999);
    assert_int_equal(found->slot, 103);
    assert_int_equal(found->created, 5);

    /* of the current slot the key that was made first */

    found = sss_ring_encrypting(ring, 10, 1030000);
    assert_int_equal(found->slot, 103);
    assert_int_equal(found->created, 5);
    found = sss_ring_encrypting(ring, 10, 1039999);
    assert_int_equal(found->slot, 103);
    found = sss_ring_encrypting(ring, 10, 1040000);
    assert_int_equal(found->slot, 104);

    /* of two made at the same time, the one with the smaller name */

    key = make_key(4, 10, 103, 5, 2000);
    assert_int_equal(sss_ring_add(ring, &key), 1);
    found = sss_ring_encrypting(ring, 10, 1030000);
    assert_true(memcmp(found->name, key.name, SSS_KEY_NAME) <= 0);
    assert_true(memcmp(found->name, make_key(3, 10, 0, 0, 0).name,
                       SSS_KEY_NAME)
                <= 0);

    /* no key of this slot: the one whose slot has begun last */

    found = sss_ring_encrypting(ring, 10, 1099000);
    assert_int_equal(found->slot, 104);

    key = make_key(5, 20, 60, 5, 2000);
    assert_int_equal(sss_ring_add(ring, &key), 1);
    found = sss_ring_encrypting(ring, 10, 1099000);
    assert_int_equal(found->slot, 104);

    /* a key of another rotation, if there is none of this one */

    found = sss_ring_encrypting(ring, 10, 1200000);
    assert_int_equal(found->rotation, 20);
    found = sss_ring_encrypting(ring, 20, 1030000);
    assert_int_equal(found->rotation, 10);
    assert_int_equal(found->slot, 103);
    assert_int_equal(found->created, 5);

    /* slots of two rotations that begin together */

    key = make_key(6, 20, 52, 0, 2000);
    assert_int_equal(sss_ring_add(ring, &key), 1);
    found = sss_ring_encrypting(ring, 20, 1040000);
    assert_int_equal(found->rotation, 20);
    found = sss_ring_encrypting(ring, 10, 1040000);
    assert_int_equal(found->rotation, 10);

    assert_int_equal(sss_ring_slot(ring, 20, 52)->rotation, 20);
    assert_int_equal(sss_ring_slot(ring, 10, 104)->rotation, 10);
    assert_null(sss_ring_slot(ring, 10, 52));
    assert_null(sss_ring_slot(ring, 20, 104));

    test_free(ring);
}


/* Hosts that have the same set encrypt with the same key at any time. */

static void
test_encrypting_agrees(void **state)
{
    size_t       round;
    uint32_t     i;
    uint64_t     seed, now;
    sss_ring_t  *a, *b;

    (void) state;

    seed = 37;

    for (round = 0; round < ROUNDS; round++) {
        a = some_ring(&seed, 100, 30);
        b = new_ring(100);

        for (i = a->n; i > 0; i--) {
            assert_int_equal(sss_ring_add(b, &a->keys[i - 1]), 1);
        }

        for (now = 950000; now < 1100000; now += 5000) {
            assert_ptr_equal((const char *) sss_ring_encrypting(a, 10, now)
                             - (const char *) a,
                             (const char *) sss_ring_encrypting(b, 10, now)
                             - (const char *) b);
        }

        test_free(a);
        test_free(b);
    }
}


static void
test_slot(void **state)
{
    (void) state;

    assert_int_equal(sss_slot(10, 0), 0);
    assert_int_equal(sss_slot(10, 9999), 0);
    assert_int_equal(sss_slot(10, 10000), 1);
    assert_int_equal(sss_slot(3600, 1790000000123u), 497222);
    assert_int_equal(sss_slot(1, UINT64_MAX), UINT64_MAX / 1000);
    assert_int_equal(sss_slot(UINT32_MAX, UINT64_MAX),
                     UINT64_MAX / 1000 / UINT32_MAX);
}


static void
test_expiry(void **state)
{
    (void) state;

    assert_int_equal(sss_key_expiry(3600, 10, 300),
                     11 * 3600 + 300 + 1800);
    assert_int_equal(sss_key_expiry(4, 100, 0), 406);
    assert_int_equal(sss_key_expiry(1, 100, 0), 102);
    assert_int_equal(sss_key_expiry(5, 100, 7), 515);

    assert_int_equal(sss_key_expiry(4, 100, 400 * 86400 - 3),
                     404 + 400 * 86400 - 1);
    assert_int_equal(sss_key_expiry(4, 100, 400 * 86400 - 2),
                     404 + 400 * 86400);
    assert_int_equal(sss_key_expiry(4, 100, 400 * 86400 - 1),
                     404 + 400 * 86400);
    assert_int_equal(sss_key_expiry(UINT32_MAX, 1, UINT32_MAX),
                     2 * (uint64_t) UINT32_MAX + 400 * 86400);
}


static void
test_generate(void **state)
{
    unsigned   i;
    sss_key_t  a, b;

    (void) state;

    memset(&a, 0xa5, sizeof(a));
    memset(&b, 0x5a, sizeof(b));

    assert_int_equal(sss_key_generate(&a, 3600, 497222, 1790000000123u, 300),
                     0);
    assert_int_equal(sss_key_generate(&b, 3600, 497222, 1790000000123u, 300),
                     0);

    assert_int_equal(a.slot, 497222);
    assert_int_equal(a.rotation, 3600);
    assert_int_equal(a.created, 1790000000123u);
    assert_int_equal(a.expires, sss_key_expiry(3600, 497222, 300));
    assert_int_equal(a.unused, 0);

    assert_memory_not_equal(a.name, b.name, sizeof(a.name));
    assert_memory_not_equal(a.aes, b.aes, sizeof(a.aes));
    assert_memory_not_equal(a.hmac, b.hmac, sizeof(a.hmac));
    assert_memory_not_equal(a.aes, a.hmac, sizeof(a.aes));

    for (i = 0; i < sizeof(a.aes); i += 8) {
        assert_false(unit_zero(a.name + i % sizeof(a.name), 8));
        assert_false(unit_zero(a.aes + i, 8));
        assert_false(unit_zero(a.hmac + i, 8));
    }

    for (i = 1; i <= 3; i++) {
        memset(&a, 0xa5, sizeof(a));
        unit_openssl_fail = i;

        assert_int_equal(sss_key_generate(&a, 3600, 1, 1, 300), -1);
        assert_int_equal(unit_openssl_fail, 0);
        assert_true(unit_zero(&a, sizeof(a)));
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_init),
        cmocka_unit_test(test_add),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_union),
        cmocka_unit_test(test_union_is_complete),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_covers),
        cmocka_unit_test(test_expire),
        cmocka_unit_test(test_expire_future),
        cmocka_unit_test(test_expire_random),
        cmocka_unit_test(test_encrypting),
        cmocka_unit_test(test_encrypting_agrees),
        cmocka_unit_test(test_slot),
        cmocka_unit_test(test_expiry),
        cmocka_unit_test(test_generate)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
