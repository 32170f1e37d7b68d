
/* What the engine is asked for, from the question to the answer. */


#ifndef SSS_REQUEST_H_INCLUDED
#define SSS_REQUEST_H_INCLUDED


#include <stddef.h>
#include <stdint.h>

#include "sss_engine.h"
#include "sss_secret.h"


typedef enum {
    SSS_REQUEST_GET = 0,
    SSS_REQUEST_TAKE,
    SSS_REQUEST_PUT,
    SSS_REQUEST_REMOVE,
    SSS_REQUEST_PROBE           /* the engine's own                        */
} sss_request_op_t;


typedef struct sss_request_s  sss_request_t;

struct sss_request_s {
    sss_request_t     *next;
    sss_request_op_t   op;
    sss_engine_rc_t    rc;
    uint64_t           ticket;
    uint64_t           since;           /* sss_request_clock()             */
    uint32_t           ttl;
    unsigned           last:1;          /* of those asked for in one "get" */
    unsigned           deleting:1;      /* a take that was read            */
    unsigned           found:1;
    uint8_t           *value;
    size_t             len;
    char               name[SSS_NAME_SIZE];
};


typedef struct {
    sss_request_t     *head;
    sss_request_t     *tail;
} sss_queue_t;


/*
 * A request, with a copy of the value unless it is NULL.  Returns NULL without
 * memory, or if the name could not be one of memcached's.
 */
sss_request_t *sss_request_create(sss_request_op_t op, const char *name,
    const uint8_t *value, size_t len);
void sss_request_free(sss_request_t *request);

/* 1 if somebody waits for the result. */
int sss_request_is_lookup(const sss_request_t *request);

/* Microseconds of a clock that only goes forward. */
uint64_t sss_request_clock(void);

void sss_queue_push(sss_queue_t *queue, sss_request_t *request);

/* NULL if the queue is empty. */
sss_request_t *sss_queue_pop(sss_queue_t *queue);

/* Moves all of "from" to the end of "queue". */
void sss_queue_move(sss_queue_t *queue, sss_queue_t *from);

void sss_queue_free(sss_queue_t *queue);


#endif /* SSS_REQUEST_H_INCLUDED */
