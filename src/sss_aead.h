
/*
 * AES-256-GCM (NIST SP 800-38D) for what every handshake seals and opens.
 *
 * OpenSSL looks the algorithm up and allocates whenever a context is made.
 * Here that is done once, and the key is wiped from the context after each
 * use.
 */


#ifndef SSS_AEAD_H_INCLUDED
#define SSS_AEAD_H_INCLUDED


#include <stddef.h>
#include <stdint.h>


#define SSS_AEAD_KEY    32
#define SSS_AEAD_NONCE  12
#define SSS_AEAD_TAG    16


/* What is authenticated and not encrypted: one piece after the other. */

typedef struct {
    const void  *p;
    size_t       len;
} sss_aead_piece_t;


/* For one thread at a time. */
typedef struct sss_aead_s  sss_aead_t;


/* Returns NULL without memory. */
sss_aead_t *sss_aead_create(void);
void sss_aead_destroy(sss_aead_t *aead);

/*
 * Encrypts "len" bytes into "out", which has room for len + SSS_AEAD_TAG:
 * the tag comes last.  A nonce must not be used twice under a key.  "ad" are
 * "n" pieces.  Returns 0, or -1 if OpenSSL fails; "out" is wiped then.
 */
int sss_aead_seal(sss_aead_t *aead, const uint8_t *key, const uint8_t *nonce,
    const sss_aead_piece_t *ad, size_t n, const void *plain, size_t len,
    uint8_t *out);

/*
 * Decrypts "len" bytes, the last SSS_AEAD_TAG of which are the tag, into
 * "out", which has room for len - SSS_AEAD_TAG.  Returns 0, or -1 if they are
 * fewer or were not made with this key, nonce and "ad"; "out" is wiped then,
 * and OpenSSL's error queue is as before.
 */
int sss_aead_open(sss_aead_t *aead, const uint8_t *key, const uint8_t *nonce,
    const sss_aead_piece_t *ad, size_t n, const uint8_t *sealed, size_t len,
    uint8_t *out);


#endif /* SSS_AEAD_H_INCLUDED */
