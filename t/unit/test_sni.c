
#include "unit.h"

#include "sss_sni.h"


/* A server_name extension of one entry. */

static size_t
extension(uint8_t *out, const char *name, size_t len)
{
    out[0] = (uint8_t) ((len + 3) >> 8);
    out[1] = (uint8_t) (len + 3);
    out[2] = 0;
    out[3] = (uint8_t) (len >> 8);
    out[4] = (uint8_t) len;

    memcpy(out + 5, name, len);

    return len + 5;
}


/* Parses an exact copy: a sanitizer sees a byte read too many. */

static int
parse(const uint8_t *ext, size_t len, sss_sni_t *sni)
{
    int       rc;
    uint8_t  *copy;

    memset(sni, 0xa5, sizeof(sss_sni_t));

    copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, ext, len);

    rc = sss_sni_parse(copy, len, sni);

    free(copy);

    return rc;
}


static void
test_names(void **state)
{
    size_t     i, len;
    uint8_t    ext[600];
    sss_sni_t  sni, set;

    static const struct {
        const char  *sent;
        const char  *name;
    } good[] = {
        { "a.example", "a.example" },
        { "A.eXaMpLe", "a.example" },
        { "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz" },
        { "abcdefghijklmnopqrstuvwxyz-_.0123456789",
          "abcdefghijklmnopqrstuvwxyz-_.0123456789" },
        { "localhost", "localhost" },
        { "x", "x" },
        { "-", "-" },
        { "_sip._TCP.example", "_sip._tcp.example" },
        { "xn--BCHER-KVA.example", "xn--bcher-kva.example" },
        { "192.0.2.1", "192.0.2.1" }
    };

    (void) state;

    for (i = 0; i < unit_count(good); i++) {
        len = strlen(good[i].sent);

        assert_int_equal(parse(ext, extension(ext, good[i].sent, len), &sni),
                         0);
        assert_int_equal(sni.len, len);
        assert_memory_equal(sni.name, good[i].name, len);

        assert_int_equal(sss_sni_set(&set, good[i].sent, len), 0);
        assert_int_equal(set.len, len);
        assert_memory_equal(set.name, good[i].name, len);
    }
}


static void
test_bad_names(void **state)
{
    size_t     i, len;
    uint8_t    ext[600];
    sss_sni_t  sni;

    static const char  *bad[] = {
        "", ".", "..", ".a", "a.", "a..b", "a.b.", "a b", " a", "a ", "a\tb",
        "a/b", "a:443", "[::1]", "::1", "a*b", "*.example", "a,b", "a@b",
        "a[b", "a`b", "a{b", "a\x7f", "a\x80", "b\xc3\xbcZ.example",
        "\xc1", "\xe1", "a%b", "a\\b", "a\"b", "a'b", "a+b", "a=b", "a?b",
        "a\nb", "a\rb", "a;b"
    };

    (void) state;

    for (i = 0; i < unit_count(bad); i++) {
        print_message("case %zu\n", i);

        len = strlen(bad[i]);

        assert_int_equal(parse(ext, extension(ext, bad[i], len), &sni), -1);
        assert_int_equal(sni.len, 0);

        sni.len = 1;
        assert_int_equal(sss_sni_set(&sni, bad[i], len), -1);
        assert_int_equal(sni.len, 0);
    }
}


/* Every byte alone and within a name: 65 characters are allowed. */

static void
test_every_character(void **state)
{
    int        i, good;
    char       name[3];
    sss_sni_t  sni;

    (void) state;

    good = 0;

    for (i = 0; i < 256; i++) {
        name[0] = 'a';
        name[1] = (char) i;
        name[2] = 'z';

        if (sss_sni_set(&sni, name, 3) == 0) {
            good++;
            assert_int_equal(sni.len, 3);
            assert_true(i != 0
                        && strchr("abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789-_.", i)
                           != NULL);
            assert_false(sni.name[1] >= 'A' && sni.name[1] <= 'Z');
        }
    }

    assert_int_equal(good, 65);
}


