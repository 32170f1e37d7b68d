
/* Hosts, each a sync with a ring, around real memcached servers. */


#include "unit.h"

#include <time.h>
#include <unistd.h>

#include "memcached.h"
#include "sss_presence.h"
#include "sss_ring_codec.h"
#include "sss_seal.h"
#include "sss_sync.h"


#define ROTATION   3600
#define CAPACITY   32
#define HOUR       ((uint64_t) ROTATION * 1000)
#define TIMEOUT    3000

/* A minute into a slot, in milliseconds. */
#define START      ((uint64_t) 497222 * HOUR + 60000)

/* What no poll may take: far more than its few timeouts. */
#define LONG       60000


typedef struct {
    sss_sync_t         *sync;
    sss_ring_t         *ring;
    sss_secrets_t       secrets;
    sss_address_t       servers[2];
    sss_sync_conf_t     conf;
    sss_sync_report_t   report;
    uint64_t            now;            /* for a poll in a thread          */
    pthread_t           thread;
    pthread_barrier_t  *barrier;
} host_t;


typedef struct {
    memcached_t         m[2];
    host_t              h[4];
} fixture_t;


static int
start(void **state)
{
    fixture_t  *f;

    f = calloc(1, sizeof(fixture_t));
    *state = f;

    if (f == NULL
        || memcached_start(&f->m[0], "127.0.0.1", NULL) != 0
        || memcached_start(&f->m[1], "127.0.0.1", NULL) != 0)
    {
        return -1;
    }

    return 0;
}


static void
leave(host_t *h)
{
    sss_sync_destroy(h->sync);
    free(h->ring);

    h->sync = NULL;
    h->ring = NULL;
}


static int
stop(void **state)
{
    size_t      i;
    fixture_t  *f;

    f = *state;

    for (i = 0; i < unit_count(f->h); i++) {
        leave(&f->h[i]);
    }

    memcached_stop(&f->m[0]);
    memcached_stop(&f->m[1]);

    free(f);

    return 0;
}


/* "secrets" has a letter for each secret, in their order. */

static void
prepare(host_t *h, const char *secrets, const memcached_t *a,
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
    h->conf.ns_len = 4;
    memcpy(h->conf.ns, "main", 4);
    h->conf.rotation = ROTATION;
    h->conf.retention = 300;
    h->conf.capacity = CAPACITY;
    h->conf.timeout_ms = TIMEOUT;
    h->conf.poll_ms = 1000;
}


static void
enter(host_t *h)
{
    h->sync = sss_sync_create(&h->conf);
    h->ring = malloc(sss_ring_size(CAPACITY));

    assert_non_null(h->sync);
    assert_non_null(h->ring);

    sss_ring_init(h->ring, CAPACITY);
}


static void
join(host_t *h, const char *secrets, const memcached_t *a,
    const memcached_t *b)
{
    prepare(h, secrets, a, b);
    enter(h);
}


/* The same host with other servers or secrets: its ring stays. */

static void
change(host_t *h, const char *secrets, const memcached_t *a,
    const memcached_t *b)
{
    sss_ring_t  *ring;

    ring = h->ring;
    sss_sync_destroy(h->sync);

    prepare(h, secrets, a, b);

    h->ring = ring;
    h->sync = sss_sync_create(&h->conf);
    assert_non_null(h->sync);
}


static void
poll_at(host_t *h, uint64_t now)
{
    assert_int_equal(sss_sync_poll(h->sync, h->ring, now, &h->report), 0);

    assert_non_null(sss_ring_slot(h->ring, h->conf.rotation,
                                  sss_slot(h->conf.rotation, now)));
}


static void
assert_same(const host_t *a, const host_t *b)
{
    assert_int_equal(a->ring->n, b->ring->n);
    assert_memory_equal(a->ring->keys, b->ring->keys,
                        a->ring->n * sizeof(sss_key_t));
}


static void
record_name(const char *secret, const char *ns, char *name)
{
    uint8_t  value[SSS_SECRET_SIZE];

    memset(value, secret[0], sizeof(value));
    value[0] = 0x55;

    assert_int_equal(sss_secret_record_name(value, "ring", ns, strlen(ns),
                                            name), 0);
}


/* The bytes of a record on a server; their number is returned. */

static size_t
record(const memcached_t *m, const char *name, uint8_t *bytes, size_t size)
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


