
/*
 * HPKE (RFC 9180), one message under one agreement: mode_psk, HKDF-SHA256,
 * AES-256-GCM, with either KEM of sss_kem.h.
 *
 * Who opens it knows that somebody with the PSK has sealed it for this public
 * key, with this info and additional data; and once the private key is wiped,
 * nobody opens it any more, not even with the PSK.
 */


#ifndef SSS_HPKE_H_INCLUDED
#define SSS_HPKE_H_INCLUDED


#include "sss_aead.h"
#include "sss_kem.h"


#define SSS_HPKE_INFO  320              /* bytes of info, at the most      */


/* What both ends must have alike. */

typedef struct {
    sss_kem_t       kem;
    const uint8_t  *psk;                /* 32 bytes of full strength       */
    const uint8_t  *psk_id;             /* "psk_id_len" bytes, not none    */
    size_t          psk_id_len;
    const uint8_t  *info;               /* at most SSS_HPKE_INFO bytes     */
    size_t          info_len;
    const uint8_t  *aad;
    size_t          aad_len;
} sss_hpke_t;


/*
 * Seals "len" bytes for the owner of a public key.  "sent" gets
 * sss_kem_sent_size() bytes ("enc" of the RFC), "out" len + SSS_AEAD_TAG.
 * Returns 0, or -1.
 */
int sss_hpke_seal(const sss_hpke_t *hpke, const uint8_t *public_key,
    const void *plain, size_t len, uint8_t *sent, uint8_t *out);

/*
 * Opens "len" bytes, tag and all, into "out", which has room for
 * len - SSS_AEAD_TAG.  Returns 0, or -1 if they were not sealed for this key
 * and these parameters; "out" is wiped then.
 */
int sss_hpke_open(const sss_hpke_t *hpke, const uint8_t *private_key,
    const uint8_t *public_key, const uint8_t *sent, const uint8_t *sealed,
    size_t len, uint8_t *out);

/*
 * The key schedule alone (RFC 9180, section 5.1): from the 32 bytes of a KEM
 * to "key" (SSS_AEAD_KEY bytes) and "nonce" (SSS_AEAD_NONCE).  Returns 0, or
 * -1 if info is too long.
 */
int sss_hpke_schedule(const sss_hpke_t *hpke, const uint8_t *shared,
    uint8_t *key, uint8_t *nonce);


#endif /* SSS_HPKE_H_INCLUDED */
