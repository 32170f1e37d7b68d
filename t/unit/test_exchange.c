
/*
 * Exchanges with a memcached server through an engine: a real one, a broken
 * one, a slow one, and none.
 */


#include "engine.h"
#include "exchange.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>


#define SHORT    200
#define VALUE    "value"


static sss_exchange_rc_t
write_to(sss_engine_t *engine, const char *name, uint64_t cas,
    const char *value, size_t len, uint32_t ttl)
{
    uint8_t            *copy;
    sss_exchange_t      x;
    sss_exchange_rc_t   rc;

    copy = malloc(len + 1);
    assert_non_null(copy);
    memcpy(copy, value, len);

    memset(&x, 0, sizeof(x));

    sss_exchange_write(&x, name, cas, copy, len, ttl);
    exchange_ask(engine, &x);

    rc = exchange_finish(engine, &x);
    sss_exchange_clear(&x);

    return rc;
}


static sss_exchange_rc_t
write_text(sss_engine_t *engine, const char *name, uint64_t cas,
    const char *value)
{
    return write_to(engine, name, cas, value, strlen(value), 60);
}


/* Returns the version of an item; 0: there is no such item. */

static uint64_t
version(sss_engine_t *engine, const char *name, const char *value)
{
    uint64_t        cas;
    sss_item_t      item;
    sss_exchange_t  x;

    memset(&x, 0, sizeof(x));

    assert_int_equal(exchange_read(engine, &x, &item, name), SSS_EXCHANGE_OK);
    assert_int_equal(item.found, value != NULL);
    assert_true((item.cas != 0) == (value != NULL));

    if (value != NULL) {
        assert_int_equal(item.len, strlen(value));
        assert_memory_equal(item.value, value, item.len);
    }

    cas = item.cas;
    sss_exchange_clear(&x);

    return cas;
}


/* Every exchange with this server must fail soon, with this reason. */

static void
assert_fails(const sss_address_t *address, const char *why)
{
    unsigned        i;
    uint64_t        begin;
    sss_item_t      item;
    sss_engine_t   *engine;
    sss_exchange_t  x;

    begin = unit_clock_ms();
    engine = exchanges(address, SHORT);

    for (i = 0; i < 2; i++) {
        memset(&x, 0, sizeof(x));
        assert_int_equal(exchange_read(engine, &x, &item, NAME),
                         SSS_EXCHANGE_FAILED);
        assert_non_null(strstr(x.reason, why));
        assert_int_equal(item.found, 0);

        assert_int_not_equal(write_text(engine, NAME, 7, VALUE),
                             SSS_EXCHANGE_OK);
        assert_int_not_equal(write_text(engine, NAME, 0, VALUE),
                             SSS_EXCHANGE_OK);

        memset(&x, 0, sizeof(x));
        sss_exchange_clock(&x);
        exchange_ask(engine, &x);
        assert_int_equal(exchange_finish(engine, &x), SSS_EXCHANGE_FAILED);
        assert_int_equal(x.seconds, 0);
    }

    sss_engine_destroy(engine, 0);

    assert_in_range(unit_clock_ms() - begin, 0, LONG);
}


static void
test_read_and_write(void **state)
{
    uint64_t        cas;
    fixture_t      *f;
    sss_engine_t   *engine;

    f = *state;
    engine = exchanges(&f->memcached[0].address, PATIENT);

    assert_int_equal(version(engine, NAME, NULL), 0);

    assert_int_equal(write_text(engine, NAME, 0, "one"), SSS_EXCHANGE_OK);
    cas = version(engine, NAME, "one");

    assert_int_equal(write_text(engine, NAME, 0, "two"),
                     SSS_EXCHANGE_CONFLICT);
    assert_int_equal(write_text(engine, NAME, cas + 1, "three"),
                     SSS_EXCHANGE_CONFLICT);
    assert_true(version(engine, NAME, "one") == cas);

    assert_int_equal(write_text(engine, NAME, cas, "three"), SSS_EXCHANGE_OK);
    assert_true(version(engine, NAME, "three") != cas);

    assert_int_equal(write_text(engine, NAME, cas, "four"),
                     SSS_EXCHANGE_CONFLICT);

    assert_int_equal(memcached_tell(&f->memcached[0].address,
                                    "delete " NAME "\r\n", "DELETED"), 0);
    assert_int_equal(write_text(engine, NAME, cas, "five"),
                     SSS_EXCHANGE_CONFLICT);
    assert_int_equal(version(engine, NAME, NULL), 0);

    sss_engine_destroy(engine, 0);
}


