
#define _GNU_SOURCE
#define OPENSSL_SUPPRESS_DEPRECATED

#include "unit.h"
#include "unit_openssl.h"

#include "sss_admission.h"
#include "sss_memory.h"


#define NOW       UINT64_C(1800000000000)
#define POLL      2000
#define ROTATION  UINT64_C(3600000)
#define PATIENCE  (2 * POLL + SSS_ADMISSION_WAIT)
#define LOOK      50                    /* between two looks               */
#define SOON      150                   /* of who answers, or was lost     */
#define CROWDED   2000
#define YOUNG     5000


static const uint8_t     secret[SSS_SECRET_SIZE] = { 3, 1, 4 };
static sss_join_key_t    key;
static sss_admission_t  *a;
static sss_group_t       mine;          /* what the host brings to a poll  */
static sss_group_t       other;         /* of somebody else                */


static int
prepare(void **state)
{
    (void) state;

    a = sss_memory_alloc(sizeof(sss_admission_t));
    assert_non_null(a);
    assert_int_equal(sss_join_key(&key, secret, "main", 4), 0);

    a->forward_secrecy = 1;
    a->poll_ms = POLL;
    a->rotation_ms = ROTATION;
    a->key = &key;

    sss_group_init(&mine, 2);
    sss_group_init(&other, 2);
    assert_int_equal(sss_group_found(&other, POLL, NOW - 60000), 0);

    return 0;
}


static int
finish(void **state)
{
    (void) state;

    unit_openssl_fail = 0;
    sss_memory_free(a, sizeof(sss_admission_t));

    return 0;
}


/* A poll that sees a label, or none, up to its decision. */

static void
poll_of(const sss_group_t *group, const sss_label_t *label, uint64_t now)
{
    sss_admission_begin(a, group);

    if (label != NULL) {
        (void) sss_admission_see(a, label, now);
    }

    sss_admission_decide(a, now);
}


/* The answer of "other" to the request that stands. */

static size_t
answer(uint8_t *out)
{
    return sss_join_answer(&key, &other, a->join.request, a->join.len, NOW,
                           out);
}


static void
found_mine(uint64_t now)
{
    poll_of(&mine, NULL, now);
    assert_true(a->group.member);
    mine = a->group;
}


static void
test_begin(void **state)
{
    (void) state;

    sss_admission_begin(a, &mine);
    assert_false(a->group.member);
    assert_int_equal(a->group.label.generation, 2);

    /* what was of one poll is not of the next */

    a->seen = a->joined = a->standing = a->full = a->busy = 1;
    sss_admission_begin(a, &other);
    assert_false(a->seen || a->joined || a->standing || a->full || a->busy);
    assert_true(sss_label_same(&a->group.label, &other.label));
}


static void
test_begin_without_secrecy(void **state)
{
    (void) state;

    a->forward_secrecy = 0;
    sss_admission_begin(a, &mine);
    assert_true(a->group.member);
    assert_false(sss_group_secret(&a->group));

    /* a group with a key is no use to this host; the generation stays */

    sss_admission_begin(a, &other);
    assert_true(a->group.member);
    assert_false(sss_group_secret(&a->group));
    assert_int_equal(a->group.label.generation, 2);

    /* and one without is none with forward secrecy */

    mine = a->group;
    a->forward_secrecy = 1;
    sss_admission_begin(a, &mine);
    assert_false(a->group.member);
    assert_int_equal(a->group.label.generation, 2);
}


static void
test_begin_another_generation(void **state)
{
    (void) state;

    poll_of(&mine, &other.label, NOW);
    assert_true(sss_admission_waits(a));

    sss_admission_begin(a, &mine);
    assert_true(sss_admission_waits(a));

    mine.label.generation = 3;
    sss_admission_begin(a, &mine);
    assert_false(sss_admission_waits(a));
    assert_int_equal(a->group.label.generation, 3);
}


