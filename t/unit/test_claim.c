
/* Claims: names, records, and what an answer means. */


#include "unit.h"

#include "sss_claim.h"


#define NOW      1700000000ull
#define CLAIM_NAME  "sss1:9e7a54326e7dd5e0e156d014585aaad113f4ef0b"
#define SERVERS  0x0123456789abcdefull


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
                   (const uint8_t *) hash, (const uint8_t *) nonce);
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

    sss_claim_log(f->log);
    f->len = SSS_CLAIM_LOG;

    claim_of(&other, "an other", "somebody");
    append(f, &other);

    claim_of(&f->claim, "thisclaim", "this one");
    append(f, &f->claim);

    f->reply.stored = 1;
    f->reply.logged = 1;
    f->reply.marked = 1;
    f->reply.log_left = SSS_CLAIM_TTL - SSS_CLAIM_LIFE;
    f->reply.mark_left = sss_claim_mark_expires(f->claim.slot) - NOW;
    f->reply.servers = SERVERS;
}


static sss_claim_rc_t
judge(const fixture_t *f)
{
    return sss_claim_judge(&f->claim, &f->reply, f->log, f->len, SERVERS,
                           NOW);
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
    unsigned   i;
    fixture_t  f;

    (void) state;

    begin(&f);
    f.reply.logged = 0;
    assert_int_equal(judge(&f), SSS_CLAIM_LOST);

    begin(&f);
    f.reply.marked = 0;
    assert_int_equal(judge(&f), SSS_CLAIM_LOST);

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
    f.reply.servers++;
    assert_int_equal(judge(&f), SSS_CLAIM_SERVERS);

    for (i = 0; i <= SSS_CLAIM_CLOCK; i++) {
        begin(&f);
        f.reply.mark_left += i;
        assert_int_equal(judge(&f), SSS_CLAIM_FIRST);

        f.reply.mark_left -= 2 * i;
        assert_int_equal(judge(&f), SSS_CLAIM_FIRST);
    }

    begin(&f);
    f.reply.mark_left += SSS_CLAIM_CLOCK + 1;
    assert_int_equal(judge(&f), SSS_CLAIM_TIME);

    begin(&f);
    f.reply.mark_left -= SSS_CLAIM_CLOCK + 1;
    assert_int_equal(judge(&f), SSS_CLAIM_TIME);

    begin(&f);
    f.reply.mark_left = UINT32_MAX;
    assert_int_equal(judge(&f), SSS_CLAIM_TIME);

    begin(&f);
    assert_int_equal(sss_claim_judge(&f.claim, &f.reply, NULL, 0, SERVERS,
                                     NOW), SSS_CLAIM_BAD);
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
    f.reply.servers = 0;
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


static void
test_mark(void **state)
{
    size_t    i;
    uint8_t   mark[SSS_CLAIM_MARK + 1];
    uint64_t  servers;

    (void) state;

    sss_claim_mark(SERVERS, mark);

    assert_int_equal(sss_claim_mark_read(mark, SSS_CLAIM_MARK, &servers), 0);
    assert_true(servers == SERVERS);

    for (i = 0; i < SSS_CLAIM_MARK; i++) {
        assert_int_equal(sss_claim_mark_read(mark, i, &servers), -1);
    }

    assert_int_equal(sss_claim_mark_read(mark, SSS_CLAIM_MARK + 1, &servers),
                     -1);

    mark[0] ^= 1;
    assert_int_equal(sss_claim_mark_read(mark, SSS_CLAIM_MARK, &servers), -1);
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

    assert_true(sss_claim_mark_expires(slot) > until + SSS_CLAIM_SLOT);
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
        cmocka_unit_test(test_mark),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_strerror),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
