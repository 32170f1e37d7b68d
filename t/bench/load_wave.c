
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include "load.h"


#define LOAD_EVENTS  64
#define LOAD_SWEEP   100000000  /* nanoseconds between checks for timeouts */
#define LOAD_READY   5000       /* sessions, some kilobytes each          */


typedef struct {
    const load_options_t     *o;
    const load_addresses_t   *addresses;
    load_session_t           *sessions;
    load_report_t            *report;
    SSL_CTX                  *ctx;
    int                       epoll;
    int                       redeem;
    double                    rate;
    uint64_t                  first;
    uint64_t                  total;
    uint64_t                  started;
    unsigned                  busy;
    uint64_t                  begin;
} load_run_t;


typedef enum {
    LOAD_FREE = 0,
    LOAD_FLIGHT,
    LOAD_HANDSHAKE,
    LOAD_REQUEST,
    LOAD_RESPONSE,
    LOAD_DRAIN
} load_state_t;


typedef struct {
    load_run_t               *run;
    load_state_t              state;
    SSL                      *ssl;
    int                       fd;
    uint64_t                  number;
    uint64_t                  begin;
    uint64_t                  latency;
    unsigned                  resumed:1;
    unsigned                  flight:1;     /* the request went early */
    unsigned                  got_session:1;
    size_t                    received;
    char                      status[12];   /* "HTTP/1.1 200" */
} load_conn_t;


static int load_new_session(SSL *ssl, SSL_SESSION *session);
static int load_forge(const SSL_SESSION *session, unsigned char *data,
    size_t len);
static void load_prepare(load_run_t *run);
static SSL_SESSION *load_session(load_session_t *slot);
static int load_loop(load_run_t *run, load_conn_t *conns, uint64_t deadline);
static int load_timeout(const load_run_t *run, int room, uint64_t now);
static uint64_t load_due(const load_run_t *run);
static void load_fill(load_run_t *run, load_conn_t *conns, uint64_t deadline);
static void load_sweep(load_run_t *run, load_conn_t *conns, uint64_t now);
static void load_start(load_run_t *run, load_conn_t *c, uint64_t due);
static int load_connect(load_run_t *run, load_conn_t *c);
static int load_offer(load_run_t *run, load_conn_t *c);
static const char *load_name(const load_run_t *run, uint64_t number);
static uint64_t load_slot(const load_run_t *run, uint64_t number);
static void load_drive(load_conn_t *c);
static int load_step(load_conn_t *c);
static int load_talk(load_conn_t *c);
static int load_flight(load_conn_t *c);
static int load_request(load_conn_t *c, char *text, size_t size);
static int load_listen(load_conn_t *c);
static int load_drain(load_conn_t *c);
static int load_wait(load_conn_t *c, int rc);
static void load_finish(load_conn_t *c, const char *failure);


int
load_wave(load_wave_t *wave, uint64_t n)
{
    int           rc;
    load_run_t    run;
    load_conn_t  *conns;

    memset(&run, 0, sizeof(load_run_t));

    run.o = wave->o;
    run.addresses = wave->redeem ? &wave->o->redeem : &wave->o->open;
    run.sessions = wave->sessions;
    run.report = wave->report;
    run.redeem = wave->redeem;
    run.rate = wave->sessions && !wave->redeem ? 0 : wave->o->rate;
    run.ctx = wave->ctx;
    run.first = wave->next;
    run.started = wave->next;
    run.total = wave->next + n;

    run.epoll = epoll_create1(EPOLL_CLOEXEC);
    conns = calloc(run.o->in_flight, sizeof(load_conn_t));

    if (run.epoll != -1 && conns != NULL) {
        load_prepare(&run);

        run.begin = load_now();
        rc = load_loop(&run, conns, wave->deadline);
        run.report->wall += load_now() - run.begin;
        wave->next = run.total;

    } else {
        rc = -1;
    }

    if (rc == -1) {
        (void) fprintf(stderr, "load: %s\n", strerror(errno));
    }

    if (run.epoll != -1) {
        (void) close(run.epoll);
    }

    free(conns);

    return rc;
}


