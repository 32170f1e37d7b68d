
/*
 * Polls of several hosts, step by step, in every order that chance finds: the
 * servers are in this file's memory, and nobody waits for anything.
 */


#include "unit.h"

#include "host.h"
#include "sss_sync.h"


#define HOSTS    3
#define SERVERS  2
#define ITEMS    8
#define ROUNDS   400


typedef struct {
    char      name[SSS_NAME_SIZE];
    uint8_t   value[8192];
    size_t    len;
    uint64_t  cas;                      /* 0: nothing is here              */
} stored_t;


typedef struct {
    stored_t   items[ITEMS];
    uint64_t   cas;
    int        down;
    const char *refuses;                /* writes, for this reason         */
} server_t;


typedef struct {
    uint64_t      random;
    server_t      servers[SERVERS];
    sss_secrets_t secrets;
    sss_server_t  places[SSS_SERVERS_MAX];
    sss_sync_t   *sync[HOSTS];
    sss_ring_t   *ring[HOSTS];
    sss_sync_report_t  report[HOSTS];
    int           polling[HOSTS];
} fleet_t;


static unsigned
below(fleet_t *f, unsigned n)
{
    return (unsigned) ((unit_random(&f->random) >> 32) % n);
}


static void
fleet_start(fleet_t *f, uint64_t seed)
{
    size_t           i;
    sss_sync_conf_t  conf;

    memset(f, 0, sizeof(fleet_t));

    f->random = seed;
    f->secrets.n = 1;
    memset(f->secrets.value[0], 0x5a, SSS_SECRET_SIZE - 1);

    for (i = 0; i < SERVERS; i++) {
        f->places[i].id = (uint32_t) i + 1;

        snprintf(f->places[i].address.host,
                 sizeof(f->places[i].address.host), "/server/%zu", i);
    }

    for (i = 0; i < HOSTS; i++) {
        memset(&conf, 0, sizeof(conf));
        conf.secrets = &f->secrets;
        memcpy(conf.ns, "main", 4);
        conf.ns_len = 4;
        conf.host[0] = (uint8_t) (i + 1);
        conf.rotation = ROTATION;
        conf.retention = 300;
        conf.capacity = CAPACITY;
        conf.patience_ms = LONG;

        f->sync[i] = sss_sync_create(&conf);
        f->ring[i] = sss_ring_create(CAPACITY);
        assert_non_null(f->sync[i]);
        assert_non_null(f->ring[i]);
    }
}


static void
fleet_stop(fleet_t *f)
{
    size_t  i;

    for (i = 0; i < HOSTS; i++) {
        sss_sync_destroy(f->sync[i]);
        sss_ring_destroy(f->ring[i]);
    }
}


static stored_t *
server_find(server_t *server, const char *name)
{
    size_t  i;

    for (i = 0; i < ITEMS; i++) {
        if (server->items[i].cas != 0
            && strcmp(server->items[i].name, name) == 0)
        {
            return &server->items[i];
        }
    }

    return NULL;
}


static void
server_read(server_t *server, sss_exchange_t *x)
{
    size_t     i;
    stored_t  *stored;

    for (i = 0; i < x->n; i++) {

        stored = server_find(server, x->items[i].name);
        if (stored == NULL) {
            continue;
        }

        x->items[i].found = 1;
        x->items[i].cas = stored->cas;
        x->items[i].len = stored->len;
        x->items[i].value = malloc(stored->len + 1);
        assert_non_null(x->items[i].value);
        memcpy(x->items[i].value, stored->value, stored->len);
    }
}


static sss_exchange_rc_t
server_write(server_t *server, const sss_exchange_t *x)
{
    size_t     i;
    stored_t  *stored;

    stored = server_find(server, x->item.name);

    if ((stored == NULL) != (x->item.cas == 0)
        || (stored != NULL && stored->cas != x->item.cas))
    {
        return SSS_EXCHANGE_CONFLICT;
    }

    for (i = 0; stored == NULL && i < ITEMS; i++) {
        if (server->items[i].cas == 0) {
            stored = &server->items[i];
        }
    }

    assert_non_null(stored);
    assert_in_range(x->item.len, 1, sizeof(stored->value));

    strcpy(stored->name, x->item.name);
    memcpy(stored->value, x->item.value, x->item.len);
    stored->len = x->item.len;
    stored->cas = ++server->cas;

    return SSS_EXCHANGE_OK;
}


