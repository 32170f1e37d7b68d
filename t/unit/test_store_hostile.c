
/* A server that answers what none should. */


#include "unit.h"

#include "store.h"


typedef struct {
    const char    *bytes;
    size_t         len;
    const char    *why;
} answer_t;

#define answer(s)           { s, sizeof(s) - 1, NULL }
#define answer_why(s, why)  { s, sizeof(s) - 1, why }


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
        answer("EXISTS\r\n"),
        answer("17\r\n"),
        answer("99999999999999999999999999\r\n"),
        answer("VERSION 1.6.18\r\n"),
        answer("VERSION 1.6.18\n"),
        answer("VERSION \r\n"),
        answer("VERSION \n"),
        answer("VERSION\r\n"),
        answer("VERSION\n"),
        answer("VERSION\0\r\n"),
        answer("VERSION\0\nEND\r\n"),
        answer("VALUE\n"),
        answer("VALUE a 0 18446744073709551614 1\r\nx\r\nEND\r\n"),
        answer("VALUE a 0 4294967295 1\r\nx\r\nEND\r\n"),
        answer("STAT a\n"),
        answer("STAT\n"),
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
        answer("VALUE " NAME " 0 5 7\r\nvalue\r\nEND\n"),
        answer("VALUE " NAME " 0 5 7\r\nvalue\r\nVERSION\n"),
        answer("VALUE " NAME " 0 5 7 \r\nvalue\r\nEND\r\n"),
        answer("VALUE " NAME " 0 5 7 7\r\nvalue\r\nEND\r\n"),
        answer("VALUE " NAME " 0 5 \r\nvalue\r\nEND\r\n"),
        answer("VALUE " NAME " 0  5 7\r\nvalue\r\nEND\r\n"),
        answer("VALUE  " NAME " 0 5 7\r\nvalue\r\nEND\r\n"),
        answer("VALUE " NAME " x 5 7\r\nvalue\r\nEND\r\n"),
        answer("VALUE " NAME " 4294967296 5 7\r\nvalue\r\nEND\r\n"),
        answer("VALUE " NAME " 0 5 18446744073709551616\r\nvalue\r\n"
               "END\r\n"),
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

        store_fails(&fake.address, "get: ");
        fake_stop(&fake);
    }
}


/* What is none of a clock only. */

static void
test_garbage_of_time(void **state)
{
    static const char      none[] = "no time", strange[] = "not memcached's";
    static char            keys[3][2100];
    static const answer_t  answers[] = {
        answer_why("END\n", strange),
        answer_why("END \r\n", strange),
        answer_why("END\r\n", none),
        answer_why("stat time 1\r\nEND\r\n", strange),
        answer_why("STAT time 1\nEND\r\n", strange),
        answer_why("STAT pid 1\nSTAT time 1\r\nEND\r\n", strange),
        answer_why("STAT time 1\r\nEND \n", strange),
        answer_why("STAT time \r\nEND\r\n", strange),
        answer_why("STAT time 0\r\nEND\r\n", none),
        answer_why("STAT time -1\r\nEND\r\n", strange),
        answer_why("STAT time +1\r\nEND\r\n", strange),
        answer_why("STAT time  1\r\nEND\r\n", strange),
        answer_why("STAT time 1 \r\nEND\r\n", strange),
        answer_why("STAT time 1\0\r\nEND\r\n", strange),
        answer_why("STAT time 1.5\r\nEND\r\n", strange),
        answer_why("STAT time 0x10\r\nEND\r\n", strange),
        answer_why("STAT time 1:\r\nEND\r\n", strange),
        answer_why("STAT time 1/\r\nEND\r\n", strange),
        answer_why("STAT time 1\r\nSTAT time 1\r\nEND\r\n", strange),
        answer_why("STAT time 1\r\n\r\nEND\r\n", strange),
        answer_why("STAT time 1\r\nVERSION\nEND\r\n", strange),
        answer_why("STAT time 1\r\nVALUE a 0 1 1\r\nx\r\nEND\r\n", strange),
        answer_why("STAT time 1000000000000000\r\nEND\r\n", strange),
        answer_why("STAT time 99999999999999999999\r\nEND\r\n", strange),
        answer_why("STAT time\r\nEND\r\n", none),
        answer_why("STAT time\t1\r\nEND\r\n", none),
        answer_why("STAT Time 1\r\nEND\r\n", none),
        answer_why("STAT uptime 1\r\nEND\r\n", none),
        answer_why("VALUE a 0 18446744073709551614 1\r\n", strange),
        answer_why("ERROR\r\n", ": ERROR"),
        answer_why("ERROR Too many open connections\r\n", "Too many open"),
        answer_why("CLIENT_ERROR unauthenticated\r\n", "unauthenticated"),
        answer_why("CLIENT_ERROR anything else\r\n", strange),
        answer_why("SERVER_ERROR\r\n", strange),
        answer_why("HTTP/1.1 400 Bad Request\r\n\r\n", strange)
    };

    char          key[2048];
    size_t        i, n;
    fake_t        fake;
    uint64_t      seconds;
    sss_store_t  *store;
    const char   *why;

    (void) state;

    for (i = 0; i < unit_count(answers) + unit_count(keys); i++) {

        memset(&fake, 0, sizeof(fake));

        if (i < unit_count(answers)) {
            fake.bytes = answers[i].bytes;
            fake.len = answers[i].len;
            why = answers[i].why;

        } else {
            n = i - unit_count(answers);

            memset(key, 'A', sizeof(key));
            key[n == 0 ? 251 : n == 1 ? 330 : 2047] = '\0';

            fake.bytes = keys[n];
            fake.len = (size_t) snprintf(keys[n], sizeof(keys[n]),
                                         "STAT %s 1\r\nEND\r\n", key);
            why = none;
        }

        assert_int_equal(fake_start(&fake), 0);

        store = sss_store_create(&fake.address, 2000);
        assert_non_null(store);

        seconds = 1;
        assert_int_equal(sss_store_time(store, &seconds), SSS_STORE_FAILED);
        assert_int_equal(seconds, 0);
        assert_non_null(strstr(sss_store_error(store), ": stats: "));
        assert_non_null(strstr(sss_store_error(store), why));

        sss_store_destroy(store);
        fake_stop(&fake);
    }
}


