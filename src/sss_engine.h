
/*
 * The engine: the client of memcached.  It looks sessions up, stores and
 * removes them, and carries out the exchanges by which hosts share keys, as a
 * part of its owner's event loop.  Nothing here ever waits.
 *
 * It has a connection to every server of the cluster; a record is on one of
 * them by consistent hashing (ketama, weights).  What the owner asks for
 * during a turn of its loop goes out at the end of the turn
 * (sss_engine_run()): lookups become one request to each server, stores and
 * removals expect no answer.  Of several lookups at a time, those that follow
 * others closely gather for a tenth of a millisecond, or until there are some;
 * so do stores, for five milliseconds, while eight or more turns in ten have
 * some: under load that makes few large messages out of many.  A lookup sees
 * what this engine stored or removed before it was asked, and perhaps what it
 * did after.
 *
 * A lookup fails when its server has not answered "timeout_ms" after it was
 * asked, or the connection is lost.  That server gets no more lookups, and
 * the others have its records, until it has answered a probe.
 *
 * When "breaker" lookups in a row have failed, lookups fail at once
 * (SSS_ENGINE_OPEN) and the engine probes by itself until a server answers.
 *
 * For one thread.  Names of servers are resolved by threads of their own, and
 * servers come and go with the addresses of their names.
 */


#ifndef SSS_ENGINE_H_INCLUDED
#define SSS_ENGINE_H_INCLUDED


#include <stddef.h>
#include <stdint.h>

#include "sss_address.h"
#include "sss_auth.h"
#include "sss_claim.h"
#include "sss_exchange.h"
#include "sss_secret.h"
#include "sss_tls.h"


#define SSS_ENGINE_VALUE    65536       /* longest record                  */
#define SSS_ENGINE_BUCKETS  SSS_LATENCY_BUCKETS
#define SSS_ENGINE_NEVER    UINT64_MAX
#define SSS_ENGINE_WATCHES  (SSS_SERVERS_MAX + 1)


typedef struct {
    const sss_address_t  *servers;      /* numbers, paths and names, see
                                           sss_names.h; they are copied    */
    const uint32_t       *weights;      /* likewise; NULL: all alike       */
    const sss_known_t    *known;        /* SSS_SERVERS_MAX, or NULL: what to
                                           begin with until names have been
                                           answered for                    */
    size_t                n_servers;
    uint32_t              secure;       /* bit i: the i-th has TLS, for the
                                           name or number of the line      */
    sss_tls_t            *tls;          /* for those; outlives the engine  */
    unsigned              timeout_ms;   /* of a lookup                     */
    unsigned              patience_ms;  /* of an exchange: how long the server
                                           may show no sign of life; three
                                           times as much is all there is   */
    int                   quiet;        /* 1: for exchanges alone; connects
                                           when there is one               */
    const sss_auth_t     *auth;         /* the password of all servers, or
                                           NULL; it outlives the engine    */
    unsigned              queue;        /* lookups at a time, with results
                                           that were not taken yet         */
    unsigned              breaker;      /* failures in a row that open it  */
} sss_engine_conf_t;


typedef enum {
    SSS_ENGINE_HIT = 0,
    SSS_ENGINE_MISS,
    SSS_ENGINE_FAILED           /* no answer                               */
} sss_engine_rc_t;


typedef enum {
    SSS_ENGINE_QUEUED = 0,
    SSS_ENGINE_FULL,            /* no room: counted, dropped               */
    SSS_ENGINE_OPEN             /* the breaker is open: nobody waits       */
} sss_engine_queue_t;


/* What became of a lookup. */

typedef struct {
    void             *data;     /* as given to sss_engine_get()            */
    sss_engine_rc_t   rc;
    int               late;     /* SSS_ENGINE_FAILED because the server did
                                   not answer in time                      */
    uint8_t          *value;    /* malloc()ed, the caller's; NULL unless
                                   SSS_ENGINE_HIT                          */
    size_t            len;
    sss_claim_reply_t reply;    /* to a claim                              */
} sss_engine_result_t;


/* A descriptor to be watched. */

typedef struct {
    int               fd;       /* -1: none now                            */
    unsigned          epoch;    /* another one since this has changed, even
                                   if it has the same number               */
    unsigned          write:1;  /* wait until it is writable, too          */
} sss_engine_watch_t;


typedef struct {
    uint64_t  gets, hits, misses, failures;
    uint64_t  stores, removals;
    uint64_t  dropped;                  /* for want of room or of a server,
                                           or by SSS_ENGINE_OPEN: stores   */
    uint64_t  batches;                  /* requests for several lookups    */
    uint64_t  opened;                   /* times the breaker opened        */
    uint64_t  latency[SSS_ENGINE_BUCKETS];      /* of lookups, queue and all */
    uint64_t  latency_us;                       /* their sum               */
    uint32_t  waiting;                  /* lookups under way               */
    uint32_t  open;                     /* 1: the breaker is open          */
} sss_engine_stats_t;