static int
has_next(const host_t *h, uint64_t now)
{
    return sss_ring_slot(h->ring, ROTATION, sss_slot(ROTATION, now) + 1)
           != NULL;
}


static void
test_agree(void **state)
{
    unsigned    i;
    host_t     *a, *b;
    uint64_t    writes;
    fixture_t  *f;

    f = *state;
    a = &f->h[0];
    b = &f->h[1];

    join(a, "S", &f->m[0], NULL);
    join(b, "S", &f->m[0], NULL);

    poll_at(a, START);
    poll_at(b, START + 10);

    assert_int_equal(a->ring->n, 1);
    assert_same(a, b);
    assert_int_equal(a->report.generated, 1);
    assert_int_equal(b->report.generated, 0);
    assert_int_equal(a->report.reached, 1);
    assert_int_equal(a->report.polls, 1);
    assert_int_equal(a->report.server[0].state, SSS_SERVER_UP);
    assert_int_equal(a->report.server[0].success_ms, START);
    assert_int_equal(a->report.server[0].writes, 1);
    assert_int_equal(a->report.server[0].whole, 1);
    assert_int_equal(a->report.server[0].keys, 1);
    assert_int_equal(a->report.server[0].clock_known, 1);
    assert_in_range(a->report.server[0].clock_diff + 60, 0, 120);
    assert_int_equal(b->report.server[0].writes, 0);
    assert_int_equal(b->report.server[0].whole, 1);

    /* who has nothing to add writes nothing */

    for (i = 0; i < 20; i++) {
        poll_at(a, START + 1000 + i);
        poll_at(b, START + 1000 + i);
    }

    assert_int_equal(a->report.server[0].writes, 1);
    assert_int_equal(b->report.server[0].writes, 0);

    /* the next slot's key comes in time and not before, and is one */

    poll_at(a, START - 60000 + HOUR * 49 / 100);
    poll_at(b, START - 60000 + HOUR * 49 / 100);
    assert_false(has_next(a, START) || has_next(b, START));

    poll_at(b, START - 60000 + HOUR * 63 / 100);
    poll_at(a, START - 60000 + HOUR * 63 / 100);
    assert_true(has_next(a, START) && has_next(b, START));
    assert_same(a, b);
    assert_int_equal(a->ring->n, 2);

    writes = a->report.server[0].writes + b->report.server[0].writes;
    assert_int_equal(writes, 2);

    /* and nothing is made when its slot begins */

    poll_at(a, START + HOUR);
    poll_at(b, START + HOUR);
    assert_same(a, b);
    assert_int_equal(a->report.generated + b->report.generated, 2);
    assert_int_equal(sss_ring_encrypting(a->ring, ROTATION, START + HOUR)
                     ->slot, sss_slot(ROTATION, START) + 1);
}


static void *
poll_thread(void *data)
{
    host_t  *h;

    h = data;

    pthread_barrier_wait(h->barrier);
    (void) sss_sync_poll(h->sync, h->ring, h->now, &h->report);

    return NULL;
}


/* All hosts start at once on an empty server, and again and again. */

static void
test_start_together(void **state)
{
    size_t              i;
    unsigned            round;
    uint64_t            made;
    fixture_t          *f;
    pthread_barrier_t   barrier;

    f = *state;

    pthread_barrier_init(&barrier, NULL, unit_count(f->h));

    for (round = 0; round < 100; round++) {

        for (i = 0; i < unit_count(f->h); i++) {
            prepare(&f->h[i], "S", &f->m[0], &f->m[1]);
            f->h[i].conf.ns_len = (size_t) sprintf(f->h[i].conf.ns, "r%u",
                                                   round);
            enter(&f->h[i]);

            f->h[i].now = START + HOUR * 9 / 10 + i;
            f->h[i].barrier = &barrier;
        }

        for (i = 0; i < unit_count(f->h); i++) {
            assert_int_equal(pthread_create(&f->h[i].thread, NULL,
                                            poll_thread, &f->h[i]), 0);
        }

        made = 0;

        for (i = 0; i < unit_count(f->h); i++) {
            pthread_join(f->h[i].thread, NULL);
            made += f->h[i].report.generated;
        }

        assert_int_equal(made, 2);

        for (i = 0; i < unit_count(f->h); i++) {
            assert_int_equal(f->h[i].ring->n, 2);
            assert_same(&f->h[i], &f->h[0]);
        }

        for (i = 0; i < unit_count(f->h); i++) {
            leave(&f->h[i]);
        }
    }

    pthread_barrier_destroy(&barrier);
}


