
/*
 * HPKE (RFC 9180) with mode_psk, HKDF-SHA256, AES-256-GCM and either KEM of
 * sss_kem.h.  Each key agreement seals exactly one message.
 *
 * Whoever opens a message knows that somebody with the PSK has sealed it, for
 * this public key and with this info and additional data.  Once the private
 * key is wiped nobody can open the message any more, not even with the PSK.
 */


#ifndef SSS_HPKE_H_INCLUDED
#define SSS_HPKE_H_INCLUDED


#include "sss_aead.h"
#include "sss_kem.h"


#define SSS_HPKE_INFO  320              /* most bytes of "info"            */


/*
 * The parameters, which both ends must have in common.  All pointers are to
 * the caller's memory.
 */

typedef struct {
    sss_kem_t       kem;
    const uint8_t  *psk;                /* 32 bytes, uniformly random      */
    const uint8_t  *psk_id;             /* must not be empty               */
    size_t          psk_id_len;
    const uint8_t  *info;               /* at most SSS_HPKE_INFO bytes     */
    size_t          info_len;
    const uint8_t  *aad;
    size_t          aad_len;
} sss_hpke_t;


/*
 * Seals "len" bytes for the owner of "public_key" (sss_kem_public_size()
 * bytes).  "sent" gets sss_kem_sent_size() bytes, which the RFC calls "enc",
 * and "out" len + SSS_AEAD_TAG bytes.  Returns 0, or -1 if the public key is
 * invalid, the info too long, or OpenSSL fails.
 */
int sss_hpke_seal(const sss_hpke_t *hpke, const uint8_t *public_key,
    const void *plain, size_t len, uint8_t *sent, uint8_t *out);

/*
 * Opens the "len" bytes of "sealed", including the tag, into "out", which has
 * room for len - SSS_AEAD_TAG.  Returns 0, or -1 if they were not sealed for
 * this key with these parameters; "out" is wiped then.
 */
int sss_hpke_open(const sss_hpke_t *hpke, const uint8_t *private_key,
    const uint8_t *public_key, const uint8_t *sent, const uint8_t *sealed,
    size_t len, uint8_t *out);

/*
 * The key schedule (RFC 9180, section 5.1): computes "key" (SSS_AEAD_KEY
 * bytes) and "nonce" (SSS_AEAD_NONCE) from the shared secret of the KEM
 * (SSS_KEM_SHARED bytes).  Returns 0, or -1 if the info is too long.
 */
int sss_hpke_schedule(const sss_hpke_t *hpke, const uint8_t *shared,
    uint8_t *key, uint8_t *nonce);


#endif /* SSS_HPKE_H_INCLUDED */
