
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "sss_link.h"
#include "sss_resolve.h"
#include "sss_talk.h"


#define SSS_LINK_RETRY     500000       /* us between two attempts to reach a
                                           server that is down             */
#define SSS_LINK_STEADY    1000000      /* a connection that has worked for so
                                           many us is made again at once when
                                           it is lost                      */
#define SSS_LINK_SILENCE   1000000      /* us after the last answer, from which
                                           on a probe is sent with stores  */
#define SSS_LINK_READ      16384        /* see sss_tls_read()              */
#define SSS_LINK_MUTE      "timed out in the TLS handshake"
#define SSS_LINK_PATIENCE  3            /* an exchange may take so many times
                                           "patience" in all               */


typedef enum {
    SSS_LINK_DOWN = 0,
    SSS_LINK_CONNECTING,
    SSS_LINK_SHAKING,                   /* in the TLS handshake            */
    SSS_LINK_TALKING
} sss_link_state_t;


struct sss_link_s {
    struct sockaddr_storage  address;
    socklen_t          len;
    const sss_auth_t  *auth;            /* NULL: no password               */
    sss_tls_peer_t    *tls;             /* NULL: no TLS                    */
    uint64_t           timeout;         /* of lookups, us                  */
    uint64_t           patience;        /* of exchanges, us, see above     */

    sss_link_state_t   state;
    size_t             greeting;        /* bytes of the password's command
                                           that are still to be sent       */
    unsigned           quiet:1;
    unsigned           usable:1;
    unsigned           answered:1;
    unsigned           again:1;         /* the exchange has been begun a second
                                           time                            */
    int                fd;
    unsigned           epoch;           /* number of sockets so far        */
    uint64_t           retry;           /* when to connect, or send a probe,
                                           again                           */
    uint64_t           steady;          /* when this connection had its first
                                           answer; 0: none yet             */
    uint64_t           heard;           /* when the last bytes came        */
    uint64_t           stalled;         /* since when the socket has taken
                                           no bytes; 0: it takes them      */

    sss_talk_t         talk;
};


static ssize_t sss_link_drain(sss_link_t *link);
static ssize_t sss_link_send(sss_link_t *link, const void *p, size_t n);
static const char *sss_link_error(const sss_link_t *link, int error);
static int sss_link_quiet(const sss_link_t *link);
static void sss_link_begin(sss_link_t *link, uint64_t now);
static void sss_link_connect(sss_link_t *link, uint64_t now);
static int sss_link_socket(sss_link_t *link);
static int sss_link_is_connected(const sss_link_t *link);
static void sss_link_connected(sss_link_t *link, uint64_t now);
static void sss_link_shake(sss_link_t *link, uint64_t now);
static void sss_link_ready(sss_link_t *link, uint64_t now);
static void sss_link_reset(sss_link_t *link);
static void sss_link_down(sss_link_t *link, const char *reason,
    uint64_t now);
static void sss_link_lost(sss_link_t *link, const char *reason,
    uint64_t now);
static void sss_link_late(sss_link_t *link, uint64_t now);
static void sss_link_read(sss_link_t *link, uint64_t now);
static void sss_link_signs(sss_link_t *link, uint64_t now);
static uint64_t sss_link_stalls(const sss_link_t *link);


sss_link_t *
sss_link_create(const sss_address_t *address, const char *host,
    const sss_link_conf_t *conf)
{
    sss_link_t  *link;

    link = calloc(1, sizeof(sss_link_t));
    if (link == NULL) {
        return NULL;
    }

    if (host != NULL) {
        link->tls = sss_tls_peer_create(conf->tls, host);

        if (link->tls == NULL) {
            free(link);
            return NULL;
        }
    }

    link->len = sss_resolve_number(address, &link->address);
    link->auth = conf->auth;
    link->timeout = (uint64_t) conf->timeout_ms * 1000;
    link->patience = (uint64_t) conf->patience_ms * 1000;
    link->quiet = (unsigned) conf->quiet;
    link->talk.done = conf->done;
    link->fd = -1;

    /* the first lookups may wait for the connection until they are late */

    link->usable = 1;

    return link;
}


void
sss_link_destroy(sss_link_t *link)
{
    if (link == NULL) {
        return;
    }

    sss_tls_peer_destroy(link->tls);

    if (link->fd != -1) {
        close(link->fd);
    }

    link->talk.reason = "the server is not one of the cluster any more";

    sss_talk_end(&link->talk);
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
    return link->talk.asked.head != NULL
           || sss_buffer_len(&link->talk.out) > 0;
}


