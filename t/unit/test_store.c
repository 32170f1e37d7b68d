
/* One memcached server: a real one, a broken one, and none. */


#include "unit.h"

#include <time.h>
#include <unistd.h>

#include "memcached.h"
#include "sss_store.h"


#define NAME     "sss1:0123456789012345678901234567890123456789"
#define OTHER    "sss1:9876543210987654321098765432109876543210"
#define TIMEOUT  200

/* What no call may take: far more than the four timeouts promised. */
#define LONG     10000


typedef struct {
    memcached_t    memcached;
    sss_store_t   *store;
} fixture_t;


typedef struct {
    const char    *bytes;
    size_t         len;
} answer_t;

#define answer(s)  { s, sizeof(s) - 1 }


static sss_store_item_t
item_for(const char *name, uint8_t *value, size_t size)
{
    sss_store_item_t  item;

    memset(&item, 0, sizeof(item));
    snprintf(item.name, sizeof(item.name), "%s", name);
    item.value = value;
    item.size = size;

    return item;
}


static sss_store_rc_t
put(sss_store_t *store, const char *name, uint64_t cas, const char *value)
{
    return sss_store_put(store, name, cas, (const uint8_t *) value,
                         strlen(value), 60);
}


static sss_store_item_t
get(sss_store_t *store, const char *name)
{
    static uint8_t    value[64];
    sss_store_item_t  item;

    item = item_for(name, value, sizeof(value));

    assert_int_equal(sss_store_get(store, &item, 1), SSS_STORE_OK);

    return item;
}


static void
assert_value(sss_store_t *store, const char *name, const char *value)
{
    sss_store_item_t  item;

    item = get(store, name);

    assert_int_equal(item.found, 1);
    assert_int_equal(item.len, strlen(value));
    assert_memory_equal(item.value, value, item.len);
}


/* Every call fails, soon, and says where and why. */

static void
assert_fails(const sss_address_t *address, const char *why)
{
    uint8_t           value[64];
    uint64_t          start, seconds;
    sss_store_t      *store;
    sss_store_rc_t    rc;
    sss_store_item_t  item;

    store = sss_store_create(address, TIMEOUT);
    assert_non_null(store);

    item = item_for(NAME, value, sizeof(value));
    start = unit_clock_ms();

    assert_int_equal(sss_store_get(store, &item, 1), SSS_STORE_FAILED);
    assert_int_equal(item.found, 0);
    assert_non_null(strstr(sss_store_error(store), address->host));
    assert_non_null(strstr(sss_store_error(store), why));

    /* an answer that is none may look like another host's write */

    rc = put(store, NAME, 7, "value");
    assert_true(rc == SSS_STORE_FAILED || rc == SSS_STORE_CONFLICT);
    rc = put(store, NAME, 0, "value");
    assert_true(rc == SSS_STORE_FAILED || rc == SSS_STORE_CONFLICT);

    assert_int_equal(sss_store_time(store, &seconds), SSS_STORE_FAILED);

    assert_true(strlen(sss_store_error(store)) < SSS_STORE_ERROR);

    sss_store_destroy(store);

    assert_in_range(unit_clock_ms() - start, 0, LONG);
}


static int
start(void **state)
{
    static fixture_t  f;

    memset(&f, 0, sizeof(f));
    *state = &f;

    if (memcached_start(&f.memcached, "127.0.0.1", NULL) != 0) {
        return -1;
    }

    f.store = sss_store_create(&f.memcached.address, 2000);

    return f.store == NULL ? -1 : 0;
}


static int
stop(void **state)
{
    fixture_t  *f;

    f = *state;

    sss_store_destroy(f->store);
    memcached_stop(&f->memcached);

    return 0;
}


