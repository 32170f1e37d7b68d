
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/rand.h>

#include "sss_memory.h"
#include "sss_replica.h"
#include "sss_sync.h"


#define SSS_SYNC_TRIES     4            /* writes lost to other hosts      */
#define SSS_SYNC_PATIENCE  6            /* timeouts before a poll puts off
                                           what can wait                   */
#define SSS_SYNC_FRESH     2            /* keys due at once                */


struct sss_sync_s {
    sss_sync_conf_t     conf;
    sss_sync_report_t   report;
    sss_records_t       records;
    sss_replica_t       replicas[SSS_SERVERS_MAX];
    sss_ring_t         *fresh;          /* made, but not in a ring yet     */
    uint64_t            slot;           /* which "ahead" was chosen for    */
    uint64_t            ahead;          /* ms from the beginning of a slot
                                           until the next one's key is due */
    uint64_t            until;          /* when patience with servers ends */
};


static int sss_sync_connect(sss_sync_t *sync);
static int sss_sync_draw(sss_sync_t *sync, uint64_t slot);
static void sss_sync_read(sss_sync_t *sync, sss_ring_t *ring,
    uint64_t now_ms);
static void sss_sync_raise(const sss_sync_t *sync, sss_ring_t *ring);
static int sss_sync_make(sss_sync_t *sync, const sss_ring_t *ring,
    uint64_t now_ms);
static int sss_sync_key(sss_sync_t *sync, const sss_ring_t *ring,
    uint64_t slot, uint64_t now_ms);
static void sss_sync_publish(sss_sync_t *sync, sss_ring_t *ring,
    uint64_t now_ms);
static int sss_sync_offer(sss_sync_t *sync, sss_replica_t *replica,
    sss_ring_t *ring, uint64_t now_ms);
static void sss_sync_drop(sss_sync_t *sync, const sss_ring_t *ring);
static void sss_sync_keep(sss_sync_t *sync, sss_ring_t *ring);
static void sss_sync_spread(sss_sync_t *sync, sss_ring_t *ring,
    uint64_t now_ms);
static void sss_sync_mend(sss_sync_t *sync, sss_replica_t *replica,
    sss_ring_t *ring, uint64_t now_ms);
static int sss_sync_late(const sss_sync_t *sync);
static uint64_t sss_sync_clock(void);


sss_sync_t *
sss_sync_create(const sss_sync_conf_t *conf)
{
    sss_sync_t  *sync;

    if (conf->n_servers > SSS_SERVERS_MAX || conf->ns_len > SSS_NAMESPACE_MAX
        || conf->rotation == 0)
    {
        return NULL;
    }

    sync = calloc(1, sizeof(sss_sync_t));
    if (sync == NULL) {
        return NULL;
    }

    sync->conf = *conf;

    sync->fresh = sss_memory_alloc(sss_ring_size(SSS_SYNC_FRESH));
    if (sync->fresh == NULL) {
        goto failed;
    }

    sss_ring_init(sync->fresh, SSS_SYNC_FRESH);

    if (sss_sync_draw(sync, 0) != 0) {
        goto failed;
    }

    if (conf->n_servers != 0 && sss_sync_connect(sync) != 0) {
        goto failed;
    }

    return sync;

failed:

    sss_sync_destroy(sync);

    return NULL;
}


void
sss_sync_destroy(sss_sync_t *sync)
{
    size_t  i;

    if (sync == NULL) {
        return;
    }

    for (i = 0; i < sync->conf.n_servers; i++) {
        sss_replica_destroy(&sync->replicas[i]);
    }

    sss_records_destroy(&sync->records);

    if (sync->fresh != NULL) {
        sss_memory_free(sync->fresh, sss_ring_size(SSS_SYNC_FRESH));
    }

    free(sync);
}


void
sss_sync_cancel(sss_sync_t *sync)
{
    atomic_store(&sync->records.cancelled, 1);
}


int
sss_sync_poll(sss_sync_t *sync, sss_ring_t *ring, uint64_t now_ms,
    sss_sync_report_t *report)
{
    int     rc;
    size_t  i;

    sync->report.polls++;
    sync->until = sss_sync_clock()
                  + (uint64_t) sync->conf.timeout_ms * SSS_SYNC_PATIENCE;

    sss_sync_read(sync, ring, now_ms);

    if (atomic_load(&sync->records.cancelled)) {
        return -1;
    }

    (void) sss_ring_expire(ring, now_ms);
    sss_sync_raise(sync, ring);

    rc = sss_sync_make(sync, ring, now_ms);

    if (sync->fresh->n != 0) {
        sss_sync_publish(sync, ring, now_ms);
    }

    sss_sync_spread(sync, ring, now_ms);

    for (i = 0; i < sync->conf.n_servers; i++) {
        if (!sss_sync_late(sync)) {
            sss_replica_greet(&sync->replicas[i], now_ms);
        }
    }

    *report = sync->report;

    return rc;
}


