
/*
 * The engine against memcached servers that are killed, restarted and frozen,
 * against broken ones, and against none.
 */


#include "engine.h"

#include <signal.h>
#include <unistd.h>


typedef struct {
    const char    *bytes;
    size_t         len;
} answer_t;

#define answer(s)  { s, sizeof(s) - 1 }


/* When one server is gone the other gets its records, until it is back. */

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

    sss_engine_destroy(engine, LONG);
}


/* Makes so many lookups at once; returns how many fail. */

static unsigned
failures(sss_engine_t *engine, unsigned n)
{
    unsigned             i, failed;
    sss_engine_result_t  r;

    for (i = 0; i < n; i++) {
        ask(engine, name_of(i), 0);
    }

    for (i = failed = 0; i < n; i++) {
        r = result(engine);
        failed += (r.rc == SSS_ENGINE_FAILED);
        free(r.value);
    }

    return failed;
}


static void
test_one_of_two_frozen(void **state)
{
    unsigned        i, failed;
    fixture_t      *f;
    sss_engine_t   *engine;
    sss_address_t   servers[2];

    f = *state;
    both(f, servers);
    engine = engine_for(servers, NULL, 2, TIMEOUT, 2000, 1000);

    for (i = 0; i < 100; i++) {
        put(engine, name_of(i), "value");
    }

    /* on a busy machine the server may seem to be down before it is frozen */

    for (i = failed = 0; failed == 0; i++) {

        assert_in_range(i, 0, 50);

        memcached_thaw(&f->memcached[1]);
        until_answered(engine, 100);
        memcached_freeze(&f->memcached[1]);

        failed = failures(engine, 100);
    }

    assert_in_range(failed, 1, 99);

    until_answered(engine, 100);

    for (i = 0; i < 100; i++) {
        put(engine, name_of(i), "again");
    }

    until_answered(engine, 100);
    assert_int_equal(items(&f->memcached[0]), 100);
    assert_int_equal(stats(engine).opened, 0);

    /* when it is back it has its former share */

    kill(f->memcached[1].pid, SIGCONT);

    i = 0;

    while (sss_engine_remove(engine, name_of(i % 100)) == SSS_ENGINE_QUEUED
           && items(&f->memcached[1]) != 0)
    {
        (void) look(engine, name_of(i % 100), 0, NULL);
        assert_in_range(i++, 0, 10000);
    }

    assert_int_equal(items(&f->memcached[1]), 0);

    sss_engine_destroy(engine, LONG);
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
    assert_int_equal(try(engine, NAME, 0, &ticket),
                     SSS_ENGINE_OPEN);
    assert_in_range(stats(engine).dropped, 2, 3);

    assert_int_equal(memcached_restart(&f->memcached[0]), 0);
    until_rc(engine, NAME, SSS_ENGINE_MISS);

    assert_int_equal(stats(engine).open, 0);
    put(engine, NAME, "value");
    assert_int_equal(look(engine, NAME, 0, "value"), SSS_ENGINE_HIT);

    sss_engine_destroy(engine, LONG);
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

    memcached_freeze(&f->memcached[0]);
    begin = unit_clock_ms();

    for (i = 0; i < 10; i++) {
        ask(engine, NAME, i % 2);
    }

    for (i = 0; i < 10; i++) {
        r = result(engine);
        assert_int_equal(r.rc, SSS_ENGINE_FAILED);
        assert_int_equal(r.late, 1);
    }

    assert_in_range(unit_clock_ms() - begin, TIMEOUT / 2, LONG);

    until_open(engine, NAME);

    /* while frozen it was sent takes, which may have removed the record */

    kill(f->memcached[0].pid, SIGCONT);
    until_rc(engine, OTHER, SSS_ENGINE_MISS);

    put(engine, NAME, "value");
    until_rc(engine, NAME, SSS_ENGINE_HIT);
    assert_int_equal(stats(engine).open, 0);

    sss_engine_destroy(engine, LONG);
}


/* An engine that only stores notices a frozen server as well. */

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

    memcached_freeze(&f->memcached[0]);
    begin = unit_clock_ms();

    while (stats(engine).dropped == 0) {
        (void) sss_engine_put(engine, NAME, (const uint8_t *) "v", 1, 60);
        assert_in_range(unit_clock_ms() - begin, 0, LONG);
        run(engine, 10);
    }

    sss_engine_destroy(engine, TIMEOUT);
    assert_in_range(unit_clock_ms() - begin, 0, LONG);
}


/* A restart of a server makes only those lookups fail that were under way. */

static void
test_restart_while_idle(void **state)
{
    uint64_t    begin;
    fixture_t  *f;

    f = *state;
    begin = unit_clock_ms();

    while (unit_clock_ms() - begin < 1200) {
        assert_int_equal(look(f->engine, NAME, 0, NULL), SSS_ENGINE_MISS);
        run(f->engine, 10);
    }

    assert_int_equal(memcached_restart(&f->memcached[0]), 0);

    until_rc(f->engine, NAME, SSS_ENGINE_MISS);
    put(f->engine, NAME, "value");
    until_rc(f->engine, NAME, SSS_ENGINE_HIT);

    assert_int_equal(stats(f->engine).opened, 0);
}


/* A server may close an idle connection, and no lookup fails for that. */

