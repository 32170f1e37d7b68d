
#define _GNU_SOURCE

#include "unit.h"
#include "unit_openssl.h"

#include "sss_secret.h"


#define A  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define B  "F0E1D2C3B4A5968778695A4B3C2D1E0FF0e1d2c3b4a5968778695a4b3c2d1e0f"
#define LOW_B                                                                 \
           "f0e1d2c3b4a5968778695a4b3c2d1e0ff0e1d2c3b4a5968778695a4b3c2d1e0f"


static sss_secret_error_t
parse(const char *text, sss_secrets_t *secrets, unsigned *line)
{
    memset(secrets, 0xa5, sizeof(sss_secrets_t));
    *line = 4711;

    return sss_secrets_parse(text, strlen(text), secrets, line);
}


static void
test_parse(void **state)
{
    size_t         i;
    uint8_t        a[SSS_SECRET_SIZE], b[SSS_SECRET_SIZE];
    unsigned       line;
    sss_secrets_t  secrets;

    static const char  *both[] = {
        A "\n" B "\n",
        A "\n" B,
        A "\r\n" LOW_B "\r\n",
        "# the new one\n\n  " A "\t\n\n# the old one\n\t" B "  # 2024\n#",
        "\n\n\n" A "#\n#" A "\n" LOW_B " #" A "\n \t\r\n"
    };

    (void) state;

    assert_int_equal(unit_hex(A, a), SSS_SECRET_SIZE);
    assert_int_equal(unit_hex(B, b), SSS_SECRET_SIZE);

    for (i = 0; i < unit_count(both); i++) {
        assert_int_equal(parse(both[i], &secrets, &line), SSS_SECRET_OK);
        assert_int_equal(secrets.n, 2);
        assert_memory_equal(secrets.value[0], a, SSS_SECRET_SIZE);
        assert_memory_equal(secrets.value[1], b, SSS_SECRET_SIZE);
    }
}


static void
test_parse_errors(void **state)
{
    size_t         i;
    unsigned       line;
    sss_secrets_t  secrets;

    static const struct {
        const char          *text;
        sss_secret_error_t   error;
        unsigned             line;
    } cases[] = {
        { "", SSS_SECRET_EMPTY, 1 },
        { "\n", SSS_SECRET_EMPTY, 1 },
        { "# nothing\n \t\n", SSS_SECRET_EMPTY, 2 },
        { "#" A, SSS_SECRET_EMPTY, 1 },
        { A "\n" "0", SSS_SECRET_LENGTH, 2 },
        { "0" A "\n", SSS_SECRET_LENGTH, 1 },
        { A "0\n", SSS_SECRET_LENGTH, 1 },
        { A " " B "\n", SSS_SECRET_LENGTH, 1 },
        { "\n\n" A "\n\n0123 # short\n", SSS_SECRET_LENGTH, 5 },
        { "\xef\xbb\xbf" A "\n", SSS_SECRET_LENGTH, 1 },
        { "\n" A "\n"
          "g00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
          SSS_SECRET_DIGIT, 3 },
        { "0001020304050607 8090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
          SSS_SECRET_DIGIT, 1 },
        { "000102030405060708090a0b0c0d0e0f"
          "101112131415161718191a1b1c1d1e1\xe6",
          SSS_SECRET_DIGIT, 1 },
        { "00010203040506070:090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
          SSS_SECRET_DIGIT, 1 },
        { "0001020304050607/8090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
          SSS_SECRET_DIGIT, 1 },
        { "0001020304050607@8090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
          SSS_SECRET_DIGIT, 1 },
        { "0001020304050607`8090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
          SSS_SECRET_DIGIT, 1 },
        { "0001020304050607G8090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
          SSS_SECRET_DIGIT, 1 },
        { A "\n" B "\n" A "\n", SSS_SECRET_TWICE, 3 },
        { B "\n\n" LOW_B "\n", SSS_SECRET_TWICE, 3 },
        { "0000000000000000000000000000000000000000000000000000000000000000",
          SSS_SECRET_WEAK, 1 },
        { A "\n"
          "abababababababababababababababababababababababababababababababab",
          SSS_SECRET_WEAK, 2 }
    };

    (void) state;

    for (i = 0; i < unit_count(cases); i++) {
        print_message("case %zu\n", i);

        assert_int_equal(parse(cases[i].text, &secrets, &line),
                         cases[i].error);
        assert_int_equal(line, cases[i].line);
        assert_true(unit_zero(&secrets, sizeof(secrets)));
    }
}


/* A zero byte is refused like any other character that is no hex digit. */

static void
test_parse_zero_byte(void **state)
{
    char           text[] = A "\n" B "\n";
    unsigned       line;
    sss_secrets_t  secrets;

    (void) state;

    text[70] = '\0';

    assert_int_equal(sss_secrets_parse(text, sizeof(text) - 1, &secrets,
                                       &line),
                     SSS_SECRET_DIGIT);
    assert_int_equal(line, 2);

    assert_int_equal(sss_secrets_parse(NULL, 0, &secrets, &line),
                     SSS_SECRET_EMPTY);
}


