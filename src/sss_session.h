
/*
 * Sessions that are known by an ID: the IDs, and the records in memcached.
 *
 * An ID is 32 bytes:
 *
 *     offset  size  what
 *          0     4  first bytes of the name of a STEK of the ring
 *          4    10  random
 *         14     8  HMAC-SHA256(ID key, 0x01 || first 14 bytes), cut
 *         22    10  HMAC-SHA256(ID key, 0x02 || first 22 bytes || binding of
 *                   scope and server name (sss_sni.h)), cut
 *
 * A host sees by its ring alone whether an ID is of this cluster, so that
 * others never become a request to memcached, and whether it was made for
 * this scope and server name, so that no other is looked up anywhere, not
 * even in the cache of this host.  The ID key, and the key that seals the
 * session, are derived from that STEK: when it is forgotten, so are they.
 *
 *     ID key    HKDF(AES key || HMAC key, no salt,
 *                    "ngx_ssl_session_sync id 2", 32 bytes)
 *     seal key  HKDF(AES key || HMAC key, no salt,
 *                    "ngx_ssl_session_sync session 1", 32 bytes)
 *     name      "sss1:" and, as 40 hex digits, the last 20 bytes of the HMAC
 *               that is cut at offset 14
 *
 * The record:
 *
 *     offset  size  what
 *          0     4  "SSS1"
 *          4     1  version, 1
 *          5     1  purpose, 2
 *          6     2  zero
 *          8    12  nonce, random
 *         20     n  AES-256-GCM ciphertext
 *     20 + n    16  GCM tag
 *
 * Its key is HKDF-Expand(seal key, "session_sync seal 3" || ID, 32 bytes):
 * one for each ID, so that random nonces never get near a bound.  The
 * additional data: the first 20 bytes of the record, namespace length (1
 * byte), namespace, ID, and the binding of scope and server name (sss_sni.h).
 */


#ifndef SSS_SESSION_H_INCLUDED
#define SSS_SESSION_H_INCLUDED


#include <stddef.h>
#include <stdint.h>

#include "sss_hmac.h"
#include "sss_ring.h"
#include "sss_secret.h"
#include "sss_sni.h"


#define SSS_SESSION_ID        32
#define SSS_SESSION_RANDOM    4         /* offset of the random bytes      */
#define SSS_SESSION_OVERHEAD  36        /* of a record                     */


/*
 * Keys derived from STEKs, cached: deriving costs more than using.  In
 * memory of sss_memory_alloc(), and for one thread at a time.  A process that
 * forks makes its own afterwards, or both would mint the same.
 */
typedef struct sss_session_keys_s  sss_session_keys_t;


/* Returns NULL without memory. */
sss_session_keys_t *sss_session_keys_create(void);
void sss_session_keys_destroy(sss_session_keys_t *keys);

/* Forgets what belongs to keys that are not in the ring any more. */
void sss_session_keys_sweep(sss_session_keys_t *keys,
    const sss_ring_t *ring);

/*
 * Mints an ID of SSS_SESSION_ID bytes under a STEK of the ring, for a scope
 * (SSS_SCOPE_SIZE bytes) and server name.  Returns 0, or -1.
 */
int sss_session_id_mint(sss_session_keys_t *keys, const sss_key_t *key,
    const uint8_t *scope, const sss_sni_t *sni, uint8_t *id);

/*
 * The STEK that an ID was minted under, or NULL if it was not minted under
 * one of this ring that is alive at "now" (seconds since the epoch).
 * Constant time in the MAC.
 */
const sss_key_t *sss_session_id_verify(sss_session_keys_t *keys,
    const sss_ring_t *ring, const uint8_t *id, size_t len, uint64_t now);

/*
 * 1 if an ID that sss_session_id_verify() has found to be minted under "key"
 * was made for this scope and server name, else 0.  Constant time in the MAC.
 */
int sss_session_id_bound(sss_session_keys_t *keys, const sss_key_t *key,
    const uint8_t *id, const uint8_t *scope, const sss_sni_t *sni);

/*
 * Both at once, for the price of one when the answer is yes: the STEK, or
 * NULL if the ID was not minted by this ring for this scope and server name.
 */
const sss_key_t *sss_session_id_accept(sss_session_keys_t *keys,
    const sss_ring_t *ring, const uint8_t *id, size_t len,
    const uint8_t *scope, const sss_sni_t *sni, uint64_t now);

/*
 * The hash of a flight of early data, SSS_HMAC_SIZE bytes, whose first PSK is
 * a ticket under this STEK; see sss_claim.h.  A binder has up to 64 bytes.
 */
void sss_session_flight(sss_session_keys_t *keys, const sss_key_t *key,
    const uint8_t *identity, size_t identity_len, const uint8_t *binder,
    size_t binder_len, uint8_t *hash);

/* A few random bytes that are no secret.  Returns 0, or -1. */
int sss_session_nonce(sss_session_keys_t *keys, uint8_t *nonce, size_t len);

/* The memcached key of a session; SSS_NAME_SIZE bytes. */
void sss_session_name(sss_session_keys_t *keys, const sss_key_t *key,
    const uint8_t *id, char *name);

/*
 * Seals "len" bytes of a serialised session into "out", which has room for
 * len + SSS_SESSION_OVERHEAD.  Returns 0, or -1.
 */
int sss_session_seal(sss_session_keys_t *keys, const sss_key_t *key,
    const char *ns, size_t ns_len, const uint8_t *id, const uint8_t *scope,
    const sss_sni_t *sni, const uint8_t *session, size_t len, uint8_t *out);

/*
 * Opens a record into "out", which has room for len - SSS_SESSION_OVERHEAD.
 * Returns the bytes of the session, or -1 if it is not this session's, or of
 * another scope or server name, or damaged.
 */
long sss_session_open(sss_session_keys_t *keys, const sss_key_t *key,
    const char *ns, size_t ns_len, const uint8_t *id, const uint8_t *scope,
    const sss_sni_t *sni, const uint8_t *sealed, size_t len, uint8_t *out);


#endif /* SSS_SESSION_H_INCLUDED */
