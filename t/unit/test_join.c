
#include "unit.h"

#include <openssl/evp.h>

#include "sss_join.h"


#define NOW   UINT64_C(1800000000000)
#define SKEW  777777


typedef struct {
    uint8_t         secret[SSS_SECRET_SIZE];
    sss_join_key_t  key;
    sss_group_t     group;
    sss_join_t      join;
    uint8_t         answer[SSS_JOIN_ANSWER];
    size_t          len;
} join_t;


static int
prepare(void **state)
{
    join_t  *j;

    j = calloc(1, sizeof(join_t));
    assert_non_null(j);

    j->secret[0] = 5;
    assert_int_equal(sss_join_key(&j->key, j->secret, "main", 4), 0);

    sss_group_init(&j->group, 4);
    assert_int_equal(sss_group_found(&j->group, 2500, NOW - 9000), 0);
    assert_int_equal(sss_group_follow(&j->group, 3, 3600000, NOW - 5000), 0);

    assert_int_equal(sss_join_begin(&j->join, &j->key, &j->group.label,
                                    NOW + SKEW), 0);

    j->len = sss_join_answer(&j->key, &j->group, j->join.request, j->join.len,
                             NOW, j->answer);
    assert_true(j->len > 0);

    *state = j;

    return 0;
}


static int
finish(void **state)
{
    free(*state);

    return 0;
}


static void
assert_closed(const sss_join_t *join, const sss_join_key_t *key,
    const uint8_t *answer, size_t len)
{
    sss_group_t  group, before;

    memset(&group, 0xa5, sizeof(group));
    before = group;

    assert_int_equal(sss_join_open(join, key, answer, len, NOW, &group), -1);
    assert_memory_equal(&group, &before, sizeof(group));
}


static void
assert_let_in(const join_t *j, const sss_join_t *join, const uint8_t *answer,
    size_t len)
{
    sss_group_t  group;

    sss_group_init(&group, 1);
    assert_int_equal(sss_join_kind(&j->key, answer, len), SSS_JOIN_ANSWERS);
    assert_true(sss_join_answers(answer, join->hash));
    assert_int_equal(sss_join_open(join, &j->key, answer, len, NOW + SKEW,
                                   &group), 0);

    assert_true(group.member);
    assert_false(group.earlier);
    assert_true(sss_label_same(&group.label, &j->group.label));
    assert_int_equal(group.label.epoch, 3);
    assert_int_equal(group.label.poll_ms, 2500);
    assert_int_equal(group.since_ms, NOW + SKEW - 5000);
    assert_memory_equal(group.key, j->group.key, SSS_GROUP_KEY);
}


static void
test_round_trip(void **state)
{
    join_t      *j;
    sss_label_t  other;

    j = *state;

    assert_int_equal(sss_join_kind(&j->key, j->join.request, j->join.len),
                     SSS_JOIN_ASKS);
    assert_true(sss_join_asks_for(j->join.request, &j->group.label));

    other = j->group.label;
    other.generation++;
    assert_false(sss_join_asks_for(j->join.request, &other));

    other = j->group.label;
    other.id[15] ^= 1;
    assert_false(sss_join_asks_for(j->join.request, &other));

    assert_int_equal((j->answer[6] << 8) | j->answer[7],
                     sss_kem_available(SSS_KEM_XWING) ? SSS_KEM_XWING
                                                      : SSS_KEM_X25519);

    assert_let_in(j, &j->join, j->answer, j->len);

    sss_join_end(&j->join);
    assert_true(unit_zero(&j->join, sizeof(j->join)));
}


/* The request of a host without ML-KEM, made by hand if OpenSSL has ML-KEM. */

static void
test_x25519_alone(void **state)
{
    char             ns[SSS_JOIN_REQUEST + 4];
    join_t          *j;
    uint8_t          mac[SSS_HMAC_SIZE], answer[SSS_JOIN_ANSWER];
    size_t           len;
    unsigned         n;
    sss_join_t       join;

    j = *state;
    join = j->join;
    join.request[6] = join.request[7] = 0;
    join.len = SSS_JOIN_HEAD + SSS_JOIN_MAC;

    memcpy(ns, join.request, SSS_JOIN_HEAD);
    memcpy(ns + SSS_JOIN_HEAD, "main", 4);
    sss_hmac(&j->key.mac, (const uint8_t *) ns, SSS_JOIN_HEAD + 4, mac);
    memcpy(join.request + SSS_JOIN_HEAD, mac, SSS_JOIN_MAC);

    assert_int_equal(EVP_Digest(join.request, join.len, join.hash, &n,
                                EVP_sha256(), NULL), 1);
    assert_int_equal(sss_join_kind(&j->key, join.request, join.len),
                     SSS_JOIN_ASKS);

    len = sss_join_answer(&j->key, &j->group, join.request, join.len, NOW,
                          answer);
    assert_int_equal(len, 132 + 32 + 16);
    assert_int_equal((answer[6] << 8) | answer[7], SSS_KEM_X25519);

    assert_let_in(j, &join, answer, len);
}


/* A message that was changed or cut is refused. */

