
#include "unit.h"

#include "host.h"
#include "sss_secret.h"
#include "sss_store.h"


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


void
host_leave(host_t *h)
{
    sss_sync_destroy(h->sync);
    free(h->ring);

    h->sync = NULL;
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
    size_t  i;

    memset(h, 0, sizeof(host_t));

    h->secrets.n = strlen(secrets);

    for (i = 0; i < h->secrets.n; i++) {
        memset(h->secrets.value[i], secrets[i], SSS_SECRET_SIZE);
        h->secrets.value[i][0] = 0x55;
    }

    if (a != NULL) {
        h->servers[h->conf.n_servers++] = a->address;
    }

    if (b != NULL) {
        h->servers[h->conf.n_servers++] = b->address;
    }

    h->conf.servers = h->servers;
    h->conf.secrets = &h->secrets;
    memcpy(h->conf.host, &h, sizeof(h->conf.host));
    h->conf.ns_len = 4;
    memcpy(h->conf.ns, "main", 4);
    h->conf.rotation = ROTATION;
    h->conf.retention = 300;
    h->conf.capacity = CAPACITY;
    h->conf.timeout_ms = TIMEOUT;
    h->conf.poll_ms = 1000;
}


void
host_enter(host_t *h)
{
    h->sync = sss_sync_create(&h->conf);
    h->ring = malloc(sss_ring_size(CAPACITY));

    assert_non_null(h->sync);
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
    sss_sync_destroy(h->sync);

    host_prepare(h, secrets, a, b);

    h->ring = ring;
    h->sync = sss_sync_create(&h->conf);
    assert_non_null(h->sync);
}


void
host_poll(host_t *h, uint64_t now)
{
    assert_int_equal(sss_sync_poll(h->sync, h->ring, now, &h->report), 0);

    assert_non_null(sss_ring_slot(h->ring, h->conf.rotation,
                                  sss_slot(h->conf.rotation, now)));
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
    sss_store_t       *store;
    sss_store_item_t   item;

    memset(&item, 0, sizeof(item));
    snprintf(item.name, sizeof(item.name), "%s", name);
    item.value = bytes;
    item.size = size;

    store = sss_store_create(&m->address, TIMEOUT);
    assert_non_null(store);
    assert_int_equal(sss_store_get(store, &item, 1), SSS_STORE_OK);
    sss_store_destroy(store);

    return item.found ? item.len : 0;
}


int
host_has_next(const host_t *h, uint64_t now)
{
    return sss_ring_slot(h->ring, ROTATION, sss_slot(ROTATION, now) + 1)
           != NULL;
}
