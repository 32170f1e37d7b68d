
/*
 * The engine: the client of memcached.  It looks sessions up, stores and
 * removes them, and carries out the exchanges by which hosts share keys.  It
 * is a part of its owner's event loop and never blocks.
 *
 * The engine has one connection to every server of the cluster.  A session's
 * record is on one of the servers, chosen by consistent hashing (ketama, with
 * weights).  What the owner asks for during a turn of its event loop is sent
 * at the end of the turn, in sss_engine_run(): the lookups as one request to
 * each server, stores and removals as commands without an answer.
 *
 * Under load the engine makes few large messages out of many small ones.
 * While several lookups are under way at a time, new ones wait up to a tenth
 * of a millisecond for others.  While stores happen in eight or more turns
 * within ten milliseconds, they wait up to five milliseconds (sss_pace.h).
 * Requests to a server keep their order: a lookup sees what this engine stored
 * or removed before it, and may see what it stored or removed shortly after.
 *
 * A lookup fails if "timeout_ms" have passed since it was asked, or if the
 * connection is lost.  The server then gets no more lookups until it has
 * answered a probe, and in the meantime its records go to the other servers.
 *
 * When "breaker" lookups in a row have failed, the breaker opens: lookups and
 * stores are refused at once (SSS_ENGINE_OPEN), and the engine sends probes
 * until a server answers one.
 *
 * An engine must not be used by two threads at a time.  Names of servers are
 * resolved by a thread for each query; servers come and go with the addresses
 * of their names.
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


#define SSS_ENGINE_VALUE    65536       /* bytes of a session's record, at
                                           most                            */
#define SSS_ENGINE_BUCKETS  SSS_LATENCY_BUCKETS
#define SSS_ENGINE_NEVER    UINT64_MAX
#define SSS_ENGINE_WATCHES  (SSS_SERVERS_MAX + 1)   /* each server, and the
                                                       eventfd of resolvers */


typedef struct {
    const sss_address_t  *servers;      /* addresses, paths and names of the
                                           "memcached" directives; copied  */
    const uint32_t       *weights;      /* one for each, copied; NULL: all
                                           are 1                           */
    const sss_known_t    *known;        /* SSS_SERVERS_MAX addresses to use
                                           until names are resolved, or NULL;
                                           copied                          */
    size_t                n_servers;    /* directives, 1 to
                                           SSS_SERVERS_MAX                 */
    uint32_t              secure;       /* bit i: TLS to the servers of the
                                           i-th directive, whose certificate
                                           must be for its name or address */
    sss_tls_t            *tls;          /* for those; outlives the engine  */
    unsigned              timeout_ms;   /* longest wait for a lookup       */
    unsigned              patience_ms;  /* an exchange fails when the server
                                           has sent and taken nothing for so
                                           long, and after three times as
                                           long in any case                */
    int                   quiet;        /* 1: the engine is used for exchanges
                                           only, and connects when there is
                                           one                             */
    const sss_auth_t     *auth;         /* the password of all servers, or
                                           NULL; it outlives the engine    */
    unsigned              queue;        /* most lookups at a time, including
                                           those whose results have not been
                                           taken                           */
    unsigned              breaker;      /* failed lookups in a row that open
                                           the breaker                     */
} sss_engine_conf_t;


typedef enum {
    SSS_ENGINE_HIT = 0,
    SSS_ENGINE_MISS,
    SSS_ENGINE_FAILED           /* there was no answer, or none in time    */
} sss_engine_rc_t;


typedef enum {
    SSS_ENGINE_QUEUED = 0,
    SSS_ENGINE_FULL,            /* refused: no memory, too much under way, no
                                   usable server, or an invalid request    */
    SSS_ENGINE_OPEN             /* refused: the breaker is open            */
} sss_engine_queue_t;


/* The result of a lookup. */

typedef struct {
    void             *data;     /* as given to sss_engine_get()            */
    sss_engine_rc_t   rc;
    int               late;     /* 1: SSS_ENGINE_FAILED because the server did
                                   not answer in time                      */
    uint8_t          *value;    /* malloc()ed, the caller frees it; NULL
                                   unless "rc" is SSS_ENGINE_HIT           */
    size_t            len;
    sss_claim_reply_t reply;    /* to a claim                              */
} sss_engine_result_t;


/* A descriptor that the owner's event loop is to watch. */

typedef struct {
    int               fd;       /* -1: none at present                     */
    unsigned          epoch;    /* changes with every new descriptor, also
                                   if it has the number of the old one     */
    unsigned          write:1;  /* watch for writing as well as for reading */
} sss_engine_watch_t;


/*
 * Counters since the engine was created; "waiting" and "open" are as of now.
 */

