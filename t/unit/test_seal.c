
#define _GNU_SOURCE

#include <limits.h>

#include <openssl/bio.h>
#include <openssl/err.h>

#include "unit.h"
#include "unit_openssl.h"

#include "sss_seal.h"


#define TEXT      "The quick brown fox jumps over the lazy dog"
#define TEXT_LEN  (sizeof(TEXT) - 1)


/*
 * Records made by another program, from the description of the format, with
 * the key 00 01 .. 1f, the salt a0 a1 .. b7, and the text above with the
 * additional data "main", or nothing at all.
 */

#define RING_RECORD                                                           \
    "5353533101010000a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7"        \
    "1b8deefcca66608f982157235626a9156f0cd997d2c14d18ffd3c5fb6940377b"        \
    "29b55229725156747fb2c2f44f16f1d562e7c5beee925958a59966"

#define SESSION_RECORD                                                        \
    "5353533101020000a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7"        \
    "496ff9a5e53b98c7d25b67187820630b"


static uint8_t  key[32];


static int
setup(void **state)
{
    size_t  i;

    (void) state;

    for (i = 0; i < sizeof(key); i++) {
        key[i] = (uint8_t) i;
    }

    return 0;
}


static void
test_known_record(void **state)
{
    size_t   len;
    uint8_t  record[200], out[200];

    (void) state;

    len = unit_hex(RING_RECORD, record);
    assert_int_equal(len, TEXT_LEN + SSS_SEAL_OVERHEAD);

    assert_int_equal(sss_unseal(key, SSS_SEAL_RING, "main", 4, record, len,
                                out),
                     TEXT_LEN);
    assert_memory_equal(out, TEXT, TEXT_LEN);

    len = unit_hex(SESSION_RECORD, record);
    assert_int_equal(len, SSS_SEAL_OVERHEAD);

    assert_int_equal(sss_unseal(key, SSS_SEAL_SESSION, NULL, 0, record, len,
                                out),
                     0);
}


static void
test_round_trip(void **state)
{
    size_t    i;
    uint8_t   plain[5000], sealed[5000 + SSS_SEAL_OVERHEAD], out[5001];
    uint64_t  seed;

    static const size_t  sizes[] = { 0, 1, 15, 16, 17, 255, 256, 5000 };

    (void) state;

    seed = 1;
    unit_random_bytes(&seed, plain, sizeof(plain));

    for (i = 0; i < unit_count(sizes); i++) {
        memset(sealed, 0xa5, sizeof(sealed));
        memset(out, 0xa5, sizeof(out));

        assert_int_equal(sss_seal(key, SSS_SEAL_SESSION, "ns", i % 3, plain,
                                  sizes[i], sealed),
                         0);

        assert_memory_equal(sealed, "SSS1\1\2\0\0", 8);

        if (sizes[i] < 5000) {
            assert_int_equal(sealed[sizes[i] + SSS_SEAL_OVERHEAD], 0xa5);
        }

        assert_int_equal(sss_unseal(key, SSS_SEAL_SESSION, "ns", i % 3,
                                    sealed, sizes[i] + SSS_SEAL_OVERHEAD,
                                    out),
                         sizes[i]);

        assert_memory_equal(out, plain, sizes[i]);
        assert_int_equal(out[sizes[i]], 0xa5);
    }
}


/* Two records of the same plaintext differ after the first eight bytes. */

static void
test_salt(void **state)
{
    size_t   i, same;
    uint8_t  a[1024 + SSS_SEAL_OVERHEAD], b[1024 + SSS_SEAL_OVERHEAD];
    uint8_t  plain[1024];

    (void) state;

    memset(plain, 0, sizeof(plain));

    assert_int_equal(sss_seal(key, SSS_SEAL_RING, NULL, 0, plain,
                              sizeof(plain), a),
                     0);
    assert_int_equal(sss_seal(key, SSS_SEAL_RING, NULL, 0, plain,
                              sizeof(plain), b),
                     0);

    assert_memory_equal(a, b, 8);
    assert_memory_not_equal(a + 8, b + 8, 24);

    same = 0;

    for (i = SSS_SEAL_HEADER; i < sizeof(a); i++) {
        same += a[i] == b[i];
    }

    /* about 4 are the same by chance */

    assert_in_range(same, 0, 40);
}


/*
 * The record must be refused, the output wiped, and OpenSSL's errors
 * unchanged.
 */

static void
assert_refused(const uint8_t *k, sss_purpose_t purpose, const void *ad,
    size_t ad_len, const uint8_t *sealed, size_t len)
{
    size_t   size;
    uint8_t  out[200];

    size = len > SSS_SEAL_OVERHEAD ? len - SSS_SEAL_OVERHEAD : 0;

    memset(out, 0xa5, sizeof(out));

    ERR_clear_error();

    assert_int_equal(sss_unseal(k, purpose, ad, ad_len, sealed, len, out),
                     -1);

    assert_true(unit_zero(out, size));
    assert_int_equal(out[size], 0xa5);
    assert_int_equal(ERR_peek_error(), 0);
}


static void
test_tampered(void **state)
{
    size_t    i, len;
    uint8_t   record[200];
    unsigned  bit;

    (void) state;

    len = unit_hex(RING_RECORD, record);

    for (i = 0; i < len; i++) {
        for (bit = 0; bit < 8; bit++) {
            record[i] ^= (uint8_t) (1u << bit);
            assert_refused(key, SSS_SEAL_RING, "main", 4, record, len);
            record[i] ^= (uint8_t) (1u << bit);
        }
    }
}


