
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "unit.h"

#include "sss_thread.h"


static void *
see_mask(void *data)
{
    pthread_sigmask(SIG_SETMASK, NULL, data);

    return data;
}


static void
test_gets_no_signals(void **state)
{
    void       *returned;
    sigset_t    theirs, before, after;
    pthread_t   thread;

    (void) state;

    sigemptyset(&theirs);
    pthread_sigmask(SIG_SETMASK, NULL, &before);

    assert_int_equal(sss_thread_start(&thread, see_mask, &theirs), 0);
    assert_int_equal(pthread_join(thread, &returned), 0);
    assert_ptr_equal(returned, &theirs);

    assert_int_equal(sigismember(&theirs, SIGTERM), 1);
    assert_int_equal(sigismember(&theirs, SIGCHLD), 1);
    assert_int_equal(sigismember(&theirs, SIGIO), 1);

    /* those of who started it are as they were */

    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_int_equal(sigismember(&after, SIGTERM),
                     sigismember(&before, SIGTERM));
}


/* By the other clock this time was over decades ago. */

static void
test_waits_by_the_monotonic_clock(void **state)
{
    int              rc;
    pthread_cond_t   cond;
    struct timespec  until, now;
    pthread_mutex_t  lock;

    (void) state;

    assert_int_equal(sss_thread_lock(&lock, &cond), 0);

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;

    pthread_mutex_lock(&lock);

    do {
        rc = pthread_cond_timedwait(&cond, &lock, &until);
    } while (rc == 0);

    pthread_mutex_unlock(&lock);

    assert_int_equal(rc, ETIMEDOUT);

    clock_gettime(CLOCK_MONOTONIC, &now);
    assert_true(now.tv_sec > until.tv_sec
                || (now.tv_sec == until.tv_sec
                    && now.tv_nsec >= until.tv_nsec));

    pthread_cond_destroy(&cond);
    pthread_mutex_destroy(&lock);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_gets_no_signals),
        cmocka_unit_test(test_waits_by_the_monotonic_clock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
