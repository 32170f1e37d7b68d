
#include "unit.h"

#include "sss_label.h"
#include "sss_number.h"
#include "sss_secret.h"


static const uint8_t  secret[SSS_SECRET_SIZE] = { 1, 2, 3 };
static const uint8_t  stranger[SSS_SECRET_SIZE] = { 1, 2, 4 };


static sss_label_t
some(void)
{
    sss_label_t  label;

    memset(&label, 0, sizeof(label));

    label.generation = 3;
    label.epoch = 0x01020304;
    label.created = 0x1122334455667788u;
    label.poll_ms = 2000;
    memset(label.id, 0xc3, SSS_GROUP_ID);

    return label;
}


static void
test_format(void **state)
{
    uint8_t         out[SSS_LABEL_SIZE], key[32], text[48 + 4], mac[32];
    sss_label_t     label, read;
    sss_hmac_key_t  ready;

    static const uint8_t  head[] = {
        'S', 'S', 'S', 'L', 1, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3, 4,
        0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88
    };

    (void) state;

    label = some();

    assert_int_equal(sss_label_key(secret, &ready), 0);
    sss_label_write(&label, &ready, "main", 4, out);

    assert_memory_equal(out, head, sizeof(head));
    assert_memory_equal(out + 24, label.id, SSS_GROUP_ID);
    assert_int_equal(sss_get32(out + 40), 2000);
    assert_int_equal(sss_get32(out + 44), 0);

    /* the MAC as docs/internals.md describes it */

    assert_int_equal(sss_hkdf(secret, sizeof(secret), NULL, 0,
                              (const uint8_t *)
                              "ngx_ssl_session_sync label 1", 28, key,
                              sizeof(key)), 0);
    memcpy(text, out, 48);
    memcpy(text + 48, "main", 4);
    sss_hmac_key(&ready, key, sizeof(key));
    sss_hmac(&ready, text, sizeof(text), mac);
    assert_memory_equal(out + 48, mac, 16);

    memset(&read, 0xa5, sizeof(read));
    assert_int_equal(sss_label_read(&read, &ready, "main", 4, out,
                                    sizeof(out)), 0);
    assert_int_equal(read.generation, label.generation);
    assert_int_equal(read.epoch, label.epoch);
    assert_int_equal(read.poll_ms, label.poll_ms);
    assert_true(sss_label_same(&read, &label));
}


static void
test_refused(void **state)
{
    size_t          i;
    uint8_t         out[SSS_LABEL_SIZE];
    sss_label_t     label, read;
    sss_hmac_key_t  key, other;

    (void) state;

    label = some();

    assert_int_equal(sss_label_key(secret, &key), 0);
    assert_int_equal(sss_label_key(stranger, &other), 0);
    sss_label_write(&label, &key, "main", 4, out);

    for (i = 0; i < 8 * sizeof(out); i++) {
        out[i / 8] ^= (uint8_t) (1 << i % 8);
        assert_int_equal(sss_label_read(&read, &key, "main", 4, out,
                                        sizeof(out)), -1);
        out[i / 8] ^= (uint8_t) (1 << i % 8);
    }

    for (i = 0; i < sizeof(out); i++) {
        assert_int_equal(sss_label_read(&read, &key, "main", 4, out, i), -1);
    }

    assert_int_equal(sss_label_read(&read, &other, "main", 4, out,
                                    sizeof(out)), -1);
    assert_int_equal(sss_label_read(&read, &key, "maim", 4, out,
                                    sizeof(out)), -1);
    assert_int_equal(sss_label_read(&read, &key, "main", 3, out,
                                    sizeof(out)), -1);
    assert_int_equal(sss_label_read(&read, &key, NULL, 0, out, sizeof(out)),
                     -1);
    assert_int_equal(sss_label_read(&read, &key, "main", 4, out,
                                    sizeof(out)), 0);

    /* generation 0 is refused even with a correct MAC */

    label.generation = 0;
    sss_label_write(&label, &key, "main", 4, out);
    assert_int_equal(sss_label_read(&read, &key, "main", 4, out,
                                    sizeof(out)), -1);
}


/* Of any two labels one wins, and the order is transitive. */

static void
test_order(void **state)
{
    size_t       i, k, m;
    sss_label_t  all[27];

    (void) state;

    for (i = 0; i < 27; i++) {
        all[i] = some();
        all[i].generation = 1 + (uint32_t) (i % 3);
        all[i].created = 1000 + i / 3 % 3;
        all[i].id[0] = (uint8_t) (0x7f + i / 9);
        all[i].epoch = (uint32_t) (i * 7 % 5);
        all[i].poll_ms = (uint32_t) (i * 5 % 7);
    }

    for (i = 0; i < 27; i++) {
        for (k = 0; k < 27; k++) {
            assert_int_equal(sss_label_same(&all[i], &all[k]), i == k);
            assert_int_equal(sss_label_beats(&all[i], &all[k])
                             + sss_label_beats(&all[k], &all[i]), i != k);

            for (m = 0; m < 27; m++) {
                if (sss_label_beats(&all[i], &all[k])
                    && sss_label_beats(&all[k], &all[m]))
                {
                    assert_true(sss_label_beats(&all[i], &all[m]));
                }
            }
        }
    }

    /* the higher generation, the older group, the smaller id */

    assert_true(sss_label_beats(&all[26], &all[0]));
    assert_true(sss_label_beats(&all[18], &all[3]));
    assert_true(sss_label_beats(&all[0], &all[9]));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_order)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
