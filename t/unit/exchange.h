
/* Exchanges for the unit tests, each with the first server of an engine. */


#ifndef EXCHANGE_H_INCLUDED
#define EXCHANGE_H_INCLUDED


#include "memcached.h"
#include "sss_engine.h"


/*
 * Make an engine that is used for exchanges only, and one for lookups as well.
 */
sss_engine_t *exchanges(const sss_address_t *address, unsigned patience_ms);
sss_engine_t *exchange_and_lookups(const sss_address_t *address,
    unsigned timeout_ms, unsigned patience_ms);

void exchange_ask(sss_engine_t *engine, sss_exchange_t *x);

/* Waits until an exchange is done. */
sss_exchange_rc_t exchange_finish(sss_engine_t *engine, sss_exchange_t *x);

/* Reads one item.  Clearing the exchange clears it as well. */
sss_exchange_rc_t exchange_read(sss_engine_t *engine, sss_exchange_t *x,
    sss_item_t *item, const char *name);


#endif /* EXCHANGE_H_INCLUDED */
