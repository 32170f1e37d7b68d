
/*
 * Sealed records, in which rings are stored in memcached.
 *
 *     offset  size  what
 *          0     4  "SSS1"
 *          4     1  version, 1
 *          5     1  purpose
 *          6     2  zero
 *          8    24  salt, random
 *         32     n  AES-256-GCM ciphertext
 *     32 + n    16  GCM tag
 *
 * Key (32 bytes) and nonce (12 bytes) are HKDF-SHA256(input key, salt,
 * "ngx_ssl_session_sync seal 1" || purpose).  Each record has a key of its own
 * because of its random salt, so no nonce repeats under a key however many
 * hosts seal.  The first 32 bytes and the caller's additional data are
 * authenticated.
 */


#ifndef SSS_SEAL_H_INCLUDED
#define SSS_SEAL_H_INCLUDED


#include <stddef.h>
#include <stdint.h>


#define SSS_SEAL_HEADER    32
#define SSS_SEAL_TAG       16
#define SSS_SEAL_OVERHEAD  (SSS_SEAL_HEADER + SSS_SEAL_TAG)


typedef enum {
    SSS_SEAL_RING = 1,
    SSS_SEAL_SESSION = 2
} sss_purpose_t;


/*
 * Seals "len" bytes under "key", 32 bytes, into "out", which has room for
 * len + SSS_SEAL_OVERHEAD.  The additional data "ad" is authenticated, but not
 * stored.  Returns 0, or -1 if OpenSSL fails; "out" has no plaintext then.
 */
int sss_seal(const uint8_t *key, sss_purpose_t purpose, const void *ad,
    size_t ad_len, const void *plain, size_t len, uint8_t *out);

/*
 * Opens a sealed record of "len" bytes into "out", which has room for len -
 * SSS_SEAL_OVERHEAD.  Returns the number of bytes written.  Returns -1 if the
 * record is malformed, shorter than the overhead for example, or was not
 * sealed with this key, purpose and "ad"; "out" is wiped then.  "sealed" and
 * "out" must not overlap.
 */
long sss_unseal(const uint8_t *key, sss_purpose_t purpose, const void *ad,
    size_t ad_len, const uint8_t *sealed, size_t len, uint8_t *out);


#endif /* SSS_SEAL_H_INCLUDED */
