
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sss_exchange.h"


static void sss_exchange_want(sss_exchange_t *x, sss_exchange_op_t op);
static void sss_exchange_forget(sss_item_t *item);


void
sss_exchange_read(sss_exchange_t *x, sss_item_t *items, size_t n)
{
    sss_exchange_want(x, SSS_EXCHANGE_READ);

    x->items = items;
    x->n = n;
}


void
sss_exchange_write(sss_exchange_t *x, const char *name, uint64_t cas,
    uint8_t *value, size_t len, uint32_t ttl)
{
    sss_exchange_want(x, SSS_EXCHANGE_WRITE);

    snprintf(x->item.name, sizeof(x->item.name), "%s", name);

    x->item.cas = cas;
    x->item.value = value;
    x->item.len = len;
    x->ttl = ttl;
}


void
sss_exchange_clock(sss_exchange_t *x)
{
    sss_exchange_want(x, SSS_EXCHANGE_CLOCK);
}


void
sss_exchange_end(sss_exchange_t *x, sss_exchange_rc_t rc, const char *reason)
{
    static const char *const  what[] = { "get", "write", "stats" };

    if (rc == SSS_EXCHANGE_FAILED) {

        /* values of an answer that is incomplete are not used */

        sss_exchange_again(x);
        snprintf(x->reason, sizeof(x->reason), "%s: %s", what[x->op],
                 reason);
    }

    x->state = SSS_EXCHANGE_DONE;
    x->rc = rc;
}


void
sss_exchange_again(sss_exchange_t *x)
{
    size_t  i;

    for (i = 0; i < x->n; i++) {
        sss_exchange_forget(&x->items[i]);
    }

    x->seconds = 0;
    x->state = SSS_EXCHANGE_WANTED;
}


void
sss_exchange_clear(sss_exchange_t *x)
{
    size_t  i;

    for (i = 0; i < x->n; i++) {
        sss_exchange_forget(&x->items[i]);
    }

    sss_exchange_forget(&x->item);

    x->n = 0;
    x->state = SSS_EXCHANGE_IDLE;
}


static void
sss_exchange_want(sss_exchange_t *x, sss_exchange_op_t op)
{
    sss_exchange_clear(x);

    x->op = op;
    x->state = SSS_EXCHANGE_WANTED;
    x->seconds = 0;
    x->took_us = 0;
    x->reason[0] = '\0';
}


static void
sss_exchange_forget(sss_item_t *item)
{
    free(item->value);

    item->value = NULL;
    item->len = 0;
    item->cas = 0;
    item->found = 0;
}


unsigned
sss_latency_bucket(uint64_t us)
{
    unsigned  i;

    for (i = 0; i < SSS_LATENCY_BUCKETS - 1 && us >= (64u << i); i++) {
        /* void */
    }

    return i;
}
