
/* What a server was asked, from the question to the answer. */


#ifndef SSS_REQUEST_H_INCLUDED
#define SSS_REQUEST_H_INCLUDED


#include <stddef.h>
#include <stdint.h>

#include "sss_claim.h"
#include "sss_engine.h"
#include "sss_exchange.h"
#include "sss_secret.h"


typedef enum {
    SSS_REQUEST_GET = 0,
    SSS_REQUEST_TAKE,
    SSS_REQUEST_CLAIM,
    SSS_REQUEST_PROBE,          /* the engine's own                        */
    SSS_REQUEST_EXCHANGE
} sss_request_op_t;


struct sss_request_s {
    sss_request_t     *next;
    sss_request_op_t   op;
    sss_engine_rc_t    rc;
    void              *data;
    uint64_t           since;           /* sss_request_clock()             */
    uint64_t           until;           /* when its time is up             */
    unsigned           cancelled:1;
    unsigned           late:1;
    unsigned           over:1;          /* and counted                     */
    unsigned           last:1;          /* of those asked for in one "get" */
    unsigned           deleting:1;      /* a take whose removal is to be
                                           answered                        */
    unsigned           found:1;
    unsigned           gone:1;          /* its time was up: the answer, when it
                                           comes, is read and dropped      */
    sss_exchange_t    *exchange;        /* NULL: nobody waits for it       */
    sss_exchange_op_t  kind;            /* of the exchange                 */
    unsigned           lines;           /* of the answer so far            */
    uint8_t           *value;           /* of a claim: the log             */
    size_t             len;
    sss_claim_t       *claim;           /* the request's, or NULL          */
    size_t             place;           /* of a claim: the server          */
    uint32_t           server;          /* and its id                      */
    sss_claim_reply_t  reply;           /* to a claim                      */
    char               name[SSS_NAME_SIZE];
};


typedef struct {
    sss_request_t     *head;
    sss_request_t     *tail;
} sss_queue_t;


/* 1 if the name is one word, as memcached wants it, and not too long. */
int sss_request_name_ok(const char *name);

/* Returns NULL without memory, or if the name could not be memcached's. */
sss_request_t *sss_request_create(sss_request_op_t op, const char *name);
void sss_request_free(sss_request_t *request);

/* Microseconds of a clock that only goes forward. */
uint64_t sss_request_clock(void);

void sss_queue_push(sss_queue_t *queue, sss_request_t *request);

/* NULL if the queue is empty. */
sss_request_t *sss_queue_pop(sss_queue_t *queue);

/* Moves all of "from" to the end of "queue". */
void sss_queue_move(sss_queue_t *queue, sss_queue_t *from);

void sss_queue_free(sss_queue_t *queue);


#endif /* SSS_REQUEST_H_INCLUDED */
