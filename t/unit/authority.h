
/* Certificates for the unit tests.  If one cannot be made the test fails. */


#ifndef AUTHORITY_H_INCLUDED
#define AUTHORITY_H_INCLUDED


#include "unit.h"

#include <openssl/evp.h>
#include <openssl/x509.h>


typedef struct {
    EVP_PKEY    *key;
    X509        *certificate;
    char         file[64];              /* with the certificate            */
} authority_t;


/* A certificate and its key in a file. */

typedef struct {
    char         file[64];
    char         option[192];           /* for memcached's -o              */
} pair_t;


EVP_PKEY *key_make(void);

/*
 * Makes a certificate that is valid for so many seconds from now, signed by an
 * authority, or by itself if that is NULL.  Without names it is the
 * certificate of an authority.
 */
X509 *certificate_make(EVP_PKEY *key, const char *names, long seconds,
    const authority_t *authority);

void authority_make(authority_t *authority);
void authority_free(authority_t *authority);

void pair_make(pair_t *pair, const authority_t *authority,
    const char *names);
void pair_free(pair_t *pair);


#endif /* AUTHORITY_H_INCLUDED */
