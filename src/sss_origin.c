
#include <string.h>

#include "sss_number.h"
#include "sss_origin.h"


#define SSS_ORIGIN_FORMAT  1


/* The bytes that are still to be read. */

typedef struct {
    const uint8_t  *p;
    size_t          len;
} sss_origin_rest_t;


static uint8_t *sss_origin_put(uint8_t *out, const void *bytes, size_t len);
static uint8_t *sss_origin_put_time(uint8_t *out, uint64_t time);
static const uint8_t *sss_origin_take(sss_origin_rest_t *rest, size_t len);
static int sss_origin_take_copy(sss_origin_rest_t *rest, void *out,
    size_t len);
static int sss_origin_take_time(sss_origin_rest_t *rest, uint64_t *time);
static int sss_origin_take_name(sss_origin_rest_t *rest, sss_sni_t *sni);
static int sss_origin_take_chain(sss_origin_rest_t *rest,
    sss_origin_t *origin);


size_t
sss_origin_write(const sss_origin_t *origin, uint8_t *out)
{
    size_t                    i;
    uint8_t                  *p;
    const sss_origin_cert_t  *cert;

    if (origin->n_chain > SSS_ORIGIN_CHAIN) {
        return 0;
    }

    p = out;

    *p++ = SSS_ORIGIN_FORMAT;
    p = sss_put32(p, origin->generation);
    p = sss_put64(p, origin->badge);
    p = sss_origin_put(p, origin->scope, SSS_SCOPE_SIZE);
    p = sss_origin_put(p, origin->names, SSS_ORIGIN_NAMES);
    p = sss_origin_put_time(p, origin->made);
    p = sss_origin_put_time(p, origin->expires);

    *p++ = origin->sni.len;
    p = sss_origin_put(p, origin->sni.name, origin->sni.len);

    *p++ = (uint8_t) origin->n_chain;

    for (i = 0; i < origin->n_chain; i++) {
        cert = &origin->chain[i];

        if (cert->serial_len == 0 || cert->serial_len > SSS_ORIGIN_SERIAL) {
            return 0;
        }

        p = sss_origin_put(p, cert->issuer, SSS_ORIGIN_ISSUER);
        *p++ = (uint8_t) cert->serial_len;
        p = sss_origin_put(p, cert->serial, cert->serial_len);
    }

    return (size_t) (p - out);
}


int
sss_origin_read(const uint8_t *bytes, size_t len, sss_origin_t *origin)
{
    const uint8_t      *format, *generation, *badge;
    sss_origin_rest_t   rest;

    rest.p = bytes;
    rest.len = len;

    format = sss_origin_take(&rest, 1);
    generation = sss_origin_take(&rest, 4);
    badge = sss_origin_take(&rest, 8);

    if (format == NULL || *format != SSS_ORIGIN_FORMAT || badge == NULL
        || sss_origin_take_copy(&rest, origin->scope, SSS_SCOPE_SIZE) != 0
        || sss_origin_take_copy(&rest, origin->names, SSS_ORIGIN_NAMES) != 0
        || sss_origin_take_time(&rest, &origin->made) != 0
        || sss_origin_take_time(&rest, &origin->expires) != 0
        || sss_origin_take_name(&rest, &origin->sni) != 0
        || sss_origin_take_chain(&rest, origin) != 0)
    {
        return -1;
    }

    origin->generation = sss_get32(generation);
    origin->badge = sss_get64(badge);

    return rest.len == 0 ? 0 : -1;
}


static uint8_t *
sss_origin_put(uint8_t *out, const void *bytes, size_t len)
{
    memcpy(out, bytes, len);

    return out + len;
}


static uint8_t *
sss_origin_put_time(uint8_t *out, uint64_t time)
{
    int  shift;

    if (time > SSS_ORIGIN_NEVER) {
        time = SSS_ORIGIN_NEVER;
    }

    for (shift = 8 * (SSS_ORIGIN_TIME - 1); shift >= 0; shift -= 8) {
        *out++ = (uint8_t) (time >> shift);
    }

    return out;
}


/* Returns a pointer to the next "len" bytes, or NULL if there are fewer. */

static const uint8_t *
sss_origin_take(sss_origin_rest_t *rest, size_t len)
{
    const uint8_t  *p;

    if (rest->len < len) {
        return NULL;
    }

    p = rest->p;

    rest->p += len;
    rest->len -= len;

    return p;
}


static int
sss_origin_take_copy(sss_origin_rest_t *rest, void *out, size_t len)
{
    const uint8_t  *p;

    p = sss_origin_take(rest, len);

    if (p == NULL) {
        return -1;
    }

    memcpy(out, p, len);

    return 0;
}


static int
sss_origin_take_time(sss_origin_rest_t *rest, uint64_t *time)
{
    int             i;
    const uint8_t  *p;

    p = sss_origin_take(rest, SSS_ORIGIN_TIME);

    if (p == NULL) {
        return -1;
    }

    *time = 0;

    for (i = 0; i < SSS_ORIGIN_TIME; i++) {
        *time = *time << 8 | p[i];
    }

    return 0;
}


static int
sss_origin_take_name(sss_origin_rest_t *rest, sss_sni_t *sni)
{
    const uint8_t  *p, *len;

    len = sss_origin_take(rest, 1);

    if (len == NULL) {
        return -1;
    }

    sni->len = 0;

    if (*len == 0) {
        return 0;
    }

    p = sss_origin_take(rest, *len);

    if (p == NULL || sss_sni_set(sni, (const char *) p, *len) != 0) {
        return -1;
    }

    /* sss_sni_set() has made it lower case, as it was written */

    return memcmp(sni->name, p, *len) == 0 ? 0 : -1;
}


static int
sss_origin_take_chain(sss_origin_rest_t *rest, sss_origin_t *origin)
{
    size_t              i;
    const uint8_t      *n, *len;
    sss_origin_cert_t  *cert;

    n = sss_origin_take(rest, 1);

    if (n == NULL || *n > SSS_ORIGIN_CHAIN) {
        return -1;
    }

    origin->n_chain = *n;

    for (i = 0; i < origin->n_chain; i++) {
        cert = &origin->chain[i];

        if (sss_origin_take_copy(rest, cert->issuer, SSS_ORIGIN_ISSUER)
            != 0)
        {
            return -1;
        }

        len = sss_origin_take(rest, 1);

        if (len == NULL || *len == 0 || *len > SSS_ORIGIN_SERIAL) {
            return -1;
        }

        cert->serial_len = *len;
        cert->serial = sss_origin_take(rest, *len);

        if (cert->serial == NULL) {
            return -1;
        }
    }

    return 0;
}
