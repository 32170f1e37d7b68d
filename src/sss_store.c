
/*
 * Each store has a thread that talks to its server (sss_wire.h), and waits
 * for it no longer than a few timeouts.  A thread that is late goes on with
 * its request, whose outcome nobody wants any more; until then every other
 * request fails at once.  So a server that sends a byte now and then, or a
 * resolver that is silent, costs a poll no more than a frozen server does.
 */


#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sss_store.h"
#include "sss_thread.h"
#include "sss_wire.h"


#define SSS_STORE_PATIENCE  4           /* timeouts for a whole request    */


typedef enum {
    SSS_STORE_IDLE = 0,
    SSS_STORE_GET,
    SSS_STORE_PUT,
    SSS_STORE_TIME
} sss_store_op_t;


struct sss_store_s {
    pthread_mutex_t    lock;
    pthread_cond_t     cond;
    pthread_t          thread;
    unsigned           running:1;       /* the thread was started          */
    unsigned           asked:1;         /* by sss_store_ask(), not waited  */
    int                left;            /* the thread frees everything     */
    unsigned           timeout_ms;
    struct timespec    until;
    char               where[SSS_ADDRESS_HOST + 16];
    char               error[SSS_STORE_ERROR];
    uint32_t           latency_us;

    /* the thread's, while op is not idle */

    sss_wire_t        *wire;
    sss_store_op_t     op;
    sss_store_rc_t     rc;
    uint64_t           took_us;
    sss_store_item_t  *items;
    size_t             n;
    uint8_t           *bytes;
    size_t             len;
    char               name[SSS_NAME_SIZE];
    uint64_t           cas;
    uint32_t           ttl;
    uint64_t           seconds;
};


static void sss_store_where(sss_store_t *store,
    const sss_address_t *address);
static void sss_store_free(sss_store_t *store);
static void sss_store_clear(sss_store_t *store);
static sss_store_rc_t sss_store_fail(sss_store_t *store, const char *reason);
static int sss_store_ready(sss_store_t *store);
static void sss_store_begin(sss_store_t *store, sss_store_op_t op);
static sss_store_rc_t sss_store_end(sss_store_t *store);
static void *sss_store_main(void *data);
static sss_store_rc_t sss_store_talk(sss_store_t *store);
static uint64_t sss_store_clock(void);
static sss_store_rc_t sss_store_request(sss_store_t *store);
static int sss_store_copy_in(sss_store_t *store,
    const sss_store_item_t *items, size_t n);
static void sss_store_copy_out(const sss_store_t *store,
    sss_store_item_t *items, size_t n);


sss_store_t *
sss_store_create(const sss_address_t *address, unsigned timeout_ms)
{
    sss_store_t  *store;

    store = calloc(1, sizeof(sss_store_t));
    if (store == NULL) {
        return NULL;
    }

    store->timeout_ms = timeout_ms ? timeout_ms : 1;
    sss_store_where(store, address);

    store->wire = sss_wire_create(address, store->timeout_ms);
    if (store->wire == NULL) {
        goto failed;
    }

    if (sss_thread_lock(&store->lock, &store->cond) != 0) {
        goto failed;
    }

    return store;

failed:

    sss_wire_destroy(store->wire);
    free(store);

    return NULL;
}


void
sss_store_destroy(sss_store_t *store)
{
    int        busy;
    pthread_t  thread;

    if (store == NULL) {
        return;
    }

    if (!store->running) {
        sss_store_free(store);
        return;
    }

    pthread_mutex_lock(&store->lock);

    thread = store->thread;
    busy = (store->op != SSS_STORE_IDLE);
    store->left = 1;

    pthread_cond_broadcast(&store->cond);
    pthread_mutex_unlock(&store->lock);

    if (busy) {
        pthread_detach(thread);

    } else {
        pthread_join(thread, NULL);
    }
}


sss_store_rc_t
sss_store_get(sss_store_t *store, sss_store_item_t *items, size_t n)
{
    sss_store_ask(store, items, n);

    return sss_store_answer(store, items, n);
}


