
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "load.h"


#define LOAD_REST   1           /* milliseconds without work          */
#define LOAD_RESTS  50          /* at most, for servers that never rest */


static int load_settle(const load_options_t *o);
static void load_print_step(const load_wave_t *wave, uint64_t done,
    uint64_t wall, const load_cpu_t *before, const load_cpu_t *after);


int
load_steps(load_wave_t *wave, load_cpu_t *cpu)
{
    char               line[32];
    double             number;
    uint64_t           done, wall;
    static load_cpu_t  before;

    (void) printf("{\"ready\":true}\n");
    (void) fflush(stdout);

    while (fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';

        if (load_number(line, 1, (double) (wave->o->handshakes - wave->next),
                        &number)
            == -1)
        {
            (void) fprintf(stderr, "load: invalid step \"%s\"\n", line);
            return -1;
        }

        before = *cpu;
        done = wave->report->done;
        wall = wave->report->wall;

        if (load_slice(wave, (uint64_t) number, cpu) == -1) {
            return -1;
        }

        load_print_step(wave, done, wall, &before, cpu);
    }

    return 0;
}


static void
load_print_step(const load_wave_t *wave, uint64_t done, uint64_t wall,
    const load_cpu_t *before, const load_cpu_t *after)
{
    size_t                 i;
    load_report_t         *report;
    const load_options_t  *o;

    o = wave->o;
    report = wave->report;

    (void) printf("{\"handshakes\":%lu,\"wall_s\":%.6f,"
                  "\"cpu_us_by_pid\":{",
                  (unsigned long) (report->done - done),
                  (double) (report->wall - wall) / 1e9);

    for (i = 0; i < o->n_pids; i++) {
        (void) printf("%s\"%ld\":%.3f", i ? "," : "", (long) o->pids[i],
                      (double) (after->used[i] - before->used[i]) / 1e3);
    }

    (void) printf("},\"p50_us\":%.1f}\n",
                  (double) load_report_middle(report, done) / 1e3);
    (void) fflush(stdout);
}


int
load_slice(load_wave_t *wave, uint64_t n, load_cpu_t *cpu)
{
    static load_cpu_t  before, after;

    if (load_cpu(wave->o, &before) == -1
        || load_wave(wave, n) == -1
        || load_settle(wave->o) == -1
        || load_cpu(wave->o, &after) == -1)
    {
        return -1;
    }

    load_cpu_add(cpu, &before, &after, wave->o->n_pids);

    return 0;
}


/*
 * Servers store sessions, and clean up, after the client has its result.
 * Waits until their CPU clocks stand still.
 */

static int
load_settle(const load_options_t *o)
{
    int                i;
    static load_cpu_t  last, now;

    if (load_cpu_clocks(o, &now) == -1) {
        return -1;
    }

    for (i = 0; i < LOAD_RESTS && o->n_pids; i++) {
        last = now;

        (void) poll(NULL, 0, LOAD_REST);

        if (load_cpu_clocks(o, &now) == -1) {
            return -1;
        }

        if (memcmp(last.used, now.used, o->n_pids * sizeof(last.used[0]))
            == 0)
        {
            break;
        }
    }

    return 0;
}
