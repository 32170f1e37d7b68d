
/*
 * An OpenSSL that fails on demand.  These functions replace libcrypto's for
 * the code under test.  The unit_openssl_fail'th call from now on returns a
 * failure, all others call libcrypto.  Calls within libcrypto do not count.
 */


#ifndef UNIT_OPENSSL_H_INCLUDED
#define UNIT_OPENSSL_H_INCLUDED


#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <dlfcn.h>

#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>


static unsigned  unit_openssl_fail;     /* 0: none fails            */
static unsigned  unit_openssl_inside;   /* depth of calls under way */


static int
unit_openssl_due(void)
{
    return unit_openssl_inside == 0
           && unit_openssl_fail > 0
           && --unit_openssl_fail == 0;
}


#define UNIT_OPENSSL(type, failure, name, params, args)                       \
                                                                              \
    type name params;                                                         \
                                                                              \
    type                                                                      \
    name params                                                               \
    {                                                                         \
        type   result;                                                        \
        type  (*real) params;                                                 \
                                                                              \
        if (unit_openssl_due()) {                                             \
            return failure;                                                   \
        }                                                                     \
                                                                              \
        *(void **) (void *) &real = dlsym(RTLD_NEXT, #name);                  \
                                                                              \
        unit_openssl_inside++;                                                \
        result = real args;                                                   \
        unit_openssl_inside--;                                                \
                                                                              \
        return result;                                                        \
    }


UNIT_OPENSSL(EVP_PKEY_CTX *, NULL, EVP_PKEY_CTX_new_id,
             (int id, ENGINE *e), (id, e))

UNIT_OPENSSL(int, 0, EVP_PKEY_derive_init, (EVP_PKEY_CTX *ctx), (ctx))

UNIT_OPENSSL(int, 0, EVP_PKEY_derive,
             (EVP_PKEY_CTX *ctx, unsigned char *key, size_t *len),
             (ctx, key, len))

/* OpenSSL before 3.0 has macros of these names */

#ifndef EVP_PKEY_CTX_set1_hkdf_salt

UNIT_OPENSSL(int, 0, EVP_PKEY_CTX_set1_hkdf_salt,
             (EVP_PKEY_CTX *ctx, const unsigned char *salt, int len),
             (ctx, salt, len))

UNIT_OPENSSL(int, 0, EVP_PKEY_CTX_add1_hkdf_info,
             (EVP_PKEY_CTX *ctx, const unsigned char *info, int len),
             (ctx, info, len))

#endif

UNIT_OPENSSL(EVP_CIPHER_CTX *, NULL, EVP_CIPHER_CTX_new, (void), ())

UNIT_OPENSSL(int, 0, EVP_CipherInit_ex,
             (EVP_CIPHER_CTX *ctx, const EVP_CIPHER *type, ENGINE *e,
              const unsigned char *key, const unsigned char *iv, int enc),
             (ctx, type, e, key, iv, enc))

UNIT_OPENSSL(int, 0, EVP_CipherUpdate,
             (EVP_CIPHER_CTX *ctx, unsigned char *out, int *outl,
              const unsigned char *in, int inl),
             (ctx, out, outl, in, inl))

UNIT_OPENSSL(int, 0, EVP_CipherFinal_ex,
             (EVP_CIPHER_CTX *ctx, unsigned char *out, int *outl),
             (ctx, out, outl))

UNIT_OPENSSL(int, 0, EVP_CIPHER_CTX_ctrl,
             (EVP_CIPHER_CTX *ctx, int type, int arg, void *ptr),
             (ctx, type, arg, ptr))

UNIT_OPENSSL(EVP_MD_CTX *, NULL, EVP_MD_CTX_new, (void), ())

UNIT_OPENSSL(int, 0, EVP_DigestFinal_ex,
             (EVP_MD_CTX *ctx, unsigned char *md, unsigned int *size),
             (ctx, md, size))

UNIT_OPENSSL(int, 0, RAND_bytes, (unsigned char *buf, int num), (buf, num))

UNIT_OPENSSL(int, 0, RAND_priv_bytes, (unsigned char *buf, int num),
             (buf, num))


#endif /* UNIT_OPENSSL_H_INCLUDED */
