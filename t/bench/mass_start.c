
/*
 * mass_start HOSTS POLL_MS
 *
 * So many hosts start at once on three empty memcached servers, with forward
 * secrecy: when are all of them in one group?  Hosts are sss_sync_t as in
 * nginx, servers are in this program's memory, an exchange takes two
 * milliseconds, and time is simulated.  Prints hosts, the poll interval, the
 * milliseconds after which 50 %, 99 % and all of them are in the group that is
 * the last one, and the most and the average operations per second at one
 * server until then, between tabs.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sss_sync.h"


#define SERVERS  3
#define RECORDS  32
#define VALUE    4096
#define TICK     2                      /* ms that an exchange takes       */
#define LONGEST  1800000                /* ms of simulated time            */
#define NOW      UINT64_C(1800000060000)


typedef struct {
    char       name[SSS_NAME_SIZE];
    uint8_t    value[VALUE];
    size_t     len;
    uint64_t   cas;
    uint64_t   until;                   /* when it expires                 */
} record_t;


typedef struct {
    record_t   records[RECORDS];
    uint64_t   cas;
    uint64_t   operations;
    uint64_t   this_second;
    uint64_t   most;
} server_t;


typedef struct {
    sss_sync_t   *sync;
    sss_ring_t   *ring;
    sss_group_t   group;
    uint64_t      due;
    uint64_t      since;                /* when it joined its group        */
    int           polling;
} host_t;


static server_t       servers[SERVERS];
static sss_server_t   places[SSS_SERVERS_MAX];
static sss_secrets_t  secrets;


static void
check(int good, const char *what)
{
    if (!good) {
        fprintf(stderr, "mass_start: %s\n", what);
        exit(1);
    }
}


static record_t *
find(server_t *server, const char *name, uint64_t now)
{
    size_t     i;
    record_t  *record;

    for (i = 0; i < RECORDS; i++) {
        record = &server->records[i];

        if (record->until <= now) {
            record->name[0] = '\0';
        }

        if (strcmp(record->name, name) == 0) {
            return record;
        }
    }

    return NULL;
}


static void
answer(server_t *server, sss_exchange_t *x, uint64_t now)
{
    size_t              i;
    record_t           *record;
    sss_exchange_rc_t   rc;

    rc = SSS_EXCHANGE_OK;
    server->operations++;
    server->this_second++;

    for (i = 0; x->op == SSS_EXCHANGE_READ && i < x->n; i++) {
        record = find(server, x->items[i].name, now);

        if (record != NULL) {
            x->items[i].found = 1;
            x->items[i].cas = record->cas;
            x->items[i].len = record->len;
            x->items[i].value = malloc(record->len + 1);
            check(x->items[i].value != NULL, "no memory");
            memcpy(x->items[i].value, record->value, record->len);
        }
    }

    if (x->op == SSS_EXCHANGE_WRITE) {
        record = find(server, x->item.name, now);

        if ((record ? record->cas : 0) != x->item.cas) {
            rc = SSS_EXCHANGE_CONFLICT;

        } else {
            record = record ? record : find(server, "", now);
            check(record != NULL && x->item.len <= VALUE, "a record too many");

            strcpy(record->name, x->item.name);
            memcpy(record->value, x->item.value, x->item.len);
            record->len = x->item.len;
            record->cas = ++server->cas;
            record->until = now + (uint64_t) x->ttl * 1000;
        }
    }

    x->seconds = now / 1000;

    sss_exchange_end(x, rc, NULL);
}


static void
enter(host_t *host, size_t i, uint32_t poll_ms)
{
    sss_sync_conf_t  conf;

    memset(&conf, 0, sizeof(conf));
    memcpy(conf.ns, "main", 4);
    memcpy(conf.host, &i, sizeof(conf.host));

    conf.secrets = &secrets;
    conf.ns_len = 4;
    conf.rotation = 3600;
    conf.retention = 300;
    conf.capacity = 8;
    conf.poll_ms = poll_ms;
    conf.patience_ms = 3600000;
    conf.forward_secrecy = 1;

    host->sync = sss_sync_create(&conf);
    host->ring = sss_ring_create(8);
    check(host->sync != NULL && host->ring != NULL, "no memory");

    /* machines do not start in the same millisecond */

    host->due = NOW + i * 7919 % 500;
    sss_group_init(&host->group, 1);
}


