
/*
 * OpenSSL 3 deprecates SHA256_Init() and the like in favour of EVP_MD_CTX,
 * which does not let a caller keep the state in memory of its own.
 */

#define OPENSSL_SUPPRESS_DEPRECATED

#include <string.h>

#include "sss_hmac.h"
#include "sss_memory.h"


static void sss_hmac_half(SHA256_CTX *half, const uint8_t *bytes, size_t len,
    uint8_t pad);
static void sss_hmac_two(const sss_hmac_key_t *key, const uint8_t *text,
    size_t len, const uint8_t *tail, size_t tail_len, uint8_t *mac);


void
sss_hmac_key(sss_hmac_key_t *key, const uint8_t *bytes, size_t len)
{
    sss_hmac_half(&key->inner, bytes, len, 0x36);
    sss_hmac_half(&key->outer, bytes, len, 0x5c);
}


static void
sss_hmac_half(SHA256_CTX *half, const uint8_t *bytes, size_t len, uint8_t pad)
{
    size_t   i;
    uint8_t  block[SSS_HMAC_BLOCK];

    memset(block, pad, sizeof(block));

    for (i = 0; i < len && i < sizeof(block); i++) {
        block[i] ^= bytes[i];
    }

    (void) SHA256_Init(half);
    (void) SHA256_Update(half, block, sizeof(block));

    sss_memory_wipe(block, sizeof(block));
}


void
sss_hmac(const sss_hmac_key_t *key, const uint8_t *text, size_t len,
    uint8_t *mac)
{
    sss_hmac_two(key, text, len, NULL, 0, mac);
}


void
sss_hmac_extract(const uint8_t *secret, size_t len, sss_hmac_key_t *prk)
{
    uint8_t  bytes[SSS_HMAC_SIZE];

    /*
     * An absent salt stands for 32 zeros (RFC 5869, 2.2), and HMAC pads an
     * empty key with zeros to the same block.
     */

    sss_hmac_key(prk, NULL, 0);
    sss_hmac(prk, secret, len, bytes);
    sss_hmac_key(prk, bytes, sizeof(bytes));

    sss_memory_wipe(bytes, sizeof(bytes));
}


void
sss_hmac_expand(const sss_hmac_key_t *prk, const uint8_t *info, size_t len,
    uint8_t *out)
{
    static const uint8_t  first = 1;

    sss_hmac_two(prk, info, len, &first, 1, out);
}


/*
 * The results of OpenSSL's functions are not checked: for a state that
 * SHA256_Init() has made they always succeed.
 */

static void
sss_hmac_two(const sss_hmac_key_t *key, const uint8_t *text, size_t len,
    const uint8_t *tail, size_t tail_len, uint8_t *mac)
{
    struct {
        SHA256_CTX   ctx;
        uint8_t      hash[SSS_HMAC_SIZE];
    } work;

    work.ctx = key->inner;

    (void) SHA256_Update(&work.ctx, text, len);
    (void) SHA256_Update(&work.ctx, tail, tail_len);
    (void) SHA256_Final(work.hash, &work.ctx);

    work.ctx = key->outer;

    (void) SHA256_Update(&work.ctx, work.hash, sizeof(work.hash));
    (void) SHA256_Final(mac, &work.ctx);

    sss_memory_wipe(&work, sizeof(work));
}
