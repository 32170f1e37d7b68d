
#include "unit.h"

#include "sss_group.h"
#include "sss_secret.h"


#define NOW    UINT64_C(1800000000000)
#define EPOCH  UINT64_C(3600000)


static const uint8_t  secret[SSS_SECRET_SIZE] = { 7, 7, 9 };


static void
found(sss_group_t *group)
{
    sss_group_init(group, 5);
    assert_int_equal(sss_group_found(group, 2000, NOW), 0);
}


static void
test_found(void **state)
{
    uint8_t      key[SSS_GROUP_KEY];
    sss_group_t  a, b;

    (void) state;

    sss_group_init(&a, 5);
    assert_false(a.member || sss_group_secret(&a));
    assert_int_equal(sss_group_ring_key(&a, 0, secret, key), -1);

    found(&a);
    found(&b);

    assert_true(a.member && sss_group_secret(&a));
    assert_int_equal(a.label.generation, 5);
    assert_int_equal(a.label.created, NOW);
    assert_int_equal(a.label.poll_ms, 2000);
    assert_int_equal(a.label.epoch, 0);
    assert_memory_not_equal(a.key, b.key, SSS_GROUP_KEY);
    assert_memory_not_equal(a.label.id, b.label.id, SSS_GROUP_ID);

    sss_group_leave(&a);
    assert_int_equal(a.label.generation, 5);
    a.label.generation = 0;
    assert_true(unit_zero(&a, sizeof(a)));
}


/* Keys of epochs are derived as docs/internals.md says. */

static void
test_age(void **state)
{
    char         info[] = "ngx_ssl_session_sync epoch 1"
                          "iiiiiiiiiiiiiiii\0\0\0\1";
    uint8_t      first[SSS_GROUP_KEY], next[SSS_GROUP_KEY];
    sss_group_t  group;

    (void) state;

    found(&group);
    memcpy(first, group.key, sizeof(first));
    memcpy(info + 28, group.label.id, SSS_GROUP_ID);

    sss_group_age(&group, EPOCH, 0, NOW + EPOCH - 1);
    assert_int_equal(group.label.epoch, 0);
    assert_memory_equal(group.key, first, sizeof(first));

    sss_group_age(&group, EPOCH, 0, NOW + EPOCH);
    assert_int_equal(group.label.epoch, 1);
    assert_int_equal(group.since_ms, NOW + EPOCH);
    assert_true(group.earlier);
    assert_memory_equal(group.before, first, sizeof(first));

    assert_int_equal(sss_hkdf(first, sizeof(first), NULL, 0,
                              (const uint8_t *) info, 48, next,
                              sizeof(next)), 0);
    assert_memory_equal(group.key, next, sizeof(next));

    sss_group_age(&group, EPOCH, 0, NOW + EPOCH + EPOCH / 2 - 1);
    assert_true(group.earlier);

    sss_group_age(&group, EPOCH, 0, NOW + EPOCH + EPOCH / 2);
    assert_false(group.earlier);
    assert_true(unit_zero(group.before, sizeof(group.before)));
    assert_memory_equal(group.key, next, sizeof(next));
}


static void
test_clock_goes_back(void **state)
{
    sss_group_t  group;

    (void) state;

    found(&group);

    sss_group_age(&group, EPOCH, 0, NOW - 5 * EPOCH);
    assert_int_equal(group.label.epoch, 0);
    assert_int_equal(group.since_ms, NOW - 5 * EPOCH);

    sss_group_age(&group, EPOCH, 0, NOW - 4 * EPOCH - 1);
    assert_int_equal(group.label.epoch, 0);

    sss_group_age(&group, EPOCH, 0, NOW - 4 * EPOCH);
    assert_int_equal(group.label.epoch, 1);
}


/* A host that follows has the same key as one that went on step by step. */

static void
test_follow(void **state)
{
    size_t       i;
    sss_group_t  a, b, before;

    (void) state;

    found(&a);
    b = a;

    for (i = 1; i <= SSS_GROUP_LEAP; i++) {
        sss_group_age(&a, EPOCH, 0, NOW + i * EPOCH);
        assert_int_equal(a.label.epoch, i);
    }

    assert_int_equal(sss_group_follow(&b, 1, EPOCH, NOW + 5), 0);
    assert_int_equal(b.label.epoch, 1);
    assert_int_equal(b.since_ms, NOW + 5);

    assert_int_equal(sss_group_follow(&b, 0, EPOCH, NOW + 9), 0);
    assert_int_equal(sss_group_follow(&b, 1, EPOCH, NOW + 9), 0);
    assert_int_equal(b.label.epoch, 1);
    assert_int_equal(b.since_ms, NOW + 5);

    assert_int_equal(sss_group_follow(&b, SSS_GROUP_LEAP, EPOCH, NOW + 9), 0);
    assert_memory_equal(b.key, a.key, SSS_GROUP_KEY);
    assert_memory_equal(b.before, a.before, SSS_GROUP_KEY);

    before = b;
    assert_int_equal(sss_group_follow(&b, 2 * SSS_GROUP_LEAP + 1, EPOCH,
                                      NOW + 10), -1);
    assert_int_equal(sss_group_follow(&b, UINT32_MAX, EPOCH, NOW + 10), -1);
    assert_memory_equal(&b, &before, sizeof(b));

    assert_int_equal(sss_group_follow(&b, 2 * SSS_GROUP_LEAP, EPOCH,
                                      NOW + 10), 0);

    /*
     * a host without a key cannot follow, and the last epoch has no next one
     */

    sss_group_leave(&b);
    assert_int_equal(sss_group_follow(&b, 1, EPOCH, NOW), -1);

    a.label.epoch = UINT32_MAX - 1;
    sss_group_age(&a, EPOCH, 0, NOW + 2000 * EPOCH);
    assert_int_equal(a.label.epoch, UINT32_MAX);
    sss_group_age(&a, EPOCH, 0, NOW + 4000 * EPOCH);
    assert_int_equal(a.label.epoch, UINT32_MAX);
}


