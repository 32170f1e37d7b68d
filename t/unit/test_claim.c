
/* Claims: names, records, and what an answer means. */


#include "unit.h"

#include "sss_claim.h"


#define NOW      1700000000ull
#define SERVER   0x0123456789abcdefull
#define CLAIM_NAME  "sss1:9e7a54326e7dd5e0e156d014585aaad113f4ef0b"


typedef struct {
    sss_claim_t        claim;
    sss_claim_reply_t  reply;
    size_t             len;
    uint8_t            log[SSS_CLAIM_LOG + 64 * SSS_CLAIM_RECORD];
} fixture_t;


static void
claim_of(sss_claim_t *claim, const char *hash, const char *nonce)
{
    sss_claim_init(claim, "main", 4, sss_claim_slot(NOW),
                   (const uint8_t *) hash, (const uint8_t *) nonce, SERVER);
}


static void
append(fixture_t *f, const sss_claim_t *claim)
{
    assert_true(f->len + SSS_CLAIM_RECORD <= sizeof(f->log));

    memcpy(f->log + f->len, claim->record, SSS_CLAIM_RECORD);
    f->len += SSS_CLAIM_RECORD;
}


/* Somebody else's claims, and the own one, in a log that is old enough. */

static void
begin(fixture_t *f)
{
    sss_claim_t  other;

    memset(f, 0, sizeof(fixture_t));

    memcpy(f->log, SSS_CLAIM_EMPTY, SSS_CLAIM_LOG);
    f->len = SSS_CLAIM_LOG;

    claim_of(&other, "an other", "somebody");
    append(f, &other);

    claim_of(&f->claim, "thisclaim", "this one");
    append(f, &f->claim);

    f->reply.stored = 1;
    f->reply.logged = 1;
    f->reply.log_left = SSS_CLAIM_TTL - SSS_CLAIM_LIFE;
    f->reply.before.id = SERVER;
    f->reply.before.clock = NOW;
    f->reply.after = f->reply.before;
}


static sss_claim_rc_t
judge(const fixture_t *f)
{
    return sss_claim_judge(&f->claim, &f->reply, f->log, f->len, NOW);
}


static void
test_first(void **state)
{
    fixture_t    f;
    sss_claim_t  other;

    (void) state;

    begin(&f);
    assert_int_equal(judge(&f), SSS_CLAIM_FIRST);

    /* who comes later takes nothing away */

    claim_of(&other, "thisclaim", "somebody");
    append(&f, &other);
    assert_int_equal(judge(&f), SSS_CLAIM_FIRST);

    f.claim = other;
    assert_int_equal(judge(&f), SSS_CLAIM_REPLAY);
}


static void
test_doubts(void **state)
{
    fixture_t  f;

    (void) state;

    begin(&f);
    f.reply.logged = 0;
    assert_int_equal(judge(&f), SSS_CLAIM_LOST);

    begin(&f);
    f.reply.before.id = 0;
    assert_int_equal(judge(&f), SSS_CLAIM_SERVER);

    begin(&f);
    f.reply.after.id++;
    assert_int_equal(judge(&f), SSS_CLAIM_SERVER);

    begin(&f);
    f.claim.server = 0;
    f.reply.before.id = 0;
    f.reply.after.id = 0;
    assert_int_equal(judge(&f), SSS_CLAIM_SERVER);

    begin(&f);
    f.reply.stored = 0;
    assert_int_equal(judge(&f), SSS_CLAIM_LOST);

    /* the log was made again between the append and the look */

    begin(&f);
    f.len -= SSS_CLAIM_RECORD;
    assert_int_equal(judge(&f), SSS_CLAIM_LOST);

    begin(&f);
    f.reply.log_left++;
    assert_int_equal(judge(&f), SSS_CLAIM_YOUNG);

    begin(&f);
    assert_int_equal(sss_claim_judge(&f.claim, &f.reply, NULL, 0, NOW),
                     SSS_CLAIM_BAD);
}


/* The server's clock has to be right before the append and after the look. */

