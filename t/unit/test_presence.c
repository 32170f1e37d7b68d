
#include "unit.h"

#include "sss_presence.h"


#define NOW  1790000000u


static const uint8_t  tag_a[] = "AAAAAAAA", tag_b[] = "BBBBBBBB";
static const uint8_t  tag_c[] = "CCCCCCCC";
static const uint8_t  host_1[] = "host-001", host_2[] = "host-002";
static const uint8_t  host_3[] = "host-003";


static void
put(sss_presence_t *p, const uint8_t *tag, const uint8_t *host,
    uint32_t seen)
{
    sss_presence_entry_t  *entry;

    assert_true(p->n < SSS_PRESENCE_MAX);

    entry = &p->entry[p->n++];

    memcpy(entry->tag, tag, SSS_TAG_SIZE);
    memcpy(entry->host, host, 8);
    entry->seen = seen;
}


static void
assert_entry(const sss_presence_t *p, unsigned i, const uint8_t *tag,
    const uint8_t *host, uint32_t seen)
{
    assert_true(i < p->n);
    assert_memory_equal(p->entry[i].tag, tag, SSS_TAG_SIZE);
    assert_memory_equal(p->entry[i].host, host, 8);
    assert_int_equal(p->entry[i].seen, seen);
}


static void
assert_view(const sss_presence_t *p, const uint8_t *tags, size_t n,
    const uint8_t *host, unsigned company, unsigned foreign,
    unsigned refresh)
{
    sss_presence_view_t  view;

    view = sss_presence_view(p, tags, n, host, NOW);

    assert_int_equal(view.company, company);
    assert_int_equal(view.foreign, foreign);
    assert_int_equal(view.refresh, refresh);
}


static void
test_codec(void **state)
{
    uint8_t         out[SSS_PRESENCE_SIZE + 1], record[100];
    sss_presence_t  p;

    (void) state;

    p.n = 0;
    put(&p, tag_a, host_1, 0x6ab11f80);
    put(&p, tag_b, host_2, 1);

    memset(out, 0xa5, sizeof(out));

    assert_int_equal(sss_presence_encode(&p, out), 46);
    assert_memory_equal(out, "SSSP\1\2"
                             "AAAAAAAAhost-001\x6a\xb1\x1f\x80"
                             "BBBBBBBBhost-002\0\0\0\1\xa5", 47);

    memcpy(record, out, 46);
    memset(&p, 0xa5, sizeof(p));

    assert_int_equal(sss_presence_decode(&p, record, 46), 0);
    assert_int_equal(p.n, 2);
    assert_entry(&p, 0, tag_a, host_1, 0x6ab11f80);
    assert_entry(&p, 1, tag_b, host_2, 1);

    p.n = 0;
    assert_int_equal(sss_presence_encode(&p, out), 6);
    assert_memory_equal(out, "SSSP\1\0", 6);
    p.n = 7;
    assert_int_equal(sss_presence_decode(&p, out, 6), 0);
    assert_int_equal(p.n, 0);
}


static void
test_codec_full(void **state)
{
    unsigned        i;
    uint8_t         out[SSS_PRESENCE_SIZE], host[8];
    sss_presence_t  p, q;

    (void) state;

    memset(&p, 0, sizeof(p));
    memset(&q, 0, sizeof(q));

    for (i = 0; i < SSS_PRESENCE_MAX; i++) {
        memset(host, (int) i, sizeof(host));
        put(&p, tag_a, host, NOW + i);
    }

    assert_int_equal(sss_presence_encode(&p, out), SSS_PRESENCE_SIZE);
    assert_int_equal(sss_presence_decode(&q, out, sizeof(out)), 0);
    assert_memory_equal(&p, &q, sizeof(p));
}


