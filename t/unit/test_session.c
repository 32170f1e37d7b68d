
#define _GNU_SOURCE
#define OPENSSL_SUPPRESS_DEPRECATED

#include <limits.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/err.h>

#include "unit.h"
#include "unit_openssl.h"

#include "sss_memory.h"
#include "sss_seal.h"
#include "sss_hmac.h"
#include "sss_session.h"


/*
 * Made by another program, from the description of the format, with the key
 * of known_key(), the scope 80 81 .. 9f, and the random bytes a0 a1 .. a9; for
 * the name "a.example", and for none.
 */

#define KNOWN_ID                                                              \
    "50515253a0a1a2a3a4a5a6a7a8a987028831fab7b5c5ff781e07243e6cfc9f25"

#define KNOWN_ID_NO_NAME                                                      \
    "50515253a0a1a2a3a4a5a6a7a8a987028831fab7b5c5f044f140bef891365f6a"

#define KNOWN_NAME                                                            \
    "sss1:cdd0c7729b4a6a42e30550efa1dca4d651221e19"

#define KNOWN_SEAL                                                            \
    "5c5796bb9397635543037ec9865dab61ba77e82f1bd7ec272e8b67ae3542ea77"

/* the record of the text below for the first ID, with the nonce b0 b1 .. bb */

#define KNOWN_RECORD                                                          \
    "5353533101020000b0b1b2b3b4b5b6b7b8b9babb430241d9f352e0d88bf5d7d7"        \
    "009a6952d7962ae47109eff05648aeb8ac039bd6ddb0dd1f75eed61d82db53bc"        \
    "286eb51a02946b03ec471c72705bcd"


#define NOW     1000
#define TEXT    "The quick brown fox jumps over the lazy dog"
#define LEN     (sizeof(TEXT) - 1)


static uint8_t              scope[SSS_SCOPE_SIZE];
static sss_sni_t            sni;
static sss_session_keys_t  *keys;
static uint8_t             *table;
static size_t               table_size;
static sss_ring_t          *ring;


/* Where the library keeps secrets: the mapping that was made last. */

static uint8_t  *mapped;
static size_t    mapped_size;


void *
mmap(void *p, size_t size, int prot, int flags, int fd, off_t offset)
{
    p = mmap64(p, size, prot, flags, fd, offset);

    mapped = p;
    mapped_size = size;

    return p;
}


static sss_key_t
known_key(void)
{
    size_t     i;
    sss_key_t  key;

    memset(&key, 0, sizeof(key));

    key.slot = 10;
    key.rotation = 10;
    key.expires = NOW + 1;

    for (i = 0; i < 16; i++) {
        key.name[i] = (uint8_t) (0x50 + i);
    }

    for (i = 0; i < 32; i++) {
        key.aes[i] = (uint8_t) i;
        key.hmac[i] = (uint8_t) (0x20 + i);
    }

    return key;
}


/* Makes key number "id"; names of four keys each begin with the same bytes. */

static sss_key_t
make_key(uint64_t id)
{
    uint64_t   seed;
    sss_key_t  key;

    memset(&key, 0, sizeof(key));

    key.slot = 10 + id;
    key.rotation = 10;
    key.expires = NOW + 1 + id;

    seed = id + 1;

    unit_random_bytes(&seed, key.name, sizeof(key.name));
    unit_random_bytes(&seed, key.aes, sizeof(key.aes));
    unit_random_bytes(&seed, key.hmac, sizeof(key.hmac));

    memset(key.name, (int) (id / 4), 4);

    return key;
}


static int
setup(void **state)
{
    size_t  i;

    (void) state;

    for (i = 0; i < sizeof(scope); i++) {
        scope[i] = (uint8_t) (0x80 + i);
    }

    assert_int_equal(sss_sni_set(&sni, "a.example", 9), 0);

    keys = sss_session_keys_create();
    assert_non_null(keys);
    table = mapped;
    table_size = mapped_size;

    ring = test_malloc(sss_ring_size(200));
    sss_ring_init(ring, 200);

    return 0;
}


static int
teardown(void **state)
{
    (void) state;

    sss_session_keys_destroy(keys);
    test_free(ring);

    return 0;
}


static void
fill_ring(uint64_t first, uint64_t n)
{
    sss_key_t  key;

    while (n-- > 0) {
        key = make_key(first++);
        assert_int_equal(sss_ring_add(ring, &key), 1);
    }
}