static void
test_idle_connection_closed(void **state)
{
    char           answer[8192];
    uint64_t       begin;
    memcached_t    memcached;
    sss_engine_t  *engine;

    (void) state;

    assert_int_equal(memcached_start(&memcached, "127.0.0.1",
                                     "-oidle_timeout=1"), 0);
    engine = engine_for(&memcached.address, NULL, 1, PATIENT, 100, NEVER);

    put(engine, NAME, "value");
    assert_int_equal(look(engine, NAME, 0, "value"), SSS_ENGINE_HIT);

    begin = unit_clock_ms();

    do {
        run(engine, 20);
        assert_in_range(unit_clock_ms() - begin, 0, LONG);
        assert_int_equal(memcached_say(&memcached.address, "stats\r\n", 7,
                                       "END\r\n", answer, sizeof(answer)),
                         0);
    } while (strstr(answer, "STAT idle_kicks 0") != NULL);

    assert_non_null(strstr(answer, "STAT idle_kicks "));

    /* only a lookup at that very moment may fail */

    until_rc(engine, NAME, SSS_ENGINE_HIT);
    assert_in_range(stats(engine).failures, 0, 2);

    sss_engine_destroy(engine, LONG);
    memcached_stop(&memcached);
}


static void
test_nobody_there(void **state)
{
    int             fd;
    sss_engine_t   *engine;
    sss_address_t   address[4];

    (void) state;

    memset(address, 0, sizeof(address));

    /* nothing listens, nothing accepts, no such file, no such name */

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
    sss_engine_destroy(engine, TIMEOUT);

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

    while (!sss_engine_settled(engine)) {
        sss_engine_wait(engine, LONG);
    }

    put(engine, NAME, "value");
    until_rc(engine, NAME, SSS_ENGINE_HIT);
    sss_engine_destroy(engine, LONG);

    /* destroyed while the name is being resolved */

    engine = engine_for(&address, NULL, 1, PATIENT, 100, NEVER);
    sss_engine_destroy(engine, 0);

    memcached_stop(&f->memcached[1]);

    if (memcached_start(&f->memcached[1], "::1", NULL) != 0) {
        return;
    }

    engine = engine_for(&f->memcached[1].address, NULL, 1, PATIENT, 100,
                        NEVER);
    put(engine, OTHER, "value");
    assert_int_equal(look(engine, OTHER, 0, "value"), SSS_ENGINE_HIT);
    sss_engine_destroy(engine, LONG);
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
    memcached_freeze(&f->memcached[0]);

    engine = engine_for(&f->memcached[0].address, NULL, 1, PATIENT, 10,
                        1000);

    for (i = 0; i < 10; i++) {
        ask(engine, NAME, 0);
    }

    for (i = 0; i < 5; i++) {
        assert_int_equal(try(engine, NAME, 0, &ticket),
                         SSS_ENGINE_FULL);
    }

    assert_int_equal(stats(engine).dropped, 5);
    assert_int_equal(stats(engine).waiting, 10);

    kill(f->memcached[0].pid, SIGCONT);

    /* results count for the limit of lookups until they are taken */

    r[0] = result(engine);
    ask(engine, NAME, 0);

    for (i = 0; i < 10; i++) {
        r[i] = result(engine);
        assert_int_equal(r[i].rc, SSS_ENGINE_MISS);
    }

    assert_int_equal(stats(engine).waiting, 0);
    sss_engine_destroy(engine, LONG);
}


/* Stores for a frozen server are kept up to a limit. */

static void
test_room(void **state)
{
    uint8_t        *value;
    unsigned        i;
    fixture_t      *f;
    sss_engine_t   *engine;

    f = *state;
    engine = engine_for(&f->memcached[0].address, NULL, 1, PATIENT, 10, 1000);
    assert_int_equal(look(engine, NAME, 0, NULL), SSS_ENGINE_MISS);

    memcached_freeze(&f->memcached[0]);

    value = calloc(1, SSS_ENGINE_VALUE);
    assert_non_null(value);

    for (i = 0; i < 1000; i++) {
        if (sss_engine_put(engine, NAME, value, SSS_ENGINE_VALUE, 60)
            != SSS_ENGINE_QUEUED)
        {
            break;
        }

        (void) sss_engine_run(engine);
    }

    free(value);

    assert_in_range(i, 10, 500);
    assert_int_equal(stats(engine).dropped, 1);

    kill(f->memcached[0].pid, SIGCONT);
    until_rc(engine, NAME, SSS_ENGINE_HIT);

    sss_engine_destroy(engine, LONG);
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

    sss_engine_destroy(engine, LONG);
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

        memcached_freeze(&f->memcached[0]);

        for (i = 0; i < 1000; i++) {
            put(engine, name_of(i), "value");
            ask(engine, name_of(i), i % 2);
        }

        sss_engine_destroy(engine, wait * 50);

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
        sss_engine_destroy(engine_for(&f->memcached[0].address, NULL, 1,
                                      PATIENT, 10, 3), i % 2 * LONG);
    }

    memset(&conf, 0, sizeof(conf));
    assert_null(sss_engine_create(&conf));
    sss_engine_destroy(NULL, 0);
}


/* A broken server never causes a hit, and counts as one that is down. */

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
        sss_engine_destroy(engine, 10);
        fake_stop(&fake);
    }

    assert_in_range(unit_clock_ms() - begin, 0, 6 * LONG);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        with_servers(test_one_of_two_killed),
        with_servers(test_one_of_two_frozen),
        with_servers(test_killed),
        with_servers(test_frozen),
        with_servers(test_stores_alone_notice),
        with_servers(test_restart_while_idle),
        cmocka_unit_test(test_idle_connection_closed),
        cmocka_unit_test(test_nobody_there),
        with_servers(test_name_and_v6),
        with_servers(test_queue_full),
        with_servers(test_room),
        with_servers(test_stop_sends_what_is_queued),
        with_servers(test_stop_frozen),
        with_servers(test_start_and_stop),
        cmocka_unit_test(test_broken_servers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
