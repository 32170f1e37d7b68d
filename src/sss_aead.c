
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "sss_aead.h"
#include "sss_memory.h"


#if (OPENSSL_VERSION_NUMBER >= 0x30000000L)

typedef EVP_CIPHER  sss_aead_cipher_t;

#define sss_aead_fetch()       EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL)
#define sss_aead_free(cipher)  EVP_CIPHER_free(cipher)

#else

typedef const EVP_CIPHER  sss_aead_cipher_t;

#define sss_aead_fetch()       EVP_aes_256_gcm()
#define sss_aead_free(cipher)  ((void) (cipher))

#endif


struct sss_aead_s {
    EVP_CIPHER_CTX     *ctx;
    sss_aead_cipher_t  *cipher;
    int                 ready;          /* 1: "ctx" has been initialised with
                                           "cipher"                        */
};


static int sss_aead_begin(sss_aead_t *aead, const uint8_t *key,
    const uint8_t *nonce, const sss_aead_piece_t *ad, size_t n, int encrypt);
static int sss_aead_text(sss_aead_t *aead, const uint8_t *in, size_t len,
    uint8_t *out);
static int sss_aead_end(sss_aead_t *aead);


sss_aead_t *
sss_aead_create(void)
{
    sss_aead_t  *aead;

    aead = calloc(1, sizeof(sss_aead_t));
    if (aead == NULL) {
        return NULL;
    }

    aead->ctx = EVP_CIPHER_CTX_new();
    aead->cipher = sss_aead_fetch();

    if (aead->ctx == NULL || aead->cipher == NULL) {
        sss_aead_destroy(aead);
        return NULL;
    }

    return aead;
}


void
sss_aead_destroy(sss_aead_t *aead)
{
    if (aead == NULL) {
        return;
    }

    EVP_CIPHER_CTX_free(aead->ctx);
    sss_aead_free(aead->cipher);
    free(aead);
}


int
sss_aead_seal(sss_aead_t *aead, const uint8_t *key, const uint8_t *nonce,
    const sss_aead_piece_t *ad, size_t n, const void *plain, size_t len,
    uint8_t *out)
{
    int  rc, none;

    if (len > INT_MAX - SSS_AEAD_TAG) {
        return -1;
    }

    rc = -1;

    if (sss_aead_begin(aead, key, nonce, ad, n, 1) == 0
        && sss_aead_text(aead, plain, len, out) == 0
        && EVP_CipherFinal_ex(aead->ctx, out + len, &none) == 1
        && EVP_CIPHER_CTX_ctrl(aead->ctx, EVP_CTRL_AEAD_GET_TAG, SSS_AEAD_TAG,
                               out + len)
           == 1)
    {
        rc = 0;
    }

    if (sss_aead_end(aead) != 0 || rc != 0) {
        sss_memory_wipe(out, len + SSS_AEAD_TAG);
        return -1;
    }

    return 0;
}


int
sss_aead_open(sss_aead_t *aead, const uint8_t *key, const uint8_t *nonce,
    const sss_aead_piece_t *ad, size_t n, const uint8_t *sealed, size_t len,
    uint8_t *out)
{
    int      rc, none;
    uint8_t  tag[SSS_AEAD_TAG];

    if (len < SSS_AEAD_TAG || len > INT_MAX) {
        return -1;
    }

    len -= SSS_AEAD_TAG;
    rc = -1;

    /*
     * A record that does not open is an ordinary result here.  Its error must
     * not stay in the queue, where OpenSSL's next user would find it.
     */

    (void) ERR_set_mark();

    memcpy(tag, sealed + len, SSS_AEAD_TAG);

    /* only EVP_CipherFinal_ex() compares the tag */

    if (sss_aead_begin(aead, key, nonce, ad, n, 0) == 0
        && EVP_CIPHER_CTX_ctrl(aead->ctx, EVP_CTRL_AEAD_SET_TAG, SSS_AEAD_TAG,
                               tag)
           == 1
        && sss_aead_text(aead, sealed, len, out) == 0
        && EVP_CipherFinal_ex(aead->ctx, tag, &none) == 1)
    {
        rc = 0;
    }

    if (sss_aead_end(aead) != 0 || rc != 0) {
        sss_memory_wipe(out, len);
        rc = -1;
    }

    (void) ERR_pop_to_mark();

    return rc;
}


/* Sets key and nonce, and feeds the additional data; the text is next. */

static int
sss_aead_begin(sss_aead_t *aead, const uint8_t *key, const uint8_t *nonce,
    const sss_aead_piece_t *ad, size_t n, int encrypt)
{
    int     none;
    size_t  i;

    /*
     * Whenever it is passed a cipher, OpenSSL 3 allocates the cipher's part of
     * the context anew.  So the cipher is passed only the first time.
     */

    if (EVP_CipherInit_ex(aead->ctx, aead->ready ? NULL : aead->cipher, NULL,
                          key, nonce, encrypt)
        != 1)
    {
        return -1;
    }

    aead->ready = 1;

    for (i = 0; i < n; i++) {

        if (ad[i].len > INT_MAX) {
            return -1;
        }

        if (ad[i].len > 0
            && EVP_CipherUpdate(aead->ctx, NULL, &none, ad[i].p,
                                (int) ad[i].len)
               != 1)
        {
            return -1;
        }
    }

    return 0;
}


static int
sss_aead_text(sss_aead_t *aead, const uint8_t *in, size_t len, uint8_t *out)
{
    int  n;

    if (len == 0) {
        return 0;
    }

    return EVP_CipherUpdate(aead->ctx, out, &n, in, (int) len) == 1 ? 0 : -1;
}


/* Replaces the key in the context by zeros. */

static int
sss_aead_end(sss_aead_t *aead)
{
    static const uint8_t  zero[SSS_AEAD_KEY];

    if (aead->ready
        && EVP_CipherInit_ex(aead->ctx, NULL, NULL, zero, NULL, 1) == 1)
    {
        return 0;
    }

    aead->ready = 0;
    (void) EVP_CIPHER_CTX_reset(aead->ctx);

    return -1;
}