static void
test_known(void **state)
{
    char        name[SSS_NAME_SIZE + 1];
    size_t      n;
    uint8_t     id[32], record[200], out[200];
    sss_key_t   key;
    sss_sni_t   none;

    (void) state;

    key = known_key();
    sss_ring_add(ring, &key);

    unit_hex(KNOWN_ID, id);
    none.len = 0;

    assert_ptr_equal(sss_session_id_verify(keys, ring, id, 32, NOW),
                     &ring->keys[0]);
    assert_int_equal(sss_session_id_bound(keys, &key, id, scope, &sni), 1);
    assert_int_equal(sss_session_id_bound(keys, &key, id, scope, &none), 0);

    memset(name, 'x', sizeof(name));
    sss_session_name(keys, &key, id, name);
    assert_string_equal(name, KNOWN_NAME);
    assert_int_equal(name[SSS_NAME_SIZE], 'x');

    n = unit_hex(KNOWN_RECORD, record);
    assert_int_equal(n, LEN + SSS_SESSION_OVERHEAD);

    assert_int_equal(sss_session_open(keys, &key, "main", 4, id, scope, &sni,
                                      record, n, out),
                     LEN);
    assert_memory_equal(out, TEXT, LEN);

    unit_hex(KNOWN_ID_NO_NAME, id);

    assert_ptr_equal(sss_session_id_verify(keys, ring, id, 32, NOW),
                     &ring->keys[0]);
    assert_int_equal(sss_session_id_bound(keys, &key, id, scope, &none), 1);
    assert_int_equal(sss_session_id_bound(keys, &key, id, scope, &sni), 0);
}


/* IDs of every key of the ring, at first and with the cache. */

static void
test_mint(void **state)
{
    size_t                i, round;
    uint8_t               id[33], last[32];
    const sss_key_t      *key;
    sss_session_keys_t   *other;

    (void) state;

    fill_ring(0, 150);

    other = sss_session_keys_create();
    assert_non_null(other);

    memset(last, 0, sizeof(last));

    for (round = 0; round < 2; round++) {
        for (i = 0; i < ring->n; i++) {
            key = &ring->keys[i];
            id[32] = 0xa5;

            assert_int_equal(sss_session_id_mint(keys, key, scope, &sni, id),
                             0);
            assert_int_equal(id[32], 0xa5);
            assert_memory_equal(id, key->name, 4);
            assert_memory_not_equal(id + 4, last + 4, 10);
            assert_memory_not_equal(id + 14, last + 14, 8);
            assert_memory_not_equal(id + 22, last + 22, 10);

            assert_ptr_equal(sss_session_id_verify(keys, ring, id, 32, NOW),
                             key);
            assert_ptr_equal(sss_session_id_verify(other, ring, id, 32,
                                                   NOW),
                             key);
            assert_int_equal(sss_session_id_bound(other, key, id, scope,
                                                  &sni),
                             1);

            memcpy(last, id, sizeof(last));
        }
    }

    sss_session_keys_destroy(other);
}


/* Ten bytes of each ID are random. */

static void
test_random(void **state)
{
    size_t            i, k, changed[32];
    uint8_t           id[32];
    const sss_key_t  *key;

    (void) state;

    fill_ring(0, 1);
    key = &ring->keys[0];

    memset(changed, 0, sizeof(changed));

    for (i = 0; i < 64; i++) {
        memset(id, 0xa5, sizeof(id));
        assert_int_equal(sss_session_id_mint(keys, key, scope, &sni, id), 0);

        for (k = 0; k < 32; k++) {
            changed[k] += id[k] != 0xa5;
        }
    }

    for (k = 4; k < 32; k++) {
        assert_in_range(changed[k], 50, 64);
    }
}


static unsigned  digests;


int
SHA256_Final(unsigned char *md, SHA256_CTX *ctx)
{
    int (*real)(unsigned char *md, SHA256_CTX *ctx);

    digests++;

    *(void **) (void *) &real = dlsym(RTLD_NEXT, "SHA256_Final");

    return real(md, ctx);
}


/* The number of digests that checking an ID takes. */

static unsigned
cost(const sss_key_t *key, const uint8_t *id)
{
    digests = 0;
    assert_int_equal(sss_session_id_bound(keys, key, id, scope, &sni), 0);

    return digests;
}


/* The keys of 64 STEKs are cached; those of one more replace the oldest. */