static void
assert_solid(const join_t *j, uint8_t *bytes, size_t len)
{
    size_t           i;
    sss_join_key_t   other;
    uint8_t          stranger[SSS_SECRET_SIZE];

    for (i = 0; i < 8 * len; i++) {
        bytes[i / 8] ^= (uint8_t) (1 << i % 8);
        assert_int_equal(sss_join_kind(&j->key, bytes, len),
                         SSS_JOIN_NOTHING);
        bytes[i / 8] ^= (uint8_t) (1 << i % 8);
    }

    for (i = 0; i < len; i++) {
        assert_int_equal(sss_join_kind(&j->key, bytes, i), SSS_JOIN_NOTHING);
    }

    memcpy(stranger, j->secret, sizeof(stranger));
    stranger[31] ^= 1;

    assert_int_equal(sss_join_key(&other, stranger, "main", 4), 0);
    assert_int_equal(sss_join_kind(&other, bytes, len), SSS_JOIN_NOTHING);

    assert_int_equal(sss_join_key(&other, j->secret, "maim", 4), 0);
    assert_int_equal(sss_join_kind(&other, bytes, len), SSS_JOIN_NOTHING);

    assert_int_equal(sss_join_key(&other, j->secret, NULL, 0), 0);
    assert_int_equal(sss_join_kind(&other, bytes, len), SSS_JOIN_NOTHING);
}


static void
test_damaged(void **state)
{
    size_t   i;
    join_t  *j;

    j = *state;

    assert_solid(j, j->join.request, j->join.len);
    assert_solid(j, j->answer, j->len);

    /* even with a correct MAC a changed answer does not open */

    for (i = 8 + SSS_JOIN_HASH; i < j->len - SSS_JOIN_MAC; i++) {
        j->answer[i] ^= 0x04;
        assert_closed(&j->join, &j->key, j->answer, j->len);
        j->answer[i] ^= 0x04;
    }
}


static void
test_not_for_this(void **state)
{
    size_t          len;
    join_t         *j;
    uint8_t         answer[SSS_JOIN_ANSWER], stranger[SSS_SECRET_SIZE];
    sss_join_t      other;
    sss_group_t     group;
    sss_join_key_t  key;

    j = *state;

    /* another request, to the same group */

    assert_int_equal(sss_join_begin(&other, &j->key, &j->group.label,
                                    NOW), 0);
    assert_memory_not_equal(other.hash, j->join.hash, SSS_JOIN_HASH);
    assert_false(sss_join_answers(j->answer, other.hash));
    assert_true(sss_join_has_hash(other.request, other.len, other.hash));
    assert_false(sss_join_has_hash(other.request, other.len, j->join.hash));
    assert_false(sss_join_has_hash(other.request, other.len - 1, other.hash));
    assert_closed(&other, &j->key, j->answer, j->len);

    /* another secret, another namespace */

    memcpy(stranger, j->secret, sizeof(stranger));
    stranger[0] ^= 1;

    assert_int_equal(sss_join_key(&key, stranger, "main", 4), 0);
    assert_closed(&j->join, &key, j->answer, j->len);

    assert_int_equal(sss_join_key(&key, j->secret, "mail", 4), 0);
    assert_closed(&j->join, &key, j->answer, j->len);

    /* the answer of a member of another group, or of another generation */

    sss_group_init(&group, 4);
    assert_int_equal(sss_group_found(&group, 2500, NOW - 9000), 0);

    len = sss_join_answer(&j->key, &group, j->join.request, j->join.len, NOW,
                          answer);
    assert_int_equal(sss_join_kind(&j->key, answer, len), SSS_JOIN_ANSWERS);
    assert_closed(&j->join, &j->key, answer, len);

    group = j->group;
    group.label.generation++;
    len = sss_join_answer(&j->key, &group, j->join.request, j->join.len, NOW,
                          answer);
    assert_closed(&j->join, &j->key, answer, len);

    /* the clock is before the begin of the epoch */

    group = j->group;
    group.since_ms = NOW + 5;
    len = sss_join_answer(&j->key, &group, j->join.request, j->join.len, NOW,
                          answer);
    assert_int_equal(sss_join_open(&j->join, &j->key, answer, len, NOW,
                                   &group), 0);
    assert_int_equal(group.since_ms, NOW);
}


/* If an answer was delayed, the age of the epoch includes the delay. */

static void
test_late_answer(void **state)
{
    join_t       *j;
    sss_group_t   group;

    j = *state;

    sss_group_init(&group, 4);
    assert_int_equal(sss_join_open(&j->join, &j->key, j->answer, j->len,
                                   NOW + SKEW + 40000, &group), 0);
    assert_int_equal(group.since_ms, NOW + SKEW - 5000);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, prepare, finish),
        cmocka_unit_test_setup_teardown(test_x25519_alone, prepare, finish),
        cmocka_unit_test_setup_teardown(test_damaged, prepare, finish),
        cmocka_unit_test_setup_teardown(test_not_for_this, prepare, finish),
        cmocka_unit_test_setup_teardown(test_late_answer, prepare, finish)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
