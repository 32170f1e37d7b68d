
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "load.h"


static void load_cpu_threads(load_cpu_t *cpu, pid_t pid);
static void load_cpu_add_thread(load_cpu_t *total, const load_cpu_t *before,
    const load_thread_t *after);


/*
 * The process's CPU clock counts to the nanosecond, also for a thread that
 * runs at this moment and for threads that have ended, which the files of
 * /proc do not.
 */

int
load_cpu_clocks(const load_options_t *o, load_cpu_t *cpu)
{
    size_t           i;
    clockid_t        clock;
    struct timespec  ts;

    for (i = 0; i < o->n_pids; i++) {

        if (clock_getcpuclockid(o->pids[i], &clock) != 0
            || clock_gettime(clock, &ts) == -1)
        {
            (void) fprintf(stderr, "load: there is no process %ld\n",
                           (long) o->pids[i]);
            return -1;
        }

        cpu->used[i] = (uint64_t) ts.tv_sec * 1000000000
                       + (uint64_t) ts.tv_nsec;
    }

    return 0;
}


int
load_cpu(const load_options_t *o, load_cpu_t *cpu)
{
    size_t  i;

    cpu->n = 0;

    for (i = 0; i < o->n_pids; i++) {
        load_cpu_threads(cpu, o->pids[i]);
    }

    return load_cpu_clocks(o, cpu);
}


static void
load_cpu_threads(load_cpu_t *cpu, pid_t pid)
{
    DIR            *dir;
    char            path[64];
    FILE           *file;
    load_thread_t  *thread;
    struct dirent  *entry;

    (void) snprintf(path, sizeof(path), "/proc/%ld/task", (long) pid);

    dir = opendir(path);
    if (dir == NULL) {
        return;
    }

    while (cpu->n < LOAD_THREADS_MAX && (entry = readdir(dir)) != NULL) {
        thread = &cpu->thread[cpu->n];
        thread->pid = pid;
        thread->tid = (pid_t) atol(entry->d_name);

        (void) snprintf(path, sizeof(path), "/proc/%ld/task/%ld/schedstat",
                        (long) pid, (long) thread->tid);

        file = thread->tid > 0 ? fopen(path, "r") : NULL;

        if (file != NULL) {
            cpu->n += (fscanf(file, "%lu", &thread->used) == 1);
            (void) fclose(file);
        }
    }

    (void) closedir(dir);
}


void
load_cpu_add(load_cpu_t *total, const load_cpu_t *before,
    const load_cpu_t *after, size_t n_pids)
{
    size_t  i;

    for (i = 0; i < n_pids; i++) {
        total->used[i] += after->used[i] - before->used[i];
    }

    for (i = 0; i < after->n; i++) {
        load_cpu_add_thread(total, before, &after->thread[i]);
    }
}


static void
load_cpu_add_thread(load_cpu_t *total, const load_cpu_t *before,
    const load_thread_t *after)
{
    size_t    i;
    uint64_t  used;

    used = after->used;

    for (i = 0; i < before->n; i++) {

        if (before->thread[i].tid == after->tid) {
            used -= before->thread[i].used;
            break;
        }
    }

    for (i = 0; i < total->n && total->thread[i].tid != after->tid; i++) {
        /* void */
    }

    if (i == LOAD_THREADS_MAX) {
        return;
    }

    if (i == total->n) {
        total->thread[i].pid = after->pid;
        total->thread[i].tid = after->tid;
        total->thread[i].used = 0;
        total->n++;
    }

    total->thread[i].used += used;
}


void
load_signal(const load_options_t *o, int number)
{
    size_t  i;

    for (i = 0; i < o->n_freeze; i++) {
        (void) kill(o->freeze[i], number);
    }
}
