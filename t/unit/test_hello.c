
#include <malloc.h>

#include "bytes.h"

#include "sss_hello.h"


/*
 * A realloc() that fails on demand and remembers the largest size.  It is made
 * from malloc() and free(), which sanitizers replace.
 */

static unsigned  alloc_fail;            /* 0: none fails */
static size_t    alloc_most;
static unsigned  alloc_count;


void *
realloc(void *p, size_t size)
{
    void    *new;
    size_t   had;

    if (alloc_fail > 0 && --alloc_fail == 0) {
        return NULL;
    }

    alloc_count++;

    if (size > alloc_most) {
        alloc_most = size;
    }

    new = malloc(size);

    if (new != NULL && p != NULL) {
        had = malloc_usable_size(p);
        memcpy(new, p, had < size ? had : size);
        free(p);
    }

    return new;
}


/* Valgrind replaces our realloc(), so that these tests see nothing. */

static void
need_realloc(void)
{
    unsigned  before;
    void     *(*volatile ours) (void *, size_t) = realloc;

    before = alloc_count;
    free(ours(NULL, 16));

    if (alloc_count == before) {
        skip();
    }
}


static bytes_t  wire, body, hold;


/* Writes the fields from the version to the compression methods. */

static void
begin(const char *id, size_t id_len)
{
    body.len = 0;

    bytes_add(&body, "\x03\x03" "0123456789abcdef0123456789abcdef", 34);
    bytes_vector(&body, 1, id, id_len);
    bytes_vector(&body, 2, "\xc0\x2f\x00\xff", 4);
    bytes_vector(&body, 1, "\0", 1);
}


static void
add_extension(bytes_t *b, unsigned type, const void *p, size_t len)
{
    bytes_int(b, 2, type);
    bytes_vector(b, 2, p, len);
}


static void
extensions(const void *p, size_t len)
{
    bytes_vector(&body, 2, p, len);
}


/* Puts the body into a message, and that into records of "size" bytes. */

static void
records(size_t size)
{
    size_t  i, n;

    hold.len = 0;
    bytes_int(&hold, 1, 1);
    bytes_vector(&hold, 3, body.bytes, body.len);

    wire.len = 0;

    for (i = 0; i < hold.len; i += n) {
        n = hold.len - i < size ? hold.len - i : size;

        bytes_add(&wire, "\x16\x03\x01", 3);
        bytes_vector(&wire, 2, hold.bytes + i, n);
    }
}


/*
 * Feeds the wire in pieces of "size" bytes, each an exact copy: a sanitizer
 * sees a byte read too many.
 */

static sss_hello_rc_t
feed(sss_hello_t *hello, const uint8_t *p, size_t len, size_t size)
{
    size_t           n;
    uint8_t         *copy;
    sss_hello_rc_t   rc;

    rc = SSS_HELLO_MORE;

    while (len > 0) {
        n = len < size ? len : size;

        copy = malloc(n);
        assert_non_null(copy);
        memcpy(copy, p, n);

        rc = sss_hello_feed(hello, copy, n);

        memset(copy, 0xa5, n);
        free(copy);

        p += n;
        len -= n;
    }

    return rc;
}


/* Feeds the wire in pieces of several sizes; all results must be the same. */

static sss_hello_rc_t
ask(sss_hello_offer_t *offer)
{
    size_t             i;
    sss_hello_t       *hello;
    sss_hello_rc_t     rc, first;
    sss_hello_offer_t  found;

    static const size_t  pieces[] = { SIZE_MAX, 1, 2, 3, 5, 7, 64, 1000 };

    first = SSS_HELLO_MORE;

    hello = sss_hello_create();
    assert_non_null(hello);

    for (i = 0; i < unit_count(pieces); i++) {
        memset(&found, 0, sizeof(found));
        assert_null(sss_hello_offer(hello));

        rc = feed(hello, wire.bytes, wire.len, pieces[i]);

        if (rc == SSS_HELLO_DONE) {
            assert_non_null(sss_hello_offer(hello));
            found = *sss_hello_offer(hello);

        } else {
            assert_null(sss_hello_offer(hello));
        }

        sss_hello_clear(hello);

        if (i == 0) {
            first = rc;
            *offer = found;
        }

        assert_int_equal(rc, first);
        assert_memory_equal(&found, offer, sizeof(found));
    }

    sss_hello_destroy(hello);

    return first;
}


