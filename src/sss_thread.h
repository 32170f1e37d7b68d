
/* Threads of the library, and what they wait on. */


#ifndef SSS_THREAD_H_INCLUDED
#define SSS_THREAD_H_INCLUDED


#include <pthread.h>


/*
 * Starts a thread that gets no signals: those of its process are for the
 * threads that were there before.  Returns 0, or -1 without threads.
 */
int sss_thread_start(pthread_t *thread, void *(*run)(void *data),
    void *data);

/*
 * Makes a mutex, and a condition whose pthread_cond_timedwait() goes by
 * CLOCK_MONOTONIC.  Returns 0, or -1, and has made neither then.
 */
int sss_thread_lock(pthread_mutex_t *lock, pthread_cond_t *cond);


#endif /* SSS_THREAD_H_INCLUDED */
