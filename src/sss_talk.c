
#include <stdlib.h>
#include <string.h>

#include "sss_claimed.h"
#include "sss_command.h"
#include "sss_reply.h"
#include "sss_talk.h"


#define SSS_TALK_PROBE     "sss1:probe"
#define SSS_TALK_ROOM      (4 * 1024 * 1024)    /* bytes that may wait to be
                                                   sent before stores are
                                                   refused                 */
#define SSS_TALK_LINES     1000         /* most lines of statistics        */
#define SSS_TALK_SECONDS   999999999999999      /* the latest time that is
                                                   believed                */


static int sss_talk_skip(sss_talk_t *talk);
static int sss_talk_reply(sss_talk_t *talk, sss_reply_rc_t rc,
    const sss_reply_t *reply, uint64_t now);
static int sss_talk_claimed(sss_talk_t *talk, sss_reply_rc_t rc,
    const sss_reply_t *reply);
static int sss_talk_greeted(sss_talk_t *talk, sss_reply_rc_t rc,
    const sss_reply_t *reply);
static int sss_talk_denied(sss_talk_t *talk, const char *error);
static int sss_talk_strange(sss_talk_t *talk);
static int sss_talk_found(sss_talk_t *talk, const sss_reply_t *reply);
static sss_request_t *sss_talk_match(sss_request_t *request,
    const sss_request_t *end, const sss_reply_t *reply);
static void sss_talk_answered(sss_talk_t *talk);
static void sss_talk_finish(sss_talk_t *talk, sss_request_t *request,
    sss_engine_rc_t rc);
static int sss_talk_exchange(sss_talk_t *talk, sss_reply_rc_t rc,
    const sss_reply_t *reply, uint64_t now);
static int sss_talk_read(sss_talk_t *talk, sss_reply_rc_t rc,
    const sss_reply_t *reply, uint64_t now);
static int sss_talk_item(sss_talk_t *talk, const sss_reply_t *reply);
static int sss_talk_written(sss_talk_t *talk, sss_reply_rc_t rc,
    uint64_t now);
static int sss_talk_clock(sss_talk_t *talk, sss_reply_rc_t rc,
    const sss_reply_t *reply, uint64_t now);
static int sss_talk_refused(sss_talk_t *talk, const char *error,
    uint64_t now);
static int sss_talk_over(sss_talk_t *talk, sss_exchange_rc_t rc,
    const char *reason, uint64_t now);
static void sss_talk_fail(sss_talk_t *talk, sss_request_t *request,
    const char *reason);
static int sss_talk_give_up(sss_talk_t *talk, sss_request_t **place);


void
sss_talk_get(sss_talk_t *talk, sss_queue_t *lookups)
{
    sss_request_t  *request;

    if (sss_command_get(&talk->out, lookups) != 0) {

        while ((request = sss_queue_pop(lookups)) != NULL) {
            sss_talk_finish(talk, request, SSS_ENGINE_FAILED);
        }

        return;
    }

    lookups->tail->last = 1;
    sss_queue_move(&talk->asked, lookups);
}


int
sss_talk_put(sss_talk_t *talk, const char *name, const uint8_t *value,
    size_t len, uint32_t ttl)
{
    if (sss_buffer_len(&talk->out) > SSS_TALK_ROOM) {
        return -1;
    }

    return sss_command_set(&talk->out, name, value, len, ttl);
}


int
sss_talk_remove(sss_talk_t *talk, const char *name)
{
    if (sss_buffer_len(&talk->out) > SSS_TALK_ROOM) {
        return -1;
    }

    return sss_command_delete(&talk->out, name);
}


int
sss_talk_add(sss_talk_t *talk, const char *name, const uint8_t *value,
    size_t len, uint64_t expires)
{
    if (sss_buffer_len(&talk->out) > SSS_TALK_ROOM) {
        return -1;
    }

    return sss_command_add_item(&talk->out, name, value, len, expires);
}


void
sss_talk_claim(sss_talk_t *talk, sss_request_t *request)
{
    request->last = 1;

    if (sss_command_claim(&talk->out, request->claim) != 0) {
        sss_talk_finish(talk, request, SSS_ENGINE_FAILED);
        return;
    }

    sss_queue_push(&talk->asked, request);
}


int
sss_talk_probe(sss_talk_t *talk, uint64_t now, uint64_t until)
{
    sss_queue_t     queue;
    sss_request_t  *request;

    request = sss_request_create(SSS_REQUEST_PROBE, SSS_TALK_PROBE);
    if (request == NULL) {
        return -1;
    }

    queue.head = NULL;
    request->since = now;
    request->until = until;

    sss_queue_push(&queue, request);
    sss_talk_get(talk, &queue);

    return 0;
}