static sss_hello_rc_t
answer(void)
{
    sss_hello_offer_t  offer;

    return ask(&offer);
}


/* The result for a body with these extensions. */

static sss_hello_rc_t
answer_to(const void *p, size_t len)
{
    begin("", 0);
    extensions(p, len);
    records(16384);

    return answer();
}


static void
test_plain(void **state)
{
    sss_hello_offer_t  offer;

    (void) state;

    begin("", 0);
    records(16384);

    assert_int_equal(ask(&offer), SSS_HELLO_DONE);
    assert_true(unit_zero(&offer, sizeof(offer)));

    extensions("", 0);
    records(16384);

    assert_int_equal(ask(&offer), SSS_HELLO_DONE);
    assert_true(unit_zero(&offer, sizeof(offer)));
}


static void
test_everything(void **state)
{
    bytes_t            ext;
    sss_hello_offer_t  offer;

    (void) state;

    ext.len = 0;

    add_extension(&ext, 0, "\0\x0c\0\0\x09" "A.example", 14);
    add_extension(&ext, 0x0a0a, "", 0);
    add_extension(&ext, 35, "t", 1);
    add_extension(&ext, 43, "\x04\x03\x04\x03\x03", 5);
    add_extension(&ext, 41, "\0\x26\0\x20"
                  "0123456789ABCDEF0123456789ABCDEF" "\1\2\3\4"
                  "\0\x21\x20" "binder..........binder..........", 75);

    begin("abcdefghijklmnopABCDEFGHIJKLMNOP", 32);
    extensions(ext.bytes, ext.len);
    records(16384);

    assert_int_equal(ask(&offer), SSS_HELLO_DONE);

    assert_int_equal(offer.tls13, 1);
    assert_int_equal(offer.ticket, 1);
    assert_int_equal(offer.psk, 1);
    assert_int_equal(offer.sni_bad, 0);
    assert_int_equal(offer.id_len, 32);
    assert_memory_equal(offer.id, "abcdefghijklmnopABCDEFGHIJKLMNOP", 32);
    assert_int_equal(offer.psk_len, 32);
    assert_memory_equal(offer.psk_id, "0123456789ABCDEF0123456789ABCDEF",
                        32);
    assert_int_equal(offer.sni.len, 9);
    assert_memory_equal(offer.sni.name, "a.example", 9);
}


/* Each extension alone sets only its own flag. */

static void
test_extensions(void **state)
{
    size_t             i, k;
    char               psk[300];
    bytes_t            ext;
    sss_hello_offer_t  offer;

    static const struct {
        unsigned      type;
        const char   *bytes;
        size_t        len;
        unsigned      ticket, tls13, sni_bad;
    } cases[] = {
        { 35, "", 0, 0, 0, 0 },
        { 35, "\0", 1, 1, 0, 0 },
        { 43, "\x02\x03\x04", 3, 0, 1, 0 },
        { 43, "\x02\x03\x03", 3, 0, 0, 0 },
        { 43, "\x06\x7f\x1c\x03\x03\x03\x04", 7, 0, 1, 0 },
        { 43, "\x04\x00\x03\x04\x00", 5, 0, 0, 0 },
        { 0, "", 0, 0, 0, 1 },
        { 0, "\0\x06\0\0\x03" "a b", 8, 0, 0, 1 },
        { 0, "\0\x05\0\0\x03" "abc", 8, 0, 0, 1 },
        { 65535, "abc", 3, 0, 0, 0 },
        { 99, "abc", 3, 0, 0, 0 }
    };

    (void) state;

    for (i = 0; i < unit_count(cases); i++) {
        print_message("case %zu\n", i);

        ext.len = 0;
        add_extension(&ext, cases[i].type, cases[i].bytes, cases[i].len);

        begin("", 0);
        extensions(ext.bytes, ext.len);
        records(16384);

        assert_int_equal(ask(&offer), SSS_HELLO_DONE);
        assert_int_equal(offer.ticket, cases[i].ticket);
        assert_int_equal(offer.tls13, cases[i].tls13);
        assert_int_equal(offer.sni_bad, cases[i].sni_bad);
        assert_int_equal(offer.sni.len, 0);
        assert_int_equal(offer.psk, 0);
    }

    /* identities of every length, followed by one as long as an ID */

    memset(psk, 'p', sizeof(psk));

    for (k = 1; k < 70; k++) {
        hold.len = 0;
        bytes_int(&hold, 2, k + 44);
        bytes_vector(&hold, 2, psk, k);
        bytes_add(&hold, "\0\0\0\1\0\x20"
                         "0123456789abcdef0123456789abcdef1234", 42);
        bytes_add(&hold, "\0\x21\x20" "binder..........binder..........", 35);

        ext.len = 0;
        add_extension(&ext, 41, hold.bytes, hold.len);

        begin("", 0);
        extensions(ext.bytes, ext.len);
        records(16384);

        assert_int_equal(ask(&offer), SSS_HELLO_DONE);
        assert_int_equal(offer.psk, 1);
        assert_int_equal(offer.psk_len, 32);
        assert_memory_equal(offer.psk_id, k == 32 ? psk :
                            "0123456789abcdef0123456789abcdef", 32);
    }
}