typedef struct sss_engine_s  sss_engine_t;
typedef struct sss_request_s  sss_request_t;


/* Begins to connect.  Returns NULL without memory or descriptors. */
sss_engine_t *sss_engine_create(const sss_engine_conf_t *conf);

/*
 * Looks a record up; "data" comes back with the result.  With "take" the
 * record is removed as it is read, and of several takers at the same moment,
 * on whatever hosts, one at the most gets SSS_ENGINE_HIT.  A take without a
 * hit, or that was cancelled, may have removed the record.  "*lookup" is good
 * for sss_engine_cancel() until the result is taken.
 */
sss_engine_queue_t sss_engine_get(sss_engine_t *engine, const char *name,
    int take, void *data, sss_request_t **lookup);

/*
 * Asks the server in this place for what is claimed, which is copied.  The
 * result is SSS_ENGINE_HIT with the bytes of the log, or SSS_ENGINE_MISS if
 * there were none, or too many; unless it has failed, the answer is for
 * sss_claim_judge().  SSS_ENGINE_OPEN as well if the server is not usable: a
 * claim never goes to another one.
 */
sss_engine_queue_t sss_engine_claim(sss_engine_t *engine, size_t place,
    const sss_claim_t *claim, void *data, sss_request_t **lookup);

/*
 * Lays the logs of a slot, on the server in this place.  One that has them
 * already keeps those.  Nobody waits for it.
 */
void sss_engine_lay(sss_engine_t *engine, size_t place, const char *ns,
    size_t ns_len, uint64_t slot);

/*
 * Gives the server in this place a badge, unless it has one; "now" is in
 * seconds since the epoch.
 */
void sss_engine_badge(sss_engine_t *engine, size_t place, const char *ns,
    size_t ns_len, uint64_t id, uint64_t now);

/* 1 if the server in this place can be asked now, else 0. */
int sss_engine_usable(const sss_engine_t *engine, size_t place);

/* Nobody waits any more: there will be no result. */
void sss_engine_cancel(sss_engine_t *engine, sss_request_t *lookup);

/* Stores a copy of "len" bytes for "ttl" seconds. */
sss_engine_queue_t sss_engine_put(sss_engine_t *engine, const char *name,
    const uint8_t *value, size_t len, uint32_t ttl);

/* Removes a record. */
sss_engine_queue_t sss_engine_remove(sss_engine_t *engine, const char *name);

/* The servers that there are now: SSS_SERVERS_MAX places. */
const sss_server_t *sss_engine_servers(const sss_engine_t *engine);

/* 1 if names have addresses, or a resolver had half a second to tell them. */
int sss_engine_settled(const sss_engine_t *engine);

/*
 * Carries an exchange with the server of this id in the i-th place out, one at
 * a time for each: it is SSS_EXCHANGE_DONE some time after, perhaps at once,
 * and its memory must stay until then.  It shares the connection with lookups,
 * but neither waits for the other's deadline.
 */
void sss_engine_ask(sss_engine_t *engine, size_t i, uint32_t id,
    sss_exchange_t *x);

/* Nobody waits for exchanges any more: their memory may go. */
void sss_engine_forget(sss_engine_t *engine);

/*
 * At the end of a turn in which anything was called: sends what is to go out
 * now.  Returns when it wants to be called again at the latest, in
 * microseconds from now, or SSS_ENGINE_NEVER.
 */
uint64_t sss_engine_run(sss_engine_t *engine);

/*
 * The i-th of SSS_ENGINE_WATCHES descriptors to watch; most are none (-1), and
 * any of them may have changed after any call.
 */
void sss_engine_watch(const sss_engine_t *engine, size_t i,
    sss_engine_watch_t *watch);

/* The i-th is readable, writable, or broken. */
void sss_engine_event(sss_engine_t *engine, size_t i);

/* Takes up to "n" results, and returns their number. */
size_t sss_engine_take(sss_engine_t *engine, sss_engine_result_t *results,
    size_t n);

void sss_engine_stats(const sss_engine_t *engine, sss_engine_stats_t *stats);

/*
 * For an owner without a loop: runs, waits for up to "ms" milliseconds for
 * anything to happen, and handles it.
 */
void sss_engine_wait(sss_engine_t *engine, unsigned ms);

/* Waits for a descriptor for so many microseconds, and handles it. */
void sss_engine_poll(sss_engine_t *engine, uint64_t us);

/*
 * What was asked for is sent if that takes no longer than "wait_ms", else
 * abandoned.  Results that were not taken are dropped.
 */
void sss_engine_destroy(sss_engine_t *engine, unsigned wait_ms);


#endif /* SSS_ENGINE_H_INCLUDED */
