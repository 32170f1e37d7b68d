
/*
 * Servers for the unit tests: a real memcached, and a fake one that answers
 * every message with the same bytes.  Both listen on a free port of a loopback
 * address and end with the test, however it ends.
 */


#ifndef MEMCACHED_H_INCLUDED
#define MEMCACHED_H_INCLUDED


#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sss_address.h"


typedef struct {
    sss_address_t   address;
    const char     *option;             /* one more option, or NULL         */
    const char     *secured;            /* certificate and key, as memcached
                                           has them after -o; NULL: no TLS */
    pid_t           pid;                /* 0: not running                  */
} memcached_t;


typedef struct {
    sss_address_t   address;
    const char     *first;              /* the answer to the first message
                                           of a connection, NULL: as ever;
                                           with it each "get" is a message */
    const char     *bytes;              /* the answer to a message         */
    size_t          len;                /* 0: silence                      */
    unsigned        drip_ms;            /* between two bytes, 0: at once   */
    int             repeat;             /* the answer has no end           */
    int             hang_up;            /* after the answer                */
    int             fd;
    atomic_int      stop;
    atomic_uint     connections;
    atomic_uint     messages;           /* messages read                   */
    pthread_t       thread;
} fake_t;


uint64_t unit_clock_ms(void);
void unit_pause(unsigned ms);

/*
 * Starts a memcached on a free port of "host", or on the Unix-domain socket
 * "host".  Returns 0, or -1 if none answers.
 */
int memcached_start(memcached_t *m, const char *host, const char *option);

/* 1 if the memcached of this machine was built with TLS. */
int memcached_has_tls(void);

/* The same with TLS. */
int memcached_start_secured(memcached_t *m, const char *host,
    const char *secured);

/* Restarts it at the same address; it is empty then. */
int memcached_restart(memcached_t *m);

void memcached_stop(memcached_t *m);

/*
 * Stops it with SIGSTOP, and waits until all of its threads have stopped; lets
 * it go on.
 */
void memcached_freeze(memcached_t *m);
void memcached_thaw(memcached_t *m);

/*
 * Sends bytes and waits until "end" is in the answer, which goes into
 * "answer", zero-terminated.  Returns 0, or -1.
 */
int memcached_say(const sss_address_t *address, const void *bytes,
    size_t len, const char *end, char *answer, size_t size);

/* Sends a line, and waits for the end of the answer. */
int memcached_tell(const sss_address_t *address, const char *line,
    const char *end);

/* Stores bytes under a key, as anybody with access could. */
int memcached_store(const sss_address_t *address, const char *name,
    const void *value, size_t len);

/* A socket that listens on a free port of address->host, or -1. */
int memcached_listen(sss_address_t *address, int backlog);

/* Begins to connect, without waiting.  Returns the socket, or -1. */
int memcached_connect(const sss_address_t *address);

/* Starts a fake server; "fake" has its answers.  Returns 0, or -1. */
int fake_start(fake_t *fake);
void fake_stop(fake_t *fake);


#endif /* MEMCACHED_H_INCLUDED */
