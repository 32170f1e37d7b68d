
#include "unit.h"

#include "sss_door.h"


#define NOW  UINT64_C(1800000000000)


typedef struct {
    uint8_t          secret[SSS_SECRET_SIZE];
    sss_join_key_t   key;
    sss_admission_t  member;
    sss_admission_t  asker;
    sss_door_t       door;
    sss_item_t       item;
    uint8_t          value[2048];
} door_t;


static int
prepare(void **state)
{
    door_t  *d;

    d = calloc(1, sizeof(door_t));
    assert_non_null(d);

    d->secret[0] = 5;
    assert_int_equal(sss_join_key(&d->key, d->secret, "main", 4), 0);

    d->member.forward_secrecy = d->asker.forward_secrecy = 1;
    d->member.poll_ms = d->asker.poll_ms = 2000;
    d->member.key = d->asker.key = &d->key;

    sss_group_init(&d->member.group, 1);
    sss_group_init(&d->asker.group, 1);
    assert_int_equal(sss_group_found(&d->member.group, 2000, NOW), 0);
    assert_int_equal(sss_join_begin(&d->asker.join, &d->key,
                                    &d->member.group.label, NOW), 0);

    strcpy(d->item.name, "slot");

    *state = d;

    return 0;
}


static int
finish(void **state)
{
    door_t  *d;

    d = *state;

    sss_door_clear(&d->door);
    free(d);

    return 0;
}


static void
put(door_t *d, const void *bytes, size_t len)
{
    memcpy(d->value, bytes, len);

    d->item.found = 1;
    d->item.value = d->value;
    d->item.len = len;
    d->item.cas = 9;
}


/* Carries out the next write, so that its value is in the slot. */

static void
carry_out(door_t *d, sss_admission_t *a, sss_exchange_rc_t rc)
{
    sss_exchange_t  x;

    memset(&x, 0, sizeof(x));

    assert_int_equal(sss_door_write(&d->door, a, &x), 1);
    assert_string_equal(x.item.name, "slot");
    assert_int_equal(x.item.cas, d->item.found ? d->item.cas : 0);

    put(d, x.item.value, x.item.len);
    sss_exchange_end(&x, rc, NULL);
    sss_door_written(&d->door, a, &x, NOW);
    sss_exchange_clear(&x);

    assert_int_equal(sss_door_write(&d->door, a, &x), 0);
}


static void
test_let_in(void **state)
{
    door_t  *d;

    d = *state;

    /* the slot is empty: the request goes there */

    (void) sss_door_read(&d->door, &d->asker, &d->key, 1, &d->item, NOW);
    assert_int_equal(d->door.free_seen, 1);
    sss_door_ask(&d->door, &d->asker);
    carry_out(d, &d->asker, SSS_EXCHANGE_OK);
    assert_int_equal(d->asker.asked_ms, NOW);
    assert_true(d->door.mine);

    /* where the request is already, it is not written again */

    sss_door_clear(&d->door);
    (void) sss_door_read(&d->door, &d->asker, &d->key, 1, &d->item, NOW);
    assert_true(d->door.mine);
    sss_door_ask(&d->door, &d->asker);
    assert_int_equal(d->door.n, 0);

    /* a member answers; a slower one, whose write conflicts, does not */

    sss_door_clear(&d->door);
    assert_int_equal(sss_door_read(&d->door, &d->member, &d->key, 1,
                                   &d->item, NOW), 1);
    carry_out(d, &d->member, SSS_EXCHANGE_CONFLICT);
    assert_int_equal(d->member.counts.answered, 0);

    put(d, d->asker.join.request, d->asker.join.len);
    sss_door_clear(&d->door);
    assert_int_equal(sss_door_read(&d->door, &d->member, &d->key, 0,
                                   &d->item, NOW), 1);
    carry_out(d, &d->member, SSS_EXCHANGE_OK);
    assert_int_equal(d->member.counts.answered, 1);

    /* for other hosts a slot with an answer is not free, and they ignore it */

    sss_door_clear(&d->door);
    assert_int_equal(sss_door_read(&d->door, &d->member, &d->key, 1,
                                   &d->item, NOW), 0);
    assert_int_equal(d->door.free_seen + d->door.n, 0);

    assert_int_equal(sss_door_read(&d->door, &d->asker, &d->key, 1, &d->item,
                                   NOW), 1);
    assert_true(d->asker.joined && d->asker.group.member);
    assert_false(sss_admission_waits(&d->asker));
    assert_memory_equal(d->asker.group.key, d->member.group.key,
                        SSS_GROUP_KEY);

    /*
     * the same answer from another server: no second join, and the slot is
     * free
     */

    sss_door_clear(&d->door);
    assert_int_equal(sss_door_read(&d->door, &d->asker, &d->key, 1, &d->item,
                                   NOW), 1);
    assert_int_equal(d->asker.counts.made, 1);
    assert_int_equal(d->asker.counts.refused, 0);
    carry_out(d, &d->asker, SSS_EXCHANGE_OK);
    assert_int_equal(d->item.len, 1);
    assert_int_equal(d->value[0], '-');
}


/* Whoever was let in at one server asks at no other any more. */

