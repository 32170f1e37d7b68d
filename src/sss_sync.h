
/*
 * A poll of the shared keys: read the ring on every memcached server, merge,
 * make the keys that are due, write back what a server lacks.
 *
 * It is a state machine that does no I/O by itself.  Its owner begins a poll
 * and steps it; whenever it waits, exchanges with servers are wanted or under
 * way (sss_sync_exchange()), which the owner carries out, with an engine or
 * otherwise, and steps it again when one of them is done.
 */


#ifndef SSS_SYNC_H_INCLUDED
#define SSS_SYNC_H_INCLUDED


#include <stddef.h>
#include <stdint.h>

#include "sss_address.h"
#include "sss_admission.h"
#include "sss_exchange.h"
#include "sss_ring.h"
#include "sss_secret.h"


#define SSS_NAMESPACE_MAX  128
#define SSS_SERVER_ERROR   160
#define SSS_SERVER_TEXT    56           /* of an address, as a number      */


typedef struct {
    const sss_secrets_t  *secrets;      /* the caller's, outlives the sync;
                                           NULL or none: no servers         */
    char                  ns[SSS_NAMESPACE_MAX];    /* namespace            */
    size_t                ns_len;
    uint8_t               host[8];      /* random number of this host, the
                                           same for all its workers         */
    uint32_t              rotation;     /* seconds                          */
    uint32_t              retention;    /* seconds: longest session timeout */
    uint32_t              capacity;     /* keys in a ring                   */
    uint32_t              poll_ms;      /* between two polls                */
    int                   forward_secrecy;      /* 1: rings are sealed under a
                                           key of the group as well         */
    unsigned              patience_ms;  /* after which a poll puts off what
                                           can wait                         */
} sss_sync_conf_t;


typedef enum {
    SSS_SERVER_UNKNOWN = 0,
    SSS_SERVER_UP,
    SSS_SERVER_DOWN,
    SSS_SERVER_REFUSES          /* it answers, and takes no keys           */
} sss_server_state_t;


/* All numbers since the sync has known the server. */

typedef struct {
    uint32_t            id;             /* 0: no server has this place      */
    uint32_t            line;           /* of the configuration             */
    uint32_t            weight;
    sss_server_state_t  state;
    uint64_t            success_ms;     /* last good poll, ms since epoch, 0 */
    uint64_t            polls;
    uint64_t            errors;         /* failed operations                */
    uint64_t            bad_records;    /* records that would not open      */
    uint64_t            writes;
    uint64_t            conflicts;      /* lost compare-and-swaps           */
    uint32_t            latency_us;     /* of the last read                 */
    uint64_t            reads[SSS_LATENCY_BUCKETS];     /* by how long they
                                           took, see sss_latency_bucket()   */
    int64_t             clock_diff;     /* server - host, seconds           */
    uint32_t            clock_known;    /* 1: clock_diff is a measurement   */
    uint32_t            bad_now;        /* 1: the last poll met one         */
    uint32_t            whole;          /* 1: after the last poll the server
                                           has every key of this host       */
    uint32_t            keys;           /* in its ring at the last poll     */
    uint32_t            losses;         /* how often of late a poll missed
                                           keys that the server had at the
                                           one before                       */
    uint32_t            returns;        /* or found an older version of the
                                           record; both rise by 8 each time
                                           and sink by 1 at other polls     */
    char                address[SSS_SERVER_TEXT];   /* of a name, else empty */
    char                error[SSS_SERVER_ERROR];    /* of the last failure  */
} sss_server_report_t;


typedef struct {
    unsigned             reached;       /* servers that answered this poll  */
    unsigned             company:1;     /* see sss_presence_view_t          */
    unsigned             foreign:1;
    uint64_t             polls;
    uint64_t             generated;     /* keys made here                   */
    unsigned             mixed:1;       /* hosts with another setting of
                                           forward secrecy are there        */
    unsigned             raised:1;      /* this poll has met a higher
                                           generation                       */
    unsigned             replaced:1;    /* keys that nobody has used were left
                                           out, for those of the group      */
    unsigned             waits:1;       /* for an answer of a group         */
    uint32_t             again_ms;      /* 0: the next poll has time; else it
                                           is wanted after so long          */
    uint64_t             waits_ms;      /* since when, ms since the epoch   */
    sss_label_t          other;         /* the group that it waits for      */
    sss_admission_counts_t  joins;
    sss_server_report_t  server[SSS_SERVERS_MAX];
} sss_sync_report_t;


typedef enum {
    SSS_SYNC_WAIT = 0,          /* for an exchange to be done              */
    SSS_SYNC_MORE,              /* step again: there is more to compute    */
    SSS_SYNC_DONE               /* sss_sync_take()                         */
} sss_sync_rc_t;


typedef struct sss_sync_s  sss_sync_t;


/* Returns NULL without memory or randomness.  Contacts nobody. */
sss_sync_t *sss_sync_create(const sss_sync_conf_t *conf);

/* No exchange may be under way: see sss_engine_forget(). */
void sss_sync_destroy(sss_sync_t *sync);

/*
 * Begins a poll of these servers (SSS_SERVERS_MAX places; NULL: none) with a
 * copy of "ring", the keys of this host, and of its group, at "now_ms",
 * milliseconds since the epoch.  "used": 1 if any of the keys has ever been
 * used.  A server that failed is left alone for a while (1, 2, then 4 polls).
 * While this host waits to be let into a group, the polls between two of
 * "poll_ms" only look for the answer.  Returns 0, or -1 if a poll is under way
 * or its result was not taken.
 */
int sss_sync_begin(sss_sync_t *sync, const sss_server_t *servers,
    const sss_ring_t *ring, const sss_group_t *group, int used,
    uint64_t now_ms);

/*
 * Goes on.  A step opens, decodes, merges, compares or seals one record at the
 * most, so that it takes less than two milliseconds with 8192 keys.
 */
sss_sync_rc_t sss_sync_step(sss_sync_t *sync);

/*
 * The exchange with the server in the i-th place, whose id goes into "*id";
 * SSS_EXCHANGE_IDLE: none.
 */
sss_exchange_t *sss_sync_exchange(sss_sync_t *sync, size_t i, uint32_t *id);

/*
 * Takes the result of a poll that is done.  "ring" becomes the union, without
 * expired keys, with a key for the current slot whatever the servers did, and
 * with one for the next slot from about the middle of the current one on.
 * A key made here is not in it before a server took it or none answered, so
 * that hosts that start together agree on one.  "group" becomes the group of
 * this host; if its generation is another than before, "ring" has keys of that
 * one alone.  Returns 1; 0 if no poll is done; -1 if not even a key could be
 * made.
 */
int sss_sync_take(sss_sync_t *sync, sss_ring_t *ring, sss_group_t *group,
    sss_sync_report_t *report);


#endif /* SSS_SYNC_H_INCLUDED */
