
/* The clock of a server: its answer, in any pieces, and the way to it. */


#include "unit.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "memcached.h"
#include "sss_clock.h"


#define TIMEOUT  200

/* What no call may take: far more than the three timeouts promised. */
#define LONG     10000


typedef struct {
    const char    *bytes;
    size_t         len;
    const char    *why;
} answer_t;

#define answer(s, why)  { s, sizeof(s) - 1, why }


static const char  good[] = "STAT pid 1\r\nSTAT time 1790000000\r\n"
                            "STAT version 1.6.18\r\nSTAT empty \r\n"
                            "STAT times 3\r\nSTAT uptime x\r\nEND\r\n";


static sss_clock_rc_t
feed(sss_clock_t *clock, const char *bytes, size_t len, size_t piece)
{
    size_t          n;
    sss_clock_rc_t  rc;

    sss_clock_init(clock);
    rc = SSS_CLOCK_MORE;

    while (len != 0) {
        n = piece < len ? piece : len;
        rc = sss_clock_feed(clock, bytes, n);
        bytes += n;
        len -= n;
    }

    return rc;
}


static void
test_pieces(void **state)
{
    size_t       i;
    sss_clock_t  clock;

    (void) state;

    for (i = 1; i < sizeof(good); i++) {
        assert_int_equal(feed(&clock, good, sizeof(good) - 1, i),
                         SSS_CLOCK_DONE);
        assert_int_equal(clock.seconds, 1790000000);

        assert_int_equal(feed(&clock, good, i - 1, sizeof(good)),
                         SSS_CLOCK_MORE);
        assert_null(clock.reason);
    }

    /* what comes after the end changes nothing */

    assert_int_equal(feed(&clock, good, sizeof(good) - 1, 7),
                     SSS_CLOCK_DONE);
    assert_int_equal(sss_clock_feed(&clock, "x\n", 2), SSS_CLOCK_DONE);
    assert_int_equal(clock.seconds, 1790000000);
}


static void
test_strange(void **state)
{
    static const char      none[] = "no time", strange[] = "not memcached's";
    static const answer_t  answers[] = {
        answer("\n", strange),
        answer("\r\n", strange),
        answer("\0\r\n", strange),
        answer("END\n", strange),
        answer("END \r\n", strange),
        answer("END\r\n", none),
        answer("STAT\r\n", strange),
        answer("stat time 1\r\nEND\r\n", strange),
        answer("STAT time 1\nEND\r\n", strange),
        answer("STAT pid 1\nSTAT time 1\r\nEND\r\n", strange),
        answer("STAT time 1\r\nEND \n", strange),
        answer("STAT time \r\nEND\r\n", strange),
        answer("STAT time 0\r\nEND\r\n", strange),
        answer("STAT time -1\r\nEND\r\n", strange),
        answer("STAT time +1\r\nEND\r\n", strange),
        answer("STAT time  1\r\nEND\r\n", strange),
        answer("STAT time 1 \r\nEND\r\n", strange),
        answer("STAT time 1\0\r\nEND\r\n", strange),
        answer("STAT time 1.5\r\nEND\r\n", strange),
        answer("STAT time 0x10\r\nEND\r\n", strange),
        answer("STAT time 1:\r\nEND\r\n", strange),
        answer("STAT time 1/\r\nEND\r\n", strange),
        answer("STAT time 1\r\nSTAT time 1\r\nEND\r\n", strange),
        answer("STAT time 1\r\n\r\nEND\r\n", strange),
        answer("STAT time 1\r\nVALUE a 0 1 1\r\nx\r\nEND\r\n", strange),
        answer("STAT time 1000000000000000\r\nEND\r\n", strange),
        answer("STAT time 99999999999999999999\r\nEND\r\n", strange),
        answer("STAT time\r\nEND\r\n", none),
        answer("STAT time\t1\r\nEND\r\n", none),
        answer("STAT Time 1\r\nEND\r\n", none),
        answer("STAT uptime 1\r\nEND\r\n", none),
        answer("VERSION\n", strange),
        answer("VERSION\r\n", strange),
        answer("VERSION\0\r\n", strange),
        answer("VERSION 1.6.18\r\n", strange),
        answer("VALUE a 0 18446744073709551614 1\r\n", strange),
        answer("ERROR\r\n", "ERROR"),
        answer("ERROR Too many open connections\r\n", "Too many open"),
        answer("CLIENT_ERROR unauthenticated\r\n", "unauthenticated"),
        answer("CLIENT_ERROR anything else\r\n", strange),
        answer("SERVER_ERROR\r\n", strange),
        answer("HTTP/1.1 400 Bad Request\r\n\r\n", strange)
    };

    size_t       i, piece;
    sss_clock_t  clock;

    (void) state;

    for (i = 0; i < unit_count(answers); i++) {

        for (piece = 1; piece <= answers[i].len; piece++) {

            assert_int_equal(feed(&clock, answers[i].bytes, answers[i].len,
                                  piece), SSS_CLOCK_FAILED);
            assert_non_null(strstr(clock.reason, answers[i].why));
            assert_int_equal(clock.seconds, 0);

            assert_int_equal(sss_clock_feed(&clock, good, sizeof(good) - 1),
                             SSS_CLOCK_FAILED);
            assert_int_equal(clock.seconds, 0);
        }
    }

    assert_int_equal(feed(&clock, "STAT time 999999999999999\r\nEND\r\n", 32,
                          3), SSS_CLOCK_DONE);
    assert_true(clock.seconds == 999999999999999);
}


