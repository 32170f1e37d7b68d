
/*
 * A replica: what one memcached server has of the cluster's shared records,
 * which are its copy of the ring, the door and the presence record.  A replica
 * is read once in each poll, and written when it lacks a key.
 *
 * The functions here only prepare exchanges (sss_exchange.h), one at a time
 * for each replica, and deal with their results.  The owner of the poll
 * carries them out.
 */


#ifndef SSS_REPLICA_H_INCLUDED
#define SSS_REPLICA_H_INCLUDED


#include "sss_door.h"
#include "sss_exchange.h"
#include "sss_presence.h"
#include "sss_records.h"
#include "sss_ring.h"
#include "sss_sync.h"


/*
 * The steps in which a ring that was read is dealt with.  Each is one call of
 * sss_replica_take(), so that none takes long.
 */

typedef enum {
    SSS_REPLICA_OPEN = 0,       /* unseal the record                       */
    SSS_REPLICA_DECODE,         /* decode its keys into records->raw       */
    SSS_REPLICA_ORDER,          /* sort them into records->spare           */
    SSS_REPLICA_KEEP,           /* copy that to the replica's "ring"       */
    SSS_REPLICA_MERGE           /* merge it into the ring of the host      */
} sss_replica_work_t;


typedef struct {
    sss_records_t          *records;
    sss_server_report_t    *report;
    uint32_t                id;         /* of the server; 0: none          */
    char                    where[SSS_ADDRESS_TEXT];    /* its address     */
    const char             *stale;      /* the server's, see sss_address.h */
    sss_exchange_t          exchange;
    sss_item_t              items[SSS_RECORDS_ITEMS];   /* what a poll reads */
    size_t                  taken;      /* items that are dealt with       */
    sss_replica_work_t      work;       /* next step for the next item     */
    size_t                  len;        /* bytes in records->plain         */
    sss_ring_t             *ring;       /* what the server has in the record
                                           under the first secret; secret
                                           memory                          */
    sss_ring_t             *sent;       /* what is being written to it;
                                           secret memory                   */
    uint64_t                cas;        /* version of that record, 0: there
                                           is none                         */
    sss_label_t             label;      /* its label, if "labelled"        */
    sss_label_t             seen;       /* of the labels under all secrets
                                           the one that wins; generation 0:
                                           there is none                   */
    sss_door_t              door;
    uint64_t                bad_cas[SSS_RECORDS_ITEMS]; /* versions of records
                                                           that did not open */
    sss_presence_t          presence;
    uint64_t                presence_cas;
    sss_presence_view_t     view;
    uint64_t                clock_us;   /* when to ask for the server's clock,
                                           of sss_request_clock()          */
    unsigned                failures;   /* failed polls in a row           */
    unsigned                skip;       /* polls for which the server is left
                                           alone                           */
    unsigned                tries;      /* conflicts in this poll          */
    unsigned                stage;      /* sss_sync_stage_t, of sss_sync.c */
    unsigned                asked:1;    /* this poll reads the server      */
    unsigned                up:1;       /* no request of this poll failed  */
    unsigned                bad:1;      /* the record did not open         */
    unsigned                labelled:1; /* "label" is valid                */
    unsigned                closed:1;   /* this host lacks the group key that
                                           opens the record                */
    unsigned                mixed:1;    /* see sss_sync_report_t           */
} sss_replica_t;


/*
 * Makes the replica of a server in zeroed memory.  "records" and "report" are
 * the caller's and outlive it.  Returns 0, or -1 without memory.
 * sss_replica_destroy() wipes keys, frees memory and leaves the structure
 * zeroed.
 */
int sss_replica_create(sss_replica_t *replica, sss_records_t *records,
    const sss_server_t *server, sss_server_report_t *report);
void sss_replica_destroy(sss_replica_t *replica);

/*
 * Fills "order" with the indexes of SSS_SERVERS_MAX replicas, sorted by
 * address.  So all hosts that have the same servers offer new keys to the same
 * one first.
 */
void sss_replica_sort(const sss_replica_t *replicas, size_t *order);

/*
 * Begins a poll: prepares to read all records, unless the server has failed
 * and is left alone for this poll.  In either case keys of "ring" that have
 * expired at "now_ms" are wiped.  Times "now_ms" are milliseconds since the
 * epoch.
 */
void sss_replica_ask(sss_replica_t *replica, uint64_t now_ms);

/*
 * Begins a poll that only looks for an answer to the request of this host:
 * prepares to read the slots of the door.
 */
void sss_replica_look(sss_replica_t *replica);

/*
 * Deals with the result of sss_replica_look().  Returns 1 if the server has
 * answered, else 0.
 */
int sss_replica_looked(sss_replica_t *replica, uint64_t now_ms);

/*
 * Deals with the result of sss_replica_ask(), one step of one record at each
 * call, which takes no more than a millisecond or two.  In the end the keys
 * that are valid at "now_ms" have been added to "ring".  Returns 1 if it is to
 * be called again.  Returns 0 after the last record, or if the server did not
 * answer, in which case it is not "up".
 */
int sss_replica_take(sss_replica_t *replica, sss_ring_t *ring,
    uint64_t now_ms);

/* After a conflict: counts it, and prepares to read the ring again. */
void sss_replica_ask_again(sss_replica_t *replica);

/* Deals with the result, in steps as sss_replica_take() does. */
int sss_replica_take_again(sss_replica_t *replica, sss_ring_t *ring,
    uint64_t now_ms);

/*
 * 1 if the rules of groups (sss_admission_may_write()) let this host overwrite
 * the server's record, else 0.
 */
int sss_replica_may_write(const sss_replica_t *replica, uint64_t now_ms);

/*
 * Wipes what is known of the server's ring, because a higher generation was
 * met and its keys are of no use any more.
 */
void sss_replica_void(sss_replica_t *replica);

/*
 * 1 if the server has all keys of "ring" in a record that this host can open
 * and that is of the current epoch, so that it need not be written, else 0.
 */
int sss_replica_whole(const sss_replica_t *replica, const sss_ring_t *ring);

/*
 * Puts together what is to be written, in "sent": the keys that the server
 * has, those of "ring" and, unless it is NULL, those of "more".
 */
void sss_replica_prepare(sss_replica_t *replica, const sss_ring_t *ring,
    const sss_ring_t *more, uint64_t now_ms);

/*
 * Seals what was put together, and prepares to write it.  Returns 0, or -1 if
 * this host may not write any more, without memory, or if OpenSSL fails.
 */
int sss_replica_write(sss_replica_t *replica, uint64_t now_ms);

/* Deals with the result of the write, and returns it. */
sss_exchange_rc_t sss_replica_written(sss_replica_t *replica);

/*
 * Prepares the next write at the door, if one is due.  Returns 1 if so, else
 * 0.
 */
int sss_replica_door(sss_replica_t *replica);

/* Deals with its result. */
void sss_replica_door_written(sss_replica_t *replica, uint64_t now_ms);

/*
 * Prepare to write the presence record, and to read the server's clock, if
 * that is due; "now_us" is of sss_request_clock().  Return 1 if so, else 0.
 */
int sss_replica_show(sss_replica_t *replica, uint64_t now_ms);
int sss_replica_clock(sss_replica_t *replica, uint64_t now_us);

/* Deal with the results; "now" is in seconds since the epoch. */
void sss_replica_shown(sss_replica_t *replica);
void sss_replica_clocked(sss_replica_t *replica, uint64_t now);


#endif /* SSS_REPLICA_H_INCLUDED */