SSL_CTX *
load_ctx(const load_options_t *o)
{
    SSL_CTX  *ctx;

    ctx = SSL_CTX_new(TLS_client_method());
    if (ctx == NULL) {
        return NULL;
    }

    if (!SSL_CTX_set_min_proto_version(ctx, o->version)
        || !SSL_CTX_set_max_proto_version(ctx, o->version))
    {
        SSL_CTX_free(ctx);
        return NULL;
    }

    /* the servers belong to the bench, and have self-signed certificates */

    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);

    if (o->mode >= LOAD_ID && o->mode <= LOAD_FORGED) {
        (void) SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    }

#ifdef SSL_OP_IGNORE_UNEXPECTED_EOF
    (void) SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
#endif

    (void) SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT
                                          |SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, load_new_session);

    return ctx;
}


static int
load_new_session(SSL *ssl, SSL_SESSION *session)
{
    int              len;
    load_run_t      *run;
    load_conn_t     *c;
    unsigned char   *data;
    load_session_t  *slot;

    c = SSL_get_app_data(ssl);
    run = c->run;
    run->report->sessions++;

    if (run->redeem || run->sessions == NULL) {
        return 0;
    }

    data = NULL;
    len = i2d_SSL_SESSION(session, &data);

    if (len > 0 && run->o->mode == LOAD_FORGED
        && load_forge(session, data, (size_t) len) == -1)
    {
        OPENSSL_free(data);
        return 0;
    }

    if (len > 0) {
        slot = &run->sessions[load_slot(run, c->number)];
        free(slot->data);
        slot->data = data;
        slot->len = (size_t) len;
        c->got_session = 1;
    }

    return 0;
}


/*
 * Replaces the ID in a serialized session by random bytes.  In TLS 1.3 the ID
 * is in the place of the ticket.
 */

static int
load_forge(const SSL_SESSION *session, unsigned char *data, size_t len)
{
    int                   found;
    size_t                n, i;
    unsigned int          n_id;
    unsigned char         forged[64];
    const unsigned char  *id;

    if (SSL_SESSION_has_ticket(session)) {
        SSL_SESSION_get0_ticket(session, &id, &n);

    } else {
        id = SSL_SESSION_get_id(session, &n_id);
        n = n_id;
    }

    if (n == 0 || n > sizeof(forged) || RAND_bytes(forged, (int) n) != 1) {
        return -1;
    }

    found = 0;

    for (i = 0; i + n <= len; i++) {

        if (memcmp(&data[i], id, n) == 0) {
            memcpy(&data[i], forged, n);
            found = 1;
        }
    }

    return found ? 0 : -1;
}


/*
 * Sessions are decoded before the measurement.  A client that decoded them
 * between two handshakes would make the servers wait, which then need more CPU
 * time for each.
 */

static void
load_prepare(load_run_t *run)
{
    uint64_t         number;
    load_session_t  *slot;

    if (!run->redeem) {
        return;
    }

    for (number = run->first;
         number < run->total && number < run->first + LOAD_READY;
         number++)
    {
        slot = &run->sessions[load_slot(run, number)];
        slot->ready = load_session(slot);
    }
}


static SSL_SESSION *
load_session(load_session_t *slot)
{
    SSL_SESSION          *session;
    const unsigned char  *data;

    session = slot->ready;
    slot->ready = NULL;

    if (session == NULL && slot->data != NULL) {
        data = slot->data;
        session = d2i_SSL_SESSION(NULL, &data, (long) slot->len);
    }

    return session;
}


