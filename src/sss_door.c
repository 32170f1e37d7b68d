
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "sss_door.h"


static void sss_door_late(sss_admission_t *a, sss_door_kind_t kind,
    uint64_t now_ms);
static void sss_door_offer(sss_door_t *door, const sss_item_t *item);
static void sss_door_free(sss_door_t *door, const sss_item_t *item);
static void sss_door_answer(sss_door_t *door, sss_admission_t *a,
    const sss_join_key_t *key, const sss_item_t *item, uint64_t now_ms);
static void sss_door_add(sss_door_t *door, sss_door_kind_t kind,
    const char *name, uint64_t cas, const uint8_t *bytes, size_t len);


int
sss_door_name(const uint8_t *secret, unsigned i, const char *ns,
    size_t ns_len, char *name)
{
    char  what[16];

    snprintf(what, sizeof(what), "door %u", i);

    return sss_secret_record_name(secret, what, ns, ns_len, name);
}


void
sss_door_clear(sss_door_t *door)
{
    size_t  i;

    for (i = 0; i < door->n; i++) {
        free(door->writes[i].bytes);
    }

    memset(door, 0, sizeof(sss_door_t));
}


int
sss_door_read(sss_door_t *door, sss_admission_t *a,
    const sss_join_key_t *key, int own, const sss_item_t *item,
    uint64_t now_ms)
{
    sss_join_kind_t  kind;

    kind = SSS_JOIN_NOTHING;

    if (item->found && item->value != NULL) {
        kind = sss_join_kind(key, item->value, item->len);
    }

    switch (kind) {

    case SSS_JOIN_ASKS:

        if (own && item->len == a->join.len
            && memcmp(item->value, a->join.request, item->len) == 0)
        {
            door->mine = 1;
            sss_admission_asked(a, now_ms);
            return 0;
        }

        /* it was answered at another server */

        if (own && sss_join_has_hash(item->value, item->len, a->ended)) {
            sss_door_free(door, item);
            return 0;
        }

        if (a->group.member
            && sss_join_asks_for(item->value, &a->group.label))
        {
            sss_door_answer(door, a, key, item, now_ms);
            return 1;
        }

        /* who asks for a group that lost, or is dead, waits for nobody */

        if (own && sss_admission_waits(a)
            && !sss_join_asks_for(item->value, &a->join.group))
        {
            sss_door_offer(door, item);
        }

        return 0;

    case SSS_JOIN_ANSWERS:

        if (own && sss_admission_waits(a)
            && sss_join_answers(item->value, a->join.hash))
        {
            sss_admission_answered(a, item->value, item->len, now_ms);

        } else if (!own || !sss_join_answers(item->value, a->ended)) {
            return 0;
        }

        sss_door_free(door, item);
        return 1;

    default:

        if (own) {
            sss_door_offer(door, item);
        }
    }

    return 0;
}


void
sss_door_ask(sss_door_t *door, sss_admission_t *a)
{
    if (door->mine) {
        return;
    }

    if (door->free_seen == 0) {
        sss_admission_full(a);
        return;
    }

    sss_door_add(door, SSS_DOOR_REQUEST, door->free_name, door->free_cas,
                 a->join.request, a->join.len);
}


int
sss_door_write(sss_door_t *door, const sss_admission_t *a, sss_exchange_t *x)
{
    uint32_t           ttl;
    uint64_t           patience;
    sss_door_write_t  *w;

    if (door->next == door->n) {
        return 0;
    }

    w = &door->writes[door->next];

    ttl = SSS_DOOR_LIFE;
    patience = sss_admission_patience(a, &a->group.label) / 1000;

    if (patience > ttl) {
        ttl = (uint32_t) patience;
    }

    if (w->kind == SSS_DOOR_ANSWER) {
        ttl = SSS_DOOR_ANSWER_LIFE;
    }

    if (w->kind == SSS_DOOR_FREE) {
        ttl = 1;
    }

    sss_exchange_write(x, w->name, w->cas, w->bytes, w->len, ttl);

    w->bytes = NULL;

    return 1;
}


void
sss_door_written(sss_door_t *door, sss_admission_t *a,
    const sss_exchange_t *x, uint64_t now_ms)
{
    sss_door_write_t  *w;

    w = &door->writes[door->next++];

    if (x->rc == SSS_EXCHANGE_CONFLICT) {
        sss_door_late(a, w->kind, now_ms);
    }

    if (x->rc != SSS_EXCHANGE_OK) {
        return;
    }

    if (w->kind == SSS_DOOR_ANSWER) {
        sss_admission_helped(a, 1, now_ms);
    }

    if (w->kind == SSS_DOOR_REQUEST) {
        door->mine = 1;
        sss_admission_asked(a, now_ms);
    }
}


/* Somebody else was faster. */

static void
sss_door_late(sss_admission_t *a, sss_door_kind_t kind, uint64_t now_ms)
{
    switch (kind) {

    case SSS_DOOR_REQUEST:
        sss_admission_full(a);
        break;

    case SSS_DOOR_ANSWER:
        sss_admission_helped(a, 0, now_ms);
        break;

    case SSS_DOOR_FREE:

        /* a member was, and nobody waits for its answer */

        sss_admission_busy(a);
    }
}


/* Of all free slots each is as likely to be chosen. */

static void
sss_door_offer(sss_door_t *door, const sss_item_t *item)
{
    uint32_t  n;

    door->free_seen++;

    if (RAND_bytes((unsigned char *) &n, sizeof(n)) != 1) {
        n = 0;
    }

    if (n % door->free_seen == 0) {
        door->free_name = item->name;
        door->free_cas = item->found ? item->cas : 0;
    }
}


/* Whoever comes next finds the slot free. */

static void
sss_door_free(sss_door_t *door, const sss_item_t *item)
{
    sss_door_add(door, SSS_DOOR_FREE, item->name, item->cas,
                 (const uint8_t *) "-", 1);
}


static void
sss_door_answer(sss_door_t *door, sss_admission_t *a,
    const sss_join_key_t *key, const sss_item_t *item, uint64_t now_ms)
{
    size_t   len;
    uint8_t  answer[SSS_JOIN_ANSWER];

    len = sss_join_answer(key, &a->group, item->value, item->len, now_ms,
                          answer);
    if (len != 0) {
        sss_door_add(door, SSS_DOOR_ANSWER, item->name, item->cas, answer,
                     len);
    }
}


static void
sss_door_add(sss_door_t *door, sss_door_kind_t kind, const char *name,
    uint64_t cas, const uint8_t *bytes, size_t len)
{
    sss_door_write_t  *w;

    if (door->n == SSS_DOOR_WRITES) {
        return;
    }

    w = &door->writes[door->n];

    w->bytes = malloc(len);
    if (w->bytes == NULL) {
        return;
    }

    memcpy(w->bytes, bytes, len);

    w->kind = kind;
    w->name = name;
    w->cas = cas;
    w->len = len;

    door->n++;
}
