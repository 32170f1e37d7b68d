
#define _GNU_SOURCE
#define OPENSSL_SUPPRESS_DEPRECATED

#include "unit.h"
#include "unit_memory.h"
#include "unit_openssl.h"

#include "sss_records.h"
#include "sss_ring_codec.h"
#include "sss_seal.h"


#define NOW       UINT64_C(1800000000000)
#define ROTATION  3600
#define CAPACITY  8
#define FAILURES  60                    /* more than there are calls       */


static sss_secrets_t     secrets;
static sss_sync_conf_t   conf;
static sss_admission_t   admission;
static sss_records_t     records;
static sss_ring_t       *ring;
static uint8_t          *sealed;
static sss_item_t        item;
static sss_label_t       label;


static int
prepare(void **state)
{
    sss_key_t  key;

    (void) state;

    memset(&conf, 0, sizeof(conf));
    memset(&admission, 0, sizeof(admission));

    secrets.n = 2;
    memset(secrets.value[0], 0x11, SSS_SECRET_SIZE - 1);
    memset(secrets.value[1], 0x22, SSS_SECRET_SIZE - 1);

    conf.secrets = &secrets;
    memcpy(conf.ns, "main", 4);
    conf.ns_len = 4;
    conf.rotation = ROTATION;
    conf.retention = 300;
    conf.capacity = CAPACITY;
    conf.forward_secrecy = 1;

    admission.forward_secrecy = 1;
    sss_group_init(&admission.group, 3);
    assert_int_equal(sss_group_found(&admission.group, 2000, NOW), 0);
    assert_int_equal(sss_records_create(&records, &conf, &admission), 0);

    ring = sss_ring_create(CAPACITY);
    assert_non_null(ring);
    assert_int_equal(sss_key_generate(&key, ROTATION, sss_slot(ROTATION, NOW),
                                      NOW, 300), 0);
    assert_int_equal(sss_ring_add(ring, &key), 1);

    return 0;
}


static int
finish(void **state)
{
    (void) state;

    unit_memory_fail = unit_openssl_fail = 0;

    free(sealed);
    sealed = NULL;

    sss_records_destroy(&records);
    sss_ring_destroy(ring);

    return 0;
}


/* Into "sealed", "item" and "label". */

static void
seal(void)
{
    size_t  len;

    free(sealed);

    sealed = sss_records_seal(&records, ring, &len);
    assert_non_null(sealed);
    assert_int_equal(len, SSS_LABEL_SIZE + sss_ring_encoded_size(ring->n)
                          + SSS_SEAL_OVERHEAD);

    memset(&item, 0, sizeof(item));
    item.value = sealed;
    item.len = len;
    item.found = 1;

    assert_int_equal(sss_records_label(&records, 0, &item, &label), 0);
}


static void
test_create(void **state)
{
    size_t  i, k;

    (void) state;

    assert_ptr_equal(admission.key, &records.keys[0].join);
    assert_int_equal(records.n_rings, 2);
    assert_int_equal(records.n_slots, 2 * SSS_DOOR_SLOTS);
    assert_int_equal(records.n_names, 2 * (1 + SSS_DOOR_SLOTS) + 1);
    assert_in_range(records.n_names, 1, SSS_RECORDS_ITEMS);
    assert_in_range(records.capacity, 2 * CAPACITY, 2 * CAPACITY);
    assert_memory_not_equal(records.tags[0], records.others[0], SSS_TAG_SIZE);
    assert_memory_not_equal(records.tags[0], records.tags[1], SSS_TAG_SIZE);

    for (i = 0; i < records.n_names; i++) {
        assert_int_equal(strlen(records.names[i]), SSS_NAME_SIZE - 1);

        for (k = 0; k < i; k++) {
            assert_string_not_equal(records.names[i], records.names[k]);
        }
    }

    /* destroyed, it is as if it had never been */

    sss_records_destroy(&records);
    assert_true(unit_zero(&records, sizeof(records)));
    sss_records_destroy(&records);
}


static void
test_create_without_groups(void **state)
{
    char  name[SSS_NAME_SIZE];

    (void) state;

    strcpy(name, records.names[0]);
    sss_records_destroy(&records);

    conf.forward_secrecy = 0;
    assert_int_equal(sss_records_create(&records, &conf, &admission), 0);
    assert_int_equal(records.n_slots, 0);
    assert_int_equal(records.n_names, 3);
    assert_string_not_equal(records.names[0], name);
}


/* Whatever is missing: nothing is left, and the next time it works. */

static void
test_create_fails(void **state)
{
    int       rc;
    unsigned  i, failed;

    (void) state;

    sss_records_destroy(&records);

    for (i = 1, failed = 0; i <= 4; i++) {
        unit_memory_fail = i;
        assert_int_equal(sss_records_create(&records, &conf, &admission), -1);
        assert_int_equal(unit_memory_fail, 0);
        assert_true(unit_zero(&records, sizeof(records)));
    }

    for (i = 1; i <= FAILURES; i++) {
        unit_openssl_fail = i;
        rc = sss_records_create(&records, &conf, &admission);

        if (unit_openssl_fail != 0) {
            assert_int_equal(rc, 0);
            break;
        }

        assert_int_equal(rc, -1);
        assert_true(unit_zero(&records, sizeof(records)));
        failed++;
    }

    unit_openssl_fail = 0;

    assert_in_range(failed, 2 * (1 + SSS_DOOR_SLOTS), FAILURES * 4);
    sss_records_destroy(&records);
    assert_int_equal(sss_records_create(&records, &conf, &admission), 0);
}