static void
test_several_items(void **state)
{
    fixture_t       *f;
    sss_item_t       items[3];
    sss_engine_t    *engine;
    sss_exchange_t   x;

    f = *state;
    engine = exchanges(&f->memcached[0].address, PATIENT);

    assert_int_equal(write_text(engine, NAME, 0, "name"), SSS_EXCHANGE_OK);
    assert_int_equal(write_text(engine, OTHER, 0, ""), SSS_EXCHANGE_OK);

    memset(&x, 0, sizeof(x));
    memset(items, 0, sizeof(items));
    strcpy(items[0].name, OTHER);
    strcpy(items[1].name, "sss1:none");
    strcpy(items[2].name, NAME);

    sss_exchange_read(&x, items, 3);
    exchange_ask(engine, &x);
    assert_int_equal(exchange_finish(engine, &x), SSS_EXCHANGE_OK);

    assert_int_equal(items[0].found, 1);
    assert_int_equal(items[0].len, 0);
    assert_int_equal(items[1].found, 0);
    assert_int_equal(items[2].found, 1);
    assert_int_equal(items[2].len, 4);
    assert_memory_equal(items[2].value, "name", 4);
    assert_int_not_equal(items[0].cas, items[2].cas);
    assert_int_not_equal(x.took_us, 0);

    sss_exchange_clear(&x);
    sss_engine_destroy(engine, 0);
}


/* A large item needs more than one buffer on both ends. */

static void
test_size_of_value(void **state)
{
    char            *big;
    size_t           i, len;
    fixture_t       *f;
    memcached_t      other;
    sss_item_t       item;
    sss_engine_t    *engine;
    sss_exchange_t   x;

    f = *state;
    engine = exchanges(&f->memcached[0].address, PATIENT);

    big = malloc(3 * 1024 * 1024);
    assert_non_null(big);

    for (i = 0; i < 3 * 1024 * 1024; i++) {
        big[i] = (char) (i * 7 + i / 256);
    }

    len = 500000;
    assert_int_equal(write_to(engine, NAME, 0, big, len, 60),
                     SSS_EXCHANGE_OK);

    memset(&x, 0, sizeof(x));
    assert_int_equal(exchange_read(engine, &x, &item, NAME), SSS_EXCHANGE_OK);
    assert_int_equal(item.len, len);
    assert_memory_equal(item.value, big, len);
    sss_exchange_clear(&x);

    /*
     * memcached refuses a value that is too large, and the conversation goes
     * on
     */

    assert_int_equal(write_to(engine, OTHER, 0, big, 2 * 1024 * 1024, 60),
                     SSS_EXCHANGE_FAILED);
    assert_int_equal(version(engine, OTHER, NULL), 0);

    sss_engine_destroy(engine, 0);

    /* a memcached with a larger limit has items longer than are read here */

    assert_int_equal(memcached_start(&other, "127.0.0.1", "-I8m"), 0);
    engine = exchanges(&other.address, PATIENT);

    len = 3 * 1024 * 1024;
    assert_int_equal(write_to(engine, NAME, 0, big, len, 60),
                     SSS_EXCHANGE_OK);
    assert_int_equal(exchange_read(engine, &x, &item, NAME), SSS_EXCHANGE_OK);
    assert_int_equal(item.found, 1);
    assert_int_equal(item.len, len);
    assert_null(item.value);
    assert_int_equal(write_text(engine, NAME, item.cas, VALUE),
                     SSS_EXCHANGE_OK);
    sss_exchange_clear(&x);
    assert_int_not_equal(version(engine, NAME, VALUE), 0);

    sss_engine_destroy(engine, 0);
    memcached_stop(&other);
    free(big);
}