void
sss_store_ask(sss_store_t *store, const sss_store_item_t *items, size_t n)
{
    store->asked = 0;

    if (sss_store_ready(store) != 0) {
        return;
    }

    if (sss_store_copy_in(store, items, n) != 0) {
        (void) sss_store_fail(store, "no memory");
        return;
    }

    sss_store_begin(store, SSS_STORE_GET);

    store->asked = 1;
}


sss_store_rc_t
sss_store_answer(sss_store_t *store, sss_store_item_t *items, size_t n)
{
    size_t          i;
    sss_store_rc_t  rc;

    for (i = 0; i < n; i++) {
        items[i].len = 0;
        items[i].cas = 0;
        items[i].found = 0;
    }

    if (!store->asked) {
        return SSS_STORE_FAILED;
    }

    store->asked = 0;

    rc = sss_store_end(store);

    if (rc == SSS_STORE_OK) {
        sss_store_copy_out(store, items, n);
    }

    return rc;
}


sss_store_rc_t
sss_store_put(sss_store_t *store, const char *name, uint64_t cas,
    const uint8_t *value, size_t len, uint32_t ttl)
{
    if (sss_store_ready(store) != 0) {
        return SSS_STORE_FAILED;
    }

    store->bytes = malloc(len + 1);
    if (store->bytes == NULL) {
        return sss_store_fail(store, "no memory");
    }

    if (len != 0) {
        memcpy(store->bytes, value, len);
    }

    snprintf(store->name, sizeof(store->name), "%s", name);

    store->len = len;
    store->cas = cas;
    store->ttl = ttl;

    sss_store_begin(store, SSS_STORE_PUT);

    return sss_store_end(store);
}


sss_store_rc_t
sss_store_time(sss_store_t *store, uint64_t *seconds)
{
    sss_store_rc_t  rc;

    *seconds = 0;

    if (sss_store_ready(store) != 0) {
        return SSS_STORE_FAILED;
    }

    sss_store_begin(store, SSS_STORE_TIME);

    rc = sss_store_end(store);

    if (rc == SSS_STORE_OK) {
        *seconds = store->seconds;
    }

    return rc;
}


uint32_t
sss_store_latency(const sss_store_t *store)
{
    return store->latency_us;
}


const char *
sss_store_error(const sss_store_t *store)
{
    return store->error;
}


static void
sss_store_where(sss_store_t *store, const sss_address_t *address)
{
    const char  *form;

    if (address->port == 0) {
        snprintf(store->where, sizeof(store->where), "unix:%s",
                 address->host);
        return;
    }

    form = strchr(address->host, ':') ? "[%s]:%u" : "%s:%u";

    snprintf(store->where, sizeof(store->where), form, address->host,
             (unsigned) address->port);
}


static void
sss_store_free(sss_store_t *store)
{
    sss_store_clear(store);
    sss_wire_destroy(store->wire);
    pthread_cond_destroy(&store->cond);
    pthread_mutex_destroy(&store->lock);
    free(store);
}


static void
sss_store_clear(sss_store_t *store)
{
    free(store->items);
    free(store->bytes);

    store->items = NULL;
    store->bytes = NULL;
    store->n = 0;
    store->len = 0;
}


static sss_store_rc_t
sss_store_fail(sss_store_t *store, const char *reason)
{
    /* the end of the reason is worth more than that of a long address */

    snprintf(store->error, sizeof(store->error), "%.80s: %s", store->where,
             reason);

    return SSS_STORE_FAILED;
}


static int
sss_store_ready(sss_store_t *store)
{
    int  busy;

    if (!store->running
        && sss_thread_start(&store->thread, sss_store_main, store) != 0)
    {
        (void) sss_store_fail(store, "no thread could be started");
        return -1;
    }

    store->running = 1;

    pthread_mutex_lock(&store->lock);
    busy = (store->op != SSS_STORE_IDLE);
    pthread_mutex_unlock(&store->lock);

    if (busy) {
        (void) sss_store_fail(store, "an earlier request is not done yet");
        return -1;
    }

    sss_store_clear(store);

    return 0;
}


