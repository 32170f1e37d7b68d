
/* The engine while memcached does what it should. */


#include "engine.h"

#include <poll.h>
#include <unistd.h>

#include <libmemcached/memcached.h>


#define RECORDS  2500
#define GROUP    25

#define FEW      7              /* stores that are sent at once            */
#define GATHER   4900           /* us that later ones wait                 */


static void
test_put_get_remove(void **state)
{
    fixture_t           *f;
    sss_engine_stats_t   s;

    f = *state;

    assert_int_equal(look(f->engine, NAME, 0, NULL), SSS_ENGINE_MISS);

    put(f->engine, NAME, "one");
    assert_int_equal(look(f->engine, NAME, 0, "one"), SSS_ENGINE_HIT);

    put(f->engine, NAME, "two");
    put(f->engine, OTHER, "");
    assert_int_equal(look(f->engine, NAME, 0, "two"), SSS_ENGINE_HIT);
    assert_int_equal(look(f->engine, OTHER, 0, ""), SSS_ENGINE_HIT);

    assert_int_equal(sss_engine_remove(f->engine, NAME), SSS_ENGINE_QUEUED);
    assert_int_equal(look(f->engine, NAME, 0, NULL), SSS_ENGINE_MISS);
    assert_int_equal(look(f->engine, OTHER, 0, ""), SSS_ENGINE_HIT);

    s = stats(f->engine);
    assert_int_equal(s.gets, 6);
    assert_int_equal(s.hits, 4);
    assert_int_equal(s.misses, 2);
    assert_int_equal(s.failures, 0);
    assert_int_equal(s.stores, 3);
    assert_int_equal(s.removals, 1);
    assert_int_equal(s.dropped, 0);
    assert_int_equal(s.waiting, 0);
    assert_int_equal(s.open, 0);
}


static void
test_latency_is_counted(void **state)
{
    size_t               i;
    uint64_t             n;
    fixture_t           *f;
    sss_engine_stats_t   s;

    f = *state;

    for (i = 0; i < 20; i++) {
        assert_int_equal(look(f->engine, NAME, 0, NULL), SSS_ENGINE_MISS);
    }

    s = stats(f->engine);

    for (i = n = 0; i < SSS_ENGINE_BUCKETS; i++) {
        n += s.latency[i];
    }

    assert_int_equal(n, 20);
}


static void
test_take(void **state)
{
    fixture_t  *f;

    f = *state;

    put(f->engine, NAME, "value");

    assert_int_equal(look(f->engine, NAME, 0, "value"), SSS_ENGINE_HIT);
    assert_int_equal(look(f->engine, NAME, 1, "value"), SSS_ENGINE_HIT);
    assert_int_equal(look(f->engine, NAME, 1, NULL), SSS_ENGINE_MISS);
    assert_int_equal(look(f->engine, NAME, 0, NULL), SSS_ENGINE_MISS);
}


/* Lookups of the same name each have a result. */

static void
test_same_name_at_once(void **state)
{
    unsigned             i, taken;
    uint64_t             first;
    fixture_t           *f;
    sss_engine_result_t  r;

    f = *state;

    put(f->engine, NAME, "value");
    first = ask(f->engine, NAME, 0);

    for (i = 1; i < 100; i++) {
        assert_int_equal(ask(f->engine, NAME, 0), first + i);
    }

    for (i = 0; i < 100; i++) {
        r = result(f->engine);
        assert_int_equal(r.rc, SSS_ENGINE_HIT);
        assert_in_range(ticket_of(&r), first, first + 99);
        free(r.value);
    }

    for (i = 0; i < 100; i++) {
        ask(f->engine, NAME, 1);
    }

    for (i = taken = 0; i < 100; i++) {
        r = result(f->engine);
        taken += (r.rc == SSS_ENGINE_HIT);
        free(r.value);
    }

    assert_int_equal(taken, 1);
}


