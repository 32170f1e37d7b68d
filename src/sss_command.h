
/*
 * What a memcached server is told, as bytes of its text protocol.  All of
 * these add to a buffer and return 0, or -1 without memory: nothing of the
 * command is in the buffer then.
 */


#ifndef SSS_COMMAND_H_INCLUDED
#define SSS_COMMAND_H_INCLUDED


#include "sss_buffer.h"
#include "sss_claim.h"
#include "sss_exchange.h"
#include "sss_request.h"


/* Looks up all names in the queue, and removes those that are to be taken. */
int sss_command_get(sss_buffer_t *out, const sss_queue_t *lookups);

/* Stores a value for "ttl" seconds, without an answer. */
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

/* Removes, without an answer. */
int sss_command_delete(sss_buffer_t *out, const char *name);

/* What an exchange is about. */
int sss_command_exchange(sss_buffer_t *out, const sss_exchange_t *x);


#endif /* SSS_COMMAND_H_INCLUDED */
