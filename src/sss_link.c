
/*
 * libmemcached is not used here.  It cannot wait for several servers and
 * for the queue at once, and it trusts servers: to a "get" answered by
 * VERSION and a line end it dereferences a null pointer (1.1.4).
 */


#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "sss_buffer.h"
#include "sss_link.h"
#include "sss_reply.h"
#include "sss_resolve.h"


#define SSS_LINK_PROBE     "sss1:probe"
#define SSS_LINK_RETRY     500000       /* between probes of one down, us  */
#define SSS_LINK_STEADY    1000000      /* worth an attempt at once, us    */
#define SSS_LINK_SILENCE   1000000      /* makes writes ask for an answer  */
#define SSS_LINK_ROOM      (4 * 1024 * 1024)    /* for bytes not sent      */
#define SSS_LINK_READ      16384
#define SSS_LINK_LINE      128          /* of a command, without a value   */
#define SSS_LINK_ASK       (2 * SSS_NAME_SIZE + 16)     /* for one lookup  */
#define SSS_LINK_RELATIVE  (30 * 24 * 3600)     /* memcached's own limit   */


typedef enum {
    SSS_LINK_DOWN = 0,
    SSS_LINK_RESOLVING,
    SSS_LINK_CONNECTING,
    SSS_LINK_TALKING
} sss_link_state_t;


struct sss_link_s {
    sss_address_t      address;
    uint64_t           timeout;         /* us                              */
    int                wake;
    sss_queue_t       *done;

    sss_link_state_t   state;
    unsigned           usable:1;
    unsigned           answered:1;
    int                fd;
    unsigned           epoch;           /* of descriptors                  */
    uint64_t           retry;           /* when to try again               */
    uint64_t           steady;          /* answers since, 0: did not yet   */
    uint64_t           heard;           /* the last bytes came             */
    uint64_t           stalled;         /* bytes could not go since, or 0  */

    sss_resolve_t     *resolve;
    sss_resolved_t     resolved;
    size_t             first;           /* address to begin with           */
    size_t             tried;

    sss_queue_t        asked;           /* in the order of their answers   */
    sss_request_t     *cursor;          /* of the "get" being answered     */
    sss_buffer_t       out;
    sss_buffer_t       in;
};


static void sss_link_begin(sss_link_t *link, uint64_t now);
static void sss_link_connect(sss_link_t *link, uint64_t now);
static int sss_link_socket(sss_link_t *link, size_t i);
static int sss_link_is_connected(const sss_link_t *link);
static void sss_link_connected(sss_link_t *link, uint64_t now);
static void sss_link_reset(sss_link_t *link);
static void sss_link_down(sss_link_t *link, uint64_t now);
static void sss_link_lost(sss_link_t *link, uint64_t now);
static void sss_link_late(sss_link_t *link, uint64_t now);
static void sss_link_read(sss_link_t *link, uint64_t now);
static int sss_link_replies(sss_link_t *link, uint64_t now);
static int sss_link_reply(sss_link_t *link, sss_reply_rc_t rc,
    const sss_reply_t *reply, uint64_t now);
static int sss_link_value(sss_link_t *link, const sss_reply_t *reply);
static sss_request_t *sss_link_match(sss_request_t *request,
    const sss_request_t *end, const sss_reply_t *reply);
static void sss_link_end(sss_link_t *link, uint64_t now);
static void sss_link_add(sss_link_t *link, const char *text);
static void sss_link_number(sss_link_t *link, uint64_t n);
static void sss_link_finish(sss_link_t *link, sss_request_t *request,
    sss_engine_rc_t rc);


sss_link_t *
sss_link_create(const sss_address_t *address, unsigned timeout_ms, int wake,
    sss_queue_t *done)
{
    sss_link_t  *link;

    link = calloc(1, sizeof(sss_link_t));
    if (link == NULL) {
        return NULL;
    }

    link->address = *address;
    link->timeout = (uint64_t) (timeout_ms ? timeout_ms : 1) * 1000;
    link->wake = wake;
    link->done = done;
    link->fd = -1;

    /* until it is known to be down, it is worth waiting for */

    link->usable = 1;

    return link;
}