/*
 * Each of many lookups gets its own value, even if every third name does not
 * exist.
 */

static void
test_many_at_once(void **state)
{
    char                 value[32];
    unsigned             i, n;
    uint64_t             first, seen[1000];
    fixture_t           *f;
    sss_engine_result_t  r;

    f = *state;
    first = 0;
    memset(seen, 0, sizeof(seen));

    for (i = 0; i < 1000; i++) {
        if (i % 3) {
            snprintf(value, sizeof(value), "value %u", i);
            put(f->engine, name_of(i), value);
        }
    }

    for (i = 0; i < 1000; i++) {
        first = i ? first : ask(f->engine, name_of(i), 0);

        if (i) {
            assert_int_equal(ask(f->engine, name_of(i), 0), first + i);
        }
    }

    for (n = 0; n < 1000; n++) {

        r = result(f->engine);
        i = (unsigned) (ticket_of(&r) - first);

        assert_in_range(i, 0, 999);
        assert_int_equal(seen[i]++, 0);
        assert_int_equal(r.rc, i % 3 ? SSS_ENGINE_HIT : SSS_ENGINE_MISS);

        if (i % 3) {
            snprintf(value, sizeof(value), "value %u", i);
            assert_int_equal(r.len, strlen(value));
            assert_memory_equal(r.value, value, r.len);
        }

        free(r.value);
    }

    assert_in_range(stats(f->engine).batches, 1, 1000);
    assert_int_equal(stats(f->engine).dropped, 0);
}


static void
test_sizes(void **state)
{
    size_t               i, len;
    uint8_t             *value;
    fixture_t           *f;
    sss_engine_result_t  r;

    static const size_t  sizes[] = {
        1, 2, 1023, 1024, 4096, 8191, 8192, 16383, 16384, 16385, 65535, 65536
    };

    f = *state;
    value = malloc(SSS_ENGINE_VALUE + 1);
    assert_non_null(value);

    for (i = 0; i < SSS_ENGINE_VALUE + 1; i++) {
        value[i] = (uint8_t) (i * 7 + i / 251);
    }

    for (i = 0; i < unit_count(sizes); i++) {
        len = sizes[i];

        assert_int_equal(sss_engine_put(f->engine, NAME, value, len, 60),
                         SSS_ENGINE_QUEUED);
        ask(f->engine, NAME, 0);
        r = result(f->engine);

        assert_int_equal(r.rc, SSS_ENGINE_HIT);
        assert_int_equal(r.len, len);
        assert_memory_equal(r.value, value, len);
        free(r.value);
    }

    assert_int_equal(sss_engine_put(f->engine, NAME, value,
                                    SSS_ENGINE_VALUE + 1, 60),
                     SSS_ENGINE_FULL);
    assert_int_equal(stats(f->engine).dropped, 1);

    /* a value that is longer than a record is not taken */

    assert_int_equal(memcached_store(&f->memcached[0].address, NAME, value,
                                     SSS_ENGINE_VALUE + 1), 0);
    put(f->engine, OTHER, "value");
    ask(f->engine, NAME, 0);
    assert_int_equal(result(f->engine).rc, SSS_ENGINE_MISS);
    assert_int_equal(look(f->engine, OTHER, 0, "value"), SSS_ENGINE_HIT);

    free(value);
}


static void
test_longest_item(void **state)
{
    size_t      len;
    uint8_t    *value;
    fixture_t  *f;

    f = *state;
    len = 1000000;

    value = calloc(1, len);
    assert_non_null(value);

    assert_int_equal(memcached_store(&f->memcached[0].address, NAME, value,
                                     len), 0);
    free(value);

    assert_int_equal(look(f->engine, NAME, 0, NULL), SSS_ENGINE_MISS);
    assert_int_equal(look(f->engine, NAME, 1, NULL), SSS_ENGINE_MISS);
    assert_int_equal(stats(f->engine).failures, 0);
}


