
/*
 * A conversation with a memcached server that answers correctly, wrongly, in
 * pieces and too late.  No real server is needed.
 */


#include "unit.h"

#include "sss_reply.h"
#include "sss_talk.h"


#define NAME    "sss1:0123456789012345678901234567890123456789"
#define OTHER   "sss1:9876543210987654321098765432109876543210"
#define LATER   1000


typedef struct {
    const char    *bytes;
    size_t         len;
    const char    *why;
} answer_t;

#define answer(s)           { s, sizeof(s) - 1, NULL }
#define answer_why(s, why)  { s, sizeof(s) - 1, why }


typedef struct {
    sss_talk_t      talk;
    sss_queue_t     done;
    sss_item_t      items[2];
    sss_exchange_t  x;
} fixture_t;


static void
begin(fixture_t *f)
{
    memset(f, 0, sizeof(fixture_t));

    f->talk.done = &f->done;
    f->talk.reason = "the connection was closed";

    strcpy(f->items[0].name, NAME);
    strcpy(f->items[1].name, OTHER);
}


static void
finish(fixture_t *f)
{
    sss_talk_forget(&f->talk);
    sss_talk_end(&f->talk);
    sss_queue_free(&f->done);
    sss_exchange_clear(&f->x);
}


static void
want_read(fixture_t *f, size_t n)
{
    sss_exchange_read(&f->x, f->items, n);
}


static void
want_write(fixture_t *f, uint64_t cas)
{
    uint8_t  *value;

    value = malloc(5);
    assert_non_null(value);
    memcpy(value, "value", 5);

    sss_exchange_write(&f->x, NAME, cas, value, 5, 60);
}


static void
ask(fixture_t *f)
{
    assert_int_equal(f->x.state, SSS_EXCHANGE_WANTED);
    assert_int_equal(sss_talk_ask(&f->talk, &f->x, 0, LATER), 0);
    assert_int_equal(f->x.state, SSS_EXCHANGE_ASKED);
}


static int
hear(fixture_t *f, const char *bytes, size_t len)
{
    assert_int_equal(sss_buffer_add(&f->talk.in, bytes, len), 0);

    return sss_talk_hear(&f->talk, 1);
}


static int
hear_text(fixture_t *f, const char *text)
{
    return hear(f, text, strlen(text));
}


/* Byte by byte as well as at once. */

static void
hear_all(fixture_t *f, const char *bytes, size_t len, int drip)
{
    int     rc;
    size_t  i;

    if (!drip) {
        (void) hear(f, bytes, len);

    } else {
        rc = 0;

        for (i = 0; i < len && rc == 0; i++) {
            rc = hear(f, bytes + i, 1);
        }
    }

    sss_talk_end(&f->talk);

    assert_int_equal(f->x.state, SSS_EXCHANGE_DONE);
}


static void
assert_failed(fixture_t *f, const char *what, const char *why)
{
    size_t  i;

    assert_int_equal(f->x.rc, SSS_EXCHANGE_FAILED);
    assert_int_equal(strncmp(f->x.reason, what, strlen(what)), 0);
    assert_true(why == NULL || strstr(f->x.reason, why) != NULL);
    assert_true(f->x.seconds == 0);

    for (i = 0; i < unit_count(f->items); i++) {
        assert_int_equal(f->items[i].found, 0);
        assert_int_equal(f->items[i].len, 0);
        assert_true(f->items[i].cas == 0);
        assert_null(f->items[i].value);
    }
}


static void
assert_said(fixture_t *f, const char *text)
{
    assert_int_equal(sss_buffer_len(&f->talk.out), strlen(text));
    assert_memory_equal(f->talk.out.p + f->talk.out.off, text, strlen(text));

    sss_buffer_drop(&f->talk.out, strlen(text));
}