static void
test_lost_server(void **state)
{
    host_t     *a;
    unsigned    i;
    fixture_t  *f;

    f = *state;
    a = &f->h[0];

    join(a, "S", &f->m[0], &f->m[1]);

    poll_at(a, START);
    assert_int_equal(a->report.reached, 2);
    assert_int_equal(a->report.server[0].whole, 1);
    assert_int_equal(a->report.server[1].whole, 1);

    memcached_stop(&f->m[1]);
    poll_at(a, START + 1000);

    assert_int_equal(a->report.reached, 1);
    assert_int_equal(a->report.server[0].state, SSS_SERVER_UP);
    assert_int_equal(a->report.server[1].state, SSS_SERVER_DOWN);
    assert_int_equal(a->report.server[1].whole, 0);
    assert_int_equal(a->report.server[1].errors, 1);
    assert_int_not_equal(strlen(a->report.server[1].error), 0);

    /* it is left alone for 1, 2, 4 and 4 polls, and asked between them */

    for (i = 0; i < 17; i++) {
        poll_at(a, START + 2000 + i);
    }

    assert_int_equal(a->report.server[1].polls, 2 + 4);
    assert_int_equal(a->report.server[1].errors, 1 + 4);

    assert_int_equal(memcached_restart(&f->m[1]), 0);

    for (i = 0; i < 5; i++) {
        poll_at(a, START + 3000 + i);
    }

    assert_int_equal(a->report.reached, 2);
    assert_int_equal(a->report.server[1].state, SSS_SERVER_UP);
    assert_int_equal(a->report.server[1].whole, 1);
    assert_int_equal(a->report.server[1].keys, 1);

    /* what is there now is enough for another host */

    join(&f->h[1], "S", &f->m[1], NULL);
    poll_at(&f->h[1], START + 4000);
    assert_same(a, &f->h[1]);
}


static void
test_flushed(void **state)
{
    host_t     *a;
    unsigned    i;
    fixture_t  *f;

    f = *state;
    a = &f->h[0];

    join(a, "S", &f->m[0], &f->m[1]);
    poll_at(a, START);

    for (i = 0; i < 2; i++) {
        assert_int_equal(memcached_tell(&f->m[i].address, "flush_all\r\n",
                                        "OK"), 0);
    }

    poll_at(a, START + 1000);
    assert_int_equal(a->report.server[0].whole, 1);
    assert_int_equal(a->report.server[1].whole, 1);

    join(&f->h[1], "S", &f->m[0], NULL);
    poll_at(&f->h[1], START + 2000);
    assert_same(a, &f->h[1]);
    assert_int_equal(a->report.generated, 1);

    /* restarted within a poll, too */

    assert_int_equal(memcached_restart(&f->m[0]), 0);
    poll_at(a, START + 3000);
    assert_int_equal(a->report.reached, 2);
    assert_int_equal(a->report.server[0].whole, 1);
    assert_int_equal(a->report.server[0].errors, 0);
}


static void
assert_replaced(fixture_t *f, const void *bytes, size_t len, int bad)
{
    char       name[SSS_NAME_SIZE];
    host_t    *a;
    uint8_t    now[8192];
    size_t     n;
    uint64_t   before;

    a = &f->h[0];
    before = a->report.server[0].bad_records;

    record_name("S", "main", name);
    assert_int_equal(memcached_store(&f->m[0].address, name, bytes, len), 0);

    poll_at(a, START + 5000);
    assert_int_equal(a->report.server[0].bad_records - before, bad);
    assert_int_equal(a->report.server[0].bad_now, bad);
    assert_int_equal(a->report.server[0].whole, 1);
    assert_int_equal(a->report.server[0].state, SSS_SERVER_UP);

    n = record(&f->m[0], name, now, sizeof(now));
    assert_true(n != len || memcmp(now, bytes, len) != 0);

    poll_at(a, START + 6000);
    assert_int_equal(a->report.server[0].bad_records - before, bad);
    assert_int_equal(a->report.server[0].bad_now, 0);

    join(&f->h[1], "S", &f->m[0], NULL);
    poll_at(&f->h[1], START + 7000);
    assert_same(a, &f->h[1]);
    leave(&f->h[1]);
}


