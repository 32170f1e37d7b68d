
/* Hosts that share keys: which host makes a key, and who gets it. */


#include "unit.h"

#include "host.h"


static void
test_agree(void **state)
{
    unsigned    i;
    host_t     *a, *b;
    uint64_t    writes;
    hosts_t    *f;

    f = *state;
    a = &f->h[0];
    b = &f->h[1];

    host_join(a, "S", &f->m[0], NULL);
    host_join(b, "S", &f->m[0], NULL);

    host_poll(a, START);
    host_poll(b, START + 10);

    assert_int_equal(a->ring->n, 1);
    host_assert_same(a, b);
    assert_int_equal(a->report.generated, 1);
    assert_int_equal(b->report.generated, 0);
    assert_int_equal(a->report.reached, 1);
    assert_int_equal(a->report.polls, 1);
    assert_int_equal(a->report.server[0].state, SSS_SERVER_UP);
    assert_int_equal(a->report.server[0].success_ms, START);
    assert_int_equal(a->report.server[0].writes, 1);
    assert_int_equal(a->report.server[0].whole, 1);
    assert_int_equal(a->report.server[0].keys, 1);
    assert_int_equal(a->report.server[0].clock_known, 1);
    assert_in_range(a->report.server[0].clock_diff + 60, 0, 120);
    assert_int_equal(b->report.server[0].writes, 0);
    assert_int_equal(b->report.server[0].whole, 1);

    /* a host that has nothing to add writes nothing */

    for (i = 0; i < 20; i++) {
        host_poll(a, START + 1000 + i);
        host_poll(b, START + 1000 + i);
    }

    assert_int_equal(a->report.server[0].writes, 1);
    assert_int_equal(b->report.server[0].writes, 0);

    /* the next slot's key is made in time, not earlier, and only once */

    host_poll(a, START - 60000 + HOUR * 49 / 100);
    host_poll(b, START - 60000 + HOUR * 49 / 100);
    assert_false(host_has_next(a, START) || host_has_next(b, START));

    host_poll(b, START - 60000 + HOUR * 63 / 100);
    host_poll(a, START - 60000 + HOUR * 63 / 100);
    assert_true(host_has_next(a, START) && host_has_next(b, START));
    host_assert_same(a, b);
    assert_int_equal(a->ring->n, 2);

    writes = a->report.server[0].writes + b->report.server[0].writes;
    assert_int_equal(writes, 2);

    /* no key is made when its slot begins */

    host_poll(a, START + HOUR);
    host_poll(b, START + HOUR);
    host_assert_same(a, b);
    assert_int_equal(a->report.generated + b->report.generated, 2);
    assert_int_equal(sss_ring_encrypting(a->ring, ROTATION, START + HOUR)
                     ->slot, sss_slot(ROTATION, START) + 1);
}


static void *
poll_thread(void *data)
{
    host_t  *h;

    h = data;

    pthread_barrier_wait(h->barrier);
    (void) host_poll_once(h, h->now);

    return NULL;
}


/* All hosts start at the same time on an empty server, repeatedly. */

static void
test_start_together(void **state)
{
    size_t              i;
    unsigned            round;
    uint64_t            made;
    hosts_t            *f;
    pthread_barrier_t   barrier;

    f = *state;

    pthread_barrier_init(&barrier, NULL, unit_count(f->h));

    for (round = 0; round < 100; round++) {

        for (i = 0; i < unit_count(f->h); i++) {
            host_prepare(&f->h[i], "S", &f->m[0], &f->m[1]);
            f->h[i].conf.ns_len = (size_t) sprintf(f->h[i].conf.ns, "r%u",
                                                   round);
            host_enter(&f->h[i]);

            f->h[i].now = START + HOUR * 9 / 10 + i;
            f->h[i].barrier = &barrier;
        }

        for (i = 0; i < unit_count(f->h); i++) {
            assert_int_equal(pthread_create(&f->h[i].thread, NULL,
                                            poll_thread, &f->h[i]), 0);
        }

        made = 0;

        for (i = 0; i < unit_count(f->h); i++) {
            pthread_join(f->h[i].thread, NULL);
            made += f->h[i].report.generated;
        }

        assert_int_equal(made, 2);

        for (i = 0; i < unit_count(f->h); i++) {
            assert_int_equal(f->h[i].ring->n, 2);
            host_assert_same(&f->h[i], &f->h[0]);
        }

        for (i = 0; i < unit_count(f->h); i++) {
            host_leave(&f->h[i]);
        }
    }

    pthread_barrier_destroy(&barrier);
}