static void
test_see_generations(void **state)
{
    sss_label_t  label;

    (void) state;

    found_mine(NOW);
    label = other.label;

    label.generation = 1;
    sss_admission_begin(a, &mine);
    assert_int_equal(sss_admission_see(a, &label, NOW), 0);
    assert_false(a->seen);
    assert_true(a->group.member);

    /* a higher one: its group is the one to be asked for */

    label.generation = 7;
    assert_int_equal(sss_admission_see(a, &label, NOW), 1);
    assert_false(a->group.member);
    assert_true(unit_zero(a->group.key, SSS_GROUP_KEY));
    assert_int_equal(a->group.label.generation, 7);
    assert_true(a->seen && sss_label_same(&a->best, &label));

    assert_int_equal(sss_admission_see(a, &label, NOW), 0);

    /* without forward secrecy it is a generation, and nothing else */

    a->forward_secrecy = 0;
    sss_admission_begin(a, &mine);
    assert_int_equal(sss_admission_see(a, &label, NOW), 1);
    assert_true(a->group.member);
    assert_int_equal(a->group.label.generation, 7);
    assert_false(a->seen);
}


static void
test_see_best(void **state)
{
    sss_label_t  older, younger, none;

    (void) state;

    younger = other.label;
    older = other.label;
    none = other.label;
    older.created--;
    older.id[0] ^= 1;
    none.created = 0;

    sss_admission_begin(a, &mine);
    assert_int_equal(sss_admission_see(a, &none, NOW), 0);
    assert_false(a->seen);
    (void) sss_admission_see(a, &younger, NOW);
    assert_true(a->seen && sss_label_same(&a->best, &younger));
    (void) sss_admission_see(a, &older, NOW);
    assert_true(sss_label_same(&a->best, &older));
    (void) sss_admission_see(a, &younger, NOW);
    assert_true(sss_label_same(&a->best, &older));

    /* one that is dead is not counted */

    a->dead[3].label = older;
    a->dead[3].until_ms = NOW + 1;
    sss_admission_begin(a, &mine);
    (void) sss_admission_see(a, &older, NOW);
    assert_false(a->seen);
    (void) sss_admission_see(a, &older, NOW + 1);
    assert_true(a->seen);
}


static void
test_see_own(void **state)
{
    sss_label_t  label;

    (void) state;

    found_mine(NOW);
    label = mine.label;

    /* the longest poll interval, if one can believe it */

    label.poll_ms = 30000;
    sss_admission_begin(a, &mine);
    assert_int_equal(sss_admission_see(a, &label, NOW), 0);
    assert_int_equal(a->group.label.poll_ms, 30000);
    label.poll_ms = POLL;
    (void) sss_admission_see(a, &label, NOW);
    assert_int_equal(a->group.label.poll_ms, 30000);
    label.poll_ms = SSS_ADMISSION_POLL + 1;
    (void) sss_admission_see(a, &label, NOW);
    assert_int_equal(a->group.label.poll_ms, 30000);
    assert_false(a->seen);

    /* a later epoch is followed, an earlier one not */

    label.epoch = 2;
    (void) sss_admission_see(a, &label, NOW + 2 * ROTATION);
    assert_int_equal(a->group.label.epoch, 2);
    label.epoch = 1;
    (void) sss_admission_see(a, &label, NOW + 2 * ROTATION);
    assert_int_equal(a->group.label.epoch, 2);
    assert_true(a->group.member);

    /* one too far away makes the group one to be asked for */

    label.epoch = 3 + SSS_GROUP_LEAP;
    (void) sss_admission_see(a, &label, NOW + 2 * ROTATION);
    assert_false(a->group.member);
    assert_true(a->seen && sss_label_same(&a->best, &label));
}


