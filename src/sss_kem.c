
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "sss_kem.h"
#include "sss_labeled.h"
#include "sss_memory.h"
#include "sss_mlkem.h"


#define SSS_KEM_X         32            /* bytes of an X25519 key          */

#define SSS_KEM_XWING_LABEL  "\\./" "/^\\"


static int sss_kem_x_public(const uint8_t *private_key, uint8_t *public_key);
static int sss_kem_x_agree(const uint8_t *private_key, const uint8_t *peer,
    uint8_t *shared);
static int sss_kem_x_generate(uint8_t *private_key, uint8_t *public_key);
static void sss_kem_dh(const uint8_t *dh, const uint8_t *sent,
    const uint8_t *public_key, uint8_t *shared);
static int sss_kem_expand(const uint8_t *seed, uint8_t *expanded);
static int sss_kem_combine(const uint8_t *ss_m, const uint8_t *ss_x,
    const uint8_t *ct_x, const uint8_t *pk_x, uint8_t *shared);


/*
 * The private key of X-Wing is expanded to the seed of an ML-KEM key and an
 * X25519 private key.
 */

#define SSS_KEM_EXPANDED  (SSS_MLKEM_SEED + SSS_KEM_X)


size_t
sss_kem_public_size(sss_kem_t kem)
{
    switch (kem) {

    case SSS_KEM_X25519:
        return SSS_KEM_X;

    case SSS_KEM_XWING:
        return SSS_MLKEM_PUBLIC + SSS_KEM_X;
    }

    return 0;
}


size_t
sss_kem_sent_size(sss_kem_t kem)
{
    switch (kem) {

    case SSS_KEM_X25519:
        return SSS_KEM_X;

    case SSS_KEM_XWING:
        return SSS_MLKEM_SENT + SSS_KEM_X;
    }

    return 0;
}


int
sss_kem_available(sss_kem_t kem)
{
    return kem == SSS_KEM_X25519
           || (kem == SSS_KEM_XWING && sss_mlkem_available());
}


int
sss_kem_generate(sss_kem_t kem, uint8_t *private_key, uint8_t *public_key)
{
    int      rc;
    uint8_t  expanded[SSS_KEM_EXPANDED];

    if (!sss_kem_available(kem)
        || sss_kem_x_generate(private_key, public_key) != 0)
    {
        return -1;
    }

    if (kem == SSS_KEM_X25519) {
        return 0;
    }

    /*
     * So far an X25519 key pair was made.  Its private key is 32 random bytes
     * and serves as the seed of X-Wing; its public key is overwritten.
     */

    rc = -1;

    if (sss_kem_expand(private_key, expanded) == 0
        && sss_mlkem_public(expanded, public_key) == 0
        && sss_kem_x_public(expanded + SSS_MLKEM_SEED,
                            public_key + SSS_MLKEM_PUBLIC)
           == 0)
    {
        rc = 0;
    }

    sss_memory_wipe(expanded, sizeof(expanded));

    if (rc != 0) {
        sss_memory_wipe(private_key, SSS_KEM_PRIVATE);
        sss_memory_wipe(public_key, sss_kem_public_size(kem));
    }

    return rc;
}


int
sss_kem_encapsulate(sss_kem_t kem, const uint8_t *public_key, uint8_t *sent,
    uint8_t *shared)
{
    int             rc;
    uint8_t        *sent_x;
    uint8_t         ephemeral[SSS_KEM_X], ss_x[SSS_KEM_X];
    uint8_t         ss_m[SSS_MLKEM_SHARED];
    const uint8_t  *public_x;

    rc = -1;
    sent_x = sent;
    public_x = public_key;

    if (kem == SSS_KEM_XWING) {
        sent_x += SSS_MLKEM_SENT;
        public_x += SSS_MLKEM_PUBLIC;
    }

    if (!sss_kem_available(kem)
        || sss_kem_x_generate(ephemeral, sent_x) != 0)
    {
        goto done;
    }

    if (sss_kem_x_agree(ephemeral, public_x, ss_x) != 0) {
        goto done;
    }

    if (kem == SSS_KEM_X25519) {
        sss_kem_dh(ss_x, sent, public_key, shared);
        rc = 0;

    } else if (sss_mlkem_encapsulate(public_key, sent, ss_m) == 0) {
        rc = sss_kem_combine(ss_m, ss_x, sent_x, public_x, shared);
    }

done:

    sss_memory_wipe(ephemeral, sizeof(ephemeral));
    sss_memory_wipe(ss_x, sizeof(ss_x));
    sss_memory_wipe(ss_m, sizeof(ss_m));

    if (rc != 0) {
        sss_memory_wipe(shared, SSS_KEM_SHARED);
    }

    return rc;
}


int
sss_kem_decapsulate(sss_kem_t kem, const uint8_t *private_key,
    const uint8_t *public_key, const uint8_t *sent, uint8_t *shared)
{
    int      rc;
    uint8_t  expanded[SSS_KEM_EXPANDED];
    uint8_t  ss_x[SSS_KEM_X], ss_m[SSS_MLKEM_SHARED];

    rc = -1;

    if (kem == SSS_KEM_X25519) {

        if (sss_kem_x_agree(private_key, sent, ss_x) == 0) {
            sss_kem_dh(ss_x, sent, public_key, shared);
            rc = 0;
        }

    } else if (kem == SSS_KEM_XWING
               && sss_kem_expand(private_key, expanded) == 0
               && sss_mlkem_decapsulate(expanded, sent, ss_m) == 0
               && sss_kem_x_agree(expanded + SSS_MLKEM_SEED,
                                  sent + SSS_MLKEM_SENT, ss_x)
                  == 0)
    {
        rc = sss_kem_combine(ss_m, ss_x, sent + SSS_MLKEM_SENT,
                             public_key + SSS_MLKEM_PUBLIC, shared);
    }

    sss_memory_wipe(expanded, sizeof(expanded));
    sss_memory_wipe(ss_x, sizeof(ss_x));
    sss_memory_wipe(ss_m, sizeof(ss_m));

    if (rc != 0) {
        sss_memory_wipe(shared, SSS_KEM_SHARED);
    }

    return rc;
}


