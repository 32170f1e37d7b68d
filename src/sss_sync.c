
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/rand.h>

#include "sss_memory.h"
#include "sss_replica.h"
#include "sss_sync.h"


#define SSS_SYNC_TRIES     4            /* writes lost to other hosts      */
#define SSS_SYNC_FRESH     2            /* keys due at once                */


typedef enum {
    SSS_SYNC_IDLE = 0,
    SSS_SYNC_READING,           /* every server's records                  */
    SSS_SYNC_MAKING,            /* the keys that are due                   */
    SSS_SYNC_PUBLISHING,        /* those, on one server after the other    */
    SSS_SYNC_SPREADING,         /* all keys, on all servers                */
    SSS_SYNC_OVER
} sss_sync_phase_t;


/* What a replica does in a poll; it goes from one to the next. */

typedef enum {
    SSS_SYNC_ASKED = 0,         /* reads                                   */
    SSS_SYNC_READ,              /* has been read, or failed                */
    SSS_SYNC_WRITING,
    SSS_SYNC_REREADING,         /* after a conflict                        */
    SSS_SYNC_SHOWING,           /* this host, in the presence record       */
    SSS_SYNC_CLOCKING,
    SSS_SYNC_FINISHED
} sss_sync_stage_t;


struct sss_sync_s {
    sss_sync_conf_t     conf;
    sss_sync_report_t   report;
    sss_records_t       records;
    sss_replica_t       replicas[SSS_SERVERS_MAX];
    sss_ring_t         *ring;           /* of this poll                    */
    sss_ring_t         *fresh;          /* made, but not in a ring yet     */
    uint64_t            slot;           /* which "ahead" was chosen for    */
    uint64_t            ahead;          /* ms from the beginning of a slot
                                           until the next one's key is due */

    sss_sync_phase_t    phase;
    int                 rc;             /* of the poll: 0, or -1           */
    uint64_t            now_ms;         /* when it began                   */
    uint64_t            until;          /* when patience with servers ends */
    size_t              turn;           /* the server that is offered keys */
    size_t              order[SSS_SERVERS_MAX];     /* in which they are   */
    unsigned            up;             /* 1: one was, and still answers   */
};


static void sss_sync_meet(sss_sync_t *sync, const sss_server_t *servers);
static void sss_sync_sort(sss_sync_t *sync);
static int sss_sync_draw(sss_sync_t *sync, uint64_t slot);
static sss_sync_rc_t sss_sync_read(sss_sync_t *sync);
static void sss_sync_reached(sss_sync_t *sync);
static void sss_sync_due(sss_sync_t *sync);
static void sss_sync_raise(const sss_sync_t *sync, sss_ring_t *ring);
static int sss_sync_make(sss_sync_t *sync, const sss_ring_t *ring,
    uint64_t now_ms);
static int sss_sync_key(sss_sync_t *sync, const sss_ring_t *ring,
    uint64_t slot, uint64_t now_ms);
static sss_sync_rc_t sss_sync_publish(sss_sync_t *sync);
static int sss_sync_offer(sss_sync_t *sync, sss_replica_t *replica);
static void sss_sync_pass(sss_sync_t *sync, sss_replica_t *replica);
static void sss_sync_settle(sss_sync_t *sync);
static void sss_sync_drop(sss_sync_t *sync, const sss_ring_t *ring);
static void sss_sync_keep(sss_sync_t *sync, sss_ring_t *ring);
static sss_sync_rc_t sss_sync_spread(sss_sync_t *sync);
static void sss_sync_mend(sss_sync_t *sync, sss_replica_t *replica);
static void sss_sync_greet(sss_replica_t *replica);
static void sss_sync_end(sss_sync_t *sync);
static int sss_sync_waits(const sss_replica_t *replica);
static int sss_sync_late(const sss_sync_t *sync);
static uint64_t sss_sync_clock(void);


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
    sync->ring = sss_ring_create(conf->capacity);
    sync->fresh = sss_ring_create(SSS_SYNC_FRESH);

    if (sync->ring == NULL || sync->fresh == NULL
        || sss_sync_draw(sync, 0) != 0
        || (conf->secrets != NULL && conf->secrets->n != 0
            && sss_records_create(&sync->records, &sync->conf) != 0))
    {
        sss_sync_destroy(sync);
        return NULL;
    }

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
    sss_ring_destroy(sync->fresh);
    free(sync);
}


