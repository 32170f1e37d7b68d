
/*
 * The records of a cluster, as a host with these secrets names and seals them:
 * rings, the slots of the door, presence.
 *
 * A ring's record is its label (sss_label.h), and after that the encoded ring
 * (sss_ring_codec.h), sealed (sss_seal.h) under the key that the label tells,
 * with label and namespace as additional data.
 */


#ifndef SSS_RECORDS_H_INCLUDED
#define SSS_RECORDS_H_INCLUDED


#include "sss_admission.h"
#include "sss_door.h"
#include "sss_exchange.h"
#include "sss_ring.h"
#include "sss_sync.h"


#define SSS_RECORDS_ITEMS  (SSS_SECRETS_MAX * (1 + SSS_DOOR_SLOTS) + 1)


/* One secret, ready for use. */

typedef struct {
    sss_join_key_t          join;
    sss_hmac_key_t          label;
} sss_record_key_t;


/* The names are in the order of a read: rings, slots, presence. */

typedef struct {
    const sss_sync_conf_t  *conf;
    sss_admission_t        *admission;  /* the sync's                      */
    sss_record_key_t       *keys;       /* for each secret; secret memory  */
    size_t                  n_rings;
    size_t                  n_slots;    /* none without forward secrecy    */
    size_t                  n_names;
    char                    names[SSS_RECORDS_ITEMS][SSS_NAME_SIZE];
    uint8_t                 tags[SSS_SECRETS_MAX][SSS_TAG_SIZE];
    uint8_t                 others[SSS_SECRETS_MAX][SSS_TAG_SIZE];
                                        /* with the other setting of forward
                                           secrecy                         */
    const void             *busy;       /* the replica whose record is in
                                           "plain", "raw" or "spare": nobody
                                           else's is taken before it is done;
                                           or NULL                         */
    unsigned                raised;     /* 1: a higher generation was met, see
                                           sss_admission_see(); the sync
                                           resets it                       */
    uint32_t                capacity;   /* of rings here                   */
    size_t                  size;       /* of the largest ring's record    */
    uint8_t                *plain;      /* secret memory of that size      */
    sss_ring_t             *raw;        /* secret memory                   */
    sss_ring_t             *spare;      /* likewise                        */
} sss_records_t;


typedef enum {
    SSS_RECORD_OPEN = 0,
    SSS_RECORD_CLOSED,          /* of a group, generation or epoch that this
                                   host has no key of                      */
    SSS_RECORD_BAD              /* no record of this cluster               */
} sss_record_rc_t;


/* Returns 0, or -1 without memory or if OpenSSL fails. */
int sss_records_create(sss_records_t *records, const sss_sync_conf_t *conf,
    sss_admission_t *admission);
void sss_records_destroy(sss_records_t *records);

/*
 * Reads the label of a ring's record that was found under the i-th secret.
 * Returns 0, or -1 if there is none.
 */
int sss_records_label(const sss_records_t *records, size_t i,
    const sss_item_t *item, sss_label_t *label);

/* Opens such a record, whose label was read: "*len" bytes into "plain". */
sss_record_rc_t sss_records_open(sss_records_t *records, size_t i,
    const sss_item_t *item, const sss_label_t *label, size_t *len);

/*
 * A record of the ring, for this host's group, under the first secret: "*len"
 * malloc()ed bytes.  NULL without memory or if OpenSSL fails.
 */
uint8_t *sss_records_seal(sss_records_t *records, const sss_ring_t *ring,
    size_t *len);


#endif /* SSS_RECORDS_H_INCLUDED */