/*
 * Any 32 bytes are a valid X25519 private key.  OpenSSL could generate one,
 * but to export it OpenSSL 3 copies it into memory that it frees without
 * wiping.
 */

static int
sss_kem_x_generate(uint8_t *private_key, uint8_t *public_key)
{
    if (RAND_priv_bytes(private_key, SSS_KEM_X) != 1
        || sss_kem_x_public(private_key, public_key) != 0)
    {
        sss_memory_wipe(private_key, SSS_KEM_PRIVATE);
        return -1;
    }

    return 0;
}


/*
 * The public key is the agreement with the base point, 9 (RFC 7748, section
 * 6.1).  It is not exported from OpenSSL's object, because early versions of
 * OpenSSL 3.0 copy the private key as well when they export the public one.
 */

static int
sss_kem_x_public(const uint8_t *private_key, uint8_t *public_key)
{
    static const uint8_t  base[SSS_KEM_X] = { 9 };

    return sss_kem_x_agree(private_key, base, public_key);
}


/*
 * EVP_PKEY_derive() fails for a public key that leads to a shared secret of
 * zeros, as RFC 7748, section 6.1, advises.
 */

static int
sss_kem_x_agree(const uint8_t *private_key, const uint8_t *peer,
    uint8_t *shared)
{
    int            rc;
    size_t         len;
    EVP_PKEY      *mine, *theirs;
    EVP_PKEY_CTX  *ctx;

    rc = -1;
    len = SSS_KEM_X;
    ctx = NULL;

    (void) ERR_set_mark();

    mine = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private_key,
                                        SSS_KEM_X);
    theirs = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, peer,
                                         SSS_KEM_X);

    if (mine != NULL && theirs != NULL) {
        ctx = EVP_PKEY_CTX_new(mine, NULL);
    }

    if (ctx != NULL
        && EVP_PKEY_derive_init(ctx) == 1
        && EVP_PKEY_derive_set_peer(ctx, theirs) == 1
        && EVP_PKEY_derive(ctx, shared, &len) == 1 && len == SSS_KEM_X)
    {
        rc = 0;
    }

    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(mine);
    EVP_PKEY_free(theirs);

    (void) ERR_pop_to_mark();

    return rc;
}


/* ExtractAndExpand() of RFC 9180, section 4.1. */

static void
sss_kem_dh(const uint8_t *dh, const uint8_t *sent, const uint8_t *public_key,
    uint8_t *shared)
{
    uint8_t         bytes[SSS_HMAC_SIZE], context[2 * SSS_KEM_X];
    sss_hmac_key_t  prk;
    sss_labeled_t   labeled;

    memcpy(context, sent, SSS_KEM_X);
    memcpy(context + SSS_KEM_X, public_key, SSS_KEM_X);

    sss_labeled_suite(&labeled, "KEM",
                      (const uint16_t[]) { SSS_KEM_X25519 }, 1);

    sss_labeled_extract(&labeled, NULL, 0, "eae_prk", dh, SSS_KEM_X, bytes);
    sss_hmac_key(&prk, bytes, sizeof(bytes));
    sss_labeled_expand(&labeled, &prk, "shared_secret", context,
                       sizeof(context), shared, SSS_KEM_SHARED);

    sss_memory_wipe(bytes, sizeof(bytes));
    sss_memory_wipe(&prk, sizeof(prk));
    sss_memory_wipe(&labeled, sizeof(labeled));
}


static int
sss_kem_expand(const uint8_t *seed, uint8_t *expanded)
{
    int          rc;
    EVP_MD_CTX  *ctx;

    ctx = EVP_MD_CTX_new();

    rc = (ctx != NULL
          && EVP_DigestInit_ex(ctx, EVP_shake256(), NULL) == 1
          && EVP_DigestUpdate(ctx, seed, SSS_KEM_PRIVATE) == 1
          && EVP_DigestFinalXOF(ctx, expanded, SSS_KEM_EXPANDED) == 1)
         ? 0 : -1;

    EVP_MD_CTX_free(ctx);

    return rc;
}


static int
sss_kem_combine(const uint8_t *ss_m, const uint8_t *ss_x, const uint8_t *ct_x,
    const uint8_t *pk_x, uint8_t *shared)
{
    int          rc;
    EVP_MD_CTX  *ctx;

    ctx = EVP_MD_CTX_new();

    rc = (ctx != NULL
          && EVP_DigestInit_ex(ctx, EVP_sha3_256(), NULL) == 1
          && EVP_DigestUpdate(ctx, ss_m, SSS_MLKEM_SHARED) == 1
          && EVP_DigestUpdate(ctx, ss_x, SSS_KEM_X) == 1
          && EVP_DigestUpdate(ctx, ct_x, SSS_KEM_X) == 1
          && EVP_DigestUpdate(ctx, pk_x, SSS_KEM_X) == 1
          && EVP_DigestUpdate(ctx, SSS_KEM_XWING_LABEL,
                              sizeof(SSS_KEM_XWING_LABEL) - 1) == 1
          && EVP_DigestFinal_ex(ctx, shared, NULL) == 1)
         ? 0 : -1;

    EVP_MD_CTX_free(ctx);

    return rc;
}
