
/*
 * Claims on their way: what a server is told, what it answers and what is no
 * answer; and engines that claim the same from a real server.
 */


#include <time.h>

#include "engine.h"

#include "sss_claimed.h"
#include "sss_talk.h"


#define NS       "test"
#define HASH     "123456789"
#define FIRST    "one host"
#define SECOND   "an other"

#define HEADER   "SSL1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define SERVER   0x6162636465666768ull
#define BADGE    "VA 20 t7\r\nSSB1abcdefgh\0\0\0\0\0\0\0\x9\r\n"
#define SAID     BADGE "STORED\r\n"
#define ITEM     "VA 20 t99\r\n" HEADER "\r\n"


typedef struct {
    const char  *bytes;
    size_t       len;
} answer_t;

#define answer(s)  { s, sizeof(s) - 1 }


typedef struct {
    sss_talk_t      talk;
    sss_queue_t     done;
    sss_claim_t     claim;
    sss_request_t  *request;
} talk_t;


static void
talk_begin(talk_t *t)
{
    memset(t, 0, sizeof(talk_t));

    t->talk.done = &t->done;
    t->talk.reason = "the connection was closed";

    sss_claim_init(&t->claim, NS, strlen(NS), 7, (const uint8_t *) HASH,
                   (const uint8_t *) FIRST, SERVER);

    t->request = sss_request_create(SSS_REQUEST_CLAIM, t->claim.log);
    assert_non_null(t->request);

    t->request->claim = malloc(sizeof(sss_claim_t));
    assert_non_null(t->request->claim);
    *t->request->claim = t->claim;
    t->request->until = 1000;

    sss_talk_claim(&t->talk, t->request);
}


static int
hear(talk_t *t, const char *bytes, size_t len)
{
    assert_int_equal(sss_buffer_add(&t->talk.in, bytes, len), 0);

    return sss_talk_hear(&t->talk, 1);
}


static sss_request_t *
talk_end(talk_t *t)
{
    sss_talk_end(&t->talk);

    return sss_queue_pop(&t->done);
}


static void
test_said(void **state)
{
    char    text[500];
    int     n;
    talk_t  t;

    (void) state;

    talk_begin(&t);

    n = snprintf(text, sizeof(text), "mg %s t v\r\nappend %s 0 0 20\r\n",
                 t.claim.badge, t.claim.log);
    memcpy(text + n, t.claim.record, SSS_CLAIM_RECORD);
    n += SSS_CLAIM_RECORD;
    n += snprintf(text + n, sizeof(text) - (size_t) n,
                  "\r\nmg %s t v\r\nmg %s t v\r\n", t.claim.log,
                  t.claim.badge);

    assert_int_equal(sss_buffer_len(&t.talk.out), n);
    assert_memory_equal(t.talk.out.p + t.talk.out.off, text, (size_t) n);

    sss_request_free(talk_end(&t));
}


/* At once and byte by byte. */

static void
test_answers(void **state)
{
    int             drip;
    size_t          i, len;
    talk_t          t;
    sss_request_t  *request;

    static const char  good[] = SAID ITEM BADGE;

    (void) state;

    for (drip = 0; drip < 2; drip++) {
        len = drip ? 1 : sizeof(good) - 1;

        talk_begin(&t);

        for (i = 0; i < sizeof(good) - 1; i += len) {
            assert_int_equal(hear(&t, good + i, len), 0);
        }

        request = talk_end(&t);
        assert_ptr_equal(request, t.request);
        assert_int_equal(request->rc, SSS_ENGINE_HIT);
        assert_true(request->reply.before.id == SERVER);
        assert_int_equal(request->reply.before.clock, 2);
        assert_int_equal(request->reply.stored, 1);
        assert_int_equal(request->reply.logged, 1);
        assert_int_equal(request->reply.log_left, 99);
        assert_true(request->reply.after.id == SERVER);
        assert_int_equal(request->reply.after.clock, 2);
        assert_int_equal(request->len, SSS_CLAIM_LOG);
        assert_memory_equal(request->value, HEADER, SSS_CLAIM_LOG);

        sss_request_free(request);
    }
}


/* Answers, but none that speaks for the claim. */

static void
test_refusals(void **state)
{
    size_t          i;
    talk_t          t;
    sss_request_t  *request;

    static const answer_t  answers[] = {
        answer("EN\r\nNOT_STORED\r\nEN\r\nEN\r\n"),
        answer(BADGE "NOT_STORED\r\n" ITEM BADGE),
        answer(SAID "EN\r\n" BADGE),
        answer(SAID ITEM "EN\r\n"),
        answer(SAID ITEM "VA 3 t7\r\nabc\r\n"),
        answer("EN\r\nSTORED\r\n" ITEM BADGE),
        answer("ERROR\r\nSTORED\r\nERROR\r\nERROR\r\n"),
        answer(BADGE "SERVER_ERROR out of memory storing object\r\n"
               ITEM BADGE)
    };

    (void) state;

    for (i = 0; i < unit_count(answers); i++) {
        talk_begin(&t);
        assert_int_equal(hear(&t, answers[i].bytes, answers[i].len), 0);

        request = talk_end(&t);
        assert_int_not_equal(request->rc, SSS_ENGINE_FAILED);
        assert_int_equal(request->reply.stored && request->reply.logged
                         && request->reply.before.id != 0
                         && request->reply.after.id != 0, 0);

        sss_request_free(request);
    }
}