static void
test_cache(void **state)
{
    size_t    i;
    uint8_t   id[32];
    unsigned  derived, cached;

    (void) state;

    fill_ring(0, 65);
    memset(id, 0, sizeof(id));

    derived = cost(&ring->keys[0], id);
    cached = cost(&ring->keys[0], id);
    assert_true(cached < derived);

    for (i = 1; i < 64; i++) {
        assert_int_equal(cost(&ring->keys[i], id), derived);
    }

    for (i = 0; i < 64; i++) {
        assert_int_equal(cost(&ring->keys[i], id), cached);
    }

    assert_int_equal(cost(&ring->keys[64], id), derived);

    for (i = 1; i < 65; i++) {
        assert_int_equal(cost(&ring->keys[i], id), cached);
    }

    assert_int_equal(cost(&ring->keys[0], id), derived);
    assert_int_equal(cost(&ring->keys[1], id), derived);
    assert_int_equal(cost(&ring->keys[0], id), cached);
}


static void
test_forged(void **state)
{
    size_t            i, len;
    uint8_t           id[40];
    uint64_t          seed;
    unsigned          bit;
    const sss_key_t  *key;

    (void) state;

    fill_ring(0, 9);
    key = &ring->keys[4];

    memset(id, 0, sizeof(id));
    assert_int_equal(sss_session_id_mint(keys, key, scope, &sni, id), 0);

    for (i = 0; i < 32; i++) {
        for (bit = 0; bit < 8; bit++) {
            id[i] ^= (uint8_t) (1u << bit);

            if (i < 22) {
                assert_null(sss_session_id_verify(keys, ring, id, 32, NOW));

            } else {
                assert_ptr_equal(sss_session_id_verify(keys, ring, id, 32,
                                                       NOW),
                                 key);
            }

            assert_int_equal(sss_session_id_bound(keys, key, id, scope,
                                                  &sni),
                             0);

            id[i] ^= (uint8_t) (1u << bit);
        }
    }

    for (len = 0; len < sizeof(id); len++) {
        assert_true((sss_session_id_verify(keys, ring, id, len, NOW) == key)
                    == (len == 32));
        assert_true((sss_session_id_verify(keys, ring, id, len, NOW) != NULL)
                    == (len == 32));
    }

    seed = 5;

    for (i = 0; i < 2000; i++) {
        unit_random_bytes(&seed, id, 32);
        memcpy(id, ring->keys[i % ring->n].name, 4);
        assert_null(sss_session_id_verify(keys, ring, id, 32, NOW));
    }
}


/* An ID is valid only while its STEK is in the ring and has not expired. */

static void
test_life(void **state)
{
    uint8_t     id[32];
    sss_key_t   key, stranger;

    (void) state;

    fill_ring(0, 3);

    key = make_key(3);
    sss_ring_add(ring, &key);

    assert_int_equal(sss_session_id_mint(keys, &key, scope, &sni, id), 0);

    assert_non_null(sss_session_id_verify(keys, ring, id, 32, 0));
    assert_non_null(sss_session_id_verify(keys, ring, id, 32,
                                          key.expires - 1));
    assert_null(sss_session_id_verify(keys, ring, id, 32, key.expires));
    assert_null(sss_session_id_verify(keys, ring, id, 32, UINT64_MAX));

    /* a STEK with such a name that is not in the ring */

    stranger = make_key(3);
    stranger.name[15] ^= 1;
    stranger.aes[31] ^= 1;
    assert_int_equal(sss_session_id_mint(keys, &stranger, scope, &sni, id),
                     0);
    assert_null(sss_session_id_verify(keys, ring, id, 32, NOW));

    sss_ring_wipe(ring);
    assert_null(sss_session_id_verify(keys, ring, id, 32, NOW));
}


/* Derived keys depend on every bit of both keys of a STEK. */

static void
test_whole_stek(void **state)
{
    size_t       i;
    uint8_t      id[32], *byte;
    sss_key_t    key;

    (void) state;

    for (i = 0; i < 64; i++) {
        key = make_key(0);
        sss_ring_wipe(ring);
        sss_ring_add(ring, &key);

        byte = i < 32 ? &key.aes[i] : &key.hmac[i - 32];
        *byte ^= 1;

        /* with another name, by which the cache is searched */

        key.name[15] = (uint8_t) (key.name[15] + 1 + i);

        assert_int_equal(sss_session_id_mint(keys, &key, scope, &sni, id),
                         0);
        assert_null(sss_session_id_verify(keys, ring, id, 32, NOW));
    }
}


