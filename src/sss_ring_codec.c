
#include <string.h>

#include "sss_memory.h"
#include "sss_number.h"
#include "sss_ring_codec.h"


/* The latest time, in seconds, for which no sum in milliseconds overflows. */

#define SSS_TIME_END  (UINT64_MAX / 2000)


static int sss_key_check(const sss_key_t *key);
static void sss_key_encode(const sss_key_t *key, uint8_t *p);
static void sss_key_decode(sss_key_t *key, const uint8_t *p);


size_t
sss_ring_encoded_size(uint32_t n)
{
    return SSS_RING_CODEC_HEADER + (size_t) n * SSS_RING_CODEC_KEY;
}


void
sss_ring_encode(const sss_ring_t *ring, uint8_t *out)
{
    uint32_t  i;

    (void) sss_put32(out, 1u << 24 | ring->n);
    out += SSS_RING_CODEC_HEADER;

    for (i = 0; i < ring->n; i++) {
        sss_key_encode(&ring->keys[i], out);
        out += SSS_RING_CODEC_KEY;
    }
}


int
sss_ring_decode(sss_ring_t *ring, const uint8_t *in, size_t len)
{
    int          rc;
    sss_ring_t  *keys;

    keys = sss_ring_create((uint32_t) (len / SSS_RING_CODEC_KEY));
    if (keys == NULL) {
        return -1;
    }

    rc = sss_ring_decode_raw(keys, in, len);

    if (rc == 0) {
        (void) sss_ring_merge(ring, keys);
    }

    sss_ring_destroy(keys);

    return rc;
}


int
sss_ring_decode_raw(sss_ring_t *raw, const uint8_t *in, size_t len)
{
    size_t  n;

    sss_ring_wipe(raw);

    if (len < SSS_RING_CODEC_HEADER || in[0] != 1) {
        return -1;
    }

    n = sss_get32(in) & 0xffffff;
    in += SSS_RING_CODEC_HEADER;
    len -= SSS_RING_CODEC_HEADER;

    if (len % SSS_RING_CODEC_KEY != 0 || len / SSS_RING_CODEC_KEY != n
        || n > raw->capacity)
    {
        return -1;
    }

    while (raw->n < n) {
        sss_key_decode(&raw->keys[raw->n], in);

        if (sss_key_check(&raw->keys[raw->n++]) != 0) {
            sss_ring_wipe(raw);
            return -1;
        }

        in += SSS_RING_CODEC_KEY;
    }

    return 0;
}


static int
sss_key_check(const sss_key_t *key)
{
    uint64_t  end;

    if (key->rotation == 0 || key->slot >= SSS_TIME_END / key->rotation) {
        return -1;
    }

    end = (key->slot + 1) * key->rotation;

    if (key->expires < end || key->expires - end > SSS_KEY_LIFE) {
        return -1;
    }

    return 0;
}


static void
sss_key_encode(const sss_key_t *key, uint8_t *p)
{
    p = sss_put64(p, key->slot);
    p = sss_put32(p, key->rotation);
    p = sss_put64(p, key->created);
    p = sss_put64(p, key->expires);

    memcpy(p, key->name, SSS_KEY_NAME);
    p += SSS_KEY_NAME;

    memcpy(p, key->aes, sizeof(key->aes));
    p += sizeof(key->aes);

    memcpy(p, key->hmac, sizeof(key->hmac));
}


static void
sss_key_decode(sss_key_t *key, const uint8_t *p)
{
    key->slot = sss_get64(p);
    key->rotation = sss_get32(p + 8);
    key->created = sss_get64(p + 12);
    key->expires = sss_get64(p + 20);
    key->learned = 0;
    key->unused = 0;

    p += 28;

    memcpy(key->name, p, SSS_KEY_NAME);
    p += SSS_KEY_NAME;

    memcpy(key->aes, p, sizeof(key->aes));
    p += sizeof(key->aes);

    memcpy(key->hmac, p, sizeof(key->hmac));
}
