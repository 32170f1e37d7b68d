
/*
 * A poll of the shared keys: it reads the ring on every memcached server,
 * merges the rings, makes the keys that are due, and writes to each server
 * what that lacks.
 *
 * The poll is a state machine and does no I/O.  Its owner begins a poll and
 * then calls sss_sync_step() until the poll is done.  When a step returns
 * SSS_SYNC_WAIT, exchanges with servers are wanted or under way
 * (sss_sync_exchange()).  The owner has them carried out, by an engine for
 * example, and calls sss_sync_step() again when one of them is done.
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


#define SSS_NAMESPACE_MAX  128          /* most bytes of a namespace       */
#define SSS_SERVER_ERROR   160
#define SSS_SERVER_TEXT    56           /* room for a numeric address      */


typedef struct {
    const sss_secrets_t  *secrets;      /* the caller's, outlives the sync;
                                           NULL, or if it is empty: no server
                                           is used                          */
    char                  ns[SSS_NAMESPACE_MAX];    /* namespace            */
    size_t                ns_len;
    uint8_t               host[8];      /* random number of this host, the
                                           same for all its workers         */
    uint32_t              rotation;     /* seconds                          */
    uint32_t              retention;    /* seconds: longest session timeout */
    uint32_t              capacity;     /* most keys in a ring              */
    uint32_t              poll_ms;      /* time between two polls           */
    int                   forward_secrecy;      /* 1: rings are sealed under
                                                   the group's key as well  */
    unsigned              patience_ms;  /* a poll that has taken so long makes
                                           no more writes of its ring; the
                                           next poll does                   */
} sss_sync_conf_t;


typedef enum {
    SSS_SERVER_UNKNOWN = 0,     /* not polled yet                          */
    SSS_SERVER_UP,
    SSS_SERVER_DOWN,            /* the last poll of it failed              */
    SSS_SERVER_REFUSES          /* it answers, but refuses to store keys   */
} sss_server_state_t;


/* The state of a server.  Counters begin when the server joins the cluster. */

typedef struct {
    uint32_t            id;             /* 0: no server has this place      */
    uint32_t            line;           /* index of its directive           */
    uint32_t            weight;
    sss_server_state_t  state;
    uint64_t            success_ms;     /* last good poll, milliseconds since
                                           the epoch; 0: none yet           */
    uint64_t            polls;
    uint64_t            errors;         /* failed exchanges                 */
    uint64_t            bad_records;    /* records that did not open        */
    uint64_t            writes;         /* of the ring                      */
    uint64_t            conflicts;      /* lost compare-and-swaps           */
    uint32_t            latency_us;     /* of the last read                 */
    uint64_t            reads[SSS_LATENCY_BUCKETS];     /* by how long they
                                           took, see sss_latency_bucket()   */
    int64_t             clock_diff;     /* server - host, seconds           */
    uint32_t            clock_known;    /* 1: clock_diff is valid           */
    uint32_t            bad_now;        /* 1: the last poll found a record
                                           that did not open                */
    uint32_t            whole;          /* 1: after the last poll the server
                                           has every key of this host       */
    uint32_t            keys;           /* in its ring at the last poll     */
    uint32_t            losses;         /* rises by 8 when a poll misses keys
                                           that the server had at the poll
                                           before; falls by 1 at others     */
    uint32_t            returns;        /* likewise, when a poll finds an older
                                           version of the record            */
    char                address[SSS_SERVER_TEXT];   /* if the directive has a
                                                       name, else empty     */
    char                error[SSS_SERVER_ERROR];    /* of the last failure  */
} sss_server_report_t;


/* The result of a poll; counters begin with sss_sync_create(). */

typedef struct {
    unsigned             reached;       /* servers that answered this poll  */
    unsigned             company:1;     /* see sss_presence_view_t          */
    unsigned             foreign:1;
    uint64_t             polls;
    uint64_t             generated;     /* keys made by this host           */
    unsigned             mixed:1;       /* there are hosts with another
                                           "forward_secrecy"                */
    unsigned             raised:1;      /* this poll has found a higher
                                           generation                       */
    unsigned             replaced:1;    /* this host's keys, which it had not
                                           used, were dropped, since the group
                                           has others                       */
    unsigned             waits:1;       /* it waits to be let into a group  */
    uint32_t             again_ms;      /* when the next poll is to begin; 0:
                                           after "poll_ms" as usual         */
    uint64_t             waits_ms;      /* since when it waits, milliseconds
                                           since the epoch                  */
    sss_label_t          other;         /* the group that it waits for      */
    sss_admission_counts_t  joins;
    sss_server_report_t  server[SSS_SERVERS_MAX];
} sss_sync_report_t;


typedef enum {
    SSS_SYNC_WAIT = 0,          /* step again when an exchange is done     */
    SSS_SYNC_MORE,              /* step again: there is more to compute    */
    SSS_SYNC_DONE               /* call sss_sync_take()                    */
} sss_sync_rc_t;


typedef struct sss_sync_s  sss_sync_t;


/*
 * Prepares for polls, without contacting a server.  "conf" is copied.  Returns
 * NULL without memory, or if OpenSSL fails.
 */
sss_sync_t *sss_sync_create(const sss_sync_conf_t *conf);

/*
 * Wipes keys and frees the memory.  No exchange may be under way; see
 * sss_engine_forget().
 */
void sss_sync_destroy(sss_sync_t *sync);

/*
 * Begins a poll at "now_ms", milliseconds since the epoch, of the servers in
 * these SSS_SERVERS_MAX places (NULL: none).  "ring", the keys of this host,
 * and its group are copied.  "used" is 1 if a handshake has used any of the
 * keys.
 *
 * A server that has failed is skipped for the next 1, 2, then 4 polls.  While
 * this host waits to be let into a group, it polls more often, and the polls
 * in between only look for the answer.  Returns 0, or -1 if a poll is under
 * way or its result has not been taken.
 */
int sss_sync_begin(sss_sync_t *sync, const sss_server_t *servers,
    const sss_ring_t *ring, const sss_group_t *group, int used,
    uint64_t now_ms);

/*
 * Does the next step of a poll.  A step opens, decodes, merges, compares or
 * seals at most one record, so that it takes less than two milliseconds with
 * 8192 keys.
 */
sss_sync_rc_t sss_sync_step(sss_sync_t *sync);

/*
 * Returns the exchange of the server in the i-th place, and sets "*id" to the
 * id of that server.  Its state is SSS_EXCHANGE_IDLE if there is nothing to
 * do.
 */
sss_exchange_t *sss_sync_exchange(sss_sync_t *sync, size_t i, uint32_t *id);

/*
 * Takes the result of a poll that is done.
 *
 * "ring" becomes the union of all rings, without keys that have expired.  It
 * has a key for the current slot, even if no server was reached, and from
 * about the middle of the slot on one for the next slot.  A key that this host
 * has made is in it only if a server has stored it or no server has answered,
 * so that hosts which start together agree on one key.
 *
 * "group" becomes the group of this host.  If its generation has risen, "ring"
 * has only keys of the new generation.
 *
 * Returns 1, or 0 if no poll is done, or -1 if a key was due and OpenSSL had
 * no random bytes for it.
 */
int sss_sync_take(sss_sync_t *sync, sss_ring_t *ring, sss_group_t *group,
    sss_sync_report_t *report);


#endif /* SSS_SYNC_H_INCLUDED */