/* One tick of one host: steps until it waits, then servers answer. */

static void
go_on(host_t *host, uint64_t now, uint32_t poll_ms)
{
    size_t              i;
    uint32_t            id;
    sss_sync_rc_t       rc;
    sss_label_t         before;
    sss_exchange_t     *x;
    sss_sync_report_t   report;

    if (!host->polling) {

        if (now < host->due) {
            return;
        }

        check(sss_sync_begin(host->sync, places, host->ring, &host->group, 0,
                             now) == 0, "no poll");
        host->polling = 1;
    }

    for (i = 0; i < SERVERS; i++) {
        x = sss_sync_exchange(host->sync, i, &id);

        if (x->state == SSS_EXCHANGE_WANTED) {
            answer(&servers[i], x, now);
        }
    }

    do {
        rc = sss_sync_step(host->sync);
    } while (rc == SSS_SYNC_MORE);

    if (rc != SSS_SYNC_DONE) {
        return;
    }

    before = host->group.label;

    check(sss_sync_take(host->sync, host->ring, &host->group, &report) == 1,
          "a poll fails");

    if (!sss_label_same(&before, &host->group.label)) {
        host->since = now - NOW;
    }

    host->polling = 0;
    host->due = now + (report.again_ms ? report.again_ms : poll_ms);
}


/* The number of hosts that are in the group that wins over all others. */

static size_t
members(const host_t *hosts, size_t n)
{
    size_t         i, in;
    const host_t  *best;

    best = NULL;

    for (i = 0; i < n; i++) {
        if (hosts[i].group.member
            && (best == NULL || sss_label_beats(&hosts[i].group.label,
                                                &best->group.label)))
        {
            best = &hosts[i];
        }
    }

    for (i = 0, in = 0; best != NULL && i < n; i++) {
        in += hosts[i].group.member
              && sss_label_same(&hosts[i].group.label, &best->group.label);
    }

    return in;
}


static int
cmp(const void *a, const void *b)
{
    uint64_t  x, y;

    x = ((const host_t *) a)->since;
    y = ((const host_t *) b)->since;

    return (x > y) - (x < y);
}


int
main(int argc, char **argv)
{
    size_t     i, n;
    host_t    *hosts;
    uint64_t   now, most, operations;
    uint32_t   poll_ms;

    check(argc == 3, "usage: mass_start HOSTS POLL_MS");

    n = strtoul(argv[1], NULL, 10);
    poll_ms = (uint32_t) strtoul(argv[2], NULL, 10);

    secrets.n = 1;
    memset(secrets.value[0], 0x5a, SSS_SECRET_SIZE - 1);

    hosts = calloc(n, sizeof(host_t));
    check(n > 0 && hosts != NULL, "no hosts");

    for (i = 0; i < SERVERS; i++) {
        places[i].id = (uint32_t) i + 1;
        snprintf(places[i].address.host, sizeof(places[i].address.host),
                 "/server/%zu", i);
    }

    for (i = 0; i < n; i++) {
        enter(&hosts[i], i, poll_ms);
    }

    for (now = NOW; now < NOW + LONGEST; now += TICK) {

        for (i = 0; i < n; i++) {
            go_on(&hosts[(i + now / TICK) % n], now, poll_ms);
        }

        if ((now - NOW) % 1000 != 0) {
            continue;
        }

        for (i = 0; i < SERVERS; i++) {
            if (servers[i].this_second > servers[i].most) {
                servers[i].most = servers[i].this_second;
            }

            servers[i].this_second = 0;
        }

        if (members(hosts, n) == n) {
            break;
        }
    }

    check(members(hosts, n) == n, "not all came into one group");

    for (i = 0, most = 0, operations = 0; i < SERVERS; i++) {
        operations += servers[i].operations;
        most = servers[i].most > most ? servers[i].most : most;
    }

    qsort(hosts, n, sizeof(host_t), cmp);

    printf("%zu\t%u\t%llu\t%llu\t%llu\t%llu\t%llu\n", n, poll_ms,
           (unsigned long long) hosts[n / 2].since,
           (unsigned long long) hosts[n * 99 / 100].since,
           (unsigned long long) hosts[n - 1].since,
           (unsigned long long) most,
           (unsigned long long) (operations * 1000 / SERVERS
                                 / (now - NOW + 1)));

    return 0;
}
