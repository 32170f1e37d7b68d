
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sss_memory.h"
#include "sss_replica.h"
#include "sss_ring_codec.h"
#include "sss_trouble.h"


#define SSS_REPLICA_CLOCK  30000000     /* us between two looks at the clock
                                           of a server                     */
#define SSS_REPLICA_AHEAD  86400        /* seconds: keys of hosts whose clock
                                           is further ahead are not kept   */


static int sss_replica_slots(sss_replica_t *replica, uint64_t now_ms);
static int sss_replica_work(sss_replica_t *replica, size_t i,
    sss_ring_t *ring, uint64_t now_ms);
static void sss_replica_open(sss_replica_t *replica, size_t i,
    sss_ring_t *ring, uint64_t now_ms);
static sss_record_rc_t sss_replica_unseal(sss_replica_t *replica, size_t i,
    uint64_t now_ms);
static void sss_replica_decode(sss_replica_t *replica, size_t i);
static void sss_replica_order(sss_replica_t *replica, size_t i);
static void sss_replica_judge(sss_replica_t *replica, size_t i,
    sss_record_rc_t rc);
static void sss_replica_keep(sss_replica_t *replica, uint64_t now_ms);
static void sss_replica_compare(sss_replica_t *replica,
    const sss_ring_t *ring, uint64_t cas, uint64_t now);
static void sss_replica_count(uint32_t *count, int odd);
static void sss_replica_bad(sss_replica_t *replica, size_t i);
static void sss_replica_meet(sss_replica_t *replica, uint64_t now_ms);
static void sss_replica_up(sss_replica_t *replica, uint64_t now_ms);
static void sss_replica_failed(sss_replica_t *replica);
static void sss_replica_down(sss_replica_t *replica);
static void sss_replica_forget(sss_ring_t *ring, uint64_t now);
static uint32_t sss_replica_ttl(const sss_ring_t *ring, uint64_t now);


int
sss_replica_create(sss_replica_t *replica, sss_records_t *records,
    const sss_server_t *server, sss_server_report_t *report)
{
    size_t  i;

    memset(replica, 0, sizeof(sss_replica_t));

    replica->records = records;
    replica->report = report;

    sss_address_print(&server->address, replica->where,
                      sizeof(replica->where));

    memset(report, 0, sizeof(sss_server_report_t));
    report->line = server->line;
    report->weight = server->weight;

    if (server->named && server->error == NULL) {
        sss_address_print(&server->address, report->address,
                          sizeof(report->address));
    }

    for (i = 0; i < records->n_names; i++) {
        memcpy(replica->items[i].name, records->names[i], SSS_NAME_SIZE);
    }

    replica->ring = sss_ring_create(records->capacity);
    replica->sent = sss_ring_create(records->capacity);

    if (replica->ring == NULL || replica->sent == NULL) {
        sss_replica_destroy(replica);
        return -1;
    }

    replica->id = server->id;
    report->id = server->id;

    return 0;
}


void
sss_replica_destroy(sss_replica_t *replica)
{
    sss_exchange_clear(&replica->exchange);
    sss_door_clear(&replica->door);

    sss_ring_destroy(replica->ring);
    sss_ring_destroy(replica->sent);

    memset(replica, 0, sizeof(sss_replica_t));
}


void
sss_replica_sort(const sss_replica_t *replicas, size_t *order)
{
    size_t  i, k;

    for (i = 0; i < SSS_SERVERS_MAX; i++) {

        for (k = i; k > 0 && strcmp(replicas[order[k - 1]].where,
                                    replicas[i].where)
                             > 0; k--)
        {
            order[k] = order[k - 1];
        }

        order[k] = i;
    }
}


void
sss_replica_ask(sss_replica_t *replica, uint64_t now_ms)
{
    replica->asked = 0;
    replica->up = 0;
    replica->taken = 0;
    replica->work = SSS_REPLICA_OPEN;
    replica->tries = 0;

    /*
     * While a server is away its ring here is not read anew, and keys must
     * not outlive their time in it.
     */

    sss_replica_forget(replica->ring, now_ms / 1000);

    if (replica->skip != 0) {
        replica->skip--;
        return;
    }

    replica->asked = 1;
    replica->report->polls++;

    sss_exchange_read(&replica->exchange, replica->items,
                      replica->records->n_names);
}


