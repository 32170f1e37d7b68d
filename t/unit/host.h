
/* Hosts, each of which is a sync with a ring, and two memcached servers. */


#ifndef HOST_H_INCLUDED
#define HOST_H_INCLUDED


#include <pthread.h>

#include "memcached.h"
#include "sss_engine.h"
#include "sss_sync.h"


#define ROTATION   3600
#define CAPACITY   32
#define HOUR       ((uint64_t) ROTATION * 1000)
#define TIMEOUT    3000

/* A time one minute after the begin of a slot, in milliseconds. */
#define START      ((uint64_t) 497222 * HOUR + 60000)

/* No poll may take so long (ms), which is far more than its timeouts. */
#define LONG       60000


typedef struct {
    sss_sync_t         *sync;
    sss_engine_t       *engine;         /* NULL without servers            */
    unsigned            patience;       /* of the engine, ms               */
    sss_ring_t         *ring;
    sss_group_t         group;
    sss_secrets_t       secrets;
    sss_address_t       servers[2];
    size_t              n_servers;
    sss_sync_conf_t     conf;
    sss_sync_report_t   report;
    uint64_t            now;            /* for a poll in a thread          */
    pthread_t           thread;
    pthread_barrier_t  *barrier;
} host_t;


typedef struct {
    memcached_t         m[2];
    host_t              h[4];
} hosts_t;


/* For cmocka: starts the servers; stops them, and whatever host is there. */
int host_setup(void **state);
int host_teardown(void **state);

/*
 * Fills in a configuration.  "secrets" has a letter for each secret, in their
 * order; "a" and "b" may be NULL.
 */
void host_prepare(host_t *h, const char *secrets, const memcached_t *a,
    const memcached_t *b);

/* Start a host that was prepared, with an empty ring; prepare and start it. */
void host_enter(host_t *h);
void host_join(host_t *h, const char *secrets, const memcached_t *a,
    const memcached_t *b);

/* Gives a host other servers or secrets; it keeps its ring. */
void host_change(host_t *h, const char *secrets, const memcached_t *a,
    const memcached_t *b);

void host_leave(host_t *h);

/* Polls once, after which there must be a key of the current slot. */
void host_poll(host_t *h, uint64_t now);

/*
 * The same without a check, for use in a thread.  Returns the result of
 * sss_sync_take().
 */
int host_poll_once(host_t *h, uint64_t now);

/* Makes sync and engine anew from the present configuration. */
void host_renew(host_t *h);

/* 1 if the ring has a key of the slot after that of "now". */
int host_has_next(const host_t *h, uint64_t now);

/* Fails the test unless both have the same ring. */
void host_assert_same(const host_t *a, const host_t *b);

/* The memcached key of the ring under the secret with this letter. */
void host_record_name(const char *secret, const char *ns, char *name);

/* Copies a record of a server, and returns the number of its bytes. */
size_t host_record(const memcached_t *m, const char *name, uint8_t *bytes,
    size_t size);


#endif /* HOST_H_INCLUDED */
