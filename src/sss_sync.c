
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sss_fresh.h"
#include "sss_memory.h"
#include "sss_replica.h"
#include "sss_request.h"
#include "sss_sync.h"


#define SSS_SYNC_TRIES     4            /* conflicts on a server in a poll */


typedef enum {
    SSS_SYNC_IDLE = 0,
    SSS_SYNC_READING,           /* reads the records of all servers        */
    SSS_SYNC_MAKING,            /* makes the keys that are due             */
    SSS_SYNC_PUBLISHING,        /* offers them to one server after another */
    SSS_SYNC_SPREADING,         /* writes to each server what it lacks     */
    SSS_SYNC_ENDING,            /* reports what servers have now           */
    SSS_SYNC_OVER
} sss_sync_phase_t;


/* The stages of a replica in a poll, in their order. */

typedef enum {
    SSS_SYNC_ASKED = 0,         /* is being read                           */
    SSS_SYNC_READ,              /* has been read, or has failed            */
    SSS_SYNC_SEALING,
    SSS_SYNC_WRITING,
    SSS_SYNC_REREADING,         /* after a conflict                        */
    SSS_SYNC_VISITING,          /* writes what is due at the door          */
    SSS_SYNC_SHOWING,           /* writes the presence record              */
    SSS_SYNC_CLOCKING,          /* reads the server's clock                */
    SSS_SYNC_FINISHED
} sss_sync_stage_t;


struct sss_sync_s {
    sss_sync_conf_t     conf;
    sss_sync_report_t   report;
    sss_records_t       records;
    sss_admission_t    *admission;      /* secret memory                   */
    sss_replica_t       replicas[SSS_SERVERS_MAX];
    sss_ring_t         *ring;           /* the result of this poll         */
    sss_fresh_t         fresh;          /* the keys that it has made       */
    sss_ring_t         *aside;          /* unused keys of this host, restored
                                           if its new group has none       */

    sss_sync_phase_t    phase;
    int                 rc;             /* of the poll: 0, or -1           */
    uint64_t            now_ms;         /* when it began                   */
    uint64_t            until;          /* when writes are put off         */
    size_t              turn;           /* index of the next server in phase
                                           PUBLISHING or ENDING            */
    size_t              order[SSS_SERVERS_MAX];     /* for PUBLISHING      */
    unsigned            up;             /* 1: a server answers, but did not
                                           take the keys                   */
    uint64_t            full_ms;        /* when a full poll last began     */
    unsigned            look:1;         /* this poll only looks at the door */
    unsigned            busy:1;         /* the next one is to do so        */
    unsigned            soon:1;         /* a full poll must come next      */
    unsigned            lost:1;         /* a group that wins came in between */
};


static void sss_sync_meet(sss_sync_t *sync, const sss_server_t *servers);
static void sss_sync_ask(sss_sync_t *sync, sss_replica_t *replica);
static sss_sync_rc_t sss_sync_read(sss_sync_t *sync);
static void sss_sync_taken(sss_sync_t *sync, sss_replica_t *replica);
static void sss_sync_void(sss_sync_t *sync);
static void sss_sync_judge(sss_sync_t *sync);
static void sss_sync_ask_in(sss_sync_t *sync);
static void sss_sync_reached(sss_sync_t *sync);
static void sss_sync_due(sss_sync_t *sync);
static sss_sync_rc_t sss_sync_publish(sss_sync_t *sync);
static int sss_sync_offer(sss_sync_t *sync, sss_replica_t *replica);
static void sss_sync_pass(sss_sync_t *sync, sss_replica_t *replica);
static sss_sync_rc_t sss_sync_spread(sss_sync_t *sync);
static void sss_sync_mend(sss_sync_t *sync, sss_replica_t *replica);
static int sss_sync_may_write(sss_sync_t *sync,
    const sss_replica_t *replica);
static void sss_sync_visit(sss_sync_t *sync, sss_replica_t *replica);
static void sss_sync_greet(sss_replica_t *replica);
static void sss_sync_report_group(sss_sync_t *sync);
static sss_sync_rc_t sss_sync_end(sss_sync_t *sync);
static int sss_sync_waits(const sss_sync_t *sync,
    const sss_replica_t *replica);