void
sss_replica_look(sss_replica_t *replica)
{
    sss_exchange_read(&replica->exchange,
                      replica->items + replica->records->n_rings,
                      SSS_DOOR_SLOTS);
}


int
sss_replica_looked(sss_replica_t *replica, uint64_t now_ms)
{
    int             rc;
    sss_records_t  *records;

    rc = 0;
    records = replica->records;

    if (replica->exchange.rc == SSS_EXCHANGE_OK) {
        rc = 1;

        sss_door_clear(&replica->door);

        replica->taken = records->n_rings;

        while (replica->taken < records->n_rings + SSS_DOOR_SLOTS) {
            (void) sss_replica_slots(replica, now_ms);
        }

    } else {
        sss_replica_failed(replica);
    }

    sss_exchange_clear(&replica->exchange);

    return rc;
}


int
sss_replica_take(sss_replica_t *replica, sss_ring_t *ring, uint64_t now_ms)
{
    if (replica->exchange.rc != SSS_EXCHANGE_OK) {
        sss_replica_down(replica);
        sss_exchange_clear(&replica->exchange);
        return 0;
    }

    if (replica->taken == 0 && replica->work == SSS_REPLICA_OPEN) {
        sss_replica_up(replica, now_ms);
        sss_door_clear(&replica->door);
        memset(&replica->seen, 0, sizeof(sss_label_t));
    }

    if (replica->taken < replica->records->n_rings) {

        if (!sss_replica_work(replica, replica->taken, ring, now_ms)) {
            replica->taken++;
        }

        return 1;
    }

    while (replica->taken < replica->records->n_names - 1) {
        if (sss_replica_slots(replica, now_ms)) {
            return 1;
        }
    }

    sss_replica_meet(replica, now_ms);
    sss_exchange_clear(&replica->exchange);

    return 0;
}


void
sss_replica_ask_again(sss_replica_t *replica)
{
    replica->report->conflicts++;
    replica->tries++;

    sss_exchange_read(&replica->exchange, replica->items, 1);
}


int
sss_replica_take_again(sss_replica_t *replica, sss_ring_t *ring,
    uint64_t now_ms)
{
    if (replica->exchange.rc != SSS_EXCHANGE_OK) {
        sss_replica_failed(replica);
        sss_exchange_clear(&replica->exchange);
        return 0;
    }

    if (sss_replica_work(replica, 0, ring, now_ms)) {
        return 1;
    }

    sss_exchange_clear(&replica->exchange);

    return 0;
}


int
sss_replica_may_write(const sss_replica_t *replica, uint64_t now_ms)
{
    return sss_admission_may_write(replica->records->admission,
                                   replica->labelled ? &replica->label : NULL,
                                   now_ms);
}


void
sss_replica_void(sss_replica_t *replica)
{
    if (replica->id != 0) {
        sss_ring_wipe(replica->ring);
        sss_ring_wipe(replica->sent);
        replica->closed = replica->labelled;
    }
}


int
sss_replica_whole(const sss_replica_t *replica, const sss_ring_t *ring)
{
    const sss_label_t  *mine;

    mine = &replica->records->admission->group.label;

    return !replica->bad && !replica->closed
           && (!replica->labelled || replica->label.epoch == mine->epoch)
           && sss_ring_covers(replica->ring, ring);
}


/*
 * Keys whose slot is in the future stay in the record, although this host does
 * not use them.  A host whose clock is ahead has made them and would write
 * them again, so that the two would overwrite each other at every poll.
 */

void
sss_replica_prepare(sss_replica_t *replica, const sss_ring_t *ring,
    const sss_ring_t *more, uint64_t now_ms)
{
    sss_ring_copy(replica->sent, replica->ring);
    sss_replica_forget(replica->sent, now_ms / 1000);

    (void) sss_ring_merge(replica->sent, ring);

    if (more != NULL) {
        (void) sss_ring_merge(replica->sent, more);
    }
}