void
sss_talk_hello(sss_talk_t *talk)
{
    talk->hello = 1;
}


int
sss_talk_ask(sss_talk_t *talk, sss_exchange_t *x, uint64_t now,
    uint64_t until)
{
    sss_request_t  *request;

    request = sss_request_create(SSS_REQUEST_EXCHANGE, SSS_TALK_PROBE);

    if (request == NULL || sss_command_exchange(&talk->out, x) != 0) {
        sss_request_free(request);
        return -1;
    }

    request->exchange = x;
    request->kind = x->op;
    request->since = now;
    request->until = until;
    request->last = 1;

    x->state = SSS_EXCHANGE_ASKED;
    talk->exchange = request;

    sss_queue_push(&talk->asked, request);

    return 0;
}


void
sss_talk_forget(sss_talk_t *talk)
{
    if (talk->exchange != NULL) {
        talk->exchange->exchange = NULL;
        talk->exchange = NULL;
    }
}


int
sss_talk_hear(sss_talk_t *talk, uint64_t now)
{
    sss_reply_t     reply;
    sss_reply_rc_t  rc;

    while (sss_buffer_len(&talk->in) > 0) {

        if (talk->skip != 0) {
            if (sss_talk_skip(talk) != 0) {
                return sss_talk_strange(talk);
            }

            continue;
        }

        rc = sss_reply_parse(talk->in.p + talk->in.off,
                             sss_buffer_len(&talk->in), &reply);

        if (rc == SSS_REPLY_MORE) {

            if (sss_buffer_reserve(&talk->in,
                                   reply.size - sss_buffer_len(&talk->in))
                != 0)
            {
                talk->reason = SSS_TALK_MEMORY;
                return -1;
            }

            return 0;
        }

        if (sss_talk_reply(talk, rc, &reply, now) != 0) {
            return -1;
        }

        sss_buffer_drop(&talk->in, reply.size);
    }

    return 0;
}


/* Drops bytes of a value that is too long; -1 if no line end follows it. */

static int
sss_talk_skip(sss_talk_t *talk)
{
    size_t  n;

    n = sss_buffer_len(&talk->in);

    if (talk->skip > 2) {

        if (n > talk->skip - 2) {
            n = (size_t) (talk->skip - 2);
        }

    } else {
        n = 1;

        if (talk->in.p[talk->in.off] != "\n\r"[talk->skip - 1]) {
            return -1;
        }
    }

    talk->skip -= n;
    sss_buffer_drop(&talk->in, n);

    return 0;
}


static int
sss_talk_reply(sss_talk_t *talk, sss_reply_rc_t rc, const sss_reply_t *reply,
    uint64_t now)
{
    sss_request_t  *head;

    if (talk->hello) {
        return sss_talk_greeted(talk, rc, reply);
    }

    head = talk->asked.head;

    if (head == NULL) {
        return sss_talk_strange(talk);
    }

    if (rc == SSS_REPLY_LARGE) {
        talk->skip = (uint64_t) reply->len + 2;
    }

    if (head->op == SSS_REQUEST_EXCHANGE) {
        return sss_talk_exchange(talk, rc, reply, now);
    }

    if (head->op == SSS_REQUEST_CLAIM) {
        return sss_talk_claimed(talk, rc, reply);
    }

    if (rc == SSS_REPLY_ERROR) {
        return sss_talk_denied(talk, reply->error);
    }

    if (!head->deleting) {

        if (rc == SSS_REPLY_VALUE_OF || rc == SSS_REPLY_LARGE) {
            return sss_talk_found(talk, reply);
        }

        if (rc == SSS_REPLY_END) {
            sss_talk_answered(talk);
            return 0;
        }

        return sss_talk_strange(talk);
    }

    if (rc != SSS_REPLY_DELETED && rc != SSS_REPLY_NOT_FOUND) {
        return sss_talk_strange(talk);
    }

    /*
     * Several hosts may have read the record.  The session is for the one
     * whose "delete" has removed it.
     */

    (void) sss_queue_pop(&talk->asked);
    sss_talk_finish(talk, head, rc == SSS_REPLY_DELETED && head->value
                                ? SSS_ENGINE_HIT : SSS_ENGINE_MISS);

    return 0;
}


