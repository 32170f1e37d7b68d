
/*
 * An exchange: one request to one memcached server about the records that
 * hosts share, and its result.  It is a read of several records with their
 * versions, a write by compare-and-swap, or a look at the server's clock.
 *
 * The poll that needs an exchange fills it in, with sss_exchange_read() for
 * example, which makes it SSS_EXCHANGE_WANTED.  The owner of the poll has it
 * carried out, by sss_engine_ask(), which makes it SSS_EXCHANGE_DONE in the
 * end.  The functions here do no I/O.
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
    SSS_EXCHANGE_WANTED,        /* filled in, not begun yet                */
    SSS_EXCHANGE_ASKED,         /* under way                               */
    SSS_EXCHANGE_DONE           /* "rc" says how it ended                  */
} sss_exchange_state_t;


typedef enum {
    SSS_EXCHANGE_OK = 0,
    SSS_EXCHANGE_CONFLICT,      /* a write: the record has another version */
    SSS_EXCHANGE_FAILED         /* no usable answer; "reason" says why     */
} sss_exchange_rc_t;


/* A record of memcached: its key, value and version. */

typedef struct {
    char      name[SSS_NAME_SIZE];      /* memcached key, zero-terminated  */
    uint8_t  *value;            /* malloc()ed; NULL if it was not found, or if
                                   it was longer than SSS_REPLY_VALUE      */
    size_t    len;
    uint64_t  cas;              /* its version; not 0 if it was found      */
    unsigned  found:1;
} sss_item_t;


typedef struct {
    sss_exchange_op_t      op;
    sss_exchange_state_t   state;
    sss_exchange_rc_t      rc;

    sss_item_t            *items;       /* a read: the caller's array ...  */
    size_t                 n;           /* ... of so many items            */

    sss_item_t             item;        /* a write: name, version, value   */
    uint32_t               ttl;         /* a write: seconds                */

    uint64_t               seconds;     /* the server's clock, seconds since
                                           the epoch                       */
    uint32_t               took_us;     /* from the request to the answer  */
    char                   reason[SSS_EXCHANGE_REASON]; /* zero-terminated */
} sss_exchange_t;


/*
 * Prepares a read of "n" items, at least 1, whose names the caller has filled
 * in.  The items must stay until the exchange is cleared.
 */
void sss_exchange_read(sss_exchange_t *x, sss_item_t *items, size_t n);

/*
 * Prepares a write of "name" that takes effect only if the version of the
 * record is still "cas", or, with a cas of 0, if there is no such record.
 * "value" is malloc()ed and belongs to the exchange from now on.  "ttl" is in
 * seconds, at least 1, and may exceed the 30 days above which memcached takes
 * a number for an absolute time: such a time is sent then.
 */
void sss_exchange_write(sss_exchange_t *x, const char *name, uint64_t cas,
    uint8_t *value, size_t len, uint32_t ttl);

/* Prepares a look at the server's clock; "seconds" gets the result. */
void sss_exchange_clock(sss_exchange_t *x);

/*
 * Ends an exchange with a result: it is SSS_EXCHANGE_DONE then.  "reason" is
 * needed for SSS_EXCHANGE_FAILED, and is copied.
 */
void sss_exchange_end(sss_exchange_t *x, sss_exchange_rc_t rc,
    const char *reason);

/*
 * Frees what has been read so far and makes the exchange SSS_EXCHANGE_WANTED
 * again, to begin it anew.
 */
void sss_exchange_again(sss_exchange_t *x);

/*
 * Frees the values that were read, and the one that was to be written.  The
 * exchange is SSS_EXCHANGE_IDLE then.
 */
void sss_exchange_clear(sss_exchange_t *x);

/* The place in a histogram of SSS_LATENCY_BUCKETS for what took "us". */
unsigned sss_latency_bucket(uint64_t us);


#endif /* SSS_EXCHANGE_H_INCLUDED */
