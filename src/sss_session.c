
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "sss_aead.h"
#include "sss_hmac.h"
#include "sss_memory.h"
#include "sss_name.h"
#include "sss_session.h"


#define SSS_SESSION_INFO_ID      "ngx_ssl_session_sync id 2"
#define SSS_SESSION_INFO_SEAL    "ngx_ssl_session_sync session 1"
#define SSS_SESSION_INFO_EARLY   "ngx_ssl_session_sync early 1"
#define SSS_SESSION_INFO_KEY     "session_sync seal 3"

#define SSS_SESSION_MAGIC        "SSS1\1\2\0\0"
#define SSS_SESSION_NONCE        8      /* offsets in a record             */
#define SSS_SESSION_TEXT         20

#define SSS_SESSION_HINT         4      /* bytes of the STEK's name in an ID */
#define SSS_SESSION_OWN          14     /* offsets of the two MACs         */
#define SSS_SESSION_BOUND        22

#define SSS_SESSION_NAME         12     /* offset in the first MAC         */
#define SSS_SESSION_CACHE        64
#define SSS_SESSION_NS           255
#define SSS_SESSION_BINDER       64
#define SSS_SESSION_AD           (SSS_SESSION_TEXT + 1 + SSS_SESSION_NS      \
                                  + SSS_SESSION_ID + SSS_BINDING_MAX)
#define SSS_SESSION_STOCK       512     /* random bytes taken from OpenSSL at
                                           a time                          */

#define sss_len(literal)         (sizeof(literal) - 1)


/* The keys that are derived from one STEK. */

typedef struct {
    uint64_t                since;      /* "clock" when it was derived; 0: not
                                           in use                          */
    uint8_t                 name[SSS_KEY_NAME];
    sss_hmac_key_t          id;
    sss_hmac_key_t          seal;
    sss_hmac_key_t          early;
} sss_session_derived_t;


#define SSS_SESSION_TABLE                                                     \
    (SSS_SESSION_CACHE * sizeof(sss_session_derived_t))


struct sss_session_keys_s {
    sss_aead_t             *aead;
    uint64_t                clock;      /* derivations so far              */
    sss_session_derived_t  *derived;    /* SSS_SESSION_CACHE of them       */
    size_t                  fresh;      /* how many bytes at the end of
                                           "random" have not been used.  They
                                           are no secrets: IDs and nonces are
                                           sent in the clear               */
    uint8_t                 random[SSS_SESSION_STOCK];
};


static const sss_key_t *sss_session_candidate(const sss_ring_t *ring,
    uint32_t *i, const uint8_t *id, size_t len, uint64_t now);
static int sss_session_random(sss_session_keys_t *keys, uint8_t *out,
    size_t len);
static const sss_session_derived_t *sss_session_derived(
    sss_session_keys_t *keys, const sss_key_t *key);
static void sss_session_derive(sss_session_derived_t *derived,
    const sss_key_t *key);
static void sss_session_mac_own(sss_session_keys_t *keys,
    const sss_key_t *key, const uint8_t *id, uint8_t *mac);
static void sss_session_mac_bound(sss_session_keys_t *keys,
    const sss_key_t *key, const uint8_t *id, const uint8_t *scope,
    const sss_sni_t *sni, uint8_t *mac);
static void sss_session_secret(sss_session_keys_t *keys,
    const sss_key_t *key, const uint8_t *id, uint8_t *secret);
static size_t sss_session_ad(const uint8_t *head, const char *ns,
    size_t ns_len, const uint8_t *id, const uint8_t *scope,
    const sss_sni_t *sni, uint8_t *ad);


sss_session_keys_t *
sss_session_keys_create(void)
{
    sss_session_keys_t  *keys;

    keys = calloc(1, sizeof(sss_session_keys_t));
    if (keys == NULL) {
        return NULL;
    }

    keys->aead = sss_aead_create();
    keys->derived = sss_memory_alloc(SSS_SESSION_TABLE);

    if (keys->aead == NULL || keys->derived == NULL) {
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

    if (sss_session_random(keys, id + SSS_SESSION_HINT,
                           SSS_SESSION_OWN - SSS_SESSION_HINT)
        != 0)
    {
        return -1;
    }

    sss_session_mac_own(keys, key, id, mac);
    memcpy(id + SSS_SESSION_OWN, mac, SSS_SESSION_BOUND - SSS_SESSION_OWN);

    sss_session_mac_bound(keys, key, id, scope, sni, mac);
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

        sss_session_mac_own(keys, key, id, mac);

        if (CRYPTO_memcmp(mac, id + SSS_SESSION_OWN,
                          SSS_SESSION_BOUND - SSS_SESSION_OWN)
            == 0)
        {
            return key;
        }
    }

    return NULL;
}


