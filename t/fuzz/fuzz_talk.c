
/*
 * A server with any answers.  The first byte says what is asked, and whether
 * somebody still waits when the answer comes; the second byte where the answer
 * is cut into two pieces; the rest is the answer.  The answer is also parsed
 * by a second, simpler implementation.
 */

#include "fuzz.h"

#include <ctype.h>

#include "sss_talk.h"


#define ITEMS   3
#define ANSWER  65536


static struct {
    size_t   cut;
    size_t   len;
    uint8_t  answer[ANSWER + 1];        /* a zero at the end               */
} server;


static void server_set(const uint8_t *data, size_t size, size_t cut);
static int server_answer(sss_talk_t *talk);
static int server_say(sss_talk_t *talk, size_t from, size_t to);
static void check_exchange(sss_exchange_t *x, int waited);
static void check_lookups(sss_queue_t *done, int waited);
static void check_get(size_t n, int waited);
static void check_items(const sss_item_t *items, size_t n);
static const char *check_value(const char *p, const sss_item_t *items,
    size_t n);
static void check_put(uint64_t cas, int waited);
static void check_time(int waited);
static void check_meaning(uint64_t seconds);
static void check_error(const sss_exchange_t *x, const char *what);
static int answer_is(const char *line);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int          waited;
    unsigned     what;
    sss_queue_t  done;

    if (size < 2 || size - 2 > ANSWER) {
        return 0;
    }

    server_set(data + 2, size - 2, data[1]);

    what = data[0];
    waited = (what / 12 % 2 == 0);

    switch (what % 4) {

    case 0:
        check_get(1 + what / 4 % ITEMS, waited);
        break;

    case 1:
        check_put(0, waited);
        break;

    case 2:
        check_put(7, waited);
        break;

    default:
        check_time(waited);
    }

    memset(&done, 0, sizeof(done));
    check_lookups(&done, waited);

    return 0;
}


static void
server_set(const uint8_t *data, size_t size, size_t cut)
{
    if (size != 0) {
        memcpy(server.answer, data, size);
    }

    server.answer[size] = '\0';
    server.len = size;
    server.cut = cut < size ? cut : size;
}


/* Feeds the answer.  Returns -1 if the conversation is over. */

static int
server_answer(sss_talk_t *talk)
{
    if (server_say(talk, 0, server.cut) != 0) {
        return -1;
    }

    return server_say(talk, server.cut, server.len);
}


static int
server_say(sss_talk_t *talk, size_t from, size_t to)
{
    fuzz_check(sss_buffer_add(&talk->in, server.answer + from, to - from)
               == 0);

    return sss_talk_hear(talk, 1);
}


/*
 * Makes the request, with a lookup after it; the answer must lead to an end.
 */

static void
check_exchange(sss_exchange_t *x, int waited)
{
    sss_talk_t   talk;
    sss_queue_t  done;

    memset(&talk, 0, sizeof(talk));
    memset(&done, 0, sizeof(done));
    talk.done = &done;

    fuzz_check(sss_talk_ask(&talk, x, 0, 10) == 0);
    fuzz_check(sss_talk_probe(&talk, 0, 5) == 0);
    fuzz_check(x->state == SSS_EXCHANGE_ASKED);

    if (!waited) {
        fuzz_check(sss_talk_due(&talk) == 5);
        fuzz_check(sss_talk_late(&talk, 5) == 1);
        fuzz_check(sss_talk_due(&talk) == 10);
        fuzz_check(sss_talk_late(&talk, 10) == 0);
        fuzz_check(x->state == SSS_EXCHANGE_DONE);
        fuzz_check(x->rc == SSS_EXCHANGE_FAILED);
    }

    talk.reason = "the connection was closed";

    (void) server_answer(&talk);

    fuzz_check(waited || !talk.good);

    sss_talk_end(&talk);

    fuzz_check(x->state == SSS_EXCHANGE_DONE);
    fuzz_check(done.head == NULL);
}


/* Each lookup must end once, and the value of a hit must be in the answer. */

