
#include <limits.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "sss_memory.h"
#include "sss_seal.h"
#include "sss_secret.h"


#define SSS_SEAL_INFO     "ngx_ssl_session_sync seal 1"
#define SSS_SEAL_SALT     8             /* offset of the salt */
#define SSS_SEAL_KEY      32
#define SSS_SEAL_NONCE    12


static void sss_seal_head(uint8_t *head, sss_purpose_t purpose);
static EVP_CIPHER_CTX *sss_seal_begin(const uint8_t *key,
    const uint8_t *head, const void *ad, size_t ad_len, int encrypt);


int
sss_seal(const uint8_t *key, sss_purpose_t purpose, const void *ad,
    size_t ad_len, const void *plain, size_t len, uint8_t *out)
{
    int              n, rc;
    uint8_t         *cipher, *tag;
    EVP_CIPHER_CTX  *ctx;

    rc = -1;
    ctx = NULL;
    cipher = out + SSS_SEAL_HEADER;

    if (len > INT_MAX - SSS_SEAL_OVERHEAD || ad_len > INT_MAX) {
        return -1;
    }

    tag = cipher + len;

    sss_seal_head(out, purpose);

    if (RAND_bytes(out + SSS_SEAL_SALT, SSS_SEAL_HEADER - SSS_SEAL_SALT)
        != 1)
    {
        goto done;
    }

    ctx = sss_seal_begin(key, out, ad, ad_len, 1);
    if (ctx == NULL) {
        goto done;
    }

    if (len > 0
        && EVP_CipherUpdate(ctx, cipher, &n, plain, (int) len) != 1)
    {
        goto done;
    }

    if (EVP_CipherFinal_ex(ctx, tag, &n) == 1
        && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, SSS_SEAL_TAG, tag)
           == 1)
    {
        rc = 0;
    }

done:

    if (rc != 0) {
        sss_memory_wipe(out, len + SSS_SEAL_OVERHEAD);
    }

    EVP_CIPHER_CTX_free(ctx);

    return rc;
}


long
sss_unseal(const uint8_t *key, sss_purpose_t purpose, const void *ad,
    size_t ad_len, const uint8_t *sealed, size_t len, uint8_t *out)
{
    int              n;
    long             rc;
    size_t           size;
    uint8_t          head[SSS_SEAL_SALT], tag[SSS_SEAL_TAG];
    EVP_CIPHER_CTX  *ctx;

    if (len < SSS_SEAL_OVERHEAD) {
        return -1;
    }

    rc = -1;
    ctx = NULL;
    size = len - SSS_SEAL_OVERHEAD;

    sss_seal_head(head, purpose);

    /* a record of somebody else is no error of OpenSSL's next user */

    (void) ERR_set_mark();

    if (len > INT_MAX || ad_len > INT_MAX
        || memcmp(sealed, head, SSS_SEAL_SALT) != 0)
    {
        goto done;
    }

    ctx = sss_seal_begin(key, sealed, ad, ad_len, 0);
    if (ctx == NULL) {
        goto done;
    }

    memcpy(tag, sealed + SSS_SEAL_HEADER + size, SSS_SEAL_TAG);

    if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, SSS_SEAL_TAG, tag)
        != 1)
    {
        goto done;
    }

    if (size > 0
        && EVP_CipherUpdate(ctx, out, &n, sealed + SSS_SEAL_HEADER,
                            (int) size) != 1)
    {
        goto done;
    }

    /* the tag is checked here and nowhere else */

    if (EVP_CipherFinal_ex(ctx, tag, &n) == 1) {
        rc = (long) size;
    }

done:

    if (rc < 0) {
        sss_memory_wipe(out, size);
    }

    (void) ERR_pop_to_mark();

    EVP_CIPHER_CTX_free(ctx);

    return rc;
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


/* A context that waits for the text: key, nonce and additional data are in. */

static EVP_CIPHER_CTX *
sss_seal_begin(const uint8_t *key, const uint8_t *head, const void *ad,
    size_t ad_len, int encrypt)
{
    int              n, ok;
    uint8_t          info[sizeof(SSS_SEAL_INFO)];
    uint8_t          derived[SSS_SEAL_KEY + SSS_SEAL_NONCE];
    EVP_CIPHER_CTX  *ctx;

    memcpy(info, SSS_SEAL_INFO, sizeof(info) - 1);
    info[sizeof(info) - 1] = head[5];

    if (sss_hkdf(key, SSS_SECRET_SIZE, head + SSS_SEAL_SALT,
                 SSS_SEAL_HEADER - SSS_SEAL_SALT, info, sizeof(info),
                 derived, sizeof(derived))
        != 0)
    {
        return NULL;
    }

    ctx = EVP_CIPHER_CTX_new();

    ok = ctx != NULL
         && EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, derived,
                              derived + SSS_SEAL_KEY, encrypt) == 1
         && EVP_CipherUpdate(ctx, NULL, &n, head, SSS_SEAL_HEADER) == 1
         && (ad_len == 0
             || EVP_CipherUpdate(ctx, NULL, &n, ad, (int) ad_len) == 1);

    sss_memory_wipe(derived, sizeof(derived));

    if (!ok) {
        EVP_CIPHER_CTX_free(ctx);
        return NULL;
    }

    return ctx;
}
