
/*
 * The conversation with a memcached server in its text protocol, without the
 * connection.  Requests become bytes in "out", which the owner sends, and the
 * bytes that the owner has received in "in" become their answers.  Requests
 * are pipelined: none waits for the answers of those before it.
 *
 * libmemcached is not used for this.  It waits for one server at a time
 * instead of being part of an event loop, and it trusts servers: when a "get"
 * is answered by VERSION and a line end, 1.0.18 and 1.1.4 follow a null
 * pointer, so that whoever answers could end the process.
 */


#ifndef SSS_TALK_H_INCLUDED
#define SSS_TALK_H_INCLUDED


#include "sss_buffer.h"
#include "sss_exchange.h"
#include "sss_request.h"


#define SSS_TALK_NAMES    64            /* most names of one "get" command */

#define SSS_TALK_LATE     "timed out"
#define SSS_TALK_STRANGE  "the answer is not memcached's"
#define SSS_TALK_MEMORY   "no memory"

#define SSS_TALK_REFUSED   "memcached refuses the password of auth_file"
#define SSS_TALK_PASSWORD  "memcached wants a password: give auth_file"


typedef struct {
    sss_queue_t      asked;             /* requests without an answer, in the
                                           order in which answers come     */
    sss_request_t   *cursor;            /* of the "get" that is being answered,
                                           the lookup whose item is next   */
    sss_request_t   *exchange;          /* the one under way, or NULL      */
    uint64_t         skip;              /* bytes of a value that is too long,
                                           which are still to be dropped   */
    unsigned         hello:1;           /* the next answer is that to the
                                           password                        */
    unsigned         alive:1;           /* a lookup was answered in time   */
    unsigned         late:1;            /* a lookup was not                */
    unsigned         good:1;            /* anything was answered in time.  The
                                           owner resets these three        */
    const char      *reason;            /* why the conversation is over    */
    sss_queue_t     *done;              /* the owner's; lookups that have ended
                                           are added to it                 */
    sss_buffer_t     out;               /* bytes to be sent                */
    sss_buffer_t     in;                /* bytes received                  */
} sss_talk_t;


/*
 * Adds one "get" for all lookups in the queue, at most SSS_TALK_NAMES, and for
 * each one that takes a "delete" in the same message.  The queue is empty
 * then.  Without memory the lookups fail.
 */
void sss_talk_get(sss_talk_t *talk, sss_queue_t *lookups);

/*
 * Adds a store of "len" bytes for "ttl" seconds, which is not answered.
 * Returns 0, or -1 without memory or if too many bytes wait to be sent.
 */
int sss_talk_put(sss_talk_t *talk, const char *name, const uint8_t *value,
    size_t len, uint32_t ttl);

/* Adds a removal, likewise. */
int sss_talk_remove(sss_talk_t *talk, const char *name);

/* Adds an item unless there is one, likewise; see sss_command_add_item(). */
int sss_talk_add(sss_talk_t *talk, const char *name, const uint8_t *value,
    size_t len, uint64_t expires);

/* Adds the commands of a claim. */
void sss_talk_claim(sss_talk_t *talk, sss_request_t *request);

/*
 * Adds a probe: a lookup of a name that does not exist, with the deadline
 * "until".  Returns 0, or -1 without memory.  All times here are those of
 * sss_request_clock().
 */
int sss_talk_probe(sss_talk_t *talk, uint64_t now, uint64_t until);

/*
 * Says that the owner sends the password (sss_auth.h) on a new connection
 * before the bytes in "out", so that its answer is the first one.
 */
void sss_talk_hello(sss_talk_t *talk);

/*
 * Begins an exchange with the deadline "until"; there may be one at a time.
 * Its memory must stay until it is SSS_EXCHANGE_DONE or sss_talk_forget() was
 * called.  Returns 0, or -1 without memory: the exchange is unchanged then.
 */
int sss_talk_ask(sss_talk_t *talk, sss_exchange_t *x, uint64_t now,
    uint64_t until);

/* Gives the exchange up; the caller may free its memory. */
void sss_talk_forget(sss_talk_t *talk);

/*
 * Handles the answers in "in".  Returns 0.  Returns -1 if the conversation is
 * over, since the server has sent something that is no answer, or refuses the
 * password; "reason" says which.  The owner closes the connection then.
 */
int sss_talk_hear(sss_talk_t *talk, uint64_t now);

/* The first deadline of all requests; UINT64_MAX: there is none. */
uint64_t sss_talk_due(const sss_talk_t *talk);

/*
 * Ends the requests whose deadline has passed as failures.  Their answers may
 * still come and are dropped then.  Returns the number of requests that still
 * have time.
 */
size_t sss_talk_late(sss_talk_t *talk, uint64_t now);

/*
 * The connection was lost: all requests fail for "reason", and both buffers
 * are emptied.
 */
void sss_talk_end(sss_talk_t *talk);


#endif /* SSS_TALK_H_INCLUDED */
