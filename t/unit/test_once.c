
/* The table of what a host has accepted. */


#include "unit.h"

#include "sss_once.h"


#define NOW     1700000000ull
#define PLACES  64


typedef union {
    uint64_t  align;
    uint8_t   bytes[16384];
} memory_t;


static memory_t  memory;


static sss_once_t *
begin(size_t places)
{
    assert_true(sss_once_size(places) <= sizeof(memory));

    memset(&memory, 0xff, sizeof(memory));

    return sss_once_init(&memory, places);
}


static void
hash_of(uint64_t number, uint8_t *hash)
{
    memset(hash, 0, SSS_ONCE_HASH);
    memcpy(hash, &number, sizeof(number));
    hash[SSS_ONCE_HASH - 1] = 1;
}


static sss_once_rc_t
take(sss_once_t *once, uint64_t number, uint64_t now)
{
    uint8_t  hash[SSS_ONCE_HASH];

    hash_of(number, hash);

    return sss_once_take(once, hash, now, now + 13);
}


static void
test_once(void **state)
{
    sss_once_t  *once;

    (void) state;

    once = begin(PLACES);

    assert_int_equal(take(once, 1, NOW), SSS_ONCE_TAKEN);
    assert_int_equal(take(once, 1, NOW), SSS_ONCE_AGAIN);
    assert_int_equal(take(once, 2, NOW), SSS_ONCE_TAKEN);
    assert_int_equal(take(once, 1, NOW + 13), SSS_ONCE_AGAIN);

    /* a hash that is all zeros is one as well */

    once = begin(PLACES);

    assert_int_equal(sss_once_take(once, (const uint8_t *)
                                   "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", NOW,
                                   NOW + 13),
                     SSS_ONCE_TAKEN);
    assert_int_equal(sss_once_take(once, (const uint8_t *)
                                   "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", NOW,
                                   NOW + 13),
                     SSS_ONCE_AGAIN);
}


/* Nothing pushes out what still counts; what does not makes room. */

static void
test_full(void **state)
{
    uint64_t     i, taken;
    sss_once_t  *once;

    (void) state;

    once = begin(PLACES);
    taken = 0;

    for (i = 0; i < 100 * PLACES; i++) {
        if (take(once, i * SSS_ONCE_WAYS, NOW) == SSS_ONCE_TAKEN) {
            taken++;
        }
    }

    assert_int_equal(taken, PLACES);

    for (i = 0; i < PLACES; i++) {
        assert_int_equal(take(once, i * SSS_ONCE_WAYS, NOW + 13),
                         SSS_ONCE_AGAIN);
        assert_int_equal(take(once, (i + PLACES) * SSS_ONCE_WAYS, NOW + 13),
                         SSS_ONCE_FULL);
    }

    for (i = 0; i < PLACES; i++) {
        assert_int_equal(take(once, (i + PLACES) * SSS_ONCE_WAYS,
                              NOW + 14 + SSS_ONCE_BACK),
                         SSS_ONCE_TAKEN);
    }
}


/* A clock that is set back takes nothing until it is where it was. */

static void
test_back(void **state)
{
    sss_once_t  *once;

    (void) state;

    once = begin(PLACES);

    assert_int_equal(take(once, 1, NOW), SSS_ONCE_TAKEN);
    assert_int_equal(take(once, 2, NOW + 3600), SSS_ONCE_TAKEN);
    assert_int_equal(take(once, 3, NOW), SSS_ONCE_TIME);
    assert_int_equal(take(once, 1, NOW), SSS_ONCE_TIME);
    assert_int_equal(take(once, 3, NOW + 3600 - SSS_ONCE_BACK),
                     SSS_ONCE_TAKEN);
}


/* Against a plain list, at random. */

static void
test_model(void **state)
{
    size_t         i, n;
    uint64_t       seed, now, number, step;
    sss_once_t    *once;
    sss_once_rc_t  rc;

    static struct {
        uint64_t   number;
        uint64_t   until;
    } had[20000];

    (void) state;

    seed = 1;
    now = NOW;
    once = begin(PLACES);
    n = 0;

    for (step = 0; step < 20000; step++) {

        now += (unit_random(&seed) % 20 == 0);
        number = unit_random(&seed) % 500;
        rc = take(once, number, now);

        for (i = 0; i < n; i++) {
            if (had[i].number == number && had[i].until >= now) {
                assert_int_equal(rc, SSS_ONCE_AGAIN);
            }
        }

        if (rc == SSS_ONCE_TAKEN) {
            had[n].number = number;
            had[n++].until = now + 13;
        }
    }

    assert_true(n > 1000);
}


static void
test_size(void **state)
{
    size_t  places;

    (void) state;

    for (places = 1; places < 300; places++) {
        assert_true(sss_once_size(places) >= places * 24);
        assert_true(sss_once_size(places) <= 2 * (places + 8) * 24 + 16);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_once),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_back),
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
