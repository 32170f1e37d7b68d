
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sss_request.h"


int
sss_request_name_ok(const char *name)
{
    size_t  i;

    /* a blank or a line end in a name would begin another command */

    for (i = 0; name[i] != '\0'; i++) {
        if (name[i] <= ' ' || name[i] > '~') {
            return 0;
        }
    }

    return i > 0 && i < SSS_NAME_SIZE;
}


sss_request_t *
sss_request_create(sss_request_op_t op, const char *name)
{
    sss_request_t  *request;

    if (!sss_request_name_ok(name)) {
        return NULL;
    }

    request = calloc(1, sizeof(sss_request_t));
    if (request == NULL) {
        return NULL;
    }

    request->op = op;
    strcpy(request->name, name);

    return request;
}


void
sss_request_free(sss_request_t *request)
{
    if (request != NULL) {
        free(request->claim);
        free(request->value);
        free(request);
    }
}


uint64_t
sss_request_clock(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + (uint64_t) ts.tv_nsec / 1000;
}


void
sss_queue_push(sss_queue_t *queue, sss_request_t *request)
{
    request->next = NULL;

    if (queue->head == NULL) {
        queue->head = request;

    } else {
        queue->tail->next = request;
    }

    queue->tail = request;
}


sss_request_t *
sss_queue_pop(sss_queue_t *queue)
{
    sss_request_t  *request;

    request = queue->head;

    if (request != NULL) {
        queue->head = request->next;
        request->next = NULL;
    }

    return request;
}


void
sss_queue_move(sss_queue_t *queue, sss_queue_t *from)
{
    if (from->head == NULL) {
        return;
    }

    if (queue->head == NULL) {
        queue->head = from->head;

    } else {
        queue->tail->next = from->head;
    }

    queue->tail = from->tail;
    from->head = NULL;
}


void
sss_queue_free(sss_queue_t *queue)
{
    sss_request_t  *request;

    for ( ;; ) {

        request = sss_queue_pop(queue);
        if (request == NULL) {
            return;
        }

        sss_request_free(request);
    }
}
