
/*
 * Requests to a memcached server, as bytes of its text protocol (memcached's
 * doc/protocol.txt).  Each function adds one request to a buffer and returns
 * 0, or -1 without memory: the buffer is unchanged then.  Names have been
 * checked by sss_request_name_ok().
 */


#ifndef SSS_COMMAND_H_INCLUDED
#define SSS_COMMAND_H_INCLUDED


#include "sss_buffer.h"
#include "sss_claim.h"
#include "sss_exchange.h"
#include "sss_request.h"


/*
 * One "get" of all names in the queue.  After it, in the same message, one
 * "delete" for each name that is to be taken (SSS_REQUEST_TAKE).
 */
int sss_command_get(sss_buffer_t *out, const sss_queue_t *lookups);

/*
 * A "set" of "len" bytes for "ttl" seconds.  It is marked "noreply": the
 * server does not answer.
 */
int sss_command_set(sss_buffer_t *out, const char *name,
    const uint8_t *value, size_t len, uint32_t ttl);

/*
 * Adds an item unless there is one, without an answer; "expires" is sent as it
 * is: up to 30 days in seconds, or a time since the epoch.
 */
int sss_command_add_item(sss_buffer_t *out, const char *name,
    const uint8_t *value, size_t len, uint64_t expires);

/* Claims: the badge, the record to append, the log, and the badge again. */
int sss_command_claim(sss_buffer_t *out, const sss_claim_t *claim);

/* A "delete", likewise without an answer. */
int sss_command_delete(sss_buffer_t *out, const char *name);

/*
 * The request of an exchange: "gets" for a read, "add" or "cas" for a write,
 * "stats" for the clock.
 */
int sss_command_exchange(sss_buffer_t *out, const sss_exchange_t *x);


#endif /* SSS_COMMAND_H_INCLUDED */