static void
test_what_is_said(void **state)
{
    fixture_t  f;

    (void) state;

    begin(&f);

    want_read(&f, 2);
    ask(&f);
    assert_said(&f, "gets " NAME " " OTHER "\r\n");
    assert_int_equal(hear_text(&f, "END\r\n"), 0);
    assert_int_equal(f.x.rc, SSS_EXCHANGE_OK);
    assert_int_equal(f.items[0].found + f.items[1].found, 0);

    want_write(&f, 0);
    ask(&f);
    assert_said(&f, "add " NAME " 0 60 5\r\nvalue\r\n");
    assert_int_equal(hear_text(&f, "STORED\r\n"), 0);
    assert_int_equal(f.x.rc, SSS_EXCHANGE_OK);

    want_write(&f, 18446744073709551615u);
    ask(&f);
    assert_said(&f, "cas " NAME " 0 60 5 18446744073709551615\r\n"
                "value\r\n");
    assert_int_equal(hear_text(&f, "EXISTS\r\n"), 0);
    assert_int_equal(f.x.rc, SSS_EXCHANGE_CONFLICT);

    sss_exchange_clock(&f.x);
    ask(&f);
    assert_said(&f, "stats\r\n");
    assert_int_equal(hear_text(&f, "STAT pid 1\r\nSTAT time 7\r\nEND\r\n"),
                     0);
    assert_int_equal(f.x.rc, SSS_EXCHANGE_OK);
    assert_int_equal(f.x.seconds, 7);

    finish(&f);
}


static void
test_garbage(void **state)
{
    static const char      long_key[] = "VALUE %s 0 1 1\r\nx\r\nEND\r\n";
    static char            keys[4][4200];
    static const answer_t  answers[] = {
        answer("\r\n"),
        answer("\n"),
        answer("\0\0\0\0\n"),
        answer("HTTP/1.1 400 Bad Request\r\n\r\n"),
        answer("ERROR\r\n"),
        answer("SERVER_ERROR\r\n"),
        answer("SERVER_ERROR out of memory storing object\r\n"),
        answer("CLIENT_ERROR bad data chunk\r\n"),
        answer("OK\r\n"),
        answer("EXISTS\r\n"),
        answer("17\r\n"),
        answer("99999999999999999999999999\r\n"),
        answer("VERSION 1.6.18\r\n"),
        answer("VERSION 1.6.18\n"),
        answer("VERSION \r\n"),
        answer("VERSION \n"),
        answer("VERSION\r\n"),
        answer("VERSION\n"),
        answer("VERSION\0\r\n"),
        answer("VERSION\0\nEND\r\n"),
        answer("VALUE\n"),
        answer("VALUE a 0 18446744073709551614 1\r\nx\r\nEND\r\n"),
        answer("VALUE a 0 4294967295 1\r\nx\r\nEND\r\n"),
        answer("STAT a\n"),
        answer("STAT\n"),
        answer("STAT\r\n"),
        answer("STAT time\r\n"),
        answer("STAT time x\r\n"),
        answer("STAT time 99999999999999999999\r\nEND\r\nx\r\n"),
        answer("VALUE\r\n"),
        answer("VALUE \r\n"),
        answer("VALUE " NAME "\r\n"),
        answer("VALUE " NAME " 0\r\n"),
        answer("VALUE " NAME " 0 5 7\r\nval"),
        answer("VALUE " NAME " 0 5 7\r\nvalueEND\r\nEND\r\n"),
        answer("VALUE " NAME " 0 5 7\r\nvalue\r\n"),
        answer("VALUE " NAME " 0 5 7\r\nvalue\r\nEND\n"),
        answer("VALUE " NAME " 0 5 7\r\nvalue\r\nVERSION\n"),
        answer("VALUE " NAME " 0 5 7 \r\nvalue\r\nEND\r\n"),
        answer("VALUE " NAME " 0 5 7 7\r\nvalue\r\nEND\r\n"),
        answer("VALUE " NAME " 0 5 \r\nvalue\r\nEND\r\n"),
        answer("VALUE " NAME " 0  5 7\r\nvalue\r\nEND\r\n"),
        answer("VALUE  " NAME " 0 5 7\r\nvalue\r\nEND\r\n"),
        answer("VALUE " NAME " x 5 7\r\nvalue\r\nEND\r\n"),
        answer("VALUE " NAME " 4294967296 5 7\r\nvalue\r\nEND\r\n"),
        answer("VALUE " NAME " 0 5 18446744073709551616\r\nvalue\r\n"
               "END\r\n"),
        answer("VALUE " NAME " 0 5 0\r\nvalue\r\nEND\r\n"),
        answer("VALUE " NAME " 0 5\r\nvalue\r\nEND\r\n"),
        answer("VALUE " NAME " 0 -1 7\r\nvalue\r\nEND\r\n"),
        answer("VALUE " NAME " 0 18446744073709551615 7\r\nv\r\nEND\r\n"),
        answer("VALUE " NAME " 0 18446744073709551614 7\r\nv\r\nEND\r\n"),
        answer("VALUE " NAME " 0 18446744073709551613 7\r\nv\r\nEND\r\n"),
        answer("VALUE " NAME " 0 99999999999999999999 7\r\nv\r\nEND\r\n"),
        answer("VALUE " NAME " 0 4294967295 7\r\nvalue\r\nEND\r\n"),
        answer("VALUE " NAME " 0 99999999 7\r\nvalue\r\nEND\r\n"),
        answer("VALUE " OTHER " 0 5 7\r\nvalue\r\nEND\r\n"),
        answer("VALUE " NAME "x 0 5 7\r\nvalue\r\nEND\r\n"),
        answer("VALUE " NAME " 0 1 7\r\nv\r\nVALUE " NAME " 0 1 7\r\nv\r\n"
               "END\r\n")
    };

    char         key[4096];
    size_t       i, n, len;
    unsigned     op;
    fixture_t    f;
    const char  *bytes;

    (void) state;

    for (i = 0; i < unit_count(answers) + 2 * unit_count(keys); i++) {

        if (i < unit_count(answers)) {
            bytes = answers[i].bytes;
            len = answers[i].len;

        } else {
            n = (i - unit_count(answers)) / 2;
            memset(key, 'A', sizeof(key));
            key[n == 0 ? 251 : n == 1 ? 330 : n == 2 ? 2047 : 4095] = '\0';

            len = (size_t) snprintf(keys[n], sizeof(keys[n]), long_key, key);
            bytes = keys[n];

            if (i % 2) {
                len -= 9;               /* ends within the value    */
            }
        }

        for (op = 0; op < 8; op++) {

            begin(&f);

            switch (op % 4) {

            case 0:
                want_read(&f, 1);
                ask(&f);
                hear_all(&f, bytes, len, op / 4);
                assert_failed(&f, "get: ", NULL);
                break;

            case 1:
                sss_exchange_clock(&f.x);
                ask(&f);
                hear_all(&f, bytes, len, op / 4);
                assert_failed(&f, "stats: ", NULL);
                break;

            default:
                want_write(&f, op % 4 == 2 ? 7 : 0);
                ask(&f);
                hear_all(&f, bytes, len, op / 4);

                /*
                 * a wrong answer may look like a conflict, but not like
                 * success
                 */

                assert_int_not_equal(f.x.rc, SSS_EXCHANGE_OK);
            }

            finish(&f);
        }
    }
}