static void
test_parse_many(void **state)
{
    int            i, n;
    char           text[SSS_SECRETS_MAX * 66 + 66];
    unsigned       line;
    sss_secrets_t  secrets;

    (void) state;

    n = 0;

    for (i = 0; i < SSS_SECRETS_MAX; i++) {
        n += sprintf(text + n, "%02x%s\n", i, &A[2]);
    }

    assert_int_equal(parse(text, &secrets, &line), SSS_SECRET_OK);
    assert_int_equal(secrets.n, SSS_SECRETS_MAX);

    for (i = 0; i < SSS_SECRETS_MAX; i++) {
        assert_int_equal(secrets.value[i][0], i);
        assert_int_equal(secrets.value[i][31], 0x1f);
    }

    sprintf(text + n, "%02x%s\n", i, &A[2]);

    assert_int_equal(parse(text, &secrets, &line), SSS_SECRET_MANY);
    assert_int_equal(line, SSS_SECRETS_MAX + 1);
    assert_true(unit_zero(&secrets, sizeof(secrets)));
}


/* Every error has a different sentence. */

static void
test_strerror(void **state)
{
    int          i, k;
    const char  *text, *other;

    (void) state;

    for (i = SSS_SECRET_OK; i <= SSS_SECRET_WEAK + 1; i++) {
        text = sss_secret_strerror((sss_secret_error_t) i);

        assert_non_null(text);
        assert_true(strlen(text) > 5);

        for (k = SSS_SECRET_OK; k < i; k++) {
            other = sss_secret_strerror((sss_secret_error_t) k);
            assert_string_not_equal(text, other);
        }
    }
}


/* RFC 5869, appendix A.1 to A.3. */

static void
test_hkdf_rfc5869(void **state)
{
    size_t   i, sizes[4];
    uint8_t  key[80], salt[80], info[80], okm[82], out[82];

    static const char  *cases[][4] = {
        { "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
          "000102030405060708090a0b0c",
          "f0f1f2f3f4f5f6f7f8f9",
          "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
          "34007208d5b887185865" },
        { "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
          "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
          "404142434445464748494a4b4c4d4e4f",
          "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
          "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
          "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
          "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
          "d0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef"
          "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
          "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
          "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
          "cc30c58179ec3e87c14c01d5c1f3434f1d87" },
        { "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
          "",
          "",
          "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
          "9d201395faa4b61a96c8" }
    };

    (void) state;

    for (i = 0; i < unit_count(cases); i++) {
        sizes[0] = unit_hex(cases[i][0], key);
        sizes[1] = unit_hex(cases[i][1], salt);
        sizes[2] = unit_hex(cases[i][2], info);
        sizes[3] = unit_hex(cases[i][3], okm);

        memset(out, 0xa5, sizeof(out));

        assert_int_equal(sss_hkdf(key, sizes[0], salt, sizes[1], info,
                                  sizes[2], out, sizes[3]),
                         0);
        assert_memory_equal(out, okm, sizes[3]);
    }
}


static void
test_hkdf_refused(void **state)
{
    uint8_t   key[32], out[32], *many;
    unsigned  i, size;

    (void) state;

    memset(key, 1, sizeof(key));

    /* HKDF's output is limited to 255 blocks */

    size = 255 * 32 + 1;
    many = test_malloc(size);
    memset(many, 0xa5, size);

    assert_int_equal(sss_hkdf(key, sizeof(key), NULL, 0, NULL, 0, many,
                              size),
                     -1);
    assert_true(unit_zero(many, size));

    test_free(many);

    memset(out, 0xa5, sizeof(out));

    assert_int_equal(sss_hkdf(key, SIZE_MAX, NULL, 0, NULL, 0, out, 32), -1);
    assert_true(unit_zero(out, sizeof(out)));

    for (i = 1; i < 100; i++) {
        unit_openssl_fail = i;
        memset(out, 0xa5, sizeof(out));

        if (sss_hkdf(key, sizeof(key), key, 32, key, 32, out, sizeof(out))
            == 0)
        {
            assert_int_not_equal(unit_openssl_fail, 0);
            break;
        }

        assert_int_equal(unit_openssl_fail, 0);
        assert_true(unit_zero(out, sizeof(out)));
    }

    unit_openssl_fail = 0;

    assert_in_range(i, 4, 99);
}


/* The constants below were computed by a separate program. */

static void
test_tag(void **state)
{
    uint8_t  secret[32], tag[SSS_TAG_SIZE], expected[SSS_TAG_SIZE];

    (void) state;

    unit_hex(A, secret);
    unit_hex("b7c4467c66ff3bae", expected);

    assert_int_equal(sss_secret_tag(secret, 0, tag), 0);
    assert_memory_equal(tag, expected, SSS_TAG_SIZE);

    secret[31] ^= 1;

    assert_int_equal(sss_secret_tag(secret, 0, tag), 0);
    assert_memory_not_equal(tag, expected, SSS_TAG_SIZE);

    unit_openssl_fail = 1;
    assert_int_equal(sss_secret_tag(secret, 0, tag), -1);
    unit_openssl_fail = 0;
}


