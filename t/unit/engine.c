
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"


sss_engine_t *
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

    engine = sss_engine_create(&conf);
    assert_non_null(engine);

    return engine;
}


const char *
name_of(unsigned i)
{
    static char  name[64];

    snprintf(name, sizeof(name), "sss1:%040u", i);

    return name;
}


sss_engine_queue_t
try(sss_engine_t *engine, const char *name, int take, uint64_t *ticket)
{
    sss_request_t       *lookup;
    sss_engine_queue_t   rc;

    static uint64_t  last;

    rc = sss_engine_get(engine, name, take, (void *) (uintptr_t) (last + 1),
                        &lookup);

    *ticket = (rc == SSS_ENGINE_QUEUED) ? ++last : 0;

    return rc;
}


uint64_t
ask(sss_engine_t *engine, const char *name, int take)
{
    uint64_t  ticket;

    assert_int_equal(try(engine, name, take, &ticket), SSS_ENGINE_QUEUED);

    return ticket;
}


uint64_t
ticket_of(const sss_engine_result_t *r)
{
    return (uint64_t) (uintptr_t) r->data;
}


void
put(sss_engine_t *engine, const char *name, const char *value)
{
    assert_int_equal(sss_engine_put(engine, name, (const uint8_t *) value,
                                    strlen(value), 60),
                     SSS_ENGINE_QUEUED);
}


sss_engine_result_t
result(sss_engine_t *engine)
{
    uint64_t             begin;
    sss_engine_result_t  r;

    begin = unit_clock_ms();

    while (sss_engine_take(engine, &r, 1) == 0) {
        sss_engine_wait(engine, LONG);
        assert_in_range(unit_clock_ms() - begin, 0, LONG);
    }

    assert_true((r.rc == SSS_ENGINE_HIT) == (r.value != NULL));

    return r;
}


void
run(sss_engine_t *engine, unsigned ms)
{
    uint64_t  now, end;

    now = unit_clock_ms();

    for (end = now + ms; now < end; now = unit_clock_ms()) {
        sss_engine_wait(engine, (unsigned) (end - now));
    }
}


sss_engine_rc_t
look(sss_engine_t *engine, const char *name, int take, const char *value)
{
    uint64_t             ticket;
    sss_engine_result_t  r;

    ticket = ask(engine, name, take);
    r = result(engine);

    assert_int_equal(ticket_of(&r), ticket);

    if (r.rc == SSS_ENGINE_HIT && value != NULL) {
        assert_int_equal(r.len, strlen(value));
        assert_memory_equal(r.value, value, r.len);
    }

    free(r.value);

    return r.rc;
}


sss_engine_stats_t
stats(sss_engine_t *engine)
{
    sss_engine_stats_t  s;

    sss_engine_stats(engine, &s);

    return s;
}


/* Looks a name up until the result is this one. */

void
until_rc(sss_engine_t *engine, const char *name, sss_engine_rc_t rc)
{
    uint64_t             start, ticket;
    sss_engine_result_t  r;

    start = unit_clock_ms();

    for ( ;; ) {

        if (try(engine, name, 0, &ticket) == SSS_ENGINE_QUEUED) {
            r = result(engine);
            free(r.value);

            if (r.rc == rc) {
                return;
            }
        }

        assert_in_range(unit_clock_ms() - start, 0, LONG);
        run(engine, 10);
    }
}


/* Looks several names up until none fails. */

void
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


/* Looks a name up, which must fail each time, until the breaker opens. */

void
until_open(sss_engine_t *engine, const char *name)
{
    uint64_t             start, ticket;
    sss_engine_stats_t   before;
    sss_engine_result_t  r;

    start = unit_clock_ms();

    /* it may have opened before, if the server was slow at first */

    before = stats(engine);

    while (try(engine, name, 0, &ticket) == SSS_ENGINE_QUEUED) {
        r = result(engine);
        assert_int_equal(r.rc, SSS_ENGINE_FAILED);
        assert_in_range(unit_clock_ms() - start, 0, LONG);
    }

    assert_int_equal(stats(engine).open, 1);
    assert_int_equal(stats(engine).opened, before.opened + !before.open);
}


unsigned long
items(const memcached_t *memcached)
{
    char  answer[8192], *p;

    assert_int_equal(memcached_say(&memcached->address, "stats\r\n", 7,
                                   "END\r\n", answer, sizeof(answer)), 0);

    p = strstr(answer, "STAT curr_items ");
    assert_non_null(p);

    return strtoul(p + 16, NULL, 10);
}


int
engine_setup(void **state)
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


int
engine_teardown(void **state)
{
    fixture_t  *f;

    f = *state;

    sss_engine_destroy(f->engine, 0);

    memcached_stop(&f->memcached[0]);
    memcached_stop(&f->memcached[1]);

    return 0;
}


void
both(const fixture_t *f, sss_address_t *servers)
{
    servers[0] = f->memcached[0].address;
    servers[1] = f->memcached[1].address;
}
