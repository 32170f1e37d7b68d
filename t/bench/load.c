
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "load.h"


#define LOAD_UNFIT  2           /* exit status: nothing could be measured */


static int load_measure(const load_options_t *o, load_session_t *sessions,
    load_report_t *opened, load_report_t *measured);
static int load_once_more(const load_options_t *o, uint64_t deadline);


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
    }

    free(sessions);

    return rc == -1 ? LOAD_UNFIT : rc;
}


static int
load_measure(const load_options_t *o, load_session_t *sessions,
    load_report_t *opened, load_report_t *measured)
{
    int                rc, full;
    uint64_t           deadline;
    static load_cpu_t  before, cpu;

    full = (o->mode == LOAD_FULL || o->mode == LOAD_FULL_ID);
    deadline = load_now() + (uint64_t) (o->time * 1e9);

    if (!full
        && (load_wave(o, 0, o->sessions, sessions, opened, deadline) == -1
            || load_once_more(o, deadline) == -1))
    {
        return -1;
    }

    if (o->between != NULL && system(o->between) != 0) {
        (void) fprintf(stderr, "load: \"%s\" failed\n", o->between);
        return -1;
    }

    load_signal(o, SIGSTOP);

    rc = load_cpu(o, &before);

    if (rc == 0) {
        rc = load_wave(o, !full, o->handshakes, full ? NULL : sessions,
                       measured, deadline);
    }

    if (rc == 0) {
        rc = load_cpu(o, &cpu);
    }

    load_signal(o, SIGCONT);

    if (rc == -1) {
        return -1;
    }

    load_cpu_since(&cpu, &before, o->n_pids);
    load_report_print(o, measured, full ? NULL : opened, &cpu);

    return (measured->done < o->handshakes || measured->failed
            || opened->failed);
}


/*
 * Servers do not wait until a session is stored.  One that has answered
 * another client since then has at least sent it.
 */

static int
load_once_more(const load_options_t *o, uint64_t deadline)
{
    int            rc;
    load_report_t  report;

    if (load_report_init(&report, o->open.n) == -1) {
        return -1;
    }

    rc = load_wave(o, 0, o->open.n, NULL, &report, deadline);

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
