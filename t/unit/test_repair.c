
/*
 * Memcached servers that fail, lose records or lie, and hosts that repair
 * them.
 */


#include "unit.h"

#include "host.h"
#include "sss_trouble.h"
#include "sss_presence.h"
#include "sss_ring_codec.h"
#include "sss_seal.h"


static void
test_lost_server(void **state)
{
    host_t     *a;
    unsigned    i;
    hosts_t    *f;

    f = *state;
    a = &f->h[0];

    host_join(a, "S", &f->m[0], &f->m[1]);

    host_poll(a, START);
    assert_int_equal(a->report.reached, 2);
    assert_int_equal(a->report.server[0].whole, 1);
    assert_int_equal(a->report.server[1].whole, 1);

    memcached_stop(&f->m[1]);
    host_poll(a, START + 1000);

    assert_int_equal(a->report.reached, 1);
    assert_int_equal(a->report.server[0].state, SSS_SERVER_UP);
    assert_int_equal(a->report.server[1].state, SSS_SERVER_DOWN);
    assert_int_equal(a->report.server[1].whole, 0);
    assert_int_equal(a->report.server[1].errors, 1);
    assert_int_not_equal(strlen(a->report.server[1].error), 0);

    /* it is skipped for 1, 2, 4 and 4 polls, and tried between them */

    for (i = 0; i < 17; i++) {
        host_poll(a, START + 2000 + i);
    }

    assert_int_equal(a->report.server[1].polls, 2 + 4);
    assert_int_equal(a->report.server[1].errors, 1 + 4);

    assert_int_equal(memcached_restart(&f->m[1]), 0);

    for (i = 0; i < 5; i++) {
        host_poll(a, START + 3000 + i);
    }

    assert_int_equal(a->report.reached, 2);
    assert_int_equal(a->report.server[1].state, SSS_SERVER_UP);
    assert_int_equal(a->report.server[1].whole, 1);
    assert_int_equal(a->report.server[1].keys, 1);

    /* another host can get all keys from this server */

    host_join(&f->h[1], "S", &f->m[1], NULL);
    host_poll(&f->h[1], START + 4000);
    host_assert_same(a, &f->h[1]);
}


static void
test_flushed(void **state)
{
    host_t     *a;
    unsigned    i;
    hosts_t    *f;

    f = *state;
    a = &f->h[0];

    host_join(a, "S", &f->m[0], &f->m[1]);
    host_poll(a, START);

    for (i = 0; i < 2; i++) {
        assert_int_equal(memcached_tell(&f->m[i].address, "flush_all\r\n",
                                        "OK"), 0);
    }

    host_poll(a, START + 1000);
    assert_int_equal(a->report.server[0].whole, 1);
    assert_int_equal(a->report.server[1].whole, 1);

    host_join(&f->h[1], "S", &f->m[0], NULL);
    host_poll(&f->h[1], START + 2000);
    host_assert_same(a, &f->h[1]);
    assert_int_equal(a->report.generated, 1);

    /* also if the server is restarted during a poll */

    assert_int_equal(memcached_restart(&f->m[0]), 0);
    host_poll(a, START + 3000);
    assert_int_equal(a->report.reached, 2);
    assert_int_equal(a->report.server[0].whole, 1);
    assert_int_equal(a->report.server[0].errors, 0);
}


static void
assert_replaced(hosts_t *f, const void *bytes, size_t len, int bad)
{
    char       name[SSS_NAME_SIZE];
    host_t    *a;
    uint8_t    now[8192];
    size_t     n;
    uint64_t   before;

    a = &f->h[0];
    before = a->report.server[0].bad_records;

    host_record_name("S", "main", name);
    assert_int_equal(memcached_store(&f->m[0].address, name, bytes, len), 0);

    host_poll(a, START + 5000);
    assert_int_equal(a->report.server[0].bad_records - before, bad);
    assert_int_equal(a->report.server[0].bad_now, bad);
    assert_int_equal(a->report.server[0].whole, 1);
    assert_int_equal(a->report.server[0].state, SSS_SERVER_UP);

    n = host_record(&f->m[0], name, now, sizeof(now));
    assert_true(n != len || memcmp(now, bytes, len) != 0);

    host_poll(a, START + 6000);
    assert_int_equal(a->report.server[0].bad_records - before, bad);
    assert_int_equal(a->report.server[0].bad_now, 0);

    host_join(&f->h[1], "S", &f->m[0], NULL);
    host_poll(&f->h[1], START + 7000);
    host_assert_same(a, &f->h[1]);
    host_leave(&f->h[1]);
}