/* Answers that are wrong only for a clock. */

static void
test_garbage_of_time(void **state)
{
    static const char      none[] = "no time", strange[] = "not memcached's";
    static const answer_t  answers[] = {
        answer_why("END\n", strange),
        answer_why("END \r\n", strange),
        answer_why("END\r\n", none),
        answer_why("stat time 1\r\nEND\r\n", strange),
        answer_why("STAT time 1\nEND\r\n", strange),
        answer_why("STAT pid 1\nSTAT time 1\r\nEND\r\n", strange),
        answer_why("STAT time 1\r\nEND \n", strange),
        answer_why("STAT time \r\nEND\r\n", strange),
        answer_why("STAT time 0\r\nEND\r\n", none),
        answer_why("STAT time -1\r\nEND\r\n", strange),
        answer_why("STAT time +1\r\nEND\r\n", strange),
        answer_why("STAT time  1\r\nEND\r\n", strange),
        answer_why("STAT time 1 \r\nEND\r\n", strange),
        answer_why("STAT time 1\0\r\nEND\r\n", strange),
        answer_why("STAT time 1.5\r\nEND\r\n", strange),
        answer_why("STAT time 0x10\r\nEND\r\n", strange),
        answer_why("STAT time 1:\r\nEND\r\n", strange),
        answer_why("STAT time 1/\r\nEND\r\n", strange),
        answer_why("STAT time 1\r\nSTAT time 1\r\nEND\r\n", strange),
        answer_why("STAT time 1\r\n\r\nEND\r\n", strange),
        answer_why("STAT time 1\r\nVERSION\nEND\r\n", strange),
        answer_why("STAT time 1\r\nVALUE a 0 1 1\r\nx\r\nEND\r\n", strange),
        answer_why("STAT time 1000000000000000\r\nEND\r\n", strange),
        answer_why("STAT time 99999999999999999999\r\nEND\r\n", strange),
        answer_why("STAT time\r\nEND\r\n", none),
        answer_why("STAT time\t1\r\nEND\r\n", none),
        answer_why("STAT Time 1\r\nEND\r\n", none),
        answer_why("STAT uptime 1\r\nEND\r\n", none),
        answer_why("VALUE a 0 18446744073709551614 1\r\n", strange),
        answer_why("ERROR\r\n", ": ERROR"),
        answer_why("ERROR Too many open connections\r\n", "Too many open"),
        answer_why("CLIENT_ERROR unauthenticated\r\n",
                   "wants a password"),
        answer_why("CLIENT_ERROR anything else\r\n", strange),
        answer_why("SERVER_ERROR\r\n", strange),
        answer_why("HTTP/1.1 400 Bad Request\r\n\r\n", strange)
    };

    char       key[4096], line[4200];
    size_t     i, n;
    fixture_t  f;

    (void) state;

    for (i = 0; i < 2 * unit_count(answers); i++) {
        begin(&f);

        sss_exchange_clock(&f.x);
        ask(&f);
        hear_all(&f, answers[i / 2].bytes, answers[i / 2].len, i % 2);
        assert_failed(&f, "stats: ", answers[i / 2].why);

        finish(&f);
    }

    for (i = 0; i < 4; i++) {
        begin(&f);

        memset(key, 'A', sizeof(key));
        n = i == 0 ? 251 : i == 1 ? 330 : i == 2 ? 2047 : 4095;
        key[n] = '\0';
        snprintf(line, sizeof(line), "STAT %s 1\r\nEND\r\n", key);

        sss_exchange_clock(&f.x);
        ask(&f);
        hear_all(&f, line, strlen(line), 0);
        assert_failed(&f, "stats: ", n > SSS_REPLY_LINE - 10 ? strange : none);

        finish(&f);
    }
}