static int
sss_talk_claimed(sss_talk_t *talk, sss_reply_rc_t rc,
    const sss_reply_t *reply)
{
    int             more;
    sss_request_t  *head;

    head = talk->asked.head;
    more = sss_claimed(head, rc, reply);

    if (more == -1) {
        return rc == SSS_REPLY_ERROR ? sss_talk_denied(talk, reply->error)
                                     : sss_talk_strange(talk);
    }

    if (more == 0) {

        if (!head->gone) {
            talk->alive = 1;
            talk->good = 1;
        }

        (void) sss_queue_pop(&talk->asked);
        sss_talk_finish(talk, head, head->value ? SSS_ENGINE_HIT
                                             : SSS_ENGINE_MISS);
    }

    return 0;
}


static int
sss_talk_greeted(sss_talk_t *talk, sss_reply_rc_t rc,
    const sss_reply_t *reply)
{
    /* SERVER_ERROR: it asks for no password, and had no memory to store it */

    if (rc == SSS_REPLY_STORED
        || (rc == SSS_REPLY_ERROR
            && strncmp(reply->error, "SERVER_ERROR", 12) == 0))
    {
        talk->hello = 0;
        return 0;
    }

    return rc == SSS_REPLY_ERROR ? sss_talk_denied(talk, reply->error)
                                 : sss_talk_strange(talk);
}


/* Ends the conversation after an error message, with a reason of our own. */

static int
sss_talk_denied(sss_talk_t *talk, const char *error)
{
    if (strcmp(error, SSS_REPLY_REFUSED) == 0) {
        error = SSS_TALK_REFUSED;

    } else if (strcmp(error, SSS_REPLY_UNAUTHENTICATED) == 0) {
        error = talk->hello ? SSS_TALK_REFUSED : SSS_TALK_PASSWORD;
    }

    talk->reason = error;

    return -1;
}


static int
sss_talk_strange(sss_talk_t *talk)
{
    talk->reason = SSS_TALK_STRANGE;

    return -1;
}


static int
sss_talk_found(sss_talk_t *talk, const sss_reply_t *reply)
{
    sss_request_t  *request;

    /*
     * memcached sends the items in the order of the names.  A proxy in between
     * may not, so all names of the "get" are compared if the next is not it.
     */

    request = sss_talk_match(talk->cursor, NULL, reply);

    if (request == NULL) {
        request = sss_talk_match(talk->asked.head, talk->cursor, reply);
    }

    if (request == NULL) {
        return sss_talk_strange(talk);
    }

    request->found = 1;
    talk->cursor = request->last ? NULL : request->next;

    if (request->op == SSS_REQUEST_PROBE || request->gone
        || reply->len > SSS_ENGINE_VALUE)
    {
        return 0;
    }

    request->value = malloc(reply->len + 1);

    if (request->value != NULL) {
        memcpy(request->value, reply->value, reply->len);
        request->len = reply->len;
    }

    return 0;
}


static sss_request_t *
sss_talk_match(sss_request_t *request, const sss_request_t *end,
    const sss_reply_t *reply)
{
    while (request != end) {

        if (!request->found
            && strlen(request->name) == reply->name_len
            && memcmp(request->name, reply->name, reply->name_len) == 0)
        {
            return request;
        }

        request = request->last ? NULL : request->next;
    }

    return NULL;
}


/* Ends the "get" at the head of the queue, whose last item has come. */

static void
sss_talk_answered(sss_talk_t *talk)
{
    unsigned        last;
    sss_queue_t     taken;
    sss_request_t  *request;

    talk->cursor = NULL;
    memset(&taken, 0, sizeof(sss_queue_t));

    do {
        request = sss_queue_pop(&talk->asked);
        last = request->last;

        if (!request->gone) {
            talk->alive = 1;
            talk->good = 1;
        }

        if (request->op == SSS_REQUEST_TAKE) {
            request->deleting = 1;
            sss_queue_push(&taken, request);
            continue;
        }

        sss_talk_finish(talk, request, request->value ? SSS_ENGINE_HIT
                                                      : SSS_ENGINE_MISS);

    } while (!last);

    /* the answers to the "delete" commands after the "get" come next */

    sss_queue_move(&taken, &talk->asked);
    talk->asked = taken;
}


static void
sss_talk_finish(sss_talk_t *talk, sss_request_t *request, sss_engine_rc_t rc)
{
    if (request->op == SSS_REQUEST_PROBE || request->gone) {
        sss_request_free(request);
        return;
    }

    request->rc = rc;

    if (rc != SSS_ENGINE_HIT || request->cancelled) {
        free(request->value);
        request->value = NULL;
        request->len = 0;
    }

    sss_queue_push(talk->done, request);
}