static void
test_no_server(void **state)
{
    host_t     *a;
    hosts_t    *f;

    f = *state;
    a = &f->h[0];

    memcached_stop(&f->m[0]);
    memcached_stop(&f->m[1]);

    host_join(a, "S", &f->m[0], &f->m[1]);

    host_poll(a, START);
    assert_int_equal(a->report.reached, 0);
    assert_int_equal(a->report.generated, 1);
    assert_int_equal(a->ring->n, 1);

    host_poll(a, START + HOUR * 7 / 10);
    assert_true(host_has_next(a, START));

    host_poll(a, START + 3 * HOUR);
    assert_int_equal(a->report.generated, 3);

    assert_int_equal(memcached_restart(&f->m[0]), 0);
    assert_int_equal(memcached_restart(&f->m[1]), 0);

    host_poll(a, START + 3 * HOUR + 1);
    host_poll(a, START + 3 * HOUR + 2);
    host_poll(a, START + 3 * HOUR + 3);
    host_poll(a, START + 3 * HOUR + 4);
    host_poll(a, START + 3 * HOUR + 5);
    assert_int_equal(a->report.reached, 2);
    assert_int_equal(a->report.server[0].whole, 1);

    host_join(&f->h[1], "S", &f->m[1], NULL);
    host_poll(&f->h[1], START + 3 * HOUR + 6);
    host_assert_same(a, &f->h[1]);
}


static void
test_this_host_only(void **state)
{
    host_t     *a;
    hosts_t    *f;

    f = *state;
    a = &f->h[0];

    host_prepare(a, "", NULL, NULL);
    a->conf.secrets = NULL;
    host_enter(a);

    host_poll(a, START);
    assert_int_equal(a->ring->n, 1);
    host_poll(a, START + HOUR * 7 / 10);
    assert_int_equal(a->ring->n, 2);
    host_poll(a, START + 4 * HOUR);
    assert_int_equal(a->ring->n, 1);
}


static void
test_partition(void **state)
{
    host_t      *a, *b;
    uint64_t     now;
    hosts_t     *f;
    sss_ring_t  *both;
    unsigned     i;

    f = *state;
    a = &f->h[0];
    b = &f->h[1];

    host_join(a, "S", &f->m[0], &f->m[1]);
    host_join(b, "S", &f->m[0], &f->m[1]);
    a->conf.retention = b->conf.retention = 86400;

    host_poll(a, START);
    host_poll(b, START);
    host_assert_same(a, b);

    host_change(a, "S", &f->m[0], NULL);
    host_change(b, "S", &f->m[1], NULL);
    a->conf.retention = b->conf.retention = 86400;
    host_renew(a);
    host_renew(b);

    for (now = START; now < START + 5 * HOUR; now += HOUR / 10) {
        host_poll(a, now);
        host_poll(b, now);
    }

    /* the first key is the same, and there are five more, of other slots */

    assert_int_equal(a->ring->n, 6);
    assert_int_equal(b->ring->n, 6);

    both = calloc(1, sss_ring_size(CAPACITY));
    sss_ring_init(both, CAPACITY);
    (void) sss_ring_merge(both, a->ring);
    (void) sss_ring_merge(both, b->ring);
    assert_int_equal(both->n, 11);

    host_change(a, "S", &f->m[0], &f->m[1]);
    host_change(b, "S", &f->m[0], &f->m[1]);

    host_poll(a, now);
    host_poll(b, now);
    host_poll(a, now);

    host_assert_same(a, b);
    assert_true(sss_ring_covers(a->ring, both));

    for (i = 0; i < 2; i++) {
        assert_int_equal(a->report.server[i].whole, 1);
        assert_int_equal(b->report.server[i].whole, 1);
    }

    assert_memory_equal(sss_ring_encrypting(a->ring, ROTATION, now),
                        sss_ring_encrypting(b->ring, ROTATION, now),
                        sizeof(sss_key_t));

    free(both);
}


/* [S], [S T], [T S], [T], one host after the other. */

static void
test_secret_changed(void **state)
{
    size_t           step;
    host_t          *a, *b;
    uint64_t         now;
    hosts_t         *f;
    static const struct {
        const char  *a;
        const char  *b;
    } steps[] = {
        { "S", "S" }, { "ST", "S" }, { "ST", "ST" }, { "TS", "ST" },
        { "TS", "TS" }, { "T", "TS" }, { "T", "T" }
    };

    f = *state;
    a = &f->h[0];
    b = &f->h[1];
    now = START;

    host_join(a, "S", &f->m[0], &f->m[1]);
    host_join(b, "S", &f->m[0], &f->m[1]);

    for (step = 0; step < unit_count(steps); step++) {

        host_change(a, steps[step].a, &f->m[0], &f->m[1]);
        host_change(b, steps[step].b, &f->m[0], &f->m[1]);

        host_poll(a, now);
        host_poll(b, now);
        host_poll(a, now + 1000);
        host_assert_same(a, b);
        assert_int_equal(a->report.foreign, 0);
        assert_int_equal(b->report.foreign, 0);
        assert_int_equal(a->report.server[0].bad_records, 0);

        /* each time with a key of a new slot */

        now += HOUR;
        host_poll(a, now);
        host_poll(b, now);
        host_poll(a, now + 1000);
        host_assert_same(a, b);
        assert_int_equal(a->report.server[0].whole, 1);
        assert_int_equal(b->report.server[1].whole, 1);
    }

    assert_int_equal(a->report.generated + b->report.generated, 1);
}