static void
test_names_that_are_none(void **state)
{
    size_t      i;
    uint64_t    ticket;
    fixture_t  *f;

    static const char  *names[] = {
        "", " ", "a b", "a\r\nflush_all\r\n", "a\n", "\x7f", "a\tb",
        "\xc3\xa4",
        "sss1:01234567890123456789012345678901234567890"
    };

    f = *state;

    for (i = 0; i < unit_count(names); i++) {
        assert_int_equal(try(f->engine, names[i], 0, &ticket),
                         SSS_ENGINE_FULL);
        assert_int_equal(sss_engine_put(f->engine, names[i],
                                        (const uint8_t *) "v", 1, 60),
                         SSS_ENGINE_FULL);
        assert_int_equal(sss_engine_remove(f->engine, names[i]),
                         SSS_ENGINE_FULL);
    }

    assert_int_equal(stats(f->engine).dropped, 3 * unit_count(names));
    assert_int_equal(look(f->engine, NAME, 0, NULL), SSS_ENGINE_MISS);
}


static void
test_records_end(void **state)
{
    fixture_t  *f;

    f = *state;

    assert_int_equal(sss_engine_put(f->engine, NAME, (const uint8_t *) "v",
                                    1, 1),
                     SSS_ENGINE_QUEUED);
    until_rc(f->engine, NAME, SSS_ENGINE_MISS);

    /* a lifetime longer than memcached takes as relative, and none */

    assert_int_equal(sss_engine_put(f->engine, NAME, (const uint8_t *) "v",
                                    1, 40 * 24 * 3600),
                     SSS_ENGINE_QUEUED);
    assert_int_equal(look(f->engine, NAME, 0, "v"), SSS_ENGINE_HIT);

    assert_int_equal(sss_engine_put(f->engine, NAME, (const uint8_t *) "v",
                                    1, 0),
                     SSS_ENGINE_QUEUED);
    until_rc(f->engine, NAME, SSS_ENGINE_MISS);
}


/* Only one connection and the resolver's eventfd are to be watched. */

static void
test_watches(void **state)
{
    size_t               i, n;
    fixture_t           *f;
    unsigned             epoch;
    struct pollfd        pfd;
    sss_engine_watch_t   watch;

    f = *state;

    assert_int_equal(look(f->engine, NAME, 0, NULL), SSS_ENGINE_MISS);

    for (i = n = 0; i < SSS_ENGINE_WATCHES; i++) {
        sss_engine_watch(f->engine, i, &watch);
        n += (watch.fd != -1);
    }

    assert_int_equal(n, 2);
    assert_int_not_equal(watch.fd, -1);

    sss_engine_watch(f->engine, 0, &watch);
    assert_int_not_equal(watch.fd, -1);
    assert_int_equal(watch.write, 0);
    epoch = watch.epoch;

    pfd.fd = watch.fd;
    pfd.events = POLLIN;
    assert_int_equal(poll(&pfd, 1, 0), 0);

    /* nothing is sent before the turn ends */

    ask(f->engine, NAME, 0);
    assert_int_equal(poll(&pfd, 1, 50), 0);

    (void) sss_engine_run(f->engine);
    assert_int_equal(poll(&pfd, 1, LONG), 1);
    sss_engine_event(f->engine, 0);
    assert_int_equal(result(f->engine).rc, SSS_ENGINE_MISS);

    /* a new connection, perhaps with the same descriptor */

    assert_int_equal(memcached_restart(&f->memcached[0]), 0);
    until_rc(f->engine, NAME, SSS_ENGINE_FAILED);
    until_rc(f->engine, NAME, SSS_ENGINE_MISS);

    sss_engine_watch(f->engine, 0, &watch);
    assert_int_not_equal(watch.epoch, epoch);
}


/* A lookup that is cancelled has no result, whenever that happens. */