/* What a host wants of a server happens, or fails, now. */

static void
carry_out(fleet_t *f, size_t host, size_t i)
{
    uint32_t            id;
    server_t           *server;
    sss_exchange_t     *x;
    sss_exchange_rc_t   rc;

    x = sss_sync_exchange(f->sync[host], i, &id);
    server = &f->servers[i];

    if (x->state != SSS_EXCHANGE_WANTED) {
        return;
    }

    if (server->down) {
        sss_exchange_end(x, SSS_EXCHANGE_FAILED, "it is down");
        return;
    }

    if (server->refuses && x->op == SSS_EXCHANGE_WRITE) {
        sss_exchange_end(x, SSS_EXCHANGE_FAILED, server->refuses);
        return;
    }

    rc = SSS_EXCHANGE_OK;

    if (x->op == SSS_EXCHANGE_READ) {
        server_read(server, x);

    } else if (x->op == SSS_EXCHANGE_WRITE) {
        rc = server_write(server, x);

    } else {
        x->seconds = START / 1000;
    }

    sss_exchange_end(x, rc, NULL);
}


static void
step(fleet_t *f, size_t host)
{
    sss_sync_rc_t  rc;

    rc = sss_sync_step(f->sync[host]);

    if (rc == SSS_SYNC_DONE) {
        assert_int_equal(sss_sync_take(f->sync[host], f->ring[host],
                                       &f->report[host]), 1);
        f->polling[host] = 0;
    }
}


/* Every host polls once; what comes when is a matter of luck. */

static void
poll_all(fleet_t *f, uint64_t now)
{
    size_t    i;
    unsigned  steps, left;

    for (i = 0; i < HOSTS; i++) {
        assert_int_equal(sss_sync_begin(f->sync[i], f->places, f->ring[i],
                                        now + i), 0);
        assert_int_equal(sss_sync_begin(f->sync[i], f->places, f->ring[i],
                                        now), -1);
        assert_int_equal(sss_sync_take(f->sync[i], f->ring[i],
                                       &f->report[i]), 0);
        f->polling[i] = 1;
    }

    for (left = HOSTS, steps = 0; left > 0; steps++) {

        assert_in_range(steps, 0, 100000);

        i = below(f, HOSTS);

        if (below(f, 2)) {
            carry_out(f, i, below(f, SERVERS));

        } else if (f->polling[i]) {
            step(f, i);
            left -= !f->polling[i];
        }
    }
}


static void
assert_agreed(fleet_t *f, uint32_t keys)
{
    size_t  i;

    for (i = 0; i < HOSTS; i++) {
        assert_int_equal(f->ring[i]->n, keys);
        assert_memory_equal(f->ring[i]->keys, f->ring[0]->keys,
                            keys * sizeof(sss_key_t));
    }
}


/* However they meet, hosts that start together have one key for a slot. */

static void
test_start_together(void **state)
{
    fleet_t   f;
    uint64_t  generated;
    unsigned  round, i;

    (void) state;

    for (round = 1; round <= ROUNDS; round++) {
        fleet_start(&f, round);

        poll_all(&f, START + HOUR * 9 / 10);
        assert_agreed(&f, 2);

        for (i = generated = 0; i < HOSTS; i++) {
            generated += f.report[i].generated;
            assert_int_equal(f.report[i].reached, SERVERS);
        }

        assert_int_equal(generated, 2);

        /* the first has expired by then */

        poll_all(&f, START + HOUR * 19 / 10);
        assert_agreed(&f, 2);

        fleet_stop(&f);
    }
}


/*
 * Servers go, come back empty, refuse and take; hosts always have a key, and
 * lose none, and agree when all is well again.
 */