static void
test_ttl(void **state)
{
    unsigned        found;
    uint64_t        begin, cas;
    fixture_t      *f;
    sss_item_t      item;
    sss_engine_t   *engine;
    sss_exchange_t  x;

    f = *state;
    engine = exchanges(&f->memcached[0].address, PATIENT);

    assert_int_equal(write_to(engine, NAME, 0, VALUE, 5, 400 * 86400),
                     SSS_EXCHANGE_OK);
    (void) version(engine, NAME, VALUE);

    /* memcached takes no time after 2038 */

    assert_int_equal(write_to(engine, OTHER, 0, VALUE, 5, INT32_MAX),
                     SSS_EXCHANGE_OK);
    cas = version(engine, OTHER, VALUE);

    assert_int_equal(write_to(engine, OTHER, cas, VALUE, 5, 1),
                     SSS_EXCHANGE_OK);

    begin = unit_clock_ms();

    do {
        unit_pause(50);
        memset(&x, 0, sizeof(x));
        assert_int_equal(exchange_read(engine, &x, &item, OTHER),
                         SSS_EXCHANGE_OK);
        found = item.found;
        sss_exchange_clear(&x);
        assert_in_range(unit_clock_ms() - begin, 0, LONG);
    } while (found);

    sss_engine_destroy(engine, 0);
}


static void
test_clock(void **state)
{
    uint64_t        now;
    fixture_t      *f;
    sss_engine_t   *engine;
    sss_exchange_t  x;

    f = *state;
    engine = exchanges(&f->memcached[0].address, PATIENT);

    memset(&x, 0, sizeof(x));
    sss_exchange_clock(&x);
    exchange_ask(engine, &x);
    assert_int_equal(exchange_finish(engine, &x), SSS_EXCHANGE_OK);

    now = (uint64_t) time(NULL);
    assert_in_range(x.seconds, now - 60, now + 60);

    /* the connection still works */

    assert_int_equal(write_text(engine, NAME, 0, VALUE), SSS_EXCHANGE_OK);
    (void) version(engine, NAME, VALUE);

    sss_engine_destroy(engine, 0);
}


/* An exchange that is begun, and then given up. */

static void
test_forgotten(void **state)
{
    unsigned        i;
    fixture_t      *f;
    sss_engine_t   *engine;
    sss_item_t      item;
    sss_exchange_t  x;

    f = *state;

    for (i = 0; i < 20; i++) {
        engine = exchange_and_lookups(&f->memcached[0].address, PATIENT,
                                      PATIENT);

        memset(&x, 0, sizeof(x));
        memset(&item, 0, sizeof(item));
        strcpy(item.name, NAME);

        sss_exchange_read(&x, &item, 1);
        exchange_ask(engine, &x);

        if (i % 4 > 0) {
            sss_engine_forget(engine);
            memset(&x, 0xa5, sizeof(x));
            memset(&item, 0xa5, sizeof(item));
        }

        if (i % 4 > 1) {
            assert_int_equal(look(engine, NAME, 0, NULL), SSS_ENGINE_MISS);
        }

        sss_engine_destroy(engine, i % 4 == 3 ? LONG : 0);
    }
}


static void
test_restarted(void **state)
{
    fixture_t      *f;
    sss_engine_t   *engine;

    f = *state;
    engine = exchanges(&f->memcached[0].address, PATIENT);

    assert_int_equal(write_text(engine, NAME, 0, "old"), SSS_EXCHANGE_OK);
    assert_int_equal(memcached_restart(&f->memcached[0]), 0);

    /* a connection lost in a restart does not make the exchange fail */

    assert_int_equal(version(engine, NAME, NULL), 0);

    assert_int_equal(memcached_restart(&f->memcached[0]), 0);
    assert_int_equal(write_text(engine, NAME, 0, "new"), SSS_EXCHANGE_OK);
    (void) version(engine, NAME, "new");

    memcached_stop(&f->memcached[0]);
    assert_int_equal(write_text(engine, NAME, 0, "none"),
                     SSS_EXCHANGE_FAILED);

    /* a server that was down is used again */

    assert_int_equal(memcached_restart(&f->memcached[0]), 0);
    assert_int_equal(version(engine, NAME, NULL), 0);

    sss_engine_destroy(engine, 0);
}


static void
test_frozen(void **state)
{
    unsigned        tries;
    uint64_t        begin;
    fixture_t      *f;
    sss_item_t      item;
    sss_engine_t   *engine;
    sss_exchange_t  x;

    f = *state;
    engine = exchanges(&f->memcached[0].address, SHORT);

    for (tries = 0; tries < 50; tries++) {
        if (write_text(engine, NAME, 0, VALUE) != SSS_EXCHANGE_FAILED) {
            break;
        }
    }

    assert_in_range(tries, 0, 49);

    memcached_freeze(&f->memcached[0]);
    begin = unit_clock_ms();

    /* first on the existing connection, then on a new one */

    memset(&x, 0, sizeof(x));

    for (tries = 0; tries < 2; tries++) {
        assert_int_equal(exchange_read(engine, &x, &item, NAME),
                         SSS_EXCHANGE_FAILED);
        assert_string_equal(x.reason, "get: timed out");
    }

    assert_int_equal(write_text(engine, NAME, 7, VALUE), SSS_EXCHANGE_FAILED);
    assert_in_range(unit_clock_ms() - begin, 3 * SHORT - 10, LONG);
    sss_engine_destroy(engine, 0);

    assert_fails(&f->memcached[0].address, "timed out");

    memcached_thaw(&f->memcached[0]);

    engine = exchanges(&f->memcached[0].address, PATIENT);
    (void) version(engine, NAME, VALUE);
    sss_engine_destroy(engine, 0);
}


