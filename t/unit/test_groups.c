
/* Hosts with forward secrecy: who is in which group, and has which keys. */


#include "unit.h"

#include "fleet.h"
#include "sss_ring_codec.h"
#include "sss_seal.h"


#define ROUNDS   60
#define SETTLED  12000                  /* ms after which all is quiet     */


static void
assert_one_group(fleet_t *f)
{
    size_t               i;
    const fleet_host_t  *first;

    first = NULL;

    for (i = 0; i < HOSTS; i++) {

        if (f->hosts[i].sync == NULL) {
            continue;
        }

        if (first == NULL) {
            first = &f->hosts[i];
        }

        assert_true(f->hosts[i].group.member);
        assert_false(f->hosts[i].report.waits);
        assert_true(sss_label_same(&f->hosts[i].group.label,
                                   &first->group.label));
        assert_int_equal(f->hosts[i].ring->n, first->ring->n);
        assert_true(sss_ring_covers(f->hosts[i].ring, first->ring));
    }
}


static void
assert_nothing_lost(fleet_t *f, sss_ring_t *all)
{
    size_t  i;

    (void) sss_ring_expire(all, f->now);

    for (i = 0; i < HOSTS; i++) {
        if (f->hosts[i].sync != NULL) {
            assert_true(sss_ring_covers(f->hosts[i].ring, all));
        }
    }
}


/* Hosts that start on empty servers end in one group. */

static void
test_all_at_once(void **state)
{
    fleet_t      f;
    unsigned     round;
    sss_ring_t  *all;

    (void) state;

    all = sss_ring_create(CAPACITY);

    for (round = 1; round <= ROUNDS; round++) {
        fleet_start(&f, round, 1);

        fleet_run(&f, 1000);
        fleet_use_all(&f);
        sss_ring_wipe(all);
        fleet_gather(&f, all);

        fleet_run(&f, SETTLED);
        assert_one_group(&f);
        assert_nothing_lost(&f, all);

        fleet_stop(&f);
    }

    sss_ring_destroy(all);
}


/* A host that starts beside others gets their keys, and adds none. */

static void
test_restarts(void **state)
{
    fleet_t      f;
    size_t       i;
    uint32_t     keys;
    unsigned     round;

    (void) state;

    for (round = 1; round <= ROUNDS; round++) {
        fleet_start(&f, round, 1);
        fleet_run(&f, SETTLED);
        fleet_use_all(&f);

        keys = f.hosts[0].ring->n;
        i = fleet_below(&f, HOSTS);

        fleet_kill(&f, i);
        fleet_run(&f, fleet_below(&f, 4000));
        fleet_enter(&f, i);
        fleet_run(&f, FLEET_POLL + 700);

        assert_one_group(&f);
        fleet_assert_agreed(&f, keys);
        assert_int_equal(f.hosts[i].report.joins.made, 1);
        assert_int_equal(f.hosts[i].report.joins.given_up, 0);
        assert_int_equal(f.hosts[i].report.joins.founded, 0);

        fleet_stop(&f);
    }
}


/* Keys that were used before the host was let in are not lost. */

static void
test_used_meanwhile(void **state)
{
    fleet_t      f;
    unsigned     round;
    sss_ring_t  *all;

    (void) state;

    all = sss_ring_create(CAPACITY);

    for (round = 1; round <= ROUNDS / 4; round++) {
        fleet_start(&f, round, 1);
        fleet_run(&f, SETTLED);
        fleet_use_all(&f);

        fleet_kill(&f, 1);
        fleet_enter(&f, 1);
        fleet_run(&f, 100);
        f.hosts[1].used = 1;

        sss_ring_wipe(all);
        fleet_gather(&f, all);

        fleet_run(&f, 2 * FLEET_POLL + 1000);
        assert_one_group(&f);
        assert_nothing_lost(&f, all);

        fleet_stop(&f);
    }

    sss_ring_destroy(all);
}


/* Two groups that were founded apart become one, with the keys of both. */

static void
test_partition(void **state)
{
    fleet_t      f;
    size_t       i;
    unsigned     round;
    sss_ring_t  *all;

    (void) state;

    all = sss_ring_create(CAPACITY);

    for (round = 1; round <= ROUNDS; round++) {
        fleet_start(&f, round, 1);

        for (i = 0; i < HOSTS; i++) {
            f.hosts[i].cut[i == 0] = 1;
        }

        fleet_run(&f, SETTLED);
        fleet_use_all(&f);

        assert_false(sss_label_same(&f.hosts[0].group.label,
                                    &f.hosts[1].group.label));
        assert_true(sss_label_same(&f.hosts[2].group.label,
                                   &f.hosts[1].group.label));

        sss_ring_wipe(all);
        fleet_gather(&f, all);
        assert_int_not_equal(all->n, f.hosts[0].ring->n);

        for (i = 0; i < HOSTS; i++) {
            f.hosts[i].cut[i == 0] = 0;
        }

        fleet_run(&f, 2 * SETTLED);
        assert_one_group(&f);
        assert_nothing_lost(&f, all);

        fleet_stop(&f);
    }

    sss_ring_destroy(all);
}