static void
test_bad_records(void **state)
{
    char        name[SSS_NAME_SIZE];
    host_t     *a, *b;
    size_t      i, len, big;
    uint8_t     good[8192], bytes[8192], plain[64], *huge;
    uint8_t     ad[SSS_LABEL_SIZE + 4];
    hosts_t    *f;

    f = *state;
    a = &f->h[0];
    b = &f->h[2];

    host_join(a, "S", &f->m[0], NULL);
    host_poll(a, START);

    host_record_name("S", "main", name);
    len = host_record(&f->m[0], name, good, sizeof(good));
    assert_int_equal(len, SSS_LABEL_SIZE + sss_ring_encoded_size(1)
                          + SSS_SEAL_OVERHEAD);

    assert_replaced(f, "", 0, 1);
    assert_replaced(f, "x", 1, 1);
    assert_replaced(f, good, len - 1, 1);
    assert_replaced(f, good, SSS_LABEL_SIZE, 1);
    assert_replaced(f, good, SSS_LABEL_SIZE + SSS_SEAL_OVERHEAD, 1);

    for (i = 0; i < len; i += 13) {
        memcpy(bytes, good, len);
        bytes[i] ^= 1;
        assert_replaced(f, bytes, len, 1);
    }

    /* larger than any ring of this capacity */

    big = 300000;
    huge = calloc(1, big);
    assert_non_null(huge);
    assert_replaced(f, huge, big, 1);
    free(huge);

    /* sealed correctly, but no ring */

    memset(plain, 1, sizeof(plain));
    memcpy(bytes, good, SSS_LABEL_SIZE);
    memcpy(ad, good, SSS_LABEL_SIZE);
    memcpy(ad + SSS_LABEL_SIZE, "main", 4);
    assert_int_equal(sss_seal(a->secrets.value[0], SSS_SEAL_RING, ad,
                              sizeof(ad), plain, sizeof(plain),
                              bytes + SSS_LABEL_SIZE), 0);
    assert_replaced(f, bytes, SSS_LABEL_SIZE + sizeof(plain)
                              + SSS_SEAL_OVERHEAD, 1);

    /* another namespace's, under the same secret */

    host_prepare(b, "S", &f->m[1], NULL);
    memcpy(b->conf.ns, "else", 4);
    host_enter(b);
    host_poll(b, START);

    host_record_name("S", "else", name);
    i = host_record(&f->m[1], name, bytes, sizeof(bytes));
    assert_int_not_equal(i, 0);
    assert_replaced(f, bytes, i, 1);

    /* an old record of its own is not a bad one, but keys are missing */

    host_poll(a, START + HOUR * 7 / 10);
    assert_int_equal(a->ring->n, 2);
    assert_replaced(f, good, len, 0);

    /* anybody can write the presence record */

    assert_int_equal(sss_presence_name("main", 4, name), 0);
    assert_int_equal(memcached_store(&f->m[0].address, name, "xx", 2), 0);

    host_poll(a, START + HOUR * 7 / 10 + 1);
    assert_int_equal(a->report.server[0].bad_now, 1);
    host_poll(a, START + HOUR * 7 / 10 + 2);
    assert_int_equal(a->report.server[0].bad_now, 0);
}


/* Answers every read with no items, and stores nothing. */

static void
test_takes_nothing(void **state)
{
    fake_t       fake;
    host_t      *a;
    memcached_t  m;
    hosts_t     *f;

    f = *state;
    a = &f->h[0];

    memset(&fake, 0, sizeof(fake));
    fake.bytes = "END\r\n";
    fake.len = 5;
    assert_int_equal(fake_start(&fake), 0);

    memset(&m, 0, sizeof(m));
    m.address = fake.address;

    host_join(a, "S", &m, NULL);

    host_poll(a, START);
    assert_int_equal(a->report.reached, 1);
    assert_int_equal(a->ring->n, 1);
    assert_int_equal(a->report.server[0].whole, 0);
    assert_int_not_equal(strlen(a->report.server[0].error), 0);

    host_leave(a);

    /* with a server that stores, both hosts agree on one key */

    host_join(a, "S", &m, &f->m[0]);
    host_join(&f->h[1], "S", &m, &f->m[0]);
    host_poll(a, START);
    host_poll(&f->h[1], START);
    assert_int_equal(a->ring->n, 1);
    host_assert_same(a, &f->h[1]);

    host_leave(a);
    host_leave(&f->h[1]);
    fake_stop(&fake);
}