void
sss_link_destroy(sss_link_t *link)
{
    if (link == NULL) {
        return;
    }

    if (link->fd != -1) {
        close(link->fd);
    }

    sss_resolve_free(link->resolve);
    sss_queue_free(&link->asked);
    sss_buffer_free(&link->out);
    sss_buffer_free(&link->in);
    free(link);
}


int
sss_link_usable(const sss_link_t *link)
{
    return link->usable;
}


int
sss_link_busy(const sss_link_t *link)
{
    return link->asked.head != NULL || sss_buffer_len(&link->out) > 0;
}


int
sss_link_pending(const sss_link_t *link)
{
    return link->state == SSS_LINK_TALKING && link->stalled == 0
           && sss_buffer_len(&link->out) > 0;
}


int
sss_link_answered(sss_link_t *link)
{
    int  answered;

    answered = link->answered;
    link->answered = 0;

    return answered;
}


void
sss_link_get(sss_link_t *link, sss_queue_t *lookups)
{
    size_t          n;
    sss_request_t  *request;

    n = 0;

    for (request = lookups->head; request; request = request->next) {
        n += SSS_LINK_ASK;
    }

    if (sss_buffer_reserve(&link->out, n) != 0) {

        while ((request = sss_queue_pop(lookups)) != NULL) {
            sss_link_finish(link, request, SSS_ENGINE_FAILED);
        }

        return;
    }

    sss_link_add(link, "get");

    for (request = lookups->head; request; request = request->next) {
        sss_link_add(link, " ");
        sss_link_add(link, request->name);
    }

    sss_link_add(link, "\r\n");

    for (request = lookups->head; request; request = request->next) {

        if (request->op == SSS_REQUEST_TAKE) {
            sss_link_add(link, "delete ");
            sss_link_add(link, request->name);
            sss_link_add(link, "\r\n");
        }
    }

    lookups->tail->last = 1;
    sss_queue_move(&link->asked, lookups);
}


/* There is room for it. */

static void
sss_link_add(sss_link_t *link, const char *text)
{
    (void) sss_buffer_add(&link->out, text, strlen(text));
}


/* In decimal; printf() takes longer than all else that a store takes here. */

static void
sss_link_number(sss_link_t *link, uint64_t n)
{
    char  digits[20], *p;

    p = digits + sizeof(digits);

    do {
        *--p = (char) ('0' + n % 10);
        n /= 10;
    } while (n > 0);

    (void) sss_buffer_add(&link->out, p,
                          (size_t) (digits + sizeof(digits) - p));
}


int
sss_link_put(sss_link_t *link, const char *name, const uint8_t *value,
    size_t len, uint32_t ttl)
{
    uint64_t  expires;

    if (sss_buffer_len(&link->out) > SSS_LINK_ROOM
        || sss_buffer_reserve(&link->out, len + SSS_LINK_LINE) != 0)
    {
        return -1;
    }

    expires = ttl ? ttl : 1;

    if (expires > SSS_LINK_RELATIVE) {
        expires += (uint64_t) time(NULL);
    }

    sss_link_add(link, "set ");
    sss_link_add(link, name);
    sss_link_add(link, " 0 ");
    sss_link_number(link, expires);
    sss_link_add(link, " ");
    sss_link_number(link, len);
    sss_link_add(link, " noreply\r\n");
    (void) sss_buffer_add(&link->out, value, len);
    sss_link_add(link, "\r\n");

    return 0;
}


int
sss_link_remove(sss_link_t *link, const char *name)
{
    if (sss_buffer_len(&link->out) > SSS_LINK_ROOM
        || sss_buffer_reserve(&link->out, SSS_LINK_LINE) != 0)
    {
        return -1;
    }

    sss_link_add(link, "delete ");
    sss_link_add(link, name);
    sss_link_add(link, " noreply\r\n");

    return 0;
}