int
sss_link_pending(const sss_link_t *link)
{
    return link->state == SSS_LINK_TALKING && link->stalled == 0
           && sss_buffer_len(&link->talk.out) > 0;
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
    sss_talk_get(&link->talk, lookups);
}


int
sss_link_put(sss_link_t *link, const char *name, const uint8_t *value,
    size_t len, uint32_t ttl)
{
    return sss_talk_put(&link->talk, name, value, len, ttl);
}


int
sss_link_remove(sss_link_t *link, const char *name)
{
    return sss_talk_remove(&link->talk, name);
}


int
sss_link_add(sss_link_t *link, const char *name, const uint8_t *value,
    size_t len, uint64_t expires)
{
    return sss_talk_add(&link->talk, name, value, len, expires);
}


void
sss_link_claim(sss_link_t *link, sss_request_t *request)
{
    sss_talk_claim(&link->talk, request);
}


void
sss_link_probe(sss_link_t *link, uint64_t now)
{
    (void) sss_talk_probe(&link->talk, now, now + link->timeout);
}


void
sss_link_ask(sss_link_t *link, sss_exchange_t *x, uint64_t now)
{
    link->again = 0;

    if (sss_talk_ask(&link->talk, x, now, now + link->patience) != 0) {
        sss_exchange_end(x, SSS_EXCHANGE_FAILED, SSS_TALK_MEMORY);
        return;
    }

    if (link->state == SSS_LINK_DOWN) {
        sss_link_begin(link, now);

    } else {
        sss_link_flush(link, now);
    }
}


void
sss_link_forget(sss_link_t *link)
{
    sss_talk_forget(&link->talk);
}


void
sss_link_flush(sss_link_t *link, uint64_t now)
{
    int            error;
    ssize_t        n;
    sss_buffer_t  *out;

    out = &link->talk.out;

    if (link->state != SSS_LINK_TALKING || sss_buffer_len(out) == 0) {
        return;
    }

    /*
     * Stores have no answers, so a host that has vanished from the network
     * would go unnoticed.  A probe among them has one.
     */

    if (link->talk.asked.head == NULL
        && now > link->heard + SSS_LINK_SILENCE)
    {
        sss_link_probe(link, now);
    }

    while (sss_buffer_len(out) > 0) {

        n = sss_link_drain(link);
        error = errno;

        if (n > 0) {
            link->stalled = 0;
            sss_link_signs(link, now);
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

        sss_link_lost(link, sss_link_error(link, error), now);
        return;
    }
}


/*
 * Sends the first bytes that wait, and removes what the socket has taken.
 * Returns what send() returns.  The password is sent from where it is kept, so
 * that the buffer never has a copy of it.
 */

static ssize_t
sss_link_drain(sss_link_t *link)
{
    ssize_t        n;
    const void    *p;
    sss_buffer_t  *out;

    out = &link->talk.out;

    if (link->greeting > 0) {
        p = link->auth->command + link->auth->len - link->greeting;
        n = sss_link_send(link, p, link->greeting);

        link->greeting -= n > 0 ? (size_t) n : 0;

        return n;
    }

    n = sss_link_send(link, out->p + out->off, sss_buffer_len(out));

    if (n > 0) {
        sss_buffer_drop(out, (size_t) n);
    }

    return n;
}


static ssize_t
sss_link_send(sss_link_t *link, const void *p, size_t n)
{
    return link->tls ? sss_tls_write(link->tls, p, n)
                     : send(link->fd, p, n, MSG_NOSIGNAL|MSG_DONTWAIT);
}


/* The reason why a read or a write has failed with "error" in errno. */

static const char *
sss_link_error(const sss_link_t *link, int error)
{
    return link->tls ? sss_tls_reason(link->tls) : strerror(error);
}


void
sss_link_watch(const sss_link_t *link, sss_engine_watch_t *watch)
{
    watch->fd = link->fd;
    watch->epoch = link->epoch;
    watch->write = link->state == SSS_LINK_CONNECTING || link->stalled != 0
                   || (link->tls && sss_tls_wants_write(link->tls));
}


void
sss_link_event(sss_link_t *link, uint64_t now)
{
    int        error;
    socklen_t  len;

    if (link->state == SSS_LINK_CONNECTING) {

        len = sizeof(error);

        if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) {
            error = errno;
        }

        if (error != 0) {
            sss_link_down(link, strerror(error), now);

        } else if (sss_link_is_connected(link)) {
            sss_link_connected(link, now);
        }

        return;
    }

    if (link->state == SSS_LINK_SHAKING) {
        sss_link_signs(link, now);
        sss_link_shake(link, now);

    } else if (link->state == SSS_LINK_TALKING) {
        sss_link_read(link, now);
    }

    if (link->stalled != 0) {
        sss_link_flush(link, now);
    }
}