static void
test_bound(void **state)
{
    size_t           i;
    uint8_t          id[32], other[SSS_SCOPE_SIZE];
    sss_sni_t        name, none, longest;
    const sss_key_t  *key;

    (void) state;

    fill_ring(0, 4);
    key = &ring->keys[0];

    assert_int_equal(sss_session_id_mint(keys, key, scope, &sni, id), 0);

    for (i = 0; i < sizeof(other); i++) {
        memcpy(other, scope, sizeof(other));
        other[i] ^= 1;
        assert_int_equal(sss_session_id_bound(keys, key, id, other, &sni),
                         0);
    }

    none.len = 0;
    assert_int_equal(sss_session_id_bound(keys, key, id, scope, &none), 0);

    sss_sni_set(&name, "b.example", 9);
    assert_int_equal(sss_session_id_bound(keys, key, id, scope, &name), 0);

    sss_sni_set(&name, "a.exampl", 8);
    assert_int_equal(sss_session_id_bound(keys, key, id, scope, &name), 0);

    sss_sni_set(&name, "A.EXAMPLE", 9);
    assert_int_equal(sss_session_id_bound(keys, key, id, scope, &name), 1);

    assert_int_equal(sss_session_id_bound(keys, &ring->keys[1], id, scope,
                                          &sni),
                     0);

    longest.len = 255;
    memset(longest.name, 'n', 255);
    assert_int_equal(sss_session_id_mint(keys, key, scope, &longest, id), 0);
    assert_int_equal(sss_session_id_bound(keys, key, id, scope, &longest),
                     1);
    longest.name[254] = 'm';
    assert_int_equal(sss_session_id_bound(keys, key, id, scope, &longest),
                     0);
}


/* Checks that the result is that of both separate checks. */

static void
test_accept(void **state)
{
    size_t           i, k;
    uint8_t          id[32], other[SSS_SCOPE_SIZE];
    sss_sni_t        name;
    const sss_key_t  *key;

    (void) state;

    fill_ring(0, 8);
    sss_sni_set(&name, "b.example", 9);

    for (k = 0; k < 8; k++) {
        key = &ring->keys[k];
        assert_int_equal(sss_session_id_mint(keys, key, scope, &sni, id), 0);

        assert_ptr_equal(sss_session_id_accept(keys, ring, id, 32, scope,
                                               &sni, NOW),
                         key);
        assert_null(sss_session_id_accept(keys, ring, id, 32, scope, &name,
                                          NOW));
        assert_null(sss_session_id_accept(keys, ring, id, 32, scope, &sni,
                                          key->expires));

        for (i = 0; i < 32; i++) {
            assert_null(sss_session_id_accept(keys, ring, id, i, scope, &sni,
                                              NOW));
            id[i] ^= 1;
            assert_null(sss_session_id_accept(keys, ring, id, 32, scope,
                                              &sni, NOW));
            id[i] ^= 1;

            memcpy(other, scope, sizeof(other));
            other[i] ^= 1;
            assert_null(sss_session_id_accept(keys, ring, id, 32, other,
                                              &sni, NOW));
        }
    }
}


static void
test_name(void **state)
{
    char     a[SSS_NAME_SIZE], b[SSS_NAME_SIZE];
    size_t   i;
    uint8_t  id[32];

    (void) state;

    fill_ring(0, 2);

    assert_int_equal(sss_session_id_mint(keys, &ring->keys[0], scope, &sni,
                                         id),
                     0);
    sss_session_name(keys, &ring->keys[0], id, a);
    assert_int_equal(strlen(a), SSS_NAME_SIZE - 1);
    assert_int_equal(strspn(a + 5, "0123456789abcdef"), 40);

    sss_session_name(keys, &ring->keys[1], id, b);
    assert_string_not_equal(a, b);

    /* every byte that the first MAC covers */

    for (i = 0; i < 14; i++) {
        id[i] ^= 1;
        sss_session_name(keys, &ring->keys[0], id, b);
        assert_string_not_equal(a, b);
        id[i] ^= 1;
    }

    sss_session_name(keys, &ring->keys[0], id, b);
    assert_string_equal(a, b);
}


