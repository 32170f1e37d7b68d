
#include "unit.h"

#include "fleet.h"


unsigned
fleet_below(fleet_t *f, unsigned n)
{
    return (unsigned) ((unit_random(&f->random) >> 32) % n);
}


void
fleet_start(fleet_t *f, uint64_t seed, int forward_secrecy)
{
    size_t  i;

    memset(f, 0, sizeof(fleet_t));

    f->random = seed;
    f->forward_secrecy = forward_secrecy;
    f->now = START;
    f->secrets.n = 1;
    memset(f->secrets.value[0], 0x5a, SSS_SECRET_SIZE - 1);

    for (i = 0; i < SERVERS; i++) {
        f->places[i].id = (uint32_t) i + 1;

        snprintf(f->places[i].address.host,
                 sizeof(f->places[i].address.host), "/server/%zu", i);
    }

    for (i = 0; i < HOSTS; i++) {
        fleet_enter(f, i);
    }
}


void
fleet_stop(fleet_t *f)
{
    size_t  i;

    for (i = 0; i < HOSTS; i++) {
        fleet_kill(f, i);
    }
}


/* Makes a sync with the present secrets of the fleet. */

static void
fleet_sync(fleet_t *f, size_t host)
{
    fleet_host_t     *h;
    sss_sync_conf_t   conf;

    h = &f->hosts[host];
    h->secrets = f->secrets;

    memset(&conf, 0, sizeof(conf));
    conf.secrets = &h->secrets;
    memcpy(conf.ns, "main", 4);
    conf.ns_len = 4;
    conf.host[0] = (uint8_t) (host + 1);
    conf.rotation = ROTATION;
    conf.retention = 300;
    conf.capacity = CAPACITY;
    conf.patience_ms = LONG;
    conf.poll_ms = FLEET_POLL;
    conf.forward_secrecy = f->forward_secrecy;

    h->sync = sss_sync_create(&conf);
    h->due_ms = f->now;

    assert_non_null(h->sync);
}


void
fleet_enter(fleet_t *f, size_t host)
{
    fleet_host_t  *h;

    h = &f->hosts[host];

    fleet_kill(f, host);
    fleet_sync(f, host);

    h->ring = sss_ring_create(CAPACITY);
    sss_group_init(&h->group, 1);

    assert_non_null(h->ring);
}


void
fleet_reload(fleet_t *f, size_t host)
{
    fleet_host_t  *h;

    h = &f->hosts[host];

    sss_sync_destroy(h->sync);
    h->polling = 0;

    fleet_sync(f, host);
}


void
fleet_kill(fleet_t *f, size_t host)
{
    fleet_host_t  *h;

    h = &f->hosts[host];

    sss_sync_destroy(h->sync);
    sss_ring_destroy(h->ring);

    h->sync = NULL;
    h->ring = NULL;
    h->polling = 0;
    h->used = 0;

    memset(&h->report, 0, sizeof(h->report));
}


stored_t *
fleet_find(server_t *server, const char *name)
{
    size_t  i;

    for (i = 0; i < FLEET_ITEMS; i++) {
        if (server->items[i].cas != 0
            && strcmp(server->items[i].name, name) == 0)
        {
            return &server->items[i];
        }
    }

    return NULL;
}


static void
server_read(server_t *server, sss_exchange_t *x)
{
    size_t     i;
    stored_t  *stored;

    for (i = 0; i < x->n; i++) {

        stored = fleet_find(server, x->items[i].name);
        if (stored == NULL) {
            continue;
        }

        x->items[i].found = 1;
        x->items[i].cas = stored->cas;
        x->items[i].len = stored->len;
        x->items[i].value = malloc(stored->len + 1);
        assert_non_null(x->items[i].value);
        memcpy(x->items[i].value, stored->value, stored->len);
    }
}


static sss_exchange_rc_t
server_write(server_t *server, const sss_exchange_t *x)
{
    size_t     i;
    stored_t  *stored;

    stored = fleet_find(server, x->item.name);

    if ((stored == NULL) != (x->item.cas == 0)
        || (stored != NULL && stored->cas != x->item.cas))
    {
        return SSS_EXCHANGE_CONFLICT;
    }

    for (i = 0; stored == NULL && i < FLEET_ITEMS; i++) {
        if (server->items[i].cas == 0) {
            stored = &server->items[i];
        }
    }

    assert_non_null(stored);
    assert_in_range(x->item.len, 1, sizeof(stored->value));

    strcpy(stored->name, x->item.name);
    memcpy(stored->value, x->item.value, x->item.len);
    stored->len = x->item.len;
    stored->cas = ++server->cas;

    return SSS_EXCHANGE_OK;
}


