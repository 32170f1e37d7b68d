
#include <string.h>

#include <openssl/crypto.h>

#include "sss_label.h"
#include "sss_number.h"
#include "sss_secret.h"


#define SSS_LABEL_INFO   "ngx_ssl_session_sync label 1"
#define SSS_LABEL_TEXT   48             /* bytes before the MAC            */
#define SSS_LABEL_MAC    16
#define SSS_LABEL_SPACE  512            /* room for a namespace            */


static void sss_label_mac(const sss_hmac_key_t *key, const uint8_t *text,
    const char *ns, size_t ns_len, uint8_t *mac);


int
sss_label_key(const uint8_t *secret, sss_hmac_key_t *key)
{
    return sss_secret_mac_key(secret, SSS_LABEL_INFO, key);
}


void
sss_label_write(const sss_label_t *label, const sss_hmac_key_t *key,
    const char *ns, size_t ns_len, uint8_t *out)
{
    uint8_t  *p;

    memset(out, 0, SSS_LABEL_SIZE);

    memcpy(out, "SSSL", 4);
    out[4] = 1;

    p = sss_put32(out + 8, label->generation);
    p = sss_put32(p, label->epoch);
    p = sss_put64(p, label->created);

    memcpy(p, label->id, SSS_GROUP_ID);

    (void) sss_put32(p + SSS_GROUP_ID, label->poll_ms);

    sss_label_mac(key, out, ns, ns_len, out + SSS_LABEL_TEXT);
}


int
sss_label_read(sss_label_t *label, const sss_hmac_key_t *key, const char *ns,
    size_t ns_len, const uint8_t *in, size_t len)
{
    uint8_t               mac[SSS_LABEL_MAC];
    static const uint8_t  head[8] = { 'S', 'S', 'S', 'L', 1, 0, 0, 0 };

    if (len < SSS_LABEL_SIZE || memcmp(in, head, sizeof(head)) != 0
        || sss_get32(in + 44) != 0)
    {
        return -1;
    }

    sss_label_mac(key, in, ns, ns_len, mac);

    if (CRYPTO_memcmp(mac, in + SSS_LABEL_TEXT, SSS_LABEL_MAC) != 0) {
        return -1;
    }

    label->generation = sss_get32(in + 8);
    label->epoch = sss_get32(in + 12);
    label->created = sss_get64(in + 16);
    memcpy(label->id, in + 24, SSS_GROUP_ID);
    label->poll_ms = sss_get32(in + 40);

    return label->generation != 0 ? 0 : -1;
}


int
sss_label_same(const sss_label_t *a, const sss_label_t *b)
{
    return a->generation == b->generation && a->created == b->created
           && memcmp(a->id, b->id, SSS_GROUP_ID) == 0;
}


int
sss_label_beats(const sss_label_t *a, const sss_label_t *b)
{
    if (a->generation != b->generation) {
        return a->generation > b->generation;
    }

    if (a->created != b->created) {
        return a->created < b->created;
    }

    return memcmp(a->id, b->id, SSS_GROUP_ID) < 0;
}


/*
 * Cutting the namespace only guards the buffer: the configuration takes no
 * namespace of more than SSS_NAMESPACE_MAX bytes.
 */

static void
sss_label_mac(const sss_hmac_key_t *key, const uint8_t *text, const char *ns,
    size_t ns_len, uint8_t *mac)
{
    uint8_t  all[SSS_LABEL_TEXT + SSS_LABEL_SPACE], full[SSS_HMAC_SIZE];

    if (ns_len > SSS_LABEL_SPACE) {
        ns_len = SSS_LABEL_SPACE;
    }

    memcpy(all, text, SSS_LABEL_TEXT);

    if (ns_len > 0) {
        memcpy(all + SSS_LABEL_TEXT, ns, ns_len);
    }

    sss_hmac(key, all, SSS_LABEL_TEXT + ns_len, full);
    memcpy(mac, full, SSS_LABEL_MAC);
}
