
/*
 * The engine against real memcached servers that are killed, restarted and
 * frozen, against broken ones, and against none.
 */


#include "unit.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <libmemcached/memcached.h>

#include "memcached.h"
#include "sss_engine.h"


#define NAME     "sss1:0123456789012345678901234567890123456789"
#define OTHER    "sss1:9876543210987654321098765432109876543210"
#define NEVER    50

/* A timeout that never passes while all is well, and one that is to pass. */
#define PATIENT  5000
#define TIMEOUT  100

/* What nothing may take: far more than what is promised. */
#define LONG     10000

#define RECORDS  2500
#define GROUP    25


typedef struct {
    memcached_t    memcached[2];
    sss_engine_t  *engine;
} fixture_t;


typedef struct {
    const char    *bytes;
    size_t         len;
} answer_t;

#define answer(s)  { s, sizeof(s) - 1 }


static sss_engine_t *
engine_for(const sss_address_t *servers, const uint32_t *weights, size_t n,
    unsigned timeout_ms, unsigned queue, unsigned breaker)
{
    sss_engine_t       *engine;
    sss_engine_conf_t   conf;

    memset(&conf, 0, sizeof(conf));
    conf.servers = servers;
    conf.weights = weights;
    conf.n_servers = n;
    conf.timeout_ms = timeout_ms;
    conf.queue = queue;
    conf.breaker = breaker;

    engine = sss_engine_start(&conf);
    assert_non_null(engine);

    return engine;
}


static const char *
name_of(unsigned i)
{
    static char  name[64];

    snprintf(name, sizeof(name), "sss1:%040u", i);

    return name;
}


static uint64_t
ask(sss_engine_t *engine, const char *name, int take)
{
    uint64_t  ticket;

    ticket = 0;

    assert_int_equal(sss_engine_get(engine, name, take, &ticket),
                     SSS_ENGINE_QUEUED);
    assert_int_not_equal(ticket, 0);

    return ticket;
}


static void
put(sss_engine_t *engine, const char *name, const char *value)
{
    assert_int_equal(sss_engine_put(engine, name, (const uint8_t *) value,
                                    strlen(value), 60),
                     SSS_ENGINE_QUEUED);
}


static sss_engine_result_t
result(sss_engine_t *engine)
{
    struct pollfd        pfd;
    sss_engine_result_t  r;

    pfd.fd = sss_engine_fd(engine);
    pfd.events = POLLIN;

    while (sss_engine_take(engine, &r, 1) == 0) {
        assert_int_equal(poll(&pfd, 1, LONG), 1);
    }

    assert_true((r.rc == SSS_ENGINE_HIT) == (r.value != NULL));

    return r;
}


static sss_engine_rc_t
look(sss_engine_t *engine, const char *name, int take, const char *value)
{
    uint64_t             ticket;
    sss_engine_result_t  r;

    ticket = ask(engine, name, take);
    r = result(engine);

    assert_int_equal(r.ticket, ticket);

    if (r.rc == SSS_ENGINE_HIT && value != NULL) {
        assert_int_equal(r.len, strlen(value));
        assert_memory_equal(r.value, value, r.len);
    }

    free(r.value);

    return r.rc;
}


static sss_engine_stats_t
stats(sss_engine_t *engine)
{
    sss_engine_stats_t  s;

    sss_engine_stats(engine, &s);

    return s;
}


/* Lookups until one has this result. */

static void
until_rc(sss_engine_t *engine, const char *name, sss_engine_rc_t rc)
{
    uint64_t             start, ticket;
    sss_engine_result_t  r;

    start = unit_clock_ms();

    for ( ;; ) {

        if (sss_engine_get(engine, name, 0, &ticket) == SSS_ENGINE_QUEUED) {
            r = result(engine);
            free(r.value);

            if (r.rc == rc) {
                return;
            }
        }

        assert_in_range(unit_clock_ms() - start, 0, LONG);
        unit_pause(10);
    }
}


/* Lookups of several names until none fails. */

