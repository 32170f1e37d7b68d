
#include "unit.h"

#include "exchange.h"


#define PATIENCE  60000


sss_engine_t *
exchange_and_lookups(const sss_address_t *address, unsigned timeout_ms,
    unsigned patience_ms)
{
    sss_engine_t       *engine;
    sss_engine_conf_t   conf;

    memset(&conf, 0, sizeof(conf));
    conf.servers = address;
    conf.n_servers = 1;
    conf.timeout_ms = timeout_ms;
    conf.patience_ms = patience_ms;
    conf.quiet = (timeout_ms == 0);    /* no time for lookups */
    conf.queue = 100;
    conf.breaker = 50;

    engine = sss_engine_create(&conf);
    assert_non_null(engine);

    return engine;
}


sss_engine_t *
exchanges(const sss_address_t *address, unsigned patience_ms)
{
    return exchange_and_lookups(address, 0, patience_ms);
}


void
exchange_ask(sss_engine_t *engine, sss_exchange_t *x)
{
    sss_engine_ask(engine, 0, sss_engine_servers(engine)[0].id, x);
}


sss_exchange_rc_t
exchange_finish(sss_engine_t *engine, sss_exchange_t *x)
{
    uint64_t  begin;

    begin = unit_clock_ms();

    while (x->state != SSS_EXCHANGE_DONE) {
        sss_engine_wait(engine, PATIENCE);
        assert_in_range(unit_clock_ms() - begin, 0, PATIENCE);
    }

    return x->rc;
}


sss_exchange_rc_t
exchange_read(sss_engine_t *engine, sss_exchange_t *x, sss_item_t *item,
    const char *name)
{
    memset(item, 0, sizeof(sss_item_t));
    strcpy(item->name, name);

    sss_exchange_read(x, item, 1);
    exchange_ask(engine, x);

    return exchange_finish(engine, x);
}