static void
test_bad_records(void **state)
{
    char        name[SSS_NAME_SIZE];
    host_t     *a, *b;
    size_t      i, len, big;
    uint8_t     good[8192], bytes[8192], plain[64], *huge;
    fixture_t  *f;

    f = *state;
    a = &f->h[0];
    b = &f->h[2];

    join(a, "S", &f->m[0], NULL);
    poll_at(a, START);

    record_name("S", "main", name);
    len = record(&f->m[0], name, good, sizeof(good));
    assert_int_equal(len, sss_ring_encoded_size(1) + SSS_SEAL_OVERHEAD);

    assert_replaced(f, "", 0, 1);
    assert_replaced(f, "x", 1, 1);
    assert_replaced(f, good, len - 1, 1);
    assert_replaced(f, good, SSS_SEAL_OVERHEAD, 1);

    for (i = 0; i < len; i += 13) {
        memcpy(bytes, good, len);
        bytes[i] ^= 1;
        assert_replaced(f, bytes, len, 1);
    }

    /* more than any ring of this size */

    big = 300000;
    huge = calloc(1, big);
    assert_non_null(huge);
    assert_replaced(f, huge, big, 1);
    free(huge);

    /* sealed well, but no ring */

    memset(plain, 1, sizeof(plain));
    assert_int_equal(sss_seal(a->secrets.value[0], SSS_SEAL_RING, "main", 4,
                              plain, sizeof(plain), bytes), 0);
    assert_replaced(f, bytes, sizeof(plain) + SSS_SEAL_OVERHEAD, 1);

    /* another namespace's, under the same secret */

    prepare(b, "S", &f->m[1], NULL);
    memcpy(b->conf.ns, "else", 4);
    enter(b);
    poll_at(b, START);

    record_name("S", "else", name);
    i = record(&f->m[1], name, bytes, sizeof(bytes));
    assert_int_not_equal(i, 0);
    assert_replaced(f, bytes, i, 1);

    /* an old one of its own is none that would not open, but lacks keys */

    poll_at(a, START + HOUR * 7 / 10);
    assert_int_equal(a->ring->n, 2);
    assert_replaced(f, good, len, 0);

    /* the presence record is anybody's */

    assert_int_equal(sss_presence_name("main", 4, name), 0);
    assert_int_equal(memcached_store(&f->m[0].address, name, "xx", 2), 0);

    poll_at(a, START + HOUR * 7 / 10 + 1);
    assert_int_equal(a->report.server[0].bad_now, 1);
    poll_at(a, START + HOUR * 7 / 10 + 2);
    assert_int_equal(a->report.server[0].bad_now, 0);
}


static void
test_no_server(void **state)
{
    host_t     *a;
    fixture_t  *f;

    f = *state;
    a = &f->h[0];

    memcached_stop(&f->m[0]);
    memcached_stop(&f->m[1]);

    join(a, "S", &f->m[0], &f->m[1]);

    poll_at(a, START);
    assert_int_equal(a->report.reached, 0);
    assert_int_equal(a->report.generated, 1);
    assert_int_equal(a->ring->n, 1);

    poll_at(a, START + HOUR * 7 / 10);
    assert_true(has_next(a, START));

    poll_at(a, START + 3 * HOUR);
    assert_int_equal(a->report.generated, 3);

    assert_int_equal(memcached_restart(&f->m[0]), 0);
    assert_int_equal(memcached_restart(&f->m[1]), 0);

    poll_at(a, START + 3 * HOUR + 1);
    poll_at(a, START + 3 * HOUR + 2);
    poll_at(a, START + 3 * HOUR + 3);
    poll_at(a, START + 3 * HOUR + 4);
    poll_at(a, START + 3 * HOUR + 5);
    assert_int_equal(a->report.reached, 2);
    assert_int_equal(a->report.server[0].whole, 1);

    join(&f->h[1], "S", &f->m[1], NULL);
    poll_at(&f->h[1], START + 3 * HOUR + 6);
    assert_same(a, &f->h[1]);
}