static void
test_bad_extensions(void **state)
{
    size_t  i;

    static const struct {
        const char   *bytes;
        size_t        len;
    } bad[] = {
        { "\0", 1 },
        { "\0\x23\0", 3 },
        { "\0\x23\0\1", 4 },
        { "\0\x23\0\2t", 5 },
        { "\0\x23\0\1tt", 6 },

        /* twice, empty or not */

        { "\0\x23\0\0\0\x23\0\0", 8 },
        { "\0\x23\0\1t\0\x23\0\0", 9 },
        { "\0\0\0\0\0\0\0\0", 8 },
        { "\0\x2b\0\3\2\3\4\0\x2b\0\3\2\3\4", 14 },

        /* versions: none, an empty list, odd, short, long */

        { "\0\x2b\0\0", 4 },
        { "\0\x2b\0\1\0", 5 },
        { "\0\x2b\0\2\1\3", 6 },
        { "\0\x2b\0\4\3\3\4\3", 8 },
        { "\0\x2b\0\3\4\3\4", 7 },
        { "\0\x2b\0\3\1\3\4", 7 },
        { "\0\x2b\0\4\2\3\4\0", 8 },

        /* keys: none, no identity, an empty one, no age, a long list */

        { "\0\x29\0\0", 4 },
        { "\0\x29\0\2\0\0", 6 },
        { "\0\x29\0\4\0\2\0\0", 8 },
        { "\0\x29\0\x08\0\6\0\0\0\0\0\0", 12 },
        { "\0\x29\0\5\0\3\0\1p", 9 },
        { "\0\x29\0\x08\0\6\0\1p\0\0\0", 12 },
        { "\0\x29\0\x09\0\x08\0\1p\0\0\0\0", 13 },
        { "\0\x29\0\x09\0\7\0\2p\0\0\0\0", 13 },

        /* not the last one */

        { "\0\x29\0\x09\0\7\0\1p\0\0\0\0\0\x23\0\0", 17 }
    };

    (void) state;

    for (i = 0; i < unit_count(bad); i++) {
        print_message("case %zu\n", i);
        assert_int_equal(answer_to(bad[i].bytes, bad[i].len),
                         SSS_HELLO_OTHER);
    }

    /* small changes make some of them valid */

    assert_int_equal(answer_to("\0\x23\0\0", 4), SSS_HELLO_DONE);
    assert_int_equal(answer_to("\x0a\x0a\0\0\x0a\x0a\0\0", 8),
                     SSS_HELLO_DONE);
    assert_int_equal(answer_to("\0\x29\0\x09\0\7\0\1p\0\0\0\0", 13),
                     SSS_HELLO_DONE);
    assert_int_equal(answer_to("\0\x23\0\0\0\x29\0\x09\0\7\0\1p\0\0\0\0",
                               17),
                     SSS_HELLO_DONE);
}