static void
until_answered(sss_engine_t *engine, unsigned names)
{
    unsigned   i, failed;
    uint64_t   start;

    start = unit_clock_ms();

    do {
        for (i = failed = 0; i < names; i++) {
            failed += (look(engine, name_of(i), 0, NULL)
                       == SSS_ENGINE_FAILED);
        }

        assert_in_range(unit_clock_ms() - start, 0, LONG);

    } while (failed);
}


/* Lookups, all of which fail, until the breaker opens. */

static void
until_open(sss_engine_t *engine, const char *name)
{
    uint64_t             start, ticket;
    sss_engine_result_t  r;

    start = unit_clock_ms();

    while (sss_engine_get(engine, name, 0, &ticket) == SSS_ENGINE_QUEUED) {
        r = result(engine);
        assert_int_equal(r.rc, SSS_ENGINE_FAILED);
        assert_in_range(unit_clock_ms() - start, 0, LONG);
    }

    assert_int_equal(stats(engine).open, 1);
    assert_int_equal(stats(engine).opened, 1);
}


static unsigned long
items(const memcached_t *memcached)
{
    char  answer[8192], *p;

    assert_int_equal(memcached_say(&memcached->address, "stats\r\n", 7,
                                   "END\r\n", answer, sizeof(answer)), 0);

    p = strstr(answer, "STAT curr_items ");
    assert_non_null(p);

    return strtoul(p + 16, NULL, 10);
}


static int
start(void **state)
{
    static fixture_t  f;

    memset(&f, 0, sizeof(f));
    *state = &f;

    if (memcached_start(&f.memcached[0], "127.0.0.1", NULL) != 0
        || memcached_start(&f.memcached[1], "127.0.0.1", NULL) != 0)
    {
        return -1;
    }

    f.engine = engine_for(&f.memcached[0].address, NULL, 1, PATIENT, 20000,
                          NEVER);

    return 0;
}


static int
stop(void **state)
{
    fixture_t  *f;

    f = *state;

    sss_engine_stop(f->engine, 0);

    memcached_stop(&f->memcached[0]);
    memcached_stop(&f->memcached[1]);

    return 0;
}


static void
both(const fixture_t *f, sss_address_t *servers)
{
    servers[0] = f->memcached[0].address;
    servers[1] = f->memcached[1].address;
}


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


/* Whoever asks for what others ask for gets an answer of his own. */

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
        assert_in_range(r.ticket, first, first + 99);
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


