
#include <signal.h>
#include <time.h>

#include "sss_thread.h"


int
sss_thread_start(pthread_t *thread, void *(*run)(void *data), void *data)
{
    int       rc;
    sigset_t  all, before;

    sigfillset(&all);

    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) {
        return -1;
    }

    rc = pthread_create(thread, NULL, run, data);

    (void) pthread_sigmask(SIG_SETMASK, &before, NULL);

    return rc == 0 ? 0 : -1;
}


int
sss_thread_lock(pthread_mutex_t *lock, pthread_cond_t *cond)
{
    int                 rc;
    pthread_condattr_t  attr;

    if (pthread_condattr_init(&attr) != 0) {
        return -1;
    }

    rc = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);

    if (rc == 0) {
        rc = pthread_cond_init(cond, &attr);
    }

    pthread_condattr_destroy(&attr);

    if (rc != 0) {
        return -1;
    }

    if (pthread_mutex_init(lock, NULL) != 0) {
        pthread_cond_destroy(cond);
        return -1;
    }

    return 0;
}
