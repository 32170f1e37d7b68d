
/*
 * ML-KEM-768 (FIPS 203), which OpenSSL has from 3.5 on.  The algorithm is
 * fetched by its name at run time, so that a module which was built with an
 * older OpenSSL 3 uses it as well.
 */


#ifndef SSS_MLKEM_H_INCLUDED
#define SSS_MLKEM_H_INCLUDED


#include <stdint.h>


#define SSS_MLKEM_SEED    64            /* d and z of FIPS 203, 7.1, from which
                                           a private key is made           */
#define SSS_MLKEM_PUBLIC  1184          /* the encapsulation key           */
#define SSS_MLKEM_SENT    1088          /* the ciphertext                  */
#define SSS_MLKEM_SHARED  32


/* 1 if the OpenSSL that is loaded has ML-KEM-768, else 0. */
int sss_mlkem_available(void);

/*
 * Computes the public key of a seed.  The arrays of this and the following
 * functions have the sizes above, and all return 0, or -1 if OpenSSL fails.
 */
int sss_mlkem_public(const uint8_t *seed, uint8_t *public_key);

/* Makes "shared" and what the owner of the public key needs to compute it. */
int sss_mlkem_encapsulate(const uint8_t *public_key, uint8_t *sent,
    uint8_t *shared);

/*
 * Computes "shared" from "sent".  If that was made for another key there is no
 * failure, but a different "shared" (implicit rejection, FIPS 203, 6.3).
 */
int sss_mlkem_decapsulate(const uint8_t *seed, const uint8_t *sent,
    uint8_t *shared);


#endif /* SSS_MLKEM_H_INCLUDED */