static void
test_put_and_get(void **state)
{
    fixture_t         *f;
    sss_store_item_t   item;

    f = *state;

    item = get(f->store, NAME);
    assert_int_equal(item.found, 0);
    assert_int_equal(item.len, 0);

    assert_int_equal(put(f->store, NAME, 0, "one"), SSS_STORE_OK);
    assert_value(f->store, NAME, "one");

    assert_int_equal(put(f->store, NAME, 0, "two"), SSS_STORE_CONFLICT);
    assert_value(f->store, NAME, "one");

    item = get(f->store, NAME);
    assert_int_not_equal(item.cas, 0);

    assert_int_equal(put(f->store, NAME, item.cas + 1, "three"),
                     SSS_STORE_CONFLICT);
    assert_value(f->store, NAME, "one");

    assert_int_equal(put(f->store, NAME, item.cas, "three"), SSS_STORE_OK);
    assert_value(f->store, NAME, "three");

    assert_int_equal(put(f->store, NAME, item.cas, "four"),
                     SSS_STORE_CONFLICT);

    assert_int_equal(memcached_tell(&f->memcached.address,
                                    "delete " NAME "\r\n", "DELETED"), 0);
    assert_int_equal(put(f->store, NAME, item.cas, "five"),
                     SSS_STORE_CONFLICT);

    item = get(f->store, NAME);
    assert_int_equal(item.found, 0);
}


static void
test_several_items(void **state)
{
    uint8_t            value[3][16];
    fixture_t         *f;
    sss_store_item_t   items[3];

    f = *state;

    assert_int_equal(put(f->store, NAME, 0, "name"), SSS_STORE_OK);
    assert_int_equal(put(f->store, OTHER, 0, ""), SSS_STORE_OK);

    items[0] = item_for(OTHER, value[0], sizeof(value[0]));
    items[1] = item_for("sss1:none", value[1], sizeof(value[1]));
    items[2] = item_for(NAME, value[2], sizeof(value[2]));

    assert_int_equal(sss_store_get(f->store, items, 3), SSS_STORE_OK);

    assert_int_equal(items[0].found, 1);
    assert_int_equal(items[0].len, 0);
    assert_int_equal(items[1].found, 0);
    assert_int_equal(items[2].found, 1);
    assert_int_equal(items[2].len, 4);
    assert_memory_equal(value[2], "name", 4);
    assert_int_not_equal(items[0].cas, items[2].cas);
}


static void
test_size_of_value(void **state)
{
    uint8_t           *big, *back;
    size_t             i, len;
    fixture_t         *f;
    sss_store_item_t   item;

    f = *state;
    len = 500000;

    big = malloc(len);
    back = malloc(len);
    assert_non_null(big);
    assert_non_null(back);

    for (i = 0; i < len; i++) {
        big[i] = (uint8_t) (i * 7 + i / 256);
    }

    assert_int_equal(sss_store_put(f->store, NAME, 0, big, len, 60),
                     SSS_STORE_OK);

    item = item_for(NAME, back, len);
    assert_int_equal(sss_store_get(f->store, &item, 1), SSS_STORE_OK);
    assert_int_equal(item.len, len);
    assert_memory_equal(back, big, len);

    /* one byte too many, and the buffer stays as it was */

    memset(back, 0xa5, len);
    item = item_for(NAME, back, len - 1);
    assert_int_equal(sss_store_get(f->store, &item, 1), SSS_STORE_OK);
    assert_int_equal(item.found, 1);
    assert_int_equal(item.len, len);

    for (i = 0; i < len; i++) {
        assert_int_equal(back[i], 0xa5);
    }

    /* more than memcached takes */

    free(big);
    len = 2 * 1024 * 1024;
    big = calloc(1, len);
    assert_non_null(big);

    assert_int_equal(sss_store_put(f->store, OTHER, 0, big, len, 60),
                     SSS_STORE_FAILED);

    item = get(f->store, OTHER);
    assert_int_equal(item.found, 0);

    free(big);
    free(back);
}


static void
test_ttl(void **state)
{
    fixture_t      *f;
    unsigned        tries;
    const uint8_t  *value;

    f = *state;
    value = (const uint8_t *) "value";

    assert_int_equal(sss_store_put(f->store, NAME, 0, value, 5,
                                   400 * 86400), SSS_STORE_OK);
    assert_value(f->store, NAME, "value");

    assert_int_equal(sss_store_put(f->store, OTHER, 0, value, 5, 1),
                     SSS_STORE_OK);

    for (tries = 0; tries < 100; tries++) {
        if (!get(f->store, OTHER).found) {
            return;
        }

        unit_pause(100);
    }

    fail_msg("the item did not expire");
}


