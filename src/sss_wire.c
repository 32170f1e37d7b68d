
/*
 * memcached's text protocol, as far as it is needed here.  Every length is
 * checked before it is used, and an answer that is not exactly one of those
 * expected ends the connection.
 *
 * This is not left to libmemcached: 1.0.18 and 1.1.4 take an answer to
 * anything for a version and read through a null pointer if it holds none, so
 * that whoever answers could end the process.
 */


#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <time.h>
#include <unistd.h>

#include "sss_wire.h"


#define SSS_WIRE_BUFFER    16384
#define SSS_WIRE_ITEMS     32
#define SSS_WIRE_LINES     1000         /* of statistics                   */
#define SSS_WIRE_SECONDS   999999999999999      /* the latest time         */
#define SSS_WIRE_PATIENCE  3            /* timeouts for a conversation     */
#define SSS_WIRE_RELATIVE  (30 * 24 * 3600)     /* memcached's own limit   */

#define SSS_WIRE_STRANGE   "the answer is not memcached's"
#define SSS_WIRE_LATE      "timed out"


struct sss_wire_s {
    sss_address_t   address;
    unsigned        timeout_ms;
    uint64_t        until;              /* no wait is longer               */
    int             fd;                 /* -1: not connected               */
    int             used;               /* it has answered before          */
    const char     *reason;             /* of the failure, or NULL         */
    size_t          first;              /* bytes read but not used         */
    size_t          last;
    char            error[SSS_STORE_ERROR];
    uint8_t         buffer[SSS_WIRE_BUFFER];
};


typedef struct {
    const uint8_t  *p;
    const uint8_t  *end;
} sss_wire_line_t;


static void sss_wire_clear(sss_store_item_t *items, size_t n);
static void sss_wire_begin(sss_wire_t *wire);
static uint64_t sss_wire_clock(void);
static int sss_wire_fail(sss_wire_t *wire, const char *reason);
static sss_store_rc_t sss_wire_done(sss_wire_t *wire, const char *what,
    int rc);
static int sss_wire_again(sss_wire_t *wire, int reused);
static void sss_wire_close(sss_wire_t *wire);
static int sss_wire_open(sss_wire_t *wire);
static int sss_wire_open_inet(sss_wire_t *wire);
static int sss_wire_open_unix(sss_wire_t *wire);
static int sss_wire_connect(sss_wire_t *wire, const struct sockaddr *sa,
    socklen_t len);
static int sss_wire_wait(sss_wire_t *wire, short events);
static int sss_wire_send(sss_wire_t *wire, const void *data, size_t len,
    int more);
static int sss_wire_fill(sss_wire_t *wire);
static int sss_wire_line(sss_wire_t *wire, sss_wire_line_t *line);
static int sss_wire_bytes(sss_wire_t *wire, uint8_t *out, size_t size,
    uint64_t len);
static int sss_wire_is(const sss_wire_line_t *line, const char *text);
static int sss_wire_word(sss_wire_line_t *line, const char *text);
static int sss_wire_number(sss_wire_line_t *line, uint64_t limit, int last,
    uint64_t *n);
static int sss_wire_ask(sss_wire_t *wire, sss_store_item_t *items, size_t n);
static int sss_wire_item(sss_wire_t *wire, sss_wire_line_t *line,
    sss_store_item_t *items, size_t n);
static int sss_wire_write(sss_wire_t *wire, const char *name, uint64_t cas,
    const uint8_t *value, size_t len, uint32_t ttl);
static int sss_wire_stats(sss_wire_t *wire, uint64_t *seconds);
static int sss_wire_refused(sss_wire_t *wire, const sss_wire_line_t *line);


sss_wire_t *
sss_wire_create(const sss_address_t *address, unsigned timeout_ms)
{
    sss_wire_t  *wire;

    wire = calloc(1, sizeof(sss_wire_t));
    if (wire == NULL) {
        return NULL;
    }

    wire->address = *address;
    wire->timeout_ms = timeout_ms == 0 ? 1
                       : timeout_ms > INT_MAX ? INT_MAX : timeout_ms;
    wire->fd = -1;

    return wire;
}


void
sss_wire_destroy(sss_wire_t *wire)
{
    if (wire != NULL) {
        sss_wire_close(wire);
        free(wire);
    }
}


const char *
sss_wire_error(const sss_wire_t *wire)
{
    return wire->error;
}


