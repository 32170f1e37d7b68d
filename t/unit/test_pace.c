
/* When lookups and stores are sent, by a clock of the test. */


#include "unit.h"

#include "sss_pace.h"


#define NOW  1000000


static void
test_alone(void **state)
{
    sss_pace_t  pace = { 0 };

    (void) state;

    /* single lookups are sent at once, however many there were */

    sss_pace_lookup(&pace, 1, NOW);
    assert_true(sss_pace_asks(&pace, 1, 1) <= NOW);
    sss_pace_asked(&pace, NOW);

    sss_pace_lookup(&pace, 1, NOW + 1);
    assert_true(sss_pace_asks(&pace, 1, 1) <= NOW + 1);
}


static void
test_crowd(void **state)
{
    uint64_t    due;
    sss_pace_t  pace = { 0 };

    (void) state;

    sss_pace_lookup(&pace, 2, NOW);
    sss_pace_asked(&pace, NOW);

    /* those that follow others wait a little */

    due = sss_pace_asks(&pace, 1, 1);
    assert_true(due > NOW);
    assert_true(due <= NOW + 1000);

    /* but not if there are many for each server */

    assert_int_equal(sss_pace_asks(&pace, 1000, 1), 0);
    assert_int_equal(sss_pace_asks(&pace, 20, 2), due);

    /* nor if there was no second one for a while */

    sss_pace_asked(&pace, NOW + 1000000);
    assert_true(sss_pace_asks(&pace, 1, 1) < NOW + 1000000);
}


static void
test_stores(void **state)
{
    unsigned    i;
    sss_pace_t  pace = { 0 };

    (void) state;

    /* the first few are sent in the turn that made them */

    for (i = 0; i < SSS_PACE_FEW - 1; i++) {
        sss_pace_store(&pace, NOW + i);
        assert_true(sss_pace_sends(&pace) <= NOW + i);
        sss_pace_sent(&pace, NOW + i);
    }

    /* from then on they wait after the message before */

    sss_pace_store(&pace, NOW + i);
    assert_in_range(sss_pace_sends(&pace), NOW + i + 1, NOW + i + 5000);

    /* until it was quiet for a while */

    sss_pace_store(&pace, NOW + 1000000);
    assert_true(sss_pace_sends(&pace) <= NOW + 1000000);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_crowd),
        cmocka_unit_test(test_stores),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
