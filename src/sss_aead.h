
/*
 * AES-256-GCM (NIST SP 800-38D) for the records that handshakes seal and open.
 *
 * Whenever OpenSSL makes a cipher context it looks the algorithm up and
 * allocates memory.  Here both are done once, in sss_aead_create(), and the
 * key is wiped from the context after each use.
 */


#ifndef SSS_AEAD_H_INCLUDED
#define SSS_AEAD_H_INCLUDED


#include <stddef.h>
#include <stdint.h>


#define SSS_AEAD_KEY    32
#define SSS_AEAD_NONCE  12
#define SSS_AEAD_TAG    16


/*
 * A piece of the additional data, which is authenticated and not encrypted.
 * GCM sees all pieces as one string.
 */

typedef struct {
    const void  *p;
    size_t       len;
} sss_aead_piece_t;


/* Must not be used by two threads at a time. */
typedef struct sss_aead_s  sss_aead_t;


/* Returns NULL if memory or the algorithm is not available. */
sss_aead_t *sss_aead_create(void);
void sss_aead_destroy(sss_aead_t *aead);

/*
 * Encrypts "len" bytes of "plain" into "out", which has room for
 * len + SSS_AEAD_TAG bytes: the ciphertext and after it the tag.  "key" has
 * SSS_AEAD_KEY bytes and "nonce" SSS_AEAD_NONCE; the caller never uses the
 * same nonce twice under one key.  "ad" has "n" pieces.  Returns 0, or -1 if
 * OpenSSL fails; "out" is wiped then.
 */
int sss_aead_seal(sss_aead_t *aead, const uint8_t *key, const uint8_t *nonce,
    const sss_aead_piece_t *ad, size_t n, const void *plain, size_t len,
    uint8_t *out);

/*
 * Decrypts the "len" bytes of "sealed", the last SSS_AEAD_TAG of which are the
 * tag, into "out", which has room for len - SSS_AEAD_TAG.  Returns 0.  Returns
 * -1 if there are fewer bytes than a tag has, or if they were not made with
 * this key, nonce and "ad": "out" is wiped then.  OpenSSL's error queue is
 * left as it was.
 */
int sss_aead_open(sss_aead_t *aead, const uint8_t *key, const uint8_t *nonce,
    const sss_aead_piece_t *ad, size_t n, const uint8_t *sealed, size_t len,
    uint8_t *out);


#endif /* SSS_AEAD_H_INCLUDED */
