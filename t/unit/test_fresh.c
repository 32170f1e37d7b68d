
#define _GNU_SOURCE
#define OPENSSL_SUPPRESS_DEPRECATED

#include "unit.h"
#include "unit_memory.h"
#include "unit_openssl.h"

#include "sss_fresh.h"


#define ROTATION   3600
#define HOUR       ((uint64_t) ROTATION * 1000)
#define SLOT       UINT64_C(497222)
#define START      (SLOT * HOUR)
#define RETENTION  300
#define CAPACITY   8


static sss_sync_conf_t   conf;
static sss_fresh_t       fresh;
static sss_ring_t       *ring;


static int
prepare(void **state)
{
    (void) state;

    memset(&conf, 0, sizeof(conf));
    memset(&fresh, 0, sizeof(fresh));

    conf.rotation = ROTATION;
    conf.retention = RETENTION;

    ring = sss_ring_create(CAPACITY);
    assert_non_null(ring);
    assert_int_equal(sss_fresh_create(&fresh, &conf), 0);

    return 0;
}


static int
finish(void **state)
{
    (void) state;

    unit_memory_fail = unit_openssl_fail = 0;

    sss_fresh_destroy(&fresh);
    sss_ring_destroy(ring);

    return 0;
}


static sss_key_t
key_of(uint64_t slot, uint32_t retention)
{
    sss_key_t  key;

    assert_int_equal(sss_key_generate(&key, ROTATION, slot, START, retention),
                     0);

    return key;
}


static void
test_create(void **state)
{
    sss_fresh_t  other;

    (void) state;

    assert_int_equal(fresh.ring->n, 0);
    assert_int_equal(fresh.generated, 0);

    memset(&other, 0, sizeof(other));
    sss_fresh_destroy(&other);

    unit_memory_fail = 1;
    assert_int_equal(sss_fresh_create(&other, &conf), -1);
    assert_null(other.ring);

    unit_openssl_fail = 1;
    assert_int_equal(sss_fresh_create(&other, &conf), -1);
    sss_fresh_destroy(&other);
}


static void
test_current(void **state)
{
    const sss_key_t  *key;

    (void) state;

    assert_int_equal(sss_fresh_make(&fresh, ring, START + 1), 0);

    assert_int_equal(ring->n, 0);
    assert_int_equal(fresh.ring->n, 1);
    key = &fresh.ring->keys[0];
    assert_int_equal(key->slot, SLOT);
    assert_int_equal(key->rotation, ROTATION);
    assert_int_equal(key->created, START + 1);
    assert_int_equal(key->expires, sss_key_expiry(ROTATION, SLOT, RETENTION));

    /* who has one makes none */

    sss_fresh_keep(&fresh, ring);
    assert_int_equal(fresh.ring->n, 0);
    assert_int_equal(ring->n, 1);
    assert_int_equal(fresh.generated, 1);

    assert_int_equal(sss_fresh_make(&fresh, ring, START + 2), 0);
    assert_int_equal(fresh.ring->n, 0);

    /* and what is in the ring already is not counted again */

    assert_int_equal(sss_ring_add(fresh.ring, &ring->keys[0]), 1);
    sss_fresh_keep(&fresh, ring);
    assert_int_equal(fresh.generated, 1);
}


/* Between a half and five eighths of a slot, a host the same time. */

static void
test_next(void **state)
{
    uint64_t   due;
    sss_key_t  key;

    (void) state;

    key = key_of(SLOT, RETENTION);
    assert_int_equal(sss_ring_add(ring, &key), 1);

    assert_int_equal(sss_fresh_make(&fresh, ring, START), 0);
    due = START + HOUR / 2 + sss_fresh_extra(&fresh);
    assert_in_range(sss_fresh_extra(&fresh), 0, HOUR / 8);

    assert_int_equal(sss_fresh_make(&fresh, ring, due - 1), 0);
    assert_int_equal(fresh.ring->n, 0);
    assert_int_equal(sss_fresh_make(&fresh, ring, due), 0);
    assert_int_equal(fresh.ring->n, 1);
    assert_int_equal(fresh.ring->keys[0].slot, SLOT + 1);

    /* in vain: it is tried again */

    sss_ring_wipe(fresh.ring);
    unit_openssl_fail = 1;
    assert_int_equal(sss_fresh_make(&fresh, ring, due), 0);
    assert_int_equal(unit_openssl_fail, 0);
    assert_int_equal(fresh.ring->n, 0);
    assert_int_equal(sss_fresh_make(&fresh, ring, due), 0);
    assert_int_equal(fresh.ring->n, 1);
}


/* Each slot has a time of its own, and keeps it where there is no other. */