static void
assert_refused(const sss_key_t *key, const char *ns, size_t ns_len,
    const uint8_t *id, const uint8_t *s, const sss_sni_t *name,
    const uint8_t *record, size_t len)
{
    uint8_t  out[200];

    memset(out, 0xa5, sizeof(out));

    ERR_clear_error();

    assert_int_equal(sss_session_open(keys, key, ns, ns_len, id, s, name,
                                      record, len, out),
                     -1);

    assert_null(memmem(out, sizeof(out), "quick", 5));
    assert_int_equal(ERR_peek_error(), 0);
}


static void
test_seal(void **state)
{
    char              ns[256];
    size_t            i, len;
    uint8_t           id[32], other[32], record[200], out[200];
    sss_sni_t         name;
    const sss_key_t  *key;

    (void) state;

    fill_ring(0, 4);
    key = &ring->keys[0];
    len = LEN + SSS_SESSION_OVERHEAD;

    assert_int_equal(sss_session_id_mint(keys, key, scope, &sni, id), 0);

    memset(record, 0xa5, sizeof(record));
    assert_int_equal(sss_session_seal(keys, key, "main", 4, id, scope, &sni,
                                      (const uint8_t *) TEXT, LEN, record),
                     0);
    assert_int_equal(record[len], 0xa5);
    assert_null(memmem(record, len, "quick", 5));

    memset(out, 0xa5, sizeof(out));
    assert_int_equal(sss_session_open(keys, key, "main", 4, id, scope, &sni,
                                      record, len, out),
                     LEN);
    assert_memory_equal(out, TEXT, LEN);
    assert_int_equal(out[LEN], 0xa5);

    assert_refused(&ring->keys[1], "main", 4, id, scope, &sni, record, len);
    assert_refused(key, "mai", 3, id, scope, &sni, record, len);
    assert_refused(key, "maim", 4, id, scope, &sni, record, len);
    assert_refused(key, "", 0, id, scope, &sni, record, len);

    for (i = 0; i < 32; i++) {
        memcpy(other, id, sizeof(other));
        other[i] ^= 1;
        assert_refused(key, "main", 4, other, scope, &sni, record, len);

        memcpy(other, scope, sizeof(other));
        other[i] ^= 1;
        assert_refused(key, "main", 4, id, other, &sni, record, len);
    }

    name.len = 0;
    assert_refused(key, "main", 4, id, scope, &name, record, len);
    sss_sni_set(&name, "b.example", 9);
    assert_refused(key, "main", 4, id, scope, &name, record, len);

    for (i = 0; i < len; i++) {
        record[i] ^= 1;
        assert_refused(key, "main", 4, id, scope, &sni, record, len);
        record[i] ^= 1;
        assert_refused(key, "main", 4, id, scope, &sni, record, i);
    }

    /* the longest arguments, and empty ones */

    memset(ns, 'n', sizeof(ns));
    name.len = 255;
    memset(name.name, 'n', 255);

    assert_int_equal(sss_session_seal(keys, key, ns, 255, id, scope, &name,
                                      (const uint8_t *) TEXT, LEN, record),
                     0);
    assert_int_equal(sss_session_open(keys, key, ns, 255, id, scope, &name,
                                      record, len, out),
                     LEN);
    assert_refused(key, ns, 254, id, scope, &name, record, len);
    assert_refused(key, ns, 256, id, scope, &name, record, len);
    assert_refused(key, ns, SIZE_MAX, id, scope, &name, record, len);

    assert_int_equal(sss_session_seal(keys, key, ns, 256, id, scope, &name,
                                      (const uint8_t *) TEXT, LEN, record),
                     -1);
    assert_int_equal(sss_session_seal(keys, key, "main", 4, id, scope, &sni,
                                      (const uint8_t *) TEXT,
                                      (size_t) INT_MAX, record),
                     -1);

    assert_int_equal(sss_session_seal(keys, key, NULL, 0, id, scope, &sni,
                                      (const uint8_t *) "", 0, record),
                     0);
    assert_int_equal(sss_session_open(keys, key, NULL, 0, id, scope, &sni,
                                      record, SSS_SESSION_OVERHEAD, out),
                     0);
}


/* A key that was swept is wiped, and derived again when it is needed. */