/* Each of many has its own value, also where every third is missing. */

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
        i = (unsigned) (r.ticket - first);

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

    /* what anybody else has put there is no record */

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
        "", " ", "a b", "a\r\nflush_all\r\n", "a\n", "\x7f", "a\tb", "\xc3\xa4",
        "sss1:01234567890123456789012345678901234567890"
    };

    f = *state;

    for (i = 0; i < unit_count(names); i++) {
        assert_int_equal(sss_engine_get(f->engine, names[i], 0, &ticket),
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

    /* more than memcached takes for a span of time, and none */

    assert_int_equal(sss_engine_put(f->engine, NAME, (const uint8_t *) "v",
                                    1, 40 * 24 * 3600),
                     SSS_ENGINE_QUEUED);
    assert_int_equal(look(f->engine, NAME, 0, "v"), SSS_ENGINE_HIT);

    assert_int_equal(sss_engine_put(f->engine, NAME, (const uint8_t *) "v",
                                    1, 0),
                     SSS_ENGINE_QUEUED);
    until_rc(f->engine, NAME, SSS_ENGINE_MISS);
}


/* The descriptor is readable exactly as long as results wait. */

static void
test_descriptor(void **state)
{
    size_t                n;
    unsigned              i;
    fixture_t            *f;
    struct pollfd         pfd;
    sss_engine_result_t   r[4];

    f = *state;
    pfd.fd = sss_engine_fd(f->engine);
    pfd.events = POLLIN;

    assert_int_equal(poll(&pfd, 1, 0), 0);
    assert_int_equal(sss_engine_take(f->engine, r, 4), 0);

    for (i = 0; i < 10; i++) {
        ask(f->engine, NAME, 0);
    }

    for (n = 0; n < 10; /* void */ ) {
        assert_int_equal(poll(&pfd, 1, LONG), 1);
        n += sss_engine_take(f->engine, r, n < 8 ? 4 : 1);
    }

    assert_int_equal(n, 10);
    assert_int_equal(sss_engine_take(f->engine, r, 4), 0);
    assert_int_equal(poll(&pfd, 1, 0), 0);
}


/* Each record is taken twice by both: of four takers one has it. */

static void
test_takers_race(void **state)
{
    unsigned              i, n, e;
    uint8_t               hits[RECORDS];
    uint64_t              ticket, first[2];
    fixture_t            *f;
    sss_engine_t         *engine[2];
    sss_engine_result_t   r;

    f = *state;
    memset(hits, 0, sizeof(hits));
    memset(first, 0, sizeof(first));

    engine[0] = f->engine;
    engine[1] = engine_for(&f->memcached[0].address, NULL, 1, PATIENT, 20000,
                           NEVER);

    for (i = 0; i < RECORDS; i++) {
        put(f->engine, name_of(i), "record");
    }

    assert_int_equal(look(f->engine, name_of(RECORDS - 1), 0, "record"),
                     SSS_ENGINE_HIT);

    /* little at a time and in turns, so that neither is ahead */

    for (i = 0; i < RECORDS; i += GROUP) {

        for (n = 0; n < 4 * GROUP; n++) {
            e = (n + i / GROUP) % 2;
            ticket = ask(engine[e], name_of(i + n / 4), 1);

            if (n < 2) {
                first[e] = ticket;
            }
        }

        for (n = 0; n < 4 * GROUP; n++) {
            e = n % 2;
            r = result(engine[e]);

            assert_int_not_equal(r.rc, SSS_ENGINE_FAILED);
            assert_in_range(r.ticket, first[e], first[e] + 2 * GROUP - 1);

            hits[i + (r.ticket - first[e]) / 2] += (r.rc == SSS_ENGINE_HIT);
            free(r.value);
        }
    }

    for (i = 0; i < RECORDS; i++) {
        assert_int_equal(hits[i], 1);
    }

    assert_int_equal(items(&f->memcached[0]), 0);
    assert_int_equal(sss_engine_stop(engine[1], LONG), 1);
}


/* Records are where a client of libmemcached looks for them. */

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

    assert_int_equal(sss_engine_stop(engine, LONG), 1);
}


/* The other takes over for one that is gone, and gives back. */

static void
test_one_of_two_killed(void **state)
{
    unsigned        i;
    uint64_t        begin;
    fixture_t      *f;
    sss_engine_t   *engine;
    sss_address_t   servers[2];

    f = *state;
    both(f, servers);
    engine = engine_for(servers, NULL, 2, PATIENT, 2000, NEVER);

    for (i = 0; i < 100; i++) {
        put(engine, name_of(i), "value");
        assert_int_equal(look(engine, name_of(i), 0, "value"),
                         SSS_ENGINE_HIT);
    }

    assert_in_range(items(&f->memcached[1]), 1, 99);

    memcached_stop(&f->memcached[1]);

    until_answered(engine, 100);

    for (i = 0; i < 100; i++) {
        put(engine, name_of(i), "again");
        assert_int_equal(look(engine, name_of(i), 0, "again"),
                         SSS_ENGINE_HIT);
    }

    assert_int_equal(items(&f->memcached[0]), 100);
    assert_int_equal(stats(engine).opened, 0);
    assert_int_equal(memcached_restart(&f->memcached[1]), 0);

    begin = unit_clock_ms();

    while (items(&f->memcached[1]) == 0) {
        for (i = 0; i < 100; i++) {
            put(engine, name_of(i), "back");
        }

        (void) look(engine, NAME, 0, NULL);
        assert_in_range(unit_clock_ms() - begin, 0, LONG);
    }

    assert_int_equal(sss_engine_stop(engine, LONG), 1);
}


