
/* What the engine sends in one message, and what it makes of the answers. */


#include "engine.h"


#define THIRD   "sss1:5555555555555555555555555555555555555555"

#define WINDOW  100             /* us that lookups wait,                   */
#define MANY    16              /* unless there are so many                */

#define VALUE(name)  "VALUE " name " 0 5\r\nvalue\r\n"


/* An engine that has had its first answer, from a server without records. */

static sss_engine_t *
batches_start(fake_t *fake, unsigned timeout_ms)
{
    uint64_t       begin;
    sss_engine_t  *engine;

    fake->first = "END\r\n";

    if (fake->bytes == NULL) {
        fake->bytes = "END\r\n";
        fake->len = strlen(fake->bytes);
    }

    assert_int_equal(fake_start(fake), 0);
    engine = engine_for(&fake->address, NULL, 1, timeout_ms, 100, NEVER);

    begin = unit_clock_ms();

    while (atomic_load(&fake->messages) == 0) {
        sss_engine_wait(engine, 1);
        assert_in_range(unit_clock_ms() - begin, 0, LONG);
    }

    return engine;
}


/* Begins lookups without running the engine. */

static void
batches_messages(fake_t *fake, unsigned n)
{
    uint64_t  begin;

    begin = unit_clock_ms();

    while (atomic_load(&fake->messages) < n) {
        unit_pause(1);
        assert_in_range(unit_clock_ms() - begin, 0, LONG);
    }

    assert_int_equal(atomic_load(&fake->messages), n);
}


static void
test_one_goes_at_once(void **state)
{
    fake_t         fake;
    unsigned       i;
    sss_engine_t  *engine;

    (void) state;

    memset(&fake, 0, sizeof(fake));
    engine = batches_start(&fake, PATIENT);

    for (i = 2; i < 100; i++) {
        ask(engine, NAME, 0);
        (void) sss_engine_run(engine);
        batches_messages(&fake, i);
        assert_int_equal(result(engine).rc, SSS_ENGINE_MISS);
    }

    sss_engine_destroy(engine, 0);
    fake_stop(&fake);
}


/* May fail if the machine pauses for longer than lookups wait. */

static void
test_lookups_gather(void **state)
{
    fake_t         fake;
    uint64_t       begin;
    unsigned       i, before;
    sss_engine_t  *engine;

    (void) state;

    memset(&fake, 0, sizeof(fake));
    engine = batches_start(&fake, PATIENT);
    begin = unit_clock_ms();

    do {
        assert_in_range(unit_clock_ms() - begin, 0, LONG);
        before = atomic_load(&fake.messages);

        for (i = 0; i < MANY / 2; i++) {
            ask(engine, name_of(i), 0);
            (void) sss_engine_run(engine);
        }

        for (i = 0; i < MANY / 2; i++) {
            assert_int_equal(result(engine).rc, SSS_ENGINE_MISS);
        }

    } while (atomic_load(&fake.messages) > before + 2);

    sss_engine_destroy(engine, 0);
    fake_stop(&fake);
}


static uint64_t
batches_clock_us(void)
{
    struct timespec  now;

    clock_gettime(CLOCK_MONOTONIC, &now);

    return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}


/*
 * Returns how long lookups wait that follow another one, and in "took" the
 * time since that one; both in microseconds.
 */

static uint64_t
batches_due(unsigned followers, uint64_t *took)
{
    fake_t         fake;
    uint64_t       due, begin;
    unsigned       i;
    sss_engine_t  *engine;

    memset(&fake, 0, sizeof(fake));
    engine = batches_start(&fake, PATIENT);

    begin = batches_clock_us();

    ask(engine, NAME, 0);
    (void) sss_engine_run(engine);

    for (i = 0; i < followers; i++) {
        ask(engine, name_of(i), 0);
    }

    due = sss_engine_run(engine);
    *took = batches_clock_us() - begin;

    sss_engine_destroy(engine, 0);
    fake_stop(&fake);

    return due;
}