static int
load_loop(load_run_t *run, load_conn_t *conns, uint64_t deadline)
{
    int                 i, n;
    unsigned            k;
    uint64_t            now, swept;
    struct epoll_event  events[LOAD_EVENTS];

    swept = run->begin;

    for ( ;; ) {
        load_fill(run, conns, deadline);

        if (run->busy == 0 && run->started == run->total) {
            return 0;
        }

        now = load_now();

        if (now >= deadline) {
            break;
        }

        n = epoll_wait(run->epoll, events, LOAD_EVENTS,
                       load_timeout(run, run->busy < run->o->in_flight, now));

        if (n == -1 && errno != EINTR) {
            return -1;
        }

        for (i = 0; i < n; i++) {
            load_drive(events[i].data.ptr);
        }

        now = load_now();

        if (now - swept > LOAD_SWEEP) {
            load_sweep(run, conns, now);
            swept = now;
        }
    }

    for (k = 0; k < run->o->in_flight; k++) {

        if (conns[k].state != LOAD_FREE) {
            load_finish(&conns[k], "out of time");
        }
    }

    return 0;
}


/* Milliseconds to the next start that --rate allows; below one, spin. */

static int
load_timeout(const load_run_t *run, int room, uint64_t now)
{
    uint64_t  due;

    if (run->rate > 0 && room && run->started < run->total) {
        due = load_due(run);

        if (due <= now) {
            return 0;
        }

        if (due - now < LOAD_SWEEP) {
            return (int) ((due - now) / 1000000);
        }
    }

    return LOAD_SWEEP / 1000000;
}


/* When --rate allows the next start. */

static uint64_t
load_due(const load_run_t *run)
{
    double  started;

    started = (double) (run->started - run->first);

    return run->begin + (uint64_t) (started * 1e9 / run->rate);
}


static void
load_fill(load_run_t *run, load_conn_t *conns, uint64_t deadline)
{
    unsigned  k;
    uint64_t  now, due;

    for (k = 0;
         k < run->o->in_flight && run->busy < run->o->in_flight
         && run->started < run->total;
         k++)
    {
        if (conns[k].state != LOAD_FREE) {
            continue;
        }

        now = load_now();
        due = now;

        if (now >= deadline) {
            return;
        }

        if (run->rate > 0) {

            /*
             * The latency of a handshake that could not start in time counts
             * from the moment at which it was due.  Else a slow server would
             * also slow down its measurement.
             */

            due = load_due(run);

            if (due > now) {
                return;
            }
        }

        load_start(run, &conns[k], due);
    }
}


static void
load_sweep(load_run_t *run, load_conn_t *conns, uint64_t now)
{
    unsigned  k;
    uint64_t  patience;

    patience = (uint64_t) (run->o->patience * 1e9);

    for (k = 0; k < run->o->in_flight; k++) {

        if (conns[k].state != LOAD_FREE && now > conns[k].begin + patience) {
            load_finish(&conns[k],
                        conns[k].state == LOAD_HANDSHAKE
                        ? "handshake timed out" : "close timed out");
        }
    }
}


static void
load_start(load_run_t *run, load_conn_t *c, uint64_t due)
{
    struct epoll_event  event;

    memset(c, 0, sizeof(load_conn_t));

    c->run = run;
    c->fd = -1;
    c->state = run->redeem && run->o->mode == LOAD_EARLY ? LOAD_FLIGHT
                                                         : LOAD_HANDSHAKE;
    c->number = run->started++;
    c->begin = due;
    run->busy++;

    c->ssl = SSL_new(run->ctx);

    if (c->ssl == NULL || !SSL_set_app_data(c->ssl, c)) {
        load_finish(c, "SSL_new() failed");
        return;
    }

    if (load_offer(run, c) == -1) {
        load_finish(c, "no session to redeem");
        return;
    }

    if (load_connect(run, c) == -1) {
        load_finish(c, strerror(errno));
        return;
    }

    memset(&event, 0, sizeof(struct epoll_event));
    event.events = EPOLLIN|EPOLLOUT|EPOLLRDHUP|EPOLLET;
    event.data.ptr = c;

    if (epoll_ctl(run->epoll, EPOLL_CTL_ADD, c->fd, &event) == -1) {
        load_finish(c, "epoll_ctl() failed");
    }
}


