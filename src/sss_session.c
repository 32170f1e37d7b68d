
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "sss_aead.h"
#include "sss_hmac.h"
#include "sss_memory.h"
#include "sss_session.h"


#define SSS_SESSION_INFO_ID      "ngx_ssl_session_sync id 1"
#define SSS_SESSION_INFO_SEAL    "ngx_ssl_session_sync session 1"
#define SSS_SESSION_INFO_RECORD  "ngx_ssl_session_sync record 1"
#define SSS_SESSION_INFO_KEY     "ngx_ssl_session_sync seal 2"

#define SSS_SESSION_MAGIC        "SSS1\1\2\0\0"
#define SSS_SESSION_NONCE        8      /* offsets in a record             */
#define SSS_SESSION_TEXT         20

#define SSS_SESSION_HINT         4      /* bytes of a STEK's name          */
#define SSS_SESSION_OWN          14     /* offsets of the two MACs         */
#define SSS_SESSION_BOUND        22

#define SSS_SESSION_HASH         20     /* of a record's name              */
#define SSS_SESSION_CACHE        64
#define SSS_SESSION_NS           255
#define SSS_SESSION_AD           (1 + SSS_SESSION_NS + SSS_SESSION_ID        \
                                  + SSS_BINDING_MAX)

#define sss_len(literal)         (sizeof(literal) - 1)


/* What is derived from one STEK. */

typedef struct {
    uint64_t                since;      /* 0: not in use                   */
    uint8_t                 name[SSS_KEY_NAME];
    sss_hmac_key_t          id;
    sss_hmac_key_t          record;     /* HKDF-Extract of the ID key      */
    sss_hmac_key_t          seal;
} sss_session_derived_t;


#define SSS_SESSION_TABLE                                                     \
    (SSS_SESSION_CACHE * sizeof(sss_session_derived_t))


struct sss_session_keys_s {
    sss_hmac_t             *hmac;
    sss_aead_t             *aead;
    uint64_t                clock;      /* derivations so far              */
    sss_session_derived_t  *derived;    /* SSS_SESSION_CACHE of them       */
};


static const sss_key_t *sss_session_candidate(const sss_ring_t *ring,
    uint32_t *i, const uint8_t *id, size_t len, uint64_t now);
static const sss_session_derived_t *sss_session_derived(
    sss_session_keys_t *keys, const sss_key_t *key);
static int sss_session_derive(sss_hmac_t *hmac,
    sss_session_derived_t *derived, const sss_key_t *key);
static int sss_session_mac_own(sss_session_keys_t *keys,
    const sss_key_t *key, const uint8_t *id, uint8_t *mac);
static int sss_session_mac_bound(sss_session_keys_t *keys,
    const sss_key_t *key, const uint8_t *id, const uint8_t *scope,
    const sss_sni_t *sni, uint8_t *mac);
static int sss_session_mac(sss_session_keys_t *keys, const sss_key_t *key,
    const uint8_t *text, size_t len, uint8_t *mac);
static int sss_session_secret(sss_session_keys_t *keys, const sss_key_t *key,
    const uint8_t *id, uint8_t *secret);
static size_t sss_session_ad(const char *ns, size_t ns_len,
    const uint8_t *id, const uint8_t *scope, const sss_sni_t *sni,
    uint8_t *ad);


sss_session_keys_t *
sss_session_keys_create(void)
{
    sss_session_keys_t  *keys;

    keys = calloc(1, sizeof(sss_session_keys_t));
    if (keys == NULL) {
        return NULL;
    }

    keys->hmac = sss_hmac_create();
    keys->aead = sss_aead_create();
    keys->derived = sss_memory_alloc(SSS_SESSION_TABLE);

    if (keys->hmac == NULL || keys->aead == NULL || keys->derived == NULL) {
        sss_session_keys_destroy(keys);
        return NULL;
    }

    return keys;
}


void
sss_session_keys_destroy(sss_session_keys_t *keys)
{
    if (keys == NULL) {
        return;
    }

    sss_hmac_destroy(keys->hmac);
    sss_aead_destroy(keys->aead);
    sss_memory_free(keys->derived, SSS_SESSION_TABLE);
    free(keys);
}