static void
test_time(void **state)
{
    uint64_t    seconds, now;
    fixture_t  *f;

    f = *state;

    assert_int_equal(sss_store_time(f->store, &seconds), SSS_STORE_OK);

    now = (uint64_t) time(NULL);
    assert_in_range(seconds, now - 60, now + 60);

    /* and the connection is as good as before */

    assert_int_equal(put(f->store, NAME, 0, "value"), SSS_STORE_OK);
    assert_value(f->store, NAME, "value");
    assert_int_not_equal(sss_store_latency(f->store), 0);
}


static void
test_two_steps(void **state)
{
    uint8_t            value[16];
    fixture_t         *f;
    sss_store_item_t   item;

    f = *state;

    assert_int_equal(put(f->store, NAME, 0, "value"), SSS_STORE_OK);

    item = item_for(NAME, value, sizeof(value));
    assert_int_equal(sss_store_answer(f->store, &item, 1), SSS_STORE_FAILED);

    sss_store_ask(f->store, &item, 1);
    assert_int_equal(sss_store_answer(f->store, &item, 1), SSS_STORE_OK);
    assert_int_equal(item.len, 5);

    /* asked, and never waited for */

    sss_store_ask(f->store, &item, 1);
}


static void
test_restarted(void **state)
{
    fixture_t  *f;

    f = *state;

    assert_int_equal(put(f->store, NAME, 0, "old"), SSS_STORE_OK);
    assert_int_equal(memcached_restart(&f->memcached), 0);

    /* the lost connection is no failure of the new server */

    assert_int_equal(get(f->store, NAME).found, 0);

    assert_int_equal(memcached_restart(&f->memcached), 0);
    assert_int_equal(put(f->store, NAME, 0, "new"), SSS_STORE_OK);
    assert_value(f->store, NAME, "new");

    memcached_stop(&f->memcached);
    assert_int_equal(put(f->store, NAME, 0, "none"), SSS_STORE_FAILED);
    assert_int_equal(memcached_restart(&f->memcached), 0);
    assert_int_equal(get(f->store, NAME).found, 0);
}


static void
test_frozen(void **state)
{
    uint8_t            value[16];
    unsigned           tries;
    fixture_t         *f;
    uint64_t           start;
    sss_store_t       *store;
    sss_store_item_t   item;

    f = *state;
    item = item_for(NAME, value, sizeof(value));

    store = sss_store_create(&f->memcached.address, TIMEOUT);
    assert_non_null(store);
    assert_int_equal(put(store, NAME, 0, "value"), SSS_STORE_OK);

    memcached_freeze(&f->memcached);
    start = unit_clock_ms();

    /* first on the connection that is there, then on a new one */

    assert_int_equal(sss_store_get(store, &item, 1), SSS_STORE_FAILED);
    assert_non_null(strstr(sss_store_error(store), "timed out"));
    assert_int_equal(sss_store_get(store, &item, 1), SSS_STORE_FAILED);
    assert_int_equal(put(store, NAME, 7, "value"), SSS_STORE_FAILED);

    assert_in_range(unit_clock_ms() - start, 0, LONG);
    sss_store_destroy(store);

    assert_fails(&f->memcached.address, "timed out");

    memcached_thaw(&f->memcached);

    for (tries = 0; tries < 20; tries++) {
        if (sss_store_get(f->store, &item, 1) == SSS_STORE_OK) {
            break;
        }
    }

    assert_value(f->store, NAME, "value");
}