static int
load_connect(load_run_t *run, load_conn_t *c)
{
    int                    on;
    uint64_t               slot, lap;
    const load_address_t  *address;

    slot = load_slot(run, c->number);
    lap = run->redeem ? c->number / run->o->sessions : 0;
    address = &run->addresses->item[(slot + lap) % run->addresses->n];

    c->fd = socket(address->sa.ss_family,
                   SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0);

    /* what is sent after the Finished must not wait for an acknowledgement */

    on = 1;

    if (c->fd == -1
        || setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(int)) == -1
        || (connect(c->fd, (const struct sockaddr *) &address->sa,
                    address->len)
            == -1
            && errno != EINPROGRESS))
    {
        return -1;
    }

    if (!SSL_set_fd(c->ssl, c->fd)) {
        errno = ENOMEM;
        return -1;
    }

    return 0;
}


static int
load_offer(load_run_t *run, load_conn_t *c)
{
    int           rc;
    const char   *name;
    SSL_SESSION  *session;

    name = load_name(run, c->number);

    if (name != NULL && !SSL_set_tlsext_host_name(c->ssl, name)) {
        return -1;
    }

    if (!run->redeem) {
        return 0;
    }

    session = load_session(&run->sessions[load_slot(run, c->number)]);

    if (session == NULL) {
        return -1;
    }

    rc = SSL_set_session(c->ssl, session);
    SSL_SESSION_free(session);

    return rc == 1 ? 0 : -1;
}


static const char *
load_name(const load_run_t *run, uint64_t number)
{
    return run->o->n_names == 0
           ? NULL : run->o->names[load_slot(run, number) % run->o->n_names];
}


static uint64_t
load_slot(const load_run_t *run, uint64_t number)
{
    return number % run->o->sessions;
}


static void
load_drive(load_conn_t *c)
{
    /* does one step after another until one has to wait */

    while (c->state != LOAD_FREE && load_step(c) == 0) { /* void */ }
}


/* Returns 0 to go on, -1 to wait for the next event. */

static int
load_step(load_conn_t *c)
{
    int  rc;

    switch (c->state) {

    case LOAD_FLIGHT:
        return load_flight(c);

    case LOAD_HANDSHAKE:
        ERR_clear_error();
        rc = SSL_connect(c->ssl);

        if (rc != 1) {
            return load_wait(c, rc);
        }

        c->latency = load_now() - c->begin;
        c->resumed = SSL_session_reused(c->ssl) ? 1 : 0;
        c->state = LOAD_REQUEST;

        if (c->flight) {
            c->resumed = SSL_get_early_data_status(c->ssl)
                         == SSL_EARLY_DATA_ACCEPTED;
            c->state = c->resumed ? LOAD_RESPONSE : LOAD_REQUEST;
        }

        return 0;

    case LOAD_REQUEST:
        return load_talk(c);

    case LOAD_RESPONSE:
        return load_listen(c);

    case LOAD_DRAIN:
        return load_drain(c);

    default:
        return -1;
    }
}


/*
 * Sends the request, or else a close_notify and the end of the stream, for
 * which some servers wait.  Either makes the server close the connection,
 * before which it sends the tickets of TLS 1.3.
 */

static int
load_talk(load_conn_t *c)
{
    int   rc, len;
    char  text[1024];

    ERR_clear_error();

    if (c->run->o->request == NULL) {
        rc = SSL_shutdown(c->ssl) < 0 ? -1 : 1;

        if (rc == 1) {
            (void) shutdown(c->fd, SHUT_WR);
        }

    } else {
        len = load_request(c, text, sizeof(text));

        if (len == -1) {
            return -1;
        }

        rc = SSL_write(c->ssl, text, len);
    }

    if (rc <= 0) {
        return load_wait(c, rc);
    }

    c->state = LOAD_RESPONSE;

    return 0;
}