static void
test_truncated(void **state)
{
    size_t   i, len;
    uint8_t  record[200], *copy;

    (void) state;

    memset(record, 0, sizeof(record));
    len = unit_hex(RING_RECORD, record);

    for (i = 0; i < len; i++) {

        /* an exact copy: a sanitizer sees a byte read too many */

        copy = malloc(i + 1);
        assert_non_null(copy);

        memcpy(copy, record, i);
        copy = realloc(copy, i ? i : 1);
        assert_non_null(copy);

        assert_refused(key, SSS_SEAL_RING, "main", 4, copy, i);

        if (i > 0) {
            memcpy(copy, record + len - i, i);
            assert_refused(key, SSS_SEAL_RING, "main", 4, copy, i);
        }

        free(copy);
    }

    assert_refused(key, SSS_SEAL_RING, "main", 4, record, len + 1);
}


static void
test_wrong_context(void **state)
{
    size_t   i, len;
    uint8_t  record[200], other[32], empty[200];

    (void) state;

    len = unit_hex(RING_RECORD, record);

    assert_refused(key, SSS_SEAL_SESSION, "main", 4, record, len);
    assert_refused(key, SSS_SEAL_RING, "Main", 4, record, len);
    assert_refused(key, SSS_SEAL_RING, "mai", 3, record, len);
    assert_refused(key, SSS_SEAL_RING, "main2", 5, record, len);
    assert_refused(key, SSS_SEAL_RING, NULL, 0, record, len);

    for (i = 0; i < sizeof(key); i++) {
        memcpy(other, key, sizeof(key));
        other[i] ^= 0x80;
        assert_refused(other, SSS_SEAL_RING, "main", 4, record, len);
    }

    /* the purpose is part of the key derivation, not only of the header */

    record[5] = SSS_SEAL_SESSION;
    assert_refused(key, SSS_SEAL_SESSION, "main", 4, record, len);

    /* bytes cannot be moved between the header and the additional data */

    len = unit_hex(SESSION_RECORD, empty);
    assert_refused(key, SSS_SEAL_SESSION, "x", 1, empty, len);
}


/* OpenSSL's error queue is as before. */

static void
test_errors_kept(void **state)
{
    size_t         len;
    uint8_t        record[200], out[200];
    unsigned long  error;

    (void) state;

    len = unit_hex(RING_RECORD, record);

    ERR_clear_error();

    assert_null(BIO_new_file("/nonexistent/file", "r"));
    error = ERR_peek_last_error();
    assert_int_not_equal(error, 0);

    record[0] ^= 1;
    assert_int_equal(sss_unseal(key, SSS_SEAL_RING, "main", 4, record, len,
                                out),
                     -1);
    assert_int_equal(ERR_peek_last_error(), error);

    record[0] ^= 1;
    record[40] ^= 1;
    assert_int_equal(sss_unseal(key, SSS_SEAL_RING, "main", 4, record, len,
                                out),
                     -1);
    assert_int_equal(ERR_peek_last_error(), error);

    record[40] ^= 1;
    assert_int_equal(sss_unseal(key, SSS_SEAL_RING, "main", 4, record, len,
                                out),
                     TEXT_LEN);
    assert_int_equal(ERR_peek_last_error(), error);

    ERR_clear_error();
}


static void
test_limits(void **state)
{
    uint8_t  record[200], out[200];

    (void) state;

    unit_hex(RING_RECORD, record);

    assert_int_equal(sss_seal(key, SSS_SEAL_RING, "main", 4, TEXT,
                              (size_t) INT_MAX, out),
                     -1);
    assert_int_equal(sss_seal(key, SSS_SEAL_RING, "main", (size_t) INT_MAX
                              + 1, TEXT, TEXT_LEN, out),
                     -1);
    assert_int_equal(sss_unseal(key, SSS_SEAL_RING, "main",
                                (size_t) INT_MAX + 1, record, 91, out),
                     -1);
}


/*
 * If any call into OpenSSL fails the result is -1, without plaintext in the
 * output.
 */

static void
test_openssl_fails(void **state)
{
    size_t    len;
    uint8_t   record[200], out[200];
    unsigned  i;

    (void) state;

    for (i = 1; i < 100; i++) {
        unit_openssl_fail = i;
        memset(out, 0xa5, sizeof(out));

        if (sss_seal(key, SSS_SEAL_RING, "main", 4, TEXT, TEXT_LEN, out)
            == 0)
        {
            assert_int_not_equal(unit_openssl_fail, 0);
            break;
        }

        assert_int_equal(unit_openssl_fail, 0);
        assert_true(unit_zero(out, TEXT_LEN + SSS_SEAL_OVERHEAD));
    }

    assert_in_range(i, 10, 99);

    len = unit_hex(RING_RECORD, record);

    for (i = 1; i < 100; i++) {
        unit_openssl_fail = i;
        memset(out, 0xa5, sizeof(out));

        if (sss_unseal(key, SSS_SEAL_RING, "main", 4, record, len, out)
            == TEXT_LEN)
        {
            assert_int_not_equal(unit_openssl_fail, 0);
            break;
        }

        assert_int_equal(unit_openssl_fail, 0);
        assert_true(unit_zero(out, TEXT_LEN));
    }

    unit_openssl_fail = 0;

    assert_in_range(i, 9, 99);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_known_record),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_salt),
        cmocka_unit_test(test_tampered),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_wrong_context),
        cmocka_unit_test(test_errors_kept),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_openssl_fails)
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
