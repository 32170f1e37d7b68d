
/*
 * The conversation with a memcached server, without the connection: questions
 * become bytes in "out", and bytes in "in" become their answers.  Questions
 * follow one another, whatever is still to be answered, in memcached's text
 * protocol.
 *
 * This is not left to libmemcached.  It cannot wait for several servers and an
 * event loop at once, and it trusts servers: to a "get" that is answered by
 * VERSION and a line end, 1.0.18 and 1.1.4 follow a null pointer, so that
 * whoever answers could end the process.
 */


#ifndef SSS_TALK_H_INCLUDED
#define SSS_TALK_H_INCLUDED


#include "sss_buffer.h"
#include "sss_exchange.h"
#include "sss_request.h"


#define SSS_TALK_NAMES    64            /* in one "get", at the most       */

#define SSS_TALK_LATE     "timed out"
#define SSS_TALK_STRANGE  "the answer is not memcached's"
#define SSS_TALK_MEMORY   "no memory"

#define SSS_TALK_REFUSED   "memcached refuses the password of auth_file"
#define SSS_TALK_PASSWORD  "memcached wants a password: give auth_file"


typedef struct {
    sss_queue_t      asked;             /* in the order of their answers   */
    sss_request_t   *cursor;            /* of the "get" being answered     */
    sss_request_t   *exchange;          /* the one under way, or NULL      */
    uint64_t         skip;              /* bytes to come that are dropped  */
    unsigned         hello:1;           /* a password is to be answered
                                           before all that was asked       */
    unsigned         alive:1;           /* a lookup was answered in time   */
    unsigned         late:1;            /* a lookup was not                */
    unsigned         good:1;            /* anything was answered; the owner
                                           resets all three                */
    const char      *reason;            /* why the talk is over            */
    sss_queue_t     *done;              /* the owner's: lookups go here    */
    sss_buffer_t     out;
    sss_buffer_t     in;
} sss_talk_t;


/*
 * Asks for all names in the queue, up to SSS_TALK_NAMES, and empties it.  What
 * is to be taken is removed in the same breath.
 */
void sss_talk_get(sss_talk_t *talk, sss_queue_t *lookups);

/*
 * Stores, without an answer.  Returns 0, or -1 without memory or if too much
 * waits to be sent.
 */
int sss_talk_put(sss_talk_t *talk, const char *name, const uint8_t *value,
    size_t len, uint32_t ttl);

/* Removes, likewise. */
int sss_talk_remove(sss_talk_t *talk, const char *name);

/* Adds an item unless there is one, likewise; see sss_command_add_item(). */
int sss_talk_add(sss_talk_t *talk, const char *name, const uint8_t *value,
    size_t len, uint64_t expires);

/* Asks for what is claimed. */
void sss_talk_claim(sss_talk_t *talk, sss_request_t *request);

/* Asks for a sign of life until "until".  Returns 0, or -1 without memory. */
int sss_talk_probe(sss_talk_t *talk, uint64_t now, uint64_t until);

/*
 * A connection has been made, and the password is its first command: the owner
 * sends it before what is in "out", where no copy of it is made.
 */
void sss_talk_hello(sss_talk_t *talk);

/*
 * Begins an exchange, of which there is one at a time.  Its memory must stay
 * until it is done or sss_talk_forget() was called.  Returns 0, or -1 without
 * memory: the exchange is as it was.
 */
int sss_talk_ask(sss_talk_t *talk, sss_exchange_t *x, uint64_t now,
    uint64_t until);

/* Nobody waits for the exchange any more. */
void sss_talk_forget(sss_talk_t *talk);

/*
 * Answers what the bytes in "in" answer.  Returns 0, or -1 if the talk is
 * over: what came was no answer ("reason").
 */
int sss_talk_hear(sss_talk_t *talk, uint64_t now);

/* When the time of what is asked is up; UINT64_MAX: never. */
uint64_t sss_talk_due(const sss_talk_t *talk);

/*
 * Gives up what is late.  The answers may still come, and are dropped then.
 * Returns how many questions are left that are in time.
 */
size_t sss_talk_late(sss_talk_t *talk, uint64_t now);

/* The connection is lost: everything that was asked has failed ("reason"). */
void sss_talk_end(sss_talk_t *talk);


#endif /* SSS_TALK_H_INCLUDED */