static void
test_servers_fail(void **state)
{
    fleet_t      f;
    size_t       i, k;
    uint64_t     now;
    unsigned     round, polls;
    sss_ring_t  *before;

    (void) state;

    before = sss_ring_create(CAPACITY);

    for (round = 1; round <= ROUNDS / 4; round++) {
        fleet_start(&f, round);
        now = START;

        for (polls = 0; polls < 40; polls++) {

            for (i = 0; i < SERVERS; i++) {
                f.servers[i].down = (below(&f, 3) == 0);
                f.servers[i].refuses = below(&f, 4) ? NULL : "timed out";

                if (below(&f, 5) == 0) {
                    memset(f.servers[i].items, 0,
                           sizeof(f.servers[i].items));
                }
            }

            sss_ring_copy(before, f.ring[0]);
            now += HOUR / 40;
            poll_all(&f, now);

            (void) sss_ring_expire(before, now);
            assert_true(sss_ring_covers(f.ring[0], before));

            for (i = 0; i < HOSTS; i++) {
                assert_non_null(sss_ring_slot(f.ring[i], ROTATION,
                                              sss_slot(ROTATION, now)));
            }
        }

        for (i = 0; i < SERVERS; i++) {
            f.servers[i].down = 0;
            f.servers[i].refuses = NULL;
        }

        /* one that failed is left alone for four polls at the most */

        for (polls = 0; polls < 12; polls++) {
            poll_all(&f, now + polls);
        }

        assert_agreed(&f, f.ring[0]->n);

        for (i = 0; i < HOSTS; i++) {
            for (k = 0; k < SERVERS; k++) {
                assert_int_equal(f.report[i].server[k].state, SSS_SERVER_UP);
                assert_int_equal(f.report[i].server[k].whole, 1);
            }
        }

        fleet_stop(&f);
    }

    sss_ring_destroy(before);
}


/* Servers that answer and are no use are told from those that are down. */

static void
test_trouble(void **state)
{
    fleet_t                     f;
    unsigned                    polls;
    const sss_server_report_t  *first, *second;

    (void) state;

    fleet_start(&f, 5);
    first = &f.report[0].server[0];
    second = &f.report[0].server[1];

    f.servers[0].refuses = "SERVER_ERROR out of memory storing object";
    f.servers[1].refuses = "SERVER_ERROR object too large for cache";

    poll_all(&f, START);
    assert_int_equal(first->state, SSS_SERVER_REFUSES);
    assert_int_equal(first->whole, 0);
    assert_string_equal(sss_server_trouble(first), "it takes no writes");
    assert_non_null(strstr(sss_server_trouble(second), "raise its -I"));

    /* one that was only lost did not refuse */

    f.servers[0].refuses = "timed out";
    f.servers[1].refuses = NULL;
    poll_all(&f, START + 1000);
    assert_int_equal(first->state, SSS_SERVER_UP);
    assert_string_equal(sss_server_trouble(first), "");
    assert_int_equal(second->state, SSS_SERVER_UP);
    assert_string_equal(sss_server_trouble(second), "");

    f.servers[0].refuses = NULL;
    poll_all(&f, START + 2000);

    /* it is restarted once, and then loses everything again and again */

    for (polls = 0; polls < 6; polls++) {
        memset(f.servers[1].items, 0, sizeof(f.servers[1].items));
        poll_all(&f, START + 3000 + polls);

        assert_int_equal(second->state, SSS_SERVER_UP);
        assert_int_equal(second->whole, 1);
        assert_string_equal(sss_server_trouble(first), "");

        if (polls == 0) {
            assert_string_equal(sss_server_trouble(second), "");
        }
    }

    assert_non_null(strstr(sss_server_trouble(second), "it loses what"));

    poll_all(&f, START + 4000);
    assert_string_equal(sss_server_trouble(second), "");

    /* what has expired is missed by nobody */

    for (polls = 0; polls < 60; polls++) {
        poll_all(&f, START + polls * HOUR / 6);
        assert_string_equal(sss_server_trouble(first), "");
        assert_string_equal(sss_server_trouble(second), "");
    }

    fleet_stop(&f);
}


/* A poll may be dropped at any moment. */

static void
test_dropped(void **state)
{
    fleet_t   f;
    unsigned  round, steps;

    (void) state;

    for (round = 1; round <= ROUNDS; round++) {
        fleet_start(&f, round);

        assert_int_equal(sss_sync_begin(f.sync[0], f.places, f.ring[0],
                                        START), 0);
        f.polling[0] = 1;

        for (steps = below(&f, 40); steps > 0 && f.polling[0]; steps--) {
            step(&f, 0);
            carry_out(&f, 0, below(&f, SERVERS));
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
        cmocka_unit_test(test_dropped),
    };

    return cmocka_run_group_tests_name("steps", tests, NULL, NULL);
}
