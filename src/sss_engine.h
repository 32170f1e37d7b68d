
/*
 * The engine: a thread that looks sessions up in memcached, and stores and
 * removes them, for an event loop that never waits.
 *
 * The thread has a connection to every server of the cluster; a record is on
 * one of them by consistent hashing (ketama, weights).  It takes its whole
 * queue at a time: lookups become one request to each server, stores and
 * removals are sent without waiting for an answer.  A lookup sees what this
 * engine stored or removed before it was asked, and perhaps what it did after.
 *
 * The thread is woken only when it sleeps, the event loop (by an eventfd) only
 * when no completion is waiting for it yet.  Both queues are bounded.
 *
 * A lookup fails when its server has not answered "timeout_ms" after it was
 * asked, or the connection is lost.  That server gets no more lookups, and
 * the others have its records, until it has answered a probe.
 *
 * When "breaker" lookups in a row have failed, lookups fail at once
 * (SSS_ENGINE_OPEN) and the engine probes by itself until a server answers.
 */


#ifndef SSS_ENGINE_H_INCLUDED
#define SSS_ENGINE_H_INCLUDED


#include <stddef.h>
#include <stdint.h>

#include "sss_address.h"
#include "sss_secret.h"
#include "sss_sync.h"


#define SSS_ENGINE_VALUE    65536       /* longest record                  */
#define SSS_ENGINE_BUCKETS  16          /* of latency: < 64 us, < 128 us,
                                           and so on, the last has the rest */


typedef struct {
    const sss_address_t  *servers;      /* the caller's, outlives the engine */
    const uint32_t       *weights;      /* likewise                        */
    size_t                n_servers;
    unsigned              timeout_ms;   /* of one exchange with a server   */
    unsigned              queue;        /* requests at a time, with results
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
    SSS_ENGINE_FULL,            /* the queue is full: counted, dropped     */
    SSS_ENGINE_OPEN             /* the breaker is open: nobody waits       */
} sss_engine_queue_t;


/* What became of a lookup. */

typedef struct {
    uint64_t          ticket;   /* as given by sss_engine_get()            */
    sss_engine_rc_t   rc;
    uint8_t          *value;    /* malloc()ed, the caller's; NULL unless
                                   SSS_ENGINE_HIT                          */
    size_t            len;
} sss_engine_result_t;


typedef struct {
    uint64_t  gets, hits, misses, failures;
    uint64_t  stores, removals;         /* sent                            */
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


/*
 * Starts the thread, which connects by itself.  Returns NULL without memory,
 * descriptors or threads.
 */
sss_engine_t *sss_engine_start(const sss_engine_conf_t *conf);

/* Readable (an eventfd) when results wait. */
int sss_engine_fd(const sss_engine_t *engine);

/*
 * Looks a record up; the result comes later, with the number put into
 * "*ticket".  With "take" the record is removed as it is read, and of several
 * takers at the same moment, on whatever hosts, one at the most gets
 * SSS_ENGINE_HIT.  A take that fails may have removed the record.  Never
 * blocks.
 */
sss_engine_queue_t sss_engine_get(sss_engine_t *engine, const char *name,
    int take, uint64_t *ticket);

/* Stores a copy of "len" bytes for "ttl" seconds.  Never blocks. */
sss_engine_queue_t sss_engine_put(sss_engine_t *engine, const char *name,
    const uint8_t *value, size_t len, uint32_t ttl);

/* Removes a record.  Never blocks. */
sss_engine_queue_t sss_engine_remove(sss_engine_t *engine, const char *name);

/*
 * Takes up to "n" results; resets the descriptor when none is left.  Returns
 * their number.
 */
size_t sss_engine_take(sss_engine_t *engine, sss_engine_result_t *results,
    size_t n);

void sss_engine_stats(sss_engine_t *engine, sss_engine_stats_t *stats);

/*
 * Ends the thread: what is queued is sent if that takes no longer than
 * "wait_ms", else abandoned.  Results that were not taken are dropped.
 * Returns 1, or 0 if the thread itself had to be abandoned, with its memory,
 * because the process is about to exit; this one never has to be.
 */
int sss_engine_stop(sss_engine_t *engine, unsigned wait_ms);


#endif /* SSS_ENGINE_H_INCLUDED */