static void
test_many_go_at_once(void **state)
{
    uint64_t  took;
    unsigned  i;

    (void) state;

    for (i = 0; i < 5; i++) {
        assert_in_range(batches_due(MANY, &took), WINDOW + 1,
                        PATIENT * 1000);
    }
}


/* Nothing is seen on a machine that takes nearly as long as they wait. */

static void
test_others_wait_for_a_moment(void **state)
{
    unsigned  i;
    uint64_t  due, took;

    (void) state;

    for (i = 0; i < 1000; i++) {
        due = batches_due(MANY - 1, &took);

        if (took < WINDOW / 2) {
            assert_in_range(due, 1, WINDOW);
            return;
        }
    }

    skip();
}


/* The results of three lookups in one message; the first two are takes. */

static void
batches_three(const char *bytes, size_t len, unsigned timeout_ms,
    sss_engine_rc_t *rc)
{
    fake_t               fake;
    unsigned             i;
    uint64_t             first;
    sss_engine_t        *engine;
    sss_engine_result_t  r;

    memset(&fake, 0, sizeof(fake));
    fake.bytes = bytes;
    fake.len = len;

    engine = batches_start(&fake, timeout_ms);

    first = ask(engine, NAME, 1);
    ask(engine, OTHER, 1);
    ask(engine, THIRD, 0);

    for (i = 0; i < 3; i++) {
        r = result(engine);
        assert_in_range(ticket_of(&r), first, first + 2);
        rc[ticket_of(&r) - first] = r.rc;
        free(r.value);
    }

    sss_engine_destroy(engine, 0);
    fake_stop(&fake);
}


static void
test_answers_to_takes(void **state)
{
    size_t           i;
    unsigned         n;
    sss_engine_rc_t  rc[3];

    static const struct {
        const char  *bytes;
        const char  *results;           /* hit, miss, failed               */
    } cases[] = {
        { VALUE(NAME) VALUE(OTHER) VALUE(THIRD) "END\r\n"
          "DELETED\r\nDELETED\r\n", "hhh" },
        { VALUE(NAME) VALUE(OTHER) VALUE(THIRD) "END\r\n"
          "NOT_FOUND\r\nDELETED\r\n", "mhh" },
        { VALUE(THIRD) VALUE(OTHER) VALUE(NAME) "END\r\n"
          "DELETED\r\nNOT_FOUND\r\n", "hmh" },
        { VALUE(OTHER) "END\r\nNOT_FOUND\r\nDELETED\r\n", "mhm" },
        { VALUE(THIRD) "END\r\nNOT_FOUND\r\nNOT_FOUND\r\n", "mmh" },

        /* removed, but not read: another host has stored it in between */

        { VALUE(OTHER) "END\r\nDELETED\r\nDELETED\r\n", "mhm" },

        /* too few and too many */

        { VALUE(NAME) VALUE(OTHER) "END\r\nDELETED\r\n", "hfm" },
        { VALUE(NAME) VALUE(OTHER) "END\r\n", "ffm" },
        { VALUE(NAME) "DELETED\r\nEND\r\nDELETED\r\n", "fff" },
        { VALUE(NAME) "END\r\nEND\r\nDELETED\r\n", "ffm" },
        { VALUE(NAME) "END\r\nDELETED\r\n" VALUE(OTHER) "DELETED\r\n",
          "hfm" },
        { VALUE(NAME) VALUE(NAME) "END\r\nDELETED\r\nDELETED\r\n",
          "fff" }
    };

    (void) state;

    for (i = 0; i < unit_count(cases); i++) {
        batches_three(cases[i].bytes, strlen(cases[i].bytes), 20 * TIMEOUT,
                      rc);

        for (n = 0; n < 3; n++) {
            assert_int_equal("hmf"[rc[n]], cases[i].results[n]);
        }
    }
}


/* The answers before a wrong one count, those after it do not. */