static void
check_lookups(sss_queue_t *done, int waited)
{
    char            name[2];
    unsigned        i, ended;
    sss_talk_t      talk;
    sss_queue_t     asked;
    sss_request_t  *request;

    memset(&talk, 0, sizeof(talk));
    memset(&asked, 0, sizeof(asked));
    talk.done = done;

    for (i = 0; i < ITEMS; i++) {
        snprintf(name, sizeof(name), "%c", (char) ('a' + i));

        request = sss_request_create(i == 1 ? SSS_REQUEST_TAKE
                                            : SSS_REQUEST_GET, name);
        fuzz_check(request != NULL);

        request->until = 5;
        sss_queue_push(&asked, request);
    }

    sss_talk_get(&talk, &asked);

    if (!waited) {
        fuzz_check(sss_talk_late(&talk, 5) == 0);
    }

    (void) server_answer(&talk);
    sss_talk_end(&talk);

    ended = 0;

    while ((request = sss_queue_pop(done)) != NULL) {
        fuzz_check((request->rc == SSS_ENGINE_HIT)
                   == (request->value != NULL));
        fuzz_check(waited || request->rc == SSS_ENGINE_FAILED);

        sss_request_free(request);
        ended++;
    }

    fuzz_check(ended == ITEMS);
}


static void
check_get(size_t n, int waited)
{
    size_t          i;
    sss_item_t      items[ITEMS];
    sss_exchange_t  x;

    memset(&x, 0, sizeof(x));
    memset(items, 0, sizeof(items));

    for (i = 0; i < n; i++) {
        snprintf(items[i].name, sizeof(items[i].name), "%c",
                 (char) ('a' + i));
    }

    sss_exchange_read(&x, items, n);
    check_exchange(&x, waited);

    fuzz_check(x.rc == SSS_EXCHANGE_OK || x.rc == SSS_EXCHANGE_FAILED);

    for (i = 0; i < n; i++) {
        fuzz_check(x.rc == SSS_EXCHANGE_OK || !items[i].found);
        fuzz_check(items[i].found == (items[i].cas != 0));
        fuzz_check(items[i].found || items[i].len == 0);
        fuzz_check(items[i].found || items[i].value == NULL);
    }

    if (x.rc == SSS_EXCHANGE_FAILED) {
        check_error(&x, "get: ");

    } else {
        check_items(items, n);
    }

    sss_exchange_clear(&x);
}


static void
check_items(const sss_item_t *items, size_t n)
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
check_value(const char *p, const sss_item_t *items, size_t n)
{
    int                  end;
    char                 name;
    size_t               len;
    const sss_item_t    *item;
    unsigned long long   flags, size, cas;

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
    fuzz_check(item->value != NULL && memcmp(item->value, p, size) == 0);
    fuzz_check(memcmp(p + size, "\r\n", 2) == 0);

    return p + size + 2;
}


static void
check_put(uint64_t cas, int waited)
{
    uint8_t            *value;
    sss_exchange_t      x;
    sss_exchange_rc_t   expected;

    memset(&x, 0, sizeof(x));

    value = malloc(5);
    fuzz_check(value != NULL);
    memcpy(value, "value", 5);

    sss_exchange_write(&x, "a", cas, value, 5, 60);
    check_exchange(&x, waited);

    if (!waited) {
        expected = SSS_EXCHANGE_FAILED;

    } else if (answer_is("STORED\r\n")) {
        expected = SSS_EXCHANGE_OK;

    } else if (cas ? answer_is("EXISTS\r\n") || answer_is("NOT_FOUND\r\n")
                   : answer_is("NOT_STORED\r\n"))
    {
        expected = SSS_EXCHANGE_CONFLICT;

    } else {
        expected = SSS_EXCHANGE_FAILED;
    }

    fuzz_check(x.rc == expected);

    if (x.rc == SSS_EXCHANGE_FAILED) {
        check_error(&x, "write: ");
    }

    sss_exchange_clear(&x);
}


static void
check_time(int waited)
{
    sss_exchange_t  x;

    memset(&x, 0, sizeof(x));

    sss_exchange_clock(&x);
    check_exchange(&x, waited);

    fuzz_check(x.rc == SSS_EXCHANGE_OK || x.rc == SSS_EXCHANGE_FAILED);
    fuzz_check((x.rc == SSS_EXCHANGE_OK) == (x.seconds != 0));

    if (x.rc == SSS_EXCHANGE_FAILED) {
        check_error(&x, "stats: ");

    } else {
        check_meaning(x.seconds);
    }
}


/* Parses line by line: one time, and only statistics before the end. */

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


/* No bytes of the server may be in a reason, since reasons are logged. */

static void
check_error(const sss_exchange_t *x, const char *what)
{
    size_t       i, len;
    const char  *error;

    error = x->reason;
    len = strlen(error);

    fuzz_check(len > strlen(what) && len < SSS_EXCHANGE_REASON);
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