static void
test_this_host_only(void **state)
{
    host_t     *a;
    fixture_t  *f;

    f = *state;
    a = &f->h[0];

    prepare(a, "", NULL, NULL);
    a->conf.servers = NULL;
    a->conf.secrets = NULL;
    enter(a);

    poll_at(a, START);
    assert_int_equal(a->ring->n, 1);
    poll_at(a, START + HOUR * 7 / 10);
    assert_int_equal(a->ring->n, 2);
    poll_at(a, START + 4 * HOUR);
    assert_int_equal(a->ring->n, 1);
}


/* Answers to every read that there is nothing, and keeps nothing. */

static void
test_takes_nothing(void **state)
{
    fake_t       fake;
    host_t      *a;
    memcached_t  m;
    fixture_t   *f;

    f = *state;
    a = &f->h[0];

    memset(&fake, 0, sizeof(fake));
    fake.bytes = "END\r\n";
    fake.len = 5;
    assert_int_equal(fake_start(&fake), 0);

    memset(&m, 0, sizeof(m));
    m.address = fake.address;

    join(a, "S", &m, NULL);

    poll_at(a, START);
    assert_int_equal(a->report.reached, 1);
    assert_int_equal(a->ring->n, 1);
    assert_int_equal(a->report.server[0].whole, 0);
    assert_int_not_equal(strlen(a->report.server[0].error), 0);

    leave(a);

    /* and with one that does, both agree on one key */

    join(a, "S", &m, &f->m[0]);
    join(&f->h[1], "S", &m, &f->m[0]);
    poll_at(a, START);
    poll_at(&f->h[1], START);
    assert_int_equal(a->ring->n, 1);
    assert_same(a, &f->h[1]);

    leave(a);
    leave(&f->h[1]);
    fake_stop(&fake);
}


static void
test_partition(void **state)
{
    host_t      *a, *b;
    uint64_t     now;
    fixture_t   *f;
    sss_ring_t  *both;
    unsigned     i;

    f = *state;
    a = &f->h[0];
    b = &f->h[1];

    join(a, "S", &f->m[0], &f->m[1]);
    join(b, "S", &f->m[0], &f->m[1]);
    a->conf.retention = b->conf.retention = 86400;

    poll_at(a, START);
    poll_at(b, START);
    assert_same(a, b);

    change(a, "S", &f->m[0], NULL);
    change(b, "S", &f->m[1], NULL);
    a->conf.retention = b->conf.retention = 86400;
    sss_sync_destroy(a->sync);
    sss_sync_destroy(b->sync);
    a->sync = sss_sync_create(&a->conf);
    b->sync = sss_sync_create(&b->conf);

    for (now = START; now < START + 5 * HOUR; now += HOUR / 10) {
        poll_at(a, now);
        poll_at(b, now);
    }

    /* the first key is common, and those of five more slots are not */

    assert_int_equal(a->ring->n, 6);
    assert_int_equal(b->ring->n, 6);

    both = calloc(1, sss_ring_size(CAPACITY));
    sss_ring_init(both, CAPACITY);
    (void) sss_ring_merge(both, a->ring);
    (void) sss_ring_merge(both, b->ring);
    assert_int_equal(both->n, 11);

    change(a, "S", &f->m[0], &f->m[1]);
    change(b, "S", &f->m[0], &f->m[1]);

    poll_at(a, now);
    poll_at(b, now);
    poll_at(a, now);

    assert_same(a, b);
    assert_true(sss_ring_covers(a->ring, both));

    for (i = 0; i < 2; i++) {
        assert_int_equal(a->report.server[i].whole, 1);
        assert_int_equal(b->report.server[i].whole, 1);
    }

    assert_memory_equal(sss_ring_encrypting(a->ring, ROTATION, now),
                        sss_ring_encrypting(b->ring, ROTATION, now),
                        sizeof(sss_key_t));

    free(both);
}


/* [S], [S T], [T S], [T], one host after the other. */