/* A good answer to one question is none to the others. */

static void
test_misplaced(void **state)
{
    static const answer_t  answers[] = {
        answer("END\r\n"),
        answer("VALUE " NAME " 0 5 7\r\nvalue\r\nEND\r\n"),
        answer("STORED\r\n"),
        answer("STAT pid 1\r\nSTAT time 999999999999999\r\n"
               "STAT version 1.6.18\r\nSTAT empty \r\nSTAT times 3\r\n"
               "STAT uptime x\r\nEND\r\n")
    };

    fake_t             fake;
    size_t             i;
    uint8_t            value[16];
    uint64_t           seconds;
    sss_store_t       *store;
    sss_store_item_t   item;

    (void) state;

    for (i = 0; i < unit_count(answers); i++) {
        memset(&fake, 0, sizeof(fake));

        fake.bytes = answers[i].bytes;
        fake.len = answers[i].len;

        /* a byte at a time comes to the same */

        fake.drip_ms = 1;

        assert_int_equal(fake_start(&fake), 0);

        store = sss_store_create(&fake.address, 5000);
        assert_non_null(store);

        item = store_item(NAME, value, sizeof(value));

        assert_int_equal(sss_store_get(store, &item, 1),
                         i < 2 ? SSS_STORE_OK : SSS_STORE_FAILED);
        assert_int_equal(item.found, i == 1);
        assert_int_equal(item.len, i == 1 ? 5 : 0);
        assert_int_equal(item.cas, i == 1 ? 7 : 0);

        if (i == 1) {
            assert_memory_equal(value, "value", 5);
        }

        assert_int_equal(store_put(store, NAME, 7, "value"),
                         i == 2 ? SSS_STORE_OK : SSS_STORE_FAILED);
        assert_int_equal(store_put(store, NAME, 0, "value"),
                         i == 2 ? SSS_STORE_OK : SSS_STORE_FAILED);

        assert_int_equal(sss_store_time(store, &seconds),
                         i == 3 ? SSS_STORE_OK : SSS_STORE_FAILED);
        assert_true(seconds == (i == 3 ? 999999999999999 : 0));

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
        store_fails(&fake.address, "127.0.0.1");
        fake_stop(&fake);
    }
}


/* Nor do bytes that never stop keep the store from asking again. */

static void
test_endless_value(void **state)
{
    fake_t             fake;
    uint8_t            value[16];
    unsigned           tries;
    sss_store_t       *store;
    sss_store_item_t   item;

    (void) state;

    memset(&fake, 0, sizeof(fake));
    fake.bytes = "VALUE " NAME " 0 4611686018427387904 1\r\n";
    fake.len = strlen(fake.bytes);
    fake.repeat = 1;

    assert_int_equal(fake_start(&fake), 0);

    store = sss_store_create(&fake.address, TIMEOUT);
    assert_non_null(store);

    item = store_item(NAME, value, sizeof(value));

    /* late on both sides at once, at worst: then the next one tells */

    for (tries = 0; tries < 20; tries++) {

        assert_int_equal(sss_store_get(store, &item, 1), SSS_STORE_FAILED);
        assert_int_equal(item.found, 0);

        if (strstr(sss_store_error(store), "get: timed out")) {
            break;
        }

        unit_pause(TIMEOUT);
    }

    assert_in_range(tries, 0, 19);

    sss_store_destroy(store);
    fake_stop(&fake);
}


/*
 * A byte now and then ends every single wait in time.  The call ends all the
 * same; so does every further one, and at once.
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
    item = store_item(NAME, value, sizeof(value));

    start = unit_clock_ms();

    assert_int_equal(sss_store_get(store, &item, 1), SSS_STORE_FAILED);
    assert_non_null(strstr(sss_store_error(store), "time"));

    for (tries = 0; tries < 3; tries++) {
        assert_int_equal(store_put(store, NAME, 1, "value"), SSS_STORE_FAILED);
    }

    sss_store_destroy(store);

    assert_in_range(unit_clock_ms() - start, 0, LONG);

    fake_stop(&fake);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_garbage_of_time),
        cmocka_unit_test(test_misplaced),
        cmocka_unit_test(test_without_end),
        cmocka_unit_test(test_endless_value),
        cmocka_unit_test(test_drip),
    };

    return cmocka_run_group_tests_name("store_hostile", tests, NULL, NULL);
}