static void
test_label(void **state)
{
    (void) state;

    seal();

    assert_true(sss_label_same(&label, &admission.group.label));
    assert_int_equal(label.generation, 3);

    /* of another secret, cut short, changed, none */

    assert_int_equal(sss_records_label(&records, 1, &item, &label), -1);

    item.len = SSS_LABEL_SIZE - 1;
    assert_int_equal(sss_records_label(&records, 0, &item, &label), -1);

    item.len = SSS_LABEL_SIZE;
    assert_int_equal(sss_records_label(&records, 0, &item, &label), 0);

    sealed[12] ^= 1;
    assert_int_equal(sss_records_label(&records, 0, &item, &label), -1);

    item.value = NULL;
    assert_int_equal(sss_records_label(&records, 0, &item, &label), -1);
}


static void
test_open(void **state)
{
    size_t       len;
    sss_ring_t  *read;

    (void) state;

    seal();

    assert_int_equal(sss_records_open(&records, 0, &item, &label, &len),
                     SSS_RECORD_OPEN);
    assert_int_equal(len, sss_ring_encoded_size(1));

    read = sss_ring_create(CAPACITY);
    assert_non_null(read);
    assert_int_equal(sss_ring_decode(read, records.plain, len), 0);
    assert_int_equal(read->n, 1);
    assert_memory_equal(read->keys[0].aes, ring->keys[0].aes, 32);
    sss_ring_destroy(read);
}


static void
test_closed(void **state)
{
    size_t       len;
    sss_group_t  group;

    (void) state;

    seal();
    group = admission.group;

    /* of another epoch, group, generation, of no group */

    label.epoch++;
    assert_int_equal(sss_records_open(&records, 0, &item, &label, &len),
                     SSS_RECORD_CLOSED);
    label.epoch--;

    assert_int_equal(sss_group_found(&admission.group, 2000, NOW + 1), 0);
    assert_int_equal(sss_records_open(&records, 0, &item, &label, &len),
                     SSS_RECORD_CLOSED);

    admission.group = group;
    admission.group.label.generation++;
    assert_int_equal(sss_records_open(&records, 0, &item, &label, &len),
                     SSS_RECORD_CLOSED);

    admission.group = group;
    admission.group.member = 0;
    assert_int_equal(sss_records_open(&records, 0, &item, &label, &len),
                     SSS_RECORD_CLOSED);

    /* the epoch before is open for as long as its key is there */

    admission.group = group;
    sss_group_age(&admission.group, 3600000, 0, NOW + 3600000);
    assert_int_equal(sss_records_open(&records, 0, &item, &label, &len),
                     SSS_RECORD_OPEN);
    sss_group_age(&admission.group, 3600000, 0, NOW + 5400000);
    assert_int_equal(sss_records_open(&records, 0, &item, &label, &len),
                     SSS_RECORD_CLOSED);

    /* a failure of OpenSSL is no reason to write over it */

    admission.group = group;
    unit_openssl_fail = 1;
    assert_int_equal(sss_records_open(&records, 0, &item, &label, &len),
                     SSS_RECORD_CLOSED);
}


static void
test_bad(void **state)
{
    size_t  i, len, whole;

    (void) state;

    seal();
    whole = item.len;

    for (i = 0; i < whole; i++) {
        sealed[i] ^= 4;
        assert_int_equal(sss_records_open(&records, 0, &item, &label, &len),
                         SSS_RECORD_BAD);
        sealed[i] ^= 4;
    }

    for (item.len = SSS_LABEL_SIZE; item.len < whole; item.len++) {
        assert_int_equal(sss_records_open(&records, 0, &item, &label, &len),
                         SSS_RECORD_BAD);
    }

    /* longer than any that this host has room for */

    item.len = records.size + 1;
    assert_int_equal(sss_records_open(&records, 0, &item, &label, &len),
                     SSS_RECORD_BAD);

    /* under another secret, or in another namespace */

    item.len = whole;
    assert_int_equal(sss_records_open(&records, 1, &item, &label, &len),
                     SSS_RECORD_BAD);
    conf.ns[0] = 'p';
    assert_int_equal(sss_records_open(&records, 0, &item, &label, &len),
                     SSS_RECORD_BAD);
    conf.ns[0] = 'm';
    assert_int_equal(sss_records_open(&records, 0, &item, &label, &len),
                     SSS_RECORD_OPEN);
}


static void
test_seal_fails(void **state)
{
    size_t    len;
    uint8_t  *out;
    unsigned  i;

    (void) state;

    admission.group.member = 0;
    assert_null(sss_records_seal(&records, ring, &len));
    admission.group.member = 1;

    for (i = 1; i <= FAILURES; i++) {
        unit_openssl_fail = i;
        out = sss_records_seal(&records, ring, &len);

        if (unit_openssl_fail != 0) {
            assert_non_null(out);
            free(out);
            break;
        }

        assert_null(out);
        assert_true(unit_zero(records.plain, sss_ring_encoded_size(ring->n)));
    }

    assert_in_range(i, 4, FAILURES);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(test_create, prepare, finish),
        cmocka_unit_test_setup_teardown(test_create_without_groups, prepare,
                                        finish),
        cmocka_unit_test_setup_teardown(test_create_fails, prepare, finish),
        cmocka_unit_test_setup_teardown(test_label, prepare, finish),
        cmocka_unit_test_setup_teardown(test_open, prepare, finish),
        cmocka_unit_test_setup_teardown(test_closed, prepare, finish),
        cmocka_unit_test_setup_teardown(test_bad, prepare, finish),
        cmocka_unit_test_setup_teardown(test_seal_fails, prepare, finish)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
