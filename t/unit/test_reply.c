
/* Replies of a memcached server: complete, in pieces and wrong. */


#include "unit.h"

#include "sss_reply.h"


#define NAME  "sss1:0123456789012345678901234567890123456789"


static sss_reply_rc_t
parse(const char *text, sss_reply_t *reply)
{
    size_t           len;
    uint8_t         *copy;
    sss_reply_rc_t   rc;

    /* an exact copy: a sanitizer sees a byte read too many */

    len = strlen(text);
    copy = malloc(len + 1);
    assert_non_null(copy);
    memcpy(copy, text, len);

    copy = realloc(copy, len ? len : 1);
    assert_non_null(copy);

    rc = sss_reply_parse(copy, len, reply);

    if (rc == SSS_REPLY_VALUE_OF) {
        reply->name = (const uint8_t *) text + (reply->name - copy);
        reply->value = (const uint8_t *) text + (reply->value - copy);
    }

    free(copy);

    return rc;
}


static void
test_words(void **state)
{
    sss_reply_t  reply;

    (void) state;

    assert_int_equal(parse("END\r\n", &reply), SSS_REPLY_END);
    assert_int_equal(reply.size, 5);
    assert_int_equal(parse("END\r\nEND\r\n", &reply), SSS_REPLY_END);
    assert_int_equal(reply.size, 5);
    assert_int_equal(parse("DELETED\r\n", &reply), SSS_REPLY_DELETED);
    assert_int_equal(reply.size, 9);
    assert_int_equal(parse("NOT_FOUND\r\n", &reply), SSS_REPLY_NOT_FOUND);
    assert_int_equal(reply.size, 11);
    assert_int_equal(parse("STORED\r\n", &reply), SSS_REPLY_STORED);
    assert_int_equal(parse("NOT_STORED\r\n", &reply), SSS_REPLY_NOT_STORED);
    assert_int_equal(parse("EXISTS\r\n", &reply), SSS_REPLY_EXISTS);
    assert_null(reply.error);
}


static void
test_refusals(void **state)
{
    size_t       i;
    char         line[64];
    sss_reply_t  reply;

    static const char  *known[] = {
        "ERROR", "ERROR Too many open connections",
        "CLIENT_ERROR unauthenticated",
        "SERVER_ERROR out of memory storing object",
        "SERVER_ERROR object too large for cache",
        "SERVER_ERROR Out of memory during read"
    };

    (void) state;

    for (i = 0; i < unit_count(known); i++) {
        snprintf(line, sizeof(line), "%s\r\n", known[i]);

        assert_int_equal(parse(line, &reply), SSS_REPLY_ERROR);
        assert_string_equal(reply.error, known[i]);
        assert_int_equal(reply.size, strlen(line));
    }
}


/* An item, and how long it will be there. */

static void
test_meta(void **state)
{
    size_t       i;
    sss_reply_t  reply;

    static char               good[] = "VA 5 t17\r\nvalue\r\nEN\r\n";
    static const char *const  bad[] = {
        "VA\r\n", "VA \r\n", "VA 5\r\n", "VA 5 \r\n", "VA 5 t\r\n",
        "VA 5 t-1\r\nvalue\r\n", "VA 5 17\r\nvalue\r\n",
        "VA 5 t17 \r\nvalue\r\n", "VA 5 t17 c1\r\nvalue\r\n",
        "VA 5 t4294967296\r\nvalue\r\n", "VA -1 t17\r\nvalue\r\n",
        "VA 4 t17\r\nvalue\r\n", "VA 18446744073709551615 t1\r\nv\r\n",
        "VA 5  t17\r\nvalue\r\n", "va 5 t17\r\nvalue\r\n",
        "HD t17\r\n", "OK t17\r\n"
    };

    (void) state;

    assert_int_equal(sss_reply_parse((uint8_t *) good, strlen(good), &reply),
                     SSS_REPLY_META);
    assert_int_equal(reply.size, strlen(good) - 4);
    assert_ptr_equal(reply.value, good + 10);
    assert_int_equal(reply.len, 5);
    assert_int_equal(reply.left, 17);

    for (i = 0; i < 17; i++) {
        assert_int_equal(sss_reply_parse((uint8_t *) good, i, &reply),
                         SSS_REPLY_MORE);
    }

    assert_int_equal(parse("EN\r\n", &reply), SSS_REPLY_NO_META);
    assert_int_equal(parse("VA 0 t4294967295\r\n\r\n", &reply),
                     SSS_REPLY_META);
    assert_int_equal(parse("VA 1048577 t1\r\n", &reply), SSS_REPLY_LARGE);

    for (i = 0; i < unit_count(bad); i++) {
        print_message("%s", bad[i]);
        assert_int_equal(parse(bad[i], &reply), SSS_REPLY_BAD);
    }
}