/* The request before the handshake. */

static int
load_flight(load_conn_t *c)
{
    int     len;
    char    text[1024];
    size_t  written;

    ERR_clear_error();

    len = load_request(c, text, sizeof(text));

    if (len == -1) {
        return -1;
    }

    if (SSL_write_early_data(c->ssl, text, (size_t) len, &written) != 1) {
        return load_wait(c, -1);
    }

    c->flight = 1;
    c->state = LOAD_HANDSHAKE;

    return 0;
}


/* Its length, or -1: the connection has been given up. */

static int
load_request(load_conn_t *c, char *text, size_t size)
{
    int          len;
    const char  *name;

    name = load_name(c->run, c->number);
    len = snprintf(text, size, "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n",
                   c->run->o->request, name ? name : "localhost");

    if (len < 0 || (size_t) len >= size) {
        load_finish(c, "request too long");
        return -1;
    }

    return len;
}


static int
load_listen(load_conn_t *c)
{
    int     rc, error;
    char    data[16384];
    size_t  room;

    ERR_clear_error();

    rc = SSL_read(c->ssl, data, sizeof(data));

    if (rc > 0) {

        if (c->received == 0 && c->run->o->mode >= LOAD_EARLY) {
            c->latency = load_now() - c->begin;
        }

        if (c->received < sizeof(c->status)) {
            room = sizeof(c->status) - c->received;
            memcpy(c->status + c->received, data,
                   (size_t) rc < room ? (size_t) rc : room);
        }

        c->received += (size_t) rc;
        return 0;
    }

    error = SSL_get_error(c->ssl, rc);

    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
        return -1;
    }

    if (error == SSL_ERROR_SSL) {
        return load_wait(c, rc);
    }

    c->state = LOAD_DRAIN;

    return 0;
}


/*
 * Waits until the server has closed as well, so that the CPU time for this is
 * spent before the clocks are read.
 */

static int
load_drain(load_conn_t *c)
{
    char     data[4096];
    ssize_t  n;

    n = recv(c->fd, data, sizeof(data), 0);

    if (n > 0) {
        return 0;
    }

    if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
        return errno == EAGAIN ? -1 : 0;
    }

    if (!c->run->redeem && c->run->sessions && !c->got_session) {
        load_finish(c, "no session received");

    } else if (c->run->o->request
               && (c->received < sizeof(c->status)
                   || memcmp(c->status, "HTTP/1.", 7) != 0
                   || c->status[9] != '2'))
    {
        load_finish(c, "response is not 2xx");

    } else {
        load_finish(c, NULL);
    }

    return -1;
}


/* The call did not succeed: wait, or give the connection up. */

static int
load_wait(load_conn_t *c, int rc)
{
    int            saved;
    const char    *reason;
    unsigned long  error;

    saved = errno;

    switch (SSL_get_error(c->ssl, rc)) {

    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return -1;

    case SSL_ERROR_SSL:
        error = ERR_peek_error();
        reason = ERR_reason_error_string(error);
        load_finish(c, reason ? reason : "TLS error");
        return -1;

    case SSL_ERROR_SYSCALL:
        load_finish(c, saved ? strerror(saved) : "closed by the server");
        return -1;

    default:
        load_finish(c, "closed by the server");
        return -1;
    }
}


static void
load_finish(load_conn_t *c, const char *failure)
{
    struct linger  linger;

    if (failure != NULL) {
        load_report_failed(c->run->report, failure);

    } else {
        load_report_done(c->run->report, c->latency, c->resumed);
    }

    SSL_free(c->ssl);
    c->ssl = NULL;

    if (c->fd != -1) {

        /* ports left in TIME_WAIT would run out within seconds */

        linger.l_onoff = 1;
        linger.l_linger = 0;

        (void) setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger,
                          sizeof(struct linger));
        (void) close(c->fd);
    }

    c->state = LOAD_FREE;
    c->run->busy--;
}