/*
 * A late lookup does not end an exchange that still has time, and vice versa,
 * although both use one connection.
 */

static void
test_deadlines_of_both(void **state)
{
    unsigned              i;
    fixture_t            *f;
    sss_item_t            item;
    sss_engine_t         *engine;
    sss_exchange_t        x;
    sss_engine_result_t   r;

    f = *state;

    for (i = 0; i < 2; i++) {

        engine = exchange_and_lookups(&f->memcached[0].address,
                                      i == 0 ? SHORT : PATIENT,
                                      i == 0 ? PATIENT : SHORT);

        put(engine, NAME, VALUE);
        until_rc(engine, NAME, SSS_ENGINE_HIT);

        memcached_freeze(&f->memcached[0]);

        memset(&x, 0, sizeof(x));
        memset(&item, 0, sizeof(item));
        strcpy(item.name, NAME);
        sss_exchange_read(&x, &item, 1);
        exchange_ask(engine, &x);
        ask(engine, NAME, 0);

        if (i == 0) {
            r = result(engine);
            assert_int_equal(r.rc, SSS_ENGINE_FAILED);
            assert_int_equal(r.late, 1);
            assert_int_equal(x.state, SSS_EXCHANGE_ASKED);

            memcached_thaw(&f->memcached[0]);
            assert_int_equal(exchange_finish(engine, &x), SSS_EXCHANGE_OK);
            assert_int_equal(item.found, 1);
            assert_memory_equal(item.value, VALUE, 5);

            until_rc(engine, NAME, SSS_ENGINE_HIT);

        } else {
            assert_int_equal(exchange_finish(engine, &x), SSS_EXCHANGE_FAILED);
            assert_int_equal(item.found, 0);

            memcached_thaw(&f->memcached[0]);
            r = result(engine);
            assert_int_equal(r.rc, SSS_ENGINE_HIT);
            free(r.value);
        }

        sss_exchange_clear(&x);
        sss_engine_destroy(engine, 0);
    }
}


/* A late exchange alone does not make the server unusable for lookups. */

static void
test_late_alone(void **state)
{
    fixture_t            *f;
    sss_item_t            item;
    sss_engine_t         *engine;
    sss_exchange_t        x;
    sss_engine_result_t   r;

    f = *state;
    engine = exchange_and_lookups(&f->memcached[0].address, PATIENT, SHORT);

    put(engine, NAME, VALUE);
    until_rc(engine, NAME, SSS_ENGINE_HIT);

    memcached_freeze(&f->memcached[0]);
    memset(&x, 0, sizeof(x));

    assert_int_equal(exchange_read(engine, &x, &item, NAME),
                     SSS_EXCHANGE_FAILED);
    assert_int_equal(exchange_read(engine, &x, &item, NAME),
                     SSS_EXCHANGE_FAILED);

    ask(engine, NAME, 0);
    memcached_thaw(&f->memcached[0]);

    r = result(engine);
    assert_int_equal(r.rc, SSS_ENGINE_HIT);
    free(r.value);

    assert_int_equal(stats(engine).failures, 0);
    assert_int_equal(exchange_read(engine, &x, &item, NAME), SSS_EXCHANGE_OK);

    sss_exchange_clear(&x);
    sss_engine_destroy(engine, 0);
}


/* A server that is too slow for lookups can still be polled for keys. */