static void
test_secret_changed(void **state)
{
    size_t           step;
    host_t          *a, *b;
    uint64_t         now;
    fixture_t       *f;
    static const struct {
        const char  *a;
        const char  *b;
    } steps[] = {
        { "S", "S" }, { "ST", "S" }, { "ST", "ST" }, { "TS", "ST" },
        { "TS", "TS" }, { "T", "TS" }, { "T", "T" }
    };

    f = *state;
    a = &f->h[0];
    b = &f->h[1];
    now = START;

    join(a, "S", &f->m[0], &f->m[1]);
    join(b, "S", &f->m[0], &f->m[1]);

    for (step = 0; step < unit_count(steps); step++) {

        change(a, steps[step].a, &f->m[0], &f->m[1]);
        change(b, steps[step].b, &f->m[0], &f->m[1]);

        poll_at(a, now);
        poll_at(b, now);
        poll_at(a, now + 1000);
        assert_same(a, b);
        assert_int_equal(a->report.foreign, 0);
        assert_int_equal(b->report.foreign, 0);
        assert_int_equal(a->report.server[0].bad_records, 0);

        /* with a key of a new slot */

        now += HOUR;
        poll_at(a, now);
        poll_at(b, now);
        poll_at(a, now + 1000);
        assert_same(a, b);
        assert_int_equal(a->report.server[0].whole, 1);
        assert_int_equal(b->report.server[1].whole, 1);
    }

    assert_int_equal(a->report.generated + b->report.generated, 1);
}


static void
test_wrong_secret(void **state)
{
    host_t     *a, *b, *c;
    fixture_t  *f;

    f = *state;
    a = &f->h[0];
    b = &f->h[1];
    c = &f->h[2];

    join(a, "S", &f->m[0], NULL);
    poll_at(a, START);
    assert_int_equal(a->report.company, 0);
    assert_int_equal(a->report.foreign, 0);

    join(b, "X", &f->m[0], NULL);
    poll_at(b, START);
    assert_int_equal(b->report.company, 0);
    assert_int_equal(b->report.foreign, 1);
    assert_int_equal(b->report.server[0].bad_records, 0);

    poll_at(a, START + 1000);
    assert_int_equal(a->report.company, 0);
    assert_int_equal(a->report.foreign, 1);
    assert_int_equal(a->report.server[0].bad_records, 0);

    join(c, "S", &f->m[0], NULL);
    poll_at(c, START + 2000);
    assert_int_equal(c->report.company, 1);
    assert_int_equal(c->report.foreign, 1);
    assert_same(a, c);
    assert_int_equal(a->ring->n, 1);
    assert_int_equal(b->ring->n, 1);
    assert_null(sss_ring_find(a->ring, b->ring->keys[0].name));

    /* what was seen last holds while nobody can be asked */

    memcached_stop(&f->m[0]);
    poll_at(c, START + 3000);
    assert_int_equal(c->report.reached, 0);
    assert_int_equal(c->report.company, 1);
}


static void
test_bad_under_other_secret(void **state)
{
    char        name[SSS_NAME_SIZE];
    host_t     *a;
    uint8_t     bytes[16];
    fixture_t  *f;

    f = *state;
    a = &f->h[0];

    record_name("T", "main", name);
    assert_int_equal(memcached_store(&f->m[0].address, name, "xx", 2), 0);

    join(a, "ST", &f->m[0], NULL);
    poll_at(a, START);
    poll_at(a, START + 1);
    poll_at(a, START + 2);

    assert_int_equal(a->report.server[0].bad_records, 1);
    assert_int_equal(a->report.server[0].bad_now, 1);
    assert_int_equal(a->report.server[0].whole, 1);
    assert_int_equal(record(&f->m[0], name, bytes, sizeof(bytes)), 2);
}


static void
test_retention(void **state)
{
    char        name[SSS_NAME_SIZE], line[128], answer[256], *t;
    host_t     *a, *b;
    uint64_t    expires;
    fixture_t  *f;

    f = *state;
    a = &f->h[0];
    b = &f->h[1];

    join(a, "S", &f->m[0], NULL);
    poll_at(a, START);

    prepare(b, "S", &f->m[0], NULL);
    b->conf.retention = 7200;
    enter(b);
    poll_at(b, START);
    poll_at(a, START + 1000);

    expires = sss_key_expiry(ROTATION, sss_slot(ROTATION, START), 7200);

    assert_same(a, b);
    assert_int_equal(a->ring->n, 1);
    assert_int_equal(a->ring->keys[0].expires, expires);

    /* so do their writes come to rest */

    poll_at(a, START + 2000);
    poll_at(b, START + 2000);
    assert_int_equal(a->report.server[0].writes, 1);
    assert_int_equal(b->report.server[0].writes, 1);

    /* the record goes with its last key */

    record_name("S", "main", name);
    snprintf(line, sizeof(line), "mg %s t\r\n", name);
    assert_int_equal(memcached_say(&f->m[0].address, line, strlen(line),
                                   "\r\n", answer, sizeof(answer)), 0);
    t = strstr(answer, " t");
    assert_non_null(t);
    assert_in_range(atol(t + 2), expires - START / 1000 - 120,
                    expires - START / 1000);

    /* and keys go when they expire */

    poll_at(a, expires * 1000 - 1);
    assert_non_null(sss_ring_slot(a->ring, ROTATION,
                                  sss_slot(ROTATION, START)));
    poll_at(a, expires * 1000);
    assert_null(sss_ring_slot(a->ring, ROTATION,
                              sss_slot(ROTATION, START)));
}