sss_store_rc_t
sss_wire_get(sss_wire_t *wire, sss_store_item_t *items, size_t n)
{
    int  rc, reused;

    sss_wire_begin(wire);

    do {
        reused = wire->used;
        rc = sss_wire_ask(wire, items, n);
    } while (rc == SSS_STORE_FAILED && sss_wire_again(wire, reused));

    if (rc == SSS_STORE_FAILED) {
        sss_wire_clear(items, n);
    }

    return sss_wire_done(wire, "get", rc);
}


/* A write that did happen is a conflict when it is repeated, and no harm. */

sss_store_rc_t
sss_wire_put(sss_wire_t *wire, const char *name, uint64_t cas,
    const uint8_t *value, size_t len, uint32_t ttl)
{
    int  rc, reused;

    sss_wire_begin(wire);

    do {
        reused = wire->used;
        rc = sss_wire_write(wire, name, cas, value, len, ttl);
    } while (rc == SSS_STORE_FAILED && sss_wire_again(wire, reused));

    return sss_wire_done(wire, "write", rc);
}


sss_store_rc_t
sss_wire_time(sss_wire_t *wire, uint64_t *seconds)
{
    int  rc, reused;

    sss_wire_begin(wire);

    do {
        reused = wire->used;
        rc = sss_wire_stats(wire, seconds);
    } while (rc == SSS_STORE_FAILED && sss_wire_again(wire, reused));

    if (rc == SSS_STORE_FAILED) {
        *seconds = 0;
    }

    return sss_wire_done(wire, "stats", rc);
}


static void
sss_wire_clear(sss_store_item_t *items, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        items[i].len = 0;
        items[i].cas = 0;
        items[i].found = 0;
    }
}


/* An answer that never ends must not keep the thread for ever. */

static void
sss_wire_begin(sss_wire_t *wire)
{
    wire->until = sss_wire_clock()
                  + (uint64_t) wire->timeout_ms * SSS_WIRE_PATIENCE;
}


static uint64_t
sss_wire_clock(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000 + (uint64_t) ts.tv_nsec / 1000000;
}


static int
sss_wire_fail(sss_wire_t *wire, const char *reason)
{
    wire->reason = reason;

    return SSS_STORE_FAILED;
}


static sss_store_rc_t
sss_wire_done(sss_wire_t *wire, const char *what, int rc)
{
    if (rc == SSS_STORE_FAILED) {
        snprintf(wire->error, sizeof(wire->error), "%s: %s", what,
                 wire->reason);
        sss_wire_close(wire);

    } else {
        wire->used = 1;
    }

    return (sss_store_rc_t) rc;
}


/*
 * A connection that was idle may have been closed meanwhile, by a restart of
 * the server for one: that says nothing about the server now.
 */

static int
sss_wire_again(sss_wire_t *wire, int reused)
{
    sss_wire_close(wire);

    return reused && strcmp(wire->reason, SSS_WIRE_LATE) != 0;
}


static void
sss_wire_close(sss_wire_t *wire)
{
    if (wire->fd != -1) {
        close(wire->fd);
    }

    wire->fd = -1;
    wire->used = 0;
    wire->first = 0;
    wire->last = 0;
}


static int
sss_wire_open(sss_wire_t *wire)
{
    /* nothing was asked, so nothing may have been answered */

    if (wire->fd != -1 && wire->first != wire->last) {
        sss_wire_close(wire);
    }

    if (wire->fd != -1) {
        return SSS_STORE_OK;
    }

    return wire->address.port ? sss_wire_open_inet(wire)
                              : sss_wire_open_unix(wire);
}


static int
sss_wire_open_inet(sss_wire_t *wire)
{
    int               rc, on;
    char              port[8];
    struct addrinfo   hints, *list, *ai;

    memset(&hints, 0, sizeof(hints));
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;

    snprintf(port, sizeof(port), "%u", (unsigned) wire->address.port);

    if (getaddrinfo(wire->address.host, port, &hints, &list) != 0) {
        return sss_wire_fail(wire, "the name could not be resolved");
    }

    /* a slow resolver is no reason not to connect: the next call needs it */

    sss_wire_begin(wire);

    rc = sss_wire_fail(wire, "the name has no address");

    for (ai = list; ai != NULL && rc != SSS_STORE_OK; ai = ai->ai_next) {
        rc = sss_wire_connect(wire, ai->ai_addr, ai->ai_addrlen);
    }

    freeaddrinfo(list);

    if (rc == SSS_STORE_OK) {
        on = 1;
        (void) setsockopt(wire->fd, IPPROTO_TCP, TCP_NODELAY, &on,
                          sizeof(on));
    }

    return rc;
}


