
/*
 * HMAC-SHA256 (RFC 2104) for what every handshake computes, and the HKDF
 * (RFC 5869) that needs no more than that.
 *
 * OpenSSL's own looks algorithms up and allocates on every call, or keeps the
 * key in ordinary memory.  Here the algorithm is looked up once, and the keys
 * are the caller's.
 */


#ifndef SSS_HMAC_H_INCLUDED
#define SSS_HMAC_H_INCLUDED


#include <stddef.h>
#include <stdint.h>


#define SSS_HMAC_SIZE   32
#define SSS_HMAC_BLOCK  64


/* A key, ready for use; belongs into memory of sss_memory_alloc(). */

typedef struct {
    uint8_t   inner[SSS_HMAC_BLOCK];
    uint8_t   outer[SSS_HMAC_BLOCK];
} sss_hmac_key_t;


/* For one thread at a time. */
typedef struct sss_hmac_s  sss_hmac_t;


/* Returns NULL without memory. */
sss_hmac_t *sss_hmac_create(void);
void sss_hmac_destroy(sss_hmac_t *hmac);

/* Makes a key of up to SSS_HMAC_BLOCK bytes ready. */
void sss_hmac_key(sss_hmac_key_t *key, const uint8_t *bytes, size_t len);

/* The MAC, SSS_HMAC_SIZE bytes.  Returns 0, or -1 if OpenSSL fails. */
int sss_hmac(sss_hmac_t *hmac, const sss_hmac_key_t *key,
    const uint8_t *text, size_t len, uint8_t *mac);

/*
 * HKDF-Extract without salt: makes the pseudorandom key ready for
 * sss_hmac_expand().  Returns 0, or -1; "prk" is wiped then.
 */
int sss_hmac_extract(sss_hmac_t *hmac, const uint8_t *secret, size_t len,
    sss_hmac_key_t *prk);

/* HKDF-Expand to SSS_HMAC_SIZE bytes.  Returns 0, or -1; it is wiped then. */
int sss_hmac_expand(sss_hmac_t *hmac, const sss_hmac_key_t *prk,
    const uint8_t *info, size_t len, uint8_t *out);


#endif /* SSS_HMAC_H_INCLUDED */