int
sss_replica_write(sss_replica_t *replica, uint64_t now_ms)
{
    size_t    len;
    uint8_t  *sealed;

    /*
     * Since it was prepared, the record of another server may have shown a
     * group that wins over this host's, or a higher generation, which must not
     * have these keys.
     */

    if (replica->sent->n == 0 || !sss_replica_may_write(replica, now_ms)) {
        sss_ring_wipe(replica->sent);
        return -1;
    }

    sealed = sss_records_seal(replica->records, replica->sent, &len);
    if (sealed == NULL) {
        sss_ring_wipe(replica->sent);
        return -1;
    }

    sss_exchange_write(&replica->exchange, replica->records->names[0],
                       replica->cas, sealed, len,
                       sss_replica_ttl(replica->sent, now_ms / 1000));

    return 0;
}


sss_exchange_rc_t
sss_replica_written(sss_replica_t *replica)
{
    if (replica->exchange.rc == SSS_EXCHANGE_OK) {
        sss_ring_copy(replica->ring, replica->sent);
        replica->label = replica->records->admission->group.label;
        replica->labelled = 1;
        replica->closed = 0;
        replica->bad = 0;
        replica->report->writes++;
        replica->report->keys = replica->ring->n;
    }

    if (replica->exchange.rc == SSS_EXCHANGE_FAILED) {
        sss_replica_failed(replica);

        /* a lost connection is a failure, but not a refusal */

        if (strstr(replica->exchange.reason, "ERROR") != NULL) {
            replica->report->state = SSS_SERVER_REFUSES;
            replica->report->whole = 0;
        }
    }

    sss_ring_wipe(replica->sent);
    sss_exchange_clear(&replica->exchange);

    return replica->exchange.rc;
}


int
sss_replica_door(sss_replica_t *replica)
{
    return sss_door_write(&replica->door, replica->records->admission,
                          &replica->exchange);
}


void
sss_replica_door_written(sss_replica_t *replica, uint64_t now_ms)
{
    if (replica->exchange.rc == SSS_EXCHANGE_FAILED) {
        sss_replica_failed(replica);
    }

    sss_door_written(&replica->door, replica->records->admission,
                     &replica->exchange, now_ms);

    sss_exchange_clear(&replica->exchange);
}


/*
 * A conflict means that another host has just written the record.  This host
 * tries again at the next poll.
 */

int
sss_replica_show(sss_replica_t *replica, uint64_t now_ms)
{
    size_t          len;
    uint8_t        *bytes;
    sss_records_t  *records;

    records = replica->records;

    if (!replica->view.refresh) {
        return 0;
    }

    bytes = malloc(SSS_PRESENCE_SIZE);
    if (bytes == NULL) {
        return 0;
    }

    sss_presence_touch(&replica->presence, records->tags[0],
                       records->conf->host, (uint32_t) (now_ms / 1000));

    len = sss_presence_encode(&replica->presence, bytes);

    sss_exchange_write(&replica->exchange,
                       records->names[records->n_names - 1],
                       replica->presence_cas, bytes, len, SSS_PRESENCE_LIFE);

    return 1;
}


void
sss_replica_shown(sss_replica_t *replica)
{
    if (replica->exchange.rc == SSS_EXCHANGE_FAILED) {
        sss_replica_failed(replica);
    }

    sss_exchange_clear(&replica->exchange);
}


int
sss_replica_clock(sss_replica_t *replica, uint64_t now_us)
{
    if (now_us < replica->clock_us) {
        return 0;
    }

    replica->clock_us = now_us + SSS_REPLICA_CLOCK;

    sss_exchange_clock(&replica->exchange);

    return 1;
}


void
sss_replica_clocked(sss_replica_t *replica, uint64_t now)
{
    if (replica->exchange.rc == SSS_EXCHANGE_OK) {
        replica->report->clock_known = 1;
        replica->report->clock_diff = (int64_t) replica->exchange.seconds
                                      - (int64_t) now;

    } else {
        sss_replica_failed(replica);
    }

    sss_exchange_clear(&replica->exchange);
}


/*
 * Reads the next slot of the door.  Returns 1 if that has taken some time, as
 * opening a request or an answer does, else 0.
 */

static int
sss_replica_slots(sss_replica_t *replica, uint64_t now_ms)
{
    size_t          i;
    sss_records_t  *records;

    records = replica->records;
    i = replica->taken++ - records->n_rings;

    return sss_door_read(&replica->door, records->admission,
                         &records->keys[i / SSS_DOOR_SLOTS].join,
                         i < SSS_DOOR_SLOTS,
                         &replica->items[records->n_rings + i], now_ms);
}


