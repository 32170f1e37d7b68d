
/* Hosts whose steps come in a random order, see fleet.h. */


#include "unit.h"

#include "fleet.h"
#include "sss_trouble.h"


#define ROUNDS   400


/* Hosts that start together have one key for a slot, in whatever order. */

static void
test_start_together(void **state)
{
    fleet_t   f;
    uint64_t  generated;
    unsigned  round, i;

    (void) state;

    for (round = 1; round <= ROUNDS; round++) {
        fleet_start(&f, round, 0);

        fleet_poll(&f, START + HOUR * 9 / 10);
        fleet_assert_agreed(&f, 2);

        for (i = generated = 0; i < HOSTS; i++) {
            generated += f.hosts[i].report.generated;
            assert_int_equal(f.hosts[i].report.reached, SERVERS);
        }

        assert_int_equal(generated, 2);

        /* the first key has expired by then */

        fleet_poll(&f, START + HOUR * 19 / 10);
        fleet_assert_agreed(&f, 2);

        fleet_stop(&f);
    }
}


/*
 * Servers go down, come back empty, and refuse writes.  Hosts must always have
 * a key, lose none, and have the same keys when all is well again.
 */

static void
test_servers_fail(void **state)
{
    fleet_t      f;
    size_t       i, k;
    uint64_t     now;
    unsigned     round, polls;
    sss_ring_t  *before;
    const sss_server_report_t  *server;

    (void) state;

    before = sss_ring_create(CAPACITY);

    for (round = 1; round <= ROUNDS / 4; round++) {
        fleet_start(&f, round, 0);
        now = START;

        for (polls = 0; polls < 40; polls++) {

            for (i = 0; i < SERVERS; i++) {
                f.servers[i].down = (fleet_below(&f, 3) == 0);
                f.servers[i].refuses = fleet_below(&f, 4) ? NULL : "timed out";

                if (fleet_below(&f, 5) == 0) {
                    memset(f.servers[i].items, 0,
                           sizeof(f.servers[i].items));
                }
            }

            sss_ring_copy(before, f.hosts[0].ring);
            now += HOUR / 40;
            fleet_poll(&f, now);

            (void) sss_ring_expire(before, now);
            assert_true(sss_ring_covers(f.hosts[0].ring, before));

            for (i = 0; i < HOSTS; i++) {
                assert_non_null(sss_ring_slot(f.hosts[i].ring, ROTATION,
                                              sss_slot(ROTATION, now)));
            }
        }

        for (i = 0; i < SERVERS; i++) {
            f.servers[i].down = 0;
            f.servers[i].refuses = NULL;
        }

        /* a server that has failed is skipped for four polls at most */

        for (polls = 0; polls < 12; polls++) {
            fleet_poll(&f, now + polls);
        }

        fleet_assert_agreed(&f, f.hosts[0].ring->n);

        for (i = 0; i < HOSTS; i++) {
            for (k = 0; k < SERVERS; k++) {
                server = &f.hosts[i].report.server[k];
                assert_int_equal(server->state, SSS_SERVER_UP);
                assert_int_equal(server->whole, 1);
            }
        }

        fleet_stop(&f);
    }

    sss_ring_destroy(before);
}


/* Servers that answer but are of no use are told from those that are down. */

static void
test_trouble(void **state)
{
    fleet_t                     f;
    unsigned                    polls;
    const sss_server_report_t  *first, *second;

    (void) state;

    fleet_start(&f, 5, 0);
    first = &f.hosts[0].report.server[0];
    second = &f.hosts[0].report.server[1];

    f.servers[0].refuses = "SERVER_ERROR out of memory storing object";
    f.servers[1].refuses = "SERVER_ERROR object too large for cache";

    fleet_poll(&f, START);
    assert_int_equal(first->state, SSS_SERVER_REFUSES);
    assert_int_equal(first->whole, 0);
    assert_string_equal(sss_server_trouble(first), "it takes no writes");
    assert_non_null(strstr(sss_server_trouble(second), "raise its -I"));

    /* a write that timed out is not a refusal */

    f.servers[0].refuses = "timed out";
    f.servers[1].refuses = NULL;
    fleet_poll(&f, START + 1000);
    assert_int_equal(first->state, SSS_SERVER_UP);
    assert_string_equal(sss_server_trouble(first), "");
    assert_int_equal(second->state, SSS_SERVER_UP);
    assert_string_equal(sss_server_trouble(second), "");

    f.servers[0].refuses = NULL;
    fleet_poll(&f, START + 2000);

    /*
     * the server is restarted once, and then loses everything again and again
     */

    for (polls = 0; polls < 6; polls++) {
        memset(f.servers[1].items, 0, sizeof(f.servers[1].items));
        fleet_poll(&f, START + 3000 + polls);

        assert_int_equal(second->state, SSS_SERVER_UP);
        assert_int_equal(second->whole, 1);
        assert_string_equal(sss_server_trouble(first), "");

        if (polls == 0) {
            assert_string_equal(sss_server_trouble(second), "");
        }
    }

    assert_non_null(strstr(sss_server_trouble(second), "it loses what"));

    for (polls = 0; polls < 10; polls++) {
        fleet_poll(&f, START + 4000 + polls);
    }

    assert_string_equal(sss_server_trouble(second), "");

    /* keys that have expired do not count as lost */

    for (polls = 0; polls < 60; polls++) {
        fleet_poll(&f, START + polls * HOUR / 6);
        assert_string_equal(sss_server_trouble(first), "");
        assert_string_equal(sss_server_trouble(second), "");
    }

    fleet_stop(&f);
}


/* Two servers behind one address, which answer in turns. */

static void
test_two_servers(void **state)
{
    fleet_t      f;
    server_t     now, other;
    unsigned     polls;
    const char  *said;

    (void) state;

    fleet_start(&f, 6, 0);

    memset(&other, 0, sizeof(other));
    other.cas = 1000;

    for (polls = 0; polls < 16; polls++) {
        fleet_poll(&f, START + polls);

        now = f.servers[1];
        f.servers[1] = other;
        other = now;

        said = sss_server_trouble(&f.hosts[0].report.server[0]);
        assert_string_equal(said, "");

        said = sss_server_trouble(&f.hosts[0].report.server[1]);

        if (polls < 3) {
            assert_string_equal(said, "");

        } else if (polls > 8) {
            assert_non_null(strstr(said, "several servers behind"));
        }
    }

    for (polls = 0; polls < 16; polls++) {
        fleet_poll(&f, START + 100 + polls);
    }

    assert_string_equal(sss_server_trouble(&f.hosts[0].report.server[1]), "");

    fleet_stop(&f);
}


/* A sync can be destroyed at any moment. */

static void
test_dropped(void **state)
{
    fleet_t   f;
    unsigned  round, steps;

    (void) state;

    for (round = 1; round <= ROUNDS; round++) {
        fleet_start(&f, round, 0);

        assert_int_equal(fleet_begin(&f, 0, START), 0);

        for (steps = fleet_below(&f, 40);
             steps > 0 && f.hosts[0].polling;
             steps--)
        {
            fleet_step(&f, 0);
            fleet_carry_out(&f, 0, fleet_below(&f, SERVERS));
        }

        fleet_stop(&f);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_start_together),
        cmocka_unit_test(test_servers_fail),
        cmocka_unit_test(test_trouble),
        cmocka_unit_test(test_two_servers),
        cmocka_unit_test(test_dropped),
    };

    return cmocka_run_group_tests_name("steps", tests, NULL, NULL);
}
