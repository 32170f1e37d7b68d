
#include <limits.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/rand.h>

#include "sss_aead.h"
#include "sss_memory.h"
#include "sss_seal.h"
#include "sss_secret.h"


#define SSS_SEAL_INFO     "ngx_ssl_session_sync seal 1"
#define SSS_SEAL_SALT     8             /* offset of the salt */


static void sss_seal_head(uint8_t *head, sss_purpose_t purpose);
static int sss_seal_derive(const uint8_t *key, const uint8_t *head,
    uint8_t *derived);


int
sss_seal(const uint8_t *key, sss_purpose_t purpose, const void *ad,
    size_t ad_len, const void *plain, size_t len, uint8_t *out)
{
    int               rc;
    uint8_t           derived[SSS_AEAD_KEY + SSS_AEAD_NONCE];
    sss_aead_t       *aead;
    sss_aead_piece_t  pieces[] = { { out, SSS_SEAL_HEADER }, { ad, ad_len } };

    if (len > INT_MAX - SSS_SEAL_OVERHEAD || ad_len > INT_MAX) {
        return -1;
    }

    rc = -1;
    aead = sss_aead_create();

    sss_seal_head(out, purpose);

    if (aead != NULL
        && RAND_bytes(out + SSS_SEAL_SALT, SSS_SEAL_HEADER - SSS_SEAL_SALT)
           == 1
        && sss_seal_derive(key, out, derived) == 0)
    {
        rc = sss_aead_seal(aead, derived, derived + SSS_AEAD_KEY, pieces, 2,
                           plain, len, out + SSS_SEAL_HEADER);

        sss_memory_wipe(derived, sizeof(derived));
    }

    if (rc != 0) {
        sss_memory_wipe(out, len + SSS_SEAL_OVERHEAD);
    }

    sss_aead_destroy(aead);

    return rc;
}


long
sss_unseal(const uint8_t *key, sss_purpose_t purpose, const void *ad,
    size_t ad_len, const uint8_t *sealed, size_t len, uint8_t *out)
{
    int               rc;
    size_t            size;
    uint8_t           head[SSS_SEAL_SALT];
    uint8_t           derived[SSS_AEAD_KEY + SSS_AEAD_NONCE];
    sss_aead_t       *aead;
    sss_aead_piece_t  pieces[] = { { sealed, SSS_SEAL_HEADER },
                                   { ad, ad_len } };

    if (len < SSS_SEAL_OVERHEAD) {
        return -1;
    }

    rc = -1;
    size = len - SSS_SEAL_OVERHEAD;

    sss_seal_head(head, purpose);

    if (len > INT_MAX || ad_len > INT_MAX
        || memcmp(sealed, head, SSS_SEAL_SALT) != 0)
    {
        sss_memory_wipe(out, size);
        return -1;
    }

    /*
     * The mark covers these two calls only: sss_aead_open() sets one as well,
     * and marks on the same error do not nest in OpenSSL 1.1.1.
     */

    (void) ERR_set_mark();

    aead = sss_aead_create();

    if (aead != NULL) {
        rc = sss_seal_derive(key, sealed, derived);
    }

    (void) ERR_pop_to_mark();

    if (rc == 0) {
        rc = sss_aead_open(aead, derived, derived + SSS_AEAD_KEY, pieces, 2,
                           sealed + SSS_SEAL_HEADER, len - SSS_SEAL_HEADER,
                           out);

        sss_memory_wipe(derived, sizeof(derived));
    }

    if (rc != 0) {
        sss_memory_wipe(out, size);
    }

    sss_aead_destroy(aead);

    return rc == 0 ? (long) size : -1;
}


static void
sss_seal_head(uint8_t *head, sss_purpose_t purpose)
{
    memcpy(head, "SSS1", 4);
    head[4] = 1;
    head[5] = (uint8_t) purpose;
    head[6] = 0;
    head[7] = 0;
}


/* Derives key and nonce for the record with this header.  Returns 0, or -1. */

static int
sss_seal_derive(const uint8_t *key, const uint8_t *head, uint8_t *derived)
{
    uint8_t  info[sizeof(SSS_SEAL_INFO)];

    memcpy(info, SSS_SEAL_INFO, sizeof(info) - 1);
    info[sizeof(info) - 1] = head[5];

    return sss_hkdf(key, SSS_SECRET_SIZE, head + SSS_SEAL_SALT,
                    SSS_SEAL_HEADER - SSS_SEAL_SALT, info, sizeof(info),
                    derived, SSS_AEAD_KEY + SSS_AEAD_NONCE);
}