static void
test_decide(void **state)
{
    (void) state;

    /* nobody there: it founds, and stays */

    poll_of(&mine, NULL, NOW);
    assert_true(sss_group_secret(&a->group));
    assert_true(a->founder);
    assert_int_equal(a->counts.founded, 1);
    assert_int_equal(a->group.label.created, NOW);

    mine = a->group;
    poll_of(&mine, NULL, NOW + POLL);
    assert_int_equal(a->counts.founded, 1);
    assert_true(sss_label_same(&a->group.label, &mine.label));

    /* one that wins: it asks, and stays until then */

    poll_of(&mine, &other.label, NOW + 2 * POLL);
    assert_true(sss_admission_waits(a));
    assert_true(a->group.member);
    assert_int_equal(a->left_ms, NOW + 2 * POLL);
    assert_true(sss_label_same(&a->join.group, &other.label));

    /* it is gone: so is the request */

    poll_of(&mine, NULL, NOW + 3 * POLL);
    assert_false(sss_admission_waits(a));
    assert_true(unit_zero(&a->join, sizeof(a->join)));

    /* one that loses is not asked for */

    other.label.created = NOW + 1;
    poll_of(&mine, &other.label, NOW + 4 * POLL);
    assert_false(sss_admission_waits(a));
}


/* The same request for as long as the group is the same. */

static void
test_decide_again(void **state)
{
    uint8_t      hash[SSS_JOIN_HASH];
    sss_label_t  label;

    (void) state;

    label = other.label;
    poll_of(&mine, &label, NOW);
    memcpy(hash, a->join.hash, sizeof(hash));
    sss_admission_asked(a, NOW);

    label.poll_ms = 30000;
    poll_of(&mine, &label, NOW + POLL);
    assert_memory_equal(a->join.hash, hash, sizeof(hash));
    assert_int_equal(a->join.group.poll_ms, 30000);
    assert_int_equal(a->asked_ms, NOW);
    assert_int_equal(a->left_ms, NOW);

    label.created--;
    poll_of(&mine, &label, NOW + 2 * POLL);
    assert_memory_not_equal(a->join.hash, hash, sizeof(hash));
    assert_int_equal(a->asked_ms, 0);
    assert_int_equal(a->left_ms, NOW + 2 * POLL);
}


static void
test_decide_nothing(void **state)
{
    (void) state;

    a->forward_secrecy = 0;
    poll_of(&mine, &other.label, NOW);
    assert_false(sss_admission_waits(a) || a->founder);

    /* who has just come in decides at the next poll */

    a->forward_secrecy = 1;
    sss_admission_begin(a, &other);
    a->joined = 1;
    sss_admission_decide(a, NOW);
    assert_int_equal(a->counts.founded, 0);
    assert_true(sss_label_same(&a->group.label, &other.label));
}


static void
test_openssl_fails(void **state)
{
    (void) state;

    unit_openssl_fail = 1;
    poll_of(&mine, NULL, NOW);
    assert_false(a->group.member || a->founder);
    assert_int_equal(a->counts.founded, 0);

    /* the next poll does it */

    poll_of(&mine, NULL, NOW);
    assert_true(a->group.member);

    unit_openssl_fail = 1;
    poll_of(&mine, &other.label, NOW);
    assert_int_equal(unit_openssl_fail, 0);
    assert_false(sss_admission_waits(a));
    assert_false(a->group.member);

    poll_of(&mine, &other.label, NOW);
    assert_true(sss_admission_waits(a));
}


static void
test_late(void **state)
{
    (void) state;

    assert_int_equal(sss_admission_late(a, NOW), 0);

    /* patience begins when the request is there */

    poll_of(&mine, &other.label, NOW);
    assert_int_equal(sss_admission_late(a, NOW + 10 * PATIENCE), 0);
    sss_admission_asked(a, NOW);
    sss_admission_asked(a, NOW + 1);
    assert_int_equal(a->asked_ms, NOW);
    assert_int_equal(sss_admission_late(a, NOW + PATIENCE - 1), 0);
    assert_int_equal(sss_admission_late(a, NOW + PATIENCE), 1);

    /* a clock that went back */

    assert_int_equal(sss_admission_late(a, NOW - 5000), 0);
    assert_int_equal(a->asked_ms, NOW - 5000);
    assert_int_equal(sss_admission_late(a, NOW - 5000 + PATIENCE), 1);
}