int
sss_sync_begin(sss_sync_t *sync, const sss_server_t *servers,
    const sss_ring_t *ring, uint64_t now_ms)
{
    size_t          i;
    sss_replica_t  *replica;

    if (sync->phase != SSS_SYNC_IDLE) {
        return -1;
    }

    sync->phase = SSS_SYNC_READING;
    sync->rc = 0;
    sync->now_ms = now_ms;
    sync->until = sss_sync_clock() + (uint64_t) sync->conf.patience_ms * 1000;
    sync->turn = 0;
    sync->up = 0;
    sync->report.polls++;

    sss_ring_copy(sync->ring, ring);
    sss_sync_meet(sync, servers);

    for (i = 0; i < SSS_SERVERS_MAX; i++) {
        replica = &sync->replicas[i];
        replica->stage = SSS_SYNC_FINISHED;

        if (replica->id != 0) {
            sss_replica_ask(replica);
            replica->stage = replica->asked ? SSS_SYNC_ASKED : SSS_SYNC_READ;
        }
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

    case SSS_SYNC_OVER:
        return SSS_SYNC_DONE;

    default:
        return SSS_SYNC_WAIT;
    }
}


int
sss_sync_take(sss_sync_t *sync, sss_ring_t *ring, sss_sync_report_t *report)
{
    if (sync->phase != SSS_SYNC_OVER) {
        return 0;
    }

    sync->phase = SSS_SYNC_IDLE;

    sss_ring_copy(ring, sync->ring);
    sss_ring_wipe(sync->ring);

    *report = sync->report;

    return sync->rc == 0 ? 1 : -1;
}


/*
 * Who has another server in its place begins anew.  Without secrets there is
 * nothing to be said to any server.
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

        /* without memory it is tried again at the next poll */

        if (id != 0) {
            (void) sss_replica_create(replica, &sync->records, &servers[i],
                                      &sync->report.server[i]);
        }
    }

    sss_sync_sort(sync);
}


/* By address, so that hosts that know the same servers begin with the same. */

static void
sss_sync_sort(sss_sync_t *sync)
{
    size_t  i, k, *order;

    order = sync->order;

    for (i = 0; i < SSS_SERVERS_MAX; i++) {

        for (k = i; k > 0 && strcmp(sync->replicas[order[k - 1]].where,
                                    sync->replicas[i].where)
                             > 0; k--)
        {
            order[k] = order[k - 1];
        }

        order[k] = i;
    }
}


/*
 * The next slot's key is due somewhere between a half and five eighths of a
 * slot, so that of many hosts one is first.
 */

static int
sss_sync_draw(sss_sync_t *sync, uint64_t slot)
{
    uint32_t  jitter;
    uint64_t  rotation_ms;

    if (RAND_bytes((unsigned char *) &jitter, sizeof(jitter)) != 1) {
        return -1;
    }

    rotation_ms = (uint64_t) sync->conf.rotation * 1000;

    sync->slot = slot;
    sync->ahead = rotation_ms / 2 + jitter % (rotation_ms / 8 + 1);

    return 0;
}


static sss_sync_rc_t
sss_sync_read(sss_sync_t *sync)
{
    size_t          i;
    unsigned        waiting;
    sss_replica_t  *replica;

    waiting = 0;

    for (i = 0; i < SSS_SERVERS_MAX; i++) {
        replica = &sync->replicas[i];

        if (replica->stage != SSS_SYNC_ASKED) {
            continue;
        }

        if (sss_sync_waits(replica)) {
            waiting++;
            continue;
        }

        if (!sss_replica_take(replica, sync->ring, sync->now_ms)) {
            replica->stage = SSS_SYNC_READ;
        }

        return SSS_SYNC_MORE;
    }

    if (waiting) {
        return SSS_SYNC_WAIT;
    }

    sss_sync_reached(sync);

    sync->phase = SSS_SYNC_MAKING;

    return SSS_SYNC_MORE;
}


static void
sss_sync_reached(sss_sync_t *sync)
{
    size_t          i;
    unsigned        company, foreign;
    sss_replica_t  *replica;

    company = 0;
    foreign = 0;
    sync->report.reached = 0;

    for (i = 0; i < SSS_SERVERS_MAX; i++) {
        replica = &sync->replicas[i];

        if (replica->up) {
            company |= replica->view.company;
            foreign |= replica->view.foreign;
            sync->report.reached++;
        }
    }

    /* what was seen last holds while nobody can be asked */

    if (sync->report.reached != 0) {
        sync->report.company = company & 1;
        sync->report.foreign = foreign & 1;
    }
}


