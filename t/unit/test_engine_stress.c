
/*
 * Engines that work while their servers come and go.  Each lookup must have
 * one result, a hit must have the right record, and the engine must end when
 * it is destroyed.  Also run with ThreadSanitizer and AddressSanitizer.
 */


#include "engine.h"


#define ROUNDS   40
#define STEPS    400
#define NAMES    60
#define QUEUE    300


typedef struct {
    uint64_t        random;
    fixture_t      *fixture;
    sss_engine_t   *engine;
    sss_address_t   servers[3];
    size_t          n;                  /* servers                         */
    int             frozen[2];
    unsigned        expected;           /* results                         */
    unsigned        name[STEPS + 1];    /* by ticket - first               */
    uint64_t        asked[STEPS + 1];   /* tickets, 0: has its result      */
} stress_t;


static unsigned
stress_below(stress_t *s, unsigned n)
{
    return (unsigned) ((unit_random(&s->random) >> 32) % n);
}


/* Makes a value for a name; values differ in their lengths. */

static size_t
stress_value(unsigned i, char *value, size_t size)
{
    int  len;

    len = snprintf(value, size, "%s of %u ", name_of(i), i);
    memset(value + len, 'v', i * 50);

    return (size_t) len + i * 50;
}


static void
stress_result(stress_t *s, sss_engine_result_t *r)
{
    char      value[64 + NAMES * 50];
    size_t    len;
    unsigned  i;

    for (i = 0; i < STEPS && s->asked[i] != ticket_of(r); i++) { /* void */ }

    /* the result must be of a lookup, and the only one */

    assert_in_range(i, 0, STEPS - 1);
    s->asked[i] = 0;
    s->expected--;

    if (r->rc == SSS_ENGINE_HIT) {
        len = stress_value(s->name[i], value, sizeof(value));
        assert_int_equal(r->len, len);
        assert_memory_equal(r->value, value, len);

    } else {
        assert_null(r->value);
    }

    free(r->value);
}


static void
stress_take(stress_t *s, int wait_ms)
{
    size_t               i, n;
    sss_engine_result_t  results[7];

    sss_engine_wait(s->engine, (unsigned) wait_ms);

    n = sss_engine_take(s->engine, results, unit_count(results));

    for (i = 0; i < n; i++) {
        stress_result(s, &results[i]);
    }
}


static void
stress_ask(stress_t *s, unsigned step)
{
    unsigned  i;
    uint64_t  ticket;

    i = stress_below(s, NAMES);

    if (try(s->engine, name_of(i), (int) stress_below(s, 2), &ticket)
        == SSS_ENGINE_QUEUED)
    {
        s->asked[step] = ticket;
        s->name[step] = i;
        s->expected++;
    }
}


static void
stress_work(stress_t *s, unsigned step)
{
    char      value[64 + NAMES * 50];
    size_t    len;
    unsigned  i;

    switch (stress_below(s, 8)) {

    case 0:
    case 1:
        i = stress_below(s, NAMES);
        len = stress_value(i, value, sizeof(value));
        (void) sss_engine_put(s->engine, name_of(i), (uint8_t *) value, len,
                              60);
        break;

    case 2:
        (void) sss_engine_remove(s->engine, name_of(stress_below(s, NAMES)));
        break;

    case 3:
        stress_take(s, (int) stress_below(s, 3));
        break;

    default:
        stress_ask(s, step);
    }
}


static void
stress_weather(stress_t *s)
{
    size_t        i;
    memcached_t  *m;

    i = stress_below(s, 2);
    m = &s->fixture->memcached[i];

    switch (stress_below(s, 4)) {

    case 0:
        memcached_stop(m);
        s->frozen[i] = 0;
        break;

    case 1:
        if (m->pid && !s->frozen[i]) {
            memcached_freeze(m);
            s->frozen[i] = 1;
        }
        break;

    case 2:
        if (s->frozen[i]) {
            memcached_thaw(m);
            s->frozen[i] = 0;
        }
        break;

    default:
        if (m->pid == 0) {
            assert_int_equal(memcached_restart(m), 0);
        }
    }
}


static void
stress_calm(stress_t *s)
{
    size_t        i;
    memcached_t  *m;

    for (i = 0; i < 2; i++) {
        m = &s->fixture->memcached[i];

        if (s->frozen[i]) {
            memcached_thaw(m);
            s->frozen[i] = 0;
        }

        if (m->pid == 0) {
            assert_int_equal(memcached_restart(m), 0);
        }
    }
}


/* A round ends when all results have come, or with some not taken. */

static void
stress_round(stress_t *s)
{
    unsigned            i;
    uint64_t            begin;
    sss_engine_stats_t  now;

    s->expected = 0;
    memset(s->asked, 0, sizeof(s->asked));

    s->engine = engine_for(s->servers, NULL, 1 + stress_below(s, s->n),
                           10 + stress_below(s, 90), QUEUE,
                           2 + stress_below(s, 20));

    for (i = 0; i < STEPS; i++) {

        if (stress_below(s, 60) == 0) {
            stress_weather(s);
        }

        stress_work(s, i);
    }

    if (stress_below(s, 2)) {

        begin = unit_clock_ms();

        while (s->expected) {
            stress_take(s, LONG);
            assert_in_range(unit_clock_ms() - begin, 0, LONG);
        }

        now = stats(s->engine);
        assert_int_equal(now.waiting, 0);
        assert_int_equal(now.hits + now.misses + now.failures, now.gets);
    }

    i = stress_below(s, 3) * 30;
    begin = unit_clock_ms();

    sss_engine_destroy(s->engine, i);
    assert_in_range(unit_clock_ms() - begin, 0, i + LONG / 4);
}


static void
test_servers_come_and_go(void **state)
{
    unsigned  i;
    fake_t    fake;
    stress_t  s;

    memset(&s, 0, sizeof(s));
    s.fixture = *state;
    s.random = 4711;
    s.n = unit_count(s.servers);

    memset(&fake, 0, sizeof(fake));
    fake.bytes = "VALUE " NAME " 0 5\r\nvalue\r\nEND\r\n";
    fake.len = strlen(fake.bytes);
    assert_int_equal(fake_start(&fake), 0);

    both(s.fixture, s.servers);
    s.servers[2] = fake.address;

    /* the address of one server has to be resolved */

    snprintf(s.servers[1].host, sizeof(s.servers[1].host), "localhost");

    for (i = 0; i < ROUNDS; i++) {
        stress_round(&s);
        stress_calm(&s);
    }

    fake_stop(&fake);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        with_servers(test_servers_come_and_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
