
/*
 * What one memcached server has: its copy of the ring, and the presence
 * record of the namespace.  A replica is read once a poll, and written when
 * it lacks a key.
 */


#ifndef SSS_REPLICA_H_INCLUDED
#define SSS_REPLICA_H_INCLUDED


#include <stdatomic.h>

#include "sss_presence.h"
#include "sss_ring.h"
#include "sss_store.h"
#include "sss_sync.h"


/* What all replicas of a sync share. */

typedef struct {
    const sss_sync_conf_t  *conf;
    atomic_int              cancelled;  /* answers are not looked at       */
    size_t                  n_items;    /* of a read: rings, presence     */
    sss_store_item_t       *items;
    uint8_t                 tags[SSS_SECRETS_MAX][SSS_TAG_SIZE];
    uint8_t                 host[8];    /* random number of this host     */
    uint32_t                capacity;   /* of rings here: twice a host's  */
    size_t                  size;       /* of the largest sealed ring     */
    uint8_t                *sealed;     /* n_items times that             */
    uint8_t                *plain;      /* secret memory of that size     */
    sss_ring_t             *spare;      /* secret memory                  */
} sss_records_t;


typedef struct {
    sss_records_t          *records;
    sss_store_t            *store;
    sss_server_report_t    *report;
    sss_ring_t             *ring;       /* its record under the first
                                           secret; secret memory          */
    uint64_t                cas;        /* of that record, 0: none        */
    uint64_t                bad_cas[SSS_SECRETS_MAX + 1];
    sss_presence_t          presence;
    uint64_t                presence_cas;
    sss_presence_view_t     view;
    uint64_t                clock_us;   /* when to ask for the time       */
    unsigned                failures;   /* in a row                       */
    unsigned                skip;       /* polls to leave it alone        */
    unsigned                asked:1;    /* in this poll                   */
    unsigned                up:1;       /* no request of this poll failed */
    unsigned                bad:1;      /* the record did not open        */
} sss_replica_t;


/* Returns 0, or -1 without memory or randomness. */
int sss_records_create(sss_records_t *records, const sss_sync_conf_t *conf);
void sss_records_destroy(sss_records_t *records);

/* "report" is the caller's, and zeroed.  Returns 0, or -1 without memory. */
int sss_replica_create(sss_replica_t *replica, sss_records_t *records,
    const sss_address_t *address, sss_server_report_t *report);
void sss_replica_destroy(sss_replica_t *replica);

/* Begins to read all records, unless the server is left alone. */
void sss_replica_ask(sss_replica_t *replica);

/*
 * Ends that, and adds the keys that are good at "now_ms" to "ring".  Returns
 * 1 if the server answered, else 0.
 */
int sss_replica_answer(sss_replica_t *replica, sss_ring_t *ring,
    uint64_t now_ms);

/* Reads the ring again after a conflict.  Returns as above. */
int sss_replica_again(sss_replica_t *replica, sss_ring_t *ring,
    uint64_t now_ms);

/* 1 if the server needs no writing for the sake of "ring". */
int sss_replica_whole(const sss_replica_t *replica, const sss_ring_t *ring);

/* Writes what the server has, "ring" and, unless NULL, "more". */
sss_store_rc_t sss_replica_write(sss_replica_t *replica,
    const sss_ring_t *ring, const sss_ring_t *more, uint64_t now_ms);

/* Writes the presence record and asks for the time, as far as due. */
void sss_replica_greet(sss_replica_t *replica, uint64_t now_ms);


#endif /* SSS_REPLICA_H_INCLUDED */