static void
test_bad_bodies(void **state)
{
    size_t             i, len;
    char               id[40];
    bytes_t            whole;
    sss_hello_offer_t  offer;

    (void) state;

    memset(id, 'i', sizeof(id));

    for (i = 0; i < sizeof(id); i++) {
        begin(id, i);
        records(16384);

        assert_int_equal(ask(&offer), i <= 32 ? SSS_HELLO_DONE
                                              : SSS_HELLO_OTHER);
        assert_int_equal(offer.id_len, i <= 32 ? i : 0);
        assert_memory_equal(offer.id, id, offer.id_len);
    }

    /* cut anywhere, and one byte more */

    begin(id, 5);
    len = body.len;
    extensions("\0\x23\0\1t", 5);
    whole = body;

    for (i = 0; i < whole.len; i++) {
        body.len = i;
        records(16384);

        assert_int_equal(answer(), i == len ? SSS_HELLO_DONE
                                            : SSS_HELLO_OTHER);
    }

    body.len = i;
    records(16384);
    assert_int_equal(answer(), SSS_HELLO_DONE);

    bytes_add(&body, "", 1);
    records(16384);
    assert_int_equal(answer(), SSS_HELLO_OTHER);

    /* cipher suites: none, odd; compression methods: none, some */

    body.len = 35;
    bytes_add(&body, "\0\0\1\0", 4);
    body.bytes[34] = 0;
    records(16384);
    assert_int_equal(answer(), SSS_HELLO_OTHER);

    body.len = 35;
    bytes_add(&body, "\0\3\0\1\2\1\0", 7);
    records(16384);
    assert_int_equal(answer(), SSS_HELLO_OTHER);

    body.len = 35;
    bytes_add(&body, "\0\2\0\1\0", 5);
    records(16384);
    assert_int_equal(answer(), SSS_HELLO_DONE);

    body.len = 35;
    bytes_add(&body, "\0\2\0\1\1\0", 6);
    records(16384);
    assert_int_equal(answer(), SSS_HELLO_DONE);
}


static void
test_records(void **state)
{
    size_t       i;
    sss_hello_t  *hello;

    (void) state;

    begin("0123456789abcdef", 16);
    extensions("\0\x23\0\1t", 5);

    for (i = 1; i <= body.len + 4; i++) {
        records(i);
        assert_int_equal(answer(), SSS_HELLO_DONE);
    }

    /* it is complete only with the last byte */

    for (i = 1; i < 40; i++) {
        records(i);

        hello = sss_hello_create();
        assert_int_equal(feed(hello, wire.bytes, wire.len - 1, SIZE_MAX),
                         SSS_HELLO_MORE);
        assert_int_equal(sss_hello_feed(hello, NULL, 0), SSS_HELLO_MORE);
        assert_int_equal(sss_hello_feed(hello, wire.bytes + wire.len - 1, 1),
                         SSS_HELLO_DONE);
        sss_hello_destroy(hello);
    }

    /* what follows is ignored, in this record or in the next */

    records(100);
    bytes_add(&wire, "anything", 8);
    assert_int_equal(answer(), SSS_HELLO_DONE);

    records(16384);
    bytes_add(&wire, "more", 4);
    wire.bytes[4] = (uint8_t) (wire.bytes[4] + 4);
    assert_int_equal(answer(), SSS_HELLO_DONE);

    /* any minor version, and not the same in each record */

    records(30);
    wire.bytes[2] = 0;
    wire.bytes[35 + 2] = 255;
    assert_int_equal(answer(), SSS_HELLO_DONE);
}


static void
test_other(void **state)
{
    size_t  i;

    static const struct {
        const char   *bytes;
        size_t        len;
        size_t        at;       /* bytes that are enough to tell */
    } cases[] = {
        { "GET / HTTP/1.1\r\n", 16, 1 },
        { "\x16\x02\x01\0\5", 5, 2 },
        { "\x16\x04", 2, 2 },
        { "\x80\x2e\x01\x03\x01", 5, 1 },
        { "\x15\x03\x01\0\2\1\0", 7, 1 },
        { "\x17\x03\x03\0\2\1\0", 7, 1 },
        { "\x14\x03\x03\0\1\1", 6, 1 },
        { "\x16\x03\x01\0\0", 5, 5 },
        { "\x16\x03\x01\x40\x01", 5, 5 },
        { "\x16\x03\x01\xff\xff", 5, 5 },
        { "\x16\x03\x01\0\5\2", 6, 6 },
        { "\x16\x03\x01\0\5\0\0\0\0", 9, 6 },
        { "\x16\x03\x01\0\5\1\x02\x01\x45", 9, 9 },
        { "\x16\x03\x01\0\5\1\xff\xff\xff", 9, 9 },
        { "\x16\x03\x01\0\5\1\0\0\0\0", 10, 9 },
        { "\x16\x03\x01\0\5\1\0\0\1\0", 10, 10 },
        { "\x16\x03\x01\0\1\1\x15\x03\x01\0\1\0", 12, 7 },
        { "\x16\x03\x01\0\1\1\x16\x03\x01\0\0", 11, 11 }
    };

    (void) state;

    for (i = 0; i < unit_count(cases); i++) {
        print_message("case %zu\n", i);

        wire.len = 0;
        bytes_add(&wire, cases[i].bytes, cases[i].len);
        assert_int_equal(answer(), SSS_HELLO_OTHER);

        wire.len = cases[i].at;
        assert_int_equal(answer(), SSS_HELLO_OTHER);

        wire.len = cases[i].at - 1;
        assert_int_equal(answer(), SSS_HELLO_MORE);
    }
}