/* When the last member of a group is gone, its record is taken over. */

static void
test_dead_group(void **state)
{
    fleet_t   f;
    unsigned  round;

    (void) state;

    for (round = 1; round <= ROUNDS / 4; round++) {
        fleet_start(&f, round, 1);
        fleet_run(&f, SETTLED);

        fleet_kill(&f, 0);
        fleet_kill(&f, 1);
        fleet_kill(&f, 2);
        fleet_kill(&f, 3);

        fleet_enter(&f, 0);
        fleet_enter(&f, 1);

        fleet_run(&f, 2 * FLEET_POLL);
        assert_false(f.hosts[0].group.member || f.hosts[1].group.member);
        assert_true(f.hosts[0].report.waits && f.hosts[1].report.waits);

        fleet_run(&f, SETTLED);
        assert_one_group(&f);
        assert_true(f.hosts[0].report.joins.given_up >= 1);

        fleet_stop(&f);
    }
}


/* A generation that is raised on one host becomes that of all, and stays. */

static void
test_generation(void **state)
{
    fleet_t      f;
    size_t       i, k;
    unsigned     round, fs;
    sss_ring_t  *old;

    (void) state;

    old = sss_ring_create(CAPACITY);

    for (round = 1; round <= ROUNDS; round++) {
        fs = round % 2;

        fleet_start(&f, round, (int) fs);
        fleet_run(&f, SETTLED);
        fleet_use_all(&f);

        sss_ring_wipe(old);
        fleet_gather(&f, old);

        /* one host is cut off in the meantime */

        f.hosts[2].cut[0] = 1;
        f.hosts[2].cut[1] = 1;

        /* as in a reload with a higher generation */

        sss_ring_wipe(f.hosts[0].ring);
        sss_group_init(&f.hosts[0].group, 7);

        fleet_run(&f, 2 * FLEET_POLL + 1000);

        for (i = 0; i < 2; i++) {
            assert_int_equal(f.hosts[i].group.label.generation, 7);

            for (k = 0; k < old->n; k++) {
                assert_null(sss_ring_find(f.hosts[i].ring,
                                          old->keys[k].name));
            }
        }

        fleet_run(&f, SETTLED);

        f.hosts[2].cut[0] = 0;
        f.hosts[2].cut[1] = 0;

        /* another host starts with the lower number */

        fleet_kill(&f, 1);
        fleet_enter(&f, 1);

        fleet_run(&f, 2 * SETTLED);
        assert_one_group(&f);

        for (i = 0; i < HOSTS; i++) {
            assert_int_equal(f.hosts[i].group.label.generation, 7);

            for (k = 0; k < old->n; k++) {
                assert_null(sss_ring_find(f.hosts[i].ring,
                                          old->keys[k].name));
            }
        }

        fleet_stop(&f);
    }

    sss_ring_destroy(old);
}


/* What a recorder keeps: each new record of a ring, and its time. */

typedef struct {
    uint8_t   value[8192];
    size_t    len;
    uint64_t  when;
} kept_t;


static size_t
keep_new(fleet_t *f, kept_t *kept, size_t n, size_t room)
{
    char       name[SSS_NAME_SIZE];
    stored_t  *stored;

    assert_int_equal(sss_secret_record_name(f->secrets.value[0], "group ring",
                                            "main", 4, name), 0);

    stored = fleet_find(&f->servers[0], name);

    if (stored != NULL && n < room
        && (n == 0 || kept[n - 1].len != stored->len
            || memcmp(kept[n - 1].value, stored->value, stored->len) != 0))
    {
        memcpy(kept[n].value, stored->value, stored->len);
        kept[n].len = stored->len;
        kept[n].when = f->now;
        n++;
    }

    return n;
}