static void
test_cancel(void **state)
{
    unsigned             i;
    fixture_t           *f;
    sss_request_t       *lookup[3];
    sss_engine_result_t  r;

    f = *state;
    put(f->engine, NAME, "value");

    for (i = 0; i < 3; i++) {
        assert_int_equal(sss_engine_get(f->engine, NAME, 0, &lookup[i],
                                        &lookup[i]),
                         SSS_ENGINE_QUEUED);
    }

    sss_engine_cancel(f->engine, lookup[0]);
    r = result(f->engine);
    assert_ptr_equal(r.data, &lookup[1]);
    assert_int_equal(r.rc, SSS_ENGINE_HIT);
    free(r.value);

    /* cancelled when its result is there, but not taken */

    sss_engine_cancel(f->engine, lookup[2]);
    assert_int_equal(sss_engine_take(f->engine, &r, 1), 0);

    /* cancelled before it is sent */

    assert_int_equal(sss_engine_get(f->engine, NAME, 0, &r, &lookup[0]),
                     SSS_ENGINE_QUEUED);
    (void) sss_engine_run(f->engine);
    assert_int_equal(stats(f->engine).waiting, 1);
    sss_engine_cancel(f->engine, lookup[0]);
    assert_int_equal(stats(f->engine).waiting, 0);

    assert_int_equal(look(f->engine, OTHER, 0, NULL), SSS_ENGINE_MISS);
    assert_int_equal(sss_engine_take(f->engine, &r, 1), 0);
    assert_int_equal(stats(f->engine).waiting, 0);

    /* a take that was not sent does not remove the record */

    assert_int_equal(sss_engine_get(f->engine, NAME, 1, &r, &lookup[0]),
                     SSS_ENGINE_QUEUED);
    sss_engine_cancel(f->engine, lookup[0]);
    assert_int_equal(look(f->engine, NAME, 1, "value"), SSS_ENGINE_HIT);
}


/* The first few stores are sent at once, later ones soon and together. */

static void
test_gather(void **state)
{
    uint64_t    begin;
    unsigned    n, together;
    fixture_t  *f;

    f = *state;

    assert_int_equal(look(f->engine, NAME, 0, NULL), SSS_ENGINE_MISS);

    for (n = 0; n < FEW; n++) {
        put(f->engine, name_of(n), "value");
        assert_in_range(sss_engine_run(f->engine), GATHER + 1,
                        SSS_ENGINE_NEVER);
    }

    /* once is enough, since the machine may pause for longer */

    for (together = 0; together < 2; n++) {
        assert_in_range(n, 0, 100);
        put(f->engine, name_of(n), "value");
        together = sss_engine_run(f->engine) <= GATHER ? together + 1 : 0;
    }

    for (begin = unit_clock_ms(); items(&f->memcached[0]) != n; /* void */) {
        assert_in_range(unit_clock_ms() - begin, 0, LONG);
        run(f->engine, 5);
    }
}


/* Two engines each take every record twice: one of the four takes gets it. */

