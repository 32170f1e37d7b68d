
/* The thread that polls for an event loop. */


#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "memcached.h"
#include "sss_speaker.h"


#define CAPACITY  16
#define LONG      30000


typedef struct {
    memcached_t        m;
    sss_secrets_t      secrets;
    sss_sync_conf_t    conf;
    sss_speaker_t     *speaker;
    sss_ring_t        *ring;
    sss_sync_report_t  report;
} fixture_t;


/* In no test's memory: what was abandoned reads it until it ends. */

static fixture_t  fixture;


static int
start(void **state)
{
    fixture_t  *f;

    f = &fixture;
    *state = f;

    memset(f, 0, sizeof(fixture_t));

    if (memcached_start(&f->m, "127.0.0.1", NULL) != 0) {
        return -1;
    }

    f->secrets.n = 1;
    memset(f->secrets.value[0], 0x5a, SSS_SECRET_SIZE - 1);

    f->conf.servers = &f->m.address;
    f->conf.n_servers = 1;
    f->conf.secrets = &f->secrets;
    f->conf.ns_len = 4;
    memcpy(f->conf.ns, "main", 4);
    f->conf.rotation = 86400;
    f->conf.retention = 300;
    f->conf.capacity = CAPACITY;
    f->conf.timeout_ms = 3000;
    f->conf.poll_ms = 1000;

    f->ring = malloc(sss_ring_size(CAPACITY));
    sss_ring_init(f->ring, CAPACITY);

    return 0;
}


static int
finish(void **state)
{
    fixture_t  *f;

    f = *state;

    if (f->speaker != NULL) {
        (void) sss_speaker_stop(f->speaker, LONG);
    }

    memcached_stop(&f->m);
    free(f->ring);

    return 0;
}


static int
readable(const sss_speaker_t *speaker, int ms)
{
    struct pollfd  pfd;

    pfd.fd = sss_speaker_fd(speaker);
    pfd.events = POLLIN;

    return poll(&pfd, 1, ms) == 1;
}


static void
test_poll(void **state)
{
    int         i, fd;
    uint8_t     name[SSS_KEY_NAME];
    fixture_t  *f;

    f = *state;

    f->speaker = sss_speaker_start(&f->conf);
    assert_non_null(f->speaker);

    fd = sss_speaker_fd(f->speaker);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);

    assert_false(readable(f->speaker, 0));
    assert_int_equal(sss_speaker_take(f->speaker, f->ring, &f->report), 0);

    for (i = 0; i < 50; i++) {

        assert_int_equal(sss_speaker_submit(f->speaker, f->ring), 0);
        assert_int_equal(sss_speaker_submit(f->speaker, f->ring), -1);

        assert_true(readable(f->speaker, LONG));
        assert_int_equal(sss_speaker_submit(f->speaker, f->ring), -1);

        assert_int_equal(sss_speaker_take(f->speaker, f->ring, &f->report),
                         1);
        assert_false(readable(f->speaker, 0));
        assert_int_equal(sss_speaker_take(f->speaker, f->ring, &f->report),
                         0);

        assert_int_equal(f->report.polls, i + 1);
        assert_int_equal(f->report.reached, 1);
        assert_in_range(f->ring->n, 1, 2);

        if (i == 0) {
            memcpy(name, f->ring->keys[f->ring->n - 1].name, sizeof(name));
        }

        assert_non_null(sss_ring_find(f->ring, name));
    }

    assert_int_equal(sss_speaker_stop(f->speaker, LONG), 1);
    f->speaker = NULL;
}


/* Whoever comes next goes on with the ring that is there. */

static void
test_takeover(void **state)
{
    uint8_t     name[SSS_KEY_NAME];
    fixture_t  *f;

    f = *state;

    f->speaker = sss_speaker_start(&f->conf);
    assert_int_equal(sss_speaker_submit(f->speaker, f->ring), 0);
    assert_true(readable(f->speaker, LONG));
    assert_int_equal(sss_speaker_take(f->speaker, f->ring, &f->report), 1);

    memcpy(name, f->ring->keys[0].name, sizeof(name));

    /* one that leaves with a result nobody took, and one that starts empty */

    assert_int_equal(sss_speaker_submit(f->speaker, f->ring), 0);
    assert_true(readable(f->speaker, LONG));
    assert_int_equal(sss_speaker_stop(f->speaker, LONG), 1);

    sss_ring_wipe(f->ring);

    f->speaker = sss_speaker_start(&f->conf);
    assert_int_equal(sss_speaker_submit(f->speaker, f->ring), 0);
    assert_true(readable(f->speaker, LONG));
    assert_int_equal(sss_speaker_take(f->speaker, f->ring, &f->report), 1);
    assert_non_null(sss_ring_find(f->ring, name));
}


