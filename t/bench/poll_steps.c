
/*
 * poll_steps ROUNDS KEYS
 *
 * What the poll of a zone with so many keys takes of the event loop, piece by
 * piece: the CPU time of every call of sss_sync_begin(), sss_sync_step() and
 * sss_sync_take(), and of what workers do with the result.  The two servers
 * are in this program's memory and answer at once.
 *
 * Each round has the same pieces.  Of a piece the median over all rounds is
 * taken, so that what the machine did meanwhile does not count; of the pieces
 * of one kind the longest is printed: the case, the kind, how many pieces
 * there are, and microseconds, between tabs.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sss_board.h"
#include "sss_memory.h"
#include "sss_records.h"
#include "sss_sync.h"


#define ROUNDS    101                   /* at the most                     */
#define PIECES    1024                  /* of a round                      */
#define SERVERS   2
#define RECORDS   2                     /* on a server: ring, presence     */
#define LARGE     4096                  /* no presence record is           */
#define HOUR      3600
#define NOW       UINT64_C(1800000000000)


typedef struct {
    const char  *name;
    unsigned     here;                  /* keys on this host, of 4 quarters */
    unsigned     there;                 /* and on servers                  */
    unsigned     first;                 /* the first quarter of those      */
} case_t;


typedef struct {
    char      name[SSS_NAME_SIZE];
    uint8_t  *value;
    size_t    len;
    uint64_t  cas;
} record_t;


typedef struct {
    const char  *kind;
    double       us[ROUNDS];
} piece_t;


typedef struct {
    unsigned       keys;
    record_t       records[SERVERS][RECORDS];
    sss_secrets_t  secrets;
    sss_server_t   places[SSS_SERVERS_MAX];
    sss_group_t    group;
    sss_key_t     *pool;                /* keys of two full zones          */
    sss_ring_t    *ring;                /* of this host                    */
    sss_ring_t    *scratch;
    sss_board_t   *board;
    piece_t        pieces[PIECES];
    unsigned       round;
    unsigned       n;                   /* pieces of this round            */
} poll_t;


static const case_t  cases[] = {
    { "nothing new", 4, 4, 0 },
    { "a host that starts", 0, 4, 0 },
    { "servers that are empty", 4, 0, 0 },
    { "two halves that meet", 2, 2, 2 },
    { "two full zones that meet", 4, 4, 4 },
};


static void
check(int good, const char *what)
{
    if (!good) {
        fprintf(stderr, "poll_steps: %s\n", what);
        exit(1);
    }
}


static void *
memory(size_t size)
{
    void  *p;

    p = calloc(1, size);
    check(p != NULL, "no memory");

    return p;
}


static double
cpu_us(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);

    return (double) ts.tv_sec * 1e6 + (double) ts.tv_nsec / 1e3;
}


static void
took(poll_t *p, const char *kind, double since)
{
    double    us;
    piece_t  *piece;

    us = cpu_us() - since;

    check(p->n < PIECES, "a poll has more pieces than expected");

    piece = &p->pieces[p->n++];

    check(p->round == 0 || piece->kind == kind, "rounds differ");

    piece->kind = kind;
    piece->us[p->round] = us;
}


static record_t *
find(record_t *records, const char *name)
{
    size_t  i;

    for (i = 0; i < RECORDS; i++) {
        if (strcmp(records[i].name, name) == 0) {
            return &records[i];
        }
    }

    return NULL;
}


static void
store(record_t *records, const char *name, const uint8_t *value, size_t len)
{
    record_t  *record;

    record = find(records, name);

    if (record == NULL) {
        record = find(records, "");
    }

    check(record != NULL, "too many records");

    free(record->value);

    snprintf(record->name, sizeof(record->name), "%s", name);
    record->value = memory(len);
    record->len = len;
    record->cas++;

    memcpy(record->value, value, len);
}


static void
answer(record_t *records, sss_exchange_t *x)
{
    size_t       i;
    record_t    *record;
    sss_item_t  *item;

    if (x->op == SSS_EXCHANGE_WRITE) {
        store(records, x->item.name, x->item.value, x->item.len);
    }

    for (i = 0; x->op == SSS_EXCHANGE_READ && i < x->n; i++) {

        item = &x->items[i];
        record = find(records, item->name);

        if (record == NULL) {
            continue;
        }

        item->found = 1;
        item->cas = record->cas;
        item->len = record->len;
        item->value = memory(record->len);

        memcpy(item->value, record->value, record->len);
    }

    x->seconds = NOW / 1000;

    sss_exchange_end(x, SSS_EXCHANGE_OK, NULL);
}