static int sss_sync_late(const sss_sync_t *sync);


sss_sync_t *
sss_sync_create(const sss_sync_conf_t *conf)
{
    sss_sync_t  *sync;

    if (conf->ns_len > SSS_NAMESPACE_MAX || conf->rotation == 0) {
        return NULL;
    }

    sync = calloc(1, sizeof(sss_sync_t));
    if (sync == NULL) {
        return NULL;
    }

    sync->conf = *conf;
    sync->conf.forward_secrecy = !!conf->forward_secrecy;
    sync->ring = sss_ring_create(conf->capacity);
    sync->aside = sss_ring_create(conf->capacity);
    sync->admission = sss_memory_alloc(sizeof(sss_admission_t));

    if (sync->ring == NULL || sync->aside == NULL || sync->admission == NULL
        || sss_fresh_create(&sync->fresh, &sync->conf) != 0
        || (conf->secrets != NULL && conf->secrets->n != 0
            && sss_records_create(&sync->records, &sync->conf,
                                  sync->admission)
               != 0))
    {
        sss_sync_destroy(sync);
        return NULL;
    }

    sync->admission->forward_secrecy = sync->conf.forward_secrecy;
    sync->admission->poll_ms = conf->poll_ms;
    sync->admission->rotation_ms = (uint64_t) conf->rotation * 1000;

    return sync;
}


void
sss_sync_destroy(sss_sync_t *sync)
{
    size_t  i;

    if (sync == NULL) {
        return;
    }

    for (i = 0; i < SSS_SERVERS_MAX; i++) {
        sss_replica_destroy(&sync->replicas[i]);
    }

    sss_records_destroy(&sync->records);
    sss_ring_destroy(sync->ring);
    sss_fresh_destroy(&sync->fresh);
    sss_ring_destroy(sync->aside);

    if (sync->admission != NULL) {
        sss_memory_free(sync->admission, sizeof(sss_admission_t));
    }

    free(sync);
}


int
sss_sync_begin(sss_sync_t *sync, const sss_server_t *servers,
    const sss_ring_t *ring, const sss_group_t *group, int used,
    uint64_t now_ms)
{
    size_t            i;
    sss_admission_t  *a;

    if (sync->phase != SSS_SYNC_IDLE) {
        return -1;
    }

    a = sync->admission;

    sync->phase = SSS_SYNC_READING;
    sync->rc = 0;
    sync->now_ms = now_ms;
    sync->until = sss_request_clock()
                  + (uint64_t) sync->conf.patience_ms * 1000;
    sync->turn = 0;
    sync->up = 0;
    sync->lost = 0;
    sync->report.replaced = 0;
    sync->report.raised = 0;
    sss_admission_begin(a, group);
    sss_group_age(&a->group, a->rotation_ms, sss_fresh_extra(&sync->fresh),
                  now_ms);

    sss_ring_copy(sync->ring, ring);

    /* the host has just joined a group: its unused keys give way to that's */

    if (sync->conf.forward_secrecy && !used && a->group.member
        && sync->soon)
    {
        sss_ring_copy(sync->aside, sync->ring);
        sss_ring_wipe(sync->ring);
    }

    sync->look = (sss_admission_waits(a) || sync->busy) && !sync->soon
                 && now_ms >= sync->full_ms
                 && now_ms - sync->full_ms
                    < sync->conf.poll_ms - sync->conf.poll_ms / 4;
    sync->soon = 0;
    sync->busy = 0;

    if (!sync->look) {
        sync->report.polls++;
        sync->full_ms = now_ms;
    }

    sss_sync_meet(sync, servers);

    for (i = 0; i < SSS_SERVERS_MAX; i++) {
        sync->replicas[i].stale = servers ? servers[i].stale : NULL;
        sss_sync_ask(sync, &sync->replicas[i]);
    }

    return 0;
}


sss_exchange_t *
sss_sync_exchange(sss_sync_t *sync, size_t i, uint32_t *id)
{
    *id = sync->replicas[i].id;

    return &sync->replicas[i].exchange;
}