/* A server with too many lines of statistics is not believed. */

static void
test_endless_statistics(void **state)
{
    int        rc;
    unsigned   lines;
    fixture_t  f;

    (void) state;

    begin(&f);
    sss_exchange_clock(&f.x);
    ask(&f);

    rc = 0;

    for (lines = 0; rc == 0; lines++) {
        assert_in_range(lines, 0, 2000);
        rc = hear_text(&f, "STAT time_in_listen 0\r\n");
    }

    assert_in_range(lines, 500, 2000);
    sss_talk_end(&f.talk);
    assert_failed(&f, "stats: ", "not memcached's");
    finish(&f);
}


/* A correct answer to one kind of request is wrong for the others. */

static void
test_misplaced(void **state)
{
    static const answer_t  answers[] = {
        answer("END\r\n"),
        answer("VALUE " NAME " 0 5 7\r\nvalue\r\nEND\r\n"),
        answer("STORED\r\n"),
        answer("STAT pid 1\r\nSTAT time 999999999999999\r\n"
               "STAT version 1.6.18\r\nSTAT empty \r\nSTAT times 3\r\n"
               "STAT uptime x\r\nEND\r\n"),
        answer("NOT_STORED\r\n"),
        answer("EXISTS\r\n"),
        answer("NOT_FOUND\r\n"),
        answer("DELETED\r\n")
    };

    size_t     i;
    fixture_t  f;
    unsigned   drip;

    (void) state;

    for (i = 0; i < 2 * unit_count(answers); i++) {

        drip = i % 2;

        begin(&f);
        want_read(&f, 1);
        ask(&f);
        hear_all(&f, answers[i / 2].bytes, answers[i / 2].len, drip);
        assert_int_equal(f.x.rc, i / 2 < 2 ? SSS_EXCHANGE_OK
                                           : SSS_EXCHANGE_FAILED);
        assert_int_equal(f.items[0].found, i / 2 == 1);
        assert_int_equal(f.items[0].len, i / 2 == 1 ? 5 : 0);
        assert_int_equal(f.items[0].cas, i / 2 == 1 ? 7 : 0);

        if (i / 2 == 1) {
            assert_memory_equal(f.items[0].value, "value", 5);
        }

        finish(&f);

        begin(&f);
        want_write(&f, 7);
        ask(&f);
        hear_all(&f, answers[i / 2].bytes, answers[i / 2].len, drip);
        assert_int_equal(f.x.rc, i / 2 == 2 ? SSS_EXCHANGE_OK
                                 : i / 2 == 5 || i / 2 == 6
                                 ? SSS_EXCHANGE_CONFLICT
                                 : SSS_EXCHANGE_FAILED);
        finish(&f);

        begin(&f);
        want_write(&f, 0);
        ask(&f);
        hear_all(&f, answers[i / 2].bytes, answers[i / 2].len, drip);
        assert_int_equal(f.x.rc, i / 2 == 2 ? SSS_EXCHANGE_OK
                                 : i / 2 == 4 ? SSS_EXCHANGE_CONFLICT
                                 : SSS_EXCHANGE_FAILED);
        finish(&f);

        begin(&f);
        sss_exchange_clock(&f.x);
        ask(&f);
        hear_all(&f, answers[i / 2].bytes, answers[i / 2].len, drip);
        assert_int_equal(f.x.rc, i / 2 == 3 ? SSS_EXCHANGE_OK
                                            : SSS_EXCHANGE_FAILED);
        assert_true(f.x.seconds == (i / 2 == 3 ? 999999999999999 : 0));
        finish(&f);
    }
}