static void
test_one_of_two_frozen(void **state)
{
    unsigned             i, failed;
    fixture_t           *f;
    sss_engine_t        *engine;
    sss_address_t        servers[2];
    sss_engine_result_t  r;

    f = *state;
    both(f, servers);
    engine = engine_for(servers, NULL, 2, TIMEOUT, 2000, 1000);

    for (i = 0; i < 100; i++) {
        put(engine, name_of(i), "value");
    }

    until_answered(engine, 100);
    kill(f->memcached[1].pid, SIGSTOP);

    for (i = 0; i < 100; i++) {
        ask(engine, name_of(i), 0);
    }

    for (i = failed = 0; i < 100; i++) {
        r = result(engine);
        failed += (r.rc == SSS_ENGINE_FAILED);
        free(r.value);
    }

    assert_in_range(failed, 1, 99);

    until_answered(engine, 100);

    for (i = 0; i < 100; i++) {
        put(engine, name_of(i), "again");
    }

    until_answered(engine, 100);
    assert_int_equal(items(&f->memcached[0]), 100);
    assert_int_equal(stats(engine).opened, 0);

    /* all at rest, it has its share back, as it was */

    kill(f->memcached[1].pid, SIGCONT);

    i = 0;

    while (sss_engine_remove(engine, name_of(i % 100)) == SSS_ENGINE_QUEUED
           && items(&f->memcached[1]) != 0)
    {
        (void) look(engine, name_of(i % 100), 0, NULL);
        assert_in_range(i++, 0, 10000);
    }

    assert_int_equal(items(&f->memcached[1]), 0);

    assert_int_equal(sss_engine_stop(engine, LONG), 1);
}


static void
test_killed(void **state)
{
    uint64_t       ticket;
    fixture_t     *f;
    sss_engine_t  *engine;

    f = *state;
    engine = engine_for(&f->memcached[0].address, NULL, 1, PATIENT, 100, 3);

    put(engine, NAME, "value");
    assert_int_equal(look(engine, NAME, 0, "value"), SSS_ENGINE_HIT);

    memcached_stop(&f->memcached[0]);
    until_open(engine, NAME);

    assert_int_equal(sss_engine_put(engine, NAME, (const uint8_t *) "v", 1,
                                    60),
                     SSS_ENGINE_OPEN);
    assert_int_equal(sss_engine_remove(engine, NAME), SSS_ENGINE_OPEN);
    assert_int_equal(sss_engine_get(engine, NAME, 0, &ticket),
                     SSS_ENGINE_OPEN);
    assert_in_range(stats(engine).dropped, 2, 3);

    assert_int_equal(memcached_restart(&f->memcached[0]), 0);
    until_rc(engine, NAME, SSS_ENGINE_MISS);

    assert_int_equal(stats(engine).open, 0);
    put(engine, NAME, "value");
    assert_int_equal(look(engine, NAME, 0, "value"), SSS_ENGINE_HIT);

    assert_int_equal(sss_engine_stop(engine, LONG), 1);
}


static void
test_frozen(void **state)
{
    unsigned              i;
    uint64_t              begin;
    fixture_t            *f;
    sss_engine_t         *engine;
    sss_engine_result_t   r;

    f = *state;
    engine = engine_for(&f->memcached[0].address, NULL, 1, TIMEOUT, 100, 20);

    put(engine, NAME, "value");
    until_rc(engine, NAME, SSS_ENGINE_HIT);

    kill(f->memcached[0].pid, SIGSTOP);
    begin = unit_clock_ms();

    for (i = 0; i < 10; i++) {
        ask(engine, NAME, i % 2);
    }

    for (i = 0; i < 10; i++) {
        r = result(engine);
        assert_int_equal(r.rc, SSS_ENGINE_FAILED);
    }

    assert_in_range(unit_clock_ms() - begin, TIMEOUT / 2, LONG);

    until_open(engine, NAME);

    /* frozen, it was asked to give it away, and perhaps it did */

    kill(f->memcached[0].pid, SIGCONT);
    until_rc(engine, OTHER, SSS_ENGINE_MISS);

    put(engine, NAME, "value");
    until_rc(engine, NAME, SSS_ENGINE_HIT);
    assert_int_equal(stats(engine).open, 0);

    assert_int_equal(sss_engine_stop(engine, LONG), 1);
}