static void
test_unix_socket(void **state)
{
    char           dir[] = "/tmp/test_store.XXXXXX", path[64];
    uint64_t       seconds;
    memcached_t    m;
    sss_store_t   *store;

    (void) state;

    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/socket", dir);

    if (memcached_start(&m, path, NULL) != 0) {
        (void) rmdir(dir);
        fail();
    }

    store = sss_store_create(&m.address, 2000);

    if (store != NULL && put(store, NAME, 0, "value") == SSS_STORE_OK
        && sss_store_time(store, &seconds) == SSS_STORE_OK)
    {
        assert_value(store, NAME, "value");
    }

    memcached_stop(&m);

    assert_non_null(store);
    assert_int_equal(put(store, OTHER, 0, "value"), SSS_STORE_FAILED);
    assert_non_null(strstr(sss_store_error(store), "unix:/tmp/test_store."));
    assert_non_null(strstr(sss_store_error(store), "refused"));

    (void) unlink(path);
    assert_int_equal(rmdir(dir), 0);

    assert_int_equal(put(store, OTHER, 0, "value"), SSS_STORE_FAILED);
    assert_non_null(strstr(sss_store_error(store), "No such file"));

    sss_store_destroy(store);
}


static void
test_ipv6(void **state)
{
    memcached_t    m;
    sss_store_t   *store;

    (void) state;

    if (memcached_start(&m, "::1", NULL) != 0) {
        skip();
    }

    store = sss_store_create(&m.address, 2000);
    assert_non_null(store);

    assert_int_equal(put(store, NAME, 0, "value"), SSS_STORE_OK);
    assert_value(store, NAME, "value");

    memcached_stop(&m);

    assert_int_equal(put(store, NAME, 0, "value"), SSS_STORE_FAILED);
    assert_non_null(strstr(sss_store_error(store), "[::1]:"));

    sss_store_destroy(store);
}


static void
test_no_versions(void **state)
{
    uint8_t            value[16];
    memcached_t        m;
    sss_store_t       *store;
    sss_store_item_t   item;

    (void) state;

    assert_int_equal(memcached_start(&m, "127.0.0.1", "-C"), 0);
    assert_int_equal(memcached_store(&m.address, NAME, "value", 5), 0);

    store = sss_store_create(&m.address, 2000);
    item = item_for(NAME, value, sizeof(value));

    assert_int_equal(sss_store_get(store, &item, 1), SSS_STORE_FAILED);
    assert_non_null(strstr(sss_store_error(store), "option -C"));

    sss_store_destroy(store);
    memcached_stop(&m);
}


static void
test_nobody(void **state)
{
    int            fd;
    sss_address_t  address = { "127.0.0.1", 1 };

    (void) state;

    fd = memcached_listen(&address, 1);
    assert_int_not_equal(fd, -1);
    close(fd);

    assert_fails(&address, "refused");

    snprintf(address.host, sizeof(address.host), "no-such-name.invalid");
    assert_fails(&address, "resolved");

    snprintf(address.host, sizeof(address.host), "/no/such/socket");
    address.port = 0;
    assert_fails(&address, "No such file");

    memset(address.host, 'a', sizeof(address.host));
    address.host[0] = '/';
    address.host[sizeof(address.host) - 1] = '\0';

    {
        sss_store_t  *store;

        store = sss_store_create(&address, TIMEOUT);
        assert_int_equal(put(store, NAME, 0, "v"), SSS_STORE_FAILED);
        assert_true(strlen(sss_store_error(store)) > 80);
        sss_store_destroy(store);
    }
}


/* A listener whose queue is full does not answer a connect. */

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