static void
test_garbage(void **state)
{
    size_t          i;
    talk_t          t;
    sss_request_t  *request;

    static const answer_t  answers[] = {
        answer("END\r\n"),
        answer("OK\r\n"),
        answer("STORED\r\n"),
        answer("HD t7\r\n"),
        answer("VA 20 t7\r\nSSB1abcdefgh\0\0\0\0\0\0\0\x9\r"
               "\r\n"),
        answer("CLIENT_ERROR unauthenticated\r\n"),
        answer(BADGE "EN\r\n"),
        answer(BADGE "ERROR\r\n"),
        answer(BADGE "EXISTS\r\n"),
        answer(SAID "STORED\r\n"),
        answer(SAID "END\r\n"),
        answer(SAID "HD t7\r\n"),
        answer(SAID "VA 20\r\n" HEADER "\r\n"),
        answer(SAID "VA 20 t\r\n" HEADER "\r\n"),
        answer(SAID "VA 20 t-1\r\n" HEADER "\r\n"),
        answer(SAID "VA 20 t4294967296\r\n" HEADER "\r\n"),
        answer(SAID "VA 20 x7\r\n" HEADER "\r\n"),
        answer(SAID "VA 20 t7 \r\n" HEADER "\r\n"),
        answer(SAID "VA 20 t7 x\r\n" HEADER "\r\n"),
        answer(SAID "VA  20 t7\r\n" HEADER "\r\n"),
        answer(SAID "VA 19 t7\r\n" HEADER "\r\n"),
        answer(SAID "VA 18446744073709551615 t7\r\n" HEADER "\r\n"),
        answer(SAID "VALUE n 0 20 7\r\n" HEADER "\r\n"),
        answer(SAID "ERROR Too many open connections\r\n")
    };

    (void) state;

    for (i = 0; i < unit_count(answers); i++) {
        talk_begin(&t);
        assert_int_equal(hear(&t, answers[i].bytes, answers[i].len), -1);

        request = talk_end(&t);
        assert_int_equal(request->rc, SSS_ENGINE_FAILED);
        assert_null(request->value);

        sss_request_free(request);
    }
}


/* A log that is too long to be kept, and the mark behind it. */

static void
test_long(void **state)
{
    char           *bytes;
    size_t          n, len;
    talk_t          t;
    sss_request_t  *request;

    (void) state;

    for (len = SSS_ENGINE_VALUE; len < 4 * 1048576; len = len * 32 + 1) {

        bytes = calloc(1, len + 200);
        assert_non_null(bytes);

        n = (size_t) snprintf(bytes, 100, "EN\r\nSTORED\r\nVA %zu t9\r\n",
                              len);
        n += len;
        memcpy(bytes + n, "\r\n" BADGE, sizeof(BADGE) + 1);
        n += sizeof(BADGE) + 1;

        talk_begin(&t);
        assert_int_equal(hear(&t, bytes, n), 0);

        request = talk_end(&t);
        assert_int_equal(request->rc, len <= SSS_ENGINE_VALUE
                                      ? SSS_ENGINE_HIT : SSS_ENGINE_MISS);
        assert_true(request->reply.after.id == SERVER);
        assert_int_equal(request->value != NULL, len <= SSS_ENGINE_VALUE);

        sss_request_free(request);
        free(bytes);
    }
}


/* Who has waited long enough is told so; the answer is dropped. */

static void
test_late(void **state)
{
    size_t          i;
    talk_t          t;
    sss_request_t  *request;

    static const char  bytes[] = SAID ITEM BADGE;

    (void) state;

    for (i = 0; i < sizeof(bytes) - 1; i++) {
        talk_begin(&t);
        assert_int_equal(hear(&t, bytes, i), 0);

        assert_int_equal(sss_talk_late(&t.talk, 2000), 0);

        request = sss_queue_pop(&t.done);
        assert_ptr_equal(request, t.request);
        assert_int_equal(request->rc, SSS_ENGINE_FAILED);
        assert_int_equal(request->late, 1);
        sss_request_free(request);

        assert_int_equal(hear(&t, bytes + i, sizeof(bytes) - 1 - i), 0);

        assert_null(t.talk.asked.head);
        assert_null(talk_end(&t));
    }
}


/* The badge that the server in this place wears. */

static uint64_t
badge(sss_engine_t *engine, size_t place)
{
    sss_claim_t           c;
    sss_request_t        *request;
    sss_engine_result_t   r;

    sss_claim_look(&c, NS, strlen(NS));

    assert_int_equal(sss_engine_claim(engine, place, &c, NULL, &request),
                     SSS_ENGINE_QUEUED);

    r = result(engine);
    assert_int_not_equal(r.rc, SSS_ENGINE_FAILED);
    free(r.value);

    return r.reply.after.id;
}