static void
test_clocks(void **state)
{
    size_t     i;
    uint64_t   d, *clock[2];
    fixture_t  f;

    (void) state;

    clock[0] = &f.reply.before.clock;
    clock[1] = &f.reply.after.clock;

    for (i = 0; i < unit_count(clock); i++) {
        begin(&f);

        for (d = 0; d <= SSS_CLAIM_CLOCK; d++) {
            *clock[i] = NOW + d;
            assert_int_equal(judge(&f), SSS_CLAIM_FIRST);

            *clock[i] = NOW - d;
            assert_int_equal(judge(&f), SSS_CLAIM_FIRST);
        }

        *clock[i] = NOW + SSS_CLAIM_CLOCK + 1;
        assert_int_equal(judge(&f), SSS_CLAIM_TIME);

        *clock[i] = NOW - SSS_CLAIM_CLOCK - 1;
        assert_int_equal(judge(&f), SSS_CLAIM_TIME);

        *clock[i] = INT32_MAX;
        assert_int_equal(judge(&f), SSS_CLAIM_TIME);

        *clock[i] = 0;
        assert_int_equal(judge(&f), SSS_CLAIM_TIME);
    }
}


static void
test_badge(void **state)
{
    size_t             i;
    uint8_t            bytes[SSS_CLAIM_BADGE + 1];
    sss_claim_badge_t  badge;

    (void) state;

    sss_claim_badge(SERVER, NOW + 1000, bytes);
    assert_memory_equal(bytes, "SSB1\x01\x23\x45\x67\x89\xab\xcd\xef"
                               "\0\0\0\0\x65\x53\xf4\xe8", SSS_CLAIM_BADGE);

    sss_claim_badge_read(bytes, SSS_CLAIM_BADGE, 400, &badge);
    assert_true(badge.id == SERVER);
    assert_true(badge.clock == NOW + 600);

    for (i = 0; i <= SSS_CLAIM_BADGE + 1; i++) {
        badge.id = 1;
        sss_claim_badge_read(bytes, i, 400, &badge);
        assert_int_equal(badge.id != 0, i == SSS_CLAIM_BADGE);
    }

    sss_claim_badge_read(bytes, SSS_CLAIM_BADGE, NOW + 1001, &badge);
    assert_true(badge.id == 0);

    bytes[0] ^= 1;
    sss_claim_badge_read(bytes, SSS_CLAIM_BADGE, 400, &badge);
    assert_true(badge.id == 0);

    /* no time that memcached could not be told */

    sss_claim_badge(SERVER, (uint64_t) INT32_MAX + 1, bytes);
    sss_claim_badge_read(bytes, SSS_CLAIM_BADGE, 400, &badge);
    assert_true(badge.id == 0);

    assert_true(sss_claim_badge_expires(NOW) == NOW + SSS_CLAIM_YEAR);
    assert_true(sss_claim_badge_expires(INT32_MAX) == INT32_MAX);
    assert_true(sss_claim_badge_expires(INT32_MAX - 5) == INT32_MAX);
}


/*
 * The worst that clocks and hosts may do between two claims of one flight: a
 * log that was made again after the first is too young for the second.
 */

static void
test_life(void **state)
{
    uint64_t  first, second, looked;

    (void) state;

    /*
     * The first host is ahead of the server by all that is allowed, so that
     * its claim is early by the server's clock; OpenSSL looks at the clock as
     * late as the callback bears, in which time the clock was put on by a
     * second.
     */

    first = NOW - SSS_CLAIM_CLOCK;
    looked = NOW + SSS_CLAIM_HASTE + 1;

    /* OpenSSL on the second host looks at its clock a second put back */

    second = looked + SSS_CLAIM_WINDOW + 1 + SSS_CLAIM_CLOCK;

    assert_true(second - first < SSS_CLAIM_LIFE);
}


/* A replay is one, whatever else there is to say. */

static void
test_replay(void **state)
{
    fixture_t    f;
    sss_claim_t  other;

    (void) state;

    begin(&f);
    f.len -= SSS_CLAIM_RECORD;

    claim_of(&other, "thisclaim", "somebody");
    append(&f, &other);
    append(&f, &f.claim);
    assert_int_equal(judge(&f), SSS_CLAIM_REPLAY);

    f.reply.log_left = SSS_CLAIM_TTL;
    f.reply.before.id = 0;
    assert_int_equal(judge(&f), SSS_CLAIM_REPLAY);
}