/* After a final result every call returns the same. */

static void
test_stays(void **state)
{
    sss_hello_t              *hello;
    sss_hello_offer_t         offer;
    const sss_hello_offer_t  *kept;

    (void) state;

    begin("0123456789abcdef", 16);
    records(20);

    hello = sss_hello_create();
    assert_int_equal(feed(hello, wire.bytes, wire.len, 11), SSS_HELLO_DONE);

    kept = sss_hello_offer(hello);
    offer = *kept;

    assert_int_equal(sss_hello_feed(hello, (const uint8_t *) "GET", 3),
                     SSS_HELLO_DONE);
    assert_int_equal(feed(hello, wire.bytes, wire.len, 1), SSS_HELLO_DONE);
    assert_int_equal(sss_hello_feed(hello, NULL, 0), SSS_HELLO_DONE);
    assert_ptr_equal(sss_hello_offer(hello), kept);
    assert_memory_equal(kept, &offer, sizeof(offer));

    sss_hello_destroy(hello);

    hello = sss_hello_create();
    assert_int_equal(sss_hello_feed(hello, (const uint8_t *) "G", 1),
                     SSS_HELLO_OTHER);
    assert_int_equal(feed(hello, wire.bytes, wire.len, SIZE_MAX),
                     SSS_HELLO_OTHER);
    assert_null(sss_hello_offer(hello));

    sss_hello_destroy(hello);
    sss_hello_destroy(NULL);
}


/* The longest that OpenSSL takes, in the smallest and the largest records. */

static void
test_longest(void **state)
{
    size_t             i, n;
    sss_hello_t       *hello;
    sss_hello_offer_t  offer;

    static uint8_t       zero[65536];
    static const size_t  sizes[] = { 16384, 16383, 1000, 1 };

    (void) state;

    for (i = 0; i < unit_count(sizes); i++) {
        body.len = 0;
        bytes_add(&body, "\x03\x03" "0123456789abcdef0123456789abcdef", 34);
        bytes_vector(&body, 1, "id", 2);
        bytes_vector(&body, 2, zero, 65534);
        bytes_vector(&body, 1, "\0", 1);

        hold.len = 0;
        n = SSS_HELLO_MAX - body.len - 2;
        add_extension(&hold, 35, zero, n > 65531 ? 65531 : n - 4);
        extensions(hold.bytes, hold.len);

        /* vectors cannot be longer, so the whole limit cannot be used */

        assert_true(body.len <= SSS_HELLO_MAX);
        assert_true(body.len > 131000);

        records(sizes[i]);

        hello = sss_hello_create();
        assert_int_equal(feed(hello, wire.bytes, wire.len - 1, SIZE_MAX),
                         SSS_HELLO_MORE);
        assert_int_equal(sss_hello_feed(hello, wire.bytes + wire.len - 1, 1),
                         SSS_HELLO_DONE);
        assert_int_equal(sss_hello_offer(hello)->id_len, 2);
        sss_hello_destroy(hello);

        assert_int_equal(ask(&offer), SSS_HELLO_DONE);
        assert_int_equal(offer.ticket, 1);
    }

    /* at the limit it is read to the end, and then found to be malformed */

    begin("", 0);
    while (body.len < SSS_HELLO_MAX) {
        bytes_add(&body, "", 1);
    }

    records(16384);

    hello = sss_hello_create();
    assert_int_equal(feed(hello, wire.bytes, wire.len - 1, SIZE_MAX),
                     SSS_HELLO_MORE);
    assert_int_equal(sss_hello_feed(hello, wire.bytes + wire.len - 1, 1),
                     SSS_HELLO_OTHER);
    sss_hello_destroy(hello);
}