static sss_claim_rc_t
judged(sss_engine_t *engine, size_t place, const char *nonce, uint64_t slot,
    uint64_t server, uint64_t aged)
{
    sss_claim_t           c;
    sss_claim_rc_t        rc;
    sss_request_t        *request;
    sss_engine_result_t   r;

    sss_claim_init(&c, NS, strlen(NS), slot, (const uint8_t *) HASH,
                   (const uint8_t *) nonce, server);

    assert_int_equal(sss_engine_claim(engine, place, &c, NULL, &request),
                     SSS_ENGINE_QUEUED);

    r = result(engine);
    assert_int_not_equal(r.rc, SSS_ENGINE_FAILED);

    /* as if time had passed */

    r.reply.log_left -= r.reply.logged ? aged : 0;

    rc = sss_claim_judge(&c, &r.reply, r.value, r.len,
                         (uint64_t) time(NULL));
    free(r.value);

    return rc;
}


/* Two hosts, of which one is first, though their servers have other places. */

static void
test_engines(void **state)
{
    uint64_t        slot, now;
    fixture_t      *f = *state;
    sss_engine_t   *other;
    sss_address_t   servers[2], swapped[2];

    now = (uint64_t) time(NULL);
    slot = sss_claim_slot(now);

    both(f, servers);
    swapped[0] = servers[1];
    swapped[1] = servers[0];

    sss_engine_destroy(f->engine, 0);
    f->engine = engine_for(servers, NULL, 2, PATIENT, 100, NEVER);
    other = engine_for(swapped, NULL, 2, PATIENT, 100, NEVER);

    assert_true(badge(f->engine, 0) == 0);
    sss_engine_badge(f->engine, 0, NS, strlen(NS), SERVER, now);
    assert_true(badge(f->engine, 0) == SERVER);

    /* it has one already */

    sss_engine_badge(other, 1, NS, strlen(NS), SERVER + 1, now);
    assert_true(badge(other, 1) == SERVER);
    assert_true(badge(other, 0) == 0);

    assert_int_equal(judged(f->engine, 0, FIRST, slot, SERVER, 0),
                     SSS_CLAIM_LOST);

    sss_engine_lay(f->engine, 0, NS, strlen(NS), slot);
    assert_int_equal(judged(f->engine, 0, FIRST, slot, SERVER, 0),
                     SSS_CLAIM_YOUNG);
    assert_int_equal(judged(other, 1, SECOND, slot, SERVER, 0),
                     SSS_CLAIM_REPLAY);

    /* who lays it again changes nothing */

    sss_engine_lay(other, 1, NS, strlen(NS), slot);
    assert_int_equal(judged(other, 1, SECOND, slot, SERVER, SSS_CLAIM_LIFE),
                     SSS_CLAIM_REPLAY);

    sss_engine_lay(f->engine, 0, NS, strlen(NS), slot + 1);
    assert_int_equal(judged(f->engine, 0, FIRST, slot + 1, SERVER,
                            SSS_CLAIM_LIFE), SSS_CLAIM_FIRST);
    assert_int_equal(judged(other, 1, SECOND, slot + 1, SERVER,
                            SSS_CLAIM_LIFE), SSS_CLAIM_REPLAY);

    /* nor is another server one of this ticket */

    sss_engine_badge(other, 0, NS, strlen(NS), SERVER + 1, now);
    sss_engine_lay(other, 0, NS, strlen(NS), slot + 1);
    assert_int_equal(judged(other, 0, SECOND, slot + 1, SERVER,
                            SSS_CLAIM_LIFE), SSS_CLAIM_SERVER);
    assert_int_equal(judged(other, 0, FIRST, slot + 1, SERVER + 1,
                            SSS_CLAIM_LIFE), SSS_CLAIM_REPLAY);

    sss_engine_destroy(other, 0);
}


/* While a server is gone, nobody else is asked. */

static void
test_gone(void **state)
{
    size_t          i;
    fixture_t      *f = *state;
    sss_claim_t     c;
    sss_address_t   servers[2];
    sss_request_t  *request;

    both(f, servers);

    sss_engine_destroy(f->engine, 0);
    f->engine = engine_for(servers, NULL, 2, PATIENT, 1000, NEVER);

    until_answered(f->engine, 20);
    assert_true(badge(f->engine, 1) == 0);

    memcached_stop(&f->memcached[1]);

    for (i = 0; i < 1000 && sss_engine_usable(f->engine, 1); i++) {
        run(f->engine, 10);
    }

    sss_claim_look(&c, NS, strlen(NS));

    assert_int_equal(sss_engine_claim(f->engine, 1, &c, NULL, &request),
                     SSS_ENGINE_OPEN);
    assert_true(badge(f->engine, 0) == 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_said),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_late),
        with_servers(test_engines),
        with_servers(test_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