/*
 * Only the second MAC is computed.  It covers the first one, which therefore
 * need not be checked.
 */

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


/*
 * Returns the next key of the ring, from index "*i" on, that has not expired
 * and whose name begins with the bytes that the ID begins with; "*i" becomes
 * the index after it.  Returns NULL if there is none.
 */

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

    sss_session_mac_bound(keys, key, id, scope, sni, mac);

    return CRYPTO_memcmp(mac, id + SSS_SESSION_BOUND,
                         SSS_SESSION_ID - SSS_SESSION_BOUND)
           == 0;
}


void
sss_session_flight(sss_session_keys_t *keys, const sss_key_t *key,
    const uint8_t *identity, size_t identity_len, const uint8_t *binder,
    size_t binder_len, uint8_t *hash)
{
    uint8_t  text[SHA256_DIGEST_LENGTH + SSS_SESSION_BINDER];

    if (binder_len > SSS_SESSION_BINDER) {
        binder_len = SSS_SESSION_BINDER;
    }

    (void) SHA256(identity, identity_len, text);
    memcpy(text + SHA256_DIGEST_LENGTH, binder, binder_len);

    sss_hmac(&sss_session_derived(keys, key)->early, text,
             SHA256_DIGEST_LENGTH + binder_len, hash);
}


int
sss_session_nonce(sss_session_keys_t *keys, uint8_t *nonce, size_t len)
{
    return sss_session_random(keys, nonce, len);
}


/*
 * The name is made from the rest of the first MAC.  No two IDs have the same
 * random bytes, which this MAC covers, so their names differ as well.
 */

void
sss_session_name(sss_session_keys_t *keys, const sss_key_t *key,
    const uint8_t *id, char *name)
{
    uint8_t  mac[SSS_HMAC_SIZE];

    sss_session_mac_own(keys, key, id, mac);

    sss_name_write(mac + SSS_SESSION_NAME, name);
}