static void
test_limits(void **state)
{
    char         line[SSS_CLOCK_LINE + 1];
    size_t       i;
    sss_clock_t  clock;

    (void) state;

    memset(line, 'A', sizeof(line));
    memcpy(line, "STAT ", 5);
    memcpy(line + SSS_CLOCK_LINE - 2, "\r\n", 2);

    /* the longest line, as often as an answer may have it */

    sss_clock_init(&clock);

    for (i = 0; i < SSS_CLOCK_ANSWER / SSS_CLOCK_LINE; i++) {
        assert_int_equal(sss_clock_feed(&clock, line, SSS_CLOCK_LINE),
                         SSS_CLOCK_MORE);
    }

    assert_int_equal(sss_clock_feed(&clock, "E", 1), SSS_CLOCK_FAILED);

    /* an end that is the last that fits */

    sss_clock_init(&clock);
    (void) sss_clock_feed(&clock, "STAT time 7\r\n", 13);

    for (i = 1; i < SSS_CLOCK_ANSWER / SSS_CLOCK_LINE; i++) {
        (void) sss_clock_feed(&clock, line, SSS_CLOCK_LINE);
    }

    (void) sss_clock_feed(&clock, line, SSS_CLOCK_LINE - 13 - 5 - 2);
    (void) sss_clock_feed(&clock, "\r\n", 2);

    assert_int_equal(clock.total, SSS_CLOCK_ANSWER - 5);
    assert_int_equal(sss_clock_feed(&clock, "END\r\n", 5), SSS_CLOCK_DONE);
    assert_int_equal(clock.seconds, 7);

    /* a byte too many in a line */

    line[SSS_CLOCK_LINE - 2] = 'A';
    line[SSS_CLOCK_LINE - 1] = '\r';
    line[SSS_CLOCK_LINE] = '\n';

    sss_clock_init(&clock);
    assert_int_equal(sss_clock_feed(&clock, line, SSS_CLOCK_LINE),
                     SSS_CLOCK_MORE);
    assert_int_equal(sss_clock_feed(&clock, line + SSS_CLOCK_LINE, 1),
                     SSS_CLOCK_FAILED);
}


/* Leaves no descriptor behind, and takes no longer than it may. */

static const char *
read_clock(const sss_address_t *address, unsigned timeout, uint64_t *seconds)
{
    int          before, after;
    uint64_t     start;
    const char  *reason;

    before = open("/dev/null", O_RDONLY);
    close(before);
    start = unit_clock_ms();

    reason = sss_clock_read(address, timeout, seconds);

    assert_in_range(unit_clock_ms() - start, 0, LONG);
    after = open("/dev/null", O_RDONLY);
    close(after);
    assert_int_equal(before, after);

    return reason;
}


static void
assert_fails(const sss_address_t *address, const char *why)
{
    uint64_t     seconds;
    const char  *reason;

    seconds = 1;
    reason = read_clock(address, TIMEOUT, &seconds);

    assert_non_null(reason);
    assert_non_null(strstr(reason, why));
    assert_int_equal(seconds, 0);
}


static void
assert_now(const sss_address_t *address)
{
    uint64_t  seconds, now;

    assert_null(read_clock(address, 2000, &seconds));

    now = (uint64_t) time(NULL);
    assert_in_range(seconds, now - 60, now + 60);
}