static void
test_leftover(void **state)
{
    door_t    *d;
    size_t     len;
    uint8_t    request[SSS_JOIN_REQUEST], answer[SSS_JOIN_ANSWER];

    d = *state;

    len = d->asker.join.len;
    memcpy(request, d->asker.join.request, len);
    put(d, answer, sss_join_answer(&d->key, &d->member.group, request, len,
                                   NOW, answer));
    (void) sss_door_read(&d->door, &d->asker, &d->key, 1, &d->item, NOW);
    assert_true(d->asker.joined);

    /* of another secret it is not this host's to take away: it answers */

    put(d, request, len);
    sss_door_clear(&d->door);
    assert_int_equal(sss_door_read(&d->door, &d->asker, &d->key, 0, &d->item,
                                   NOW), 1);

    /* a member was faster to answer it: that is looked at again soon */

    sss_door_clear(&d->door);
    assert_int_equal(sss_door_read(&d->door, &d->asker, &d->key, 1, &d->item,
                                   NOW), 0);
    carry_out(d, &d->asker, SSS_EXCHANGE_CONFLICT);
    assert_true(d->asker.busy);
    assert_int_equal(d->asker.counts.answered, 0);

    put(d, request, len);
    sss_door_clear(&d->door);
    (void) sss_door_read(&d->door, &d->asker, &d->key, 1, &d->item, NOW);
    carry_out(d, &d->asker, SSS_EXCHANGE_OK);
    assert_int_equal(d->item.len, 1);
    assert_int_equal(d->value[0], '-');
}


static void
test_no_room(void **state)
{
    door_t      *d;
    sss_join_t   other;

    d = *state;

    assert_int_equal(sss_join_begin(&other, &d->key, &d->member.group.label,
                                    NOW), 0);
    put(d, other.request, other.len);
    (void) sss_door_read(&d->door, &d->asker, &d->key, 1, &d->item, NOW);
    sss_door_ask(&d->door, &d->asker);
    assert_int_equal(d->door.n, 0);
    assert_true(d->asker.full);

    /* or somebody else was faster to take it */

    d->asker.full = 0;
    d->item.found = 0;
    sss_door_clear(&d->door);
    (void) sss_door_read(&d->door, &d->asker, &d->key, 1, &d->item, NOW);
    sss_door_ask(&d->door, &d->asker);
    assert_false(d->asker.full);
    carry_out(d, &d->asker, SSS_EXCHANGE_CONFLICT);
    assert_true(d->asker.full);
    assert_false(d->asker.standing);
    assert_int_equal(d->asker.asked_ms, 0);
}


static void
test_names(void **state)
{
    char      name[SSS_DOOR_SLOTS][SSS_NAME_SIZE], other[SSS_NAME_SIZE];
    door_t   *d;
    unsigned  i, k;

    d = *state;

    for (i = 0; i < SSS_DOOR_SLOTS; i++) {
        assert_int_equal(sss_door_name(d->secret, i, "main", 4, name[i]), 0);

        for (k = 0; k < i; k++) {
            assert_string_not_equal(name[i], name[k]);
        }
    }

    assert_int_equal(sss_door_name(d->secret, 0, "mai", 3, other), 0);
    assert_string_not_equal(name[0], other);
}


static void
test_slots(void **state)
{
    door_t      *d;
    sss_join_t   other;

    d = *state;

    /* a slot with garbage counts as free under the first secret only */

    put(d, "what is this?", 13);
    (void) sss_door_read(&d->door, &d->asker, &d->key, 0, &d->item, NOW);
    assert_int_equal(d->door.free_seen, 0);
    (void) sss_door_read(&d->door, &d->asker, &d->key, 1, &d->item, NOW);
    assert_int_equal(d->door.free_seen, 1);
    assert_int_equal(d->door.free_cas, 9);

    /* a request for another group is left to members of that group */

    sss_door_clear(&d->door);
    assert_int_equal(sss_join_begin(&other, &d->key, &d->member.group.label,
                                    NOW), 0);
    put(d, other.request, other.len);
    (void) sss_door_read(&d->door, &d->asker, &d->key, 1, &d->item, NOW);
    assert_int_equal(d->door.free_seen + d->door.n + d->door.mine, 0);
    sss_door_ask(&d->door, &d->asker);
    assert_int_equal(d->door.n, 0);

    d->member.group.label.id[0] ^= 1;
    (void) sss_door_read(&d->door, &d->member, &d->key, 1, &d->item, NOW);
    assert_int_equal(d->door.n, 0);
    d->member.group.label.id[0] ^= 1;

    /* no more answers are written than there is room for */

    while (d->door.n < SSS_DOOR_WRITES) {
        (void) sss_door_read(&d->door, &d->member, &d->key, 1, &d->item, NOW);
    }

    (void) sss_door_read(&d->door, &d->member, &d->key, 1, &d->item, NOW);
    assert_int_equal(d->door.n, SSS_DOOR_WRITES);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(test_let_in, prepare, finish),
        cmocka_unit_test_setup_teardown(test_leftover, prepare, finish),
        cmocka_unit_test_setup_teardown(test_no_room, prepare, finish),
        cmocka_unit_test_setup_teardown(test_names, prepare, finish),
        cmocka_unit_test_setup_teardown(test_slots, prepare, finish)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