static int
sss_talk_exchange(sss_talk_t *talk, sss_reply_rc_t rc,
    const sss_reply_t *reply, uint64_t now)
{
    if (rc == SSS_REPLY_ERROR) {
        return sss_talk_refused(talk, reply->error, now);
    }

    switch (talk->asked.head->kind) {

    case SSS_EXCHANGE_READ:
        return sss_talk_read(talk, rc, reply, now);

    case SSS_EXCHANGE_WRITE:
        return sss_talk_written(talk, rc, now);

    default:
        return sss_talk_clock(talk, rc, reply, now);
    }
}


static int
sss_talk_read(sss_talk_t *talk, sss_reply_rc_t rc, const sss_reply_t *reply,
    uint64_t now)
{
    if (rc == SSS_REPLY_END) {
        return sss_talk_over(talk, SSS_EXCHANGE_OK, NULL, now);
    }

    if (rc != SSS_REPLY_VALUE_OF && rc != SSS_REPLY_LARGE) {
        return sss_talk_strange(talk);
    }

    /* the answer must have an end, even if nobody waits for it any more */

    if (talk->asked.head->lines++ > SSS_TALK_NAMES) {
        return sss_talk_strange(talk);
    }

    return talk->asked.head->exchange ? sss_talk_item(talk, reply) : 0;
}


static int
sss_talk_item(sss_talk_t *talk, const sss_reply_t *reply)
{
    size_t           i;
    sss_item_t      *item;
    sss_exchange_t  *x;

    x = talk->asked.head->exchange;
    item = NULL;

    for (i = 0; i < x->n; i++) {
        item = &x->items[i];

        if (strlen(item->name) == reply->name_len
            && memcmp(item->name, reply->name, reply->name_len) == 0)
        {
            break;
        }
    }

    if (item == NULL || i == x->n || item->found || !reply->versioned) {
        return sss_talk_strange(talk);
    }

    if (reply->cas == 0) {
        sss_talk_fail(talk, talk->asked.head,
                      "the server keeps no versions of items (option -C)");
        return 0;
    }

    item->found = 1;
    item->cas = reply->cas;
    item->len = reply->len;

    if (reply->value == NULL) {
        return 0;
    }

    item->value = malloc(reply->len + 1);

    if (item->value == NULL) {
        talk->reason = SSS_TALK_MEMORY;
        return -1;
    }

    memcpy(item->value, reply->value, reply->len);

    return 0;
}


static int
sss_talk_written(sss_talk_t *talk, sss_reply_rc_t rc, uint64_t now)
{
    int              lost;
    sss_exchange_t  *x;

    x = talk->asked.head->exchange;

    if (rc == SSS_REPLY_STORED) {
        return sss_talk_over(talk, SSS_EXCHANGE_OK, NULL, now);
    }

    /*
     * A conflict is NOT_STORED to an "add", and EXISTS or NOT_FOUND to a
     * "cas".  Which it was is unknown when nobody waits for the exchange.
     */

    lost = 0;

    if (x == NULL || x->item.cas == 0) {
        lost = (rc == SSS_REPLY_NOT_STORED);
    }

    if (x == NULL || x->item.cas != 0) {
        lost |= (rc == SSS_REPLY_EXISTS || rc == SSS_REPLY_NOT_FOUND);
    }

    return lost ? sss_talk_over(talk, SSS_EXCHANGE_CONFLICT, NULL, now)
                : sss_talk_strange(talk);
}


static int
sss_talk_clock(sss_talk_t *talk, sss_reply_rc_t rc, const sss_reply_t *reply,
    uint64_t now)
{
    uint64_t         seconds;
    sss_request_t   *request;
    const uint8_t   *p, *end;

    request = talk->asked.head;

    /* of all statistics, only the time of the server is used */

    if (rc == SSS_REPLY_END) {

        if (request->exchange != NULL && request->exchange->seconds == 0) {
            return sss_talk_over(talk, SSS_EXCHANGE_FAILED,
                                 "no time in the answer", now);
        }

        return sss_talk_over(talk, SSS_EXCHANGE_OK, NULL, now);
    }

    if (rc != SSS_REPLY_STAT || request->lines++ >= SSS_TALK_LINES - 1) {
        return sss_talk_strange(talk);
    }

    if (reply->name_len < 5 || memcmp(reply->name, "time ", 5) != 0) {
        return 0;
    }

    p = reply->name + 5;
    end = reply->name + reply->name_len;

    if (sss_reply_number(&p, end, SSS_TALK_SECONDS, &seconds) != 0
        || p != end
        || (request->exchange != NULL && request->exchange->seconds != 0))
    {
        return sss_talk_strange(talk);
    }

    if (request->exchange != NULL) {
        request->exchange->seconds = seconds;
    }

    return 0;
}