static void
test_length(void **state)
{
    char       name[300];
    uint8_t    ext[600];
    sss_sni_t  sni;

    (void) state;

    memset(name, 'N', sizeof(name));

    assert_int_equal(parse(ext, extension(ext, name, 255), &sni), 0);
    assert_int_equal(sni.len, 255);
    assert_int_equal(sni.name[254], 'n');

    assert_int_equal(parse(ext, extension(ext, name, 256), &sni), -1);
    assert_int_equal(sni.len, 0);

    assert_int_equal(parse(ext, extension(ext, name, 257), &sni), -1);
    assert_int_equal(sss_sni_set(&sni, name, 256 + 9), -1);
    assert_int_equal(sss_sni_set(&sni, name, SIZE_MAX), -1);
}


static void
test_malformed(void **state)
{
    size_t     i, k, len;
    uint8_t    ext[600];
    sss_sni_t  sni;

    (void) state;

    memset(ext, 'a', sizeof(ext));
    len = extension(ext, "a.example", 9);

    for (i = 0; i < 100; i++) {
        assert_int_equal(parse(ext, i, &sni), i == len ? 0 : -1);
        assert_int_equal(sni.len, i == len ? 9 : 0);
    }

    /* each byte of the lengths, and the type */

    for (i = 0; i < 5; i++) {
        for (k = 1; k < 256; k++) {
            ext[i] ^= (uint8_t) k;
            assert_int_equal(parse(ext, len, &sni), -1);
            assert_int_equal(sni.len, 0);
            ext[i] ^= (uint8_t) k;
        }
    }

    assert_int_equal(parse(ext, len, &sni), 0);

    /* two names, a name and a zero byte */

    len = extension(ext, "a.example", 9);
    memcpy(ext + len, ext + 2, len - 2);
    ext[1] = (uint8_t) (2 * (len - 2));
    assert_int_equal(parse(ext, 2 * len - 2, &sni), -1);

    len = extension(ext, "a.example\0", 10);
    assert_int_equal(parse(ext, len, &sni), -1);
    len = extension(ext, "a\0b", 3);
    assert_int_equal(parse(ext, len, &sni), -1);
}


/* Parses a name in a buffer of exactly its size. */

static void
test_in_place(void **state)
{
    sss_sni_t  sni;

    (void) state;

    memcpy(sni.name, "A.EXAMPLE", 9);

    assert_int_equal(sss_sni_set(&sni, (const char *) sni.name, 9), 0);
    assert_int_equal(sni.len, 9);
    assert_memory_equal(sni.name, "a.example", 9);
}


static void
test_binding(void **state)
{
    size_t     i;
    char       name[255];
    uint8_t    scope[SSS_SCOPE_SIZE], out[SSS_BINDING_MAX + 1];
    sss_sni_t  sni;

    (void) state;

    for (i = 0; i < sizeof(scope); i++) {
        scope[i] = (uint8_t) (i + 1);
    }

    memset(out, 0xa5, sizeof(out));
    assert_int_equal(sss_sni_set(&sni, "A.example", 9), 0);
    assert_int_equal(sss_binding(scope, &sni, out), 42);
    assert_memory_equal(out, scope, 32);
    assert_memory_equal(out + 32, "\x09" "a.example\xa5", 11);

    memset(out, 0xa5, sizeof(out));
    sni.len = 0;
    assert_int_equal(sss_binding(scope, &sni, out), 33);
    assert_memory_equal(out, scope, 32);
    assert_memory_equal(out + 32, "\0\xa5", 2);

    memset(name, 'n', sizeof(name));
    memset(out, 0xa5, sizeof(out));
    assert_int_equal(sss_sni_set(&sni, name, 255), 0);
    assert_int_equal(sss_binding(scope, &sni, out), SSS_BINDING_MAX);
    assert_int_equal(out[32], 255);
    assert_memory_equal(out + 33, name, 255);
    assert_int_equal(out[SSS_BINDING_MAX], 0xa5);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_bad_names),
        cmocka_unit_test(test_every_character),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_in_place),
        cmocka_unit_test(test_binding)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