static void
sss_sync_due(sss_sync_t *sync)
{
    (void) sss_ring_expire(sync->ring, sync->now_ms);
    sss_sync_raise(sync, sync->ring);

    sync->rc = sss_sync_make(sync, sync->ring, sync->now_ms);

    sync->phase = sync->fresh->n != 0 ? SSS_SYNC_PUBLISHING
                                      : SSS_SYNC_SPREADING;
}


/* The longest session timeout of all hosts decides how long keys live. */

static void
sss_sync_raise(const sss_sync_t *sync, sss_ring_t *ring)
{
    uint32_t    i;
    uint64_t    expires;
    sss_key_t  *key;

    for (i = 0; i < ring->n; i++) {
        key = &ring->keys[i];

        expires = sss_key_expiry(key->rotation, key->slot,
                                 sync->conf.retention);

        if (expires > key->expires) {
            key->expires = expires;
        }
    }
}


static int
sss_sync_make(sss_sync_t *sync, const sss_ring_t *ring, uint64_t now_ms)
{
    uint64_t  slot, start_ms;

    slot = sss_slot(sync->conf.rotation, now_ms);
    start_ms = slot * sync->conf.rotation * 1000;

    if (slot != sync->slot) {
        (void) sss_sync_draw(sync, slot);
    }

    if (sss_sync_key(sync, ring, slot, now_ms) != 0) {
        return -1;
    }

    if (now_ms - start_ms >= sync->ahead) {
        (void) sss_sync_key(sync, ring, slot + 1, now_ms);
    }

    return 0;
}


static int
sss_sync_key(sss_sync_t *sync, const sss_ring_t *ring, uint64_t slot,
    uint64_t now_ms)
{
    int        rc;
    sss_key_t  key;

    if (sss_ring_slot(ring, sync->conf.rotation, slot) != NULL) {
        return 0;
    }

    rc = sss_key_generate(&key, sync->conf.rotation, slot, now_ms,
                          sync->conf.retention);
    if (rc == 0) {
        (void) sss_ring_add(sync->fresh, &key);
    }

    sss_memory_wipe(&key, sizeof(sss_key_t));

    return rc;
}


/*
 * Hosts that make a key at the same time meet at the first server that they
 * reach: one of them writes first, and the others take his key.
 */

static sss_sync_rc_t
sss_sync_publish(sss_sync_t *sync)
{
    sss_replica_t  *replica;

    while (sync->turn < SSS_SERVERS_MAX) {

        replica = &sync->replicas[sync->order[sync->turn]];

        if (sss_sync_waits(replica)) {
            return SSS_SYNC_WAIT;
        }

        if (sss_sync_offer(sync, replica)) {
            sync->phase = SSS_SYNC_SPREADING;
            return SSS_SYNC_MORE;
        }
    }

    sss_sync_settle(sync);

    sync->phase = SSS_SYNC_SPREADING;

    return SSS_SYNC_MORE;
}


/* Returns 1 if the question is settled, 0 if there is more to be done. */

static int
sss_sync_offer(sss_sync_t *sync, sss_replica_t *replica)
{
    sss_exchange_rc_t  rc;

    switch (replica->stage) {

    case SSS_SYNC_WRITING:

        replica->stage = SSS_SYNC_READ;

        rc = sss_replica_written(replica);

        if (rc == SSS_EXCHANGE_OK) {
            sss_sync_keep(sync, sync->ring);
            return 1;
        }

        if (rc == SSS_EXCHANGE_CONFLICT) {
            sss_replica_ask_again(replica);
            replica->stage = SSS_SYNC_REREADING;
            return 0;
        }

        break;

    case SSS_SYNC_REREADING:

        replica->stage = SSS_SYNC_READ;

        if (!sss_replica_take_again(replica, sync->ring, sync->now_ms)) {
            break;
        }

        sss_sync_drop(sync, sync->ring);

        if (sync->fresh->n == 0) {
            return 1;
        }

        /* fall through */

    default:

        if (replica->up && replica->tries < SSS_SYNC_TRIES
            && !sss_sync_late(sync)
            && sss_replica_write(replica, sync->ring, sync->fresh,
                                 sync->now_ms)
               == 0)
        {
            replica->stage = SSS_SYNC_WRITING;
            return 0;
        }
    }

    sss_sync_pass(sync, replica);

    return 0;
}


/* This server does not help: the next one. */

static void
sss_sync_pass(sss_sync_t *sync, sss_replica_t *replica)
{
    sync->up |= replica->up;
    sync->turn++;

    replica->tries = 0;
}


