
#define _GNU_SOURCE

#include <limits.h>

#include <openssl/err.h>

#include "unit.h"
#include "unit_openssl.h"

#include "sss_aead.h"


#define TEXT      "The quick brown fox jumps over the lazy dog"
#define TEXT_LEN  (sizeof(TEXT) - 1)
#define SIZE      (TEXT_LEN + SSS_AEAD_TAG)


/*
 * Made by another program, with the key 00 01 .. 1f and the nonce 40 41 ..
 * 4b: the text above with the additional data "onetwo", and nothing at all.
 */

#define KNOWN                                                                 \
    "b6d1cb035749ee60a6e47544f4137d7b1fa92a7cdd40625304672193f261cdaf"        \
    "f06dd3c0bfc3a674459b6c981a724f1acf5170a618a79c02646350"

#define KNOWN_NOTHING  "c9b3c23ebecd69c4c2d87bc27ee34810"


static const sss_aead_piece_t  ad[] = { { "one", 3 }, { "", 0 },
                                        { "two", 3 } };

static uint8_t  key[SSS_AEAD_KEY], nonce[SSS_AEAD_NONCE];


static int
setup(void **state)
{
    size_t  i;

    for (i = 0; i < sizeof(key); i++) {
        key[i] = (uint8_t) i;
    }

    for (i = 0; i < sizeof(nonce); i++) {
        nonce[i] = (uint8_t) (0x40 + i);
    }

    *state = sss_aead_create();

    return *state ? 0 : -1;
}


static int
teardown(void **state)
{
    sss_aead_destroy(*state);

    return 0;
}


static void
test_known(void **state)
{
    unsigned  i;
    uint8_t   known[200], out[200];

    /* twice, in turns: no use leaves anything behind for the next one */

    for (i = 0; i < 2; i++) {
        memset(out, 0xa5, sizeof(out));
        assert_int_equal(unit_hex(KNOWN, known), SIZE);
        assert_int_equal(sss_aead_seal(*state, key, nonce, ad, 3, TEXT,
                                       TEXT_LEN, out),
                         0);
        assert_memory_equal(out, known, SIZE);
        assert_int_equal(out[SIZE], 0xa5);

        memset(out, 0xa5, sizeof(out));
        assert_int_equal(sss_aead_open(*state, key, nonce, ad, 3, known, SIZE,
                                       out),
                         0);
        assert_memory_equal(out, TEXT, TEXT_LEN);
        assert_int_equal(out[TEXT_LEN], 0xa5);

        assert_int_equal(unit_hex(KNOWN_NOTHING, known), SSS_AEAD_TAG);
        assert_int_equal(sss_aead_seal(*state, key, nonce, NULL, 0, NULL, 0,
                                       out),
                         0);
        assert_memory_equal(out, known, SSS_AEAD_TAG);
        assert_int_equal(sss_aead_open(*state, key, nonce, NULL, 0, known,
                                       SSS_AEAD_TAG, out),
                         0);
    }
}


static void
assert_refused(sss_aead_t *aead, const uint8_t *k, const uint8_t *n,
    size_t pieces, const uint8_t *sealed, size_t len)
{
    size_t   size;
    uint8_t  out[200];

    size = len > SSS_AEAD_TAG ? len - SSS_AEAD_TAG : 0;

    memset(out, 0xa5, sizeof(out));

    assert_int_equal(sss_aead_open(aead, k, n, ad, pieces, sealed, len, out),
                     -1);
    assert_true(unit_zero(out, size));
    assert_int_equal(out[size], 0xa5);
    assert_int_equal(ERR_peek_error(), 0);
}


static void
test_refused(void **state)
{
    size_t   i;
    uint8_t  known[200], k[SSS_AEAD_KEY], n[SSS_AEAD_NONCE];

    unit_hex(KNOWN, known);

    for (i = 0; i < SIZE; i++) {
        known[i] ^= 1;
        assert_refused(*state, key, nonce, 3, known, SIZE);
        known[i] ^= 1;

        assert_refused(*state, key, nonce, 3, known, i);
    }

    for (i = 0; i < sizeof(k); i++) {
        memcpy(k, key, sizeof(k));
        k[i] ^= 0x80;
        assert_refused(*state, k, nonce, 3, known, SIZE);
    }

    for (i = 0; i < sizeof(n); i++) {
        memcpy(n, nonce, sizeof(n));
        n[i] ^= 0x80;
        assert_refused(*state, key, n, 3, known, SIZE);
    }

    assert_refused(*state, key, nonce, 0, known, SIZE);
    assert_refused(*state, key, nonce, 2, known, SIZE);
}


static void
test_limits(void **state)
{
    uint8_t           out[200];
    sss_aead_piece_t  piece;

    piece.p = TEXT;
    piece.len = (size_t) INT_MAX + 1;

    assert_int_equal(sss_aead_seal(*state, key, nonce, NULL, 0, TEXT,
                                   (size_t) INT_MAX, out),
                     -1);
    assert_int_equal(sss_aead_seal(*state, key, nonce, &piece, 1, TEXT,
                                   TEXT_LEN, out),
                     -1);
    assert_true(unit_zero(out, SIZE));
    assert_int_equal(sss_aead_open(*state, key, nonce, NULL, 0,
                                   (const uint8_t *) TEXT,
                                   (size_t) INT_MAX + 1, out),
                     -1);
}


/*
 * A failure is reported, leaves nothing in the output, and the next call
 * works.
 */

static void
test_openssl_fails(void **state)
{
    int       rc;
    uint8_t   known[200], out[200];
    unsigned  i, made;

    unit_hex(KNOWN, known);

    for (made = 0; made < 2; made++) {

        for (i = 1; i < 100; i++) {
            unit_openssl_fail = i;
            memset(out, 0xa5, sizeof(out));

            rc = made ? sss_aead_open(*state, key, nonce, ad, 3, known, SIZE,
                                      out)
                      : sss_aead_seal(*state, key, nonce, ad, 3, TEXT,
                                      TEXT_LEN, out);
            if (rc == 0) {
                break;
            }

            assert_int_equal(unit_openssl_fail, 0);
            assert_true(unit_zero(out, TEXT_LEN));
        }

        assert_int_not_equal(unit_openssl_fail, 0);
        unit_openssl_fail = 0;

        assert_in_range(i, 6, 99);

        test_known(state);
    }

    unit_openssl_fail = 1;
    assert_null(sss_aead_create());
    assert_int_equal(unit_openssl_fail, 0);

    sss_aead_destroy(NULL);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_openssl_fails)
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