/*
 * Does the next step with the ring's record under the i-th secret.  Returns 1
 * if there are more steps, else 0.
 */

static int
sss_replica_work(sss_replica_t *replica, size_t i, sss_ring_t *ring,
    uint64_t now_ms)
{
    sss_ring_t  *spare;

    spare = replica->records->spare;

    switch (replica->work) {

    case SSS_REPLICA_OPEN:
        replica->records->busy = replica;
        sss_replica_open(replica, i, ring, now_ms);
        return 1;

    case SSS_REPLICA_DECODE:
        sss_replica_decode(replica, i);
        return 1;

    case SSS_REPLICA_ORDER:
        sss_replica_order(replica, i);
        return 1;

    case SSS_REPLICA_KEEP:
        sss_replica_keep(replica, now_ms);
        return 1;

    default:
        (void) sss_ring_expire(spare, now_ms);
        (void) sss_ring_merge(ring, spare);

        sss_ring_wipe(spare);

        replica->work = SSS_REPLICA_OPEN;
        replica->records->busy = NULL;

        return 0;
    }
}


static void
sss_replica_open(sss_replica_t *replica, size_t i, sss_ring_t *ring,
    uint64_t now_ms)
{
    sss_record_rc_t  rc;

    if (i == 0) {
        replica->labelled = 0;
    }

    if (!replica->items[i].found) {
        sss_replica_judge(replica, i, SSS_RECORD_OPEN);
        return;
    }

    rc = sss_replica_unseal(replica, i, now_ms);

    /* the keys that were read before are of a lower generation */

    if (replica->records->raised) {
        sss_ring_wipe(ring);
    }

    if (rc == SSS_RECORD_OPEN) {
        replica->work = SSS_REPLICA_DECODE;
        return;
    }

    sss_replica_judge(replica, i, rc);
}


static sss_record_rc_t
sss_replica_unseal(sss_replica_t *replica, size_t i, uint64_t now_ms)
{
    sss_item_t     *item;
    sss_label_t     label;
    sss_records_t  *records;

    records = replica->records;
    item = &replica->items[i];

    if (sss_records_label(records, i, item, &label) != 0) {
        return SSS_RECORD_BAD;
    }

    if (i == 0) {
        replica->label = label;
        replica->labelled = 1;
    }

    if (replica->seen.generation == 0
        || sss_label_beats(&label, &replica->seen))
    {
        replica->seen = label;
    }

    if (sss_admission_see(records->admission, &label, now_ms)) {
        records->raised = 1;
    }

    return sss_records_open(records, i, item, &label, &replica->len);
}


static void
sss_replica_decode(sss_replica_t *replica, size_t i)
{
    int             rc;
    sss_records_t  *records;

    records = replica->records;

    rc = sss_ring_decode_raw(records->raw, records->plain, replica->len);

    sss_memory_wipe(records->plain, replica->len);

    if (rc == 0) {
        replica->work = SSS_REPLICA_ORDER;
        return;
    }

    sss_replica_judge(replica, i, SSS_RECORD_BAD);
}


static void
sss_replica_order(sss_replica_t *replica, size_t i)
{
    sss_records_t  *records;

    records = replica->records;

    (void) sss_ring_merge(records->spare, records->raw);

    sss_ring_wipe(records->raw);

    sss_replica_judge(replica, i, SSS_RECORD_OPEN);
}


/*
 * Takes note of how opening a record has ended.  Its keys are in
 * records->spare, which is empty unless the record was opened.
 */

static void
sss_replica_judge(sss_replica_t *replica, size_t i, sss_record_rc_t rc)
{
    if (rc == SSS_RECORD_BAD) {
        sss_replica_bad(replica, i);

    } else {
        replica->bad_cas[i] = 0;
    }

    replica->work = SSS_REPLICA_MERGE;

    if (i == 0) {
        replica->bad = (rc == SSS_RECORD_BAD);
        replica->closed = (rc == SSS_RECORD_CLOSED);
        replica->work = SSS_REPLICA_KEEP;
    }
}