static void
test_slow(void **state)
{
    unsigned        i, failed;
    fake_t          fake;
    uint64_t        ticket;
    sss_item_t      item;
    sss_engine_t   *engine;
    sss_exchange_t  x;
    sss_engine_result_t  r;

    (void) state;

    memset(&fake, 0, sizeof(fake));
    fake.first = "";
    fake.bytes = "END\r\n";
    fake.len = 5;
    fake.drip_ms = 20;
    assert_int_equal(fake_start(&fake), 0);

    engine = exchange_and_lookups(&fake.address, 1, PATIENT);
    failed = 0;

    for (i = 0; i < 10; i++) {
        memset(&x, 0, sizeof(x));
        memset(&item, 0, sizeof(item));
        strcpy(item.name, NAME);
        sss_exchange_read(&x, &item, 1);
        exchange_ask(engine, &x);

        if (try(engine, OTHER, 0, &ticket) == SSS_ENGINE_QUEUED) {
            r = result(engine);
            failed += (r.rc == SSS_ENGINE_FAILED);
            free(r.value);
        }

        if (exchange_finish(engine, &x) == SSS_EXCHANGE_OK) {
            break;
        }
    }

    assert_in_range(i, 0, 9);
    assert_in_range(failed, 1, 10);

    sss_engine_destroy(engine, 0);
    fake_stop(&fake);
}


/* Nor does an exchange go on for ever if bytes never stop, or come slowly. */

static void
test_drip_and_flood(void **state)
{
    unsigned        i;
    fake_t          fake;

    (void) state;

    for (i = 0; i < 4; i++) {
        memset(&fake, 0, sizeof(fake));
        fake.bytes = i % 2 ? "VALUE " NAME " 0 4611686018427387904 1\r\n"
                           : "VALUE " NAME " 0 1000 1\r\n";
        fake.len = strlen(fake.bytes);
        fake.drip_ms = i < 2 ? SHORT / 4 : 0;
        fake.repeat = 1;

        assert_int_equal(fake_start(&fake), 0);
        assert_fails(&fake.address, "get: ");
        fake_stop(&fake);
    }
}


static void
test_silence_and_noise(void **state)
{
    size_t  i;
    fake_t  fake;

    static const char  *answers[] = {
        "", "x", "\r\n", "STAT pid 1\r\n", "VALUE " NAME " 0 1 7\r\nv\r\n",
        "HTTP/1.1 400 Bad Request\r\n\r\n"
    };

    (void) state;

    for (i = 0; i < 2 * unit_count(answers); i++) {
        memset(&fake, 0, sizeof(fake));
        fake.bytes = answers[i / 2];
        fake.len = strlen(fake.bytes);
        fake.hang_up = i % 2;

        assert_int_equal(fake_start(&fake), 0);
        assert_fails(&fake.address, "get: ");
        fake_stop(&fake);
    }
}


static void
test_unix_socket(void **state)
{
    char            dir[] = "/tmp/test_exchange.XXXXXX", path[64];
    memcached_t     m;
    sss_engine_t   *engine;

    (void) state;

    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/socket", dir);

    if (memcached_start(&m, path, NULL) != 0) {
        (void) rmdir(dir);
        fail();
    }

    engine = exchanges(&m.address, PATIENT);

    if (write_text(engine, NAME, 0, VALUE) == SSS_EXCHANGE_OK) {
        (void) version(engine, NAME, VALUE);
    }

    sss_engine_destroy(engine, 0);
    memcached_stop(&m);
    assert_fails(&m.address, "refused");

    (void) unlink(path);
    assert_int_equal(rmdir(dir), 0);
    assert_fails(&m.address, "No such file");
}


static void
test_ipv6(void **state)
{
    memcached_t    m;
    sss_engine_t  *engine;

    (void) state;

    if (memcached_start(&m, "::1", NULL) != 0) {
        skip();
    }

    engine = exchanges(&m.address, PATIENT);
    assert_int_equal(write_text(engine, NAME, 0, VALUE), SSS_EXCHANGE_OK);
    (void) version(engine, NAME, VALUE);
    sss_engine_destroy(engine, 0);

    memcached_stop(&m);
}


static void
test_no_versions(void **state)
{
    memcached_t     m;
    sss_item_t      item;
    sss_engine_t   *engine;
    sss_exchange_t  x;

    (void) state;

    assert_int_equal(memcached_start(&m, "127.0.0.1", "-C"), 0);
    assert_int_equal(memcached_store(&m.address, NAME, VALUE, 5), 0);

    engine = exchange_and_lookups(&m.address, PATIENT, PATIENT);
    memset(&x, 0, sizeof(x));

    assert_int_equal(exchange_read(engine, &x, &item, NAME),
                     SSS_EXCHANGE_FAILED);
    assert_non_null(strstr(x.reason, "option -C"));
    assert_int_equal(look(engine, NAME, 0, VALUE), SSS_ENGINE_HIT);
    assert_int_equal(stats(engine).failures, 0);

    sss_engine_destroy(engine, 0);
    memcached_stop(&m);
}