sss_sync_rc_t
sss_sync_step(sss_sync_t *sync)
{
    if (sync->records.raised) {
        sss_sync_void(sync);
    }

    switch (sync->phase) {

    case SSS_SYNC_READING:
        return sss_sync_read(sync);

    case SSS_SYNC_MAKING:
        sss_sync_due(sync);
        return SSS_SYNC_MORE;

    case SSS_SYNC_PUBLISHING:
        return sss_sync_publish(sync);

    case SSS_SYNC_SPREADING:
        return sss_sync_spread(sync);

    case SSS_SYNC_ENDING:
        return sss_sync_end(sync);

    case SSS_SYNC_OVER:
        return SSS_SYNC_DONE;

    default:
        return SSS_SYNC_WAIT;
    }
}


int
sss_sync_take(sss_sync_t *sync, sss_ring_t *ring, sss_group_t *group,
    sss_sync_report_t *report)
{
    if (sync->phase != SSS_SYNC_OVER) {
        return 0;
    }

    sync->phase = SSS_SYNC_IDLE;

    sss_ring_copy(ring, sync->ring);
    sss_ring_wipe(sync->ring);

    *group = sync->admission->group;
    *report = sync->report;
    report->generated = sync->fresh.generated;

    return sync->rc == 0 ? 1 : -1;
}


/*
 * Makes new replicas for places that have another server than before.  Without
 * secrets no server is used.
 */

static void
sss_sync_meet(sss_sync_t *sync, const sss_server_t *servers)
{
    size_t          i;
    uint32_t        id;
    sss_replica_t  *replica;

    for (i = 0; i < SSS_SERVERS_MAX; i++) {

        replica = &sync->replicas[i];
        id = servers && sync->records.conf ? servers[i].id : 0;

        if (replica->id == id) {
            continue;
        }

        sss_replica_destroy(replica);
        memset(&sync->report.server[i], 0, sizeof(sss_server_report_t));

        /* if there is no memory the next poll tries again */

        if (id != 0) {
            (void) sss_replica_create(replica, &sync->records, &servers[i],
                                      &sync->report.server[i]);
        }
    }

    sss_replica_sort(sync->replicas, sync->order);
}


static void
sss_sync_ask(sss_sync_t *sync, sss_replica_t *replica)
{
    replica->stage = SSS_SYNC_FINISHED;

    if (replica->id == 0) {
        return;
    }

    if (!sync->look) {
        sss_replica_ask(replica, sync->now_ms);
        replica->stage = replica->asked ? SSS_SYNC_ASKED : SSS_SYNC_READ;
        return;
    }

    if (replica->up) {
        sss_replica_look(replica);
        replica->stage = SSS_SYNC_ASKED;
    }
}


static sss_sync_rc_t
sss_sync_read(sss_sync_t *sync)
{
    size_t          i;
    unsigned        waiting;
    sss_replica_t  *replica;

    for (i = waiting = 0; i < SSS_SERVERS_MAX; i++) {
        replica = &sync->replicas[i];

        if (replica->stage != SSS_SYNC_ASKED) {
            continue;
        }

        if (sss_sync_waits(sync, replica)) {
            waiting++;
            continue;
        }

        sss_sync_taken(sync, replica);

        return SSS_SYNC_MORE;
    }

    if (waiting) {
        return SSS_SYNC_WAIT;
    }

    if (!sync->look) {
        sss_sync_reached(sync);
    }

    sss_sync_judge(sync);

    return SSS_SYNC_MORE;
}


static void
sss_sync_taken(sss_sync_t *sync, sss_replica_t *replica)
{
    if (sync->look) {
        replica->stage = sss_replica_looked(replica, sync->now_ms)
                         ? SSS_SYNC_VISITING : SSS_SYNC_FINISHED;

    } else if (!sss_replica_take(replica, sync->ring, sync->now_ms)) {
        replica->stage = SSS_SYNC_READ;
    }
}


/*
 * Drops all keys, because a record has shown a higher generation.  If that is
 * after the phase of reading, this host makes a key of its own.
 */