static int
sss_sync_connect(sss_sync_t *sync)
{
    size_t  i;

    if (sync->conf.secrets == NULL || sync->conf.secrets->n == 0) {
        return -1;
    }

    if (sss_records_create(&sync->records, &sync->conf) != 0) {
        return -1;
    }

    for (i = 0; i < sync->conf.n_servers; i++) {
        if (sss_replica_create(&sync->replicas[i], &sync->records,
                               &sync->conf.servers[i],
                               &sync->report.server[i])
            != 0)
        {
            return -1;
        }
    }

    return 0;
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


static void
sss_sync_read(sss_sync_t *sync, sss_ring_t *ring, uint64_t now_ms)
{
    size_t          i;
    unsigned        company, foreign;
    sss_replica_t  *replica;

    company = 0;
    foreign = 0;
    sync->report.reached = 0;

    for (i = 0; i < sync->conf.n_servers; i++) {
        sss_replica_ask(&sync->replicas[i]);
    }

    for (i = 0; i < sync->conf.n_servers; i++) {
        replica = &sync->replicas[i];

        if (sss_replica_answer(replica, ring, now_ms)) {
            company |= replica->view.company;
            foreign |= replica->view.foreign;
            sync->report.reached++;
        }
    }

    if (sync->report.reached != 0) {
        sync->report.company = company & 1;
        sync->report.foreign = foreign & 1;
    }
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

static void
sss_sync_publish(sss_sync_t *sync, sss_ring_t *ring, uint64_t now_ms)
{
    size_t          i;
    unsigned        up;
    const sss_key_t *key;
    sss_replica_t  *replica;

    up = 0;

    for (i = 0; i < sync->conf.n_servers && sync->fresh->n != 0; i++) {
        replica = &sync->replicas[i];

        if (replica->up && !sss_sync_late(sync)) {

            if (sss_sync_offer(sync, replica, ring, now_ms)) {
                break;
            }

            up |= replica->up;
        }
    }

    if (!up) {
        sss_sync_keep(sync, ring);
        return;
    }

    /* every try was lost: without a key of this slot one cannot go on */

    key = sss_ring_slot(sync->fresh, sync->conf.rotation,
                        sss_slot(sync->conf.rotation, now_ms));

    if (key != NULL && sss_ring_add(ring, key)) {
        sync->report.generated++;
    }

    sss_ring_wipe(sync->fresh);
}


/* Returns 1 if the question is settled, 0 if this server does not help. */

static int
sss_sync_offer(sss_sync_t *sync, sss_replica_t *replica, sss_ring_t *ring,
    uint64_t now_ms)
{
    unsigned        tries;
    sss_store_rc_t  rc;

    for (tries = 0; tries < SSS_SYNC_TRIES; tries++) {

        rc = sss_replica_write(replica, ring, sync->fresh, now_ms);

        if (rc == SSS_STORE_OK) {
            sss_sync_keep(sync, ring);
            return 1;
        }

        if (rc != SSS_STORE_CONFLICT
            || !sss_replica_again(replica, ring, now_ms))
        {
            return 0;
        }

        sss_sync_drop(sync, ring);

        if (sync->fresh->n == 0) {
            return 1;
        }

        if (sss_sync_late(sync)) {
            return 0;
        }
    }

    return 0;
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


static void
sss_sync_spread(sss_sync_t *sync, sss_ring_t *ring, uint64_t now_ms)
{
    size_t          i;
    sss_replica_t  *replica;

    for (i = 0; i < sync->conf.n_servers; i++) {
        sss_sync_mend(sync, &sync->replicas[i], ring, now_ms);
    }

    for (i = 0; i < sync->conf.n_servers; i++) {
        replica = &sync->replicas[i];

        if (replica->asked) {
            replica->report->whole = replica->report->state == SSS_SERVER_UP
                                     && sss_replica_whole(replica, ring);
        }
    }
}


static void
sss_sync_mend(sss_sync_t *sync, sss_replica_t *replica, sss_ring_t *ring,
    uint64_t now_ms)
{
    unsigned        tries;
    sss_store_rc_t  rc;

    for (tries = 0; tries < SSS_SYNC_TRIES; tries++) {

        if (!replica->up || sss_replica_whole(replica, ring)
            || sss_sync_late(sync))
        {
            return;
        }

        rc = sss_replica_write(replica, ring, NULL, now_ms);

        if (rc != SSS_STORE_CONFLICT
            || !sss_replica_again(replica, ring, now_ms))
        {
            return;
        }
    }
}


static int
sss_sync_late(const sss_sync_t *sync)
{
    return atomic_load(&sync->records.cancelled)
           || sss_sync_clock() >= sync->until;
}


static uint64_t
sss_sync_clock(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000 + (uint64_t) ts.tv_nsec / 1000000;
}