static void
test_decode_bad(void **state)
{
    size_t          i, len;
    uint8_t         record[SSS_PRESENCE_SIZE + 100], *copy;
    unsigned        n;
    sss_presence_t  p;

    (void) state;

    memset(record, 0, sizeof(record));
    memcpy(record, "SSSP\1\2", 6);

    for (n = 0; n < 256; n++) {
        record[5] = (uint8_t) n;

        for (i = 0; i <= sizeof(record); i++) {

            /* an exact copy: a sanitizer sees a byte read too many */

            copy = malloc(i ? i : 1);
            assert_non_null(copy);
            memcpy(copy, record, i);

            p.n = 7;

            if (n <= SSS_PRESENCE_MAX && i == 6 + n * 20) {
                assert_int_equal(sss_presence_decode(&p, copy, i), 0);
                assert_int_equal(p.n, n);

            } else {
                assert_int_equal(sss_presence_decode(&p, copy, i), -1);
                assert_int_equal(p.n, 0);
            }

            free(copy);
        }
    }

    record[5] = 2;
    len = 46;

    for (i = 0; i < 5; i++) {
        record[i] ^= 0x20;
        assert_int_equal(sss_presence_decode(&p, record, len), -1);
        assert_int_equal(p.n, 0);
        record[i] ^= 0x20;
    }

    assert_int_equal(sss_presence_decode(&p, record, len), 0);
}


static void
test_touch(void **state)
{
    sss_presence_t  p;

    (void) state;

    p.n = 0;

    sss_presence_touch(&p, tag_a, host_1, NOW);
    assert_int_equal(p.n, 1);
    assert_entry(&p, 0, tag_a, host_1, NOW);

    sss_presence_touch(&p, tag_a, host_1, NOW + 1);
    assert_int_equal(p.n, 1);
    assert_entry(&p, 0, tag_a, host_1, NOW + 1);

    sss_presence_touch(&p, tag_a, host_2, NOW + 2);
    assert_int_equal(p.n, 2);
    assert_entry(&p, 0, tag_a, host_2, NOW + 2);
    assert_entry(&p, 1, tag_a, host_1, NOW + 1);

    /* one entry of another host with the secret is kept */

    sss_presence_touch(&p, tag_a, host_3, NOW + 3);
    assert_int_equal(p.n, 2);
    assert_entry(&p, 0, tag_a, host_3, NOW + 3);
    assert_entry(&p, 1, tag_a, host_2, NOW + 2);

    sss_presence_touch(&p, tag_b, host_1, NOW + 4);
    assert_int_equal(p.n, 3);
    assert_entry(&p, 0, tag_b, host_1, NOW + 4);
    assert_entry(&p, 1, tag_a, host_3, NOW + 3);
    assert_entry(&p, 2, tag_a, host_2, NOW + 2);

    /* a host that changed its secret has one entry */

    sss_presence_touch(&p, tag_b, host_3, NOW + 5);
    assert_int_equal(p.n, 3);
    assert_entry(&p, 0, tag_b, host_3, NOW + 5);
    assert_entry(&p, 1, tag_b, host_1, NOW + 4);
    assert_entry(&p, 2, tag_a, host_2, NOW + 2);

    /* old entries are removed */

    sss_presence_touch(&p, tag_b, host_3, NOW + 2 + SSS_PRESENCE_LIFE);
    assert_int_equal(p.n, 3);

    sss_presence_touch(&p, tag_b, host_3, NOW + 3 + SSS_PRESENCE_LIFE);
    assert_int_equal(p.n, 2);
    assert_entry(&p, 1, tag_b, host_1, NOW + 4);

    sss_presence_touch(&p, tag_b, host_3, NOW + 5 + SSS_PRESENCE_LIFE);
    assert_int_equal(p.n, 1);
}


