
#include <openssl/err.h>
#include <openssl/evp.h>

#include "sss_memory.h"
#include "sss_mlkem.h"


#if (OPENSSL_VERSION_NUMBER >= 0x30000000L)

#include <openssl/core_names.h>


#define SSS_MLKEM_NAME  "ML-KEM-768"


static EVP_PKEY *sss_mlkem_key(const char *what, const uint8_t *bytes,
    size_t len, int selection);


int
sss_mlkem_available(void)
{
    int            rc;
    EVP_PKEY_CTX  *ctx;

    (void) ERR_set_mark();

    ctx = EVP_PKEY_CTX_new_from_name(NULL, SSS_MLKEM_NAME, NULL);
    rc = (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1);

    EVP_PKEY_CTX_free(ctx);

    (void) ERR_pop_to_mark();

    return rc;
}


int
sss_mlkem_public(const uint8_t *seed, uint8_t *public_key)
{
    int        rc;
    size_t     len;
    EVP_PKEY  *pkey;

    pkey = sss_mlkem_key("seed", seed, SSS_MLKEM_SEED, EVP_PKEY_KEYPAIR);

    rc = (pkey != NULL
          && EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY,
                                             public_key, SSS_MLKEM_PUBLIC,
                                             &len)
             == 1
          && len == SSS_MLKEM_PUBLIC)
         ? 0 : -1;

    EVP_PKEY_free(pkey);

    return rc;
}


int
sss_mlkem_encapsulate(const uint8_t *public_key, uint8_t *sent,
    uint8_t *shared)
{
    int            rc;
    size_t         len, shared_len;
    EVP_PKEY      *pkey;
    EVP_PKEY_CTX  *ctx;

    rc = -1;
    ctx = NULL;
    len = SSS_MLKEM_SENT;
    shared_len = SSS_MLKEM_SHARED;

    (void) ERR_set_mark();

    pkey = sss_mlkem_key(OSSL_PKEY_PARAM_PUB_KEY, public_key,
                         SSS_MLKEM_PUBLIC, EVP_PKEY_PUBLIC_KEY);

    if (pkey != NULL) {
        ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    }

    if (ctx != NULL
        && EVP_PKEY_encapsulate_init(ctx, NULL) == 1
        && EVP_PKEY_encapsulate(ctx, sent, &len, shared, &shared_len) == 1
        && len == SSS_MLKEM_SENT && shared_len == SSS_MLKEM_SHARED)
    {
        rc = 0;
    }

    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(pkey);

    (void) ERR_pop_to_mark();

    return rc;
}


int
sss_mlkem_decapsulate(const uint8_t *seed, const uint8_t *sent,
    uint8_t *shared)
{
    int            rc;
    size_t         len;
    EVP_PKEY      *pkey;
    EVP_PKEY_CTX  *ctx;

    rc = -1;
    ctx = NULL;
    len = SSS_MLKEM_SHARED;

    pkey = sss_mlkem_key("seed", seed, SSS_MLKEM_SEED, EVP_PKEY_KEYPAIR);

    if (pkey != NULL) {
        ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    }

    if (ctx != NULL
        && EVP_PKEY_decapsulate_init(ctx, NULL) == 1
        && EVP_PKEY_decapsulate(ctx, shared, &len, sent, SSS_MLKEM_SENT) == 1
        && len == SSS_MLKEM_SHARED)
    {
        rc = 0;
    }

    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(pkey);

    return rc;
}


static EVP_PKEY *
sss_mlkem_key(const char *what, const uint8_t *bytes, size_t len,
    int selection)
{
    EVP_PKEY      *pkey;
    OSSL_PARAM     params[2];
    EVP_PKEY_CTX  *ctx;

    pkey = NULL;

    params[0] = OSSL_PARAM_construct_octet_string(what, (void *) bytes, len);
    params[1] = OSSL_PARAM_construct_end();

    ctx = EVP_PKEY_CTX_new_from_name(NULL, SSS_MLKEM_NAME, NULL);

    if (ctx == NULL
        || EVP_PKEY_fromdata_init(ctx) != 1
        || EVP_PKEY_fromdata(ctx, &pkey, selection, params) != 1)
    {
        pkey = NULL;
    }

    EVP_PKEY_CTX_free(ctx);

    return pkey;
}

#else

int
sss_mlkem_available(void)
{
    return 0;
}


int
sss_mlkem_public(const uint8_t *seed, uint8_t *public_key)
{
    (void) seed;
    (void) public_key;

    return -1;
}


int
sss_mlkem_encapsulate(const uint8_t *public_key, uint8_t *sent,
    uint8_t *shared)
{
    (void) public_key;
    (void) sent;
    (void) shared;

    return -1;
}


int
sss_mlkem_decapsulate(const uint8_t *seed, const uint8_t *sent,
    uint8_t *shared)
{
    (void) seed;
    (void) sent;
    (void) shared;

    return -1;
}

#endif