/* A value that is too long is skipped, and what follows is read. */

static void
test_large_value(void **state)
{
    char       *line;
    size_t      n;
    fixture_t   f;

    (void) state;

    begin(&f);
    want_read(&f, 2);
    ask(&f);

    n = SSS_REPLY_VALUE + 1;
    line = malloc(n + 256);
    assert_non_null(line);

    memset(line, '\r', n + 256);
    sprintf(line, "VALUE " NAME " 0 %zu 7\r\n", n);
    assert_int_equal(hear(&f, line, strlen(line)), 0);
    memset(line, '\n', n);
    assert_int_equal(hear(&f, line, n - 10), 0);
    assert_int_equal(hear(&f, line, 10), 0);
    assert_in_range(f.talk.in.size, 0, n + 65536);
    assert_int_equal(hear_text(&f, "\r"), 0);
    assert_int_equal(hear_text(&f, "\nVALUE " OTHER " 0 1 8\r\nx\r\nEND\r\n"),
                     0);

    assert_int_equal(f.x.rc, SSS_EXCHANGE_OK);
    assert_int_equal(f.items[0].found, 1);
    assert_int_equal(f.items[0].cas, 7);
    assert_int_equal(f.items[0].len, n);
    assert_null(f.items[0].value);
    assert_int_equal(f.items[1].len, 1);
    finish(&f);

    /* one without its line end, and one without an end */

    begin(&f);
    want_read(&f, 1);
    ask(&f);
    sprintf(line, "VALUE " NAME " 0 %zu 7\r\n", n);
    assert_int_equal(hear(&f, line, strlen(line)), 0);
    memset(line, 'x', n + 2);
    assert_int_equal(hear(&f, line, n + 2), -1);
    sss_talk_end(&f.talk);
    assert_failed(&f, "get: ", "not memcached's");
    finish(&f);

    begin(&f);
    want_read(&f, 1);
    ask(&f);
    assert_int_equal(hear_text(&f, "VALUE " NAME " 0 1073741824 1"
                               "\r\n"), 0);

    for (n = 0; n < 100; n++) {
        assert_int_equal(hear(&f, line, 100000), 0);
        assert_in_range(f.talk.in.size, 0, 400000);
    }

    sss_talk_end(&f.talk);
    assert_failed(&f, "get: ", "closed");
    finish(&f);

    free(line);
}


/* After a refusal the conversation goes on, if possible. */

static void
test_refused(void **state)
{
    size_t     i;
    fixture_t  f;

    static const char  *refusals[] = {
        "SERVER_ERROR out of memory storing object",
        "SERVER_ERROR object too large for cache",
        "SERVER_ERROR Out of memory during read"
    };

    (void) state;

    begin(&f);

    for (i = 0; i < unit_count(refusals); i++) {
        want_write(&f, i);
        ask(&f);
        assert_int_equal(hear_text(&f, refusals[i]), 0);
        assert_int_equal(hear_text(&f, "\r\n"), 0);
        assert_failed(&f, "write: ", refusals[i]);
    }

    want_read(&f, 1);
    ask(&f);
    assert_int_equal(hear_text(&f, "ERROR\r\n"), 0);
    assert_failed(&f, "get: ", "ERROR");

    want_read(&f, 1);
    ask(&f);
    assert_int_equal(hear_text(&f, "END\r\n"), 0);
    assert_int_equal(f.x.rc, SSS_EXCHANGE_OK);

    /*
     * a server that does not know a command takes its value for the next one
     */

    want_write(&f, 7);
    ask(&f);
    assert_int_equal(hear_text(&f, "ERROR\r\n"), -1);
    sss_talk_end(&f.talk);
    assert_failed(&f, "write: ", "ERROR");

    want_read(&f, 1);
    ask(&f);
    assert_int_equal(hear_text(&f, "ERROR Too many open connections\r\n"),
                     -1);
    sss_talk_end(&f.talk);
    assert_failed(&f, "get: ", "Too many open");

    finish(&f);
}