static void
test_statistics(void **state)
{
    sss_reply_t    reply;
    static char    line[] = "STAT time 17\r\nEND\r\n";

    (void) state;

    assert_int_equal(sss_reply_parse((uint8_t *) line, strlen(line), &reply),
                     SSS_REPLY_STAT);
    assert_ptr_equal(reply.name, line + 5);
    assert_int_equal(reply.name_len, 7);
    assert_int_equal(reply.size, 14);

    assert_int_equal(parse("STAT \r\n", &reply), SSS_REPLY_STAT);
    assert_int_equal(reply.name_len, 0);
}


/* Only its line is parsed. */

static void
test_large(void **state)
{
    sss_reply_t  reply;

    (void) state;

    assert_int_equal(parse("VALUE n 0 1048577 7\r\n", &reply),
                     SSS_REPLY_LARGE);
    assert_int_equal(reply.len, 1048577);
    assert_int_equal(reply.size, 21);
    assert_int_equal(reply.cas, 7);
    assert_null(reply.value);

    assert_int_equal(parse("VALUE n 0 1073741824\r\nx", &reply),
                     SSS_REPLY_LARGE);
}


static void
test_values(void **state)
{
    sss_reply_t  reply;

    (void) state;

    assert_int_equal(parse("VALUE " NAME " 0 5\r\nvalue\r\nEND\r\n", &reply),
                     SSS_REPLY_VALUE_OF);
    assert_int_equal(reply.name_len, strlen(NAME));
    assert_memory_equal(reply.name, NAME, reply.name_len);
    assert_int_equal(reply.len, 5);
    assert_memory_equal(reply.value, "value", 5);
    assert_int_equal(reply.size, 6 + strlen(NAME) + 6 + 7);
    assert_int_equal(reply.versioned, 0);

    assert_int_equal(parse("VALUE n 4294967295 0 18446744073709551615\r\n"
                           "\r\n", &reply),
                     SSS_REPLY_VALUE_OF);
    assert_int_equal(reply.len, 0);

    assert_int_equal(parse("VALUE n 0 0 18446744073709551615\r\n\r\n",
                           &reply), SSS_REPLY_VALUE_OF);
    assert_int_equal(reply.versioned, 1);
    assert_true(reply.cas == UINT64_MAX);

    /* a line end in it is part of it */

    assert_int_equal(parse("VALUE n 0 9\r\nEND\r\nEND\r\r\n", &reply),
                     SSS_REPLY_VALUE_OF);
    assert_memory_equal(reply.value, "END\r\nEND\r", 9);
}


static void
test_pieces(void **state)
{
    char         piece[128];
    size_t       n;
    sss_reply_t  reply;

    static const char  whole[] = "VALUE " NAME " 0 12 7\r\nsome\r\nvalue!\r\n";

    (void) state;

    for (n = 0; n < sizeof(whole) - 1; n++) {

        memcpy(piece, whole, n);
        piece[n] = '\0';

        assert_int_equal(parse(piece, &reply), SSS_REPLY_MORE);
        assert_in_range(reply.size, n + 1, sizeof(whole) - 1);
    }

    assert_int_equal(parse(whole, &reply), SSS_REPLY_VALUE_OF);
    assert_int_equal(reply.size, sizeof(whole) - 1);
}