/*
 * Keeps the keys of the record under the first secret, since this is the
 * record that the host writes.
 */

static void
sss_replica_keep(sss_replica_t *replica, uint64_t now_ms)
{
    sss_ring_t  *spare;

    spare = replica->records->spare;

    if (replica->tries == 0 && !replica->bad && !replica->closed) {
        sss_replica_compare(replica, spare, replica->items[0].cas,
                            now_ms / 1000);
    }

    replica->cas = replica->items[0].cas;
    replica->report->keys = spare->n;

    sss_ring_copy(replica->ring, spare);

    replica->work = SSS_REPLICA_MERGE;
}


/*
 * Compares what a server has now with what it had at the poll before.  One
 * memcached that works keeps all keys until they expire, and the versions of
 * its records only grow.
 */

static void
sss_replica_compare(sss_replica_t *replica, const sss_ring_t *ring,
    uint64_t cas, uint64_t now)
{
    sss_server_report_t  *report;

    report = replica->report;

    sss_replica_forget(replica->ring, now);

    sss_replica_count(&report->losses, !sss_ring_covers(ring, replica->ring));
    sss_replica_count(&report->returns, cas != 0 && cas < replica->cas);
}


static void
sss_replica_count(uint32_t *count, int odd)
{
    if (!odd) {
        *count -= (*count != 0);
        return;
    }

    *count += SSS_TROUBLE_ODD;

    if (*count > SSS_TROUBLE_MANY + SSS_TROUBLE_ODD) {
        *count = SSS_TROUBLE_MANY + SSS_TROUBLE_ODD;
    }
}


/* Counts a bad record once, not at each poll that finds the same version. */

static void
sss_replica_bad(sss_replica_t *replica, size_t i)
{
    uint64_t  cas;

    cas = replica->items[i].cas;

    if (replica->bad_cas[i] != cas) {
        replica->bad_cas[i] = cas;
        replica->report->bad_records++;
    }

    replica->report->bad_now = 1;
}


static void
sss_replica_meet(sss_replica_t *replica, uint64_t now_ms)
{
    int             rc;
    size_t          i;
    uint32_t        now;
    sss_item_t     *item;
    sss_records_t  *records;
    sss_presence_t  same;

    records = replica->records;
    i = records->n_names - 1;
    now = (uint32_t) (now_ms / 1000);
    item = &replica->items[i];

    rc = 0;
    replica->presence.n = 0;
    replica->presence_cas = item->cas;

    if (item->found) {
        rc = item->value == NULL ? -1
             : sss_presence_decode(&replica->presence, item->value,
                                   item->len);
    }

    if (rc == 0) {
        replica->bad_cas[i] = 0;

    } else {
        replica->presence.n = 0;
        sss_replica_bad(replica, i);
    }

    /*
     * Hosts with the same secret and another "forward_secrecy" have another
     * fingerprint.  They are told apart from hosts with another secret.
     */

    same = replica->presence;

    replica->mixed = sss_presence_without(&same, records->others[0],
                                          records->n_rings, now) & 1;

    replica->view = sss_presence_view(&same, records->tags[0],
                                      records->n_rings, records->conf->host,
                                      now);
}


static void
sss_replica_up(sss_replica_t *replica, uint64_t now_ms)
{
    replica->up = 1;
    replica->failures = 0;
    replica->report->state = SSS_SERVER_UP;
    replica->report->success_ms = now_ms;
    replica->report->latency_us = replica->exchange.took_us;
    replica->report->reads[sss_latency_bucket(replica->exchange.took_us)]++;
    replica->report->bad_now = 0;
}


/*
 * The limits of the format cut a long address rather than the reason.  If the
 * name could not be resolved again the message says so, since an outdated
 * address may be why the server does not answer.
 */

static void
sss_replica_failed(sss_replica_t *replica)
{
    replica->up = 0;
    replica->report->errors++;

    if (replica->stale != NULL) {
        snprintf(replica->report->error, sizeof(replica->report->error),
                 "%.46s: %.75s; %.32s", replica->where,
                 replica->exchange.reason, replica->stale);
        return;
    }

    snprintf(replica->report->error, sizeof(replica->report->error),
             "%.80s: %.75s", replica->where, replica->exchange.reason);
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
