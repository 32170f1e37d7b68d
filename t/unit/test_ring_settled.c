
/* Which key encrypts while other hosts may not have the newest one yet. */


#include "unit.h"

#include "sss_memory.h"
#include "sss_ring.h"


#define CAPACITY  8


static int
setup(void **state)
{
    sss_ring_t  *ring;

    ring = sss_memory_alloc(sss_ring_size(CAPACITY));
    assert_non_null(ring);

    sss_ring_init(ring, CAPACITY);

    *state = ring;

    return 0;
}


static int
teardown(void **state)
{
    sss_memory_free(*state, sss_ring_size(CAPACITY));

    return 0;
}


static void
add(sss_ring_t *ring, uint8_t name, uint32_t rotation, uint64_t slot,
    uint64_t created)
{
    sss_key_t  key;

    memset(&key, 0, sizeof(key));

    key.name[0] = name;
    key.rotation = rotation;
    key.slot = slot;
    key.created = created;
    key.learned = created;
    key.expires = (slot + 1) * rotation + 300;

    assert_int_equal(sss_ring_add(ring, &key), 1);
}


static uint8_t
chosen(const sss_ring_t *ring, uint32_t rotation, uint64_t now_ms)
{
    const sss_key_t  *key;

    key = sss_ring_settled(ring, rotation, now_ms, 500);

    assert_non_null(key);

    return key->name[0];
}


static void
test_empty(void **state)
{
    assert_null(sss_ring_settled(*state, 10, 1000000, 500));
}


static void
test_published_ahead(void **state)
{
    add(*state, 1, 10, 100, 995000);
    add(*state, 2, 10, 101, 1005000);

    assert_int_equal(chosen(*state, 10, 1009999), 1);
    assert_int_equal(chosen(*state, 10, 1010000), 2);
}


static void
test_first_key_of_all(void **state)
{
    add(*state, 1, 10, 100, 1002000);

    assert_int_equal(chosen(*state, 10, 1002000), 1);
}


static void
test_rotation_is_changed(void **state)
{
    add(*state, 1, 10, 100, 995000);
    add(*state, 2, 8, 125, 1003000);

    assert_int_equal(chosen(*state, 8, 1003000), 1);
    assert_int_equal(chosen(*state, 8, 1003499), 1);
    assert_int_equal(chosen(*state, 8, 1003500), 2);

    /* a host with the old rotation goes on with its own key */

    assert_int_equal(chosen(*state, 10, 1003500), 1);
}


static void
test_rotation_is_changed_early(void **state)
{
    /* no key is old enough: the cluster has just started */

    add(*state, 1, 10, 100, 1003000);
    add(*state, 2, 8, 125, 1003200);

    assert_int_equal(chosen(*state, 8, 1003300), 1);
    assert_int_equal(chosen(*state, 10, 1003300), 1);

    /* keys learned at the same time have the order of the ring */

    add(*state, 3, 8, 125, 1003000);
    assert_int_equal(chosen(*state, 8, 1003300), 3);
}


static void
test_ring_had_run_out(void **state)
{
    add(*state, 1, 10, 100, 995000);
    add(*state, 2, 10, 101, 1010100);

    assert_int_equal(chosen(*state, 10, 1010100), 1);

    /* the old key's slot ended more than "settle_ms" ago */

    assert_int_equal(chosen(*state, 10, 1010500), 2);
}


static void
test_clock_set_back(void **state)
{
    add(*state, 1, 10, 100, 995000);
    add(*state, 2, 10, 101, 1500000);

    assert_int_equal(chosen(*state, 10, 1010400), 1);
    assert_int_equal(chosen(*state, 10, 1010500), 2);
}


static void
test_halves_meet(void **state)
{
    sss_ring_t  *ring, *other;

    ring = *state;
    other = sss_ring_create(CAPACITY);
    assert_non_null(other);

    /* the other half's key of this slot was made earlier, but is new here */

    add(ring, 2, 10, 100, 996000);
    add(other, 1, 10, 100, 995000);
    add(other, 2, 10, 100, 996000);

    assert_int_equal(sss_ring_learn(ring, other, 1004000), 1);
    assert_int_equal(ring->n, 2);

    assert_int_equal(chosen(ring, 10, 1004000), 2);
    assert_int_equal(chosen(ring, 10, 1004499), 2);
    assert_int_equal(chosen(ring, 10, 1004500), 1);

    sss_ring_destroy(other);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(test_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(test_published_ahead, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_first_key_of_all, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_rotation_is_changed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_rotation_is_changed_early,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_ring_had_run_out, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_clock_set_back, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_halves_meet, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