/* Memory grows with what has arrived, to twice that at most. */

static void
test_memory(void **state)
{
    size_t        i;
    sss_hello_t  *hello;

    (void) state;

    need_realloc();

    begin("0123456789abcdef", 16);
    records(16384);

    /* all in one piece: no buffer is needed */

    alloc_count = 0;
    hello = sss_hello_create();
    assert_int_equal(sss_hello_feed(hello, wire.bytes, wire.len),
                     SSS_HELLO_DONE);
    sss_hello_destroy(hello);
    assert_int_equal(alloc_count, 0);

    /* only a header with a large length */

    alloc_most = 0;
    hello = sss_hello_create();
    assert_int_equal(sss_hello_feed(hello, (const uint8_t *)
                                    "\x16\x03\x01\x40\0\1\x02\x01\x44", 9),
                     SSS_HELLO_MORE);
    assert_in_range(alloc_most, 4, 1024);

    for (i = 0; i < 16380; i++) {
        assert_int_equal(sss_hello_feed(hello, (const uint8_t *) "", 1),
                         SSS_HELLO_MORE);
        assert_true(alloc_most <= 1024 || alloc_most <= 2 * (i + 5));
    }

    assert_true(alloc_most >= 16384);
    sss_hello_destroy(hello);

    /* never more than the length of the message, when that is known */

    begin("", 0);
    while (body.len < 3000) {
        bytes_add(&body, "", 1);
    }

    records(16384);
    alloc_most = 0;
    hello = sss_hello_create();
    assert_int_equal(feed(hello, wire.bytes, wire.len - 1, 700),
                     SSS_HELLO_MORE);
    sss_hello_destroy(hello);
    assert_int_equal(alloc_most, 3004);
}


static void
test_no_memory(void **state)
{
    unsigned      i;
    sss_hello_t  *hello;

    (void) state;

    need_realloc();

    begin("", 0);
    while (body.len < 5000) {
        bytes_add(&body, "", 1);
    }

    records(100);

    for (i = 1; i < 100; i++) {
        hello = sss_hello_create();
        assert_non_null(hello);

        alloc_fail = i;

        /* it is malformed: SSS_HELLO_OTHER even with enough memory */

        if (sss_hello_feed(hello, wire.bytes, wire.len - 1)
            == SSS_HELLO_MORE)
        {
            sss_hello_destroy(hello);
            break;
        }

        assert_int_equal(alloc_fail, 0);
        assert_int_equal(sss_hello_feed(hello, wire.bytes, wire.len),
                         SSS_HELLO_OTHER);
        assert_null(sss_hello_offer(hello));

        sss_hello_destroy(hello);
    }

    alloc_fail = 0;

    assert_in_range(i, 3, 10);
}


/* Random bytes have a result, which is the same for pieces of any size. */

static void
test_noise(void **state)
{
    size_t     i, n;
    bytes_t   *good;
    uint64_t   seed;

    (void) state;

    seed = 7;
    good = test_malloc(sizeof(bytes_t));

    begin("0123456789abcdef0123456789abcdef", 32);
    extensions("\0\x23\0\1t\0\0\0\6\0\4\0\0\1a\0\x2b\0\3\2\3\4"
               "\0\x29\0\x09\0\7\0\1p\0\0\0\0", 35);
    records(40);
    *good = wire;

    for (i = 0; i < 20000; i++) {
        memcpy(wire.bytes, good->bytes, good->len);

        for (n = 1 + unit_random(&seed) % 3; n > 0; n--) {
            wire.bytes[unit_random(&seed) % wire.len]
                = (uint8_t) unit_random(&seed);
        }

        (void) answer();
    }

    test_free(good);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_everything),
        cmocka_unit_test(test_extensions),
        cmocka_unit_test(test_bad_extensions),
        cmocka_unit_test(test_bad_bodies),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_other),
        cmocka_unit_test(test_stays),
        cmocka_unit_test(test_longest),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_noise)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
