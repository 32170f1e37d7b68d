
/*
 * A server that answers whatever it is asked, once a connection, and then
 * sends no more.  The first byte says what is asked, how many items and how
 * often, the second where the answer is cut into two pieces; the rest is the
 * answer.  It is read by other means, too.
 */

#define _GNU_SOURCE                    /* O_PATH */

#include "fuzz.h"

#include <ctype.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <linux/sockios.h>

#include "sss_wire.h"


#define ITEMS    3
#define ANSWER   65536

/* Nothing is ever waited for: the fuzzer's own limit, 10 s, comes first. */
#define TIMEOUT  60000


static struct {
    pthread_mutex_t  lock;
    sss_address_t    address;
    int              fd;
    size_t           cut;
    size_t           len;
    uint8_t          answer[ANSWER + 1];    /* a zero at the end           */
} server = { .lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1 };


static void server_start(void);
static void server_set(const uint8_t *data, size_t size, size_t cut);
static void *server_main(void *data);
static void server_answer(int fd);
static void server_wait(int fd);
static void check_get(sss_wire_t *wire, size_t n, int first);
static void check_items(const sss_store_item_t *items, size_t n);
static const char *check_value(const char *p, const sss_store_item_t *items,
    size_t n);
static void check_put(sss_wire_t *wire, uint64_t cas, int first);
static void check_time(sss_wire_t *wire, int first);
static void check_meaning(uint64_t seconds);
static void check_error(const sss_wire_t *wire, const char *what);
static int answer_is(const char *line);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int          first;
    unsigned     what, calls;
    sss_wire_t  *wire;

    if (size < 2 || size - 2 > ANSWER) {
        return 0;
    }

    if (server.fd == -1) {
        server_start();
    }

    server_set(data + 2, size - 2, data[1]);

    wire = sss_wire_create(&server.address, TIMEOUT);
    fuzz_check(wire != NULL);

    what = data[0];
    calls = 1 + what / 12 % 2;

    for (first = 1; calls != 0; calls--, first = 0) {

        switch (what % 4) {

        case 0:
            check_get(wire, 1 + what / 4 % ITEMS, first);
            break;

        case 1:
            check_put(wire, 0, first);
            break;

        case 2:
            check_put(wire, 7, first);
            break;

        default:
            check_time(wire, first);
        }
    }

    sss_wire_destroy(wire);

    return 0;
}


/* A socket without a name can be connected to all the same. */

static void
server_start(void)
{
    int                 path;
    char                dir[] = "/tmp/fuzz_wire.XXXXXX";
    pthread_t           thread;
    struct sockaddr_un  un;

    fuzz_check(mkdtemp(dir) != NULL);

    memset(&un, 0, sizeof(un));
    un.sun_family = AF_UNIX;
    snprintf(un.sun_path, sizeof(un.sun_path), "%s/socket", dir);

    server.fd = socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0);
    fuzz_check(server.fd != -1);
    fuzz_check(bind(server.fd, (struct sockaddr *) &un, sizeof(un)) == 0);
    fuzz_check(listen(server.fd, 64) == 0);

    path = open(un.sun_path, O_PATH|O_CLOEXEC);
    fuzz_check(path != -1);

    fuzz_check(unlink(un.sun_path) == 0);
    fuzz_check(rmdir(dir) == 0);

    snprintf(server.address.host, sizeof(server.address.host),
             "/proc/self/fd/%d", path);

    fuzz_check(pthread_create(&thread, NULL, server_main, NULL) == 0);
}


static void
server_set(const uint8_t *data, size_t size, size_t cut)
{
    pthread_mutex_lock(&server.lock);

    if (size != 0) {
        memcpy(server.answer, data, size);
    }

    server.answer[size] = '\0';
    server.len = size;
    server.cut = cut < size ? cut : size;

    pthread_mutex_unlock(&server.lock);
}


static void *
server_main(void *data)
{
    int      fd;
    char     bytes[4096];
    ssize_t  n;

    for ( ;; ) {
        fd = accept(server.fd, NULL, NULL);
        fuzz_check(fd != -1);

        server_answer(fd);
        (void) shutdown(fd, SHUT_WR);

        do {
            n = recv(fd, bytes, sizeof(bytes), 0);
        } while (n > 0);

        close(fd);
    }

    return data;
}


static void
server_answer(int fd)
{
    size_t          cut, len;
    static uint8_t  answer[ANSWER];

    pthread_mutex_lock(&server.lock);

    cut = server.cut;
    len = server.len;
    memcpy(answer, server.answer, len);

    pthread_mutex_unlock(&server.lock);

    if (cut != 0) {
        (void) send(fd, answer, cut, MSG_NOSIGNAL);
        server_wait(fd);
    }

    if (cut != len) {
        (void) send(fd, answer + cut, len - cut, MSG_NOSIGNAL);
    }
}


/* Until the other side has read everything or hung up. */

static void
server_wait(int fd)
{
    int            left;
    unsigned       tries;
    struct pollfd  pfd;

    pfd.fd = fd;
    pfd.events = 0;

    for (tries = 0; tries < 10000; tries++) {

        if (ioctl(fd, SIOCOUTQ, &left) != 0 || left == 0
            || poll(&pfd, 1, 0) != 0)
        {
            return;
        }

        sched_yield();
    }
}