static void
sss_store_begin(sss_store_t *store, sss_store_op_t op)
{
    uint64_t  ms;

    ms = (uint64_t) store->timeout_ms * SSS_STORE_PATIENCE;

    clock_gettime(CLOCK_MONOTONIC, &store->until);

    store->until.tv_sec += (time_t) (ms / 1000);
    store->until.tv_nsec += (long) (ms % 1000) * 1000000;

    if (store->until.tv_nsec >= 1000000000) {
        store->until.tv_sec++;
        store->until.tv_nsec -= 1000000000;
    }

    pthread_mutex_lock(&store->lock);

    store->op = op;

    pthread_cond_broadcast(&store->cond);
    pthread_mutex_unlock(&store->lock);
}


static sss_store_rc_t
sss_store_end(sss_store_t *store)
{
    int             late;
    sss_store_rc_t  rc;

    late = 0;

    pthread_mutex_lock(&store->lock);

    while (store->op != SSS_STORE_IDLE && !late) {
        late = (pthread_cond_timedwait(&store->cond, &store->lock,
                                       &store->until) == ETIMEDOUT);
    }

    late = (store->op != SSS_STORE_IDLE);
    rc = store->rc;

    pthread_mutex_unlock(&store->lock);

    if (late) {
        return sss_store_fail(store, "no end of the answer in time");
    }

    if (rc == SSS_STORE_FAILED) {
        return sss_store_fail(store, sss_wire_error(store->wire));
    }

    store->latency_us = store->took_us > UINT32_MAX
                        ? UINT32_MAX : (uint32_t) store->took_us;

    return rc;
}


static void *
sss_store_main(void *data)
{
    sss_store_t     *store;
    sss_store_rc_t   rc;

    store = data;

    pthread_mutex_lock(&store->lock);

    while (!store->left) {

        if (store->op == SSS_STORE_IDLE) {
            pthread_cond_wait(&store->cond, &store->lock);
            continue;
        }

        pthread_mutex_unlock(&store->lock);

        rc = sss_store_talk(store);

        pthread_mutex_lock(&store->lock);

        store->rc = rc;
        store->op = SSS_STORE_IDLE;

        pthread_cond_broadcast(&store->cond);
    }

    pthread_mutex_unlock(&store->lock);

    sss_store_free(store);

    return NULL;
}


static sss_store_rc_t
sss_store_talk(sss_store_t *store)
{
    uint64_t         start;
    sss_store_rc_t   rc;

    start = sss_store_clock();
    rc = sss_store_request(store);
    store->took_us = sss_store_clock() - start;

    return rc;
}


static uint64_t
sss_store_clock(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + (uint64_t) ts.tv_nsec / 1000;
}


static sss_store_rc_t
sss_store_request(sss_store_t *store)
{
    switch (store->op) {

    case SSS_STORE_GET:
        return sss_wire_get(store->wire, store->items, store->n);

    case SSS_STORE_PUT:
        return sss_wire_put(store->wire, store->name, store->cas,
                            store->bytes, store->len, store->ttl);

    case SSS_STORE_TIME:
        return sss_wire_time(store->wire, &store->seconds);

    default:
        return SSS_STORE_FAILED;
    }
}


/* The thread may outlive the caller's buffers, so it has its own. */

static int
sss_store_copy_in(sss_store_t *store, const sss_store_item_t *items, size_t n)
{
    size_t    i, size;
    uint8_t  *p;

    size = 1;

    for (i = 0; i < n; i++) {
        size += items[i].size;
    }

    store->items = calloc(n + 1, sizeof(sss_store_item_t));
    store->bytes = malloc(size);

    if (store->items == NULL || store->bytes == NULL) {
        return -1;
    }

    p = store->bytes;

    for (i = 0; i < n; i++) {
        store->items[i] = items[i];
        store->items[i].value = p;

        p += items[i].size;
    }

    store->n = n;

    return 0;
}


static void
sss_store_copy_out(const sss_store_t *store, sss_store_item_t *items,
    size_t n)
{
    size_t                   i;
    const sss_store_item_t  *item;

    for (i = 0; i < n; i++) {
        item = &store->items[i];

        items[i].len = item->len;
        items[i].cas = item->cas;
        items[i].found = item->found;

        if (item->len <= items[i].size && item->len != 0) {
            memcpy(items[i].value, item->value, item->len);
        }
    }
}
