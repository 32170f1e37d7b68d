
/*
 * Key encapsulation mechanisms (KEM): a sender that has a public key and the
 * owner of the private key agree on 32 secret bytes.
 *
 *     SSS_KEM_X25519  DHKEM(X25519, HKDF-SHA256) of RFC 9180, section 4.1
 *     SSS_KEM_XWING   X-Wing (draft-connolly-cfrg-xwing-kem): X25519 and
 *                     ML-KEM-768 (FIPS 203) together.  What was recorded stays
 *                     secret as long as one of the two is unbroken: ML-KEM is
 *                     to withstand quantum computers, which break X25519.  It
 *                     needs OpenSSL 3.5 or later at run time.
 *
 * Keys are bytes in the caller's memory; those of a private key belong into
 * memory of sss_memory_alloc().  OpenSSL needs an object for each key, which
 * is in ordinary memory.  It is made for one operation and freed at once,
 * which wipes it.
 */


#ifndef SSS_KEM_H_INCLUDED
#define SSS_KEM_H_INCLUDED


#include <stddef.h>
#include <stdint.h>


#define SSS_KEM_PRIVATE    32
#define SSS_KEM_SHARED     32
#define SSS_KEM_PUBLIC     1216         /* bytes of the longest public key */
#define SSS_KEM_SENT       1120         /* most bytes that are sent to the
                                           owner of the private key        */


/* The values are those of IANA's registry of HPKE KEM identifiers. */

typedef enum {
    SSS_KEM_X25519 = 0x0020,
    SSS_KEM_XWING = 0x647a
} sss_kem_t;


/*
 * The bytes of a public key, and the bytes that are sent to its owner ("enc"
 * of RFC 9180).  0 if there is no such KEM.
 */
size_t sss_kem_public_size(sss_kem_t kem);
size_t sss_kem_sent_size(sss_kem_t kem);

/* 1 if the OpenSSL that is loaded supports this KEM, else 0. */
int sss_kem_available(sss_kem_t kem);

/*
 * Makes a key pair: a private key of SSS_KEM_PRIVATE random bytes, which for
 * X-Wing are the seed of the actual keys, and a public key of
 * sss_kem_public_size() bytes.  Returns 0, or -1 if there is no such KEM or
 * OpenSSL fails; no private key is left then.
 */
int sss_kem_generate(sss_kem_t kem, uint8_t *private_key,
    uint8_t *public_key);

/*
 * The sender's side: makes the SSS_KEM_SHARED bytes of "shared", and the
 * sss_kem_sent_size() bytes of "sent", from which the owner of the public key
 * computes the same.  Returns 0, or -1 if the public key is invalid or OpenSSL
 * fails; "shared" is wiped then.
 */
int sss_kem_encapsulate(sss_kem_t kem, const uint8_t *public_key,
    uint8_t *sent, uint8_t *shared);

/*
 * The owner's side: computes "shared" from "sent".  Returns 0, or -1 if the
 * X25519 part of "sent" is not a valid public key or OpenSSL fails; "shared"
 * is wiped then.  Bytes that were sent for another key are not detected: they
 * lead to a different "shared".
 */
int sss_kem_decapsulate(sss_kem_t kem, const uint8_t *private_key,
    const uint8_t *public_key, const uint8_t *sent, uint8_t *shared);


#endif /* SSS_KEM_H_INCLUDED */