static void
check_get(sss_wire_t *wire, size_t n, int first)
{
    size_t               i, j;
    sss_store_rc_t       rc;
    sss_store_item_t     items[ITEMS];
    static const size_t  sizes[ITEMS] = { 8, 0, 300 };

    memset(items, 0xa5, sizeof(items));

    for (i = 0; i < n; i++) {
        snprintf(items[i].name, sizeof(items[i].name), "%c", (char) ('a' + i));

        /* of this size exactly, so that a byte too many is noticed */

        items[i].size = sizes[i];
        items[i].value = malloc(sizes[i]);
        fuzz_check(items[i].value != NULL || sizes[i] == 0);

        for (j = 0; j < sizes[i]; j++) {
            items[i].value[j] = 0xa5;
        }
    }

    rc = sss_wire_get(wire, items, n);

    fuzz_check(rc == SSS_STORE_OK || rc == SSS_STORE_FAILED);

    for (i = 0; i < n; i++) {
        fuzz_check(items[i].size == sizes[i]);
        fuzz_check(rc == SSS_STORE_OK || !items[i].found);
        fuzz_check(items[i].found == (items[i].cas != 0));
        fuzz_check(items[i].found || items[i].len == 0);

        for (j = 0; rc == SSS_STORE_OK && j < sizes[i]; j++) {
            fuzz_check((items[i].len <= sizes[i] && j < items[i].len)
                       || items[i].value[j] == 0xa5);
        }
    }

    if (rc == SSS_STORE_FAILED) {
        check_error(wire, "get: ");

    } else if (first) {
        check_items(items, n);
    }

    for (i = 0; i < n; i++) {
        free(items[i].value);
    }
}


static void
check_items(const sss_store_item_t *items, size_t n)
{
    size_t       i, found;
    const char  *p;

    found = 0;

    for (i = 0; i < n; i++) {
        found += items[i].found;
    }

    for (p = (const char *) server.answer; found != 0; found--) {
        p = check_value(p, items, n);
    }

    fuzz_check(strncmp(p, "END\r\n", 5) == 0);
}


static const char *
check_value(const char *p, const sss_store_item_t *items, size_t n)
{
    int                      end;
    char                     name;
    size_t                   len;
    const sss_store_item_t  *item;
    unsigned long long       flags, size, cas;

    end = 0;

    fuzz_check(sscanf(p, "VALUE %c %llu %llu %llu%n", &name, &flags, &size,
                      &cas, &end) == 4);
    fuzz_check(strcspn(p, "\t\v\f\r\n+-") == (size_t) end);
    fuzz_check(strncmp(p + end, "\r\n", 2) == 0);
    fuzz_check(name >= 'a' && (size_t) (name - 'a') < n);

    item = &items[name - 'a'];
    p += end + 2;
    len = (size_t) ((const char *) server.answer + server.len - p);

    fuzz_check(item->found);
    fuzz_check(item->cas == cas);
    fuzz_check(item->len == size);
    fuzz_check(len > 2 && size <= len - 2);
    fuzz_check(size == 0 || size > item->size
               || memcmp(item->value, p, size) == 0);
    fuzz_check(memcmp(p + size, "\r\n", 2) == 0);

    return p + size + 2;
}


static void
check_put(sss_wire_t *wire, uint64_t cas, int first)
{
    sss_store_rc_t  rc, expected;

    rc = sss_wire_put(wire, "a", cas, (const uint8_t *) "value", 5, 60);

    if (answer_is("STORED\r\n")) {
        expected = SSS_STORE_OK;

    } else if (cas ? answer_is("EXISTS\r\n") || answer_is("NOT_FOUND\r\n")
                   : answer_is("NOT_STORED\r\n"))
    {
        expected = SSS_STORE_CONFLICT;

    } else {
        expected = SSS_STORE_FAILED;
    }

    fuzz_check(rc == expected || !first);

    if (rc == SSS_STORE_FAILED) {
        check_error(wire, "write: ");
    }
}


static void
check_time(sss_wire_t *wire, int first)
{
    uint64_t        seconds;
    sss_store_rc_t  rc;

    seconds = 1;
    rc = sss_wire_time(wire, &seconds);

    fuzz_check(rc == SSS_STORE_OK || rc == SSS_STORE_FAILED);
    fuzz_check((rc == SSS_STORE_OK) == (seconds != 0));

    if (rc == SSS_STORE_FAILED) {
        check_error(wire, "stats: ");

    } else if (first) {
        check_meaning(seconds);
    }
}


/* Line by line: a time, once, and nothing but statistics before the end. */

static void
check_meaning(uint64_t seconds)
{
    size_t       len;
    uint64_t     found;
    const char  *p, *lf;

    found = 0;

    for (p = (const char *) server.answer; ; p = lf + 1) {

        lf = memchr(p, '\n', (size_t) ((const char *) server.answer
                                       + server.len - p));
        fuzz_check(lf != NULL && lf != p && lf[-1] == '\r');

        if (lf - p == 4 && strncmp(p, "END", 3) == 0) {
            fuzz_check(found == seconds);
            return;
        }

        fuzz_check(strncmp(p, "STAT ", 5) == 0);

        if (strncmp(p, "STAT time ", 10) == 0) {
            len = strspn(p + 10, "0123456789");
            fuzz_check(found == 0);
            fuzz_check(len != 0 && p + 10 + len + 1 == lf);
            found = strtoull(p + 10, NULL, 10);
        }
    }
}


/* None of the server's own bytes get into a log. */

static void
check_error(const sss_wire_t *wire, const char *what)
{
    size_t       i, len;
    const char  *error;

    error = sss_wire_error(wire);
    len = strlen(error);

    fuzz_check(len > strlen(what) && len < SSS_STORE_ERROR);
    fuzz_check(strncmp(error, what, strlen(what)) == 0);

    for (i = 0; i < len; i++) {
        fuzz_check(isprint((unsigned char) error[i]));
    }
}


static int
answer_is(const char *line)
{
    size_t  len;

    len = strlen(line);

    return server.len >= len && memcmp(server.answer, line, len) == 0;
}
