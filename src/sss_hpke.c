
#include <string.h>

#include "sss_hmac.h"
#include "sss_hpke.h"
#include "sss_labeled.h"
#include "sss_memory.h"


#define SSS_HPKE_MODE_PSK  1
#define SSS_HPKE_KDF       1            /* HKDF-SHA256                     */
#define SSS_HPKE_AEAD      2            /* AES-256-GCM                     */


int
sss_hpke_seal(const sss_hpke_t *hpke, const uint8_t *public_key,
    const void *plain, size_t len, uint8_t *sent, uint8_t *out)
{
    int               rc;
    uint8_t           shared[SSS_KEM_SHARED];
    uint8_t           key[SSS_AEAD_KEY], nonce[SSS_AEAD_NONCE];
    sss_aead_t       *aead;
    sss_aead_piece_t  ad;

    rc = -1;
    ad.p = hpke->aad;
    ad.len = hpke->aad_len;
    aead = sss_aead_create();

    if (aead != NULL
        && sss_kem_encapsulate(hpke->kem, public_key, sent, shared) == 0)
    {
        if (sss_hpke_schedule(hpke, shared, key, nonce) == 0) {
            rc = sss_aead_seal(aead, key, nonce, &ad, 1, plain, len, out);
        }

        sss_memory_wipe(key, sizeof(key));
        sss_memory_wipe(shared, sizeof(shared));
    }

    sss_aead_destroy(aead);

    return rc;
}


int
sss_hpke_open(const sss_hpke_t *hpke, const uint8_t *private_key,
    const uint8_t *public_key, const uint8_t *sent, const uint8_t *sealed,
    size_t len, uint8_t *out)
{
    int               rc;
    uint8_t           shared[SSS_KEM_SHARED];
    uint8_t           key[SSS_AEAD_KEY], nonce[SSS_AEAD_NONCE];
    sss_aead_t       *aead;
    sss_aead_piece_t  ad;

    rc = -1;
    ad.p = hpke->aad;
    ad.len = hpke->aad_len;
    aead = sss_aead_create();

    if (aead != NULL
        && sss_kem_decapsulate(hpke->kem, private_key, public_key, sent,
                               shared)
           == 0)
    {
        if (sss_hpke_schedule(hpke, shared, key, nonce) == 0) {
            rc = sss_aead_open(aead, key, nonce, &ad, 1, sealed, len, out);
        }

        sss_memory_wipe(key, sizeof(key));
        sss_memory_wipe(shared, sizeof(shared));
    }

    if (rc != 0 && len > SSS_AEAD_TAG) {
        sss_memory_wipe(out, len - SSS_AEAD_TAG);
    }

    sss_aead_destroy(aead);

    return rc;
}


int
sss_hpke_schedule(const sss_hpke_t *hpke, const uint8_t *shared,
    uint8_t *key, uint8_t *nonce)
{
    uint8_t         bytes[SSS_HMAC_SIZE];
    uint8_t         context[1 + 2 * SSS_HMAC_SIZE];
    sss_hmac_key_t  prk;
    sss_labeled_t   labeled;

    if (hpke->info_len > SSS_HPKE_INFO || hpke->psk_id_len > SSS_HPKE_INFO) {
        return -1;
    }

    sss_labeled_suite(&labeled, "HPKE", (const uint16_t[])
                      { (uint16_t) hpke->kem, SSS_HPKE_KDF, SSS_HPKE_AEAD },
                      3);

    context[0] = SSS_HPKE_MODE_PSK;

    sss_labeled_extract(&labeled, NULL, 0, "psk_id_hash", hpke->psk_id,
                        hpke->psk_id_len, context + 1);
    sss_labeled_extract(&labeled, NULL, 0, "info_hash", hpke->info,
                        hpke->info_len, context + 1 + SSS_HMAC_SIZE);

    sss_labeled_extract(&labeled, shared, SSS_KEM_SHARED, "secret", hpke->psk,
                        SSS_AEAD_KEY, bytes);

    sss_hmac_key(&prk, bytes, sizeof(bytes));

    sss_labeled_expand(&labeled, &prk, "key", context, sizeof(context), key,
                       SSS_AEAD_KEY);
    sss_labeled_expand(&labeled, &prk, "base_nonce", context,
                       sizeof(context), nonce, SSS_AEAD_NONCE);

    sss_memory_wipe(&prk, sizeof(prk));
    sss_memory_wipe(bytes, sizeof(bytes));
    sss_memory_wipe(&labeled, sizeof(labeled));

    return 0;
}