static void
test_record_name(void **state)
{
    char     name[SSS_NAME_SIZE], other[SSS_NAME_SIZE], ns[600], what[300];
    uint8_t  secret[32];

    (void) state;

    unit_hex(A, secret);

    assert_int_equal(sss_secret_record_name(secret, "ring", "main", 4, name),
                     0);
    assert_string_equal(name,
                        "sss1:bcd08e78fc424b21ab87400c849571838926fda6");

    assert_int_equal(sss_secret_record_name(secret, "", NULL, 0, name), 0);
    assert_string_equal(name,
                        "sss1:6262bf0b93642fd35fc303aed69dda017bb02713");

    /* the same letters, divided differently between record and namespace */

    assert_int_equal(sss_secret_record_name(secret, "ri", "ngmain", 6, name),
                     0);
    assert_int_equal(sss_secret_record_name(secret, "rin", "gmain", 5,
                                            other),
                     0);
    assert_string_not_equal(name, other);

    memset(ns, 'n', sizeof(ns));
    memset(what, 'w', sizeof(what));

    what[256] = '\0';
    assert_int_equal(sss_secret_record_name(secret, what, ns, 512, name),
                     -1);
    assert_string_equal(name, "");

    what[255] = '\0';
    assert_int_equal(sss_secret_record_name(secret, what, ns, 512, name), 0);
    assert_int_equal(strlen(name), SSS_NAME_SIZE - 1);

    assert_int_equal(sss_secret_record_name(secret, what, ns, 513, name),
                     -1);
    assert_string_equal(name, "");

    unit_openssl_fail = 1;
    strcpy(name, "something");
    assert_int_equal(sss_secret_record_name(secret, "ring", "main", 4, name),
                     -1);
    assert_string_equal(name, "");
    unit_openssl_fail = 0;
}


static void
test_presence_name(void **state)
{
    char      name[SSS_NAME_SIZE];
    unsigned  i;

    (void) state;

    assert_int_equal(sss_presence_name("main", 4, name), 0);
    assert_string_equal(name,
                        "sss1:4bab73f227dffedca2b11c4a7e36044dbf8cc6b1");

    assert_int_equal(sss_presence_name("", 0, name), 0);
    assert_string_equal(name,
                        "sss1:4b022402a20c1576c586f43de7bc0d8c0c81ffed");

    for (i = 1; i < 100; i++) {
        unit_openssl_fail = i;

        if (sss_presence_name("main", 4, name) == 0) {
            assert_int_not_equal(unit_openssl_fail, 0);
            break;
        }

        assert_int_equal(unit_openssl_fail, 0);
        assert_string_equal(name, "");
    }

    unit_openssl_fail = 0;

    assert_in_range(i, 3, 99);
}


static void
test_common(void **state)
{
    size_t         i, j;
    sss_secrets_t  one, other;

    (void) state;

    memset(&one, 0, sizeof(one));
    memset(&other, 0, sizeof(other));

    assert_int_equal(sss_secrets_common(&one, &other), 0);

    for (i = 0; i < SSS_SECRETS_MAX; i++) {
        memset(one.value[i], (int) i + 1, SSS_SECRET_SIZE);
        memset(other.value[i], (int) i + 101, SSS_SECRET_SIZE);
    }

    one.n = SSS_SECRETS_MAX;
    other.n = SSS_SECRETS_MAX;

    assert_int_equal(sss_secrets_common(&one, &other), 0);

    for (i = 0; i < SSS_SECRETS_MAX; i++) {

        for (j = 0; j < SSS_SECRETS_MAX; j++) {
            memset(other.value[j], (int) i + 1, SSS_SECRET_SIZE);
            assert_int_equal(sss_secrets_common(&one, &other), 1);

            /* secrets beyond the end of a list do not count */

            other.n = j;
            assert_int_equal(sss_secrets_common(&one, &other), 0);
            other.n = SSS_SECRETS_MAX;

            other.value[j][SSS_SECRET_SIZE - 1] ^= 1;
            assert_int_equal(sss_secrets_common(&one, &other), 0);

            memset(other.value[j], (int) j + 101, SSS_SECRET_SIZE);
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_errors),
        cmocka_unit_test(test_parse_zero_byte),
        cmocka_unit_test(test_parse_many),
        cmocka_unit_test(test_common),
        cmocka_unit_test(test_strerror),
        cmocka_unit_test(test_hkdf_rfc5869),
        cmocka_unit_test(test_hkdf_refused),
        cmocka_unit_test(test_tag),
        cmocka_unit_test(test_record_name),
        cmocka_unit_test(test_presence_name)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