/* Carries out all exchanges.  Returns 1 if a ring is to be written. */

static int
carry_out(poll_t *p, sss_sync_t *sync)
{
    int              writes;
    size_t           i;
    uint32_t         id;
    sss_exchange_t  *x;

    writes = 0;

    for (i = 0; i < SERVERS; i++) {

        x = sss_sync_exchange(sync, i, &id);

        if (x->state == SSS_EXCHANGE_WANTED) {
            writes |= (x->op == SSS_EXCHANGE_WRITE && x->item.len > LARGE);
            answer(p->records[i], x);
        }
    }

    return writes;
}


/* 1 if a ring has been read, but not dealt with. */

static int
has_ring(sss_sync_t *sync)
{
    size_t           i;
    uint32_t         id;
    sss_exchange_t  *x;

    for (i = 0; i < SERVERS; i++) {

        x = sss_sync_exchange(sync, i, &id);

        if (x->state == SSS_EXCHANGE_DONE && x->op == SSS_EXCHANGE_READ
            && x->items[0].len > LARGE)
        {
            return 1;
        }
    }

    return 0;
}


static void
poll_once(poll_t *p, sss_sync_t *sync)
{
    int                reads, writes;
    double             since;
    sss_sync_rc_t      rc;
    sss_sync_report_t  report;

    since = cpu_us();
    check(sss_sync_begin(sync, p->places, p->ring, &p->group, 1, NOW) == 0,
          "no poll");
    took(p, "begin", since);

    (void) carry_out(p, sync);

    do {
        reads = has_ring(sync);

        since = cpu_us();
        rc = sss_sync_step(sync);

        /* which kind of step it was is known only afterwards */

        p->n++;
        p->pieces[p->n - 1].us[p->round] = cpu_us() - since;

        writes = carry_out(p, sync);

        p->pieces[p->n - 1].kind = writes ? "step that writes"
                                   : reads ? "step after a read" : "step";

    } while (rc != SSS_SYNC_DONE);

    since = cpu_us();
    check(sss_sync_take(sync, p->ring, &p->group, &report) == 1,
          "a poll fails");
    took(p, "take", since);

    check(report.reached == SERVERS, "a server was not reached");
}


/* Does with the result what the speaker, and then every worker, does. */

static void
use_result(poll_t *p)
{
    double  since;

    since = cpu_us();
    check(sss_board_read(p->board, p->scratch) != 0, "no board");
    (void) sss_ring_learn(p->scratch, p->ring, NOW);
    (void) sss_ring_expire(p->scratch, NOW);
    sss_board_write(p->board, p->scratch);
    took(p, "zone: merge", since);

    sss_ring_wipe(p->scratch);

    since = cpu_us();
    check(sss_board_read(p->board, p->scratch) != 0, "no board");
    took(p, "worker: copy", since);
}


static void
fill(poll_t *p, sss_ring_t *ring, unsigned from, unsigned quarters)
{
    sss_ring_wipe(ring);

    (void) sss_ring_absorb(ring, &p->pool[from * p->keys / 4],
                           quarters * p->keys / 4, 0);
}


/* Sets the records that servers have before a round. */

static void
serve(poll_t *p, const sss_sync_conf_t *conf, const sss_ring_t *ring)
{
    size_t            i, k, len;
    uint8_t          *record;
    sss_records_t     records;
    sss_admission_t   admission;

    for (i = 0; i < SERVERS; i++) {
        for (k = 0; k < RECORDS; k++) {
            free(p->records[i][k].value);
        }
    }

    memset(p->records, 0, sizeof(p->records));

    if (ring->n == 0) {
        return;
    }

    memset(&admission, 0, sizeof(admission));
    admission.group = p->group;

    check(sss_records_create(&records, conf, &admission) == 0, "no records");

    record = sss_records_seal(&records, ring, &len);
    check(record != NULL, "it does not seal");

    for (i = 0; i < SERVERS; i++) {
        store(p->records[i], records.names[0], record, len);
    }

    free(record);
    sss_records_destroy(&records);
}


