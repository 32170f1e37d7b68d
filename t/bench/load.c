
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "load.h"


#define LOAD_UNFIT  2           /* exit status: nothing could be measured */


static int load_measure(const load_options_t *o, load_session_t *sessions,
    load_report_t *opened, load_report_t *measured);
static int load_open(load_wave_t *wave, load_session_t *sessions,
    load_report_t *opened);


int
main(int argc, char **argv)
{
    int              rc;
    uint64_t         i;
    load_report_t    opened, measured;
    load_options_t   o;
    load_session_t  *sessions;

    if (load_options(&o, argc, argv) == -1) {
        return LOAD_UNFIT;
    }

    (void) signal(SIGPIPE, SIG_IGN);

    sessions = calloc(o.sessions, sizeof(load_session_t));
    rc = -1;

    if (load_report_init(&opened, o.sessions) == 0) {

        if (load_report_init(&measured, o.handshakes) == 0) {

            if (sessions != NULL) {
                rc = load_measure(&o, sessions, &opened, &measured);
            }

            load_report_free(&measured);
        }

        load_report_free(&opened);
    }

    for (i = 0; sessions != NULL && i < o.sessions; i++) {
        free(sessions[i].data);
        SSL_SESSION_free(sessions[i].ready);
    }

    free(sessions);

    return rc == -1 ? LOAD_UNFIT : rc;
}


static int
load_measure(const load_options_t *o, load_session_t *sessions,
    load_report_t *opened, load_report_t *measured)
{
    int                rc, full;
    load_wave_t        wave;
    static load_cpu_t  cpu;

    full = (o->mode == LOAD_FULL || o->mode == LOAD_FULL_ID);

    memset(&wave, 0, sizeof(load_wave_t));

    wave.o = o;
    wave.deadline = load_now() + (uint64_t) (o->time * 1e9);
    wave.ctx = load_ctx(o);

    if (wave.ctx == NULL) {
        (void) fputs("load: out of memory\n", stderr);
        return -1;
    }

    rc = full ? 0 : load_open(&wave, sessions, opened);

    if (rc == 0 && o->between != NULL && system(o->between) != 0) {
        (void) fprintf(stderr, "load: \"%s\" failed\n", o->between);
        rc = -1;
    }

    if (rc == 0) {
        wave.redeem = !full;
        wave.sessions = full ? NULL : sessions;
        wave.report = measured;
        wave.next = 0;

        load_signal(o, SIGSTOP);

        rc = o->steps ? load_steps(&wave, &cpu)
                      : load_slice(&wave, o->handshakes, &cpu);

        load_signal(o, SIGCONT);
    }

    SSL_CTX_free(wave.ctx);

    if (rc == -1) {
        return -1;
    }

    measured->wanted = wave.next;
    load_report_print(o, measured, full ? NULL : opened, &cpu);

    return (measured->done < measured->wanted || measured->failed
            || opened->failed);
}


/*
 * Servers do not wait until a session is stored.  A server that has answered
 * another client since has at least sent it.
 */

static int
load_open(load_wave_t *wave, load_session_t *sessions, load_report_t *opened)
{
    int            rc;
    load_report_t  report;

    wave->sessions = sessions;
    wave->report = opened;

    if (load_wave(wave, wave->o->sessions) == -1
        || load_report_init(&report, wave->o->open.n) == -1)
    {
        return -1;
    }

    wave->sessions = NULL;
    wave->report = &report;
    wave->next = 0;

    rc = load_wave(wave, wave->o->open.n);

    load_report_free(&report);

    return rc;
}


uint64_t
load_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
}