static void
sss_sync_void(sss_sync_t *sync)
{
    size_t  i;

    sync->records.raised = 0;
    sync->report.raised = 1;

    sss_ring_wipe(sync->ring);
    sss_ring_wipe(sync->fresh.ring);
    sss_ring_wipe(sync->aside);

    for (i = 0; i < SSS_SERVERS_MAX; i++) {
        sss_replica_void(&sync->replicas[i]);
    }

    if (sync->phase > SSS_SYNC_READING) {
        sync->rc = sss_fresh_make(&sync->fresh, sync->ring, sync->now_ms);
        sss_fresh_keep(&sync->fresh, sync->ring);

        sync->phase = SSS_SYNC_SPREADING;
        sync->lost = 1;
    }
}


/* All servers were read: decides to which group this host belongs. */

static void
sss_sync_judge(sss_sync_t *sync)
{
    sss_admission_t  *a;

    a = sync->admission;

    if (sync->look) {
        sync->soon = a->joined || sss_admission_late(a, sync->now_ms)
                     || sss_admission_gone(a);
        sync->phase = sync->soon ? SSS_SYNC_OVER : SSS_SYNC_SPREADING;

    } else {

        /* a host that has reached no server stays in its group */

        if (sync->report.reached != 0) {
            sss_admission_decide(a, sync->now_ms);
        }

        sync->soon = a->joined;
        sync->phase = SSS_SYNC_MAKING;
    }

    if (sync->aside->n != 0) {

        if (sync->ring->n == 0) {
            sss_ring_copy(sync->ring, sync->aside);

        } else {
            sync->report.replaced = 1;
        }

        sss_ring_wipe(sync->aside);
    }

    if (sss_admission_waits(a)) {
        sss_sync_ask_in(sync);
    }

    if (sync->phase == SSS_SYNC_OVER) {
        sss_sync_report_group(sync);
    }
}


/* Asks at all servers that have the group's label: members read the doors. */

static void
sss_sync_ask_in(sss_sync_t *sync)
{
    size_t            i;
    sss_replica_t    *replica;
    sss_admission_t  *a;

    a = sync->admission;

    for (i = 0; i < SSS_SERVERS_MAX; i++) {
        replica = &sync->replicas[i];

        if (replica->id == 0 || !replica->up
            || !sss_label_same(&replica->seen, &a->join.group))
        {
            continue;
        }

        sss_door_ask(&replica->door, a);
    }
}


static void
sss_sync_reached(sss_sync_t *sync)
{
    size_t          i;
    unsigned        company, foreign, mixed;
    sss_replica_t  *replica;

    company = 0;
    foreign = 0;
    mixed = 0;
    sync->report.reached = 0;

    for (i = 0; i < SSS_SERVERS_MAX; i++) {
        replica = &sync->replicas[i];

        if (replica->up) {
            company |= replica->view.company;
            foreign |= replica->view.foreign;
            mixed |= replica->mixed;
            sync->report.reached++;
        }
    }

    /* while no server answers, what was last seen is reported */

    if (sync->report.reached != 0) {
        sync->report.company = company & 1;
        sync->report.foreign = foreign & 1;
        sync->report.mixed = mixed & 1;
    }
}


static void
sss_sync_due(sss_sync_t *sync)
{
    sync->rc = sss_fresh_make(&sync->fresh, sync->ring, sync->now_ms);

    sync->phase = sync->fresh.ring->n != 0 ? SSS_SYNC_PUBLISHING
                                      : SSS_SYNC_SPREADING;

    /* this poll could not open the ring of the new group: the next one does */

    if (sync->admission->joined) {
        sss_fresh_keep(&sync->fresh, sync->ring);

        sync->turn = 0;
        sync->phase = SSS_SYNC_ENDING;
    }
}


/*
 * Hosts that have made keys at the same time offer them to the same server
 * first.  One of them writes first, and the others take its keys.
 */

