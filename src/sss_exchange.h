
/*
 * An exchange with one memcached server about records that hosts share: a
 * read of several records with their versions, a write that takes effect only
 * if nobody was faster, or a look at the server's clock.
 *
 * Who has a wish fills one in (sss_exchange_read() and so on, which makes it
 * SSS_EXCHANGE_WANTED); somebody carries it out, as sss_engine_ask() does, and
 * leaves it SSS_EXCHANGE_DONE.  It never waits and does no I/O by itself.
 */


#ifndef SSS_EXCHANGE_H_INCLUDED
#define SSS_EXCHANGE_H_INCLUDED


#include <stddef.h>
#include <stdint.h>

#include "sss_secret.h"


#define SSS_EXCHANGE_REASON  128
#define SSS_LATENCY_BUCKETS   16        /* < 64 us, < 128 us, and so on; the
                                           last has the rest               */


typedef enum {
    SSS_EXCHANGE_READ = 0,
    SSS_EXCHANGE_WRITE,
    SSS_EXCHANGE_CLOCK
} sss_exchange_op_t;


typedef enum {
    SSS_EXCHANGE_IDLE = 0,
    SSS_EXCHANGE_WANTED,        /* to be carried out                       */
    SSS_EXCHANGE_ASKED,         /* under way                               */
    SSS_EXCHANGE_DONE           /* "rc" says how it ended                  */
} sss_exchange_state_t;


typedef enum {
    SSS_EXCHANGE_OK = 0,
    SSS_EXCHANGE_CONFLICT,      /* a write: somebody was faster            */
    SSS_EXCHANGE_FAILED         /* no usable answer: "reason"              */
} sss_exchange_rc_t;


typedef struct {
    char      name[SSS_NAME_SIZE];
    uint8_t  *value;            /* malloc()ed; NULL if nothing was found, and
                                   if it was longer than could be kept     */
    size_t    len;
    uint64_t  cas;              /* its version, never 0 if it was found    */
    unsigned  found:1;
} sss_item_t;


typedef struct {
    sss_exchange_op_t      op;
    sss_exchange_state_t   state;
    sss_exchange_rc_t      rc;

    sss_item_t            *items;       /* a read: the caller's            */
    size_t                 n;

    sss_item_t             item;        /* a write: name, version, value   */
    uint32_t               ttl;

    uint64_t               seconds;     /* the clock                       */
    uint32_t               took_us;     /* from the asking to the answer   */
    char                   reason[SSS_EXCHANGE_REASON];
} sss_exchange_t;


/* Wants "n" items, at least 1, whose names are filled in. */
void sss_exchange_read(sss_exchange_t *x, sss_item_t *items, size_t n);

/*
 * Wants "name" to be written if its version still is "cas", or, with a cas of
 * 0, if it does not exist.  "value" is malloc()ed and is taken over.  "ttl" is
 * in seconds, at least 1, and may exceed memcached's 30 days (an absolute time
 * is sent then).
 */
void sss_exchange_write(sss_exchange_t *x, const char *name, uint64_t cas,
    uint8_t *value, size_t len, uint32_t ttl);

/* Wants the server's clock, seconds since the epoch. */
void sss_exchange_clock(sss_exchange_t *x);

/* It has ended; the reason, static or not, is of a failure. */
void sss_exchange_end(sss_exchange_t *x, sss_exchange_rc_t rc,
    const char *reason);

/* What was found so far is forgotten: it is wanted as at the beginning. */
void sss_exchange_again(sss_exchange_t *x);

/* Forgets what was found, and what was to be written: it is idle then. */
void sss_exchange_clear(sss_exchange_t *x);

/* The place in a histogram of SSS_LATENCY_BUCKETS for what took "us". */
unsigned sss_latency_bucket(uint64_t us);


#endif /* SSS_EXCHANGE_H_INCLUDED */