static int
opens(fleet_t *f, const sss_group_t *group, const kept_t *kept,
    sss_ring_t *ring)
{
    long            len;
    uint8_t         key[SSS_GROUP_KEY], ad[SSS_LABEL_SIZE + 4];
    uint8_t         plain[8192];
    sss_label_t     label;
    sss_group_t     g;
    sss_hmac_key_t  mac;

    assert_int_equal(sss_label_key(f->secrets.value[0], &mac), 0);
    assert_int_equal(sss_label_read(&label, &mac, "main", 4, kept->value,
                                    kept->len), 0);

    /* the keys of all later epochs follow from this one */

    g = *group;

    if (!sss_label_same(&label, &g.label)
        || sss_group_follow(&g, label.epoch, HOUR, UINT64_MAX) != 0
        || sss_group_ring_key(&g, label.epoch, f->secrets.value[0], key) != 0)
    {
        return 0;
    }

    memcpy(ad, kept->value, SSS_LABEL_SIZE);
    memcpy(ad + SSS_LABEL_SIZE, "main", 4);

    len = sss_unseal(key, SSS_SEAL_RING, ad, sizeof(ad),
                     kept->value + SSS_LABEL_SIZE,
                     kept->len - SSS_LABEL_SIZE, plain);

    assert_true(len > 0);

    sss_ring_wipe(ring);

    return sss_ring_decode(ring, plain, (size_t) len) == 0;
}


/*
 * With the secret and the memory of a host, the records that a server ever had
 * give the recent keys, and none that expired three rotations ago.
 */

static void
test_forward_secrecy(void **state)
{
    kept_t       *kept;
    size_t        i, k, n;
    fleet_t       f;
    unsigned      opened, recent, ticks;
    sss_ring_t   *ring;

    (void) state;

    n = 0;
    kept = calloc(400, sizeof(kept_t));
    ring = sss_ring_create(CAPACITY);
    assert_non_null(kept);

    fleet_start(&f, 11, 1);

    for (ticks = 0; ticks < 200; ticks++) {
        f.now += HOUR / 10;
        fleet_run(&f, 4000);
        n = keep_new(&f, kept, n, 400);

        if (ticks % 17 == 0) {
            fleet_kill(&f, ticks % 3);
            fleet_enter(&f, ticks % 3);
        }

        for (i = 0; i < HOSTS && f.hosts[i].group.member; i++) {

            if (f.hosts[i].polling) {
                continue;
            }

            opened = recent = 0;

            for (k = 0; k < n; k++) {
                recent += (kept[k].when + HOUR >= f.now);

                if (!opens(&f, &f.hosts[i].group, &kept[k], ring)) {
                    continue;
                }

                opened++;
                assert_true(kept[k].when + 3 * HOUR > f.now);
            }

            assert_true(recent == 0 || opened > 0);
        }
    }

    assert_true(n > 20);
    assert_true(f.hosts[0].group.label.epoch > 12);

    fleet_stop(&f);
    sss_ring_destroy(ring);
    free(kept);
}


/*
 * Hosts die and start, servers go down, are flushed and cut off.  In the end
 * there must be one group, with all keys of the hosts that are up then.
 */

static void
test_chaos(void **state)
{
    fleet_t      f;
    size_t       i, k;
    unsigned     round, events, alive;
    sss_ring_t  *all;

    (void) state;

    all = sss_ring_create(4 * CAPACITY);

    for (round = 1; round <= ROUNDS; round++) {
        fleet_start(&f, round, 1);

        for (events = 0; events < 40; events++) {
            i = fleet_below(&f, HOSTS);
            k = fleet_below(&f, SERVERS);

            switch (fleet_below(&f, 7)) {

            case 0:
                fleet_kill(&f, i);
                break;

            case 1:
                fleet_enter(&f, i);
                break;

            case 2:
                f.hosts[i].cut[k] = !f.hosts[i].cut[k];
                break;

            case 3:
                f.servers[k].down = !f.servers[k].down;
                break;

            case 4:
                memset(f.servers[k].items, 0, sizeof(f.servers[k].items));
                break;

            case 5:
                f.servers[k].refuses = f.servers[k].refuses ? NULL
                                                            : "timed out";
                break;

            default:
                f.hosts[i].used = 1;
            }

            fleet_run(&f, fleet_below(&f, 3000));
        }

        fleet_use_all(&f);

        for (i = 0, alive = 0; i < HOSTS; i++) {
            memset(f.hosts[i].cut, 0, sizeof(f.hosts[i].cut));
            alive += (f.hosts[i].sync != NULL);
        }

        for (k = 0; k < SERVERS; k++) {
            f.servers[k].down = 0;
            f.servers[k].refuses = NULL;
        }

        if (alive == 0) {
            fleet_enter(&f, 0);
        }

        sss_ring_wipe(all);
        fleet_gather(&f, all);

        fleet_run(&f, 60000);
        assert_one_group(&f);
        assert_nothing_lost(&f, all);

        fleet_stop(&f);
    }

    sss_ring_destroy(all);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_all_at_once),
        cmocka_unit_test(test_restarts),
        cmocka_unit_test(test_used_meanwhile),
        cmocka_unit_test(test_partition),
        cmocka_unit_test(test_dead_group),
        cmocka_unit_test(test_generation),
        cmocka_unit_test(test_forward_secrecy),
        cmocka_unit_test(test_chaos),
    };

    return cmocka_run_group_tests_name("groups", tests, NULL, NULL);
}
