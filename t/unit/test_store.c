
/* One memcached server: a real one, and none. */


#include "unit.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "store.h"


typedef struct {
    memcached_t    memcached;
    sss_store_t   *store;
} fixture_t;


static sss_store_item_t
get(sss_store_t *store, const char *name)
{
    static uint8_t    value[64];
    sss_store_item_t  item;

    item = store_item(name, value, sizeof(value));

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


static int
start(void **state)
{
    static fixture_t  f;

    memset(&f, 0, sizeof(f));
    *state = &f;

    if (memcached_start(&f.memcached, "127.0.0.1", NULL) != 0) {
        return -1;
    }

    f.store = sss_store_create(&f.memcached.address, PATIENT);

    return f.store == NULL ? -1 : 0;
}


static int
finish(void **state)
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

    assert_int_equal(store_put(f->store, NAME, 0, "one"), SSS_STORE_OK);
    assert_value(f->store, NAME, "one");

    assert_int_equal(store_put(f->store, NAME, 0, "two"),
                     SSS_STORE_CONFLICT);
    assert_value(f->store, NAME, "one");

    item = get(f->store, NAME);
    assert_int_not_equal(item.cas, 0);

    assert_int_equal(store_put(f->store, NAME, item.cas + 1, "three"),
                     SSS_STORE_CONFLICT);
    assert_value(f->store, NAME, "one");

    assert_int_equal(store_put(f->store, NAME, item.cas, "three"),
                     SSS_STORE_OK);
    assert_value(f->store, NAME, "three");

    assert_int_equal(store_put(f->store, NAME, item.cas, "four"),
                     SSS_STORE_CONFLICT);

    assert_int_equal(memcached_tell(&f->memcached.address,
                                    "delete " NAME "\r\n", "DELETED"), 0);
    assert_int_equal(store_put(f->store, NAME, item.cas, "five"),
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

    assert_int_equal(store_put(f->store, NAME, 0, "name"), SSS_STORE_OK);
    assert_int_equal(store_put(f->store, OTHER, 0, ""), SSS_STORE_OK);

    items[0] = store_item(OTHER, value[0], sizeof(value[0]));
    items[1] = store_item("sss1:none", value[1], sizeof(value[1]));
    items[2] = store_item(NAME, value[2], sizeof(value[2]));

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

    item = store_item(NAME, back, len);
    assert_int_equal(sss_store_get(f->store, &item, 1), SSS_STORE_OK);
    assert_int_equal(item.len, len);
    assert_memory_equal(back, big, len);

    /* one byte too many, and the buffer stays as it was */

    memset(back, 0xa5, len);
    item = store_item(NAME, back, len - 1);
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

    assert_int_equal(store_put(f->store, NAME, 0, "value"), SSS_STORE_OK);
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

    assert_int_equal(store_put(f->store, NAME, 0, "value"), SSS_STORE_OK);

    item = store_item(NAME, value, sizeof(value));
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

    assert_int_equal(store_put(f->store, NAME, 0, "old"), SSS_STORE_OK);
    assert_int_equal(memcached_restart(&f->memcached), 0);

    /* the lost connection is no failure of the new server */

    assert_int_equal(get(f->store, NAME).found, 0);

    assert_int_equal(memcached_restart(&f->memcached), 0);
    assert_int_equal(store_put(f->store, NAME, 0, "new"), SSS_STORE_OK);
    assert_value(f->store, NAME, "new");

    memcached_stop(&f->memcached);
    assert_int_equal(store_put(f->store, NAME, 0, "none"), SSS_STORE_FAILED);
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
    item = store_item(NAME, value, sizeof(value));

    store = sss_store_create(&f->memcached.address, TIMEOUT);
    assert_non_null(store);

    for (tries = 0; tries < 50; tries++) {
        if (store_put(store, NAME, 0, "value") == SSS_STORE_OK) {
            break;
        }
    }

    assert_in_range(tries, 0, 49);

    memcached_freeze(&f->memcached);
    start = unit_clock_ms();

    /* first on the connection that is there, then on a new one */

    assert_int_equal(sss_store_get(store, &item, 1), SSS_STORE_FAILED);
    assert_non_null(strstr(sss_store_error(store), "timed out"));
    assert_int_equal(sss_store_get(store, &item, 1), SSS_STORE_FAILED);
    assert_int_equal(store_put(store, NAME, 7, "value"), SSS_STORE_FAILED);

    assert_in_range(unit_clock_ms() - start, 0, LONG);
    sss_store_destroy(store);

    store_fails(&f->memcached.address, "timed out");

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

    store = sss_store_create(&m.address, PATIENT);

    if (store != NULL && store_put(store, NAME, 0, "value") == SSS_STORE_OK
        && sss_store_time(store, &seconds) == SSS_STORE_OK)
    {
        assert_value(store, NAME, "value");
    }

    memcached_stop(&m);

    assert_non_null(store);
    assert_int_equal(store_put(store, OTHER, 0, "value"), SSS_STORE_FAILED);
    assert_non_null(strstr(sss_store_error(store), "unix:/tmp/test_store."));
    assert_non_null(strstr(sss_store_error(store), "refused"));

    (void) unlink(path);
    assert_int_equal(rmdir(dir), 0);

    assert_int_equal(store_put(store, OTHER, 0, "value"), SSS_STORE_FAILED);
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

    store = sss_store_create(&m.address, PATIENT);
    assert_non_null(store);

    assert_int_equal(store_put(store, NAME, 0, "value"), SSS_STORE_OK);
    assert_value(store, NAME, "value");

    memcached_stop(&m);

    assert_int_equal(store_put(store, NAME, 0, "value"), SSS_STORE_FAILED);
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

    store = sss_store_create(&m.address, PATIENT);
    item = store_item(NAME, value, sizeof(value));

    assert_int_equal(sss_store_get(store, &item, 1), SSS_STORE_FAILED);
    assert_non_null(strstr(sss_store_error(store), "option -C"));

    sss_store_destroy(store);
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
    sss_store_t   *store;
    sss_address_t  address = { "127.0.0.1", 1 };

    (void) state;

    lowest = lowest_descriptor();

    fd = memcached_listen(&address, 1);
    assert_int_not_equal(fd, -1);
    close(fd);

    store_fails(&address, "refused");

    snprintf(address.host, sizeof(address.host), "/no/such/socket");
    address.port = 0;
    store_fails(&address, "No such file");

    memset(address.host, 'a', sizeof(address.host));
    address.host[0] = '/';
    address.host[107] = '\0';

    store = sss_store_create(&address, TIMEOUT);
    assert_int_equal(store_put(store, NAME, 0, "v"), SSS_STORE_FAILED);
    assert_true(strlen(sss_store_error(store)) > 80);
    assert_non_null(strstr(sss_store_error(store), "No such file"));
    sss_store_destroy(store);

    address.host[107] = 'a';
    address.host[108] = '\0';

    store = sss_store_create(&address, TIMEOUT);
    assert_int_equal(store_put(store, NAME, 0, "v"), SSS_STORE_FAILED);
    assert_non_null(strstr(sss_store_error(store), "too long"));
    sss_store_destroy(store);

    assert_int_equal(lowest_descriptor(), lowest);

    snprintf(address.host, sizeof(address.host), "no-such-name.invalid");
    address.port = 1;
    store_fails(&address, "resolved");
}


/* One of its addresses is perhaps nobody's. */

static void
test_name(void **state)
{
    fixture_t      *f;
    sss_store_t    *store;
    sss_address_t   address;

    f = *state;

    address = f->memcached.address;
    snprintf(address.host, sizeof(address.host), "localhost");

    store = sss_store_create(&address, PATIENT);
    assert_non_null(store);

    assert_int_equal(store_put(store, NAME, 0, "value"), SSS_STORE_OK);
    assert_value(store, NAME, "value");

    sss_store_destroy(store);
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

    store_fails(&address, "timed out");

    for (i = 0; i < 8; i++) {
        close(fds[i]);
    }

    close(fd);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(test_put_and_get, start, finish),
        cmocka_unit_test_setup_teardown(test_several_items, start, finish),
        cmocka_unit_test_setup_teardown(test_size_of_value, start, finish),
        cmocka_unit_test_setup_teardown(test_ttl, start, finish),
        cmocka_unit_test_setup_teardown(test_time, start, finish),
        cmocka_unit_test_setup_teardown(test_two_steps, start, finish),
        cmocka_unit_test_setup_teardown(test_name, start, finish),
        cmocka_unit_test_setup_teardown(test_restarted, start, finish),
        cmocka_unit_test_setup_teardown(test_frozen, start, finish),
        cmocka_unit_test(test_unix_socket),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_no_versions),
        cmocka_unit_test(test_nobody),
        cmocka_unit_test(test_black_hole),
    };

    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