int
sss_session_seal(sss_session_keys_t *keys, const sss_key_t *key,
    const char *ns, size_t ns_len, const uint8_t *id, const uint8_t *scope,
    const sss_sni_t *sni, const uint8_t *session, size_t len, uint8_t *out)
{
    int               rc;
    uint8_t           ad[SSS_SESSION_AD], secret[SSS_HMAC_SIZE];
    sss_aead_piece_t  piece = { ad, 0 };

    memcpy(out, SSS_SESSION_MAGIC, SSS_SESSION_NONCE);

    if (sss_session_random(keys, out + SSS_SESSION_NONCE, SSS_AEAD_NONCE)
        != 0)
    {
        return -1;
    }

    piece.len = sss_session_ad(out, ns, ns_len, id, scope, sni, ad);

    if (piece.len == 0) {
        return -1;
    }

    sss_session_secret(keys, key, id, secret);

    rc = sss_aead_seal(keys->aead, secret, out + SSS_SESSION_NONCE, &piece, 1,
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
    sss_aead_piece_t  piece = { ad, 0 };

    if (len < SSS_SESSION_OVERHEAD) {
        return -1;
    }

    piece.len = sss_session_ad(sealed, ns, ns_len, id, scope, sni, ad);

    if (piece.len == 0
        || memcmp(sealed, SSS_SESSION_MAGIC, SSS_SESSION_NONCE) != 0)
    {
        sss_memory_wipe(out, len - SSS_SESSION_OVERHEAD);
        return -1;
    }

    sss_session_secret(keys, key, id, secret);

    rc = sss_aead_open(keys->aead, secret, sealed + SSS_SESSION_NONCE, &piece,
                       1, sealed + SSS_SESSION_TEXT, len - SSS_SESSION_TEXT,
                       out);

    sss_memory_wipe(secret, sizeof(secret));

    return rc == 0 ? (long) (len - SSS_SESSION_OVERHEAD) : -1;
}


/*
 * Takes random bytes from a stock: RAND_bytes() takes as long for a few bytes
 * as for many, and longer than the rest of making an ID.  Returns 0, or -1 if
 * OpenSSL has none.
 */

static int
sss_session_random(sss_session_keys_t *keys, uint8_t *out, size_t len)
{
    if (keys->fresh < len) {
        keys->fresh = 0;

        if (RAND_bytes(keys->random, sizeof(keys->random)) != 1) {
            return -1;
        }

        keys->fresh = sizeof(keys->random);
    }

    memcpy(out, keys->random + sizeof(keys->random) - keys->fresh, len);
    keys->fresh -= len;

    return 0;
}


/*
 * Returns the keys derived from a STEK.  If they are not in the cache they are
 * derived, and replace those that were derived the longest time ago.
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

    sss_session_derive(oldest, key);
    oldest->since = ++keys->clock;

    return oldest;
}


static void
sss_session_derive(sss_session_derived_t *derived, const sss_key_t *key)
{
    uint8_t         stek[sizeof(key->aes) + sizeof(key->hmac)];
    uint8_t         bytes[SSS_HMAC_SIZE];
    sss_hmac_key_t  prk;

    memcpy(derived->name, key->name, SSS_KEY_NAME);

    memcpy(stek, key->aes, sizeof(key->aes));
    memcpy(stek + sizeof(key->aes), key->hmac, sizeof(key->hmac));

    sss_hmac_extract(stek, sizeof(stek), &prk);

    sss_hmac_expand(&prk, (const uint8_t *) SSS_SESSION_INFO_ID,
                    sss_len(SSS_SESSION_INFO_ID), bytes);
    sss_hmac_key(&derived->id, bytes, sizeof(bytes));

    sss_hmac_expand(&prk, (const uint8_t *) SSS_SESSION_INFO_SEAL,
                    sss_len(SSS_SESSION_INFO_SEAL), bytes);
    sss_hmac_key(&derived->seal, bytes, sizeof(bytes));

    sss_hmac_expand(&prk, (const uint8_t *) SSS_SESSION_INFO_EARLY,
                    sss_len(SSS_SESSION_INFO_EARLY), bytes);
    sss_hmac_key(&derived->early, bytes, sizeof(bytes));

    sss_memory_wipe(stek, sizeof(stek));
    sss_memory_wipe(bytes, sizeof(bytes));
    sss_memory_wipe(&prk, sizeof(prk));
}


static void
sss_session_mac_own(sss_session_keys_t *keys, const sss_key_t *key,
    const uint8_t *id, uint8_t *mac)
{
    uint8_t  text[1 + SSS_SESSION_OWN];

    text[0] = 0x01;
    memcpy(text + 1, id, SSS_SESSION_OWN);

    sss_hmac(&sss_session_derived(keys, key)->id, text, sizeof(text), mac);
}


static void
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

    sss_hmac(&sss_session_derived(keys, key)->id, text, n, mac);
}


/*
 * Derives the key of the record for this ID.  With the padding of SHA-256 the
 * text still fits into one block.
 */

static void
sss_session_secret(sss_session_keys_t *keys, const sss_key_t *key,
    const uint8_t *id, uint8_t *secret)
{
    uint8_t  info[sss_len(SSS_SESSION_INFO_KEY) + SSS_SESSION_ID];

    memcpy(info, SSS_SESSION_INFO_KEY, sss_len(SSS_SESSION_INFO_KEY));
    memcpy(info + sss_len(SSS_SESSION_INFO_KEY), id, SSS_SESSION_ID);

    sss_hmac_expand(&sss_session_derived(keys, key)->seal, info, sizeof(info),
                    secret);
}


/*
 * Writes the additional data of a record into "ad".  Returns their length, or
 * 0 if the namespace is too long.
 */

static size_t
sss_session_ad(const uint8_t *head, const char *ns, size_t ns_len,
    const uint8_t *id, const uint8_t *scope, const sss_sni_t *sni,
    uint8_t *ad)
{
    uint8_t  *p;

    if (ns_len > SSS_SESSION_NS) {
        return 0;
    }

    memcpy(ad, head, SSS_SESSION_TEXT);
    p = ad + SSS_SESSION_TEXT;

    *p++ = (uint8_t) ns_len;

    if (ns_len > 0) {
        memcpy(p, ns, ns_len);
        p += ns_len;
    }

    memcpy(p, id, SSS_SESSION_ID);
    p += SSS_SESSION_ID;

    return (size_t) (p - ad) + sss_binding(scope, sni, p);
}
