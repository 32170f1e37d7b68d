
/*
 * A fleet in this process: hosts that poll, step by step in a random order,
 * and servers that are a few bytes of memory.  Nothing waits, and tests set
 * the time.
 */


#ifndef FLEET_H_INCLUDED
#define FLEET_H_INCLUDED


#include "host.h"
#include "sss_sync.h"


#define FLEET_HOSTS    4
#define FLEET_SERVERS  2
#define FLEET_ITEMS    64
#define FLEET_POLL     2000             /* poll interval, ms               */

#define HOSTS          FLEET_HOSTS
#define SERVERS        FLEET_SERVERS


typedef struct {
    char               name[SSS_NAME_SIZE];
    uint8_t            value[8192];
    size_t             len;
    uint64_t           cas;             /* 0: nothing is here              */
} stored_t;


typedef struct {
    stored_t           items[FLEET_ITEMS];
    uint64_t           cas;
    int                down;
    const char        *refuses;         /* writes with this message       */
} server_t;


typedef struct {
    sss_sync_t        *sync;            /* NULL: the host is down          */
    sss_ring_t        *ring;
    sss_group_t        group;
    sss_sync_report_t  report;
    int                used;
    int                polling;
    int                cut[FLEET_SERVERS];      /* it does not reach them  */
    sss_secrets_t      secrets;
    int64_t            skew_ms;         /* how far its clock is ahead      */
    uint64_t           due_ms;          /* of fleet_run()                  */
} fleet_host_t;


typedef struct {
    uint64_t           random;
    int                forward_secrecy;
    server_t           servers[FLEET_SERVERS];
    sss_secrets_t      secrets;
    sss_server_t       places[SSS_SERVERS_MAX];
    fleet_host_t       hosts[FLEET_HOSTS];
    uint64_t           now;             /* of fleet_run()                  */
} fleet_t;


/* Starts a fleet: all hosts are up, with empty rings. */
void fleet_start(fleet_t *f, uint64_t seed, int forward_secrecy);
void fleet_stop(fleet_t *f);

/* Kill a host, with all that is in its memory; start a host. */
void fleet_kill(fleet_t *f, size_t host);
void fleet_enter(fleet_t *f, size_t host);

/*
 * Reloads a host: it gets the present secrets of the fleet; keys and group
 * stay.
 */
void fleet_reload(fleet_t *f, size_t host);

/* A random number below n. */
unsigned fleet_below(fleet_t *f, unsigned n);

/* For one host: begin a poll, take a step, carry out an exchange. */
int fleet_begin(fleet_t *f, size_t host, uint64_t now);
void fleet_step(fleet_t *f, size_t host);
void fleet_carry_out(fleet_t *f, size_t host, size_t server);

/* Every host polls once, at "now"; their steps come in a random order. */
void fleet_poll(fleet_t *f, uint64_t now);

/*
 * Lets "ms" milliseconds pass from f->now on.  Each host polls whenever a poll
 * of its own is due.
 */
void fleet_run(fleet_t *f, uint64_t ms);

/* Returns the record of this name on a server, or NULL. */
stored_t *fleet_find(server_t *server, const char *name);

/* Marks the keys of every host as used in a handshake. */
void fleet_use_all(fleet_t *f);

/* Adds to "all" the keys of the hosts that are up. */
void fleet_gather(fleet_t *f, sss_ring_t *all);

/* Fails the test unless all hosts that are up have the same keys. */
void fleet_assert_agreed(fleet_t *f, uint32_t keys);


#endif /* FLEET_H_INCLUDED */