void
sss_link_probe(sss_link_t *link, uint64_t now)
{
    sss_queue_t     queue;
    sss_request_t  *request;

    request = sss_request_create(SSS_REQUEST_PROBE, SSS_LINK_PROBE);
    if (request == NULL) {
        return;
    }

    queue.head = NULL;
    request->since = now;

    sss_queue_push(&queue, request);
    sss_link_get(link, &queue);
}


void
sss_link_flush(sss_link_t *link, uint64_t now)
{
    int      error;
    ssize_t  n;

    if (link->state != SSS_LINK_TALKING || sss_buffer_len(&link->out) == 0) {
        return;
    }

    /* a server that is gone takes what it is sent in silence */

    if (link->asked.head == NULL && now > link->heard + SSS_LINK_SILENCE) {
        sss_link_probe(link, now);
    }

    while (sss_buffer_len(&link->out) > 0) {

        n = send(link->fd, link->out.p + link->out.off,
                 sss_buffer_len(&link->out), MSG_NOSIGNAL|MSG_DONTWAIT);
        error = errno;

        if (n > 0) {
            sss_buffer_drop(&link->out, (size_t) n);
            link->stalled = 0;
            continue;
        }

        if (n == -1 && error == EINTR) {
            continue;
        }

        if (n == -1 && (error == EAGAIN || error == EWOULDBLOCK)) {
            if (link->stalled == 0) {
                link->stalled = now;
            }

            return;
        }

        sss_link_lost(link, now);
        return;
    }
}


void
sss_link_watch(const sss_link_t *link, sss_engine_watch_t *watch)
{
    watch->fd = link->fd;
    watch->epoch = link->epoch;
    watch->write = link->state == SSS_LINK_CONNECTING || link->stalled != 0;
}


void
sss_link_event(sss_link_t *link, uint64_t now)
{
    int        error;
    socklen_t  len;

    if (link->state == SSS_LINK_CONNECTING) {

        len = sizeof(error);

        if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0
            || error != 0)
        {
            link->tried++;
            sss_link_connect(link, now);

        } else if (sss_link_is_connected(link)) {
            sss_link_connected(link, now);
        }

        return;
    }

    if (link->state == SSS_LINK_TALKING) {
        sss_link_read(link, now);
    }

    if (link->stalled != 0) {
        sss_link_flush(link, now);
    }
}


void
sss_link_check(sss_link_t *link, uint64_t now)
{
    if (link->state == SSS_LINK_RESOLVING
        && sss_resolve_done(link->resolve, &link->resolved))
    {
        sss_resolve_free(link->resolve);
        link->resolve = NULL;

        sss_link_connect(link, now);
    }

    if (now < sss_link_due(link)) {
        return;
    }

    if (link->state == SSS_LINK_DOWN) {
        sss_link_begin(link, now);

    } else {
        sss_link_late(link, now);
    }
}


/* The probe that is asked first has a deadline, so everything here has. */

static void
sss_link_begin(sss_link_t *link, uint64_t now)
{
    link->tried = 0;
    link->heard = now;

    sss_link_probe(link, now);

    if (link->asked.head == NULL) {
        sss_link_down(link, now);
        return;
    }

    if (sss_resolve_now(&link->address, &link->resolved)) {
        sss_link_connect(link, now);
        return;
    }

    link->state = SSS_LINK_RESOLVING;

    if (link->resolve == NULL) {
        link->resolve = sss_resolve_start(&link->address, link->wake);

        if (link->resolve == NULL) {
            sss_link_down(link, now);
        }
    }
}