static int
lowest_descriptor(void)
{
    int  fd;

    fd = open("/dev/null", O_RDONLY);
    close(fd);

    return fd;
}


static void
test_nobody(void **state)
{
    int            fd, lowest;
    sss_address_t  address = { "127.0.0.1", 1 };

    (void) state;

    lowest = lowest_descriptor();

    fd = memcached_listen(&address, 1);
    assert_int_not_equal(fd, -1);
    close(fd);

    assert_fails(&address, "refused");

    snprintf(address.host, sizeof(address.host), "/no/such/socket");
    address.port = 0;
    assert_fails(&address, "No such file");

    memset(address.host, 'a', sizeof(address.host));
    address.host[0] = '/';
    address.host[108] = '\0';
    assert_fails(&address, "too long");

    assert_int_equal(lowest_descriptor(), lowest);
}


/* A listener whose backlog is full does not answer a connect. */

static void
test_black_hole(void **state)
{
    int            fd, i, fds[8];
    sss_address_t  address = { "127.0.0.1", 1 };

    (void) state;

    fd = memcached_listen(&address, 0);
    assert_int_not_equal(fd, -1);

    for (i = 0; i < 8; i++) {
        fds[i] = memcached_connect(&address);
    }

    assert_fails(&address, "timed out");

    for (i = 0; i < 8; i++) {
        close(fds[i]);
    }

    close(fd);
}


/* A quiet engine without exchanges does not connect. */

static void
test_quiet(void **state)
{
    fake_t              fake;
    uint64_t            begin;
    sss_item_t          item;
    sss_engine_t       *engine;
    sss_exchange_t      x;
    sss_engine_watch_t  watch;

    (void) state;

    memset(&fake, 0, sizeof(fake));
    fake.bytes = "END\r\n";
    fake.len = 5;
    fake.hang_up = 1;
    assert_int_equal(fake_start(&fake), 0);

    engine = exchanges(&fake.address, PATIENT);
    assert_true(sss_engine_run(engine) == SSS_ENGINE_NEVER);
    assert_int_equal(atomic_load(&fake.connections), 0);

    memset(&x, 0, sizeof(x));
    assert_int_equal(exchange_read(engine, &x, &item, NAME), SSS_EXCHANGE_OK);
    assert_int_equal(atomic_load(&fake.connections), 1);

    /* runs until it has noticed that the server has closed the connection */

    begin = unit_clock_ms();

    do {
        sss_engine_wait(engine, 10);
        sss_engine_watch(engine, 0, &watch);
        assert_in_range(unit_clock_ms() - begin, 0, LONG);
    } while (watch.fd != -1);

    assert_true(sss_engine_run(engine) == SSS_ENGINE_NEVER);
    assert_int_equal(atomic_load(&fake.connections), 1);

    sss_engine_destroy(engine, 0);
    fake_stop(&fake);
}


static void
test_latency_buckets(void **state)
{
    unsigned  i;

    (void) state;

    assert_int_equal(sss_latency_bucket(0), 0);
    assert_int_equal(sss_latency_bucket(63), 0);

    for (i = 1; i < SSS_LATENCY_BUCKETS; i++) {
        assert_int_equal(sss_latency_bucket((32u << i) - 1), i - 1);
        assert_int_equal(sss_latency_bucket(32u << i), i);
    }

    assert_int_equal(sss_latency_bucket(UINT64_MAX), SSS_LATENCY_BUCKETS - 1);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_latency_buckets),
        with_servers(test_read_and_write),
        with_servers(test_several_items),
        with_servers(test_size_of_value),
        with_servers(test_ttl),
        with_servers(test_clock),
        with_servers(test_forgotten),
        with_servers(test_restarted),
        with_servers(test_frozen),
        with_servers(test_deadlines_of_both),
        with_servers(test_late_alone),
        cmocka_unit_test(test_slow),
        cmocka_unit_test(test_drip_and_flood),
        cmocka_unit_test(test_silence_and_noise),
        cmocka_unit_test(test_unix_socket),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_no_versions),
        cmocka_unit_test(test_nobody),
        cmocka_unit_test(test_black_hole),
        cmocka_unit_test(test_quiet),
    };

    return cmocka_run_group_tests_name("exchange", tests, NULL, NULL);
}