static void
test_garbage(void **state)
{
    static const char      long_key[] = "VALUE %s 0 1 1\r\nx\r\nEND\r\n";
    static char            keys[3][2100];
    static const answer_t  answers[] = {
        answer("\r\n"),
        answer("\n"),
        answer("\0\0\0\0\n"),
        answer("HTTP/1.1 400 Bad Request\r\n\r\n"),
        answer("ERROR\r\n"),
        answer("SERVER_ERROR\r\n"),
        answer("SERVER_ERROR out of memory storing object\r\n"),
        answer("CLIENT_ERROR bad data chunk\r\n"),
        answer("OK\r\n"),
        answer("STORED\r\n"),
        answer("EXISTS\r\n"),
        answer("17\r\n"),
        answer("99999999999999999999999999\r\n"),
        answer("VERSION 1.6.18\r\n"),
        answer("VERSION \r\n"),
        answer("STAT\r\n"),
        answer("STAT time\r\n"),
        answer("STAT time x\r\n"),
        answer("STAT time 99999999999999999999\r\nEND\r\nx\r\n"),
        answer("VALUE\r\n"),
        answer("VALUE \r\n"),
        answer("VALUE " NAME "\r\n"),
        answer("VALUE " NAME " 0\r\n"),
        answer("VALUE " NAME " 0 5 7\r\nval"),
        answer("VALUE " NAME " 0 5 7\r\nvalueEND\r\nEND\r\n"),
        answer("VALUE " NAME " 0 5 7\r\nvalue\r\n"),
        answer("VALUE " NAME " 0 5 0\r\nvalue\r\nEND\r\n"),
        answer("VALUE " NAME " 0 5\r\nvalue\r\nEND\r\n"),
        answer("VALUE " NAME " 0 -1 7\r\nvalue\r\nEND\r\n"),
        answer("VALUE " NAME " 0 18446744073709551615 7\r\nv\r\nEND\r\n"),
        answer("VALUE " NAME " 0 18446744073709551614 7\r\nv\r\nEND\r\n"),
        answer("VALUE " NAME " 0 18446744073709551613 7\r\nv\r\nEND\r\n"),
        answer("VALUE " NAME " 0 99999999999999999999 7\r\nv\r\nEND\r\n"),
        answer("VALUE " NAME " 0 4294967295 7\r\nvalue\r\nEND\r\n"),
        answer("VALUE " NAME " 0 99999999 7\r\nvalue\r\nEND\r\n"),
        answer("VALUE " OTHER " 0 5 7\r\nvalue\r\nEND\r\n"),
        answer("VALUE " NAME "x 0 5 7\r\nvalue\r\nEND\r\n"),
        answer("VALUE " NAME " 0 1 7\r\nv\r\nVALUE " NAME " 0 1 7\r\nv\r\n"
               "END\r\n")
    };

    fake_t    fake;
    size_t    i;
    unsigned  n;

    (void) state;

    for (i = 0; i < unit_count(answers) + 2 * unit_count(keys); i++) {

        memset(&fake, 0, sizeof(fake));

        if (i < unit_count(answers)) {
            fake.bytes = answers[i].bytes;
            fake.len = answers[i].len;

        } else {
            char  key[2048];

            n = (unsigned) (i - unit_count(answers)) / 2;
            memset(key, 'A', sizeof(key));
            key[n == 0 ? 251 : n == 1 ? 330 : 2047] = '\0';

            fake.len = (size_t) snprintf(keys[n], sizeof(keys[n]), long_key,
                                         key);
            fake.bytes = keys[n];

            if (i % 2) {
                fake.len -= 9;          /* cut off within the value */
            }
        }

        fake.hang_up = i % 2;

        assert_int_equal(fake_start(&fake), 0);

        assert_fails(&fake.address, "get: ");
        fake_stop(&fake);
    }
}


/* What libmemcached would not survive as statistics, or at all. */

