
#include "unit.h"

#include "sss_origin.h"


static const uint8_t  serial[] = { 2, 1, 42 };
static uint8_t        longest[SSS_ORIGIN_SERIAL];


static void
fill(sss_origin_t *origin, const char *name, size_t n_chain)
{
    size_t  i;

    memset(origin, 0, sizeof(sss_origin_t));
    memset(origin->scope, 0x11, sizeof(origin->scope));
    memset(origin->names, 0x22, sizeof(origin->names));

    origin->generation = 0x107;
    origin->badge = 0x0807060504030201;
    origin->made = 0x0102030405;
    origin->expires = SSS_ORIGIN_NEVER;

    if (name) {
        assert_int_equal(sss_sni_set(&origin->sni, name, strlen(name)), 0);
    }

    origin->n_chain = n_chain;

    for (i = 0; i < n_chain && i < SSS_ORIGIN_CHAIN; i++) {
        memset(origin->chain[i].issuer, (int) i + 1, SSS_ORIGIN_ISSUER);
        origin->chain[i].serial = i % 2 ? longest : serial;
        origin->chain[i].serial_len = i % 2 ? sizeof(longest)
                                            : sizeof(serial);
    }
}


/* Reads an exact copy: a sanitizer sees a byte read too many. */

static int
read_copy(const uint8_t *bytes, size_t len, sss_origin_t *origin)
{
    int       rc;
    uint8_t  *copy;

    copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);

    rc = sss_origin_read(copy, len, origin);

    free(copy);

    return rc;
}


static void
test_format(void **state)
{
    size_t        len;
    uint8_t       out[SSS_ORIGIN_MAX];
    sss_origin_t  origin;

    static const uint8_t  expected[] =
        "\1"
        "\0\0\1\7"
        "\x8\7\6\5\4\3\2\1"
        "\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11"
        "\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11"
        "\x22\x22\x22\x22\x22\x22\x22\x22\x22\x22\x22\x22\x22\x22\x22\x22"
        "\x22\x22\x22\x22\x22\x22\x22\x22\x22\x22\x22\x22\x22\x22\x22\x22"
        "\1\2\3\4\5"
        "\xff\xff\xff\xff\xff"
        "\x9" "a.example"
        "\1"
        "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1" "\3\2\1\x2a";

    (void) state;

    fill(&origin, "a.example", 1);

    len = sss_origin_write(&origin, out);

    assert_int_equal(len, sizeof(expected) - 1);
    assert_memory_equal(out, expected, len);
}


static void
test_what_was_written_is_read(void **state)
{
    size_t        i, j, len, again;
    char          name[SSS_SNI_MAX + 1];
    uint8_t       out[SSS_ORIGIN_MAX], second[SSS_ORIGIN_MAX];
    sss_origin_t  origin, back;

    const char  *names[] = { NULL, "x", "a.example", name };

    (void) state;

    memset(name, 'n', SSS_SNI_MAX);
    name[SSS_SNI_MAX] = '\0';
    memset(longest, 0x5a, sizeof(longest));

    for (i = 0; i < unit_count(names); i++) {

        for (j = 0; j <= SSS_ORIGIN_CHAIN; j++) {
            fill(&origin, names[i], j);

            len = sss_origin_write(&origin, out);
            assert_in_range(len, 1, SSS_ORIGIN_MAX);

            memset(&back, 0xa5, sizeof(back));
            assert_int_equal(sss_origin_read(out, len, &back), 0);

            assert_int_equal(back.generation, origin.generation);
            assert_true(back.badge == origin.badge);
            assert_int_equal(back.made, origin.made);
            assert_int_equal(back.expires, origin.expires);
            assert_int_equal(back.sni.len, origin.sni.len);
            assert_int_equal(back.n_chain, j);

            again = sss_origin_write(&back, second);
            assert_int_equal(again, len);
            assert_memory_equal(second, out, len);
        }
    }
}


static void
test_the_longest(void **state)
{
    size_t        i;
    char          name[SSS_SNI_MAX + 1];
    uint8_t       out[SSS_ORIGIN_MAX];
    sss_origin_t  origin;

    (void) state;

    memset(name, 'n', SSS_SNI_MAX);
    name[SSS_SNI_MAX] = '\0';

    fill(&origin, name, SSS_ORIGIN_CHAIN);

    for (i = 0; i < SSS_ORIGIN_CHAIN; i++) {
        origin.chain[i].serial = longest;
        origin.chain[i].serial_len = sizeof(longest);
    }

    assert_int_equal(sss_origin_write(&origin, out), SSS_ORIGIN_MAX);
}


static void
test_what_does_not_fit_is_not_written(void **state)
{
    uint8_t       out[SSS_ORIGIN_MAX];
    sss_origin_t  origin;

    (void) state;

    fill(&origin, "a.example", SSS_ORIGIN_CHAIN + 1);
    assert_int_equal(sss_origin_write(&origin, out), 0);

    fill(&origin, "a.example", 3);
    origin.chain[2].serial_len = SSS_ORIGIN_SERIAL + 1;
    assert_int_equal(sss_origin_write(&origin, out), 0);

    origin.chain[2].serial_len = 0;
    assert_int_equal(sss_origin_write(&origin, out), 0);

    origin.chain[2].serial_len = SSS_ORIGIN_SERIAL;
    origin.chain[2].serial = longest;
    assert_int_not_equal(sss_origin_write(&origin, out), 0);
}


static void
test_nothing_else_is_read(void **state)
{
    size_t        i, len;
    uint8_t       out[SSS_ORIGIN_MAX + 1];
    sss_origin_t  origin;

    /* offsets of what is not free, for "a.example" and one certificate */
    const size_t  sni = 1 + 4 + 8 + SSS_SCOPE_SIZE + SSS_ORIGIN_NAMES
                        + 2 * SSS_ORIGIN_TIME;
    const size_t  chain = sni + 1 + 9;

    (void) state;

    fill(&origin, "a.example", 1);
    len = sss_origin_write(&origin, out);

    for (i = 0; i < len; i++) {
        assert_int_equal(read_copy(out, i, &origin), -1);
    }

    out[len] = 0;
    assert_int_equal(read_copy(out, len + 1, &origin), -1);

    out[0] = 2;
    assert_int_equal(read_copy(out, len, &origin), -1);
    out[0] = 1;

    out[sni + 1] = 'A';                     /* not as it would be written */
    assert_int_equal(read_copy(out, len, &origin), -1);
    out[sni + 1] = '/';
    assert_int_equal(read_copy(out, len, &origin), -1);
    out[sni + 1] = 'a';

    out[chain] = SSS_ORIGIN_CHAIN + 1;
    assert_int_equal(read_copy(out, len, &origin), -1);
    out[chain] = 1;

    out[chain + 1 + SSS_ORIGIN_ISSUER] = 0;
    assert_int_equal(read_copy(out, len, &origin), -1);
    out[chain + 1 + SSS_ORIGIN_ISSUER] = SSS_ORIGIN_SERIAL + 1;
    assert_int_equal(read_copy(out, len, &origin), -1);
    out[chain + 1 + SSS_ORIGIN_ISSUER] = 3;

    assert_int_equal(read_copy(out, len, &origin), 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_what_was_written_is_read),
        cmocka_unit_test(test_the_longest),
        cmocka_unit_test(test_what_does_not_fit_is_not_written),
        cmocka_unit_test(test_nothing_else_is_read)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