static void
sss_link_connect(sss_link_t *link, uint64_t now)
{
    size_t  i, n;

    n = link->resolved.n;

    for ( /* void */ ; link->tried < n; link->tried++) {

        if (link->fd != -1) {
            close(link->fd);
            link->fd = -1;
        }

        i = (link->first + link->tried) % n;

        if (sss_link_socket(link, i) != 0) {
            continue;
        }

        if (connect(link->fd, (struct sockaddr *) &link->resolved.addr[i],
                    link->resolved.len[i])
            == 0)
        {
            sss_link_connected(link, now);
            return;
        }

        if (errno == EINPROGRESS) {
            link->state = SSS_LINK_CONNECTING;
            return;
        }
    }

    sss_link_down(link, now);
}


static int
sss_link_socket(sss_link_t *link, size_t i)
{
    int  one, family;

    one = 1;
    family = link->resolved.addr[i].ss_family;

    link->fd = socket(family, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0);
    if (link->fd == -1) {
        return -1;
    }

    link->epoch++;

    if (family != AF_UNIX) {
        (void) setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &one,
                          sizeof(one));
    }

    return 0;
}


/* The event may be of a descriptor before this one. */

static int
sss_link_is_connected(const sss_link_t *link)
{
    socklen_t                len;
    struct sockaddr_storage  peer;

    len = sizeof(peer);

    return getpeername(link->fd, (struct sockaddr *) &peer, &len) == 0;
}


static void
sss_link_connected(sss_link_t *link, uint64_t now)
{
    link->state = SSS_LINK_TALKING;
    link->heard = now;

    sss_link_flush(link, now);
}


static void
sss_link_reset(sss_link_t *link)
{
    sss_request_t  *request;

    if (link->fd != -1) {
        close(link->fd);
        link->fd = -1;
    }

    link->state = SSS_LINK_DOWN;
    link->steady = 0;
    link->stalled = 0;
    link->cursor = NULL;

    sss_buffer_free(&link->out);
    sss_buffer_free(&link->in);

    while ((request = sss_queue_pop(&link->asked)) != NULL) {
        sss_link_finish(link, request, SSS_ENGINE_FAILED);
    }
}


static void
sss_link_down(sss_link_t *link, uint64_t now)
{
    sss_link_reset(link);

    link->usable = 0;
    link->retry = now + SSS_LINK_RETRY;
}


/*
 * A connection that was good until now was perhaps closed by a restart of
 * the server, which says nothing about the server.
 */

static void
sss_link_lost(sss_link_t *link, uint64_t now)
{
    int  again;

    again = link->steady != 0 && now > link->steady + SSS_LINK_STEADY;

    if (!again) {
        sss_link_down(link, now);
        return;
    }

    sss_link_reset(link);
    sss_link_begin(link, now);
}


static void
sss_link_late(sss_link_t *link, uint64_t now)
{
    sss_request_t  *request;

    for (request = link->asked.head; request; request = request->next) {
        request->late = 1;
    }

    /* another address of this name may be better */

    if (link->steady == 0) {
        link->first += link->tried + 1;
    }

    sss_link_down(link, now);
}


static void
sss_link_read(sss_link_t *link, uint64_t now)
{
    int      error;
    ssize_t  n;

    if (sss_buffer_reserve(&link->in, SSS_LINK_READ) != 0) {
        sss_link_lost(link, now);
        return;
    }

    n = recv(link->fd, link->in.p + link->in.end,
             link->in.size - link->in.end, MSG_DONTWAIT);
    error = errno;

    if (n == -1
        && (error == EAGAIN || error == EWOULDBLOCK || error == EINTR))
    {
        return;
    }

    if (n <= 0) {
        sss_link_lost(link, now);
        return;
    }

    link->in.end += (size_t) n;
    link->heard = now;

    if (sss_link_replies(link, now) != 0) {
        sss_link_lost(link, now);
    }
}


