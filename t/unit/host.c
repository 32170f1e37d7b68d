
#include "unit.h"

#include "exchange.h"
#include "host.h"
#include "sss_secret.h"


int
host_setup(void **state)
{
    hosts_t  *f;

    f = calloc(1, sizeof(hosts_t));
    *state = f;

    if (f == NULL
        || memcached_start(&f->m[0], "127.0.0.1", NULL) != 0
        || memcached_start(&f->m[1], "127.0.0.1", NULL) != 0)
    {
        return -1;
    }

    return 0;
}


/* Without servers there is no engine. */

static void
host_make(host_t *h)
{
    sss_engine_conf_t  conf;

    h->sync = sss_sync_create(&h->conf);
    assert_non_null(h->sync);

    h->engine = NULL;

    if (h->n_servers == 0) {
        return;
    }

    memset(&conf, 0, sizeof(conf));
    conf.servers = h->servers;
    conf.n_servers = h->n_servers;
    conf.timeout_ms = 50;
    conf.patience_ms = h->patience;
    conf.quiet = 1;

    h->engine = sss_engine_create(&conf);
    assert_non_null(h->engine);
}


static void
host_unmake(host_t *h)
{
    sss_engine_destroy(h->engine, 0);
    sss_sync_destroy(h->sync);

    h->engine = NULL;
    h->sync = NULL;
}


void
host_renew(host_t *h)
{
    host_unmake(h);
    host_make(h);
}


void
host_leave(host_t *h)
{
    host_unmake(h);
    free(h->ring);

    h->ring = NULL;
}


int
host_teardown(void **state)
{
    size_t      i;
    hosts_t    *f;

    f = *state;

    for (i = 0; i < unit_count(f->h); i++) {
        host_leave(&f->h[i]);
    }

    memcached_stop(&f->m[0]);
    memcached_stop(&f->m[1]);

    free(f);

    return 0;
}


void
host_prepare(host_t *h, const char *secrets, const memcached_t *a,
    const memcached_t *b)
{
    size_t    i;
    uint64_t  number;

    memset(h, 0, sizeof(host_t));

    h->secrets.n = strlen(secrets);

    for (i = 0; i < h->secrets.n; i++) {
        memset(h->secrets.value[i], secrets[i], SSS_SECRET_SIZE);
        h->secrets.value[i][0] = 0x55;
    }

    if (a != NULL) {
        h->servers[h->n_servers++] = a->address;
    }

    if (b != NULL) {
        h->servers[h->n_servers++] = b->address;
    }

    h->conf.secrets = &h->secrets;
    number = (uintptr_t) h;
    memcpy(h->conf.host, &number, sizeof(h->conf.host));
    h->conf.ns_len = 4;
    memcpy(h->conf.ns, "main", 4);
    h->conf.rotation = ROTATION;
    h->conf.retention = 300;
    h->conf.capacity = CAPACITY;
    h->conf.patience_ms = 6 * TIMEOUT;
    h->conf.poll_ms = 2000;
    h->patience = TIMEOUT;

    sss_group_init(&h->group, 1);
}


void
host_enter(host_t *h)
{
    host_make(h);

    h->ring = malloc(sss_ring_size(CAPACITY));
    assert_non_null(h->ring);

    sss_ring_init(h->ring, CAPACITY);
}


void
host_join(host_t *h, const char *secrets, const memcached_t *a,
    const memcached_t *b)
{
    host_prepare(h, secrets, a, b);
    host_enter(h);
}


void
host_change(host_t *h, const char *secrets, const memcached_t *a,
    const memcached_t *b)
{
    sss_ring_t  *ring;

    ring = h->ring;
    host_unmake(h);

    host_prepare(h, secrets, a, b);

    h->ring = ring;
    host_make(h);
}


void
host_poll(host_t *h, uint64_t now)
{
    assert_int_equal(host_poll_once(h, now), 1);

    assert_non_null(sss_ring_slot(h->ring, h->conf.rotation,
                                  sss_slot(h->conf.rotation, now)));
}


int
host_poll_once(host_t *h, uint64_t now)
{
    size_t               i;
    uint32_t             id;
    unsigned             ended;
    sss_sync_rc_t        rc;
    sss_exchange_t      *x;
    const sss_server_t  *servers;

    servers = h->engine ? sss_engine_servers(h->engine) : NULL;

    if (sss_sync_begin(h->sync, servers, h->ring, &h->group, 1, now) != 0) {
        return 0;
    }

    for ( ;; ) {

        rc = sss_sync_step(h->sync);

        if (rc == SSS_SYNC_DONE) {
            return sss_sync_take(h->sync, h->ring, &h->group,
                                 &h->report);
        }

        for (i = ended = 0; h->engine && i < SSS_SERVERS_MAX; i++) {
            x = sss_sync_exchange(h->sync, i, &id);

            if (x->state == SSS_EXCHANGE_WANTED) {
                sss_engine_ask(h->engine, i, id, x);
                ended += (x->state == SSS_EXCHANGE_DONE);
            }
        }

        if (rc == SSS_SYNC_WAIT && !ended) {
            sss_engine_wait(h->engine, LONG);
        }
    }
}


void
host_assert_same(const host_t *a, const host_t *b)
{
    assert_int_equal(a->ring->n, b->ring->n);
    assert_memory_equal(a->ring->keys, b->ring->keys,
                        a->ring->n * sizeof(sss_key_t));
}


void
host_record_name(const char *secret, const char *ns, char *name)
{
    uint8_t  value[SSS_SECRET_SIZE];

    memset(value, secret[0], sizeof(value));
    value[0] = 0x55;

    assert_int_equal(sss_secret_record_name(value, "ring", ns, strlen(ns),
                                            name), 0);
}


size_t
host_record(const memcached_t *m, const char *name, uint8_t *bytes,
    size_t size)
{
    sss_item_t       item;
    sss_engine_t    *engine;
    sss_exchange_t   x;

    memset(&x, 0, sizeof(x));

    engine = exchanges(&m->address, TIMEOUT);

    (void) exchange_read(engine, &x, &item, name);

    sss_engine_destroy(engine, 0);

    assert_int_equal(x.rc, SSS_EXCHANGE_OK);

    size = item.found ? item.len : 0;

    if (size != 0) {
        memcpy(bytes, item.value, size);
    }

    sss_exchange_clear(&x);

    return size;
}


int
host_has_next(const host_t *h, uint64_t now)
{
    return sss_ring_slot(h->ring, ROTATION, sss_slot(ROTATION, now) + 1)
           != NULL;
}
