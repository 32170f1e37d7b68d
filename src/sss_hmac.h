
/*
 * HMAC-SHA256 (RFC 2104) for what every handshake computes, and the HKDF
 * (RFC 5869) that needs no more than that.
 *
 * A key is made ready once and kept as the two states of SHA-256 that it
 * leads to, which saves half of the work on a short text.  OpenSSL's own
 * HMAC keeps them in ordinary memory, and allocates to copy them; here they
 * are the caller's, and nothing is allocated or can fail.
 */


#ifndef SSS_HMAC_H_INCLUDED
#define SSS_HMAC_H_INCLUDED


#include <stddef.h>
#include <stdint.h>

#include <openssl/sha.h>


#define SSS_HMAC_SIZE   32
#define SSS_HMAC_BLOCK  64


/* A key, ready for use; belongs into memory of sss_memory_alloc(). */

typedef struct {
    SHA256_CTX   inner;
    SHA256_CTX   outer;
} sss_hmac_key_t;


/* Makes a key of up to SSS_HMAC_BLOCK bytes ready. */
void sss_hmac_key(sss_hmac_key_t *key, const uint8_t *bytes, size_t len);

/* The MAC, SSS_HMAC_SIZE bytes. */
void sss_hmac(const sss_hmac_key_t *key, const uint8_t *text, size_t len,
    uint8_t *mac);

/*
 * HKDF-Extract without salt: makes the pseudorandom key ready for
 * sss_hmac_expand().
 */
void sss_hmac_extract(const uint8_t *secret, size_t len, sss_hmac_key_t *prk);

/* HKDF-Expand to SSS_HMAC_SIZE bytes. */
void sss_hmac_expand(const sss_hmac_key_t *prk, const uint8_t *info,
    size_t len, uint8_t *out);


#endif /* SSS_HMAC_H_INCLUDED */