/* No byte of what comes before the own record can be changed unseen. */

static void
test_changed(void **state)
{
    size_t       i, before;
    unsigned     change;
    fixture_t    f;
    sss_claim_t  other;

    (void) state;

    begin(&f);
    f.len -= SSS_CLAIM_RECORD;

    claim_of(&other, "thisclaim", "somebody");
    append(&f, &other);
    before = f.len;
    append(&f, &f.claim);

    for (i = 0; i < before; i++) {
        for (change = 1; change < 256; change++) {
            f.log[i] ^= change;
            assert_int_not_equal(judge(&f), SSS_CLAIM_FIRST);
            f.log[i] ^= change;
        }
    }

    assert_int_equal(judge(&f), SSS_CLAIM_REPLAY);

    /* nor cut off, nor put in */

    for (i = 0; i < before; i++) {
        begin(&f);
        f.len -= SSS_CLAIM_RECORD;
        append(&f, &other);
        append(&f, &f.claim);

        memmove(f.log + i, f.log + i + 1, f.len - i - 1);
        assert_int_not_equal(judge(&f), SSS_CLAIM_FIRST);

        f.len--;
        assert_int_not_equal(judge(&f), SSS_CLAIM_FIRST);
    }

    /* nor is anything a log */

    f.len = SSS_CLAIM_LOG - 1;
    assert_int_equal(judge(&f), SSS_CLAIM_BAD);

    f.len = 0;
    assert_int_equal(judge(&f), SSS_CLAIM_BAD);
}


static void
test_names(void **state)
{
    char      name[SSS_NAME_SIZE], other[SSS_NAME_SIZE], ns[300];
    unsigned  shard;

    (void) state;

    sss_claim_name("main", 4, 53125000, 0, name);

    /* as its description has it, by another implementation */

    assert_string_equal(name, CLAIM_NAME);
    assert_int_equal(strlen(name), SSS_NAME_SIZE - 1);

    for (shard = 1; shard <= SSS_CLAIM_SHARDS; shard++) {
        sss_claim_name("main", 4, 53125000, shard, other);
        assert_string_not_equal(name, other);
    }

    sss_claim_name("main", 4, 53125001, 0, other);
    assert_string_not_equal(name, other);

    sss_claim_name("mai", 3, 53125000, 0, other);
    assert_string_not_equal(name, other);

    sss_claim_name(NULL, 0, 53125000, 0, other);
    assert_string_not_equal(name, other);

    /* no more of a namespace than it may have */

    memset(ns, 'n', sizeof(ns));
    sss_claim_name(ns, SSS_CLAIM_NS, 53125000, 0, name);
    sss_claim_name(ns, sizeof(ns), 53125000, 0, other);
    assert_string_equal(name, other);
}


/* A log is laid in time, is there for as long as it is used, and no longer. */

static void
test_times(void **state)
{
    uint64_t  slot, from, until, laid, clock;

    (void) state;

    slot = sss_claim_slot(NOW);
    clock = SSS_CLAIM_CLOCK + 1;

    /* by the server's clock, when hosts with the worst clocks use it */

    from = slot * SSS_CLAIM_SLOT - 2 - clock;
    until = (slot + 1) * SSS_CLAIM_SLOT + 10 + clock + SSS_CLAIM_HASTE;

    /* and lay it */

    laid = (slot - SSS_CLAIM_AHEAD) * SSS_CLAIM_SLOT + clock + 2;
    assert_true(laid + SSS_CLAIM_LIFE + 1 <= from);

    laid = (slot - SSS_CLAIM_AHEAD) * SSS_CLAIM_SLOT - clock;
    assert_true(laid + SSS_CLAIM_TTL > until);
}


static void
test_strerror(void **state)
{
    sss_claim_rc_t  rc;

    (void) state;

    for (rc = SSS_CLAIM_FIRST; rc <= SSS_CLAIM_BAD; rc++) {
        assert_true(strlen(sss_claim_strerror(rc)) > 0);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_first),
        cmocka_unit_test(test_doubts),
        cmocka_unit_test(test_replay),
        cmocka_unit_test(test_changed),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_clocks),
        cmocka_unit_test(test_badge),
        cmocka_unit_test(test_life),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_strerror),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
