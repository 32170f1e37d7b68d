
/* An engine and a memcached that has TLS. */


#include "unit.h"

#include <signal.h>

#include "authority.h"
#include "engine.h"
#include "exchange.h"


typedef struct {
    authority_t    good;
    authority_t    other;
    pair_t         pair;
    memcached_t    memcached;
    sss_tls_t     *tls;
    sss_engine_t  *engine;
} secured_t;


static int
setup(void **state)
{
    secured_t  *s;

    s = calloc(1, sizeof(secured_t));
    assert_non_null(s);

    *state = s;

    if (!memcached_has_tls()) {
        return 0;
    }

    signal(SIGPIPE, SIG_IGN);

    authority_make(&s->good);
    authority_make(&s->other);
    pair_make(&s->pair, &s->good, "IP:127.0.0.1,DNS:localhost");

    return memcached_start_secured(&s->memcached, "127.0.0.1",
                                   s->pair.option);
}


static int
teardown(void **state)
{
    secured_t  *s;

    s = *state;

    if (!memcached_has_tls()) {
        free(s);
        return 0;
    }

    sss_engine_destroy(s->engine, 0);
    sss_tls_destroy(s->tls);
    memcached_stop(&s->memcached);
    pair_free(&s->pair);
    authority_free(&s->good);
    authority_free(&s->other);
    free(s);

    return 0;
}


static void
begin(secured_t *s, const authority_t *authority, const char *host)
{
    sss_address_t      address;
    sss_engine_conf_t  conf;

    s->tls = sss_tls_create();
    assert_non_null(s->tls);
    assert_null(sss_tls_trust(s->tls, authority->file));

    address = s->memcached.address;
    snprintf(address.host, sizeof(address.host), "%s", host);

    memset(&conf, 0, sizeof(conf));
    conf.servers = &address;
    conf.n_servers = 1;
    conf.secure = 1;
    conf.tls = s->tls;
    conf.timeout_ms = PATIENT;
    conf.patience_ms = PATIENT;
    conf.queue = 1000;
    conf.breaker = 1000;

    s->engine = sss_engine_create(&conf);
    assert_non_null(s->engine);
}


/* With a numeric address: records, exchanges, and both after a restart. */

static void
test_number(void **state)
{
    unsigned         i;
    secured_t       *s;
    sss_item_t       item;
    sss_exchange_t   x;

    s = *state;

    if (!memcached_has_tls()) {
        skip();
    }

    begin(s, &s->good, "127.0.0.1");

    for (i = 0; i < 3; i++) {
        until_rc(s->engine, NAME, SSS_ENGINE_MISS);

        put(s->engine, NAME, "value");
        assert_int_equal(look(s->engine, NAME, 0, "value"), SSS_ENGINE_HIT);

        memset(&x, 0, sizeof(x));
        assert_int_equal(exchange_read(s->engine, &x, &item, NAME),
                         SSS_EXCHANGE_OK);
        assert_int_equal(item.found, 1);
        assert_int_equal(item.len, 5);
        sss_exchange_clear(&x);

        assert_int_equal(memcached_restart(&s->memcached), 0);
    }
}


/* With a name, which is resolved while the engine is in use. */

static void
test_name(void **state)
{
    secured_t  *s;

    s = *state;

    if (!memcached_has_tls()) {
        skip();
    }

    begin(s, &s->good, "localhost");

    until_rc(s->engine, NAME, SSS_ENGINE_MISS);
    put(s->engine, NAME, "value");
    until_rc(s->engine, NAME, SSS_ENGINE_HIT);
}


static void
test_refused(void **state)
{
    secured_t       *s;
    sss_item_t       item;
    sss_exchange_t   x;

    s = *state;

    if (!memcached_has_tls()) {
        skip();
    }

    begin(s, &s->other, "127.0.0.1");

    memset(&x, 0, sizeof(x));
    assert_int_equal(exchange_read(s->engine, &x, &item, NAME),
                     SSS_EXCHANGE_FAILED);
    assert_non_null(strstr(x.reason, "the certificate is refused"));
    sss_exchange_clear(&x);

    until_rc(s->engine, NAME, SSS_ENGINE_FAILED);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(test_number, setup, teardown),
        cmocka_unit_test_setup_teardown(test_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
    };

    return cmocka_run_group_tests_name("engine, TLS", tests, NULL, NULL);
}