static void
test_servers(void **state)
{
    memcached_t  m;

    (void) state;

    assert_int_equal(memcached_start(&m, "127.0.0.1", NULL), 0);

    assert_now(&m.address);

    /* by a name, that may have an address where nobody listens, too */

    snprintf(m.address.host, sizeof(m.address.host), "localhost");
    assert_now(&m.address);
    assert_now(&m.address);

    snprintf(m.address.host, sizeof(m.address.host), "127.0.0.1");
    memcached_freeze(&m);
    assert_fails(&m.address, "timed out");

    memcached_thaw(&m);
    assert_now(&m.address);

    memcached_stop(&m);
    assert_fails(&m.address, "refused");
}


static void
test_ipv6(void **state)
{
    memcached_t  m;

    (void) state;

    if (memcached_start(&m, "::1", NULL) != 0) {
        skip();
    }

    assert_now(&m.address);
    memcached_stop(&m);
    assert_fails(&m.address, "refused");
}


static void
test_unix_socket(void **state)
{
    char         dir[] = "/tmp/test_clock.XXXXXX", path[64];
    int          rc;
    uint64_t     seconds;
    memcached_t  m;

    (void) state;

    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/socket", dir);

    if (memcached_start(&m, path, NULL) != 0) {
        (void) rmdir(dir);
        fail();
    }

    rc = (sss_clock_read(&m.address, 2000, &seconds) == NULL);

    memcached_stop(&m);
    (void) unlink(path);
    (void) rmdir(dir);

    assert_int_equal(rc, 1);
    assert_fails(&m.address, "No such file");
}


static void
test_nobody(void **state)
{
    int            fd, i, fds[8];
    sss_address_t  address = { "127.0.0.1", 1 };

    (void) state;

    /* a listener whose queue is full does not answer a connect */

    fd = memcached_listen(&address, 0);
    assert_int_not_equal(fd, -1);

    for (i = 0; i < 8; i++) {
        fds[i] = memcached_connect(&address);
    }

    assert_fails(&address, "timed out");

    for (i = 0; i < 8; i++) {
        close(fds[i]);
    }

    close(fd);

    assert_fails(&address, "refused");

    snprintf(address.host, sizeof(address.host), "no-such-name.invalid");
    assert_fails(&address, "resolved");

    memset(address.host, 'a', sizeof(address.host));
    address.host[0] = '/';
    address.host[108] = '\0';
    address.port = 0;
    assert_fails(&address, "too long");

    address.host[107] = '\0';
    assert_fails(&address, "No such file");
}


static void
test_hostile(void **state)
{
    static const struct {
        answer_t  answer;
        unsigned  drip_ms;
        int       repeat;
        int       hang_up;
    } servers[] = {
        { answer("", "timed out"), 0, 0, 0 },
        { answer("STAT time 1\r\n", "timed out"), 0, 0, 0 },
        { answer("STAT time 1\r\n", "lost"), 0, 0, 1 },
        { answer("STAT time 1\r\nEND", "lost"), 0, 0, 1 },
        { answer("STAT time 1\r\n", "timed out"), TIMEOUT / 4, 0, 0 },
        { answer("STAT pid 1\r\n", "timed out"), TIMEOUT / 4, 1, 0 },
        { answer("STAT pid 1\r\n", "not memcached's"), 0, 1, 0 },
        { answer("x", "not memcached's"), 0, 1, 0 },
        { answer("VERSION\n", "not memcached's"), 0, 0, 0 },
        { answer("ERROR\r\n", "ERROR"), 0, 0, 1 },
    };

    size_t  i;
    fake_t  fake;

    (void) state;

    for (i = 0; i < unit_count(servers); i++) {
        memset(&fake, 0, sizeof(fake));

        fake.bytes = servers[i].answer.bytes;
        fake.len = servers[i].answer.len;
        fake.drip_ms = servers[i].drip_ms;
        fake.repeat = servers[i].repeat;
        fake.hang_up = servers[i].hang_up;

        assert_int_equal(fake_start(&fake), 0);

        /* it talks to one at a time: the second must find the first gone */

        assert_fails(&fake.address, servers[i].answer.why);
        assert_fails(&fake.address, servers[i].answer.why);

        fake_stop(&fake);
        assert_int_equal(atomic_load(&fake.connections), 2);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_strange),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_servers),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_unix_socket),
        cmocka_unit_test(test_nobody),
        cmocka_unit_test(test_hostile),
    };

    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
