
/*
 * ML-KEM-768 (FIPS 203) as OpenSSL has it from 3.5 on.  Asked for by name when
 * it runs, so that what was built with an older OpenSSL uses it as well.
 */


#ifndef SSS_MLKEM_H_INCLUDED
#define SSS_MLKEM_H_INCLUDED


#include <stdint.h>


#define SSS_MLKEM_SEED    64            /* d and z of a private key        */
#define SSS_MLKEM_PUBLIC  1184
#define SSS_MLKEM_SENT    1088
#define SSS_MLKEM_SHARED  32


/* 1 if OpenSSL has it, else 0. */
int sss_mlkem_available(void);

/* The public key of a seed.  All of these return 0, or -1 if OpenSSL fails. */
int sss_mlkem_public(const uint8_t *seed, uint8_t *public_key);

int sss_mlkem_encapsulate(const uint8_t *public_key, uint8_t *sent,
    uint8_t *shared);

/* What was not sent for this key leads to other bytes, and is no failure. */
int sss_mlkem_decapsulate(const uint8_t *seed, const uint8_t *sent,
    uint8_t *shared);


#endif /* SSS_MLKEM_H_INCLUDED */
