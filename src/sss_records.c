
#include <stdlib.h>
#include <string.h>

#include "sss_memory.h"
#include "sss_records.h"
#include "sss_ring_codec.h"
#include "sss_seal.h"


static uint32_t sss_records_capacity(uint32_t capacity);
static int sss_records_names(sss_records_t *records);
static int sss_records_slots(sss_records_t *records, size_t secret);
static size_t sss_records_ad(const sss_records_t *records,
    const uint8_t *label, uint8_t *ad);


#define SSS_RECORDS_KEYS  9000          /* fit into a megabyte             */

/* What is authenticated with a ring. */

#define SSS_RECORDS_AD  (SSS_LABEL_SIZE + SSS_NAMESPACE_MAX)


int
sss_records_create(sss_records_t *records, const sss_sync_conf_t *conf,
    sss_admission_t *admission)
{
    memset(records, 0, sizeof(sss_records_t));

    records->conf = conf;
    records->admission = admission;
    records->capacity = sss_records_capacity(conf->capacity);
    records->size = sss_ring_encoded_size(records->capacity)
                    + SSS_LABEL_SIZE + SSS_SEAL_OVERHEAD;

    records->plain = sss_memory_alloc(records->size);
    records->raw = sss_ring_create(records->capacity);
    records->spare = sss_ring_create(records->capacity);
    records->keys = sss_memory_alloc(SSS_SECRETS_MAX
                                     * sizeof(sss_record_key_t));

    if (records->plain == NULL || records->raw == NULL
        || records->spare == NULL || records->keys == NULL
        || sss_records_names(records) != 0)
    {
        sss_records_destroy(records);
        return -1;
    }

    admission->key = &records->keys[0].join;

    return 0;
}


void
sss_records_destroy(sss_records_t *records)
{
    sss_ring_destroy(records->raw);
    sss_ring_destroy(records->spare);

    if (records->plain != NULL) {
        sss_memory_free(records->plain, records->size);
    }

    if (records->keys != NULL) {
        sss_memory_free(records->keys,
                        SSS_SECRETS_MAX * sizeof(sss_record_key_t));
    }

    memset(records, 0, sizeof(sss_records_t));
}


int
sss_records_label(const sss_records_t *records, size_t i,
    const sss_item_t *item, sss_label_t *label)
{
    if (item->value == NULL) {
        return -1;
    }

    return sss_label_read(label, &records->keys[i].label, records->conf->ns,
                          records->conf->ns_len, item->value, item->len);
}


sss_record_rc_t
sss_records_open(sss_records_t *records, size_t i, const sss_item_t *item,
    const sss_label_t *label, size_t *len)
{
    long                n;
    size_t              ad_len;
    uint8_t             key[SSS_GROUP_KEY], ad[SSS_RECORDS_AD];
    const sss_group_t  *group;

    group = &records->admission->group;

    if (!sss_label_same(label, &group->label)
        || sss_group_ring_key(group, label->epoch,
                              records->conf->secrets->value[i], key)
           != 0)
    {
        return SSS_RECORD_CLOSED;
    }

    n = -1;

    if (item->len <= records->size) {
        ad_len = sss_records_ad(records, item->value, ad);

        n = sss_unseal(key, SSS_SEAL_RING, ad, ad_len,
                       item->value + SSS_LABEL_SIZE,
                       item->len - SSS_LABEL_SIZE, records->plain);
    }

    sss_memory_wipe(key, sizeof(key));

    if (n < 0) {
        return SSS_RECORD_BAD;
    }

    *len = (size_t) n;

    return SSS_RECORD_OPEN;
}


uint8_t *
sss_records_seal(sss_records_t *records, const sss_ring_t *ring, size_t *len)
{
    int                 rc;
    size_t              n, ad_len;
    uint8_t            *record;
    uint8_t             key[SSS_GROUP_KEY], ad[SSS_RECORDS_AD];
    const sss_group_t  *group;

    group = &records->admission->group;

    if (sss_group_ring_key(group, group->label.epoch,
                           records->conf->secrets->value[0], key)
        != 0)
    {
        return NULL;
    }

    n = sss_ring_encoded_size(ring->n);
    *len = SSS_LABEL_SIZE + n + SSS_SEAL_OVERHEAD;

    record = malloc(*len);

    if (record != NULL) {
        sss_label_write(&group->label, &records->keys[0].label,
                        records->conf->ns, records->conf->ns_len, record);

        ad_len = sss_records_ad(records, record, ad);

        sss_ring_encode(ring, records->plain);

        rc = sss_seal(key, SSS_SEAL_RING, ad, ad_len, records->plain, n,
                      record + SSS_LABEL_SIZE);

        sss_memory_wipe(records->plain, n);

        if (rc != 0) {
            free(record);
            record = NULL;
        }
    }

    sss_memory_wipe(key, sizeof(key));

    return record;
}


/*
 * Twice as many keys as hosts have room for, so that one with less room than
 * others leaves them theirs; but a record has to fit into one of memcached.
 */

static uint32_t
sss_records_capacity(uint32_t capacity)
{
    uint32_t  most;

    most = capacity > SSS_RECORDS_KEYS ? capacity : SSS_RECORDS_KEYS;

    return capacity > most / 2 ? most : capacity * 2;
}


static int
sss_records_names(sss_records_t *records)
{
    size_t                  i;
    const char             *what;
    const uint8_t          *secret;
    const sss_sync_conf_t  *conf;

    conf = records->conf;
    what = conf->forward_secrecy ? "group ring" : "ring";

    for (i = 0; i < conf->secrets->n; i++) {
        secret = conf->secrets->value[i];

        if (sss_secret_record_name(secret, what, conf->ns, conf->ns_len,
                                   records->names[i])
            != 0
            || sss_secret_tag(secret, conf->forward_secrecy,
                              records->tags[i])
               != 0
            || sss_secret_tag(secret, !conf->forward_secrecy,
                              records->others[i])
               != 0
            || sss_label_key(secret, &records->keys[i].label) != 0
            || sss_join_key(&records->keys[i].join, secret, conf->ns,
                            conf->ns_len)
               != 0)
        {
            return -1;
        }
    }

    records->n_rings = i;
    records->n_names = i;

    for (i = 0; conf->forward_secrecy && i < conf->secrets->n; i++) {
        if (sss_records_slots(records, i) != 0) {
            return -1;
        }
    }

    return sss_presence_name(conf->ns, conf->ns_len,
                             records->names[records->n_names++]);
}


static int
sss_records_slots(sss_records_t *records, size_t secret)
{
    unsigned                i;
    const sss_sync_conf_t  *conf;

    conf = records->conf;

    for (i = 0; i < SSS_DOOR_SLOTS; i++) {

        if (sss_door_name(conf->secrets->value[secret], i, conf->ns,
                          conf->ns_len, records->names[records->n_names])
            != 0)
        {
            return -1;
        }

        records->n_names++;
        records->n_slots++;
    }

    return 0;
}


/* The namespace is no longer than the configuration has room for. */

static size_t
sss_records_ad(const sss_records_t *records, const uint8_t *label,
    uint8_t *ad)
{
    memcpy(ad, label, SSS_LABEL_SIZE);

    if (records->conf->ns_len > 0) {
        memcpy(ad + SSS_LABEL_SIZE, records->conf->ns, records->conf->ns_len);
    }

    return SSS_LABEL_SIZE + records->conf->ns_len;
}
