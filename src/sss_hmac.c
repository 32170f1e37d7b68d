
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "sss_hmac.h"
#include "sss_memory.h"


#if (OPENSSL_VERSION_NUMBER >= 0x30000000L)

typedef EVP_MD  sss_hmac_md_t;

#define sss_hmac_md_fetch()   EVP_MD_fetch(NULL, "SHA256", NULL)
#define sss_hmac_md_free(md)  EVP_MD_free(md)

#else

typedef const EVP_MD  sss_hmac_md_t;

#define sss_hmac_md_fetch()   EVP_sha256()
#define sss_hmac_md_free(md)  ((void) (md))

#endif


struct sss_hmac_s {
    EVP_MD_CTX     *ctx;
    sss_hmac_md_t  *md;
};


static int sss_hmac_two(sss_hmac_t *hmac, const sss_hmac_key_t *key,
    const uint8_t *text, size_t len, const uint8_t *tail, size_t tail_len,
    uint8_t *mac);
static int sss_hmac_digest(sss_hmac_t *hmac, const uint8_t *block,
    const uint8_t *text, size_t len, const uint8_t *tail, size_t tail_len,
    uint8_t *hash);


sss_hmac_t *
sss_hmac_create(void)
{
    sss_hmac_t  *hmac;

    hmac = calloc(1, sizeof(sss_hmac_t));
    if (hmac == NULL) {
        return NULL;
    }

    hmac->ctx = EVP_MD_CTX_new();
    hmac->md = sss_hmac_md_fetch();

    if (hmac->ctx == NULL || hmac->md == NULL) {
        sss_hmac_destroy(hmac);
        return NULL;
    }

    return hmac;
}


void
sss_hmac_destroy(sss_hmac_t *hmac)
{
    if (hmac == NULL) {
        return;
    }

    EVP_MD_CTX_free(hmac->ctx);
    sss_hmac_md_free(hmac->md);
    free(hmac);
}


void
sss_hmac_key(sss_hmac_key_t *key, const uint8_t *bytes, size_t len)
{
    size_t  i;

    memset(key->inner, 0x36, SSS_HMAC_BLOCK);
    memset(key->outer, 0x5c, SSS_HMAC_BLOCK);

    for (i = 0; i < len && i < SSS_HMAC_BLOCK; i++) {
        key->inner[i] ^= bytes[i];
        key->outer[i] ^= bytes[i];
    }
}


int
sss_hmac(sss_hmac_t *hmac, const sss_hmac_key_t *key, const uint8_t *text,
    size_t len, uint8_t *mac)
{
    return sss_hmac_two(hmac, key, text, len, NULL, 0, mac);
}


int
sss_hmac_extract(sss_hmac_t *hmac, const uint8_t *secret, size_t len,
    sss_hmac_key_t *prk)
{
    int      rc;
    uint8_t  bytes[SSS_HMAC_SIZE];

    /* an absent salt is a key of zeros, and so is a key of no bytes */

    sss_hmac_key(prk, NULL, 0);

    rc = sss_hmac(hmac, prk, secret, len, bytes);

    if (rc == 0) {
        sss_hmac_key(prk, bytes, sizeof(bytes));

    } else {
        sss_memory_wipe(prk, sizeof(sss_hmac_key_t));
    }

    sss_memory_wipe(bytes, sizeof(bytes));

    return rc;
}


int
sss_hmac_expand(sss_hmac_t *hmac, const sss_hmac_key_t *prk,
    const uint8_t *info, size_t len, uint8_t *out)
{
    static const uint8_t  first = 1;

    return sss_hmac_two(hmac, prk, info, len, &first, 1, out);
}


static int
sss_hmac_two(sss_hmac_t *hmac, const sss_hmac_key_t *key,
    const uint8_t *text, size_t len, const uint8_t *tail, size_t tail_len,
    uint8_t *mac)
{
    int      rc;
    uint8_t  hash[SSS_HMAC_SIZE];

    rc = sss_hmac_digest(hmac, key->inner, text, len, tail, tail_len, hash);

    if (rc == 0) {
        rc = sss_hmac_digest(hmac, key->outer, hash, sizeof(hash), NULL, 0,
                             mac);
    }

    sss_memory_wipe(hash, sizeof(hash));

    if (rc != 0) {
        sss_memory_wipe(mac, SSS_HMAC_SIZE);

        /* the context may have some of the key in it */

        (void) EVP_MD_CTX_reset(hmac->ctx);
    }

    return rc;
}


static int
sss_hmac_digest(sss_hmac_t *hmac, const uint8_t *block, const uint8_t *text,
    size_t len, const uint8_t *tail, size_t tail_len, uint8_t *hash)
{
    if (EVP_DigestInit_ex(hmac->ctx, hmac->md, NULL) == 1
        && EVP_DigestUpdate(hmac->ctx, block, SSS_HMAC_BLOCK) == 1
        && EVP_DigestUpdate(hmac->ctx, text, len) == 1
        && EVP_DigestUpdate(hmac->ctx, tail, tail_len) == 1
        && EVP_DigestFinal_ex(hmac->ctx, hash, NULL) == 1)
    {
        return 0;
    }

    return -1;
}
