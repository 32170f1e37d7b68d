
/* What early data goes with, in ClientHellos that are put together here. */


#include "bytes.h"

#include "sss_hello.h"


static void
add_many(bytes_t *b, char c, size_t n)
{
    while (n-- > 0) {
        bytes_add(b, &c, 1);
    }
}


/* Two PSKs, the first with an identity and a binder of these lengths. */

static void
psks(bytes_t *b, size_t identity, size_t binder, size_t cut)
{
    static bytes_t  list;

    list.len = 0;
    bytes_int(&list, 2, identity);
    add_many(&list, 'f', identity);
    bytes_add(&list, "\1\2\3\4", 4);
    bytes_int(&list, 2, 100);
    add_many(&list, 's', 100);
    bytes_add(&list, "\5\6\7\10", 4);

    b->len = 0;
    bytes_vector(b, 2, list.bytes, list.len);

    list.len = 0;
    bytes_int(&list, 1, binder);
    add_many(&list, 'b', binder);
    bytes_int(&list, 1, 32);
    add_many(&list, 'x', 32);

    bytes_vector(b, 2, list.bytes, list.len);
    b->len -= cut;
}


/* In records of so many bytes, as they may be. */

static void
hello_of(bytes_t *wire, const bytes_t *extensions, size_t record)
{
    size_t          i, n;
    static bytes_t  body, message;

    body.len = 0;
    bytes_add(&body, "\x03\x03" "0123456789abcdef0123456789abcdef", 34);
    bytes_add(&body, "\0\0\2\x13\1\1\0", 7);
    bytes_vector(&body, 2, extensions->bytes, extensions->len);

    message.len = 0;
    bytes_int(&message, 1, 1);
    bytes_vector(&message, 3, body.bytes, body.len);

    wire->len = 0;

    for (i = 0; i < message.len; i += n) {
        n = message.len - i < record ? message.len - i : record;
        bytes_add(wire, "\x16\3\1", 3);
        bytes_int(wire, 2, n);
        bytes_add(wire, message.bytes + i, n);
    }
}


static void
test_early(void **state)
{
    size_t                    i;
    sss_hello_t              *hello;
    static bytes_t            psk, extensions, wire;
    const sss_hello_early_t  *early;

    static const struct {
        int      offered;               /* early data                      */
        size_t   identity;
        size_t   binder;
        size_t   cut;                   /* bytes at the end of the PSKs    */
        size_t   record;
        int      found;
    } cases[] = {
        { 1, 100, 32, 0, 16384, 1 },
        { 1, 1, 48, 0, 16384, 1 },
        { 1, 4000, 64, 0, 16384, 1 },
        { 1, 4000, 64, 0, 7, 1 },
        { 0, 100, 32, 0, 16384, 0 },
        { 1, 100, 31, 0, 16384, 0 },
        { 1, 100, 65, 0, 16384, 0 },
        { 1, 100, 255, 0, 16384, 0 },
        { 1, 100, 32, 1, 16384, 0 },
        { 1, 100, 32, 40, 16384, 0 },
        { 1, 100, 32, 68, 16384, 0 },
    };

    (void) state;

    hello = sss_hello_create();
    assert_non_null(hello);

    for (i = 0; i < unit_count(cases); i++) {
        print_message("case %zu\n", i);

        psks(&psk, cases[i].identity, cases[i].binder, cases[i].cut);

        extensions.len = 0;

        if (cases[i].offered) {
            bytes_int(&extensions, 2, 42);
            bytes_int(&extensions, 2, 0);
        }

        bytes_int(&extensions, 2, 41);
        bytes_vector(&extensions, 2, psk.bytes, psk.len);

        hello_of(&wire, &extensions, cases[i].record);

        assert_int_equal(sss_hello_feed(hello, wire.bytes, wire.len),
                         SSS_HELLO_DONE);
        assert_int_equal(sss_hello_offer(hello)->early, cases[i].offered);
        assert_int_equal(sss_hello_offer(hello)->psk, 1);

        early = sss_hello_early(hello);
        assert_int_equal(early != NULL, cases[i].found);

        if (early != NULL) {
            assert_int_equal(early->age, 0x01020304);
            assert_int_equal(early->identity_len, cases[i].identity);
            assert_int_equal(early->identity[0], 'f');
            assert_int_equal(early->identity[early->identity_len - 1], 'f');
            assert_int_equal(early->binder_len, cases[i].binder);
            assert_int_equal(early->binder[0], 'b');
            assert_int_equal(early->binder[early->binder_len - 1], 'b');
        }

        sss_hello_clear(hello);
        assert_null(sss_hello_early(hello));
    }

    sss_hello_destroy(hello);
}


/* Behind the PSKs it would be in a ClientHello that OpenSSL refuses. */

static void
test_order(void **state)
{
    sss_hello_t      *hello;
    static bytes_t    psk, extensions, wire;

    (void) state;

    hello = sss_hello_create();
    assert_non_null(hello);

    psks(&psk, 100, 32, 0);

    extensions.len = 0;
    bytes_int(&extensions, 2, 41);
    bytes_vector(&extensions, 2, psk.bytes, psk.len);
    bytes_int(&extensions, 2, 42);
    bytes_int(&extensions, 2, 0);

    hello_of(&wire, &extensions, 16384);
    assert_int_equal(sss_hello_feed(hello, wire.bytes, wire.len),
                     SSS_HELLO_OTHER);
    assert_null(sss_hello_early(hello));
    sss_hello_clear(hello);

    /* and twice as well */

    extensions.len = 0;
    bytes_add(&extensions, "\0\x2a\0\0\0\x2a\0\0", 8);
    bytes_int(&extensions, 2, 41);
    bytes_vector(&extensions, 2, psk.bytes, psk.len);

    hello_of(&wire, &extensions, 16384);
    assert_int_equal(sss_hello_feed(hello, wire.bytes, wire.len),
                     SSS_HELLO_OTHER);

    sss_hello_destroy(hello);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_early),
        cmocka_unit_test(test_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