static void
push(fixture_t *f, sss_request_op_t op, const char *name, uint64_t until)
{
    sss_queue_t     queue;
    sss_request_t  *request;

    queue.head = NULL;

    request = sss_request_create(op, name);
    assert_non_null(request);
    request->until = until;

    sss_queue_push(&queue, request);
    sss_talk_get(&f->talk, &queue);
}


static void
assert_result(fixture_t *f, sss_engine_rc_t rc, int late)
{
    sss_request_t  *request;

    request = sss_queue_pop(&f->done);
    assert_non_null(request);
    assert_int_equal(request->rc, rc);
    assert_int_equal(request->late, late);
    assert_true((request->value != NULL) == (rc == SSS_ENGINE_HIT));
    sss_request_free(request);
}


/* A server without versions cannot have keys, but can have sessions. */

static void
test_no_versions(void **state)
{
    fixture_t  f;

    (void) state;

    begin(&f);
    want_read(&f, 2);
    ask(&f);
    push(&f, SSS_REQUEST_GET, NAME, LATER);

    assert_int_equal(hear_text(&f, "VALUE " NAME " 0 1 0\r\nx\r\n"), 0);
    assert_failed(&f, "get: ", "option -C");

    /* the next request is made while the rest of this answer comes */

    want_write(&f, 0);
    ask(&f);

    assert_int_equal(hear_text(&f, "VALUE " OTHER " 0 1 0\r\nx\r\nEND\r\n"
                               "VALUE " NAME " 0 1\r\nx\r\nEND\r\n"
                               "NOT_STORED\r\n"), 0);
    assert_result(&f, SSS_ENGINE_HIT, 0);
    assert_int_equal(f.x.rc, SSS_EXCHANGE_CONFLICT);

    finish(&f);
}


/* Late requests fail, and those after them that still have time go on. */

static void
test_lookups_are_late(void **state)
{
    fixture_t  f;

    (void) state;

    begin(&f);

    push(&f, SSS_REQUEST_GET, NAME, 5);
    push(&f, SSS_REQUEST_TAKE, NAME, 6);
    assert_int_equal(sss_talk_probe(&f.talk, 0, 7), 0);
    want_read(&f, 1);
    ask(&f);

    assert_int_equal(sss_talk_due(&f.talk), 5);
    assert_int_equal(hear_text(&f, "VALUE " NAME " 0 1\r\nx\r\n"), 0);

    assert_int_equal(sss_talk_late(&f.talk, 6), 2);
    assert_int_equal(f.talk.late, 1);
    assert_result(&f, SSS_ENGINE_FAILED, 1);
    assert_result(&f, SSS_ENGINE_FAILED, 1);
    assert_null(f.done.head);
    assert_int_equal(sss_talk_due(&f.talk), 7);

    assert_int_equal(sss_talk_late(&f.talk, 7), 1);
    assert_int_equal(sss_talk_due(&f.talk), LATER);

    assert_int_equal(hear_text(&f, "END\r\nVALUE " NAME " 0 1\r\nx\r\n"
                               "END\r\nDELETED\r\nEND\r\n"), 0);
    assert_int_equal(f.talk.alive, 0);
    assert_int_equal(f.x.state, SSS_EXCHANGE_ASKED);

    assert_int_equal(hear_text(&f, "VALUE " NAME " 0 1 9\r\nx\r\nEND\r\n"),
                     0);
    assert_int_equal(f.x.rc, SSS_EXCHANGE_OK);
    assert_int_equal(f.items[0].cas, 9);
    assert_int_equal(f.talk.alive, 0);
    assert_int_equal(f.talk.good, 1);
    assert_null(f.talk.asked.head);

    finish(&f);
}