void
sss_session_keys_sweep(sss_session_keys_t *keys, const sss_ring_t *ring)
{
    size_t                  i;
    sss_session_derived_t  *derived;

    for (i = 0; i < SSS_SESSION_CACHE; i++) {
        derived = &keys->derived[i];

        if (derived->since != 0
            && sss_ring_find(ring, derived->name) == NULL)
        {
            sss_memory_wipe(derived, sizeof(sss_session_derived_t));
        }
    }
}


int
sss_session_id_mint(sss_session_keys_t *keys, const sss_key_t *key,
    const uint8_t *scope, const sss_sni_t *sni, uint8_t *id)
{
    uint8_t  mac[SSS_HMAC_SIZE];

    memcpy(id, key->name, SSS_SESSION_HINT);

    if (RAND_bytes(id + SSS_SESSION_HINT, SSS_SESSION_OWN - SSS_SESSION_HINT)
        != 1)
    {
        return -1;
    }

    if (sss_session_mac_own(keys, key, id, mac) != 0) {
        return -1;
    }

    memcpy(id + SSS_SESSION_OWN, mac, SSS_SESSION_BOUND - SSS_SESSION_OWN);

    if (sss_session_mac_bound(keys, key, id, scope, sni, mac) != 0) {
        return -1;
    }

    memcpy(id + SSS_SESSION_BOUND, mac, SSS_SESSION_ID - SSS_SESSION_BOUND);

    return 0;
}


const sss_key_t *
sss_session_id_verify(sss_session_keys_t *keys, const sss_ring_t *ring,
    const uint8_t *id, size_t len, uint64_t now)
{
    uint32_t          i;
    uint8_t           mac[SSS_HMAC_SIZE];
    const sss_key_t  *key;

    i = 0;

    while ((key = sss_session_candidate(ring, &i, id, len, now)) != NULL) {

        if (sss_session_mac_own(keys, key, id, mac) == 0
            && CRYPTO_memcmp(mac, id + SSS_SESSION_OWN,
                             SSS_SESSION_BOUND - SSS_SESSION_OWN)
               == 0)
        {
            return key;
        }
    }

    return NULL;
}


/* The second MAC covers the first, so that it says enough. */

const sss_key_t *
sss_session_id_accept(sss_session_keys_t *keys, const sss_ring_t *ring,
    const uint8_t *id, size_t len, const uint8_t *scope,
    const sss_sni_t *sni, uint64_t now)
{
    uint32_t          i;
    const sss_key_t  *key;

    i = 0;

    while ((key = sss_session_candidate(ring, &i, id, len, now)) != NULL) {

        if (sss_session_id_bound(keys, key, id, scope, sni)) {
            return key;
        }
    }

    return NULL;
}


/* The next living key from "*i" on whose name begins as the ID does. */

static const sss_key_t *
sss_session_candidate(const sss_ring_t *ring, uint32_t *i, const uint8_t *id,
    size_t len, uint64_t now)
{
    const sss_key_t  *key;

    if (len != SSS_SESSION_ID) {
        return NULL;
    }

    while (*i < ring->n) {
        key = &ring->keys[(*i)++];

        if (memcmp(key->name, id, SSS_SESSION_HINT) == 0
            && key->expires > now)
        {
            return key;
        }
    }

    return NULL;
}


int
sss_session_id_bound(sss_session_keys_t *keys, const sss_key_t *key,
    const uint8_t *id, const uint8_t *scope, const sss_sni_t *sni)
{
    uint8_t  mac[SSS_HMAC_SIZE];

    return sss_session_mac_bound(keys, key, id, scope, sni, mac) == 0
           && CRYPTO_memcmp(mac, id + SSS_SESSION_BOUND,
                            SSS_SESSION_ID - SSS_SESSION_BOUND)
              == 0;
}


int
sss_session_name(sss_session_keys_t *keys, const sss_key_t *key,
    const uint8_t *id, char *name)
{
    size_t                        i;
    uint8_t                       hash[SSS_HMAC_SIZE];
    uint8_t                       info[sss_len(SSS_SESSION_INFO_RECORD)
                                       + SSS_SESSION_ID];
    const sss_session_derived_t  *derived;

    static const char  hex[] = "0123456789abcdef";

    name[0] = '\0';

    memcpy(info, SSS_SESSION_INFO_RECORD, sss_len(SSS_SESSION_INFO_RECORD));
    memcpy(info + sss_len(SSS_SESSION_INFO_RECORD), id, SSS_SESSION_ID);

    derived = sss_session_derived(keys, key);

    if (derived == NULL
        || sss_hmac_expand(keys->hmac, &derived->record, info, sizeof(info),
                           hash)
           != 0)
    {
        return -1;
    }

    memcpy(name, "sss1:", 5);
    name += 5;

    for (i = 0; i < SSS_SESSION_HASH; i++) {
        *name++ = hex[hash[i] >> 4];
        *name++ = hex[hash[i] & 0xf];
    }

    *name = '\0';

    return 0;
}


