
#include <string.h>

#include "sss_labeled.h"
#include "sss_memory.h"


#define SSS_LABELED_VERSION  "HPKE-v1"


static size_t sss_labeled_put(sss_labeled_t *labeled, size_t off,
    const char *label, const uint8_t *text, size_t len);


void
sss_labeled_suite(sss_labeled_t *labeled, const char *name,
    const uint16_t *ids, size_t n)
{
    size_t  i, len;

    len = strlen(name);

    memcpy(labeled->suite, name, len);

    for (i = 0; i < n; i++) {
        labeled->suite[len++] = (uint8_t) (ids[i] >> 8);
        labeled->suite[len++] = (uint8_t) ids[i];
    }

    labeled->suite_len = len;
}


void
sss_labeled_extract(sss_labeled_t *labeled, const uint8_t *salt,
    size_t salt_len, const char *label, const uint8_t *text, size_t len,
    uint8_t *out)
{
    sss_hmac_key_t  key;

    len = sss_labeled_put(labeled, 0, label, text, len);

    sss_hmac_key(&key, salt, salt_len);
    sss_hmac(&key, labeled->bytes, len, out);

    sss_memory_wipe(&key, sizeof(key));
}


void
sss_labeled_expand(sss_labeled_t *labeled, const sss_hmac_key_t *prk,
    const char *label, const uint8_t *text, size_t len, uint8_t *out,
    size_t size)
{
    uint8_t  bytes[SSS_HMAC_SIZE];

    labeled->bytes[0] = (uint8_t) (size >> 8);
    labeled->bytes[1] = (uint8_t) size;

    len = sss_labeled_put(labeled, 2, label, text, len);

    sss_hmac_expand(prk, labeled->bytes, len, bytes);
    memcpy(out, bytes, size);

    sss_memory_wipe(bytes, sizeof(bytes));
}


static size_t
sss_labeled_put(sss_labeled_t *labeled, size_t off, const char *label,
    const uint8_t *text, size_t len)
{
    uint8_t  *p;

    p = labeled->bytes + off;

    memcpy(p, SSS_LABELED_VERSION, sizeof(SSS_LABELED_VERSION) - 1);
    p += sizeof(SSS_LABELED_VERSION) - 1;

    memcpy(p, labeled->suite, labeled->suite_len);
    p += labeled->suite_len;

    memcpy(p, label, strlen(label));
    p += strlen(label);

    if (len > 0) {
        memcpy(p, text, len);
        p += len;
    }

    return (size_t) (p - labeled->bytes);
}
