
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sss_memory.h"
#include "sss_replica.h"
#include "sss_ring_codec.h"
#include "sss_seal.h"


#define SSS_REPLICA_CLOCK  30000000     /* microseconds between two looks  */
#define SSS_REPLICA_AHEAD  86400        /* seconds: keys of clocks further
                                           ahead than this are not kept    */


static int sss_records_names(sss_records_t *records);
static int sss_replica_open(sss_replica_t *replica, size_t i,
    sss_ring_t *ring);
static void sss_replica_take(sss_replica_t *replica, size_t i,
    sss_ring_t *ring, uint64_t now_ms);
static void sss_replica_bad(sss_replica_t *replica, size_t i);
static void sss_replica_meet(sss_replica_t *replica, uint64_t now_ms);
static void sss_replica_failed(sss_replica_t *replica);
static void sss_replica_down(sss_replica_t *replica);
static void sss_replica_union(sss_replica_t *replica, const sss_ring_t *ring,
    const sss_ring_t *more, uint64_t now_ms);
static long sss_replica_seal(sss_replica_t *replica);
static void sss_replica_show(sss_replica_t *replica, uint64_t now_ms);
static void sss_replica_time(sss_replica_t *replica);
static void sss_replica_clear(sss_ring_t *ring);
static void sss_replica_forget(sss_ring_t *ring, uint64_t now);
static uint32_t sss_replica_ttl(const sss_ring_t *ring, uint64_t now);


int
sss_records_create(sss_records_t *records, const sss_sync_conf_t *conf)
{
    size_t  i;

    memset(records, 0, sizeof(sss_records_t));

    records->conf = conf;
    records->n_items = conf->secrets->n + 1;
    records->capacity = conf->capacity * 2;
    records->size = sss_ring_encoded_size(records->capacity)
                    + SSS_SEAL_OVERHEAD;

    if (records->size < SSS_PRESENCE_SIZE) {
        records->size = SSS_PRESENCE_SIZE;
    }

    memcpy(records->host, conf->host, sizeof(records->host));

    records->items = calloc(records->n_items, sizeof(sss_store_item_t));
    records->sealed = malloc(records->n_items * records->size);
    records->plain = sss_memory_alloc(records->size);
    records->spare = sss_ring_create(records->capacity);

    if (records->items == NULL || records->sealed == NULL
        || records->plain == NULL || records->spare == NULL
        || sss_records_names(records) != 0)
    {
        sss_records_destroy(records);
        return -1;
    }

    for (i = 0; i < records->n_items; i++) {
        records->items[i].value = records->sealed + i * records->size;
        records->items[i].size = records->size;
    }

    return 0;
}


void
sss_records_destroy(sss_records_t *records)
{
    sss_ring_destroy(records->spare);

    if (records->plain != NULL) {
        sss_memory_free(records->plain, records->size);
    }

    free(records->sealed);
    free(records->items);

    memset(records, 0, sizeof(sss_records_t));
}


int
sss_replica_create(sss_replica_t *replica, sss_records_t *records,
    const sss_address_t *address, sss_server_report_t *report)
{
    memset(replica, 0, sizeof(sss_replica_t));

    replica->records = records;
    replica->report = report;

    replica->ring = sss_ring_create(records->capacity);
    if (replica->ring == NULL) {
        return -1;
    }

    replica->store = sss_store_create(address, records->conf->timeout_ms);
    if (replica->store == NULL) {
        sss_replica_destroy(replica);
        return -1;
    }

    return 0;
}


void
sss_replica_destroy(sss_replica_t *replica)
{
    sss_store_destroy(replica->store);

    sss_ring_destroy(replica->ring);

    memset(replica, 0, sizeof(sss_replica_t));
}


void
sss_replica_ask(sss_replica_t *replica)
{
    replica->asked = 0;
    replica->up = 0;

    if (replica->skip != 0) {
        replica->skip--;
        return;
    }

    replica->asked = 1;
    replica->report->polls++;

    sss_store_ask(replica->store, replica->records->items,
                  replica->records->n_items);
}


int
sss_replica_answer(sss_replica_t *replica, sss_ring_t *ring, uint64_t now_ms)
{
    size_t          i;
    sss_store_rc_t  rc;
    sss_records_t  *records;

    if (!replica->asked) {
        return 0;
    }

    records = replica->records;

    rc = sss_store_answer(replica->store, records->items, records->n_items);

    if (atomic_load(&records->cancelled)) {
        return 0;
    }

    if (rc != SSS_STORE_OK) {
        sss_replica_down(replica);
        return 0;
    }

    replica->up = 1;
    replica->failures = 0;
    replica->report->state = SSS_SERVER_UP;
    replica->report->success_ms = now_ms;
    replica->report->latency_us = sss_store_latency(replica->store);
    replica->report->bad_now = 0;

    for (i = 0; i < records->n_items - 1; i++) {
        sss_replica_take(replica, i, ring, now_ms);
    }

    sss_replica_meet(replica, now_ms);

    return 1;
}


