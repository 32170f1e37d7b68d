
/*
 * Key encapsulation: somebody with a public key and somebody with its private
 * key agree on 32 bytes.
 *
 *     SSS_KEM_X25519  DHKEM(X25519, HKDF-SHA256) of RFC 9180, section 4.1
 *     SSS_KEM_XWING   X-Wing (draft-connolly-cfrg-xwing-kem): X25519 and
 *                     ML-KEM-768 (FIPS 203) together, so that what was
 *                     recorded stays closed to a quantum computer, and to who
 *                     breaks one of the two.  It needs OpenSSL 3.5 when it
 *                     runs.
 *
 * OpenSSL has an object for each key, in ordinary memory.  It is made from the
 * bytes for one operation and freed, which wipes it; the bytes are the
 * caller's, and of a private key they belong into memory of
 * sss_memory_alloc().
 */


#ifndef SSS_KEM_H_INCLUDED
#define SSS_KEM_H_INCLUDED


#include <stddef.h>
#include <stdint.h>


#define SSS_KEM_PRIVATE    32
#define SSS_KEM_SHARED     32
#define SSS_KEM_PUBLIC     1216         /* the longest                     */
#define SSS_KEM_SENT       1120         /* likewise                        */


/* The numbers that IANA has for them in HPKE. */

typedef enum {
    SSS_KEM_X25519 = 0x0020,
    SSS_KEM_XWING = 0x647a
} sss_kem_t;


/* Bytes of a public key, and of what is sent to its owner; 0: no such KEM. */
size_t sss_kem_public_size(sss_kem_t kem);
size_t sss_kem_sent_size(sss_kem_t kem);

/* 1 if this OpenSSL has what it takes, else 0. */
int sss_kem_available(sss_kem_t kem);

/*
 * Makes a pair: SSS_KEM_PRIVATE random bytes, of X-Wing the seed, and
 * sss_kem_public_size().  Returns 0, or -1; both are wiped then.
 */
int sss_kem_generate(sss_kem_t kem, uint8_t *private_key,
    uint8_t *public_key);

/*
 * Agrees with the owner of a public key: "sent", sss_kem_sent_size() bytes, is
 * for him, "shared" are SSS_KEM_SHARED bytes.  Returns 0, or -1 if OpenSSL
 * fails or the key is none; "shared" is wiped then.
 */
int sss_kem_encapsulate(sss_kem_t kem, const uint8_t *public_key,
    uint8_t *sent, uint8_t *shared);

/*
 * The same 32 bytes, for the owner.  Of X25519 it fails if "sent" is no key;
 * whatever else was not sent for this key leads to other bytes.
 */
int sss_kem_decapsulate(sss_kem_t kem, const uint8_t *private_key,
    const uint8_t *public_key, const uint8_t *sent, uint8_t *shared);


#endif /* SSS_KEM_H_INCLUDED */
