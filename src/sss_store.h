
/*
 * One memcached server.  Every call here may block for a few timeouts and
 * belongs on a thread of its own, never on an event loop.
 *
 * Not through libmemcached: 1.0.18 and 1.1.4 take an answer to anything for a
 * version and read through a null pointer, so that whoever answers could end
 * the process.
 */


#ifndef SSS_STORE_H_INCLUDED
#define SSS_STORE_H_INCLUDED


#include <stddef.h>
#include <stdint.h>

#include "sss_address.h"
#include "sss_secret.h"


#define SSS_STORE_ERROR  160


typedef struct sss_store_s  sss_store_t;


typedef enum {
    SSS_STORE_OK = 0,
    SSS_STORE_MISS,             /* get: not there                         */
    SSS_STORE_CONFLICT,         /* cas, add: somebody was faster          */
    SSS_STORE_FAILED            /* no usable answer: sss_store_error()    */
} sss_store_rc_t;


typedef struct {
    char      name[SSS_NAME_SIZE];      /* in: key, zero-terminated       */
    uint8_t  *value;                    /* in: buffer                     */
    size_t    size;                     /* in: its size                   */
    size_t    len;                      /* out: bytes of the value; more
                                           than size if it did not fit (the
                                           buffer then holds nothing)      */
    uint64_t  cas;                      /* out                            */
    unsigned  found:1;                  /* out                            */
} sss_store_item_t;


/*
 * Makes a handle; connects to nothing.  "timeout_ms" bounds each connect,
 * send and wait for an answer, and four times as much every call as a whole,
 * whatever the server and the resolver do.  Returns NULL without memory.
 */
sss_store_t *sss_store_create(const sss_address_t *address,
    unsigned timeout_ms);

/* Does not wait: what still talks to the server frees itself later. */
void sss_store_destroy(sss_store_t *store);

/*
 * Asks for all "n" items in one request.  SSS_STORE_OK also when some or all
 * were not found.  After SSS_STORE_FAILED the connection is dropped, and the
 * next call resolves the name and connects anew.
 */
sss_store_rc_t sss_store_get(sss_store_t *store, sss_store_item_t *items,
    size_t n);

/*
 * The same in two steps, so that several servers are asked at once.  Both
 * take the same items; nothing else is called on this store in between.
 */
void sss_store_ask(sss_store_t *store, const sss_store_item_t *items,
    size_t n);
sss_store_rc_t sss_store_answer(sss_store_t *store, sss_store_item_t *items,
    size_t n);

/*
 * Writes "name", if its cas is still "cas"; a cas of 0 means that it must not
 * exist.  "ttl" is in seconds, at least 1, and may exceed memcached's 30 days
 * (an absolute time is sent then).
 */
sss_store_rc_t sss_store_put(sss_store_t *store, const char *name,
    uint64_t cas, const uint8_t *value, size_t len, uint32_t ttl);

/* The server's clock, seconds since the epoch. */
sss_store_rc_t sss_store_time(sss_store_t *store, uint64_t *seconds);

/* How long the last request took that was answered, in microseconds. */
uint32_t sss_store_latency(const sss_store_t *store);

/* What the last SSS_STORE_FAILED was about; zero-terminated. */
const char *sss_store_error(const sss_store_t *store);


#endif /* SSS_STORE_H_INCLUDED */