int
sss_replica_again(sss_replica_t *replica, sss_ring_t *ring, uint64_t now_ms)
{
    sss_store_rc_t  rc;

    replica->report->conflicts++;

    rc = sss_store_get(replica->store, replica->records->items, 1);

    if (atomic_load(&replica->records->cancelled)) {
        return 0;
    }

    if (rc != SSS_STORE_OK) {
        sss_replica_failed(replica);
        return 0;
    }

    sss_replica_take(replica, 0, ring, now_ms);

    return 1;
}


int
sss_replica_whole(const sss_replica_t *replica, const sss_ring_t *ring)
{
    return !replica->bad && sss_ring_covers(replica->ring, ring);
}


sss_store_rc_t
sss_replica_write(sss_replica_t *replica, const sss_ring_t *ring,
    const sss_ring_t *more, uint64_t now_ms)
{
    long             len;
    uint32_t         ttl;
    sss_records_t   *records;
    sss_store_rc_t   rc;

    records = replica->records;

    sss_replica_union(replica, ring, more, now_ms);

    ttl = sss_replica_ttl(records->spare, now_ms / 1000);
    len = sss_replica_seal(replica);
    rc = SSS_STORE_FAILED;

    if (len < 0) {
        goto done;
    }

    rc = sss_store_put(replica->store, records->items[0].name, replica->cas,
                       records->sealed, (size_t) len, ttl);

    if (rc == SSS_STORE_OK) {
        sss_ring_copy(replica->ring, records->spare);
        replica->bad = 0;
        replica->report->writes++;
        replica->report->keys = replica->ring->n;
    }

    if (rc == SSS_STORE_FAILED) {
        sss_replica_failed(replica);
    }

done:

    sss_replica_clear(records->spare);

    return rc;
}


void
sss_replica_greet(sss_replica_t *replica, uint64_t now_ms)
{
    if (replica->up && replica->view.refresh) {
        sss_replica_show(replica, now_ms);
    }

    if (replica->up) {
        sss_replica_time(replica);
    }
}


static int
sss_records_names(sss_records_t *records)
{
    size_t                  i;
    const sss_sync_conf_t  *conf;

    conf = records->conf;

    for (i = 0; i < conf->secrets->n; i++) {

        if (sss_secret_record_name(conf->secrets->value[i], "ring", conf->ns,
                                   conf->ns_len, records->items[i].name)
            != 0
            || sss_secret_tag(conf->secrets->value[i], records->tags[i]) != 0)
        {
            return -1;
        }
    }

    return sss_presence_name(conf->ns, conf->ns_len, records->items[i].name);
}


/* Opens the record of secret i into an empty ring.  Returns 0, or -1. */

static int
sss_replica_open(sss_replica_t *replica, size_t i, sss_ring_t *ring)
{
    int                     rc;
    long                    len;
    sss_records_t          *records;
    const sss_store_item_t  *item;

    records = replica->records;
    item = &records->items[i];

    if (item->len > item->size) {
        return -1;
    }

    len = sss_unseal(records->conf->secrets->value[i], SSS_SEAL_RING,
                     records->conf->ns, records->conf->ns_len, item->value,
                     item->len, records->plain);
    if (len < 0) {
        return -1;
    }

    rc = sss_ring_decode(ring, records->plain, (size_t) len);

    sss_memory_wipe(records->plain, (size_t) len);

    return rc;
}


static void
sss_replica_take(sss_replica_t *replica, size_t i, sss_ring_t *ring,
    uint64_t now_ms)
{
    int                      bad;
    sss_ring_t              *spare;
    const sss_store_item_t  *item;

    bad = 0;
    item = &replica->records->items[i];
    spare = replica->records->spare;

    if (item->found) {
        bad = (sss_replica_open(replica, i, spare) != 0);
    }

    if (bad) {
        sss_replica_bad(replica, i);

    } else {
        replica->bad_cas[i] = 0;
    }

    if (i == 0) {
        replica->bad = (unsigned) bad;
        replica->cas = item->cas;
        replica->report->keys = spare->n;

        sss_ring_copy(replica->ring, spare);
    }

    (void) sss_ring_expire(spare, now_ms);
    (void) sss_ring_merge(ring, spare);

    sss_replica_clear(spare);
}


/* A record that stays is counted once. */

static void
sss_replica_bad(sss_replica_t *replica, size_t i)
{
    uint64_t  cas;

    cas = replica->records->items[i].cas;

    if (replica->bad_cas[i] != cas) {
        replica->bad_cas[i] = cas;
        replica->report->bad_records++;
    }

    replica->report->bad_now = 1;
}


