
#include "unit.h"

#include "sss_ring_codec.h"


/* Two keys, byte by byte in the format of the header file. */

#define RECORD                                                                \
    "01000002"                                                                \
    "0000000000079646" "00000e10" "000001a0c45ab67b" "000000006ab14ea4"       \
    "101112131415161718191a1b1c1d1e1f"                                        \
    "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"        \
    "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f"        \
    "0000000000079645" "00000e10" "000001a0c423c7fb" "000000006ab14094"       \
    "606162636465666768696a6b6c6d6e6f"                                        \
    "707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f"        \
    "909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf"


static sss_ring_t *
new_ring(uint32_t capacity)
{
    sss_ring_t  *ring;

    ring = test_malloc(sss_ring_size(capacity));
    sss_ring_init(ring, capacity);

    return ring;
}


static void
test_known(void **state)
{
    size_t       i, len;
    uint8_t      record[300], out[300];
    sss_ring_t  *ring;

    (void) state;

    ring = new_ring(3);
    len = unit_hex(RECORD, record);

    assert_int_equal(len, sss_ring_encoded_size(2));
    assert_int_equal(len, 4 + 2 * 108);

    assert_int_equal(sss_ring_decode(ring, record, len), 0);
    assert_int_equal(ring->n, 2);

    assert_int_equal(ring->keys[0].slot, 497222);
    assert_int_equal(ring->keys[0].rotation, 3600);
    assert_int_equal(ring->keys[0].created, 1790000674427u);
    assert_int_equal(ring->keys[0].expires, 1790004900u);
    assert_int_equal(ring->keys[0].unused, 0);

    for (i = 0; i < 16; i++) {
        assert_int_equal(ring->keys[0].name[i], 0x10 + i);
        assert_int_equal(ring->keys[1].name[i], 0x60 + i);
    }

    for (i = 0; i < 32; i++) {
        assert_int_equal(ring->keys[0].aes[i], 0x20 + i);
        assert_int_equal(ring->keys[0].hmac[i], 0x40 + i);
        assert_int_equal(ring->keys[1].aes[i], 0x70 + i);
        assert_int_equal(ring->keys[1].hmac[i], 0x90 + i);
    }

    assert_int_equal(ring->keys[1].slot, 497221);

    memset(out, 0xa5, sizeof(out));
    sss_ring_encode(ring, out);

    assert_memory_equal(out, record, len);
    assert_int_equal(out[len], 0xa5);

    /* the order in the bytes does not matter: decoding sorts */

    sss_ring_wipe(ring);

    memcpy(out + 4, record + 112, 108);
    memcpy(out + 112, record + 4, 108);

    assert_int_equal(sss_ring_decode(ring, out, len), 0);
    sss_ring_encode(ring, out);
    assert_memory_equal(out, record, len);

    test_free(ring);
}


static void
test_empty(void **state)
{
    uint8_t      record[4];
    sss_ring_t  *ring;

    (void) state;

    ring = new_ring(3);

    assert_int_equal(sss_ring_encoded_size(0), 4);
    sss_ring_encode(ring, record);
    assert_memory_equal(record, "\1\0\0\0", 4);

    assert_int_equal(sss_ring_decode(ring, record, 4), 0);
    assert_int_equal(ring->n, 0);

    test_free(ring);
}


/* Keys that are decoded are added to those in the ring. */

static void
test_added(void **state)
{
    size_t       i, len;
    uint8_t      record[300], out[8 * 108];
    uint64_t     now;
    sss_key_t    key;
    sss_ring_t  *ring;

    (void) state;

    ring = new_ring(4);
    len = unit_hex(RECORD, record);
    now = 1790000000000u;

    for (i = 0; i < 2; i++) {
        assert_int_equal(sss_key_generate(&key, 3600, 497223 + i, now, 300),
                         0);
        assert_int_equal(sss_ring_add(ring, &key), 1);
    }

    assert_int_equal(sss_ring_decode(ring, record, len), 0);
    assert_int_equal(ring->n, 4);
    assert_int_equal(sss_ring_decode(ring, record, len), 0);
    assert_int_equal(ring->n, 4);
    assert_int_equal(ring->keys[0].slot, 497224);
    assert_int_equal(ring->keys[3].slot, 497221);

    sss_ring_encode(ring, out);
    assert_int_equal(out[3], 4);

    test_free(ring);

    /* a ring that is too small keeps the keys that expire last */

    ring = new_ring(1);
    assert_int_equal(sss_ring_decode(ring, record, len), 0);
    assert_int_equal(ring->n, 1);
    assert_int_equal(ring->keys[0].slot, 497222);
    test_free(ring);
}


/* After a refused record every byte of the ring is as before. */

static void
assert_refused(const uint8_t *record, size_t len)
{
    uint8_t     *copy;
    sss_key_t    key;
    sss_ring_t  *ring, *before;

    ring = new_ring(4);
    before = new_ring(4);

    assert_int_equal(sss_key_generate(&key, 3600, 5, 1, 300), 0);
    assert_int_equal(sss_ring_add(ring, &key), 1);
    memcpy(before, ring, sss_ring_size(4));

    /* an exact copy: a sanitizer sees a byte read too many */

    copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, record, len);

    assert_int_equal(sss_ring_decode(ring, copy, len), -1);
    assert_memory_equal(before, ring, sss_ring_size(4));

    free(copy);
    test_free(ring);
    test_free(before);
}


