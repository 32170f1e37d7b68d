
/* Merging rings has the same result as adding the keys one by one. */


#include "unit.h"

#include <time.h>

#include "sss_memory.h"
#include "sss_ring.h"


/*
 * Makes a key with few different slots, ends and names, so that they coincide.
 */

static void
any_key(uint64_t *random, sss_key_t *key, unsigned names, int strange)
{
    unsigned  name;

    memset(key, 0, sizeof(sss_key_t));

    name = (unsigned) (unit_random(random) >> 32) % names;

    key->rotation = 3600;
    key->slot = 1000 + name % 7;
    key->created = 5 + name % 3;
    key->expires = 4000000 + (unit_random(random) >> 40) % 5;
    key->learned = 1;

    /* the same name in two slots, which no host makes */

    if (strange && unit_random(random) >> 58 == 0) {
        key->slot++;
    }

    memset(key->name, (int) (name % 200) + 1, SSS_KEY_NAME);
    key->name[SSS_KEY_NAME - 1] = (uint8_t) (name / 200);
    memset(key->aes, (int) name, sizeof(key->aes));
}


static uint32_t
any_ring(uint64_t *random, sss_ring_t *ring, unsigned names, int strange)
{
    uint32_t   i, n;
    sss_key_t  key;

    n = (uint32_t) (unit_random(random) >> 32) % (ring->capacity + 8);

    for (i = 0; i < n; i++) {
        any_key(random, &key, names, strange);
        (void) sss_ring_add(ring, &key);
    }

    return ring->n;
}


static void
assert_same(const sss_ring_t *a, const sss_ring_t *b)
{
    assert_int_equal(a->n, b->n);
    assert_memory_equal(a->keys, b->keys, a->n * sizeof(sss_key_t));
    assert_true(unit_zero(&a->keys[a->n],
                          (a->capacity - a->n) * sizeof(sss_key_t)));
}


static void
test_as_one_by_one(void **state)
{
    uint32_t     i, n, capacity;
    uint64_t     random, learned;
    unsigned     round, names;
    sss_key_t    keys[100], key;
    sss_ring_t  *a, *b;

    (void) state;

    random = 17;

    for (round = 0; round < 20000; round++) {

        capacity = (uint32_t) (unit_random(&random) >> 32) % 60;
        names = 1 + (unsigned) (unit_random(&random) >> 32) % 120;
        learned = round % 2 ? 77 : 0;

        a = sss_ring_create(capacity);
        b = sss_ring_create(capacity);
        assert_non_null(a);
        assert_non_null(b);

        (void) any_ring(&random, a, names, 1);
        sss_ring_copy(b, a);

        n = (uint32_t) (unit_random(&random) >> 32) % unit_count(keys);

        for (i = 0; i < n; i++) {
            any_key(&random, &keys[i], names, 1);
        }

        for (i = 0; i < n; i++) {
            key = keys[i];
            key.learned = learned ? learned : key.learned;
            (void) sss_ring_add(b, &key);
        }

        /* a ring that is not full is always the same */

        (void) sss_ring_absorb(a, keys, n, learned);

        if (b->n < capacity) {
            assert_same(a, b);
        }

        assert_int_equal(a->n, b->n);

        sss_ring_destroy(a);
        sss_ring_destroy(b);
    }
}


/* If no name is there twice, full rings are the same as well. */

static void
test_rings(void **state)
{
    uint32_t     i, capacity;
    unsigned     round, changed, names;
    uint64_t     random;
    sss_ring_t  *a, *b, *other;

    (void) state;

    random = 4711;

    for (round = 0; round < 20000; round++) {

        capacity = 1 + (uint32_t) (unit_random(&random) >> 32) % 60;
        names = 1 + (unsigned) (unit_random(&random) >> 32) % 200;

        a = sss_ring_create(capacity);
        b = sss_ring_create(capacity);
        other = sss_ring_create(60);

        (void) any_ring(&random, a, names, 0);
        (void) any_ring(&random, other, names, 0);
        sss_ring_copy(b, a);

        for (i = 0; i < other->n; i++) {
            (void) sss_ring_add(b, &other->keys[i]);
        }

        changed = sss_ring_merge(a, other);
        assert_same(a, b);

        if (changed == 0) {
            assert_true(sss_ring_covers(a, other) || a->n == capacity);
        }

        sss_ring_destroy(a);
        sss_ring_destroy(b);
        sss_ring_destroy(other);
    }
}


/* Merges thousands of new keys. */

static void
test_work_of_large_rings(void **state)
{
    uint32_t          i, size;
    uint64_t          random, us;
    unsigned          n;
    sss_key_t         key;
    sss_ring_t       *a, *b;
    struct timespec   before, after;

    (void) state;

    random = 3;

    for (n = 0; n < 2; n++) {

        size = n == 0 ? 1000 : 16000;

        a = sss_ring_create(2 * size);
        b = sss_ring_create(2 * size);

        memset(&key, 0, sizeof(key));
        key.rotation = 3600;

        for (i = 0; i < size; i++) {
            key.slot = 100000 - i;
            key.expires = 3600 * key.slot + 7200;

            unit_random_bytes(&random, key.name, sizeof(key.name));
            a->keys[a->n++] = key;
            unit_random_bytes(&random, key.name, sizeof(key.name));
            b->keys[b->n++] = key;
        }

        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
        assert_int_equal(sss_ring_merge(a, b), size);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);

        assert_int_equal(a->n, 2 * size);
        assert_int_equal(sss_ring_merge(a, b), 0);
        assert_true(sss_ring_covers(a, b));

        for (i = 1; i < a->n; i++) {
            assert_true(sss_key_cmp(&a->keys[i - 1], &a->keys[i]) < 0);
        }

        us = (uint64_t) (after.tv_sec - before.tv_sec) * 1000000
             + (uint64_t) after.tv_nsec / 1000
             - (uint64_t) before.tv_nsec / 1000;

        print_message("%u and %u keys: %u us\n", size, size, (unsigned) us);

        sss_ring_destroy(a);
        sss_ring_destroy(b);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_as_one_by_one),
        cmocka_unit_test(test_rings),
        cmocka_unit_test(test_work_of_large_rings),
    };

    return cmocka_run_group_tests_name("ring_merge", tests, NULL, NULL);
}
