
#include <string.h>

#include <openssl/rand.h>

#include "sss_admission.h"
#include "sss_memory.h"


#define SSS_ADMISSION_LOOK     50       /* ms between two looks for an
                                           answer                          */
#define SSS_ADMISSION_SOON     150      /* between two polls of a founder, or
                                           of a host that answers, and before
                                           a crowded door is tried again   */
#define SSS_ADMISSION_CROWDED  2000     /* before it is at the last        */
#define SSS_ADMISSION_YOUNG    5000     /* a group is for so long          */


static void sss_admission_raise(sss_admission_t *a, uint32_t generation);
static void sss_admission_give_up(sss_admission_t *a, uint64_t now_ms);
static void sss_admission_found(sss_admission_t *a, uint64_t now_ms);
static void sss_admission_ask(sss_admission_t *a, uint64_t now_ms);
static void sss_admission_stop(sss_admission_t *a);
static uint32_t sss_admission_crowded(sss_admission_t *a);
static uint32_t sss_admission_random(uint32_t most);
static int sss_admission_dead(const sss_admission_t *a,
    const sss_label_t *label, uint64_t now_ms);
static void sss_admission_bury(sss_admission_t *a, const sss_label_t *label,
    uint64_t now_ms);


void
sss_admission_begin(sss_admission_t *a, const sss_group_t *group)
{
    /* who was waiting for another generation's group waits for none now */

    if (a->group.label.generation != group->label.generation) {
        sss_admission_stop(a);
    }

    a->group = *group;
    a->seen = 0;
    a->joined = 0;
    a->standing = 0;
    a->full = 0;
    a->busy = 0;

    if (!a->forward_secrecy && !a->group.member) {
        sss_admission_raise(a, group->label.generation);
    }

    /* a group with a key is no use to who seals without, and vice versa */

    if (a->group.member
        && sss_group_secret(&a->group) != a->forward_secrecy)
    {
        sss_admission_raise(a, group->label.generation);
    }
}


int
sss_admission_see(sss_admission_t *a, const sss_label_t *label,
    uint64_t now_ms)
{
    sss_label_t  *mine;

    mine = &a->group.label;

    if (label->generation > mine->generation) {
        sss_admission_raise(a, label->generation);
        (void) sss_admission_see(a, label, now_ms);
        return 1;
    }

    if (label->generation < mine->generation
        || !a->forward_secrecy || label->created == 0)
    {
        return 0;
    }

    if (a->group.member && sss_label_same(label, mine)) {

        if (label->poll_ms > mine->poll_ms
            && label->poll_ms <= SSS_ADMISSION_POLL)
        {
            mine->poll_ms = label->poll_ms;
        }

        if (sss_group_follow(&a->group, label->epoch, a->rotation_ms, now_ms)
            == 0)
        {
            return 0;
        }

        /* the others are so far ahead that only they can tell the key */

        sss_group_leave(&a->group);
    }

    if (!sss_admission_dead(a, label, now_ms)
        && (!a->seen || sss_label_beats(label, &a->best)))
    {
        a->best = *label;
        a->seen = 1;
    }

    return 0;
}


void
sss_admission_decide(sss_admission_t *a, uint64_t now_ms)
{
    if (!a->forward_secrecy || a->joined) {
        return;
    }

    /*
     * Who has given a group up overwrites its records, in the name of a group
     * of its own: of several dead ones none is waited for twice.
     */

    if (sss_admission_late(a, now_ms)) {
        sss_admission_give_up(a, now_ms);
    }

    if (a->seen && sss_admission_dead(a, &a->best, now_ms)) {
        a->seen = 0;
    }

    if (a->seen
        && (!a->group.member || sss_label_beats(&a->best, &a->group.label)))
    {
        sss_admission_ask(a, now_ms);
        return;
    }

    sss_admission_stop(a);

    if (!a->group.member) {
        sss_admission_found(a, now_ms);
    }
}


int
sss_admission_late(sss_admission_t *a, uint64_t now_ms)
{
    if (a->join.len == 0 || a->asked_ms == 0) {
        return 0;
    }

    /* a clock that went back begins anew */

    if (a->asked_ms > now_ms) {
        a->asked_ms = now_ms;
    }

    return now_ms - a->asked_ms >= sss_admission_patience(a, &a->join.group);
}


void
sss_admission_asked(sss_admission_t *a, uint64_t now_ms)
{
    if (a->asked_ms == 0) {
        a->asked_ms = now_ms;
    }

    a->standing = 1;
    a->crowded = 0;
}


void
sss_admission_full(sss_admission_t *a)
{
    a->full = 1;
}


int
sss_admission_gone(const sss_admission_t *a)
{
    return sss_admission_waits(a) && a->asked_ms != 0 && !a->standing;
}


void
sss_admission_helped(sss_admission_t *a, int first, uint64_t now_ms)
{
    if (first) {
        a->counts.answered++;
        a->busy = 1;
    }

    a->helped_ms = now_ms;
}


void
sss_admission_busy(sss_admission_t *a)
{
    a->busy = 1;
}


void
sss_admission_answered(sss_admission_t *a, const uint8_t *answer, size_t len,
    uint64_t now_ms)
{
    if (sss_join_open(&a->join, a->key, answer, len, now_ms, &a->group) != 0) {
        a->counts.refused++;
        return;
    }

    if (a->poll_ms > a->group.label.poll_ms) {
        a->group.label.poll_ms = a->poll_ms;
    }

    memcpy(a->ended, a->join.hash, SSS_JOIN_HASH);

    sss_admission_stop(a);

    a->counts.made++;
    a->joined = 1;
    a->founder = 0;
}


