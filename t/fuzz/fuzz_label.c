
/*
 * If the first byte is even, the rest is a ring's record from a stranger.  If
 * it is odd, the rest says how a record of our own is damaged.
 */

#include "fuzz.h"

#include "sss_records.h"


#define NOW  UINT64_C(1800000000000)


static sss_sync_conf_t   conf;
static sss_secrets_t     secrets;
static sss_admission_t   admission;
static sss_records_t     records;
static sss_ring_t       *ring;
static uint8_t          *own;
static size_t            own_len;


static void prepare(void);
static int opens(uint8_t *bytes, size_t len);
static void check_label(const uint8_t *bytes, size_t len);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t  *bytes;

    prepare();

    if (size == 0) {
        return 0;
    }

    bytes = malloc(size > own_len ? size : own_len);
    fuzz_check(bytes != NULL);

    if (data[0] % 2 == 0) {
        memcpy(bytes, data + 1, size - 1);
        bytes = realloc(bytes, size);
        fuzz_check(bytes != NULL);

        check_label(bytes, size - 1);
        fuzz_check(!opens(bytes, size - 1));

    } else if (size >= 4) {
        memcpy(bytes, own, own_len);
        bytes[((size_t) data[1] << 8 | data[2]) % own_len] ^= data[3];

        check_label(bytes, own_len);
        fuzz_check(opens(bytes, own_len) == (data[3] == 0));
    }

    free(bytes);

    return 0;
}


static void
prepare(void)
{
    sss_key_t  key;

    if (ring != NULL) {
        return;
    }

    secrets.n = 1;
    memset(secrets.value[0], 0x5a, SSS_SECRET_SIZE - 1);

    conf.secrets = &secrets;
    memcpy(conf.ns, "main", 4);
    conf.ns_len = 4;
    conf.rotation = 3600;
    conf.capacity = 8;
    conf.forward_secrecy = 1;

    sss_group_init(&admission.group, 1);
    fuzz_check(sss_group_found(&admission.group, 2000, NOW) == 0);
    fuzz_check(sss_records_create(&records, &conf, &admission) == 0);

    ring = sss_ring_create(8);
    fuzz_check(ring != NULL);
    fuzz_check(sss_key_generate(&key, 3600, sss_slot(3600, NOW), NOW, 3600)
               == 0);
    (void) sss_ring_add(ring, &key);

    own = sss_records_seal(&records, ring, &own_len);
    fuzz_check(own != NULL);
}


static int
opens(uint8_t *bytes, size_t len)
{
    size_t       n;
    sss_item_t   item;
    sss_label_t  label;

    memset(&item, 0, sizeof(item));
    item.found = 1;
    item.value = bytes;
    item.len = len;

    if (sss_records_label(&records, 0, &item, &label) != 0) {
        return 0;
    }

    fuzz_check(len >= SSS_LABEL_SIZE);

    return sss_records_open(&records, 0, &item, &label, &n)
           == SSS_RECORD_OPEN;
}


/* With a correct MAC it can be read, and is written as it was. */

static void
check_label(const uint8_t *bytes, size_t len)
{
    uint8_t         text[48 + 4], mac[SSS_HMAC_SIZE];
    uint8_t         in[SSS_LABEL_SIZE], out[SSS_LABEL_SIZE];
    sss_label_t     label;
    sss_hmac_key_t  key;

    if (len < SSS_LABEL_SIZE) {
        return;
    }

    fuzz_check(sss_label_key(secrets.value[0], &key) == 0);

    memcpy(text, bytes, 48);
    memcpy(text + 48, "main", 4);
    sss_hmac(&key, text, sizeof(text), mac);

    memcpy(in, bytes, 48);
    memcpy(in + 48, mac, 16);

    if (sss_label_read(&label, &key, "main", 4, in, sizeof(in)) == 0) {
        sss_label_write(&label, &key, "main", 4, out);
        fuzz_check(memcmp(in, out, sizeof(in)) == 0);
        fuzz_check(label.generation != 0);
        fuzz_check(!sss_label_beats(&label, &label));
    }
}
