
/*
 * Sealed records: what leaves the process.
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
 * "ngx_ssl_session_sync seal 1" || purpose), so that a nonce never repeats
 * however many hosts write.  The first 32 bytes and the caller's additional
 * data are authenticated.
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
 * Seals "len" bytes under the 32-byte "key" into "out", which has room for
 * len + SSS_SEAL_OVERHEAD.  "ad" is authenticated and not stored.
 * Returns 0, or -1 if OpenSSL fails; nothing of use is in "out" then.
 */
int sss_seal(const uint8_t *key, sss_purpose_t purpose, const void *ad,
    size_t ad_len, const void *plain, size_t len, uint8_t *out);

/*
 * Opens a sealed record of "len" bytes into "out", which has room for
 * len - SSS_SEAL_OVERHEAD (the record may be shorter than that overhead: it
 * is refused then).  Returns the number of bytes opened, or -1 if the record
 * is no such record, or was not sealed with this key, purpose and "ad"; "out"
 * is wiped then.  Overlapping buffers are not allowed.
 */
long sss_unseal(const uint8_t *key, sss_purpose_t purpose, const void *ad,
    size_t ad_len, const uint8_t *sealed, size_t len, uint8_t *out);


#endif /* SSS_SEAL_H_INCLUDED */