static void
test_extra(void **state)
{
    uint64_t  slot, extra, least, most;

    (void) state;

    least = HOUR;
    most = 0;

    for (slot = SLOT; slot < SLOT + 200; slot++) {
        assert_int_equal(sss_fresh_make(&fresh, ring, slot * HOUR), 0);
        extra = sss_fresh_extra(&fresh);
        assert_in_range(extra, 0, HOUR / 8);
        least = extra < least ? extra : least;
        most = extra > most ? extra : most;

        sss_ring_wipe(fresh.ring);
        assert_int_equal(sss_fresh_make(&fresh, ring, slot * HOUR + 1), 0);
        assert_int_equal(sss_fresh_extra(&fresh), extra);
        sss_ring_wipe(fresh.ring);
    }

    assert_in_range(least, 0, HOUR / 16);
    assert_in_range(most, HOUR / 16, HOUR / 8);

    unit_openssl_fail = 1;
    extra = sss_fresh_extra(&fresh);
    (void) sss_fresh_make(&fresh, ring, slot * HOUR);
    assert_int_equal(sss_fresh_extra(&fresh), extra);
}


static void
test_no_key(void **state)
{
    (void) state;

    assert_int_equal(sss_fresh_make(&fresh, ring, START), 0);
    sss_ring_wipe(fresh.ring);

    unit_openssl_fail = 1;
    assert_int_equal(sss_fresh_make(&fresh, ring, START), -1);
    assert_int_equal(fresh.ring->n, 0);
}


/* Those of others live as long as this host needs, and no shorter. */

static void
test_lives(void **state)
{
    sss_key_t  brief, lasting, gone;

    (void) state;

    brief = key_of(SLOT, 1);
    lasting = key_of(SLOT, 10 * RETENTION);
    gone = key_of(SLOT - 10, RETENTION);

    assert_int_equal(sss_ring_add(ring, &brief), 1);
    assert_int_equal(sss_ring_add(ring, &lasting), 1);
    assert_int_equal(sss_ring_add(ring, &gone), 1);

    assert_int_equal(sss_fresh_make(&fresh, ring, START), 0);

    assert_int_equal(ring->n, 2);
    assert_null(sss_ring_find(ring, gone.name));
    assert_int_equal(sss_ring_find(ring, brief.name)->expires,
                     sss_key_expiry(ROTATION, SLOT, RETENTION));
    assert_int_equal(sss_ring_find(ring, lasting.name)->expires,
                     lasting.expires);
}


static void
test_drop(void **state)
{
    sss_key_t  mine, next, theirs;

    (void) state;

    mine = key_of(SLOT, RETENTION);
    next = key_of(SLOT + 1, RETENTION);
    theirs = key_of(SLOT, RETENTION);

    assert_int_equal(sss_ring_add(fresh.ring, &mine), 1);
    assert_int_equal(sss_ring_add(fresh.ring, &next), 1);

    sss_fresh_drop(&fresh, ring);
    assert_int_equal(fresh.ring->n, 2);

    assert_int_equal(sss_ring_add(ring, &theirs), 1);
    sss_fresh_drop(&fresh, ring);
    assert_int_equal(fresh.ring->n, 1);
    assert_memory_equal(fresh.ring->keys[0].name, next.name, SSS_KEY_NAME);
    assert_int_equal(ring->n, 1);
    assert_int_equal(fresh.generated, 0);
}


static void
test_settle(void **state)
{
    sss_key_t  mine, next;

    (void) state;

    mine = key_of(SLOT, RETENTION);
    next = key_of(SLOT + 1, RETENTION);

    assert_int_equal(sss_ring_add(fresh.ring, &mine), 1);
    assert_int_equal(sss_ring_add(fresh.ring, &next), 1);
    sss_fresh_settle(&fresh, ring, START);

    assert_int_equal(fresh.ring->n, 0);
    assert_int_equal(ring->n, 1);
    assert_memory_equal(ring->keys[0].name, mine.name, SSS_KEY_NAME);
    assert_int_equal(fresh.generated, 1);

    /* that of the next slot alone is none that a host needs */

    assert_int_equal(sss_ring_add(fresh.ring, &next), 1);
    sss_fresh_settle(&fresh, ring, START);
    assert_int_equal(fresh.ring->n, 0);
    assert_int_equal(ring->n, 1);

    /* and who has it already has not made it */

    assert_int_equal(sss_ring_add(fresh.ring, &mine), 1);
    sss_fresh_settle(&fresh, ring, START);
    assert_int_equal(fresh.generated, 1);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(test_create, prepare, finish),
        cmocka_unit_test_setup_teardown(test_current, prepare, finish),
        cmocka_unit_test_setup_teardown(test_next, prepare, finish),
        cmocka_unit_test_setup_teardown(test_extra, prepare, finish),
        cmocka_unit_test_setup_teardown(test_no_key, prepare, finish),
        cmocka_unit_test_setup_teardown(test_lives, prepare, finish),
        cmocka_unit_test_setup_teardown(test_drop, prepare, finish),
        cmocka_unit_test_setup_teardown(test_settle, prepare, finish)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
