
#ifndef _GNU_SOURCE
#define _GNU_SOURCE             /* ppoll() */
#endif

#include <poll.h>
#include <time.h>

#include "sss_engine.h"


void
sss_engine_poll(sss_engine_t *engine, uint64_t us)
{
    size_t              i;
    struct pollfd       pfd[SSS_ENGINE_WATCHES];
    struct timespec     ts;
    sss_engine_watch_t  watch;

    for (i = 0; i < SSS_ENGINE_WATCHES; i++) {
        sss_engine_watch(engine, i, &watch);

        pfd[i].fd = watch.fd;
        pfd[i].events = watch.write ? POLLIN|POLLOUT : POLLIN;
        pfd[i].revents = 0;
    }

    ts.tv_sec = (time_t) (us / 1000000);
    ts.tv_nsec = (long) (us % 1000000) * 1000;

    if (ppoll(pfd, SSS_ENGINE_WATCHES, &ts, NULL) < 1) {
        return;
    }

    for (i = 0; i < SSS_ENGINE_WATCHES; i++) {
        if (pfd[i].revents) {
            sss_engine_event(engine, i);
        }
    }
}