int
sss_admission_may_write(const sss_admission_t *a, const sss_label_t *label,
    uint64_t now_ms)
{
    if (!a->group.member) {
        return 0;
    }

    return label == NULL
           || sss_label_same(label, &a->group.label)
           || !sss_label_beats(label, &a->group.label)
           || (label->generation == a->group.label.generation
               && sss_admission_dead(a, label, now_ms));
}


int
sss_admission_waits(const sss_admission_t *a)
{
    return a->join.len != 0;
}


uint64_t
sss_admission_patience(const sss_admission_t *a, const sss_label_t *label)
{
    uint64_t  poll_ms;

    poll_ms = a->poll_ms;

    if (label->poll_ms > poll_ms && label->poll_ms <= SSS_ADMISSION_POLL) {
        poll_ms = label->poll_ms;
    }

    return 2 * poll_ms + SSS_ADMISSION_WAIT;
}


uint32_t
sss_admission_again(sss_admission_t *a, int lost, uint64_t now_ms)
{
    uint32_t  again;
    uint64_t  age_ms;

    if (sss_admission_waits(a)) {
        return a->standing ? SSS_ADMISSION_LOOK : sss_admission_crowded(a);
    }

    if (lost) {
        return SSS_ADMISSION_SOON;
    }

    age_ms = SSS_ADMISSION_YOUNG;

    if (sss_group_secret(&a->group) && now_ms >= a->group.label.created) {
        age_ms = now_ms - a->group.label.created;
    }

    if (age_ms < SSS_ADMISSION_YOUNG && a->founder) {
        return SSS_ADMISSION_SOON;
    }

    if (a->founder && now_ms - a->helped_ms < SSS_ADMISSION_YOUNG) {
        a->busy = 1;
    }

    if (a->busy) {
        return SSS_ADMISSION_SOON;
    }

    if (age_ms < SSS_ADMISSION_YOUNG) {
        again = SSS_ADMISSION_YOUNG - (uint32_t) age_ms
                + sss_admission_random(SSS_ADMISSION_CROWDED);

        return again < a->poll_ms ? again : 0;
    }

    return 0;
}


/* Without forward secrecy a host is a member of its generation. */

static void
sss_admission_raise(sss_admission_t *a, uint32_t generation)
{
    sss_group_init(&a->group, generation);
    sss_admission_stop(a);

    a->group.member = !a->forward_secrecy;
    a->seen = 0;
}


static void
sss_admission_give_up(sss_admission_t *a, uint64_t now_ms)
{
    a->counts.given_up++;

    sss_admission_bury(a, &a->join.group, now_ms);
    sss_admission_stop(a);

    if (!a->group.member) {
        sss_admission_found(a, now_ms);
    }
}


static void
sss_admission_found(sss_admission_t *a, uint64_t now_ms)
{
    if (sss_group_found(&a->group, a->poll_ms, now_ms) == 0) {
        a->counts.founded++;
        a->founder = 1;
    }
}


static void
sss_admission_ask(sss_admission_t *a, uint64_t now_ms)
{
    if (a->join.len != 0 && sss_label_same(&a->join.group, &a->best)) {
        a->join.group.poll_ms = a->best.poll_ms;
        return;
    }

    a->asked_ms = 0;
    a->left_ms = now_ms;

    /* what fails now is tried again at the next poll */

    (void) sss_join_begin(&a->join, a->key, &a->best, now_ms);
}


static void
sss_admission_stop(sss_admission_t *a)
{
    if (a->join.len != 0) {
        sss_join_end(&a->join);
    }

    a->asked_ms = 0;
    a->left_ms = 0;
    a->crowded = 0;
}


/*
 * Twice as long each time, so that thousands of hosts that started at once do
 * not crowd the servers as well; at random, so that they do not come together.
 */

static uint32_t
sss_admission_crowded(sss_admission_t *a)
{
    uint32_t  again;

    /* patience is with members, who have nothing to answer */

    if (a->full) {
        a->asked_ms = 0;
    }

    again = SSS_ADMISSION_CROWDED;

    if (a->crowded < 4) {
        again = SSS_ADMISSION_SOON << a->crowded++;
    }

    if (again > a->poll_ms) {
        again = a->poll_ms;
    }

    return again / 2 + sss_admission_random(again / 2);
}


/* From 0 to "most". */

static uint32_t
sss_admission_random(uint32_t most)
{
    uint32_t  n;

    if (RAND_bytes((unsigned char *) &n, sizeof(n)) != 1) {
        n = 0;
    }

    return n % (most + 1);
}


static int
sss_admission_dead(const sss_admission_t *a, const sss_label_t *label,
    uint64_t now_ms)
{
    size_t  i;

    for (i = 0; i < SSS_ADMISSION_DEAD; i++) {

        if (now_ms < a->dead[i].until_ms
            && sss_label_same(&a->dead[i].label, label))
        {
            return 1;
        }
    }

    return 0;
}


static void
sss_admission_bury(sss_admission_t *a, const sss_label_t *label,
    uint64_t now_ms)
{
    unsigned  i;

    i = a->next++ % SSS_ADMISSION_DEAD;

    a->dead[i].label = *label;
    a->dead[i].until_ms = now_ms + sss_admission_patience(a, label);
}