static sss_sync_rc_t
sss_sync_publish(sss_sync_t *sync)
{
    sss_replica_t  *replica;

    if (sync->turn == SSS_SERVERS_MAX) {

        if (sync->up && sync->admission->group.member) {
            sss_fresh_settle(&sync->fresh, sync->ring, sync->now_ms);

        } else {
            sss_fresh_keep(&sync->fresh, sync->ring);
        }

        sync->phase = SSS_SYNC_SPREADING;

        return SSS_SYNC_MORE;
    }

    replica = &sync->replicas[sync->order[sync->turn]];

    if (sss_sync_waits(sync, replica)) {
        return SSS_SYNC_WAIT;
    }

    if (sss_sync_offer(sync, replica)) {
        sync->phase = SSS_SYNC_SPREADING;
    }

    return SSS_SYNC_MORE;
}


/* Offers the new keys.  Returns 1 when none is left to be offered, else 0. */

static int
sss_sync_offer(sss_sync_t *sync, sss_replica_t *replica)
{
    sss_exchange_rc_t  rc;

    switch (replica->stage) {

    case SSS_SYNC_WRITING:

        replica->stage = SSS_SYNC_READ;

        rc = sss_replica_written(replica);

        if (rc == SSS_EXCHANGE_OK) {
            sss_fresh_keep(&sync->fresh, sync->ring);
            return 1;
        }

        if (rc == SSS_EXCHANGE_CONFLICT) {
            sss_replica_ask_again(replica);
            replica->stage = SSS_SYNC_REREADING;
            return 0;
        }

        break;

    case SSS_SYNC_REREADING:

        if (sss_replica_take_again(replica, sync->ring, sync->now_ms)) {
            return 0;
        }

        replica->stage = SSS_SYNC_READ;

        if (!replica->up) {
            break;
        }

        sss_fresh_drop(&sync->fresh, sync->ring);

        return sync->fresh.ring->n == 0;

    case SSS_SYNC_SEALING:

        if (sss_replica_write(replica, sync->now_ms) == 0) {
            replica->stage = SSS_SYNC_WRITING;
            return 0;
        }

        replica->stage = SSS_SYNC_READ;
        break;

    default:

        if (sss_sync_may_write(sync, replica)) {
            sss_replica_prepare(replica, sync->ring, sync->fresh.ring,
                                sync->now_ms);
            replica->stage = SSS_SYNC_SEALING;
            return 0;
        }
    }

    sss_sync_pass(sync, replica);

    return 0;
}


/* This server has not taken the keys: the next one is offered them. */

static void
sss_sync_pass(sss_sync_t *sync, sss_replica_t *replica)
{
    sync->up |= replica->up;
    sync->turn++;

    replica->tries = 0;
}


static sss_sync_rc_t
sss_sync_spread(sss_sync_t *sync)
{
    size_t          i;
    unsigned        waiting;
    sss_replica_t  *replica;

    for (i = waiting = 0; i < SSS_SERVERS_MAX; i++) {
        replica = &sync->replicas[i];

        if (replica->stage == SSS_SYNC_FINISHED) {
            continue;
        }

        if (sss_sync_waits(sync, replica)) {
            waiting++;
            continue;
        }

        if (replica->stage < SSS_SYNC_VISITING) {
            sss_sync_mend(sync, replica);

        } else if (replica->stage == SSS_SYNC_VISITING) {
            sss_sync_visit(sync, replica);

        } else {
            sss_sync_greet(replica);
        }

        return SSS_SYNC_MORE;
    }

    if (waiting) {
        return SSS_SYNC_WAIT;
    }

    sync->turn = 0;
    sync->phase = SSS_SYNC_ENDING;

    return SSS_SYNC_MORE;
}


static void
sss_sync_mend(sss_sync_t *sync, sss_replica_t *replica)
{
    switch (replica->stage) {

    case SSS_SYNC_WRITING:
        if (sss_replica_written(replica) == SSS_EXCHANGE_CONFLICT) {
            sss_replica_ask_again(replica);
            replica->stage = SSS_SYNC_REREADING;
            return;
        }

        break;

    case SSS_SYNC_REREADING:
        if (!sss_replica_take_again(replica, sync->ring, sync->now_ms)) {
            replica->stage = SSS_SYNC_READ;
        }

        return;

    case SSS_SYNC_SEALING:
        if (sss_replica_write(replica, sync->now_ms) == 0) {
            replica->stage = SSS_SYNC_WRITING;
            return;
        }

        break;

    default:
        if (sss_sync_may_write(sync, replica)
            && !sss_replica_whole(replica, sync->ring))
        {
            sss_replica_prepare(replica, sync->ring, NULL, sync->now_ms);
            replica->stage = SSS_SYNC_SEALING;
            return;
        }
    }

    replica->stage = SSS_SYNC_VISITING;

    sss_sync_visit(sync, replica);
}