static void
test_garbage_of_clock(void **state)
{
    static char            keys[6][2100];
    static const answer_t  answers[] = {
        answer("VERSION\n"),
        answer("VERSION\r\n"),
        answer("VERSION\0\r\n"),
        answer("VERSION\0\nEND\r\n"),
        answer("STAT time 1\r\nVERSION\nEND\r\n"),
        answer("VALUE\n"),
        answer("VALUE a 0 18446744073709551614 1\r\nx\r\nEND\r\n"),
        answer("VALUE a 0 4294967295 1\r\nx\r\nEND\r\n"),
        answer("STAT time 1\r\nVALUE a 0 1 1\r\nx\r\nEND\r\n"),
        answer("STAT a\n"),
        answer("STAT\n")
    };
    static const char      *forms[] = {
        "VALUE %s 0 1 1\r\nx\r\nEND\r\n",
        "STAT %s 1\r\nEND\r\n"
    };

    char          key[2048];
    size_t        i, n;
    fake_t        fake;
    uint64_t      seconds;
    sss_store_t  *store;

    (void) state;

    for (i = 0; i < unit_count(answers) + unit_count(keys); i++) {

        memset(&fake, 0, sizeof(fake));

        if (i < unit_count(answers)) {
            fake.bytes = answers[i].bytes;
            fake.len = answers[i].len;

        } else {
            n = i - unit_count(answers);

            memset(key, 'A', sizeof(key));
            key[n / 2 == 0 ? 251 : n / 2 == 1 ? 330 : 2047] = '\0';

            fake.bytes = keys[n];
            fake.len = (size_t) snprintf(keys[n], sizeof(keys[n]),
                                         forms[n % 2], key);
        }

        assert_int_equal(fake_start(&fake), 0);

        store = sss_store_create(&fake.address, TIMEOUT);
        assert_non_null(store);

        seconds = 1;
        assert_int_equal(sss_store_time(store, &seconds), SSS_STORE_FAILED);
        assert_int_equal(seconds, 0);
        assert_non_null(strstr(sss_store_error(store), ": stats: "));

        sss_store_destroy(store);
        fake_stop(&fake);
    }
}


static void
test_without_end(void **state)
{
    static const answer_t  answers[] = {
        answer(""),
        answer("x"),
        answer("\r\n"),
        answer("STAT pid 1\r\n"),
        answer("VALUE " NAME " 0 1 7\r\nv\r\n"),
        answer("VALUE " NAME " 0 1000000 7\r\nv\r\n"),
    };

    fake_t  fake;
    size_t  i;

    (void) state;

    for (i = 0; i < unit_count(answers); i++) {
        memset(&fake, 0, sizeof(fake));

        fake.bytes = answers[i].bytes;
        fake.len = answers[i].len;
        fake.repeat = (fake.len != 0);

        assert_int_equal(fake_start(&fake), 0);
        assert_fails(&fake.address, "127.0.0.1");
        fake_stop(&fake);
    }
}


/*
 * A byte now and then is an answer to libmemcached, again and again.  The
 * call ends all the same; so does every further one, and at once.
 */

static void
test_drip(void **state)
{
    fake_t             fake;
    uint8_t            value[16];
    unsigned           tries;
    uint64_t           start;
    sss_store_t       *store;
    sss_store_item_t   item;

    (void) state;

    memset(&fake, 0, sizeof(fake));
    fake.bytes = "VALUE " NAME " 0 1000 1\r\n";
    fake.len = strlen(fake.bytes);
    fake.drip_ms = TIMEOUT / 4;
    fake.repeat = 1;

    assert_int_equal(fake_start(&fake), 0);

    store = sss_store_create(&fake.address, TIMEOUT);
    item = item_for(NAME, value, sizeof(value));

    start = unit_clock_ms();

    assert_int_equal(sss_store_get(store, &item, 1), SSS_STORE_FAILED);
    assert_non_null(strstr(sss_store_error(store), "time"));

    for (tries = 0; tries < 3; tries++) {
        assert_int_equal(put(store, NAME, 1, "value"), SSS_STORE_FAILED);
    }

    sss_store_destroy(store);

    assert_in_range(unit_clock_ms() - start, 0, LONG);

    fake_stop(&fake);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(test_put_and_get, start, stop),
        cmocka_unit_test_setup_teardown(test_several_items, start, stop),
        cmocka_unit_test_setup_teardown(test_size_of_value, start, stop),
        cmocka_unit_test_setup_teardown(test_ttl, start, stop),
        cmocka_unit_test_setup_teardown(test_time, start, stop),
        cmocka_unit_test_setup_teardown(test_two_steps, start, stop),
        cmocka_unit_test_setup_teardown(test_restarted, start, stop),
        cmocka_unit_test_setup_teardown(test_frozen, start, stop),
        cmocka_unit_test(test_unix_socket),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_no_versions),
        cmocka_unit_test(test_nobody),
        cmocka_unit_test(test_black_hole),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_garbage_of_clock),
        cmocka_unit_test(test_without_end),
        cmocka_unit_test(test_drip),
    };

    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