/* Who only stores notices a frozen server too. */

static void
test_stores_alone_notice(void **state)
{
    uint64_t       begin;
    fixture_t     *f;
    sss_engine_t  *engine;

    f = *state;
    engine = engine_for(&f->memcached[0].address, NULL, 1, TIMEOUT, 100, 3);

    put(engine, NAME, "value");
    until_rc(engine, NAME, SSS_ENGINE_HIT);

    kill(f->memcached[0].pid, SIGSTOP);
    begin = unit_clock_ms();

    while (stats(engine).dropped == 0) {
        (void) sss_engine_put(engine, NAME, (const uint8_t *) "v", 1, 60);
        assert_in_range(unit_clock_ms() - begin, 0, LONG);
        unit_pause(10);
    }

    assert_int_equal(sss_engine_stop(engine, TIMEOUT), 1);
    assert_in_range(unit_clock_ms() - begin, 0, LONG);
}


/* A server that was restarted costs no more than what it was asked. */

static void
test_restart_while_idle(void **state)
{
    uint64_t    begin;
    fixture_t  *f;

    f = *state;
    begin = unit_clock_ms();

    while (unit_clock_ms() - begin < 1200) {
        assert_int_equal(look(f->engine, NAME, 0, NULL), SSS_ENGINE_MISS);
        unit_pause(10);
    }

    assert_int_equal(memcached_restart(&f->memcached[0]), 0);

    until_rc(f->engine, NAME, SSS_ENGINE_MISS);
    put(f->engine, NAME, "value");
    until_rc(f->engine, NAME, SSS_ENGINE_HIT);

    assert_int_equal(stats(f->engine).opened, 0);
}


static void
test_nobody_there(void **state)
{
    int             fd;
    sss_engine_t   *engine;
    sss_address_t   address[4];

    (void) state;

    memset(address, 0, sizeof(address));

    /* nobody listens, nobody accepts, no such file, no such name */

    snprintf(address[0].host, sizeof(address[0].host), "127.0.0.1");
    fd = memcached_listen(&address[0], 1);
    assert_int_not_equal(fd, -1);
    close(fd);

    snprintf(address[1].host, sizeof(address[1].host), "127.0.0.1");
    fd = memcached_listen(&address[1], 1);
    assert_int_not_equal(fd, -1);

    snprintf(address[2].host, sizeof(address[2].host), "/nowhere/at/all");

    snprintf(address[3].host, sizeof(address[3].host), "nowhere.invalid");
    address[3].port = 11211;

    engine = engine_for(address, NULL, 4, TIMEOUT, 100, 10);

    until_open(engine, NAME);
    assert_int_equal(sss_engine_stop(engine, TIMEOUT), 1);

    close(fd);
}


static void
test_name_and_v6(void **state)
{
    fixture_t      *f;
    sss_engine_t   *engine;
    sss_address_t   address;

    f = *state;
    address = f->memcached[0].address;
    snprintf(address.host, sizeof(address.host), "localhost");

    engine = engine_for(&address, NULL, 1, PATIENT, 100, NEVER);
    put(engine, NAME, "value");
    until_rc(engine, NAME, SSS_ENGINE_HIT);
    assert_int_equal(sss_engine_stop(engine, LONG), 1);

    /* stopped while it looks the name up */

    engine = engine_for(&address, NULL, 1, PATIENT, 100, NEVER);
    assert_int_equal(sss_engine_stop(engine, 0), 1);

    memcached_stop(&f->memcached[1]);

    if (memcached_start(&f->memcached[1], "::1", NULL) != 0) {
        return;
    }

    engine = engine_for(&f->memcached[1].address, NULL, 1, PATIENT, 100,
                        NEVER);
    put(engine, OTHER, "value");
    assert_int_equal(look(engine, OTHER, 0, "value"), SSS_ENGINE_HIT);
    assert_int_equal(sss_engine_stop(engine, LONG), 1);
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

    assert_int_equal(sss_engine_stop(engine, LONG), 1);

    memcached_stop(&memcached);
    unlink(path);
}