static void
test_give_up(void **state)
{
    uint64_t  now;

    (void) state;

    poll_of(&mine, &other.label, NOW);
    sss_admission_asked(a, NOW);

    /* of none: it founds one, and the other is dead for as long */

    now = NOW + PATIENCE;
    poll_of(&mine, &other.label, now);
    assert_int_equal(a->counts.given_up, 1);
    assert_int_equal(a->counts.founded, 1);
    assert_false(sss_admission_waits(a));
    assert_true(a->group.member);
    assert_int_equal(sss_admission_may_write(a, &other.label, now), 1);

    mine = a->group;
    poll_of(&mine, &other.label, now + PATIENCE - 1);
    assert_false(sss_admission_waits(a));

    assert_int_equal(sss_admission_may_write(a, &other.label, now + PATIENCE),
                     0);
    poll_of(&mine, &other.label, now + PATIENCE);
    assert_true(sss_admission_waits(a));

    /* a member of one stays in it */

    sss_admission_asked(a, now + PATIENCE);
    poll_of(&mine, &other.label, now + 2 * PATIENCE);
    assert_int_equal(a->counts.given_up, 2);
    assert_int_equal(a->counts.founded, 1);
    assert_true(sss_label_same(&a->group.label, &mine.label));
}


/* The oldest of those that are remembered makes room. */

static void
test_many_dead(void **state)
{
    unsigned     i;
    sss_label_t  label;

    (void) state;

    found_mine(NOW);

    for (i = 0; i <= SSS_ADMISSION_DEAD; i++) {
        label = other.label;
        label.id[0] = (uint8_t) i;
        poll_of(&mine, &label, NOW);
        assert_true(sss_admission_waits(a));
        sss_admission_asked(a, NOW - PATIENCE);
        poll_of(&mine, &label, NOW);
        assert_false(sss_admission_waits(a));
    }

    for (i = 0; i <= SSS_ADMISSION_DEAD; i++) {
        label.id[0] = (uint8_t) i;
        assert_int_equal(sss_admission_may_write(a, &label, NOW), i != 0);
    }
}


static void
test_answered(void **state)
{
    size_t   len;
    uint8_t  out[SSS_JOIN_ANSWER], hash[SSS_JOIN_HASH];

    (void) state;

    found_mine(NOW);
    a->poll_ms = 10000;
    poll_of(&mine, &other.label, NOW);
    memcpy(hash, a->join.hash, sizeof(hash));
    sss_admission_asked(a, NOW);
    len = answer(out);
    assert_int_not_equal(len, 0);

    /* changed on its way */

    out[len - SSS_JOIN_MAC - 1] ^= 1;
    sss_admission_answered(a, out, len, NOW + 50);
    assert_int_equal(a->counts.refused, 1);
    assert_false(a->joined);
    assert_true(sss_admission_waits(a));
    assert_true(sss_label_same(&a->group.label, &mine.label));
    out[len - SSS_JOIN_MAC - 1] ^= 1;

    sss_admission_answered(a, out, len, NOW + 50);
    assert_true(a->joined);
    assert_false(a->founder);
    assert_false(sss_admission_waits(a));
    assert_true(unit_zero(&a->join, sizeof(a->join)));
    assert_int_equal(a->counts.made, 1);
    assert_int_equal(a->asked_ms, 0);
    assert_memory_equal(a->group.key, other.key, SSS_GROUP_KEY);
    assert_memory_equal(a->ended, hash, sizeof(hash));
    assert_int_equal(a->group.label.poll_ms, 10000);
}