static void
test_takers_race(void **state)
{
    unsigned              i, n, e;
    uint8_t               hits[RECORDS];
    uint64_t              ticket, first;
    fixture_t            *f;
    sss_engine_t         *engine[2];
    sss_engine_result_t   r;

    f = *state;
    first = 0;
    memset(hits, 0, sizeof(hits));

    engine[0] = f->engine;
    engine[1] = engine_for(&f->memcached[0].address, NULL, 1, PATIENT, 20000,
                           NEVER);

    for (i = 0; i < RECORDS; i++) {
        put(f->engine, name_of(i), "record");
    }

    assert_int_equal(look(f->engine, name_of(RECORDS - 1), 0, "record"),
                     SSS_ENGINE_HIT);

    /* in small groups and in turns, so that neither engine is ahead */

    for (i = 0; i < RECORDS; i += GROUP) {

        for (n = 0; n < 4 * GROUP; n++) {
            e = (n + i / GROUP) % 2;
            ticket = ask(engine[e], name_of(i + n / 4), 1);
            first = n ? first : ticket;
        }

        (void) sss_engine_run(engine[i / GROUP % 2]);
        (void) sss_engine_run(engine[1 - i / GROUP % 2]);

        for (n = 0; n < 4 * GROUP; n++) {
            e = n % 2;
            r = result(engine[e]);

            assert_int_not_equal(r.rc, SSS_ENGINE_FAILED);
            assert_in_range(ticket_of(&r), first, first + 4 * GROUP - 1);

            hits[i + (ticket_of(&r) - first) / 4]
                += (r.rc == SSS_ENGINE_HIT);
            free(r.value);
        }
    }

    for (i = 0; i < RECORDS; i++) {
        assert_int_equal(hits[i], 1);
    }

    assert_int_equal(items(&f->memcached[0]), 0);
    sss_engine_destroy(engine[1], LONG);
}


/* Records are on the server where a client of libmemcached looks for them. */

static void
test_two_servers(void **state)
{
    char                *value;
    size_t               len;
    unsigned             i;
    uint32_t             flags;
    fixture_t           *f;
    const char          *name;
    memcached_st        *memc;
    sss_engine_t        *engine;
    sss_address_t        servers[2];
    memcached_return_t   rc;

    static const uint32_t  weights[] = { 3, 1 };

    f = *state;
    both(f, servers);
    engine = engine_for(servers, weights, 2, PATIENT, 2000, NEVER);

    for (i = 0; i < 1000; i++) {
        put(engine, name_of(i), "value");
    }

    for (i = 0; i < 1000; i++) {
        assert_int_equal(look(engine, name_of(i), 0, "value"),
                         SSS_ENGINE_HIT);
    }

    assert_in_range(items(&f->memcached[0]), 550, 900);
    assert_int_equal(items(&f->memcached[0]) + items(&f->memcached[1]), 1000);

    memc = memcached_create(NULL);
    memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, 1);

    for (i = 0; i < 2; i++) {
        memcached_server_add_with_weight(memc, servers[i].host,
                                         servers[i].port, weights[i]);
    }

    for (i = 0; i < 1000; i++) {
        name = name_of(i);
        value = memcached_get(memc, name, strlen(name), &len, &flags, &rc);
        assert_non_null(value);
        free(value);
    }

    memcached_free(memc);

    sss_engine_destroy(engine, LONG);
}


static void
test_unix_socket(void **state)
{
    char           path[64];
    memcached_t    memcached;
    sss_engine_t  *engine;

    (void) state;

    snprintf(path, sizeof(path), "/tmp/sss-engine-%d.sock", (int) getpid());
    assert_int_equal(memcached_start(&memcached, path, NULL), 0);

    engine = engine_for(&memcached.address, NULL, 1, PATIENT, 100, NEVER);

    put(engine, NAME, "value");
    assert_int_equal(look(engine, NAME, 0, "value"), SSS_ENGINE_HIT);
    assert_int_equal(look(engine, NAME, 1, "value"), SSS_ENGINE_HIT);
    assert_int_equal(look(engine, NAME, 0, NULL), SSS_ENGINE_MISS);

    sss_engine_destroy(engine, LONG);

    memcached_stop(&memcached);
    unlink(path);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        with_servers(test_put_get_remove),
        with_servers(test_latency_is_counted),
        with_servers(test_take),
        with_servers(test_same_name_at_once),
        with_servers(test_many_at_once),
        with_servers(test_sizes),
        with_servers(test_longest_item),
        with_servers(test_names_that_are_none),
        with_servers(test_records_end),
        with_servers(test_watches),
        with_servers(test_cancel),
        with_servers(test_gather),
        with_servers(test_takers_race),
        with_servers(test_two_servers),
        cmocka_unit_test(test_unix_socket)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