/* A host that has just started polls twice. */

static void
round_once(poll_t *p, const case_t *c)
{
    sss_sync_t       *sync;
    sss_sync_conf_t   conf;

    memset(&conf, 0, sizeof(conf));
    memcpy(conf.ns, "main", 4);

    conf.secrets = &p->secrets;
    conf.ns_len = 4;
    conf.rotation = HOUR;
    conf.retention = HOUR;
    conf.capacity = p->keys;
    conf.patience_ms = 60000;
    conf.poll_ms = 2000;
    conf.forward_secrecy = 1;

    sss_group_init(&p->group, 1);
    check(sss_group_found(&p->group, conf.poll_ms, NOW - 60000) == 0,
          "no group");

    fill(p, p->scratch, c->first, c->there);
    serve(p, &conf, p->scratch);
    sss_ring_wipe(p->scratch);

    fill(p, p->ring, 0, c->here);

    sss_board_init(p->board, p->keys);
    sss_board_write(p->board, p->ring);

    sync = sss_sync_create(&conf);
    check(sync != NULL, "no sync");

    p->n = 0;

    poll_once(p, sync);
    use_result(p);
    poll_once(p, sync);

    sss_sync_destroy(sync);
}


static int
cmp(const void *a, const void *b)
{
    double  x, y;

    x = *(const double *) a;
    y = *(const double *) b;

    return (x > y) - (x < y);
}


static void
print(poll_t *p, const case_t *c, unsigned rounds)
{
    double       us;
    unsigned     i, k, n;
    const char  *kind;

    for (i = 0; i < p->n; i++) {
        qsort(p->pieces[i].us, rounds, sizeof(double), cmp);
    }

    for (i = 0; i < p->n; i++) {

        kind = p->pieces[i].kind;
        us = 0;
        n = 0;

        for (k = 0; k < p->n; k++) {

            if (strcmp(p->pieces[k].kind, kind) != 0) {
                continue;
            }

            if (k < i) {
                break;
            }

            n++;

            if (p->pieces[k].us[rounds / 2] > us) {
                us = p->pieces[k].us[rounds / 2];
            }
        }

        if (n > 0) {
            printf("%s\t%s\t%u\t%.0f\n", c->name, kind, n, us);
        }
    }
}


/*
 * Makes keys of slots that have begun, one for each of four parts of a fleet.
 */

static void
start(poll_t *p)
{
    unsigned  i;

    p->secrets.n = 1;
    memset(p->secrets.value[0], 0x5a, SSS_SECRET_SIZE - 1);

    for (i = 0; i < SERVERS; i++) {
        p->places[i].id = i + 1;

        snprintf(p->places[i].address.host, sizeof(p->places[i].address.host),
                 "/server/%u", i);
    }

    p->pool = memory(2 * p->keys * sizeof(sss_key_t));
    p->board = memory(sss_board_size(p->keys));
    p->ring = sss_ring_create(p->keys);
    p->scratch = sss_ring_create(p->keys);

    check(p->ring != NULL && p->scratch != NULL, "no memory");

    for (i = 0; i < 2 * p->keys; i++) {
        check(sss_key_generate(&p->pool[i], HOUR, sss_slot(HOUR, NOW) - i / 4,
                               NOW - i, 200 * 86400)
              == 0, "no random bytes");

        p->pool[i].expires = NOW / 1000 + 200 * 86400 - i;
    }
}


int
main(int argc, char **argv)
{
    size_t    i;
    poll_t   *p;
    unsigned  rounds;

    check(argc == 3, "usage: poll_steps ROUNDS KEYS");

    p = memory(sizeof(poll_t));
    rounds = (unsigned) strtoul(argv[1], NULL, 10);
    p->keys = (unsigned) strtoul(argv[2], NULL, 10);

    check(rounds > 0 && rounds <= ROUNDS && p->keys >= 64
          && p->keys <= 8192, "up to 101 rounds of 64 to 8192 keys");

    start(p);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

        for (p->round = 0; p->round < rounds; p->round++) {
            round_once(p, &cases[i]);
        }

        print(p, &cases[i], rounds);
    }

    return 0;
}