static void
test_may_write(void **state)
{
    (void) state;

    /* a member of none may not even where there is nothing */

    sss_admission_begin(a, &mine);
    assert_int_equal(sss_admission_may_write(a, NULL, NOW), 0);
    assert_int_equal(sss_admission_may_write(a, &other.label, NOW), 0);

    found_mine(NOW);
    assert_int_equal(sss_admission_may_write(a, NULL, NOW), 1);
    assert_int_equal(sss_admission_may_write(a, &mine.label, NOW), 1);
    assert_int_equal(sss_admission_may_write(a, &other.label, NOW), 0);
    other.label.created = NOW + 1;
    assert_int_equal(sss_admission_may_write(a, &other.label, NOW), 1);

    /* a higher generation is not dead, whatever was before */

    other.label.generation = 3;
    a->dead[0].label = other.label;
    a->dead[0].until_ms = NOW + 1;
    assert_int_equal(sss_admission_may_write(a, &other.label, NOW), 0);
    other.label.generation = 1;
    assert_int_equal(sss_admission_may_write(a, &other.label, NOW), 1);
}


static void
test_patience(void **state)
{
    (void) state;

    assert_int_equal(sss_admission_patience(a, &other.label), PATIENCE);
    other.label.poll_ms = POLL / 2;
    assert_int_equal(sss_admission_patience(a, &other.label), PATIENCE);
    other.label.poll_ms = SSS_ADMISSION_POLL;
    assert_int_equal(sss_admission_patience(a, &other.label),
                     2 * SSS_ADMISSION_POLL + SSS_ADMISSION_WAIT);
    other.label.poll_ms = SSS_ADMISSION_POLL + 1;
    assert_int_equal(sss_admission_patience(a, &other.label), PATIENCE);
}


/* Later each time, but at random, and from the beginning once it stood. */

static void
test_again_crowded(void **state)
{
    uint32_t  i, again, most;

    (void) state;

    poll_of(&mine, &other.label, NOW);
    most = SOON;

    for (i = 0; i < 8; i++) {
        sss_admission_full(a);
        again = sss_admission_again(a, 0, NOW);
        assert_in_range(again, most / 2, most);
        most = i < 3 ? 2 * most : CROWDED;
        poll_of(&mine, &other.label, NOW);
    }

    for (i = 0, most = 0; i < 200; i++) {
        again = sss_admission_again(a, 0, NOW);
        assert_in_range(again, CROWDED / 2, CROWDED);
        most = again > most ? again : most;
    }

    assert_in_range(most, CROWDED * 3 / 4, CROWDED);

    unit_openssl_fail = 1;
    assert_int_equal(sss_admission_again(a, 0, NOW), CROWDED / 2);

    a->poll_ms = 200;
    assert_in_range(sss_admission_again(a, 0, NOW), 100, 200);

    sss_admission_asked(a, NOW);
    assert_int_equal(sss_admission_again(a, 0, NOW), LOOK);
    poll_of(&mine, &other.label, NOW);
    assert_in_range(sss_admission_again(a, 0, NOW), SOON / 2, SOON);
}


/* Who was driven out waits for room and not for members. */

static void
test_gone(void **state)
{
    (void) state;

    sss_admission_begin(a, &mine);
    assert_int_equal(sss_admission_gone(a), 0);

    poll_of(&mine, &other.label, NOW);
    assert_int_equal(sss_admission_gone(a), 0);
    sss_admission_asked(a, NOW);
    assert_int_equal(sss_admission_gone(a), 0);

    sss_admission_begin(a, &mine);
    assert_int_equal(sss_admission_gone(a), 1);

    /* no server that says there is no room: members are waited for */

    (void) sss_admission_again(a, 0, NOW);
    assert_int_equal(sss_admission_late(a, NOW + PATIENCE), 1);

    sss_admission_full(a);
    (void) sss_admission_again(a, 0, NOW);
    assert_int_equal(sss_admission_gone(a), 0);
    assert_int_equal(sss_admission_late(a, NOW + PATIENCE), 0);
}


