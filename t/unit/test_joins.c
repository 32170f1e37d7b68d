
/* Hosts are let in while something goes wrong. */


#include "unit.h"

#include "fleet.h"
#include "sss_door.h"


#define ROUNDS   40
#define SETTLED  12000                  /* ms after which all is quiet     */
#define STARTS   300                    /* for a median                    */


static void
begin(fleet_t *f, uint64_t seed)
{
    fleet_start(f, seed, 1);
    fleet_run(f, SETTLED);
    fleet_use_all(f);
}


/* Fails unless all hosts are in one group and have all of these keys. */

static void
assert_well(fleet_t *f, sss_ring_t *all)
{
    size_t  i;

    (void) sss_ring_expire(all, f->now);

    for (i = 0; i < HOSTS; i++) {
        assert_true(f->hosts[i].group.member);
        assert_true(sss_label_same(&f->hosts[i].group.label,
                                   &f->hosts[0].group.label));
        assert_true(sss_ring_covers(f->hosts[i].ring, all));
    }
}


static void
empty(fleet_t *f)
{
    size_t  k;

    for (k = 0; k < SERVERS; k++) {
        memset(f->servers[k].items, 0, sizeof(f->servers[k].items));
    }
}


static void
test_half_restarts_in_a_cut(void **state)
{
    size_t       i, k;
    fleet_t      f;
    unsigned     round;
    sss_ring_t  *all;

    (void) state;

    all = sss_ring_create(4 * CAPACITY);

    for (round = 1; round <= ROUNDS; round++) {
        begin(&f, round);
        sss_ring_wipe(all);
        fleet_gather(&f, all);

        for (i = 0; i < HOSTS; i++) {
            f.hosts[i].cut[i < HOSTS / 2] = 1;
        }

        fleet_run(&f, fleet_below(&f, 5000));

        for (i = HOSTS / 2; i < HOSTS; i++) {
            k = fleet_below(&f, 2) ? i : i - HOSTS / 2;
            fleet_enter(&f, k);
            fleet_run(&f, fleet_below(&f, 3000));
            f.hosts[k].used = 1;
        }

        fleet_run(&f, SETTLED);
        fleet_gather(&f, all);

        for (i = 0; i < HOSTS; i++) {
            f.hosts[i].cut[i < HOSTS / 2] = 0;
        }

        fleet_run(&f, 2 * SETTLED);
        assert_well(&f, all);
        fleet_stop(&f);
    }

    sss_ring_destroy(all);
}


static void
test_flush_in_a_join(void **state)
{
    size_t       i;
    fleet_t      f;
    unsigned     round, flushes;
    sss_ring_t  *all;

    (void) state;

    all = sss_ring_create(4 * CAPACITY);

    for (round = 1; round <= ROUNDS; round++) {
        begin(&f, round);
        sss_ring_wipe(all);
        fleet_gather(&f, all);

        i = fleet_below(&f, HOSTS);
        fleet_enter(&f, i);

        for (flushes = 0; flushes < 4; flushes++) {
            fleet_run(&f, fleet_below(&f, 500));
            empty(&f);
        }

        fleet_run(&f, 2 * SETTLED);
        assert_well(&f, all);
        fleet_stop(&f);
    }

    sss_ring_destroy(all);
}


/* What an attacker who can write to memcached does to a slot. */

static void
meddle(fleet_t *f, server_t *server, stored_t *old, unsigned slot)
{
    char       name[SSS_NAME_SIZE];
    stored_t  *stored;

    assert_int_equal(sss_door_name(f->secrets.value[0], slot, "main", 4,
                                   name), 0);

    stored = fleet_find(server, name);

    if (stored == NULL) {
        return;
    }

    switch (fleet_below(f, 6)) {

    case 0:                             /* cut short                       */
        stored->len = 1 + fleet_below(f, (unsigned) stored->len);
        break;

    case 1:                             /* something else                  */
        unit_random_bytes(&f->random, stored->value, stored->len);
        break;

    case 2:                             /* an earlier value                */
        if (old->cas != 0) {
            memcpy(stored->value, old->value, old->len);
            stored->len = old->len;
        }

        break;

    case 3:                             /* kept for later                  */
        *old = *stored;
        return;

    case 4:                             /* lost                            */
        stored->cas = 0;
        return;

    default:                            /* one bit                         */
        stored->value[fleet_below(f, (unsigned) stored->len)] ^= 0x20;
    }

    stored->cas = ++server->cas;
}