static void
sss_replica_meet(sss_replica_t *replica, uint64_t now_ms)
{
    int                      rc;
    size_t                   i;
    sss_records_t           *records;
    const sss_store_item_t  *item;

    records = replica->records;
    i = records->n_items - 1;
    item = &records->items[i];

    rc = 0;
    replica->presence.n = 0;
    replica->presence_cas = item->cas;

    if (item->found) {
        rc = item->len > item->size ? -1
             : sss_presence_decode(&replica->presence, item->value,
                                   item->len);
    }

    if (rc == 0) {
        replica->bad_cas[i] = 0;

    } else {
        replica->presence.n = 0;
        sss_replica_bad(replica, i);
    }

    replica->view = sss_presence_view(&replica->presence, records->tags[0],
                                      records->n_items - 1, records->host,
                                      (uint32_t) (now_ms / 1000));
}


static void
sss_replica_failed(sss_replica_t *replica)
{
    replica->up = 0;
    replica->report->errors++;

    snprintf(replica->report->error, sizeof(replica->report->error), "%s",
             sss_store_error(replica->store));
}


static void
sss_replica_down(sss_replica_t *replica)
{
    replica->report->state = SSS_SERVER_DOWN;
    replica->report->whole = 0;
    replica->failures++;
    replica->skip = replica->failures > 2 ? 4 : replica->failures;

    sss_replica_failed(replica);
}


/*
 * Keys from the future stay: to drop what another host with another clock
 * will put back means to quarrel with it at every poll.
 */

static void
sss_replica_union(sss_replica_t *replica, const sss_ring_t *ring,
    const sss_ring_t *more, uint64_t now_ms)
{
    sss_ring_t  *spare;

    spare = replica->records->spare;

    sss_ring_copy(spare, replica->ring);
    sss_replica_forget(spare, now_ms / 1000);

    (void) sss_ring_merge(spare, ring);

    if (more != NULL) {
        (void) sss_ring_merge(spare, more);
    }
}


static long
sss_replica_seal(sss_replica_t *replica)
{
    int                     rc;
    size_t                  len;
    sss_records_t          *records;
    const sss_sync_conf_t  *conf;

    records = replica->records;
    conf = records->conf;

    len = sss_ring_encoded_size(records->spare->n);

    sss_ring_encode(records->spare, records->plain);

    rc = sss_seal(conf->secrets->value[0], SSS_SEAL_RING, conf->ns,
                  conf->ns_len, records->plain, len, records->sealed);

    sss_memory_wipe(records->plain, len);

    return rc == 0 ? (long) (len + SSS_SEAL_OVERHEAD) : -1;
}


/* A conflict is another host's greeting; ours has time until the next poll. */

static void
sss_replica_show(sss_replica_t *replica, uint64_t now_ms)
{
    size_t          len;
    uint8_t         bytes[SSS_PRESENCE_SIZE];
    sss_records_t  *records;

    records = replica->records;

    sss_presence_touch(&replica->presence, records->tags[0], records->host,
                       (uint32_t) (now_ms / 1000));

    len = sss_presence_encode(&replica->presence, bytes);

    if (sss_store_put(replica->store,
                      records->items[records->n_items - 1].name,
                      replica->presence_cas, bytes, len, SSS_PRESENCE_LIFE)
        == SSS_STORE_FAILED)
    {
        sss_replica_failed(replica);
    }
}


static void
sss_replica_time(sss_replica_t *replica)
{
    uint64_t         seconds, now;
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    now = (uint64_t) ts.tv_sec * 1000000 + (uint64_t) ts.tv_nsec / 1000;

    if (now < replica->clock_us) {
        return;
    }

    replica->clock_us = now + SSS_REPLICA_CLOCK;

    if (sss_store_time(replica->store, &seconds) != SSS_STORE_OK) {
        sss_replica_failed(replica);
        return;
    }

    clock_gettime(CLOCK_REALTIME, &ts);

    replica->report->clock_known = 1;
    replica->report->clock_diff = (int64_t) seconds - (int64_t) ts.tv_sec;
}


static void
sss_replica_clear(sss_ring_t *ring)
{
    sss_memory_wipe(ring->keys, ring->n * sizeof(sss_key_t));

    ring->n = 0;
}


static void
sss_replica_forget(sss_ring_t *ring, uint64_t now)
{
    uint32_t          i, n;
    const sss_key_t  *key;

    n = 0;

    for (i = 0; i < ring->n; i++) {
        key = &ring->keys[i];

        if (key->expires <= now
            || key->slot * key->rotation
               > now + SSS_REPLICA_AHEAD + 2 * (uint64_t) key->rotation)
        {
            continue;
        }

        if (n != i) {
            ring->keys[n] = *key;
        }

        n++;
    }

    sss_memory_wipe(&ring->keys[n], (ring->n - n) * sizeof(sss_key_t));

    ring->n = n;
}


static uint32_t
sss_replica_ttl(const sss_ring_t *ring, uint64_t now)
{
    uint32_t  i;
    uint64_t  expires;

    expires = now + 1;

    for (i = 0; i < ring->n; i++) {
        if (ring->keys[i].expires > expires) {
            expires = ring->keys[i].expires;
        }
    }

    return expires - now > INT32_MAX ? INT32_MAX : (uint32_t) (expires - now);
}
