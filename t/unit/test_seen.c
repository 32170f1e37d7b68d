
#include "unit.h"

#include "sss_seen.h"


static void
test_first_and_second(void **state)
{
    sss_seen_t     seen;
    uint64_t       random = 1;
    size_t         i;
    uint8_t        id[SSS_SEEN_BYTES];

    (void) state;

    memset(&seen, 0, sizeof(seen));

    for (i = 0; i < 100000; i++) {
        unit_random_bytes(&random, id, sizeof(id));

        assert_int_equal(sss_seen_before(&seen, id), 0);
        assert_int_equal(sss_seen_before(&seen, id), 1);
        assert_int_equal(sss_seen_before(&seen, id), 1);
    }
}


static void
test_zero(void **state)
{
    sss_seen_t  seen;
    uint8_t     id[SSS_SEEN_BYTES] = { 0 };

    (void) state;

    memset(&seen, 0, sizeof(seen));

    assert_int_equal(sss_seen_before(&seen, id), 0);
    assert_int_equal(sss_seen_before(&seen, id), 1);
}


/* Of as many IDs as there are slots most are remembered. */

static void
test_how_many(void **state)
{
    size_t      i, known;
    uint64_t    random;
    uint8_t     id[SSS_SEEN_BYTES];
    sss_seen_t  seen;

    (void) state;

    memset(&seen, 0, sizeof(seen));

    random = 7;

    for (i = 0; i < SSS_SEEN_SLOTS / 2; i++) {
        unit_random_bytes(&random, id, sizeof(id));
        (void) sss_seen_before(&seen, id);
    }

    random = 7;
    known = 0;

    for (i = 0; i < SSS_SEEN_SLOTS / 2; i++) {
        unit_random_bytes(&random, id, sizeof(id));
        known += sss_seen_before(&seen, id);
    }

    assert_in_range(known, SSS_SEEN_SLOTS / 4, SSS_SEEN_SLOTS / 2);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_first_and_second),
        cmocka_unit_test(test_zero),
        cmocka_unit_test(test_how_many)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