static void
test_queue_full(void **state)
{
    unsigned              i;
    uint64_t              ticket;
    fixture_t            *f;
    sss_engine_t         *engine;
    sss_engine_result_t   r[10];

    f = *state;
    kill(f->memcached[0].pid, SIGSTOP);

    engine = engine_for(&f->memcached[0].address, NULL, 1, PATIENT, 10,
                        1000);

    for (i = 0; i < 10; i++) {
        ask(engine, NAME, 0);
    }

    for (i = 0; i < 5; i++) {
        assert_int_equal(sss_engine_get(engine, NAME, 0, &ticket),
                         SSS_ENGINE_FULL);
        assert_int_equal(sss_engine_put(engine, NAME, (const uint8_t *) "v",
                                        1, 60),
                         SSS_ENGINE_FULL);
    }

    assert_int_equal(stats(engine).dropped, 10);
    assert_int_equal(stats(engine).waiting, 10);

    kill(f->memcached[0].pid, SIGCONT);

    /* results have their place in the queue until they are taken */

    r[0] = result(engine);
    ask(engine, NAME, 0);

    for (i = 0; i < 10; i++) {
        r[i] = result(engine);
        assert_int_equal(r[i].rc, SSS_ENGINE_MISS);
    }

    assert_int_equal(stats(engine).waiting, 0);
    assert_int_equal(sss_engine_stop(engine, LONG), 1);
}


static void
test_stop_sends_what_is_queued(void **state)
{
    unsigned       i;
    fixture_t     *f;
    sss_engine_t  *engine;

    f = *state;
    engine = engine_for(&f->memcached[0].address, NULL, 1, PATIENT, 20000,
                        NEVER);

    for (i = 0; i < 10000; i++) {
        put(engine, name_of(i), "value");
    }

    for (i = 0; i < 100; i++) {
        ask(engine, name_of(i), 0);
    }

    assert_int_equal(sss_engine_stop(engine, LONG), 1);
    assert_int_equal(items(&f->memcached[0]), 10000);
}


static void
test_stop_frozen(void **state)
{
    unsigned       i, wait;
    uint64_t       begin;
    fixture_t     *f;
    sss_engine_t  *engine;

    f = *state;
    begin = unit_clock_ms();

    for (wait = 0; wait < 3; wait++) {

        engine = engine_for(&f->memcached[0].address, NULL, 1, PATIENT,
                            20000, NEVER);

        put(engine, NAME, "value");
        assert_int_equal(look(engine, NAME, 0, "value"), SSS_ENGINE_HIT);

        kill(f->memcached[0].pid, SIGSTOP);

        for (i = 0; i < 1000; i++) {
            put(engine, name_of(i), "value");
            ask(engine, name_of(i), i % 2);
        }

        assert_int_equal(sss_engine_stop(engine, wait * 50), 1);

        kill(f->memcached[0].pid, SIGCONT);
    }

    assert_in_range(unit_clock_ms() - begin, 0, LONG);
}


static void
test_start_and_stop(void **state)
{
    unsigned            i;
    fixture_t          *f;
    sss_engine_conf_t   conf;

    f = *state;

    for (i = 0; i < 200; i++) {
        assert_int_equal(sss_engine_stop(
                             engine_for(&f->memcached[0].address, NULL, 1,
                                        PATIENT, 10, 3), i % 2 * LONG), 1);
    }

    memset(&conf, 0, sizeof(conf));
    assert_null(sss_engine_start(&conf));
    assert_int_equal(sss_engine_stop(NULL, 0), 1);
}


/* A broken server never makes a hit, and costs no more than a dead one. */