static void
test_touch_limits(void **state)
{
    unsigned        i;
    uint8_t         host[8];
    sss_presence_t  p;

    (void) state;

    p.n = 0;

    for (i = 0; i < SSS_PRESENCE_MAX; i++) {
        memset(host, (int) i, sizeof(host));
        put(&p, host, host, NOW - i);
    }

    sss_presence_touch(&p, tag_a, host_1, NOW);
    assert_int_equal(p.n, SSS_PRESENCE_MAX);
    assert_entry(&p, 0, tag_a, host_1, NOW);

    for (i = 0; i < SSS_PRESENCE_MAX - 1; i++) {
        memset(host, (int) i, sizeof(host));
        assert_entry(&p, i + 1, host, host, NOW - i);
    }

    /* forged entries from the future are removed */

    p.n = 0;
    put(&p, tag_b, host_2, NOW + SSS_PRESENCE_LIFE + 1);
    put(&p, tag_c, host_2, UINT32_MAX);
    put(&p, tag_c, host_3, NOW + SSS_PRESENCE_LIFE);
    put(&p, tag_c, host_2, 0);
    sss_presence_touch(&p, tag_a, host_1, NOW);
    assert_int_equal(p.n, 2);
    assert_entry(&p, 1, tag_c, host_3, NOW + SSS_PRESENCE_LIFE);
}


static void
test_view(void **state)
{
    uint8_t         ab[2 * SSS_TAG_SIZE];
    sss_presence_t  p;

    (void) state;

    memcpy(ab, tag_a, SSS_TAG_SIZE);
    memcpy(ab + SSS_TAG_SIZE, tag_b, SSS_TAG_SIZE);

    p.n = 0;
    assert_view(&p, tag_a, 1, host_1, 0, 0, 1);

    /* this host alone */

    p.n = 0;
    put(&p, tag_a, host_1, NOW - SSS_PRESENCE_OWN + 1);
    assert_view(&p, tag_a, 1, host_1, 0, 0, 0);
    p.entry[0].seen--;
    assert_view(&p, tag_a, 1, host_1, 0, 0, 1);

    /*
     * its own entry with a secret that it no longer seals with is not foreign
     */

    p.n = 0;
    put(&p, tag_c, host_1, NOW);
    assert_view(&p, tag_a, 1, host_1, 0, 0, 1);
    assert_view(&p, ab, 2, host_1, 0, 0, 1);

    /* two other hosts with the same secret */

    p.n = 0;
    put(&p, tag_a, host_2, NOW - SSS_PRESENCE_OTHER + 1);
    put(&p, tag_a, host_3, NOW - SSS_PRESENCE_LIFE);
    assert_view(&p, tag_a, 1, host_1, 1, 0, 0);
    p.entry[0].seen--;
    assert_view(&p, tag_a, 1, host_1, 1, 0, 1);

    /* one other host, which does not see this one yet */

    p.n = 0;
    put(&p, tag_a, host_2, NOW);
    assert_view(&p, tag_a, 1, host_1, 1, 0, 1);
    put(&p, tag_a, host_1, NOW - SSS_PRESENCE_OWN);
    assert_view(&p, tag_a, 1, host_1, 1, 0, 0);

    p.n = 0;
    put(&p, tag_a, host_2, NOW - SSS_PRESENCE_OTHER);
    assert_view(&p, tag_a, 1, host_1, 1, 0, 1);
    p.entry[0].seen = NOW - SSS_PRESENCE_LIFE;
    assert_view(&p, tag_a, 1, host_1, 1, 0, 1);
    p.entry[0].seen--;
    assert_view(&p, tag_a, 1, host_1, 0, 0, 1);
    p.entry[0].seen = NOW + SSS_PRESENCE_LIFE;
    assert_view(&p, tag_a, 1, host_1, 1, 0, 1);
    p.entry[0].seen++;
    assert_view(&p, tag_a, 1, host_1, 0, 0, 1);

    /* one with this host's second secret */

    p.n = 0;
    put(&p, tag_b, host_2, NOW);
    assert_view(&p, ab, 2, host_1, 1, 0, 1);
    assert_view(&p, ab, 1, host_1, 0, 1, 1);

    /* only hosts with other secrets, and both kinds */

    p.n = 0;
    put(&p, tag_c, host_3, NOW);
    assert_view(&p, ab, 2, host_1, 0, 1, 1);
    put(&p, tag_a, host_2, NOW - 10);
    assert_view(&p, ab, 2, host_1, 1, 1, 1);
    put(&p, tag_a, host_1, NOW - 30);
    assert_view(&p, ab, 2, host_1, 1, 1, 0);
    p.entry[1].seen = NOW - 30;
    assert_view(&p, ab, 2, host_1, 1, 1, 0);
    p.entry[2].seen = NOW - 50;
    assert_view(&p, ab, 2, host_1, 1, 1, 1);

    p.entry[0].seen = NOW - SSS_PRESENCE_LIFE - 1;
    assert_view(&p, ab, 2, host_1, 1, 0, 1);
}