/*
 * Epochs count from the time when they were due, even if a host goes on late.
 */

static void
test_late(void **state)
{
    unsigned     i;
    uint64_t     now;
    sss_group_t  a, b;

    (void) state;

    /* random delays do not add up */

    found(&a);
    b = a;

    for (i = 1; i <= 40; i++) {
        sss_group_age(&a, EPOCH, EPOCH / 8, NOW + i * EPOCH + EPOCH / 8);
    }

    assert_int_equal(a.label.epoch, 40);
    assert_int_equal(a.since_ms, NOW + 40 * EPOCH);

    /* a host that was suspended catches up */

    sss_group_age(&b, EPOCH, EPOCH / 8, NOW + 40 * EPOCH + EPOCH / 2);
    assert_int_equal(b.label.epoch, 40);
    assert_int_equal(b.since_ms, NOW + 40 * EPOCH);
    assert_memory_equal(a.key, b.key, SSS_GROUP_KEY);
    assert_false(b.earlier);

    /* after more epochs than SSS_GROUP_LEAP the current one begins now */

    now = NOW + 3000 * EPOCH;
    sss_group_age(&b, EPOCH, 0, now);
    assert_int_equal(b.label.epoch, 40 + SSS_GROUP_LEAP);
    assert_int_equal(b.since_ms, now);

    /* an epoch learned late is as old as this host's own would be */

    found(&a);
    b = a;
    sss_group_age(&b, EPOCH, EPOCH / 8, NOW + EPOCH + EPOCH / 8 - 1);
    assert_int_equal(b.label.epoch, 0);
    assert_int_equal(sss_group_follow(&b, 1, EPOCH,
                                      NOW + EPOCH + EPOCH / 8 - 1), 0);
    assert_int_equal(b.since_ms, NOW + EPOCH);
}


static void
test_ring_key(void **state)
{
    uint8_t      one[SSS_GROUP_KEY], other[SSS_GROUP_KEY], both[64];
    sss_group_t  group;

    (void) state;

    found(&group);
    memcpy(both, group.key, 32);
    memcpy(both + 32, secret, 32);

    assert_int_equal(sss_group_ring_key(&group, 0, secret, one), 0);
    assert_int_equal(sss_group_ring_key(&group, 1, secret, other), -1);

    assert_int_equal(sss_hkdf(both, sizeof(both), NULL, 0,
                              (const uint8_t *)
                              "ngx_ssl_session_sync ring 1", 27, other,
                              sizeof(other)), 0);
    assert_memory_equal(one, other, sizeof(one));

    /* the key of the epoch before, as long as it is kept, and no other */

    assert_int_equal(sss_group_follow(&group, 1, EPOCH, NOW), 0);
    assert_int_equal(sss_group_ring_key(&group, 0, secret, other), 0);
    assert_memory_equal(one, other, sizeof(one));
    assert_int_equal(sss_group_ring_key(&group, 1, secret, other), 0);
    assert_memory_not_equal(one, other, sizeof(one));

    assert_int_equal(sss_group_follow(&group, 2, EPOCH, NOW), 0);
    assert_int_equal(sss_group_ring_key(&group, 0, secret, other), -1);
    assert_int_equal(sss_group_ring_key(&group, 1, secret, other), 0);

    sss_group_age(&group, EPOCH, 0, NOW + EPOCH / 2);
    assert_int_equal(sss_group_ring_key(&group, 1, secret, other), -1);
    assert_int_equal(sss_group_ring_key(&group, 2, secret, other), 0);
    assert_int_equal(sss_group_ring_key(&group, 3, secret, other), -1);

    /* a group without a key */

    sss_group_init(&group, 1);
    group.member = 1;

    assert_false(sss_group_secret(&group));
    assert_int_equal(sss_group_ring_key(&group, 0, secret, other), 0);
    assert_memory_equal(other, secret, sizeof(other));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_found),
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_clock_goes_back),
        cmocka_unit_test(test_follow),
        cmocka_unit_test(test_late),
        cmocka_unit_test(test_ring_key)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
