
/*
 * HMAC-SHA256 (RFC 2104) for the MACs that handshakes compute, and HKDF-SHA256
 * (RFC 5869) with output of one block.
 *
 * HMAC hashes the key, padded to a block, before the text and again before the
 * inner hash.  sss_hmac_key() does this once and keeps the two states of
 * SHA-256, which saves half of the work for a short text.  OpenSSL's HMAC does
 * the same, but keeps the states in ordinary memory and allocates in order to
 * copy them.  Here they are in the caller's memory, nothing is allocated, and
 * nothing can fail.
 */


#ifndef SSS_HMAC_H_INCLUDED
#define SSS_HMAC_H_INCLUDED


#include <stddef.h>
#include <stdint.h>

#include <openssl/sha.h>


#define SSS_HMAC_SIZE   32
#define SSS_HMAC_BLOCK  64


/*
 * A prepared key.  It is as secret as the key itself, and belongs into memory
 * of sss_memory_alloc().
 */

typedef struct {
    SHA256_CTX   inner;         /* after the key XOR ipad                  */
    SHA256_CTX   outer;         /* after the key XOR opad                  */
} sss_hmac_key_t;


/* Prepares a key of "len" bytes, at most SSS_HMAC_BLOCK. */
void sss_hmac_key(sss_hmac_key_t *key, const uint8_t *bytes, size_t len);

/* Computes the MAC of a text into "mac", SSS_HMAC_SIZE bytes. */
void sss_hmac(const sss_hmac_key_t *key, const uint8_t *text, size_t len,
    uint8_t *mac);

/*
 * HKDF-Extract (RFC 5869, 2.2) without salt.  "prk" becomes the pseudorandom
 * key, prepared for sss_hmac_expand().
 */
void sss_hmac_extract(const uint8_t *secret, size_t len, sss_hmac_key_t *prk);

/* HKDF-Expand (RFC 5869, 2.3) to SSS_HMAC_SIZE bytes, one block. */
void sss_hmac_expand(const sss_hmac_key_t *prk, const uint8_t *info,
    size_t len, uint8_t *out);


#endif /* SSS_HMAC_H_INCLUDED */