static void
test_broken_servers(void **state)
{
    size_t         i;
    fake_t         fake;
    uint64_t       begin;
    sss_engine_t  *engine;

    static const answer_t  answers[] = {
        answer(""),
        answer("\n"),
        answer("\r\n"),
        answer("\0\0\0\0\n"),
        answer("END\n"),
        answer("END \r\n"),
        answer("end\r\n"),
        answer("HTTP/1.1 400 Bad Request\r\n\r\n"),
        answer("ERROR\r\n"),
        answer("SERVER_ERROR out of memory\r\n"),
        answer("CLIENT_ERROR bad data chunk\r\n"),
        answer("VERSION\r\n"),
        answer("STORED\r\n"),
        answer("DELETED\r\n"),
        answer("NOT_FOUND\r\n"),
        answer("17\r\n"),
        answer("VALUE\r\n"),
        answer("VALUE " NAME "\r\n"),
        answer("VALUE " NAME " 0 5\r\nval"),
        answer("VALUE " NAME " 0 5\r\nvalueEND\r\n"),
        answer("VALUE " NAME " 0 -1\r\nvalue\r\nEND\r\n"),
        answer("VALUE " NAME " 0 18446744073709551615\r\nv\r\nEND\r\n"),
        answer("VALUE " NAME " 0 18446744073709551614\r\nv\r\nEND\r\n"),
        answer("VALUE " NAME " 0 99999999\r\nvalue\r\nEND\r\n"),
        answer("VALUE " NAME " 0 5\r\nvalue\r\nEND\r\n"),
        answer("VALUE " OTHER " 0 5\r\nvalue\r\nEND\r\n"),
        answer("VALUE sss1:probe 0 1\r\nv\r\nVALUE sss1:probe 0 1\r\nv\r\n"
               "END\r\n")
    };

    (void) state;
    begin = unit_clock_ms();

    for (i = 0; i < 4 * unit_count(answers); i++) {

        memset(&fake, 0, sizeof(fake));
        fake.bytes = answers[i / 4].bytes;
        fake.len = answers[i / 4].len;
        fake.hang_up = (i % 4 == 1);
        fake.drip_ms = (i % 4 == 2) ? 5 : 0;
        fake.repeat = (i % 4 == 3) && fake.len > 0;

        assert_int_equal(fake_start(&fake), 0);
        engine = engine_for(&fake.address, NULL, 1, TIMEOUT / 4, 100, 4);

        put(engine, NAME, "value");
        until_open(engine, NAME);

        assert_int_equal(stats(engine).hits, 0);
        assert_int_equal(sss_engine_stop(engine, 10), 1);
        fake_stop(&fake);
    }

    assert_in_range(unit_clock_ms() - begin, 0, 6 * LONG);
}


/* Its thread leaves signals to the process. */

static void
test_signals(void **state)
{
    FILE                *status;
    char                 path[64], line[128];
    pid_t                tid;
    unsigned             threads;
    unsigned long long   blocked;

    (void) state;

    threads = 0;

    /* this process has few threads, with numbers near its own */

    for (tid = getpid() + 1; tid < getpid() + 4000; tid++) {

        snprintf(path, sizeof(path), "/proc/self/task/%d/status", (int) tid);
        status = fopen(path, "r");

        while (status && fgets(line, sizeof(line), status)) {
            if (sscanf(line, "SigBlk: %llx", &blocked) == 1) {
                threads++;
                assert_int_equal(blocked >> (SIGTERM - 1) & 1, 1);
                assert_int_equal(blocked >> (SIGCHLD - 1) & 1, 1);
                assert_int_equal(blocked >> (SIGIO - 1) & 1, 1);
            }
        }

        if (status) {
            fclose(status);
        }
    }

    assert_in_range(threads, 1, 3);
}


#define with_servers(test)                                                    \
    cmocka_unit_test_setup_teardown(test, start, stop)


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
        with_servers(test_descriptor),
        with_servers(test_takers_race),
        with_servers(test_two_servers),
        with_servers(test_one_of_two_killed),
        with_servers(test_one_of_two_frozen),
        with_servers(test_killed),
        with_servers(test_frozen),
        with_servers(test_stores_alone_notice),
        with_servers(test_restart_while_idle),
        cmocka_unit_test(test_nobody_there),
        with_servers(test_name_and_v6),
        cmocka_unit_test(test_unix_socket),
        with_servers(test_queue_full),
        with_servers(test_stop_sends_what_is_queued),
        with_servers(test_stop_frozen),
        with_servers(test_start_and_stop),
        cmocka_unit_test(test_broken_servers),
        with_servers(test_signals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
