
/*
 * Sessions by ID: how their IDs are made and checked, and how their records in
 * memcached are sealed and opened.
 *
 * An ID is 32 bytes:
 *
 *     offset  size  what
 *          0     4  first bytes of the name of a STEK of the ring
 *          4    10  random
 *         14     8  HMAC-SHA256(ID key, 0x01 || first 14 bytes), truncated
 *         22    10  HMAC-SHA256(ID key, 0x02 || first 22 bytes || binding of
 *                   scope and server name (sss_sni.h)), truncated
 *
 * With its key ring alone a host can tell whether the cluster has made an ID,
 * and whether that was for this scope and server name.  Any other ID is looked
 * up nowhere, neither in memcached nor in the cache of this host, so nobody
 * can cause a flood of lookups with IDs that he makes up.  The ID key, and the
 * key that seals the session, are derived from the STEK, so that nobody can
 * open sessions any more when the STEK has expired.
 *
 *     ID key    HKDF(AES key || HMAC key, no salt,
 *                    "ngx_ssl_session_sync id 2", 32 bytes)
 *     seal key  HKDF(AES key || HMAC key, no salt,
 *                    "ngx_ssl_session_sync session 1", 32 bytes)
 *     name      the memcached key: "sss1:" and, as 40 hex digits, the last 20
 *               bytes of the first HMAC, of which the ID has the first 8
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
 * Its key is HKDF-Expand(seal key, "session_sync seal 3" || ID, 32 bytes).
 * Since each ID has a key of its own, the number of random nonces under a key
 * stays far below the bound at which they might repeat.  The additional data
 * are the first 20 bytes of the record, 1 byte with the length of the
 * namespace, the namespace, the ID, and the binding of scope and server name
 * (sss_sni.h).
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
#define SSS_SESSION_OVERHEAD  36        /* bytes of a record besides those of
                                           the session                     */


/*
 * A cache of the keys that are derived from STEKs, since deriving them costs
 * more than using them.  The keys are in memory of sss_memory_alloc().  Not to
 * be used by two threads at a time.  It also has a stock of random bytes, so a
 * process that forks creates it afterwards: else both would mint the same IDs.
 */
typedef struct sss_session_keys_s  sss_session_keys_t;


/* Returns NULL without memory. */
sss_session_keys_t *sss_session_keys_create(void);
void sss_session_keys_destroy(sss_session_keys_t *keys);

/* Wipes the keys that are derived from STEKs that have left the ring. */
void sss_session_keys_sweep(sss_session_keys_t *keys,
    const sss_ring_t *ring);

/*
 * Makes a new ID, SSS_SESSION_ID bytes, under a STEK of the ring, for a scope
 * (SSS_SCOPE_SIZE bytes) and a server name.  Returns 0, or -1 if OpenSSL has
 * no random bytes.
 */
int sss_session_id_mint(sss_session_keys_t *keys, const sss_key_t *key,
    const uint8_t *scope, const sss_sni_t *sni, uint8_t *id);

/*
 * Returns the STEK under which an ID was made, or NULL if that was none of
 * this ring or has expired at "now" (seconds since the epoch).  The MAC is
 * compared in constant time.
 */
const sss_key_t *sss_session_id_verify(sss_session_keys_t *keys,
    const sss_ring_t *ring, const uint8_t *id, size_t len, uint64_t now);

/*
 * 1 if an ID, for which sss_session_id_verify() has returned "key", was made
 * for this scope and server name, else 0.  The MAC is compared in constant
 * time.
 */
int sss_session_id_bound(sss_session_keys_t *keys, const sss_key_t *key,
    const uint8_t *id, const uint8_t *scope, const sss_sni_t *sni);

/*
 * Both checks with one HMAC instead of two: returns the STEK under which the
 * ID was made for this scope and server name, or NULL.
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

/*
 * Writes the memcached key of a session into "name", SSS_NAME_SIZE bytes,
 * zero-terminated.
 */
void sss_session_name(sss_session_keys_t *keys, const sss_key_t *key,
    const uint8_t *id, char *name);

/*
 * Seals a serialised session of "len" bytes into "out", which has room for
 * len + SSS_SESSION_OVERHEAD.  Returns 0, or -1 if the namespace has more than
 * 255 bytes or OpenSSL fails.
 */
int sss_session_seal(sss_session_keys_t *keys, const sss_key_t *key,
    const char *ns, size_t ns_len, const uint8_t *id, const uint8_t *scope,
    const sss_sni_t *sni, const uint8_t *session, size_t len, uint8_t *out);

/*
 * Opens a record of "len" bytes into "out", which has room for len -
 * SSS_SESSION_OVERHEAD.  Returns the number of bytes of the session, or -1 if
 * the record is malformed, or was sealed for another ID, namespace, scope or
 * server name, or with other keys.
 */
long sss_session_open(sss_session_keys_t *keys, const sss_key_t *key,
    const char *ns, size_t ns_len, const uint8_t *id, const uint8_t *scope,
    const sss_sni_t *sni, const uint8_t *sealed, size_t len, uint8_t *out);


#endif /* SSS_SESSION_H_INCLUDED */