static int
sss_sync_may_write(sss_sync_t *sync, const sss_replica_t *replica)
{
    if (!replica->up || replica->tries >= SSS_SYNC_TRIES
        || sss_sync_late(sync))
    {
        return 0;
    }

    if (sss_replica_may_write(replica, sync->now_ms)) {
        return 1;
    }

    /* the record has become one of a group that wins over this host's */

    if (sync->admission->group.member && !sss_admission_waits(sync->admission))
    {
        sync->lost = 1;
    }

    return 0;
}


static void
sss_sync_visit(sss_sync_t *sync, sss_replica_t *replica)
{
    if (replica->exchange.state == SSS_EXCHANGE_DONE) {
        sss_replica_door_written(replica, sync->now_ms);
    }

    if (replica->up && sss_replica_door(replica)) {
        return;
    }

    if (sync->look) {
        replica->stage = SSS_SYNC_FINISHED;
        return;
    }

    replica->stage = SSS_SYNC_SHOWING;

    if (!replica->up || !sss_replica_show(replica, sync->now_ms)) {
        sss_sync_greet(replica);
    }
}


static void
sss_sync_greet(sss_replica_t *replica)
{
    struct timespec  ts;

    if (replica->stage == SSS_SYNC_SHOWING) {

        if (replica->exchange.state == SSS_EXCHANGE_DONE) {
            sss_replica_shown(replica);
        }

        replica->stage = SSS_SYNC_CLOCKING;

        if (replica->up && sss_replica_clock(replica, sss_request_clock())) {
            return;
        }
    }

    if (replica->exchange.state == SSS_EXCHANGE_DONE) {
        clock_gettime(CLOCK_REALTIME, &ts);
        sss_replica_clocked(replica, (uint64_t) ts.tv_sec);
    }

    replica->stage = SSS_SYNC_FINISHED;
}


/* One server at each step, since comparing two full rings takes a while. */

static sss_sync_rc_t
sss_sync_end(sss_sync_t *sync)
{
    sss_replica_t  *replica;

    while (sync->turn < SSS_SERVERS_MAX) {

        replica = &sync->replicas[sync->turn++];

        if (replica->id != 0 && replica->asked && !sync->look) {
            replica->report->whole = replica->report->state == SSS_SERVER_UP
                                     && sss_replica_whole(replica,
                                                          sync->ring);
            return SSS_SYNC_MORE;
        }
    }

    sss_sync_report_group(sync);

    sync->phase = SSS_SYNC_OVER;

    return SSS_SYNC_DONE;
}


static void
sss_sync_report_group(sss_sync_t *sync)
{
    sss_admission_t    *a;
    sss_sync_report_t  *report;

    a = sync->admission;
    report = &sync->report;

    report->waits = sss_admission_waits(a) & 1;
    report->waits_ms = a->left_ms;
    report->other = a->join.group;
    report->joins = a->counts;

    sync->busy = a->busy;

    report->again_ms = sync->soon ? 1
                       : sss_admission_again(a, sync->lost, sync->now_ms);
}


/* 1 if a replica waits for its server, or for another one's record. */

static int
sss_sync_waits(const sss_sync_t *sync, const sss_replica_t *replica)
{
    if (sync->records.busy != NULL) {
        return sync->records.busy != replica;
    }

    return replica->exchange.state == SSS_EXCHANGE_WANTED
           || replica->exchange.state == SSS_EXCHANGE_ASKED;
}


static int
sss_sync_late(const sss_sync_t *sync)
{
    return sss_request_clock() >= sync->until;
}