static void
sss_sync_settle(sss_sync_t *sync)
{
    const sss_key_t  *key;

    if (!sync->up) {
        sss_sync_keep(sync, sync->ring);
        return;
    }

    /* every try was lost: without a key of this slot one cannot go on */

    key = sss_ring_slot(sync->fresh, sync->conf.rotation,
                        sss_slot(sync->conf.rotation, sync->now_ms));

    if (key != NULL && sss_ring_add(sync->ring, key)) {
        sync->report.generated++;
    }

    sss_ring_wipe(sync->fresh);
}


/* Forgets fresh keys of slots that have one meanwhile. */

static void
sss_sync_drop(sss_sync_t *sync, const sss_ring_t *ring)
{
    uint32_t          i;
    sss_key_t         kept[SSS_SYNC_FRESH];
    uint32_t          n;
    const sss_key_t  *key;

    n = 0;

    for (i = 0; i < sync->fresh->n; i++) {
        key = &sync->fresh->keys[i];

        if (sss_ring_slot(ring, key->rotation, key->slot) == NULL) {
            kept[n++] = *key;
        }
    }

    sss_ring_wipe(sync->fresh);

    for (i = 0; i < n; i++) {
        (void) sss_ring_add(sync->fresh, &kept[i]);
    }

    sss_memory_wipe(kept, sizeof(kept));
}


static void
sss_sync_keep(sss_sync_t *sync, sss_ring_t *ring)
{
    sync->report.generated += sss_ring_merge(ring, sync->fresh);

    sss_ring_wipe(sync->fresh);
}


static sss_sync_rc_t
sss_sync_spread(sss_sync_t *sync)
{
    size_t          i;
    unsigned        waiting;
    sss_replica_t  *replica;

    waiting = 0;

    for (i = 0; i < SSS_SERVERS_MAX; i++) {
        replica = &sync->replicas[i];

        if (replica->stage == SSS_SYNC_FINISHED) {
            continue;
        }

        if (sss_sync_waits(replica)) {
            waiting++;
            continue;
        }

        if (replica->stage < SSS_SYNC_SHOWING) {
            sss_sync_mend(sync, replica);

        } else {
            sss_sync_greet(replica);
        }

        return SSS_SYNC_MORE;
    }

    if (waiting) {
        return SSS_SYNC_WAIT;
    }

    sss_sync_end(sync);

    return SSS_SYNC_DONE;
}


static void
sss_sync_mend(sss_sync_t *sync, sss_replica_t *replica)
{
    unsigned  stage;

    stage = replica->stage;
    replica->stage = SSS_SYNC_READ;

    if (stage == SSS_SYNC_WRITING) {

        if (sss_replica_written(replica) == SSS_EXCHANGE_CONFLICT) {
            sss_replica_ask_again(replica);
            replica->stage = SSS_SYNC_REREADING;
            return;
        }

        goto done;
    }

    if (stage == SSS_SYNC_REREADING
        && !sss_replica_take_again(replica, sync->ring, sync->now_ms))
    {
        goto done;
    }

    if (replica->up && replica->tries < SSS_SYNC_TRIES
        && !sss_sync_late(sync) && !sss_replica_whole(replica, sync->ring)
        && sss_replica_write(replica, sync->ring, NULL, sync->now_ms) == 0)
    {
        replica->stage = SSS_SYNC_WRITING;
        return;
    }

done:

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

        if (replica->up && sss_replica_clock(replica, sss_sync_clock())) {
            return;
        }
    }

    if (replica->exchange.state == SSS_EXCHANGE_DONE) {
        clock_gettime(CLOCK_REALTIME, &ts);
        sss_replica_clocked(replica, (uint64_t) ts.tv_sec);
    }

    replica->stage = SSS_SYNC_FINISHED;
}


static void
sss_sync_end(sss_sync_t *sync)
{
    size_t          i;
    sss_replica_t  *replica;

    for (i = 0; i < SSS_SERVERS_MAX; i++) {
        replica = &sync->replicas[i];

        if (replica->id != 0 && replica->asked) {
            replica->report->whole = replica->report->state == SSS_SERVER_UP
                                     && sss_replica_whole(replica,
                                                          sync->ring);
        }
    }

    sync->phase = SSS_SYNC_OVER;
}


static int
sss_sync_waits(const sss_replica_t *replica)
{
    return replica->exchange.state == SSS_EXCHANGE_WANTED
           || replica->exchange.state == SSS_EXCHANGE_ASKED;
}


static int
sss_sync_late(const sss_sync_t *sync)
{
    return sss_sync_clock() >= sync->until;
}


static uint64_t
sss_sync_clock(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + (uint64_t) ts.tv_nsec / 1000;
}