int
sss_session_seal(sss_session_keys_t *keys, const sss_key_t *key,
    const char *ns, size_t ns_len, const uint8_t *id, const uint8_t *scope,
    const sss_sni_t *sni, const uint8_t *session, size_t len, uint8_t *out)
{
    int               rc;
    uint8_t           ad[SSS_SESSION_AD], secret[SSS_HMAC_SIZE];
    sss_aead_piece_t  pieces[] = { { out, SSS_SESSION_TEXT }, { ad, 0 } };

    pieces[1].len = sss_session_ad(ns, ns_len, id, scope, sni, ad);

    memcpy(out, SSS_SESSION_MAGIC, SSS_SESSION_NONCE);

    if (pieces[1].len == 0
        || RAND_bytes(out + SSS_SESSION_NONCE, SSS_AEAD_NONCE) != 1
        || sss_session_secret(keys, key, id, secret) != 0)
    {
        return -1;
    }

    rc = sss_aead_seal(keys->aead, secret, out + SSS_SESSION_NONCE, pieces, 2,
                       session, len, out + SSS_SESSION_TEXT);

    sss_memory_wipe(secret, sizeof(secret));

    return rc;
}


long
sss_session_open(sss_session_keys_t *keys, const sss_key_t *key,
    const char *ns, size_t ns_len, const uint8_t *id, const uint8_t *scope,
    const sss_sni_t *sni, const uint8_t *sealed, size_t len, uint8_t *out)
{
    int               rc;
    uint8_t           ad[SSS_SESSION_AD], secret[SSS_HMAC_SIZE];
    sss_aead_piece_t  pieces[] = { { sealed, SSS_SESSION_TEXT }, { ad, 0 } };

    pieces[1].len = sss_session_ad(ns, ns_len, id, scope, sni, ad);

    if (len < SSS_SESSION_OVERHEAD) {
        return -1;
    }

    if (pieces[1].len == 0
        || memcmp(sealed, SSS_SESSION_MAGIC, SSS_SESSION_NONCE) != 0
        || sss_session_secret(keys, key, id, secret) != 0)
    {
        sss_memory_wipe(out, len - SSS_SESSION_OVERHEAD);
        return -1;
    }

    rc = sss_aead_open(keys->aead, secret, sealed + SSS_SESSION_NONCE, pieces,
                       2, sealed + SSS_SESSION_TEXT, len - SSS_SESSION_TEXT,
                       out);

    sss_memory_wipe(secret, sizeof(secret));

    return rc == 0 ? (long) (len - SSS_SESSION_OVERHEAD) : -1;
}


/* The key of the record of this ID.  Returns 0, or -1. */

static int
sss_session_secret(sss_session_keys_t *keys, const sss_key_t *key,
    const uint8_t *id, uint8_t *secret)
{
    uint8_t                       info[sss_len(SSS_SESSION_INFO_KEY)
                                       + SSS_SESSION_ID];
    const sss_session_derived_t  *derived;

    memcpy(info, SSS_SESSION_INFO_KEY, sss_len(SSS_SESSION_INFO_KEY));
    memcpy(info + sss_len(SSS_SESSION_INFO_KEY), id, SSS_SESSION_ID);

    derived = sss_session_derived(keys, key);
    if (derived == NULL) {
        return -1;
    }

    return sss_hmac_expand(keys->hmac, &derived->seal, info, sizeof(info),
                           secret);
}


/*
 * What is derived from a STEK: cached, or in the place of what has been
 * cached for longest.
 */