static void
test_bad(void **state)
{
    size_t       i;
    sss_reply_t  reply;

    static const char  *bad[] = {
        "\n", "\r\n", "END\n", "END \r\n", " END\r\n", "end\r\n", "EN \r\n",
        "ENDED\r\n", "END\r\r\n", "DELETED \r\n", "NOT_STORE\r\n",
        "STORED \r\n", " EXISTS\r\n", "OK\r\n", "ERROR \r\n",
        "SERVER_ERROR x\r\n", "CLIENT_ERROR\r\n", "VERSION\r\n",
        "VERSION 1.6\r\n", "STAT\r\n", "STATS a\r\n", "17\r\n",
        "ERRORS\r\n", "VALUE\r\n",
        "VALUE \r\n", "VALUE n\r\n", "VALUE n \r\n", "VALUE n 0\r\n",
        "VALUE n 0 \r\n", "VALUE  0 1\r\nv\r\n", "VALUE n  1\r\nv\r\n",
        "VALUE n 0  1\r\nv\r\n", "VALUE n 0 1 \r\nv\r\n",
        "VALUE n 0 1 2 \r\nv\r\n", "VALUE n 0 1 2 3\r\nv\r\n",
        "VALUE n x 1\r\nv\r\n", "VALUE n 0 x\r\nv\r\n",
        "VALUE n 0x 1\r\nv\r\n", "VALUE n 0 1x\r\nv\r\n",
        "VALUE n 0 1 x\r\nv\r\n", "VALUE n -1 1\r\nv\r\n",
        "VALUE n 0 -1\r\nv\r\n", "VALUE n 0 +1\r\nv\r\n",
        "VALUE n 4294967296 1\r\nv\r\n", "VALUE n 0 1048577 \r\nv\r\n",
        "VALUE n 0 18446744073709551615\r\nv\r\n",
        "VALUE n 0 18446744073709551616\r\nv\r\n",
        "VALUE n 0 18446744073709551617\r\nv\r\n",
        "VALUE n 0 1 18446744073709551616\r\nv\r\n",
        "VALUE n 0 1\r\nvv\r\n", "VALUE n 0 1\r\n\r\n\r\n",
        "VALUE n 0 1\nv\r\n", "VALUE n 0 1\r\nv\n\n", "value n 0 1\r\nv\r\n"
    };

    (void) state;

    for (i = 0; i < unit_count(bad); i++) {
        if (parse(bad[i], &reply) != SSS_REPLY_BAD) {
            fail_msg("\"%s\" is taken for an answer", bad[i]);
        }
    }
}


static void
test_limits(void **state)
{
    char         line[2 * SSS_REPLY_LINE];
    uint8_t     *p;
    size_t       n;
    sss_reply_t  reply;

    (void) state;

    memset(line, 'V', sizeof(line));

    for (n = 0; n < SSS_REPLY_LINE; n++) {
        assert_int_equal(sss_reply_parse((uint8_t *) line, n, &reply),
                         SSS_REPLY_MORE);
    }

    assert_int_equal(sss_reply_parse((uint8_t *) line, SSS_REPLY_LINE,
                                     &reply), SSS_REPLY_BAD);
    assert_int_equal(sss_reply_parse((uint8_t *) line, sizeof(line), &reply),
                     SSS_REPLY_BAD);

    for (n = 249; n < 252; n++) {
        memset(line, 'n', sizeof(line));
        memcpy(line, "VALUE ", 6);
        snprintf(line + 6 + n, sizeof(line) - 6 - n, " 0 1\r\nv\r\n");

        assert_int_equal(sss_reply_parse((uint8_t *) line, strlen(line),
                                         &reply),
                         n > 250 ? SSS_REPLY_BAD : SSS_REPLY_VALUE_OF);
    }

    p = calloc(1, SSS_REPLY_MAX);
    assert_non_null(p);

    n = (size_t) sprintf((char *) p, "VALUE n 0 %d\r\n", SSS_REPLY_VALUE);
    memcpy(p + n + SSS_REPLY_VALUE, "\r\n", 2);

    assert_int_equal(sss_reply_parse(p, n + SSS_REPLY_VALUE + 1, &reply),
                     SSS_REPLY_MORE);
    assert_int_equal(reply.size, n + SSS_REPLY_VALUE + 2);
    assert_int_equal(sss_reply_parse(p, n + SSS_REPLY_VALUE + 2, &reply),
                     SSS_REPLY_VALUE_OF);
    assert_int_equal(reply.len, SSS_REPLY_VALUE);

    free(p);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_meta),
        cmocka_unit_test(test_statistics),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