static void
test_garbage_everywhere(void **state)
{
    char             bytes[1024];
    size_t           g, len;
    unsigned         i, at;
    sss_engine_rc_t  rc[3];

    static const char *const  lines[] = {
        VALUE(NAME), VALUE(OTHER), VALUE(THIRD), "END\r\n", "DELETED\r\n",
        "DELETED\r\n"
    };

    static const char *const  garbage[] = {
        "\r\n", "ERROR\r\n", "SERVER_ERROR out of memory\r\n", "STORED\r\n",
        "VALUE\r\n", "deleted\r\n", "DELETED \r\n",
        "VALUE sss1:probe 0 1\r\nv\r\n", "VALUE " NAME " 0 9\r\nvalue\r\n"
    };

    (void) state;

    for (g = 0; g < unit_count(garbage); g++) {

        for (at = 0; at < unit_count(lines); at++) {

            for (len = i = 0; i < unit_count(lines); i++) {
                len += (size_t) snprintf(bytes + len, sizeof(bytes) - len,
                                         "%s%s", i == at ? garbage[g] : "",
                                         lines[i]);
            }

            batches_three(bytes, len, PATIENT, rc);

            assert_int_equal(rc[0], at > 4 ? SSS_ENGINE_HIT
                                           : SSS_ENGINE_FAILED);
            assert_int_equal(rc[1], SSS_ENGINE_FAILED);
            assert_int_equal(rc[2], at > 3 ? SSS_ENGINE_HIT
                                           : SSS_ENGINE_FAILED);
        }
    }
}


/* More than one "get" in a message, with the removals in between. */

static void
test_gets_among_takes(void **state)
{
    char                 value[32];
    uint64_t             first;
    unsigned             i, n;
    fixture_t           *f;
    sss_engine_result_t  r;

    f = *state;
    first = 0;

    for (i = 0; i < 300; i++) {
        snprintf(value, sizeof(value), "value %u", i);
        put(f->engine, name_of(i), value);
    }

    for (i = 0; i < 300; i++) {
        n = (unsigned) ask(f->engine, name_of(i), i % 3 == 0);
        first = i ? first : n;
    }

    for (n = 0; n < 300; n++) {
        r = result(f->engine);
        i = (unsigned) (ticket_of(&r) - first);

        assert_in_range(i, 0, 299);
        assert_int_equal(r.rc, SSS_ENGINE_HIT);
        snprintf(value, sizeof(value), "value %u", i);
        assert_int_equal(r.len, strlen(value));
        assert_memory_equal(r.value, value, r.len);
        free(r.value);
    }

    assert_int_equal(items(&f->memcached[0]), 200);
}


static void
test_take_that_is_cancelled(void **state)
{
    fixture_t            *f;
    sss_request_t        *lookup;
    sss_engine_result_t   r;

    f = *state;

    put(f->engine, NAME, "value");
    assert_int_equal(look(f->engine, NAME, 0, "value"), SSS_ENGINE_HIT);

    assert_int_equal(sss_engine_get(f->engine, NAME, 1, NULL, &lookup),
                     SSS_ENGINE_QUEUED);
    (void) sss_engine_run(f->engine);
    sss_engine_cancel(f->engine, lookup);

    assert_int_equal(look(f->engine, NAME, 0, NULL), SSS_ENGINE_MISS);
    assert_int_equal(sss_engine_take(f->engine, &r, 1), 0);
    assert_int_equal(stats(f->engine).waiting, 0);
    assert_int_equal(stats(f->engine).failures, 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_one_goes_at_once),
        cmocka_unit_test(test_lookups_gather),
        cmocka_unit_test(test_many_go_at_once),
        cmocka_unit_test(test_others_wait_for_a_moment),
        cmocka_unit_test(test_answers_to_takes),
        cmocka_unit_test(test_garbage_everywhere),
        with_servers(test_gets_among_takes),
        with_servers(test_take_that_is_cancelled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
