
/*
 * What one memcached server has: its copy of the ring, and the presence
 * record of the namespace.  A replica is read once a poll, and written when
 * it lacks a key.
 *
 * All of it is done by exchanges (sss_exchange.h), which a replica wants, one
 * at a time, and others carry out.
 */


#ifndef SSS_REPLICA_H_INCLUDED
#define SSS_REPLICA_H_INCLUDED


#include "sss_door.h"
#include "sss_exchange.h"
#include "sss_presence.h"
#include "sss_records.h"
#include "sss_ring.h"
#include "sss_sync.h"


/* What is done with a record that was read, each in a step of its own. */

typedef enum {
    SSS_REPLICA_OPEN = 0,       /* it is opened                            */
    SSS_REPLICA_DECODE,         /* its keys are read, into "raw"           */
    SSS_REPLICA_ORDER,          /* and become a ring, in "spare"           */
    SSS_REPLICA_KEEP,           /* which the replica has from now on       */
    SSS_REPLICA_MERGE           /* and the host                            */
} sss_replica_work_t;


typedef struct {
    sss_records_t          *records;
    sss_server_report_t    *report;
    uint32_t                id;         /* of the server, 0: none          */
    char                    where[SSS_ADDRESS_TEXT];
    const char             *stale;      /* the server's, see sss_address.h */
    sss_exchange_t          exchange;
    sss_item_t              items[SSS_RECORDS_ITEMS];
    size_t                  taken;      /* of the items of this poll       */
    sss_replica_work_t      work;       /* to be done with the next        */
    size_t                  len;        /* of what is in "plain"           */
    sss_ring_t             *ring;       /* its record under the first
                                           secret; secret memory           */
    sss_ring_t             *sent;       /* what is being written           */
    uint64_t                cas;        /* of that record, 0: none         */
    sss_label_t             label;      /* likewise, if it has one         */
    sss_label_t             seen;       /* of all its rings, the one that wins;
                                           generation 0: there is none     */
    sss_door_t              door;
    uint64_t                bad_cas[SSS_RECORDS_ITEMS];
    sss_presence_t          presence;
    uint64_t                presence_cas;
    sss_presence_view_t     view;
    uint64_t                clock_us;   /* when to ask for the time        */
    unsigned                failures;   /* in a row                        */
    unsigned                skip;       /* polls to leave it alone         */
    unsigned                tries;      /* lost writes of this poll        */
    unsigned                stage;      /* the sync's, of this poll        */
    unsigned                asked:1;    /* in this poll                    */
    unsigned                up:1;       /* no request of this poll failed  */
    unsigned                bad:1;      /* the record did not open         */
    unsigned                labelled:1; /* it has a label                  */
    unsigned                closed:1;   /* of which this host has no key   */
    unsigned                mixed:1;    /* see sss_sync_report_t           */
} sss_replica_t;


/*
 * A replica of a server, in zeroed memory.  "report" is the caller's.  Returns
 * 0, or -1 without memory.  When it is destroyed it is as it was before.
 */
int sss_replica_create(sss_replica_t *replica, sss_records_t *records,
    const sss_server_t *server, sss_server_report_t *report);
void sss_replica_destroy(sss_replica_t *replica);

/*
 * The places of SSS_SERVERS_MAX replicas by their addresses, so that hosts
 * that know the same servers begin with the same.
 */
void sss_replica_sort(const sss_replica_t *replicas, size_t *order);

/*
 * Wants to read all records, unless the server is left alone.  Keys that it
 * had and that have expired at "now_ms" are forgotten in either case.
 */
void sss_replica_ask(sss_replica_t *replica, uint64_t now_ms);

/* Wants to read the slots into which this host puts its request. */
void sss_replica_look(sss_replica_t *replica);

/* When that is done.  Returns 1 if the server answered, else 0. */
int sss_replica_looked(sss_replica_t *replica, uint64_t now_ms);

/*
 * When that is done: goes on with one of the records, whose keys that are good
 * at "now_ms" are added to "ring" in the end.  No call takes more than a
 * millisecond or two.  Returns 1 if there is more to be done, 0 if this was
 * the last, or if the server did not answer: it is not "up" then.
 */
int sss_replica_take(sss_replica_t *replica, sss_ring_t *ring,
    uint64_t now_ms);

/* Wants to read the ring again, after a conflict. */
void sss_replica_ask_again(sss_replica_t *replica);

/* When that is done.  Likewise. */
int sss_replica_take_again(sss_replica_t *replica, sss_ring_t *ring,
    uint64_t now_ms);

/* 1 if this host may write over what the server has. */
int sss_replica_may_write(const sss_replica_t *replica, uint64_t now_ms);

/* A higher generation was met: what the server has is of no use any more. */
void sss_replica_void(sss_replica_t *replica);

/* 1 if the server needs no writing for the sake of "ring". */
int sss_replica_whole(const sss_replica_t *replica, const sss_ring_t *ring);

/* What is to be written: what the server has, "ring" and, if any, "more". */
void sss_replica_prepare(sss_replica_t *replica, const sss_ring_t *ring,
    const sss_ring_t *more, uint64_t now_ms);

/*
 * Seals that, and wants to write it.  Returns 0, or -1 if this host may not
 * write it any more, without memory, or if OpenSSL fails.
 */
int sss_replica_write(sss_replica_t *replica, uint64_t now_ms);

/* When that is done. */
sss_exchange_rc_t sss_replica_written(sss_replica_t *replica);

/* Wants to write what is due at the door.  Returns 1 if anything is. */
int sss_replica_door(sss_replica_t *replica);

/* When that is done. */
void sss_replica_door_written(sss_replica_t *replica, uint64_t now_ms);

/*
 * Wants to write the presence record, or to read the server's clock, if it is
 * due ("now_us" is of a clock that only goes forward).  Returns 1 if so.
 */
int sss_replica_show(sss_replica_t *replica, uint64_t now_ms);
int sss_replica_clock(sss_replica_t *replica, uint64_t now_us);

/* When that is done; "now" is in seconds since the epoch. */
void sss_replica_shown(sss_replica_t *replica);
void sss_replica_clocked(sss_replica_t *replica, uint64_t now);


#endif /* SSS_REPLICA_H_INCLUDED */