/* Entries of hosts that are no company, for they have the other setting. */

static void
test_without(void **state)
{
    sss_presence_t  p;
    const uint8_t   ab[] = "AAAAAAAABBBBBBBB";

    (void) state;

    p.n = 0;
    assert_int_equal(sss_presence_without(&p, ab, 2, NOW), 0);
    assert_int_equal(p.n, 0);

    put(&p, tag_c, host_1, NOW);
    assert_int_equal(sss_presence_without(&p, ab, 2, NOW), 0);
    assert_int_equal(p.n, 1);

    /* those that are left keep their order */

    put(&p, tag_b, host_2, NOW - SSS_PRESENCE_LIFE);
    put(&p, tag_c, host_3, NOW - 1);
    put(&p, tag_a, host_2, NOW - SSS_PRESENCE_LIFE - 1);
    assert_int_equal(sss_presence_without(&p, ab, 2, NOW), 1);
    assert_int_equal(p.n, 2);
    assert_entry(&p, 0, tag_c, host_1, NOW);
    assert_entry(&p, 1, tag_c, host_3, NOW - 1);

    /* too old, or too far ahead, they go and do not count */

    put(&p, tag_a, host_2, NOW - SSS_PRESENCE_LIFE - 1);
    put(&p, tag_b, host_2, NOW + SSS_PRESENCE_LIFE + 1);
    assert_int_equal(sss_presence_without(&p, ab, 2, NOW), 0);
    assert_int_equal(p.n, 2);

    /* nobody is left out who has none of the fingerprints */

    assert_int_equal(sss_presence_without(&p, ab, 0, NOW), 0);
    assert_int_equal(p.n, 2);
    assert_int_equal(sss_presence_without(&p, tag_c, 1, NOW), 1);
    assert_int_equal(p.n, 0);
}


/*
 * A fleet over twenty minutes.  Every host reads the record every two seconds,
 * and writes it when it is told to.  After its first few reads it must always
 * see company, with clocks that differ by up to half a minute; it must write
 * only now and then; and no host may see a foreign secret.
 */

static void
fleet(unsigned hosts, unsigned skew)
{
    uint32_t             now, clock;
    unsigned             i, t, writes;
    uint8_t              host[8];
    sss_presence_t       p;
    sss_presence_view_t  view;

    p.n = 0;
    writes = 0;
    memset(host, 0, sizeof(host));

    for (t = 0; t < 1200; t++) {
        now = NOW + t;

        for (i = 0; i < hosts; i++) {

            if ((t + i) % 2 != 0) {
                continue;
            }

            host[7] = (uint8_t) i;
            clock = now + i % 2 * skew;

            view = sss_presence_view(&p, tag_a, 1, host, clock);

            assert_int_equal(view.foreign, 0);

            if (t > 100) {
                assert_int_equal(view.company, hosts > 1);
            }

            if (view.refresh) {
                sss_presence_touch(&p, tag_a, host, clock);
                writes++;
            }
        }
    }

    print_message("%u hosts, %u s apart: %u writes\n", hosts, skew, writes);

    assert_in_range(writes, 25, 130);
}


static void
test_fleet(void **state)
{
    (void) state;

    fleet(1, 0);
    fleet(2, 0);
    fleet(2, 1);
    fleet(2, 30);
    fleet(3, 0);
    fleet(3, 10);
    fleet(200, 0);
    fleet(200, 3);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_codec),
        cmocka_unit_test(test_codec_full),
        cmocka_unit_test(test_decode_bad),
        cmocka_unit_test(test_touch),
        cmocka_unit_test(test_touch_limits),
        cmocka_unit_test(test_view),
        cmocka_unit_test(test_without),
        cmocka_unit_test(test_fleet)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