/* Servers that look like memcached, and cannot be used for keys. */

static void
test_no_use(void **state)
{
    fake_t       fake;
    host_t      *a;
    memcached_t  m;
    hosts_t     *f;

    f = *state;
    a = &f->h[0];

    assert_int_equal(memcached_start(&m, "127.0.0.1", "-C"), 0);

    host_join(&f->h[1], "S", &f->m[0], NULL);
    host_poll(&f->h[1], START);

    host_join(a, "S", &m, NULL);
    host_poll(a, START);
    host_poll(a, START + 1);
    host_poll(a, START + 2);
    assert_int_equal(a->report.server[0].state, SSS_SERVER_DOWN);
    assert_non_null(strstr(sss_server_trouble(&a->report.server[0]),
                           "without -C"));
    host_leave(a);
    memcached_stop(&m);

    memset(&fake, 0, sizeof(fake));
    fake.bytes = "ERROR\r\n";
    fake.len = 7;
    assert_int_equal(fake_start(&fake), 0);

    memset(&m, 0, sizeof(m));
    m.address = fake.address;

    host_join(a, "S", &m, NULL);
    host_poll(a, START);
    assert_int_equal(a->report.server[0].state, SSS_SERVER_DOWN);
    assert_non_null(strstr(sss_server_trouble(&a->report.server[0]),
                           "a proxy"));
    host_leave(a);
    fake_stop(&fake);
}


static void
test_bad_under_other_secret(void **state)
{
    char        name[SSS_NAME_SIZE];
    host_t     *a;
    uint8_t     bytes[16];
    hosts_t    *f;

    f = *state;
    a = &f->h[0];

    host_record_name("T", "main", name);
    assert_int_equal(memcached_store(&f->m[0].address, name, "xx", 2), 0);

    host_join(a, "ST", &f->m[0], NULL);
    host_poll(a, START);
    host_poll(a, START + 1);
    host_poll(a, START + 2);

    assert_int_equal(a->report.server[0].bad_records, 1);
    assert_int_equal(a->report.server[0].bad_now, 1);
    assert_int_equal(a->report.server[0].whole, 1);
    assert_int_equal(host_record(&f->m[0], name, bytes, sizeof(bytes)), 2);
}


static void
test_frozen(void **state)
{
    host_t     *a, *b;
    unsigned    i;
    uint64_t    began;
    hosts_t    *f;

    f = *state;
    a = &f->h[0];
    b = &f->h[1];

    host_prepare(a, "S", &f->m[0], &f->m[1]);
    a->conf.patience_ms = 1200;
    a->patience = 200;
    host_enter(a);
    host_poll(a, START);
    assert_int_equal(a->report.reached, 2);

    memcached_freeze(&f->m[0]);

    began = unit_clock_ms();

    for (i = 1; i < 8; i++) {
        host_poll(a, START + i * HOUR);
        assert_int_equal(a->report.server[0].state, SSS_SERVER_DOWN);
    }

    assert_in_range(unit_clock_ms() - began, 0, LONG);

    host_join(b, "S", &f->m[1], NULL);
    host_poll(b, START + 7 * HOUR + 1);
    host_assert_same(a, b);

    memcached_freeze(&f->m[1]);
    host_poll(a, START + 9 * HOUR);

    memcached_thaw(&f->m[0]);
    memcached_thaw(&f->m[1]);

    for (i = 0; i < 50; i++) {
        host_poll(a, START + 9 * HOUR + 1 + i);

        if (a->report.reached == 2 && a->report.server[0].whole
            && a->report.server[1].whole)
        {
            break;
        }
    }

    assert_int_equal(a->report.reached, 2);

    for (i = 0; i < 6; i++) {
        host_poll(b, START + 9 * HOUR + 100 + i);
    }

    host_assert_same(a, b);
}


#define hosts_test(name)                                                      \
    cmocka_unit_test_setup_teardown(name, host_setup, host_teardown)


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        hosts_test(test_lost_server),
        hosts_test(test_flushed),
        hosts_test(test_bad_records),
        hosts_test(test_takes_nothing),
        hosts_test(test_no_use),
        hosts_test(test_bad_under_other_secret),
        hosts_test(test_frozen),
    };

    return cmocka_run_group_tests_name("repair", tests, NULL, NULL);
}
