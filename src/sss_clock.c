
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "sss_clock.h"


#define SSS_CLOCK_PATIENCE  3           /* timeouts for the conversation   */
#define SSS_CLOCK_DIGITS    15          /* of the seconds                  */

#define SSS_CLOCK_STRANGE   "the answer is not memcached's"
#define SSS_CLOCK_LATE      "timed out"


typedef struct {
    int         fd;
    unsigned    timeout_ms;
    uint64_t    until;                  /* 0: no connect has begun         */
} sss_clock_talk_t;


static sss_clock_rc_t sss_clock_fail(sss_clock_t *clock, const char *reason);
static sss_clock_rc_t sss_clock_line(sss_clock_t *clock);
static sss_clock_rc_t sss_clock_time(sss_clock_t *clock, const char *digits,
    size_t len);
static const char *sss_clock_refusal(const sss_clock_t *clock);
static int sss_clock_is(const sss_clock_t *clock, const char *text);
static int sss_clock_begins(const sss_clock_t *clock, const char *text);
static const char *sss_clock_open(sss_clock_talk_t *talk,
    const sss_address_t *address);
static const char *sss_clock_open_inet(sss_clock_talk_t *talk,
    const sss_address_t *address);
static const char *sss_clock_open_unix(sss_clock_talk_t *talk,
    const sss_address_t *address);
static const char *sss_clock_connect(sss_clock_talk_t *talk,
    const struct sockaddr *sa, socklen_t len);
static const char *sss_clock_ask(sss_clock_talk_t *talk);
static const char *sss_clock_answer(sss_clock_talk_t *talk,
    uint64_t *seconds);
static const char *sss_clock_wait(const sss_clock_talk_t *talk,
    short events);
static uint64_t sss_clock_ms(void);


void
sss_clock_init(sss_clock_t *clock)
{
    memset(clock, 0, sizeof(sss_clock_t));
}


sss_clock_rc_t
sss_clock_feed(sss_clock_t *clock, const void *bytes, size_t len)
{
    const char  *p, *end;

    p = bytes;
    end = p + len;

    while (p != end && clock->rc == SSS_CLOCK_MORE) {

        if (clock->len == SSS_CLOCK_LINE
            || clock->total == SSS_CLOCK_ANSWER)
        {
            return sss_clock_fail(clock, SSS_CLOCK_STRANGE);
        }

        clock->line[clock->len++] = *p;
        clock->total++;

        if (*p++ == '\n') {
            clock->rc = sss_clock_line(clock);
            clock->len = 0;
        }
    }

    return clock->rc;
}


const char *
sss_clock_read(const sss_address_t *address, unsigned timeout_ms,
    uint64_t *seconds)
{
    const char        *reason;
    sss_clock_talk_t   talk;

    *seconds = 0;

    talk.fd = -1;
    talk.timeout_ms = timeout_ms > INT_MAX ? INT_MAX : timeout_ms;
    talk.until = 0;

    reason = sss_clock_open(&talk, address);

    if (reason == NULL) {
        reason = sss_clock_ask(&talk);
    }

    if (reason == NULL) {
        reason = sss_clock_answer(&talk, seconds);
    }

    if (talk.fd != -1) {
        close(talk.fd);
    }

    return reason;
}


static sss_clock_rc_t
sss_clock_fail(sss_clock_t *clock, const char *reason)
{
    clock->rc = SSS_CLOCK_FAILED;
    clock->reason = reason;
    clock->seconds = 0;

    return SSS_CLOCK_FAILED;
}


static sss_clock_rc_t
sss_clock_line(sss_clock_t *clock)
{
    if (clock->len < 2 || clock->line[clock->len - 2] != '\r') {
        return sss_clock_fail(clock, SSS_CLOCK_STRANGE);
    }

    clock->len -= 2;

    if (sss_clock_is(clock, "END")) {
        return clock->seconds ? SSS_CLOCK_DONE
                              : sss_clock_fail(clock,
                                               "no time in the answer");
    }

    if (sss_clock_begins(clock, "STAT time ")) {
        return sss_clock_time(clock, clock->line + 10, clock->len - 10);
    }

    if (!sss_clock_begins(clock, "STAT ")) {
        return sss_clock_fail(clock, sss_clock_refusal(clock));
    }

    return SSS_CLOCK_MORE;
}


static sss_clock_rc_t
sss_clock_time(sss_clock_t *clock, const char *digits, size_t len)
{
    size_t    i;
    uint64_t  n;

    n = 0;

    for (i = 0; i < len && i < SSS_CLOCK_DIGITS; i++) {

        if (digits[i] < '0' || digits[i] > '9') {
            break;
        }

        n = n * 10 + (uint64_t) (digits[i] - '0');
    }

    if (i != len || n == 0 || clock->seconds != 0) {
        return sss_clock_fail(clock, SSS_CLOCK_STRANGE);
    }

    clock->seconds = n;

    return SSS_CLOCK_MORE;
}


/* Texts of memcached alone: whatever else came goes into no log. */

static const char *
sss_clock_refusal(const sss_clock_t *clock)
{
    size_t                    i;
    static const char *const  known[] = {
        "ERROR Too many open connections",
        "CLIENT_ERROR unauthenticated",
        "ERROR"
    };

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (sss_clock_is(clock, known[i])) {
            return known[i];
        }
    }

    return SSS_CLOCK_STRANGE;
}