static const sss_session_derived_t *
sss_session_derived(sss_session_keys_t *keys, const sss_key_t *key)
{
    size_t                  i;
    sss_session_derived_t  *derived, *oldest;

    oldest = &keys->derived[0];

    for (i = 0; i < SSS_SESSION_CACHE; i++) {
        derived = &keys->derived[i];

        if (derived->since != 0
            && memcmp(derived->name, key->name, SSS_KEY_NAME) == 0)
        {
            return derived;
        }

        if (derived->since < oldest->since) {
            oldest = derived;
        }
    }

    if (sss_session_derive(keys->hmac, oldest, key) != 0) {
        sss_memory_wipe(oldest, sizeof(sss_session_derived_t));
        return NULL;
    }

    oldest->since = ++keys->clock;

    return oldest;
}


static int
sss_session_derive(sss_hmac_t *hmac, sss_session_derived_t *derived,
    const sss_key_t *key)
{
    int             rc;
    uint8_t         stek[sizeof(key->aes) + sizeof(key->hmac)];
    uint8_t         id[SSS_HMAC_SIZE], seal[SSS_HMAC_SIZE];
    sss_hmac_key_t  prk;

    memcpy(derived->name, key->name, SSS_KEY_NAME);

    memcpy(stek, key->aes, sizeof(key->aes));
    memcpy(stek + sizeof(key->aes), key->hmac, sizeof(key->hmac));

    rc = -1;

    if (sss_hmac_extract(hmac, stek, sizeof(stek), &prk) == 0
        && sss_hmac_expand(hmac, &prk, (const uint8_t *) SSS_SESSION_INFO_ID,
                           sss_len(SSS_SESSION_INFO_ID), id)
           == 0
        && sss_hmac_expand(hmac, &prk,
                           (const uint8_t *) SSS_SESSION_INFO_SEAL,
                           sss_len(SSS_SESSION_INFO_SEAL), seal)
           == 0
        && sss_hmac_extract(hmac, id, sizeof(id), &derived->record) == 0)
    {
        sss_hmac_key(&derived->id, id, sizeof(id));
        sss_hmac_key(&derived->seal, seal, sizeof(seal));
        rc = 0;
    }

    sss_memory_wipe(stek, sizeof(stek));
    sss_memory_wipe(id, sizeof(id));
    sss_memory_wipe(seal, sizeof(seal));
    sss_memory_wipe(&prk, sizeof(prk));

    return rc;
}


static int
sss_session_mac_own(sss_session_keys_t *keys, const sss_key_t *key,
    const uint8_t *id, uint8_t *mac)
{
    uint8_t  text[1 + SSS_SESSION_OWN];

    text[0] = 0x01;
    memcpy(text + 1, id, SSS_SESSION_OWN);

    return sss_session_mac(keys, key, text, sizeof(text), mac);
}


static int
sss_session_mac_bound(sss_session_keys_t *keys, const sss_key_t *key,
    const uint8_t *id, const uint8_t *scope, const sss_sni_t *sni,
    uint8_t *mac)
{
    size_t   n;
    uint8_t  text[1 + SSS_SESSION_BOUND + SSS_BINDING_MAX];

    text[0] = 0x02;
    memcpy(text + 1, id, SSS_SESSION_BOUND);

    n = 1 + SSS_SESSION_BOUND;
    n += sss_binding(scope, sni, text + n);

    return sss_session_mac(keys, key, text, n, mac);
}


static int
sss_session_mac(sss_session_keys_t *keys, const sss_key_t *key,
    const uint8_t *text, size_t len, uint8_t *mac)
{
    const sss_session_derived_t  *derived;

    derived = sss_session_derived(keys, key);
    if (derived == NULL) {
        return -1;
    }

    return sss_hmac(keys->hmac, &derived->id, text, len, mac);
}


/* The additional data of a record; their length, 0 for a long namespace. */

static size_t
sss_session_ad(const char *ns, size_t ns_len, const uint8_t *id,
    const uint8_t *scope, const sss_sni_t *sni, uint8_t *ad)
{
    uint8_t  *p;

    if (ns_len > SSS_SESSION_NS) {
        return 0;
    }

    p = ad;
    *p++ = (uint8_t) ns_len;

    if (ns_len > 0) {
        memcpy(p, ns, ns_len);
        p += ns_len;
    }

    memcpy(p, id, SSS_SESSION_ID);
    p += SSS_SESSION_ID;

    return (size_t) (p - ad) + sss_binding(scope, sni, p);
}