/*
 * The server has refused an exchange.  The conversation goes on after a
 * SERVER_ERROR, and after an ERROR to a command without a value.  A server
 * that does not understand a write takes its value for commands: the answers
 * to these would be taken for those to later requests.
 */

static int
sss_talk_refused(sss_talk_t *talk, const char *error, uint64_t now)
{
    if (strncmp(error, "SERVER_ERROR", 12) == 0
        || (strcmp(error, "ERROR") == 0
            && talk->asked.head->kind != SSS_EXCHANGE_WRITE))
    {
        return sss_talk_over(talk, SSS_EXCHANGE_FAILED, error, now);
    }

    return sss_talk_denied(talk, error);
}


/* Ends the exchange at the head of the queue, whose answer is complete. */

static int
sss_talk_over(sss_talk_t *talk, sss_exchange_rc_t rc, const char *reason,
    uint64_t now)
{
    uint64_t         us;
    sss_exchange_t  *x;
    sss_request_t   *request;

    request = sss_queue_pop(&talk->asked);
    x = request->exchange;

    if (x != NULL) {
        us = now > request->since ? now - request->since : 0;

        x->took_us = us > UINT32_MAX ? UINT32_MAX : (uint32_t) us;
        talk->exchange = NULL;
        talk->good = 1;

        sss_exchange_end(x, rc, reason);
    }

    sss_request_free(request);

    return 0;
}


/*
 * Ends the exchange of a request as a failure.  The request itself stays in
 * the queue, since its answer may still come.
 */

static void
sss_talk_fail(sss_talk_t *talk, sss_request_t *request, const char *reason)
{
    if (request->exchange != NULL) {
        sss_exchange_end(request->exchange, SSS_EXCHANGE_FAILED, reason);

        request->exchange = NULL;
        talk->exchange = NULL;
    }
}


uint64_t
sss_talk_due(const sss_talk_t *talk)
{
    uint64_t        due;
    sss_request_t  *request;

    due = talk->exchange ? talk->exchange->until : UINT64_MAX;

    /* all lookups have the same timeout, so the first one is late first */

    for (request = talk->asked.head; request; request = request->next) {

        if (request->op == SSS_REQUEST_EXCHANGE || request->gone) {
            continue;
        }

        due = request->until < due ? request->until : due;

        if (request->op != SSS_REQUEST_PROBE) {
            break;
        }
    }

    return due;
}


size_t
sss_talk_late(sss_talk_t *talk, uint64_t now)
{
    size_t          left;
    sss_request_t  *request, **place;

    left = 0;

    for (place = &talk->asked.head; *place != NULL; place = &(*place)->next) {

        request = *place;

        if (request->op == SSS_REQUEST_EXCHANGE) {

            if (request->exchange != NULL && request->until <= now) {
                sss_talk_fail(talk, request, SSS_TALK_LATE);
            }

            left += (request->exchange != NULL);
            continue;
        }

        if (request->gone) {
            continue;
        }

        if (request->until > now) {
            left++;
            continue;
        }

        if (sss_talk_give_up(talk, place) != 0) {
            return 0;
        }
    }

    return left;
}


/*
 * Ends a late lookup: it goes to its owner, and a new request takes its place
 * in the queue, for the answer that may still come.
 */

static int
sss_talk_give_up(sss_talk_t *talk, sss_request_t **place)
{
    sss_request_t  *request, *other;

    request = *place;
    request->late = 1;
    talk->late = 1;

    if (request->op == SSS_REQUEST_PROBE) {
        request->gone = 1;
        return 0;
    }

    other = sss_request_create(request->op, request->name);
    if (other == NULL) {
        return -1;
    }

    other->next = request->next;
    other->last = request->last;
    other->found = request->found;
    other->deleting = request->deleting;
    other->lines = request->lines;
    other->gone = 1;

    *place = other;

    if (talk->asked.tail == request) {
        talk->asked.tail = other;
    }

    if (talk->cursor == request) {
        talk->cursor = other;
    }

    sss_talk_finish(talk, request, SSS_ENGINE_FAILED);

    return 0;
}


void
sss_talk_end(sss_talk_t *talk)
{
    sss_request_t  *request;

    talk->cursor = NULL;
    talk->skip = 0;
    talk->hello = 0;

    sss_buffer_free(&talk->out);
    sss_buffer_free(&talk->in);

    while ((request = sss_queue_pop(&talk->asked)) != NULL) {

        if (request->op == SSS_REQUEST_EXCHANGE) {
            sss_talk_fail(talk, request, talk->reason);
            sss_request_free(request);
            continue;
        }

        sss_talk_finish(talk, request, SSS_ENGINE_FAILED);
    }

    talk->exchange = NULL;
}