static int
sss_clock_is(const sss_clock_t *clock, const char *text)
{
    return clock->len == strlen(text) && sss_clock_begins(clock, text);
}


static int
sss_clock_begins(const sss_clock_t *clock, const char *text)
{
    size_t  len;

    len = strlen(text);

    return clock->len >= len && memcmp(clock->line, text, len) == 0;
}


static const char *
sss_clock_open(sss_clock_talk_t *talk, const sss_address_t *address)
{
    return address->port ? sss_clock_open_inet(talk, address)
                         : sss_clock_open_unix(talk, address);
}


static const char *
sss_clock_open_inet(sss_clock_talk_t *talk, const sss_address_t *address)
{
    char              port[8];
    const char       *reason;
    struct addrinfo   hints, *list, *ai;

    memset(&hints, 0, sizeof(hints));
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;

    snprintf(port, sizeof(port), "%u", (unsigned) address->port);

    if (getaddrinfo(address->host, port, &hints, &list) != 0) {
        return "the name could not be resolved";
    }

    reason = "the name has no address";

    for (ai = list; ai != NULL && reason != NULL; ai = ai->ai_next) {
        reason = sss_clock_connect(talk, ai->ai_addr, ai->ai_addrlen);
    }

    freeaddrinfo(list);

    return reason;
}


static const char *
sss_clock_open_unix(sss_clock_talk_t *talk, const sss_address_t *address)
{
    size_t              len;
    struct sockaddr_un  un;

    len = strlen(address->host);

    if (len >= sizeof(un.sun_path)) {
        return "the path is too long";
    }

    memset(&un, 0, sizeof(un));
    un.sun_family = AF_UNIX;
    memcpy(un.sun_path, address->host, len);

    return sss_clock_connect(talk, (struct sockaddr *) &un, sizeof(un));
}


/* A socket whose connect failed is replaced by the next address's. */

static const char *
sss_clock_connect(sss_clock_talk_t *talk, const struct sockaddr *sa,
    socklen_t len)
{
    int          error;
    socklen_t    size;
    const char  *reason;

    if (talk->fd != -1) {
        close(talk->fd);
    }

    if (talk->until == 0) {
        talk->until = sss_clock_ms()
                      + (uint64_t) talk->timeout_ms * SSS_CLOCK_PATIENCE;
    }

    talk->fd = socket(sa->sa_family, SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK,
                      0);
    if (talk->fd == -1) {
        return strerror(errno);
    }

    if (connect(talk->fd, sa, len) == 0) {
        return NULL;
    }

    /* a Unix-domain socket whose queue is full does not let wait for it */

    if (errno == EAGAIN) {
        return SSS_CLOCK_LATE;
    }

    if (errno != EINPROGRESS) {
        return strerror(errno);
    }

    reason = sss_clock_wait(talk, POLLOUT);
    if (reason != NULL) {
        return reason;
    }

    size = sizeof(error);

    if (getsockopt(talk->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        error = errno;
    }

    return error ? strerror(error) : NULL;
}


static const char *
sss_clock_ask(sss_clock_talk_t *talk)
{
    size_t             sent, len;
    ssize_t            n;
    const char        *reason;
    static const char  request[] = "stats\r\n";

    sent = 0;
    len = sizeof(request) - 1;

    while (sent < len) {

        reason = sss_clock_wait(talk, POLLOUT);
        if (reason != NULL) {
            return reason;
        }

        n = send(talk->fd, request + sent, len - sent, MSG_NOSIGNAL);

        if (n >= 0) {
            sent += (size_t) n;

        } else if (errno != EAGAIN && errno != EINTR) {
            return strerror(errno);
        }
    }

    return NULL;
}


static const char *
sss_clock_answer(sss_clock_talk_t *talk, uint64_t *seconds)
{
    char         bytes[4096];
    ssize_t      n;
    const char  *reason;
    sss_clock_t  clock;

    sss_clock_init(&clock);

    while (clock.rc == SSS_CLOCK_MORE) {

        reason = sss_clock_wait(talk, POLLIN);
        if (reason != NULL) {
            return reason;
        }

        n = recv(talk->fd, bytes, sizeof(bytes), 0);

        if (n > 0) {
            (void) sss_clock_feed(&clock, bytes, (size_t) n);

        } else if (n == 0) {
            return "the connection was lost";

        } else if (errno != EAGAIN && errno != EINTR) {
            return strerror(errno);
        }
    }

    *seconds = clock.seconds;

    return clock.rc == SSS_CLOCK_DONE ? NULL : clock.reason;
}


static const char *
sss_clock_wait(const sss_clock_talk_t *talk, short events)
{
    int            rc;
    uint64_t       now, ms;
    struct pollfd  pfd;

    pfd.fd = talk->fd;
    pfd.events = events;

    do {
        now = sss_clock_ms();

        if (now >= talk->until) {
            return SSS_CLOCK_LATE;
        }

        ms = talk->until - now;

        if (ms > talk->timeout_ms) {
            ms = talk->timeout_ms;
        }

        rc = poll(&pfd, 1, (int) ms);

    } while (rc == -1 && errno == EINTR);

    if (rc == 0) {
        return SSS_CLOCK_LATE;
    }

    return rc == 1 ? NULL : strerror(errno);
}


static uint64_t
sss_clock_ms(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000 + (uint64_t) ts.tv_nsec / 1000000;
}