static void
test_meddled_with(void **state)
{
    size_t       i;
    fleet_t      f;
    unsigned     round, t;
    stored_t     old[SSS_DOOR_SLOTS];
    sss_ring_t  *all;

    (void) state;

    all = sss_ring_create(4 * CAPACITY);

    for (round = 1; round <= ROUNDS; round++) {
        begin(&f, round);
        memset(old, 0, sizeof(old));
        sss_ring_wipe(all);
        fleet_gather(&f, all);

        fleet_enter(&f, 1);
        fleet_enter(&f, 2);

        for (t = 0; t < 100; t++) {
            fleet_run(&f, 10 + fleet_below(&f, 100));

            for (i = 0; i < SSS_DOOR_SLOTS; i++) {
                meddle(&f, &f.servers[fleet_below(&f, SERVERS)], &old[i],
                       (unsigned) i);
            }
        }

        fleet_run(&f, 3 * SETTLED);
        assert_well(&f, all);
        fleet_stop(&f);
    }

    sss_ring_destroy(all);
}


static void
test_clocks(void **state)
{
    size_t       i;
    fleet_t      f;
    unsigned     round;
    sss_ring_t  *all;

    (void) state;

    all = sss_ring_create(4 * CAPACITY);

    for (round = 1; round <= ROUNDS; round++) {
        fleet_start(&f, round, 1);

        for (i = 0; i < HOSTS; i++) {
            f.hosts[i].skew_ms = (int64_t) fleet_below(&f, HOUR / 2);
        }

        fleet_run(&f, 2 * SETTLED);
        sss_ring_wipe(all);
        fleet_gather(&f, all);

        i = fleet_below(&f, HOSTS);
        fleet_enter(&f, i);
        fleet_run(&f, 2 * SETTLED);

        assert_well(&f, all);
        fleet_stop(&f);
    }

    sss_ring_destroy(all);
}


/* [old], [old, new], [new, old], [new], while hosts start. */

static void
test_secrets(void **state)
{
    size_t       i, step;
    fleet_t      f;
    uint8_t      old[SSS_SECRET_SIZE], new[SSS_SECRET_SIZE];
    unsigned     round;
    sss_ring_t  *all;

    (void) state;

    all = sss_ring_create(4 * CAPACITY);

    for (round = 1; round <= ROUNDS / 2; round++) {
        begin(&f, round);
        sss_ring_wipe(all);
        fleet_gather(&f, all);

        memcpy(old, f.secrets.value[0], sizeof(old));
        memset(new, 0x33, sizeof(new) - 1);
        new[sizeof(new) - 1] = 0;

        for (step = 1; step <= 3; step++) {
            f.secrets.n = step == 3 ? 1 : 2;
            memcpy(f.secrets.value[0], step == 1 ? old : new, sizeof(old));
            memcpy(f.secrets.value[1], step == 1 ? new : old, sizeof(old));

            for (i = 0; i < HOSTS; i++) {

                if (i == fleet_below(&f, HOSTS)) {
                    fleet_enter(&f, i);

                } else {
                    fleet_reload(&f, i);
                }

                fleet_run(&f, SETTLED);
                f.hosts[i].used = 1;
                assert_well(&f, all);
                fleet_gather(&f, all);
            }
        }

        fleet_stop(&f);
    }

    sss_ring_destroy(all);
}


static int
by_size(const void *a, const void *b)
{
    return *(const unsigned *) a < *(const unsigned *) b
           ? -1 : *(const unsigned *) a > *(const unsigned *) b;
}


/* How long a host that starts beside three others is without their keys. */

static void
test_time_to_keys(void **state)
{
    size_t    i;
    fleet_t   f;
    unsigned  round, took[STARTS];

    (void) state;

    for (round = 0; round < STARTS; round++) {

        if (round % 10 == 0) {
            begin(&f, round + 1);
        }

        i = fleet_below(&f, HOSTS);
        fleet_kill(&f, i);
        fleet_run(&f, 10 + 10 * fleet_below(&f, 400));
        fleet_enter(&f, i);

        for (took[round] = 0;
             !sss_ring_covers(f.hosts[i].ring, f.hosts[!i].ring)
             || !f.hosts[i].group.member;
             took[round] += 10)
        {
            assert_in_range(took[round], 0, SETTLED);
            fleet_run(&f, 10);
        }

        f.hosts[i].used = 1;

        if (round % 10 == 9) {
            fleet_stop(&f);
        }
    }

    qsort(took, STARTS, sizeof(unsigned), by_size);

    print_message("time to keys: median %u ms, 99 %% %u ms, at most %u ms\n",
                  took[STARTS / 2], took[STARTS * 99 / 100],
                  took[STARTS - 1]);

    assert_in_range(took[STARTS / 2], 0, 1000);
    assert_in_range(took[STARTS - 1], 0, 2500);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_half_restarts_in_a_cut),
        cmocka_unit_test(test_flush_in_a_join),
        cmocka_unit_test(test_meddled_with),
        cmocka_unit_test(test_clocks),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_time_to_keys)
    };

    return cmocka_run_group_tests_name("joins", tests, NULL, NULL);
}
