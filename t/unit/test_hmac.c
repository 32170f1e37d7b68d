
#include <openssl/hmac.h>

#include "unit.h"

#include "sss_hmac.h"
#include "sss_secret.h"


/* RFC 4231, the cases with keys of a block at the most. */

static void
test_rfc4231(void **state)
{
    size_t          i, len, key_len;
    uint8_t         bytes[200], text[200], mac[32], expected[32];
    sss_hmac_key_t  key;

    static const struct {
        const char  *key;
        const char  *text;
        const char  *mac;
    } cases[] = {
        { "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
          "4869205468657265",
          "b0344c61d8db38535ca8afceaf0bf12b"
          "881dc200c9833da726e9376c2e32cff7" },
        { "4a656665",
          "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
          "5bdcc146bf60754e6a042426089575c7"
          "5a003f089d2739839dec58b964ec3843" },
        { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
          "dddddddddddddddddddddddddddddddddddddddddddddddddd"
          "dddddddddddddddddddddddddddddddddddddddddddddddddd",
          "773ea91e36800e46854db8ebd09181a7"
          "2959098b3ef8c122d9635514ced565fe" },
        { "0102030405060708090a0b0c0d0e0f10111213141516171819",
          "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
          "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
          "82558a389a443c0ea4cc819899f2083a"
          "85f0faa3e578f8077a2e3ff46729665b" }
    };

    (void) state;

    for (i = 0; i < unit_count(cases); i++) {
        key_len = unit_hex(cases[i].key, bytes);
        len = unit_hex(cases[i].text, text);
        unit_hex(cases[i].mac, expected);

        sss_hmac_key(&key, bytes, key_len);

        sss_hmac(&key, text, len, mac);
        assert_memory_equal(mac, expected, 32);
    }
}


/* RFC 5869, A.3, the first block of its output. */

static void
test_rfc5869(void **state)
{
    uint8_t         ikm[22], out[32], expected[32];
    sss_hmac_key_t  prk;

    (void) state;

    memset(ikm, 0x0b, sizeof(ikm));

    unit_hex("8da4e775a563c18f715f802a063c5a31"
             "b8a11f5c5ee1879ec3454e5f3c738d2d", expected);

    sss_hmac_extract(ikm, sizeof(ikm), &prk);
    sss_hmac_expand(&prk, NULL, 0, out);
    assert_memory_equal(out, expected, 32);
}


static void
test_same_as_openssl(void **state)
{
    size_t          i, len, info_len;
    uint8_t         secret[300], info[300], a[32], b[32];
    uint64_t        seed;
    sss_hmac_key_t  prk;

    (void) state;

    seed = 3;

    for (i = 0; i < 300; i++) {
        len = 1 + unit_random(&seed) % sizeof(secret);
        info_len = unit_random(&seed) % sizeof(info);

        unit_random_bytes(&seed, secret, len);
        unit_random_bytes(&seed, info, info_len);

        sss_hmac_extract(secret, len, &prk);
        sss_hmac_expand(&prk, info, info_len, a);

        assert_int_equal(sss_hkdf(secret, len, NULL, 0, info, info_len, b,
                                  sizeof(b)),
                         0);
        assert_memory_equal(a, b, sizeof(a));
    }
}


/* Keys of every length up to a block. */

static void
test_keys(void **state)
{
    size_t          i;
    uint8_t         bytes[64], a[32], b[32];
    uint64_t        seed;
    sss_hmac_key_t  key;

    (void) state;

    seed = 9;
    unit_random_bytes(&seed, bytes, sizeof(bytes));

    for (i = 0; i <= sizeof(bytes); i++) {
        sss_hmac_key(&key, bytes, i);

        sss_hmac(&key, (const uint8_t *) "text", 4, a);

        assert_non_null(HMAC(EVP_sha256(), bytes, (int) i,
                             (const uint8_t *) "text", 4, b, NULL));
        assert_memory_equal(a, b, sizeof(a));
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_rfc4231),
        cmocka_unit_test(test_rfc5869),
        cmocka_unit_test(test_same_as_openssl),
        cmocka_unit_test(test_keys)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