static void
test_again_founder(void **state)
{
    uint32_t  again;
    uint64_t  now;

    (void) state;

    found_mine(NOW);
    assert_int_equal(sss_admission_again(a, 0, NOW), SOON);
    assert_false(a->busy);
    assert_int_equal(sss_admission_again(a, 0, NOW + YOUNG - 1), SOON);
    assert_int_equal(sss_admission_again(a, 0, NOW + YOUNG), 0);
    assert_int_equal(sss_admission_again(a, 1, NOW + YOUNG), SOON);
    assert_int_equal(sss_admission_again(a, 0, NOW - 1), 0);

    /* for as long as there is somebody to answer, and looks alone do */

    now = NOW + 10 * YOUNG;
    sss_admission_helped(a, 0, now);
    assert_int_equal(a->counts.answered, 0);
    assert_int_equal(sss_admission_again(a, 0, now), SOON);
    assert_true(a->busy);
    sss_admission_begin(a, &mine);
    assert_int_equal(sss_admission_again(a, 0, now + YOUNG - 1), SOON);
    sss_admission_begin(a, &mine);
    assert_int_equal(sss_admission_again(a, 0, now + YOUNG), 0);
    assert_false(a->busy);

    /* another member of a group as young: once, when it is not any more */

    a->founder = 0;
    assert_int_equal(sss_admission_again(a, 0, NOW + 1000), 0);
    a->poll_ms = 30000;
    again = sss_admission_again(a, 0, NOW + 1000);
    assert_in_range(again, YOUNG - 1000, YOUNG + CROWDED - 1000);
    assert_int_equal(sss_admission_again(a, 0, NOW + YOUNG), 0);
}


static void
test_again_busy(void **state)
{
    (void) state;

    sss_admission_begin(a, &other);
    assert_int_equal(sss_admission_again(a, 0, NOW), 0);

    sss_admission_helped(a, 0, NOW);
    assert_int_equal(sss_admission_again(a, 0, NOW), 0);

    sss_admission_helped(a, 1, NOW);
    assert_int_equal(a->counts.answered, 1);
    assert_int_equal(sss_admission_again(a, 0, NOW), SOON);
    sss_admission_begin(a, &other);
    assert_int_equal(sss_admission_again(a, 0, NOW), 0);

    sss_admission_busy(a);
    assert_int_equal(sss_admission_again(a, 0, NOW), SOON);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(test_begin, prepare, finish),
        cmocka_unit_test_setup_teardown(test_begin_without_secrecy, prepare,
                                        finish),
        cmocka_unit_test_setup_teardown(test_begin_another_generation,
                                        prepare, finish),
        cmocka_unit_test_setup_teardown(test_see_generations, prepare,
                                        finish),
        cmocka_unit_test_setup_teardown(test_see_best, prepare, finish),
        cmocka_unit_test_setup_teardown(test_see_own, prepare, finish),
        cmocka_unit_test_setup_teardown(test_decide, prepare, finish),
        cmocka_unit_test_setup_teardown(test_decide_again, prepare, finish),
        cmocka_unit_test_setup_teardown(test_decide_nothing, prepare, finish),
        cmocka_unit_test_setup_teardown(test_openssl_fails, prepare, finish),
        cmocka_unit_test_setup_teardown(test_late, prepare, finish),
        cmocka_unit_test_setup_teardown(test_give_up, prepare, finish),
        cmocka_unit_test_setup_teardown(test_many_dead, prepare, finish),
        cmocka_unit_test_setup_teardown(test_answered, prepare, finish),
        cmocka_unit_test_setup_teardown(test_may_write, prepare, finish),
        cmocka_unit_test_setup_teardown(test_patience, prepare, finish),
        cmocka_unit_test_setup_teardown(test_again_crowded, prepare, finish),
        cmocka_unit_test_setup_teardown(test_gone, prepare, finish),
        cmocka_unit_test_setup_teardown(test_again_founder, prepare, finish),
        cmocka_unit_test_setup_teardown(test_again_busy, prepare, finish)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
