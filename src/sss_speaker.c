
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "sss_memory.h"
#include "sss_speaker.h"
#include "sss_thread.h"


typedef enum {
    SSS_SPEAKER_IDLE = 0,
    SSS_SPEAKER_POLLING,
    SSS_SPEAKER_DONE
} sss_speaker_state_t;


struct sss_speaker_s {
    pthread_mutex_t       lock;
    pthread_cond_t        cond;
    pthread_t             thread;
    sss_speaker_state_t   state;
    int                   stop;
    int                   stopped;      /* the thread is at its end        */
    int                   left;         /* and nobody waits for it         */
    int                   fd;
    sss_sync_t           *sync;
    sss_ring_t           *ring;         /* the thread's while polling      */
    sss_sync_report_t     report;       /* likewise                        */
};


static void *sss_speaker_main(void *data);
static void sss_speaker_poll(sss_speaker_t *speaker);
static int sss_speaker_wait(sss_speaker_t *speaker, unsigned wait_ms);
static void sss_speaker_free(sss_speaker_t *speaker);


sss_speaker_t *
sss_speaker_start(const sss_sync_conf_t *conf)
{
    sss_speaker_t  *speaker;

    speaker = calloc(1, sizeof(sss_speaker_t));
    if (speaker == NULL) {
        return NULL;
    }

    if (sss_thread_lock(&speaker->lock, &speaker->cond) != 0) {
        free(speaker);
        return NULL;
    }

    speaker->fd = eventfd(0, EFD_NONBLOCK|EFD_CLOEXEC);
    speaker->sync = sss_sync_create(conf);
    speaker->ring = sss_ring_create(conf->capacity);

    if (speaker->fd == -1 || speaker->sync == NULL || speaker->ring == NULL) {
        goto failed;
    }

    if (sss_thread_start(&speaker->thread, sss_speaker_main, speaker) != 0) {
        goto failed;
    }

    return speaker;

failed:

    sss_speaker_free(speaker);

    return NULL;
}


int
sss_speaker_fd(const sss_speaker_t *speaker)
{
    return speaker->fd;
}


int
sss_speaker_submit(sss_speaker_t *speaker, const sss_ring_t *ring)
{
    int  rc;

    rc = -1;

    pthread_mutex_lock(&speaker->lock);

    if (speaker->state == SSS_SPEAKER_IDLE) {
        sss_ring_copy(speaker->ring, ring);
        speaker->state = SSS_SPEAKER_POLLING;
        rc = 0;

        pthread_cond_broadcast(&speaker->cond);
    }

    pthread_mutex_unlock(&speaker->lock);

    return rc;
}


int
sss_speaker_take(sss_speaker_t *speaker, sss_ring_t *ring,
    sss_sync_report_t *report)
{
    int       rc;
    uint64_t  count;

    rc = 0;

    pthread_mutex_lock(&speaker->lock);

    if (speaker->state == SSS_SPEAKER_DONE) {

        while (read(speaker->fd, &count, sizeof(count)) == -1
               && errno == EINTR)
        {
            /* void */
        }

        sss_ring_copy(ring, speaker->ring);
        sss_ring_wipe(speaker->ring);

        *report = speaker->report;

        speaker->state = SSS_SPEAKER_IDLE;
        rc = 1;
    }

    pthread_mutex_unlock(&speaker->lock);

    return rc;
}


int
sss_speaker_stop(sss_speaker_t *speaker, unsigned wait_ms)
{
    pthread_t  thread;

    /* an abandoned one may be gone with its memory right after the wait */

    thread = speaker->thread;

    if (sss_speaker_wait(speaker, wait_ms) != 0) {
        pthread_detach(thread);
        return 0;
    }

    pthread_join(thread, NULL);
    sss_speaker_free(speaker);

    return 1;
}


static void *
sss_speaker_main(void *data)
{
    int             left;
    sss_speaker_t  *speaker;

    speaker = data;

    pthread_mutex_lock(&speaker->lock);

    while (!speaker->stop) {

        if (speaker->state != SSS_SPEAKER_POLLING) {
            pthread_cond_wait(&speaker->cond, &speaker->lock);
            continue;
        }

        pthread_mutex_unlock(&speaker->lock);

        sss_speaker_poll(speaker);

        pthread_mutex_lock(&speaker->lock);

        speaker->state = SSS_SPEAKER_DONE;

        /* no room for another event means that one is waiting */

        while (eventfd_write(speaker->fd, 1) == -1 && errno == EINTR) {
            /* void */
        }
    }

    speaker->stopped = 1;
    left = speaker->left;

    pthread_cond_broadcast(&speaker->cond);
    pthread_mutex_unlock(&speaker->lock);

    if (left) {
        sss_speaker_free(speaker);
    }

    return NULL;
}


static void
sss_speaker_poll(sss_speaker_t *speaker)
{
    uint64_t         now_ms;
    struct timespec  ts;

    clock_gettime(CLOCK_REALTIME, &ts);

    now_ms = (uint64_t) ts.tv_sec * 1000 + (uint64_t) ts.tv_nsec / 1000000;

    (void) sss_sync_poll(speaker->sync, speaker->ring, now_ms,
                         &speaker->report);
}


static int
sss_speaker_wait(sss_speaker_t *speaker, unsigned wait_ms)
{
    int              rc, stopped;
    struct timespec  until;

    clock_gettime(CLOCK_MONOTONIC, &until);

    until.tv_sec += (time_t) (wait_ms / 1000);
    until.tv_nsec += (long) (wait_ms % 1000) * 1000000;

    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }

    rc = 0;

    pthread_mutex_lock(&speaker->lock);

    speaker->stop = 1;
    sss_sync_cancel(speaker->sync);

    pthread_cond_broadcast(&speaker->cond);

    while (!speaker->stopped && rc == 0) {
        rc = pthread_cond_timedwait(&speaker->cond, &speaker->lock, &until);
    }

    stopped = speaker->stopped;
    speaker->left = !stopped;

    pthread_mutex_unlock(&speaker->lock);

    return stopped ? 0 : -1;
}


static void
sss_speaker_free(sss_speaker_t *speaker)
{
    sss_sync_destroy(speaker->sync);

    sss_ring_destroy(speaker->ring);

    if (speaker->fd != -1) {
        close(speaker->fd);
    }

    pthread_cond_destroy(&speaker->cond);
    pthread_mutex_destroy(&speaker->lock);

    free(speaker);
}