static int
sss_link_replies(sss_link_t *link, uint64_t now)
{
    sss_reply_t     reply;
    sss_reply_rc_t  rc;

    while (sss_buffer_len(&link->in) > 0) {

        rc = sss_reply_parse(link->in.p + link->in.off,
                             sss_buffer_len(&link->in), &reply);

        if (rc == SSS_REPLY_MORE) {
            return sss_buffer_reserve(&link->in,
                                      reply.size - sss_buffer_len(&link->in));
        }

        if (rc == SSS_REPLY_BAD
            || sss_link_reply(link, rc, &reply, now) != 0)
        {
            return -1;
        }

        sss_buffer_drop(&link->in, reply.size);
    }

    return 0;
}


static int
sss_link_reply(sss_link_t *link, sss_reply_rc_t rc, const sss_reply_t *reply,
    uint64_t now)
{
    sss_request_t  *head;

    head = link->asked.head;

    if (head == NULL) {
        return -1;
    }

    if (!head->deleting) {

        if (rc == SSS_REPLY_VALUE_OF) {
            return sss_link_value(link, reply);
        }

        if (rc == SSS_REPLY_END) {
            sss_link_end(link, now);
            return 0;
        }

        return -1;
    }

    if (rc != SSS_REPLY_DELETED && rc != SSS_REPLY_NOT_FOUND) {
        return -1;
    }

    /* of all who have read it, the one who removed it has it */

    (void) sss_queue_pop(&link->asked);
    sss_link_finish(link, head, rc == SSS_REPLY_DELETED && head->value
                                ? SSS_ENGINE_HIT : SSS_ENGINE_MISS);

    return 0;
}


static int
sss_link_value(sss_link_t *link, const sss_reply_t *reply)
{
    sss_request_t  *request;

    /* servers answer in the order of the names, proxies perhaps do not */

    request = sss_link_match(link->cursor, NULL, reply);

    if (request == NULL) {
        request = sss_link_match(link->asked.head, link->cursor, reply);
    }

    if (request == NULL) {
        return -1;
    }

    request->found = 1;
    link->cursor = request->last ? NULL : request->next;

    if (request->op == SSS_REQUEST_PROBE || reply->len > SSS_ENGINE_VALUE) {
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
sss_link_match(sss_request_t *request, const sss_request_t *end,
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


static void
sss_link_end(sss_link_t *link, uint64_t now)
{
    unsigned        last;
    sss_queue_t     taken;
    sss_request_t  *request;

    link->cursor = NULL;
    memset(&taken, 0, sizeof(sss_queue_t));

    do {
        request = sss_queue_pop(&link->asked);
        last = request->last;

        if (request->op == SSS_REQUEST_PROBE) {
            link->usable = 1;
            link->answered = 1;

            if (link->steady == 0) {
                link->steady = now;
            }
        }

        if (request->op == SSS_REQUEST_TAKE) {
            request->deleting = 1;
            sss_queue_push(&taken, request);
            continue;
        }

        sss_link_finish(link, request, request->value ? SSS_ENGINE_HIT
                                                      : SSS_ENGINE_MISS);

    } while (!last);

    /* the answers to their removals are next */

    sss_queue_move(&taken, &link->asked);
    link->asked = taken;
}


static void
sss_link_finish(sss_link_t *link, sss_request_t *request, sss_engine_rc_t rc)
{
    if (request->op == SSS_REQUEST_PROBE) {
        sss_request_free(request);
        return;
    }

    request->rc = rc;

    if (rc != SSS_ENGINE_HIT || request->cancelled) {
        free(request->value);
        request->value = NULL;
        request->len = 0;
    }

    sss_queue_push(link->done, request);
}


uint64_t
sss_link_due(const sss_link_t *link)
{
    uint64_t  due;

    if (link->state == SSS_LINK_DOWN) {
        return link->retry;
    }

    due = UINT64_MAX;

    if (link->asked.head != NULL) {
        due = link->asked.head->since + link->timeout;
    }

    if (link->stalled != 0 && link->stalled + link->timeout < due) {
        due = link->stalled + link->timeout;
    }

    return due;
}