/* Hosts whose clocks are days apart write until both have all, no more. */

static void
test_clocks(void **state)
{
    host_t     *a, *b;
    unsigned    i;
    uint64_t    writes;
    fixture_t  *f;

    f = *state;
    a = &f->h[0];
    b = &f->h[1];

    join(a, "S", &f->m[0], NULL);
    join(b, "S", &f->m[0], NULL);

    for (i = 0; i < 5; i++) {
        poll_at(a, START + i);
        poll_at(b, START + 10 * HOUR + i);
    }

    writes = a->report.server[0].writes + b->report.server[0].writes;

    for (i = 0; i < 20; i++) {
        poll_at(a, START + 1000 + i);
        poll_at(b, START + 10 * HOUR + 1000 + i);
        assert_int_equal(a->report.server[0].whole, 1);
        assert_int_equal(b->report.server[0].whole, 1);
    }

    assert_int_equal(a->report.server[0].writes
                     + b->report.server[0].writes, writes);
}


static void
test_frozen(void **state)
{
    host_t     *a, *b;
    unsigned    i;
    uint64_t    began;
    fixture_t  *f;

    f = *state;
    a = &f->h[0];
    b = &f->h[1];

    prepare(a, "S", &f->m[0], &f->m[1]);
    a->conf.timeout_ms = 200;
    enter(a);
    poll_at(a, START);
    assert_int_equal(a->report.reached, 2);

    memcached_freeze(&f->m[0]);

    began = unit_clock_ms();

    for (i = 1; i < 8; i++) {
        poll_at(a, START + i * HOUR);
        assert_int_equal(a->report.server[0].state, SSS_SERVER_DOWN);
    }

    assert_in_range(unit_clock_ms() - began, 0, LONG);

    join(b, "S", &f->m[1], NULL);
    poll_at(b, START + 7 * HOUR + 1);
    assert_same(a, b);

    memcached_freeze(&f->m[1]);
    poll_at(a, START + 9 * HOUR);

    memcached_thaw(&f->m[0]);
    memcached_thaw(&f->m[1]);

    for (i = 0; i < 50; i++) {
        poll_at(a, START + 9 * HOUR + 1 + i);

        if (a->report.reached == 2 && a->report.server[0].whole
            && a->report.server[1].whole)
        {
            break;
        }
    }

    assert_int_equal(a->report.reached, 2);

    for (i = 0; i < 6; i++) {
        poll_at(b, START + 9 * HOUR + 100 + i);
    }

    assert_same(a, b);
}


static void
test_refused_conf(void **state)
{
    host_t  h;

    (void) state;

    prepare(&h, "", NULL, NULL);
    h.conf.n_servers = 1;
    assert_null(sss_sync_create(&h.conf));

    prepare(&h, "S", NULL, NULL);
    h.conf.n_servers = SSS_SERVERS_MAX + 1;
    assert_null(sss_sync_create(&h.conf));

    sss_sync_destroy(NULL);
}


#define fixture_test(name)                                                    \
    cmocka_unit_test_setup_teardown(name, start, stop)


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        fixture_test(test_agree),
        fixture_test(test_start_together),
        fixture_test(test_lost_server),
        fixture_test(test_flushed),
        fixture_test(test_bad_records),
        fixture_test(test_no_server),
        fixture_test(test_this_host_only),
        fixture_test(test_takes_nothing),
        fixture_test(test_partition),
        fixture_test(test_secret_changed),
        fixture_test(test_wrong_secret),
        fixture_test(test_bad_under_other_secret),
        fixture_test(test_retention),
        fixture_test(test_clocks),
        fixture_test(test_frozen),
        cmocka_unit_test(test_refused_conf),
    };

    return cmocka_run_group_tests_name("sync", tests, NULL, NULL);
}