static void
test_wrong_secret(void **state)
{
    host_t     *a, *b, *c;
    hosts_t    *f;

    f = *state;
    a = &f->h[0];
    b = &f->h[1];
    c = &f->h[2];

    host_join(a, "S", &f->m[0], NULL);
    host_poll(a, START);
    assert_int_equal(a->report.company, 0);
    assert_int_equal(a->report.foreign, 0);

    host_join(b, "X", &f->m[0], NULL);
    host_poll(b, START);
    assert_int_equal(b->report.company, 0);
    assert_int_equal(b->report.foreign, 1);
    assert_int_equal(b->report.server[0].bad_records, 0);

    host_poll(a, START + 1000);
    assert_int_equal(a->report.company, 0);
    assert_int_equal(a->report.foreign, 1);
    assert_int_equal(a->report.server[0].bad_records, 0);

    host_join(c, "S", &f->m[0], NULL);
    host_poll(c, START + 2000);
    assert_int_equal(c->report.company, 1);
    assert_int_equal(c->report.foreign, 1);
    host_assert_same(a, c);
    assert_int_equal(a->ring->n, 1);
    assert_int_equal(b->ring->n, 1);
    assert_null(sss_ring_find(a->ring, b->ring->keys[0].name));

    /* while no server answers the report has what was seen last */

    memcached_stop(&f->m[0]);
    host_poll(c, START + 3000);
    assert_int_equal(c->report.reached, 0);
    assert_int_equal(c->report.company, 1);
}


static void
test_retention(void **state)
{
    char        name[SSS_NAME_SIZE], line[128], answer[256], *t;
    host_t     *a, *b;
    uint64_t    expires;
    hosts_t    *f;

    f = *state;
    a = &f->h[0];
    b = &f->h[1];

    host_join(a, "S", &f->m[0], NULL);
    host_poll(a, START);

    host_prepare(b, "S", &f->m[0], NULL);
    b->conf.retention = 7200;
    host_enter(b);
    host_poll(b, START);
    host_poll(a, START + 1000);

    expires = sss_key_expiry(ROTATION, sss_slot(ROTATION, START), 7200);

    host_assert_same(a, b);
    assert_int_equal(a->ring->n, 1);
    assert_int_equal(a->ring->keys[0].expires, expires);

    /* and their writes end */

    host_poll(a, START + 2000);
    host_poll(b, START + 2000);
    assert_int_equal(a->report.server[0].writes, 1);
    assert_int_equal(b->report.server[0].writes, 1);

    /* memcached drops the record with its last key */

    host_record_name("S", "main", name);
    snprintf(line, sizeof(line), "mg %s t\r\n", name);
    assert_int_equal(memcached_say(&f->m[0].address, line, strlen(line),
                                   "\r\n", answer, sizeof(answer)), 0);
    t = strstr(answer, " t");
    assert_non_null(t);
    assert_in_range(atol(t + 2), expires - START / 1000 - 120,
                    expires - START / 1000);

    /* keys are removed when they expire */

    host_poll(a, expires * 1000 - 1);
    assert_non_null(sss_ring_slot(a->ring, ROTATION,
                                  sss_slot(ROTATION, START)));
    host_poll(a, expires * 1000);
    assert_null(sss_ring_slot(a->ring, ROTATION,
                              sss_slot(ROTATION, START)));
}


/* Hosts whose clocks differ by days write only until both have all keys. */

static void
test_clocks(void **state)
{
    host_t     *a, *b;
    unsigned    i;
    uint64_t    writes;
    hosts_t    *f;

    f = *state;
    a = &f->h[0];
    b = &f->h[1];

    host_join(a, "S", &f->m[0], NULL);
    host_join(b, "S", &f->m[0], NULL);

    for (i = 0; i < 5; i++) {
        host_poll(a, START + i);
        host_poll(b, START + 10 * HOUR + i);
    }

    writes = a->report.server[0].writes + b->report.server[0].writes;

    for (i = 0; i < 20; i++) {
        host_poll(a, START + 1000 + i);
        host_poll(b, START + 10 * HOUR + 1000 + i);
        assert_int_equal(a->report.server[0].whole, 1);
        assert_int_equal(b->report.server[0].whole, 1);
    }

    assert_int_equal(a->report.server[0].writes
                     + b->report.server[0].writes, writes);
}


static void
test_refused_conf(void **state)
{
    host_t  h;

    (void) state;

    host_prepare(&h, "S", NULL, NULL);
    h.conf.rotation = 0;
    assert_null(sss_sync_create(&h.conf));

    host_prepare(&h, "S", NULL, NULL);
    h.conf.ns_len = SSS_NAMESPACE_MAX + 1;
    assert_null(sss_sync_create(&h.conf));

    sss_sync_destroy(NULL);
}


#define hosts_test(name)                                                      \
    cmocka_unit_test_setup_teardown(name, host_setup, host_teardown)


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        hosts_test(test_agree),
        hosts_test(test_start_together),
        hosts_test(test_no_server),
        hosts_test(test_this_host_only),
        hosts_test(test_partition),
        hosts_test(test_secret_changed),
        hosts_test(test_wrong_secret),
        hosts_test(test_retention),
        hosts_test(test_clocks),
        cmocka_unit_test(test_refused_conf),
    };

    return cmocka_run_group_tests_name("sync", tests, NULL, NULL);
}