/* No signal of the process is delivered to a thread of ours. */

static void
test_signals(void **state)
{
    int         n;
    char        path[64], line[256], *mask;
    DIR        *dir;
    FILE       *file;
    fixture_t  *f;

    struct dirent  *entry;

    f = *state;

    f->speaker = sss_speaker_start(&f->conf);
    assert_int_equal(sss_speaker_submit(f->speaker, f->ring), 0);
    assert_true(readable(f->speaker, LONG));

    dir = opendir("/proc/self/task");
    assert_non_null(dir);

    n = 0;

    while ((entry = readdir(dir)) != NULL) {

        if (entry->d_name[0] == '.' || atoi(entry->d_name) == getpid()) {
            continue;
        }

        snprintf(path, sizeof(path), "/proc/self/task/%.20s/status",
                 entry->d_name);

        file = fopen(path, "r");

        while (file != NULL && fgets(line, sizeof(line), file) != NULL) {

            if (strncmp(line, "SigBlk:", 7) == 0) {
                mask = line + 7 + strspn(line + 7, " \t");

                /* a sanitizer's own thread is not ours to judge */

                if (strtoull(mask, NULL, 16) & 1ull << (SIGTERM - 1)) {
                    n++;
                    assert_true(strtoull(mask, NULL, 16)
                                & 1ull << (SIGHUP - 1));
                    assert_true(strtoull(mask, NULL, 16)
                                & 1ull << (SIGCHLD - 1));
                    assert_true(strtoull(mask, NULL, 16)
                                & 1ull << (SIGPIPE - 1));
                }
            }
        }

        if (file != NULL) {
            fclose(file);
        }
    }

    closedir(dir);

    /* the speaker and its server's */

    assert_in_range(n, 2, 3);
}


static void
test_frozen(void **state)
{
    uint64_t    began;
    fixture_t  *f;

    f = *state;

    memcached_freeze(&f->m);

    /* longer than the test may last: nobody waits for it */

    f->conf.timeout_ms = 2 * LONG;
    f->speaker = sss_speaker_start(&f->conf);

    began = unit_clock_ms();

    assert_int_equal(sss_speaker_submit(f->speaker, f->ring), 0);
    assert_int_equal(sss_speaker_submit(f->speaker, f->ring), -1);
    assert_int_equal(sss_speaker_take(f->speaker, f->ring, &f->report), 0);
    assert_false(readable(f->speaker, 50));

    assert_int_equal(sss_speaker_stop(f->speaker, 100), 0);
    f->speaker = NULL;

    assert_in_range(unit_clock_ms() - began, 0, LONG);

    memcached_stop(&f->m);
}


static void
test_frozen_result(void **state)
{
    fixture_t  *f;

    f = *state;

    memcached_freeze(&f->m);

    f->conf.timeout_ms = 100;
    f->speaker = sss_speaker_start(&f->conf);

    assert_int_equal(sss_speaker_submit(f->speaker, f->ring), 0);
    assert_true(readable(f->speaker, LONG));
    assert_int_equal(sss_speaker_take(f->speaker, f->ring, &f->report), 1);

    assert_int_equal(f->report.reached, 0);
    assert_int_equal(f->report.server[0].state, SSS_SERVER_DOWN);
    assert_in_range(f->ring->n, 1, 2);

    memcached_thaw(&f->m);
}


static void
test_start_and_stop(void **state)
{
    int         i, before;
    fixture_t  *f;

    f = *state;

    before = dup(STDIN_FILENO);
    close(before);

    for (i = 0; i < 100; i++) {
        f->speaker = sss_speaker_start(&f->conf);
        assert_non_null(f->speaker);

        if (i % 2) {
            assert_int_equal(sss_speaker_submit(f->speaker, f->ring), 0);
        }

        assert_int_equal(sss_speaker_stop(f->speaker, LONG), 1);
        f->speaker = NULL;
    }

    i = dup(STDIN_FILENO);
    close(i);
    assert_int_equal(i, before);

    f->conf.rotation = 0;
    assert_null(sss_speaker_start(&f->conf));
}


#define fixture_test(name)                                                    \
    cmocka_unit_test_setup_teardown(name, start, finish)


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        fixture_test(test_poll),
        fixture_test(test_takeover),
        fixture_test(test_signals),
        fixture_test(test_frozen_result),
        fixture_test(test_start_and_stop),
        fixture_test(test_frozen),
    };

    return cmocka_run_group_tests_name("speaker", tests, NULL, NULL);
}