static int
sss_wire_open_unix(sss_wire_t *wire)
{
    size_t              len;
    struct sockaddr_un  un;

    len = strlen(wire->address.host);

    if (len >= sizeof(un.sun_path)) {
        return sss_wire_fail(wire, "the path is too long");
    }

    memset(&un, 0, sizeof(un));
    un.sun_family = AF_UNIX;
    memcpy(un.sun_path, wire->address.host, len);

    return sss_wire_connect(wire, (struct sockaddr *) &un, sizeof(un));
}


static int
sss_wire_connect(sss_wire_t *wire, const struct sockaddr *sa, socklen_t len)
{
    int        error;
    socklen_t  size;

    wire->fd = socket(sa->sa_family, SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK,
                      0);
    if (wire->fd == -1) {
        return sss_wire_fail(wire, strerror(errno));
    }

    if (connect(wire->fd, sa, len) == 0) {
        return SSS_STORE_OK;
    }

    error = errno;

    if (error == EINPROGRESS) {

        if (sss_wire_wait(wire, POLLOUT) != SSS_STORE_OK) {
            sss_wire_close(wire);
            return SSS_STORE_FAILED;
        }

        size = sizeof(error);

        if (getsockopt(wire->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
            error = errno;
        }
    }

    if (error == 0) {
        return SSS_STORE_OK;
    }

    sss_wire_close(wire);

    /* a Unix-domain socket whose queue is full says so at once */

    return sss_wire_fail(wire, error == EAGAIN ? SSS_WIRE_LATE
                                               : strerror(error));
}


static int
sss_wire_wait(sss_wire_t *wire, short events)
{
    int            rc;
    uint64_t       now, ms;
    struct pollfd  pfd;

    pfd.fd = wire->fd;
    pfd.events = events;

    do {
        now = sss_wire_clock();

        if (now >= wire->until) {
            return sss_wire_fail(wire, SSS_WIRE_LATE);
        }

        ms = wire->until - now;

        if (ms > wire->timeout_ms) {
            ms = wire->timeout_ms;
        }

        rc = poll(&pfd, 1, (int) ms);

    } while (rc == -1 && errno == EINTR);

    if (rc == 0) {
        return sss_wire_fail(wire, SSS_WIRE_LATE);
    }

    return rc == 1 ? SSS_STORE_OK : sss_wire_fail(wire, strerror(errno));
}


static int
sss_wire_send(sss_wire_t *wire, const void *data, size_t len, int more)
{
    ssize_t         n;
    const uint8_t  *p;

    p = data;

    while (len != 0) {

        n = send(wire->fd, p, len, MSG_NOSIGNAL | (more ? MSG_MORE : 0));

        if (n > 0) {
            p += n;
            len -= (size_t) n;
            continue;
        }

        if (n == -1 && errno == EINTR) {
            continue;
        }

        if (n == -1 && errno != EAGAIN && errno != EWOULDBLOCK) {
            return sss_wire_fail(wire, strerror(errno));
        }

        if (sss_wire_wait(wire, POLLOUT) != SSS_STORE_OK) {
            return SSS_STORE_FAILED;
        }
    }

    return SSS_STORE_OK;
}


/* Reads something more into the buffer, which is not full. */

static int
sss_wire_fill(sss_wire_t *wire)
{
    ssize_t  n;

    if (wire->first != 0) {
        memmove(wire->buffer, wire->buffer + wire->first,
                wire->last - wire->first);
        wire->last -= wire->first;
        wire->first = 0;
    }

    for ( ;; ) {

        /* bytes that are always there would never be waited for */

        if (sss_wire_clock() >= wire->until) {
            return sss_wire_fail(wire, SSS_WIRE_LATE);
        }

        n = recv(wire->fd, wire->buffer + wire->last,
                 SSS_WIRE_BUFFER - wire->last, 0);

        if (n > 0) {
            wire->last += (size_t) n;
            return SSS_STORE_OK;
        }

        if (n == 0) {
            return sss_wire_fail(wire, "the connection was closed");
        }

        if (errno == EINTR) {
            continue;
        }

        if (errno != EAGAIN && errno != EWOULDBLOCK) {
            return sss_wire_fail(wire, strerror(errno));
        }

        if (sss_wire_wait(wire, POLLIN) != SSS_STORE_OK) {
            return SSS_STORE_FAILED;
        }
    }
}


/* The next line, without its end; it stands until more is read. */

static int
sss_wire_line(sss_wire_t *wire, sss_wire_line_t *line)
{
    size_t    looked;
    uint8_t  *start, *end;

    looked = 0;

    for ( ;; ) {
        start = wire->buffer + wire->first;
        end = memchr(start + looked, '\n', wire->last - wire->first - looked);

        if (end != NULL) {
            break;
        }

        looked = wire->last - wire->first;

        if (looked == SSS_WIRE_BUFFER) {
            return sss_wire_fail(wire, SSS_WIRE_STRANGE);
        }

        if (sss_wire_fill(wire) != SSS_STORE_OK) {
            return SSS_STORE_FAILED;
        }
    }

    wire->first = (size_t) (end + 1 - wire->buffer);

    if (end == start || end[-1] != '\r') {
        return sss_wire_fail(wire, SSS_WIRE_STRANGE);
    }

    line->p = start;
    line->end = end - 1;

    return SSS_STORE_OK;
}


/* A value: into "out" if it fits there, else to nowhere. */

static int
sss_wire_bytes(sss_wire_t *wire, uint8_t *out, size_t size, uint64_t len)
{
    int       keep;
    size_t    n;
    uint64_t  left;

    keep = (len <= size);

    for (left = len; left != 0; left -= n) {

        if (wire->first == wire->last
            && sss_wire_fill(wire) != SSS_STORE_OK)
        {
            return SSS_STORE_FAILED;
        }

        n = wire->last - wire->first;

        if (n > left) {
            n = (size_t) left;
        }

        if (keep) {
            memcpy(out, wire->buffer + wire->first, n);
            out += n;
        }

        wire->first += n;
    }

    while (wire->last - wire->first < 2) {
        if (sss_wire_fill(wire) != SSS_STORE_OK) {
            return SSS_STORE_FAILED;
        }
    }

    if (memcmp(wire->buffer + wire->first, "\r\n", 2) != 0) {
        return sss_wire_fail(wire, SSS_WIRE_STRANGE);
    }

    wire->first += 2;

    return SSS_STORE_OK;
}


static int
sss_wire_is(const sss_wire_line_t *line, const char *text)
{
    size_t  len;

    len = strlen(text);

    return (size_t) (line->end - line->p) == len
           && memcmp(line->p, text, len) == 0;
}


/* Takes a word and the blank after it, if they are next. */

static int
sss_wire_word(sss_wire_line_t *line, const char *text)
{
    size_t  len;

    len = strlen(text);

    if ((size_t) (line->end - line->p) <= len
        || memcmp(line->p, text, len) != 0 || line->p[len] != ' ')
    {
        return 0;
    }

    line->p += len + 1;

    return 1;
}


/*
 * Takes a number up to "limit", and the blank after it; if it is the "last",
 * the line has to end there.
 */

static int
sss_wire_number(sss_wire_line_t *line, uint64_t limit, int last, uint64_t *n)
{
    unsigned        digit;
    const uint8_t  *start;

    *n = 0;

    for (start = line->p; line->p != line->end && *line->p != ' '; ) {

        digit = (unsigned) *line->p++ - '0';

        if (digit > 9 || digit > limit || *n > (limit - digit) / 10) {
            return 0;
        }

        *n = *n * 10 + digit;
    }

    if (line->p == start || (line->p == line->end) != last) {
        return 0;
    }

    if (!last) {
        line->p++;
    }

    return 1;
}


static int
sss_wire_ask(sss_wire_t *wire, sss_store_item_t *items, size_t n)
{
    int              len;
    char             request[8 + SSS_WIRE_ITEMS * SSS_NAME_SIZE];
    size_t           i;
    sss_wire_line_t  line;

    if (n == 0 || n > SSS_WIRE_ITEMS) {
        return sss_wire_fail(wire, "bad number of items");
    }

    len = sprintf(request, "gets");

    sss_wire_clear(items, n);

    for (i = 0; i < n; i++) {
        len += snprintf(request + len, sizeof(request) - (size_t) len,
                        " %.*s", SSS_NAME_SIZE - 1, items[i].name);
    }

    len += snprintf(request + len, sizeof(request) - (size_t) len, "\r\n");

    if (sss_wire_open(wire) != SSS_STORE_OK
        || sss_wire_send(wire, request, (size_t) len, 0) != SSS_STORE_OK)
    {
        return SSS_STORE_FAILED;
    }

    for (i = 0; i <= n; i++) {

        if (sss_wire_line(wire, &line) != SSS_STORE_OK) {
            return SSS_STORE_FAILED;
        }

        if (sss_wire_is(&line, "END")) {
            return SSS_STORE_OK;
        }

        if (sss_wire_item(wire, &line, items, n) != SSS_STORE_OK) {
            return SSS_STORE_FAILED;
        }
    }

    return sss_wire_fail(wire, SSS_WIRE_STRANGE);
}


static int
sss_wire_item(sss_wire_t *wire, sss_wire_line_t *line,
    sss_store_item_t *items, size_t n)
{
    size_t             i;
    uint64_t           flags, len, cas;
    sss_store_item_t  *item;

    if (!sss_wire_word(line, "VALUE")) {
        return sss_wire_refused(wire, line);
    }

    for (i = 0; i < n; i++) {
        if (sss_wire_word(line, items[i].name)) {
            break;
        }
    }

    if (i == n || items[i].found
        || !sss_wire_number(line, UINT32_MAX, 0, &flags)
        || !sss_wire_number(line, SIZE_MAX / 2, 0, &len)
        || !sss_wire_number(line, UINT64_MAX, 1, &cas))
    {
        return sss_wire_fail(wire, SSS_WIRE_STRANGE);
    }

    if (cas == 0) {
        return sss_wire_fail(wire, "the server keeps no versions of items "
                             "(option -C)");
    }

    item = &items[i];
    item->found = 1;
    item->cas = cas;
    item->len = (size_t) len;

    return sss_wire_bytes(wire, item->value, item->size, len);
}


static int
sss_wire_write(sss_wire_t *wire, const char *name, uint64_t cas,
    const uint8_t *value, size_t len, uint32_t ttl)
{
    int              n;
    char             request[128], version[24];
    uint64_t         expires;
    sss_wire_line_t  line;

    expires = ttl ? ttl : 1;
    version[0] = '\0';

    if (expires > SSS_WIRE_RELATIVE) {
        expires += (uint64_t) time(NULL);
    }

    if (cas != 0) {
        snprintf(version, sizeof(version), " %llu",
                 (unsigned long long) cas);
    }

    n = snprintf(request, sizeof(request), "%s %.*s 0 %llu %zu%s\r\n",
                 cas ? "cas" : "add", SSS_NAME_SIZE - 1, name,
                 (unsigned long long) expires, len, version);

    if (sss_wire_open(wire) != SSS_STORE_OK
        || sss_wire_send(wire, request, (size_t) n, 1) != SSS_STORE_OK
        || sss_wire_send(wire, value, len, 1) != SSS_STORE_OK
        || sss_wire_send(wire, "\r\n", 2, 0) != SSS_STORE_OK
        || sss_wire_line(wire, &line) != SSS_STORE_OK)
    {
        return SSS_STORE_FAILED;
    }

    if (sss_wire_is(&line, "STORED")) {
        return SSS_STORE_OK;
    }

    if (sss_wire_is(&line, cas ? "EXISTS" : "NOT_STORED")
        || (cas && sss_wire_is(&line, "NOT_FOUND")))
    {
        return SSS_STORE_CONFLICT;
    }

    return sss_wire_refused(wire, &line);
}


static int
sss_wire_stats(sss_wire_t *wire, uint64_t *seconds)
{
    unsigned         lines;
    sss_wire_line_t  line;

    *seconds = 0;

    if (sss_wire_open(wire) != SSS_STORE_OK
        || sss_wire_send(wire, "stats\r\n", 7, 0) != SSS_STORE_OK)
    {
        return SSS_STORE_FAILED;
    }

    for (lines = 0; lines < SSS_WIRE_LINES; lines++) {

        if (sss_wire_line(wire, &line) != SSS_STORE_OK) {
            return SSS_STORE_FAILED;
        }

        if (sss_wire_is(&line, "END")) {
            return *seconds ? SSS_STORE_OK
                            : sss_wire_fail(wire, "no time in the answer");
        }

        if (!sss_wire_word(&line, "STAT")) {
            return sss_wire_refused(wire, &line);
        }

        if (sss_wire_word(&line, "time")
            && (*seconds != 0
                || !sss_wire_number(&line, SSS_WIRE_SECONDS, 1, seconds)))
        {
            return sss_wire_fail(wire, SSS_WIRE_STRANGE);
        }
    }

    return sss_wire_fail(wire, SSS_WIRE_STRANGE);
}


static int
sss_wire_refused(sss_wire_t *wire, const sss_wire_line_t *line)
{
    size_t                    i;
    static const char *const  known[] = {
        "SERVER_ERROR out of memory storing object",
        "SERVER_ERROR object too large for cache",
        "SERVER_ERROR Out of memory during read",
        "ERROR Too many open connections",
        "CLIENT_ERROR unauthenticated",
        "ERROR"
    };

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (sss_wire_is(line, known[i])) {
            return sss_wire_fail(wire, known[i]);
        }
    }

    return sss_wire_fail(wire, SSS_WIRE_STRANGE);
}