static void
test_sweep(void **state)
{
    size_t          i;
    uint8_t         id[150][32], seal[32];
    sss_key_t       key;
    sss_ring_t     *half;
    sss_hmac_key_t  ready;

    (void) state;

    key = known_key();
    sss_ring_add(ring, &key);
    unit_hex(KNOWN_SEAL, seal);
    sss_hmac_key(&ready, seal, sizeof(seal));
    assert_int_equal(sss_session_id_mint(keys, &key, scope, &sni, id[0]), 0);

    assert_non_null(memmem(table, table_size, &ready, sizeof(ready)));

    sss_session_keys_sweep(keys, ring);
    assert_non_null(memmem(table, table_size, &ready, sizeof(ready)));

    sss_ring_wipe(ring);
    sss_session_keys_sweep(keys, ring);
    assert_true(unit_zero(table, table_size));

    /* half of many keys, some of which are in the cache */

    fill_ring(0, 150);
    half = test_malloc(sss_ring_size(200));
    sss_ring_init(half, 200);

    for (i = 0; i < ring->n; i++) {
        assert_int_equal(sss_session_id_mint(keys, &ring->keys[i], scope,
                                             &sni, id[i]),
                         0);

        if (i % 2 == 0) {
            sss_ring_add(half, &ring->keys[i]);
        }
    }

    sss_session_keys_sweep(keys, half);

    for (i = 0; i < ring->n; i++) {
        assert_ptr_equal(sss_session_id_verify(keys, ring, id[i], 32, NOW),
                         &ring->keys[i]);
        assert_true((sss_session_id_verify(keys, half, id[i], 32, NOW)
                     != NULL)
                    == (i % 2 == 0));
    }

    test_free(half);
}


/* If any call into OpenSSL fails it is reported, and the next call works. */

static void
test_openssl_fails(void **state)
{
    uint8_t           id[32], record[200], out[200];
    unsigned          i;
    const sss_key_t  *key;

    (void) state;

    fill_ring(0, 4);
    key = &ring->keys[0];

    unit_openssl_fail = 1;
    assert_int_equal(sss_session_id_mint(keys, key, scope, &sni, id), -1);

    assert_int_equal(sss_session_id_mint(keys, key, scope, &sni, id), 0);
    assert_ptr_equal(sss_session_id_verify(keys, ring, id, 32, NOW), key);

    for (i = 1; i < 100; i++) {
        sss_session_keys_destroy(keys);
        keys = sss_session_keys_create();

        unit_openssl_fail = i;

        if (sss_session_seal(keys, key, "main", 4, id, scope, &sni,
                             (const uint8_t *) TEXT, LEN, record)
            == 0)
        {
            break;
        }

        assert_int_equal(unit_openssl_fail, 0);

        assert_int_equal(sss_session_seal(keys, key, "main", 4, id, scope,
                                          &sni, (const uint8_t *) TEXT, LEN,
                                          record),
                         0);
        assert_int_equal(sss_session_open(keys, key, "main", 4, id, scope,
                                          &sni, record,
                                          LEN + SSS_SESSION_OVERHEAD, out),
                         LEN);
    }

    unit_openssl_fail = 0;

    assert_in_range(i, 7, 99);

    unit_openssl_fail = 1;
    assert_null(sss_session_keys_create());
    assert_int_equal(unit_openssl_fail, 0);

    sss_session_keys_destroy(NULL);
}


/* OpenSSL is asked for many random bytes at a time; none is used twice. */

static void
test_bytes_once(void **state)
{
    size_t   i, n;
    uint8_t  used[200][22], id[32], record[SSS_SESSION_OVERHEAD];

    (void) state;

    fill_ring(0, 1);

    for (i = 0; i < 200; i++) {
        assert_int_equal(sss_session_id_mint(keys, &ring->keys[0], scope,
                                             &sni, id),
                         0);
        assert_int_equal(sss_session_seal(keys, &ring->keys[0], NULL, 0, id,
                                          scope, &sni, NULL, 0, record),
                         0);
        memcpy(used[i], id + 4, 10);
        memcpy(used[i] + 10, record + 8, 12);
    }

    /* no six bytes in a row are there twice */

    for (i = 0; i + 6 < sizeof(used); i++) {
        n = sizeof(used) - i - 1;
        assert_null(memmem(used[0] + i + 1, n, used[0] + i, 6));
    }
}


#define test(f)  cmocka_unit_test_setup_teardown(f, setup, teardown)


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(test_known),
        test(test_mint),
        test(test_random),
        test(test_cache),
        test(test_forged),
        test(test_life),
        test(test_whole_stek),
        test(test_bound),
        test(test_accept),
        test(test_name),
        test(test_seal),
        test(test_sweep),
        test(test_openssl_fails),
        test(test_bytes_once)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