static void
test_exchange_is_late(void **state)
{
    fixture_t  f;

    (void) state;

    begin(&f);

    want_read(&f, 2);
    ask(&f);
    push(&f, SSS_REQUEST_GET, OTHER, 2 * LATER);

    assert_int_equal(hear_text(&f, "VALUE " NAME " 0 5 7\r\nva"), 0);
    assert_int_equal(sss_talk_late(&f.talk, LATER), 1);
    assert_failed(&f, "get: ", "timed out");
    assert_int_equal(sss_talk_due(&f.talk), 2 * LATER);

    /* the exchange is not used any more */

    memset(f.items, 0xa5, sizeof(f.items));
    memset(&f.x, 0, sizeof(f.x));

    assert_int_equal(hear_text(&f, "lue\r\nVALUE " OTHER " 0 5 7\r\nvalue\r\n"
                               "END\r\nVALUE " OTHER " 0 1\r\ny\r\nEND\r\n"),
                     0);
    assert_result(&f, SSS_ENGINE_HIT, 0);
    assert_int_equal(f.talk.alive, 1);

    /* when no request has time left there is no deadline */

    push(&f, SSS_REQUEST_GET, OTHER, 3 * LATER);
    assert_int_equal(sss_talk_late(&f.talk, 3 * LATER), 0);
    assert_result(&f, SSS_ENGINE_FAILED, 1);
    assert_true(sss_talk_due(&f.talk) == UINT64_MAX);

    finish(&f);
}


/* An endless answer for which nobody waits ends the conversation. */

static void
test_answers_without_end(void **state)
{
    int        rc;
    unsigned   i;
    fixture_t  f;

    (void) state;

    begin(&f);
    want_read(&f, 1);
    ask(&f);
    sss_talk_forget(&f.talk);

    rc = 0;

    for (i = 0; rc == 0; i++) {
        assert_in_range(i, 0, 1000);
        rc = hear_text(&f, "VALUE " NAME " 0 1 7\r\nx\r\n");
    }

    assert_int_equal(f.items[0].found, 0);
    finish(&f);
}


/* The answer to the password comes before all others. */

static void
test_password(void **state)
{
    static const char      refused[] = "refuses the password";
    static const answer_t  answers[] = {
        answer_why("CLIENT_ERROR authentication failure\r\n", refused),
        answer_why("CLIENT_ERROR unauthenticated\r\n", refused),
        answer_why("ERROR\r\n", ": ERROR"),
        answer_why("ERROR Too many open connections\r\n", "Too many open"),
        answer_why("NOT_STORED\r\n", "not memcached's"),
        answer_why("END\r\n", "not memcached's"),
        answer_why("VALUE a 0 1 1\r\nx\r\nEND\r\n", "not memcached's"),
        answer_why("STORED\r\nCLIENT_ERROR unauthenticated\r\n",
                   "wants a password"),
        answer_why("STORED\r\nSTORED\r\n", "not memcached's"),
        answer("STORED\r\nSTAT time 1\r\nEND\r\n"),
        answer("SERVER_ERROR out of memory storing object\r\n"
               "STAT time 1\r\nEND\r\n")
    };

    size_t     i;
    fixture_t  f;

    (void) state;

    for (i = 0; i < 2 * unit_count(answers); i++) {
        begin(&f);

        sss_exchange_clock(&f.x);
        ask(&f);
        sss_talk_hello(&f.talk);
        hear_all(&f, answers[i / 2].bytes, answers[i / 2].len, i % 2);

        if (answers[i / 2].why != NULL) {
            assert_failed(&f, "stats: ", answers[i / 2].why);

        } else {
            assert_int_equal(f.x.rc, SSS_EXCHANGE_OK);
            assert_int_equal(f.x.seconds, 1);
        }

        /* a new connection begins without it */

        assert_int_equal(f.talk.hello, 0);
        finish(&f);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_what_is_said),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_garbage_of_time),
        cmocka_unit_test(test_endless_statistics),
        cmocka_unit_test(test_misplaced),
        cmocka_unit_test(test_large_value),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_no_versions),
        cmocka_unit_test(test_lookups_are_late),
        cmocka_unit_test(test_exchange_is_late),
        cmocka_unit_test(test_answers_without_end),
        cmocka_unit_test(test_password),
    };

    return cmocka_run_group_tests_name("talk", tests, NULL, NULL);
}
