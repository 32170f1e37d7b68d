
/*
 * A request to a memcached server that has an answer, from the time it is made
 * to its result; and queues of requests.
 */


#ifndef SSS_REQUEST_H_INCLUDED
#define SSS_REQUEST_H_INCLUDED


#include <stddef.h>
#include <stdint.h>

#include "sss_claim.h"
#include "sss_engine.h"
#include "sss_exchange.h"
#include "sss_secret.h"


typedef enum {
    SSS_REQUEST_GET = 0,        /* a lookup                                */
    SSS_REQUEST_TAKE,           /* a lookup that removes what it finds     */
    SSS_REQUEST_CLAIM,          /* of sss_claim.h                          */
    SSS_REQUEST_PROBE,          /* a lookup by which the engine sees whether
                                   the server answers                      */
    SSS_REQUEST_EXCHANGE        /* of sss_exchange.h                       */
} sss_request_op_t;


struct sss_request_s {
    sss_request_t     *next;
    sss_request_op_t   op;
    sss_engine_rc_t    rc;              /* result of a lookup              */
    void              *data;            /* the owner's, of a lookup        */
    uint64_t           since;           /* when it was made, of
                                           sss_request_clock()             */
    uint64_t           until;           /* its deadline                    */
    unsigned           cancelled:1;     /* the owner gave it up            */
    unsigned           late:1;          /* its deadline has passed         */
    unsigned           over:1;          /* it has a result and is counted  */
    unsigned           last:1;          /* the last one of a "get" command */
    unsigned           deleting:1;      /* a take: the "get" is answered, the
                                           "delete" is not yet             */
    unsigned           found:1;         /* the answer has its value        */
    unsigned           gone:1;          /* its owner has been told that it is
                                           late; this one stays in its place,
                                           and the answer is dropped       */
    sss_exchange_t    *exchange;        /* NULL: nobody waits for it       */
    sss_exchange_op_t  kind;            /* of the exchange, also when nobody
                                           waits for it                    */
    unsigned           lines;           /* lines of its answer so far      */
    uint8_t           *value;           /* malloc()ed, or NULL; of a claim
                                           the log                         */
    size_t             len;
    sss_claim_t       *claim;           /* the request's own, or NULL      */
    size_t             place;           /* place of the claim's server     */
    uint32_t           server;          /* id of that server               */
    sss_claim_reply_t  reply;           /* to a claim                      */
    char               name[SSS_NAME_SIZE];
};


typedef struct {
    sss_request_t     *head;
    sss_request_t     *tail;
} sss_queue_t;


/*
 * 1 if a name is a valid memcached key of less than SSS_NAME_SIZE bytes:
 * printable ASCII characters without blanks; else 0.
 */
int sss_request_name_ok(const char *name);

/*
 * Makes a request with a copy of the name.  Returns NULL without memory, or if
 * sss_request_name_ok() refuses the name.
 */
sss_request_t *sss_request_create(sss_request_op_t op, const char *name);

/* Frees a request and its value; NULL is allowed. */
void sss_request_free(sss_request_t *request);

/* The time in microseconds, of a clock that is never set (CLOCK_MONOTONIC). */
uint64_t sss_request_clock(void);

/* Adds a request at the end. */
void sss_queue_push(sss_queue_t *queue, sss_request_t *request);

/* Removes the first request and returns it; NULL if the queue is empty. */
sss_request_t *sss_queue_pop(sss_queue_t *queue);

/* Moves all requests of "from" to the end of "queue"; "from" is empty then. */
void sss_queue_move(sss_queue_t *queue, sss_queue_t *from);

/* Frees all requests of the queue. */
void sss_queue_free(sss_queue_t *queue);


#endif /* SSS_REQUEST_H_INCLUDED */
