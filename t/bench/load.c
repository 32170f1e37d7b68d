
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "load.h"


#define LOAD_UNFIT  2           /* exit status: nothing could be measured */


static int load_measure(const load_options_t *o, load_session_t *sessions,
    load_report_t *opened, load_report_t *measured);
static int load_cpu_all(const load_options_t *o, uint64_t *cpu);


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
    int       full;
    size_t    i;
    uint64_t  deadline, before[LOAD_LIST_MAX], cpu[LOAD_LIST_MAX];

    full = (o->mode == LOAD_FULL);
    deadline = load_now() + (uint64_t) (o->time * 1e9);

    if (!full
        && load_wave(o, 0, o->sessions, sessions, opened, deadline) == -1)
    {
        return -1;
    }

    if (load_cpu_all(o, before) == -1
        || load_wave(o, !full, o->handshakes, full ? NULL : sessions,
                     measured, deadline)
           == -1
        || load_cpu_all(o, cpu) == -1)
    {
        return -1;
    }

    for (i = 0; i < o->n_pids; i++) {
        cpu[i] -= before[i];
    }

    load_report_print(o, measured, full ? NULL : opened, cpu);

    return (measured->done < o->handshakes || measured->failed
            || opened->failed);
}


static int
load_cpu_all(const load_options_t *o, uint64_t *cpu)
{
    size_t  i;

    for (i = 0; i < o->n_pids; i++) {

        if (load_cpu(o->pids[i], &cpu[i]) == -1) {
            (void) fprintf(stderr, "load: there is no process %ld\n",
                           (long) o->pids[i]);
            return -1;
        }
    }

    return 0;
}


uint64_t
load_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
}


/*
 * The process's CPU clock counts to the nanosecond, also for a thread that
 * runs at this moment and for threads that have ended, which the files of
 * /proc do not.
 */

int
load_cpu(pid_t pid, uint64_t *used)
{
    clockid_t        clock;
    struct timespec  ts;

    if (clock_getcpuclockid(pid, &clock) != 0
        || clock_gettime(clock, &ts) == -1)
    {
        return -1;
    }

    *used = (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;

    return 0;
}