void
fleet_carry_out(fleet_t *f, size_t host, size_t i)
{
    uint32_t            id;
    server_t           *server;
    sss_exchange_t     *x;
    sss_exchange_rc_t   rc;

    x = sss_sync_exchange(f->hosts[host].sync, i, &id);
    server = &f->servers[i];

    if (x->state != SSS_EXCHANGE_WANTED) {
        return;
    }

    if (server->down || f->hosts[host].cut[i]) {
        sss_exchange_end(x, SSS_EXCHANGE_FAILED, "it is down");
        return;
    }

    if (server->refuses && x->op == SSS_EXCHANGE_WRITE) {
        sss_exchange_end(x, SSS_EXCHANGE_FAILED, server->refuses);
        return;
    }

    rc = SSS_EXCHANGE_OK;

    if (x->op == SSS_EXCHANGE_READ) {
        server_read(server, x);

    } else if (x->op == SSS_EXCHANGE_WRITE) {
        rc = server_write(server, x);

    } else {
        x->seconds = START / 1000;
    }

    sss_exchange_end(x, rc, NULL);
}


int
fleet_begin(fleet_t *f, size_t host, uint64_t now)
{
    int            rc;
    fleet_host_t  *h;

    h = &f->hosts[host];

    rc = sss_sync_begin(h->sync, f->places, h->ring, &h->group, h->used,
                        now + (uint64_t) h->skew_ms);

    if (rc == 0) {
        h->polling = 1;
    }

    return rc;
}


void
fleet_step(fleet_t *f, size_t host)
{
    fleet_host_t   *h;
    sss_sync_rc_t   rc;

    h = &f->hosts[host];

    rc = sss_sync_step(h->sync);

    if (rc == SSS_SYNC_DONE) {
        assert_int_equal(sss_sync_take(h->sync, h->ring, &h->group,
                                       &h->report), 1);
        h->polling = 0;
    }
}


/*
 * Picks one of the hosts that poll: it takes a step, or has an exchange
 * carried out.
 */

static void
fleet_go_on(fleet_t *f)
{
    size_t  i;

    i = fleet_below(f, HOSTS);

    if (!f->hosts[i].polling) {
        return;
    }

    if (fleet_below(f, 2)) {
        fleet_carry_out(f, i, fleet_below(f, SERVERS));

    } else {
        fleet_step(f, i);
    }
}


static int
fleet_busy(const fleet_t *f)
{
    size_t  i;

    for (i = 0; i < HOSTS; i++) {
        if (f->hosts[i].polling) {
            return 1;
        }
    }

    return 0;
}


void
fleet_poll(fleet_t *f, uint64_t now)
{
    size_t         i;
    unsigned       steps;
    fleet_host_t  *h;

    for (i = 0; i < HOSTS; i++) {
        h = &f->hosts[i];

        if (h->sync == NULL) {
            continue;
        }

        assert_int_equal(fleet_begin(f, i, now + i), 0);
        assert_int_equal(fleet_begin(f, i, now), -1);
        assert_int_equal(sss_sync_take(h->sync, h->ring, &h->group,
                                       &h->report), 0);
    }

    for (steps = 0; fleet_busy(f); steps++) {
        assert_in_range(steps, 0, 100000);
        fleet_go_on(f);
    }
}


void
fleet_run(fleet_t *f, uint64_t ms)
{
    size_t         i;
    uint64_t       until;
    unsigned       steps;
    fleet_host_t  *h;

    for (until = f->now + ms; f->now < until; f->now += 10) {

        for (i = 0; i < HOSTS; i++) {
            h = &f->hosts[i];

            if (h->sync != NULL && !h->polling && f->now >= h->due_ms) {
                assert_int_equal(fleet_begin(f, i, f->now), 0);
            }
        }

        /* the rest of the steps comes after the next thing happens */

        for (steps = 40 + fleet_below(f, 400); steps > 0 && fleet_busy(f);
             steps--)
        {
            fleet_go_on(f);
        }

        for (i = 0; i < HOSTS; i++) {
            h = &f->hosts[i];

            if (h->sync != NULL && !h->polling && f->now >= h->due_ms) {
                h->due_ms = f->now + (h->report.again_ms ? h->report.again_ms
                                                         : FLEET_POLL);
            }
        }
    }
}


void
fleet_assert_agreed(fleet_t *f, uint32_t keys)
{
    size_t             i;
    const sss_ring_t  *first;

    first = NULL;

    for (i = 0; i < HOSTS; i++) {

        if (f->hosts[i].sync == NULL) {
            continue;
        }

        if (first == NULL) {
            first = f->hosts[i].ring;
        }

        assert_int_equal(f->hosts[i].ring->n, keys);
        assert_memory_equal(f->hosts[i].ring->keys, first->keys,
                            keys * sizeof(sss_key_t));
    }
}


void
fleet_use_all(fleet_t *f)
{
    size_t  i;

    for (i = 0; i < HOSTS; i++) {
        f->hosts[i].used = 1;
    }
}


void
fleet_gather(fleet_t *f, sss_ring_t *all)
{
    size_t  i;

    for (i = 0; i < HOSTS; i++) {
        if (f->hosts[i].sync != NULL) {
            (void) sss_ring_merge(all, f->hosts[i].ring);
        }
    }
}