void
sss_link_check(sss_link_t *link, uint64_t now)
{
    if (now < sss_link_due(link)) {
        return;
    }

    if (link->state == SSS_LINK_DOWN) {
        sss_link_begin(link, now);

    } else {
        sss_link_late(link, now);
    }
}


/* 1 if no connection is needed before the next exchange. */

static int
sss_link_quiet(const sss_link_t *link)
{
    return link->quiet && link->talk.exchange == NULL;
}


/*
 * Begins to connect.  There is always a request with a deadline then, a probe
 * or an exchange, so that no attempt to connect goes on for ever.
 */

static void
sss_link_begin(sss_link_t *link, uint64_t now)
{
    link->heard = now;

    /*
     * The probe has the time of a TLS handshake.  Lookups keep their own
     * deadline, but when they are late the connection is not closed.
     */

    if (!link->quiet) {
        (void) sss_talk_probe(&link->talk, now, now
                              + (link->tls && link->patience > link->timeout
                                 ? link->patience : link->timeout));
    }

    if (link->talk.asked.head == NULL) {
        sss_link_down(link, SSS_TALK_MEMORY, now);
        return;
    }

    sss_link_connect(link, now);
}


static void
sss_link_connect(sss_link_t *link, uint64_t now)
{
    int  error;

    if (link->len == 0) {
        sss_link_down(link, "the path is too long", now);
        return;
    }

    if (sss_link_socket(link) == 0) {

        if (connect(link->fd, (struct sockaddr *) &link->address, link->len)
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

    /* EAGAIN: the backlog of a Unix-domain socket is full */

    error = errno;

    sss_link_down(link, error == EAGAIN ? SSS_TALK_LATE : strerror(error),
                  now);
}


static int
sss_link_socket(sss_link_t *link)
{
    int  one, family;

    one = 1;
    family = link->address.ss_family;

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


/*
 * 1 if the socket is connected.  The event may have been one of an earlier
 * socket with the same descriptor.
 */

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
    link->heard = now;

    if (link->tls == NULL) {
        sss_link_ready(link, now);

    } else if (sss_tls_begin(link->tls, link->fd) == 0) {
        link->state = SSS_LINK_SHAKING;
        sss_link_signs(link, now);
        sss_link_shake(link, now);

    } else {
        sss_link_down(link, SSS_TALK_MEMORY, now);
    }
}


static void
sss_link_shake(sss_link_t *link, uint64_t now)
{
    switch (sss_tls_handshake(link->tls)) {

    case SSS_TLS_DONE:
        sss_link_ready(link, now);
        break;

    case SSS_TLS_AGAIN:
        break;

    case SSS_TLS_FAILED:
        sss_link_down(link, sss_tls_reason(link->tls), now);
    }
}


static void
sss_link_ready(sss_link_t *link, uint64_t now)
{
    link->state = SSS_LINK_TALKING;
    link->heard = now;

    if (link->auth != NULL) {
        link->greeting = link->auth->len;
        sss_talk_hello(&link->talk);
    }

    sss_link_signs(link, now);
    sss_link_flush(link, now);
}


static void
sss_link_reset(sss_link_t *link)
{
    if (link->tls != NULL) {
        sss_tls_end(link->tls);
    }

    if (link->fd != -1) {
        close(link->fd);
        link->fd = -1;
    }

    link->state = SSS_LINK_DOWN;
    link->steady = 0;
    link->stalled = 0;

    sss_talk_end(&link->talk);
}


static void
sss_link_down(sss_link_t *link, const char *reason, uint64_t now)
{
    link->talk.reason = reason;

    sss_link_reset(link);

    link->usable = 0;
    link->retry = now + SSS_LINK_RETRY;
}


/*
 * A connection was closed or has failed.  If it has worked until now, the
 * server may just have been restarted, so it does not count as down yet: the
 * exchange under way is begun again, or the connection is made again at once.
 */

static void
sss_link_lost(sss_link_t *link, const char *reason, uint64_t now)
{
    int              again, steady;
    sss_exchange_t  *x;

    x = NULL;
    again = link->steady != 0 && now > link->steady + SSS_LINK_STEADY;
    steady = link->steady != 0;

    link->talk.reason = reason;

    if (steady && !link->again && link->talk.exchange != NULL) {
        x = link->talk.exchange->exchange;
        sss_link_forget(link);
    }

    if (x == NULL && (!again || link->quiet)) {
        sss_link_down(link, reason, now);
        return;
    }

    sss_link_reset(link);

    if (x == NULL) {
        sss_link_begin(link, now);
        return;
    }

    sss_exchange_again(x);
    sss_link_ask(link, x, now);

    link->again = 1;
}


static void
sss_link_late(sss_link_t *link, uint64_t now)
{
    int     late;
    size_t  left;

    /*
     * The server has not been sent the exchange yet.  The reason must be that
     * of the handshake, not "timed out".
     */

    if (link->state == SSS_LINK_SHAKING && link->talk.exchange != NULL
        && link->talk.exchange->until <= now)
    {
        sss_link_down(link, SSS_LINK_MUTE, now);
        return;
    }

    left = sss_talk_late(&link->talk, now);

    late = link->talk.late;
    link->talk.late = 0;

    /*
     * Only an exchange is late, a large one perhaps.  Whether lookups still
     * work is for a probe to say.
     */

    if (left == 0 && !late && link->talk.asked.head != NULL
        && link->state == SSS_LINK_TALKING && link->usable && !link->quiet)
    {
        sss_link_probe(link, now);
        sss_link_flush(link, now);
        return;
    }

    if (sss_link_stalls(link) <= now
        || (left == 0 && link->talk.asked.head != NULL))
    {
        sss_link_down(link, link->state == SSS_LINK_SHAKING
                            ? SSS_LINK_MUTE : SSS_TALK_LATE, now);
        return;
    }

    /*
     * A lookup is late, but other requests have time left: the connection
     * stays, and the server is not usable until it answers a probe.
     */

    if (late && link->usable) {
        link->usable = 0;
        link->retry = now + SSS_LINK_RETRY;
    }

    if (!link->usable && link->state == SSS_LINK_TALKING
        && link->retry <= now)
    {
        link->retry = now + SSS_LINK_RETRY;
        sss_link_probe(link, now);
        sss_link_flush(link, now);
    }
}


static void
sss_link_read(sss_link_t *link, uint64_t now)
{
    int            error, bad;
    ssize_t        n;
    sss_buffer_t  *in;

    in = &link->talk.in;

    if (sss_buffer_reserve(in, SSS_LINK_READ) != 0) {
        sss_link_lost(link, SSS_TALK_MEMORY, now);
        return;
    }

    n = link->tls ? sss_tls_read(link->tls, in->p + in->end,
                                 in->size - in->end)
                  : recv(link->fd, in->p + in->end, in->size - in->end,
                         MSG_DONTWAIT);
    error = errno;

    if (n == -1
        && (error == EAGAIN || error == EWOULDBLOCK || error == EINTR))
    {
        return;
    }

    if (n <= 0) {
        sss_link_lost(link, n == 0 ? "the connection was closed"
                                   : sss_link_error(link, error), now);
        return;
    }

    in->end += (size_t) n;
    link->heard = now;

    bad = sss_talk_hear(&link->talk, now);

    if (link->talk.alive) {
        link->usable = 1;
        link->answered = 1;
    }

    if (link->talk.good) {
        link->usable |= link->quiet;

        if (link->steady == 0) {
            link->steady = now;
        }
    }

    link->talk.alive = 0;
    link->talk.good = 0;

    if (bad) {
        sss_link_lost(link, link->talk.reason, now);
        return;
    }

    sss_link_signs(link, now);
}


/*
 * The server has sent or taken bytes: the exchange under way may wait for
 * "patience" from now on, within the limit for the whole of it.
 */

static void
sss_link_signs(sss_link_t *link, uint64_t now)
{
    uint64_t        limit;
    sss_request_t  *request;

    request = link->talk.exchange;

    if (request != NULL) {
        limit = request->since + SSS_LINK_PATIENCE * link->patience;
        request->until = now + link->patience;

        if (request->until > limit) {
            request->until = limit;
        }
    }
}


/* When the socket will have taken no bytes for too long. */

static uint64_t
sss_link_stalls(const sss_link_t *link)
{
    if (link->stalled == 0) {
        return UINT64_MAX;
    }

    return link->stalled + (link->talk.exchange
                            && link->patience > link->timeout
                            ? link->patience : link->timeout);
}


uint64_t
sss_link_due(const sss_link_t *link)
{
    uint64_t  due, stalls;

    if (link->state == SSS_LINK_DOWN) {
        return sss_link_quiet(link) ? UINT64_MAX : link->retry;
    }

    due = sss_talk_due(&link->talk);
    stalls = sss_link_stalls(link);

    if (stalls < due) {
        due = stalls;
    }

    if (link->state == SSS_LINK_TALKING && !link->usable
        && link->retry < due)
    {
        due = link->retry;
    }

    return due;
}