static void
test_length(void **state)
{
    size_t   i, len;
    uint8_t  record[500];

    (void) state;

    memset(record, 0, sizeof(record));
    len = unit_hex(RECORD, record);

    for (i = 0; i < sizeof(record); i++) {
        if (i != len) {
            assert_refused(record, i);
        }
    }

    /* the number of keys, each of its three bytes */

    record[3] = 1;
    assert_refused(record, len);
    record[3] = 3;
    assert_refused(record, len);
    record[3] = 0;
    assert_refused(record, len);
    record[3] = 2;

    record[1] = 1;
    assert_refused(record, len);
    record[1] = 0;
    record[2] = 1;
    assert_refused(record, len);
    record[2] = 0;

    record[0] = 0;
    assert_refused(record, len);
    record[0] = 2;
    assert_refused(record, len);
}


/* Invalid numbers in the second key: the first key is not added either. */

static void
put(uint8_t *p, size_t n, uint64_t value)
{
    while (n-- > 0) {
        p[n] = (uint8_t) value;
        value >>= 8;
    }
}


static void
test_numbers(void **state)
{
    size_t       i, len;
    uint8_t      record[300], *key;
    uint64_t     end;
    sss_ring_t  *ring;

    static const struct {
        uint64_t  slot;
        uint64_t  rotation;
    } bad[] = {
        { 497221, 0 },
        { 0, 0 },
        { UINT64_MAX, 1 },
        { UINT64_MAX, 3600 },
        { UINT64_MAX / 2000, 1 },
        { UINT64_MAX / 2000 / 3600, 3600 },
        { UINT64_MAX / UINT32_MAX, UINT32_MAX },
        { 0x1000000000000000u, 16 },
        { 0x1000000000000001u, 16 }
    };

    (void) state;

    len = unit_hex(RECORD, record);
    key = record + 4 + 108;

    for (i = 0; i < unit_count(bad); i++) {
        put(key, 8, bad[i].slot);
        put(key + 8, 4, bad[i].rotation);

        /* even if the end of the slot overflows, the key expires after it */

        end = (bad[i].slot + 1) * bad[i].rotation;
        put(key + 20, 8, end + 100);
        assert_refused(record, len);

        put(key + 20, 8, UINT64_MAX);
        assert_refused(record, len);
    }

    put(key, 8, 497221);
    put(key + 8, 4, 3600);
    end = 497222 * 3600;

    put(key + 20, 8, end - 1);
    assert_refused(record, len);
    put(key + 20, 8, 0);
    assert_refused(record, len);
    put(key + 20, 8, end + SSS_KEY_LIFE + 1);
    assert_refused(record, len);
    put(key + 20, 8, UINT64_MAX);
    assert_refused(record, len);

    ring = new_ring(2);

    put(key + 20, 8, end);
    assert_int_equal(sss_ring_decode(ring, record, len), 0);
    put(key + 20, 8, end + SSS_KEY_LIFE);
    assert_int_equal(sss_ring_decode(ring, record, len), 0);
    assert_int_equal(ring->keys[1].expires, end + 400 * 86400);

    sss_ring_wipe(ring);
    put(key, 8, UINT64_MAX / 2000 / 3600 - 1);
    put(key + 20, 8, UINT64_MAX / 2000 / 3600 * 3600);
    assert_int_equal(sss_ring_decode(ring, record, len), 0);
    assert_int_equal(ring->n, 2);

    test_free(ring);
}


/* Every host accepts whatever keys another host makes. */

static void
test_generated(void **state)
{
    size_t       i, k, m;
    uint8_t      record[4 + 108];
    sss_key_t    key;
    sss_ring_t  *ring, *again;

    static const uint32_t  rotations[] = { 1, 4, 3600, 86400, UINT32_MAX };
    static const uint32_t  retentions[] = { 0, 300, 86400, UINT32_MAX };
    static const uint64_t  times[] = { 0, 999, 1790000000123u,
                                       253402300799999u };

    (void) state;

    ring = new_ring(1);
    again = new_ring(1);

    for (i = 0; i < unit_count(rotations); i++) {
        for (k = 0; k < unit_count(retentions); k++) {
            for (m = 0; m < unit_count(times); m++) {
                sss_ring_wipe(ring);
                sss_ring_wipe(again);

                assert_int_equal(sss_key_generate(&key, rotations[i],
                                                  sss_slot(rotations[i],
                                                           times[m]) + 1,
                                                  times[m], retentions[k]),
                                 0);
                assert_int_equal(sss_ring_add(ring, &key), 1);

                sss_ring_encode(ring, record);
                assert_int_equal(sss_ring_decode(again, record,
                                                 sizeof(record)),
                                 0);
                assert_memory_equal(ring, again, sss_ring_size(1));
                assert_int_equal(sss_ring_expire(again, times[m]), 0);
            }
        }
    }

    test_free(ring);
    test_free(again);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_added),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_generated)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