typedef struct {
    uint64_t  gets, hits, misses, failures;
    uint64_t  stores, removals;
    uint64_t  dropped;                  /* lookups, stores and removals that
                                           were refused with SSS_ENGINE_FULL,
                                           and stores and removals refused
                                           with SSS_ENGINE_OPEN            */
    uint64_t  batches;                  /* requests with several lookups   */
    uint64_t  opened;                   /* how often the breaker opened    */
    uint64_t  latency[SSS_ENGINE_BUCKETS];      /* of lookups, from
                                                   sss_engine_get() on     */
    uint64_t  latency_us;                       /* sum of their latencies  */
    uint32_t  waiting;                  /* lookups under way               */
    uint32_t  open;                     /* 1: the breaker is open          */
} sss_engine_stats_t;


typedef struct sss_engine_s  sss_engine_t;
typedef struct sss_request_s  sss_request_t;


/*
 * Creates an engine and begins to connect, unless it is "quiet".  Returns NULL
 * if there are no servers or more than SSS_SERVERS_MAX, or without memory or
 * descriptors.
 */
sss_engine_t *sss_engine_create(const sss_engine_conf_t *conf);

/*
 * Looks a record up.  Unless it is refused, "data" comes back with the result
 * (sss_engine_take()).  With "take" the record is removed as it is read: of
 * several hosts that take it at the same moment, at most one gets
 * SSS_ENGINE_HIT.  A take that fails or is cancelled may still have removed
 * the record.  "*lookup" is valid for sss_engine_cancel() until the result is
 * taken.
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

/* Gives a lookup up: no result will be returned for it. */
void sss_engine_cancel(sss_engine_t *engine, sss_request_t *lookup);

/*
 * Stores a copy of "len" bytes, at most SSS_ENGINE_VALUE, for "ttl" seconds.
 * Whether the server has stored it is not known.
 */
sss_engine_queue_t sss_engine_put(sss_engine_t *engine, const char *name,
    const uint8_t *value, size_t len, uint32_t ttl);

/* Removes a record, likewise. */
sss_engine_queue_t sss_engine_remove(sss_engine_t *engine, const char *name);

/*
 * The SSS_SERVERS_MAX places of the servers that the cluster has now.  The
 * array is the engine's; its contents may change in sss_engine_run().
 */
const sss_server_t *sss_engine_servers(const sss_engine_t *engine);

/*
 * 1 if every name has been resolved, or if half a second has passed since the
 * engine was created: the first poll need not wait for names any longer.
 */
int sss_engine_settled(const sss_engine_t *engine);

/*
 * Carries out an exchange with the server in the i-th place, if it still has
 * this id; else the exchange fails.  There may be one exchange at a time with
 * each server.  Its state becomes SSS_EXCHANGE_DONE, at once or in a later
 * call, and the caller keeps its memory until then.  Exchanges and lookups
 * share a connection, but each has its own deadline.
 */
void sss_engine_ask(sss_engine_t *engine, size_t i, uint32_t id,
    sss_exchange_t *x);

/*
 * Gives up all exchanges that are under way; the caller may free their memory.
 */
void sss_engine_forget(sss_engine_t *engine);

/*
 * Sends what is to be sent now, and handles timeouts.  The owner calls this at
 * the end of each turn in which it has called anything else here.  Returns
 * after how many microseconds it is to be called again at the latest, or
 * SSS_ENGINE_NEVER.
 */
uint64_t sss_engine_run(sss_engine_t *engine);

/*
 * Gets the i-th of the SSS_ENGINE_WATCHES descriptors that the owner is to
 * watch.  Most are -1, and any of them may have changed after any call.
 */
void sss_engine_watch(const sss_engine_t *engine, size_t i,
    sss_engine_watch_t *watch);

/*
 * Tells the engine that the i-th descriptor is readable, writable or broken.
 */
void sss_engine_event(sss_engine_t *engine, size_t i);

/* Takes up to "n" results of lookups.  Returns their number. */
size_t sss_engine_take(sss_engine_t *engine, sss_engine_result_t *results,
    size_t n);

void sss_engine_stats(const sss_engine_t *engine, sss_engine_stats_t *stats);

/*
 * One turn of a loop, for an owner that has none: runs, waits up to "ms"
 * milliseconds until something happens, and handles it.
 */
void sss_engine_wait(sss_engine_t *engine, unsigned ms);

/* Waits for a descriptor for so many microseconds, and handles it. */
void sss_engine_poll(sss_engine_t *engine, uint64_t us);

/*
 * Destroys an engine, or does nothing if it is NULL.  With "wait_ms" > 0 it
 * first waits for up to so many milliseconds until everything that was asked
 * for has been sent.  Results that were not taken are freed.
 */
void sss_engine_destroy(sss_engine_t *engine, unsigned wait_ms);


#endif /* SSS_ENGINE_H_INCLUDED */
