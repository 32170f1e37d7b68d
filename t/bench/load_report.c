
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"


#define LOAD_REASONS \
    (sizeof(((load_report_t *) NULL)->reasons) / sizeof(load_reason_t))


static void load_print_failures(const load_report_t *report);
static void load_print_latency(load_report_t *report);
static int load_compare(const void *one, const void *two);


int
load_report_init(load_report_t *report, uint64_t n)
{
    memset(report, 0, sizeof(load_report_t));

    report->wanted = n;
    report->latency = calloc(n, sizeof(uint64_t));

    return report->latency == NULL ? -1 : 0;
}


void
load_report_free(load_report_t *report)
{
    free(report->latency);
}


void
load_report_done(load_report_t *report, uint64_t latency, int resumed)
{
    if (report->done == report->wanted) {
        return;
    }

    report->latency[report->done++] = latency;
    report->resumed += resumed ? 1 : 0;
}


void
load_report_failed(load_report_t *report, const char *reason)
{
    char            text[sizeof(report->reasons[0].text)];
    size_t          i;
    load_reason_t  *r;

    for (i = 0; reason[i] != '\0' && i < sizeof(text) - 1; i++) {

        if (reason[i] < ' ' || reason[i] > '~' || reason[i] == '"'
            || reason[i] == '\\')
        {
            text[i] = '?';

        } else {
            text[i] = reason[i];
        }
    }

    text[i] = '\0';
    report->failed++;

    for (i = 0; i < LOAD_REASONS; i++) {
        r = &report->reasons[i];

        if (r->n == 0) {
            memcpy(r->text, i == LOAD_REASONS - 1 ? "other" : text,
                   i == LOAD_REASONS - 1 ? sizeof("other") : sizeof(text));
        }

        if (i == LOAD_REASONS - 1 || strcmp(r->text, text) == 0) {
            r->n++;
            return;
        }
    }
}


uint64_t
load_report_middle(load_report_t *report, uint64_t first)
{
    uint64_t  n;

    n = report->done - first;

    if (n == 0) {
        return 0;
    }

    qsort(&report->latency[first], n, sizeof(uint64_t), load_compare);

    return report->latency[first + n / 2];
}


void
load_report_print(const load_options_t *o, load_report_t *measured,
    const load_report_t *opened, const load_cpu_t *cpu)
{
    size_t  i;
    double  done, sum;

    done = measured->done ? (double) measured->done : 1;
    sum = 0;

    for (i = 0; i < o->n_pids; i++) {
        sum += (double) cpu->used[i];
    }

    (void) printf("{\"tls\":\"%s\",\"mode\":\"%s\",\"in_flight\":%u,"
                  "\"handshakes\":%lu,\"resumed\":%lu,\"sessions\":%lu,",
                  o->version == TLS1_2_VERSION ? "1.2" : "1.3",
                  load_modes[o->mode], o->in_flight,
                  (unsigned long) measured->done,
                  (unsigned long) measured->resumed,
                  (unsigned long) measured->sessions);

    load_print_failures(measured);

    (void) printf("\"server_cpu_us\":%.3f,\"server_cpu_us_by_pid\":{",
                  sum / 1e3 / done);

    for (i = 0; i < o->n_pids; i++) {
        (void) printf("%s\"%ld\":%.3f", i ? "," : "", (long) o->pids[i],
                      (double) cpu->used[i] / 1e3 / done);
    }

    (void) printf("},\"server_cpu_us_by_thread\":[");

    for (i = 0; i < cpu->n; i++) {
        (void) printf("%s[%ld,%ld,%.3f]", i ? "," : "",
                      (long) cpu->thread[i].pid, (long) cpu->thread[i].tid,
                      (double) cpu->thread[i].used / 1e3 / done);
    }

    (void) printf("],");

    load_print_latency(measured);

    if (opened) {
        (void) printf("\"opened\":{\"handshakes\":%lu,\"sessions\":%lu,",
                      (unsigned long) opened->done,
                      (unsigned long) opened->sessions);
        load_print_failures(opened);
        (void) printf("\"wall_s\":%.6f},", (double) opened->wall / 1e9);
    }

    (void) printf("\"complete\":%s,\"wall_s\":%.6f}\n",
                  measured->done == measured->wanted ? "true" : "false",
                  (double) measured->wall / 1e9);
}


static void
load_print_failures(const load_report_t *report)
{
    size_t  i;

    (void) printf("\"failures\":%lu,\"reasons\":{",
                  (unsigned long) report->failed);

    for (i = 0; i < LOAD_REASONS && report->reasons[i].n; i++) {
        (void) printf("%s\"%s\":%lu", i ? "," : "", report->reasons[i].text,
                      (unsigned long) report->reasons[i].n);
    }

    (void) printf("},");
}


static void
load_print_latency(load_report_t *report)
{
    size_t    i;
    uint64_t  n, at;

    static const struct {
        const char  *name;
        double       part;
    } points[] = {
        { "p50", 0.50 }, { "p99", 0.99 }, { "p99.9", 0.999 }, { "max", 1 }
    };

    n = report->done;
    qsort(report->latency, n, sizeof(uint64_t), load_compare);

    (void) printf("\"latency_us\":{");

    for (i = 0; i < sizeof(points) / sizeof(points[0]) && n; i++) {
        at = (uint64_t) (points[i].part * (double) n);

        if (at >= n) {
            at = n - 1;
        }

        (void) printf("%s\"%s\":%.1f", i ? "," : "", points[i].name,
                      (double) report->latency[at] / 1e3);
    }

    (void) printf("},");
}


static int
load_compare(const void *one, const void *two)
{
    const uint64_t  *a = one, *b = two;

    return (*a > *b) - (*a < *b);
}
