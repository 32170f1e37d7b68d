
#include <limits.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include "sss_memory.h"
#include "sss_name.h"
#include "sss_secret.h"


#define SSS_INFO_TAG       "ngx_ssl_session_sync tag 1"
#define SSS_INFO_TAG_FS    "ngx_ssl_session_sync tag 2"
#define SSS_INFO_NAME      "ngx_ssl_session_sync name 1"
#define SSS_INFO_PRESENCE  "ngx_ssl_session_sync presence 1"

#define SSS_NAME_WHAT      255
#define SSS_NAME_SPACE     512

#define sss_len(literal)   (sizeof(literal) - 1)


static sss_secret_error_t sss_secrets_line(sss_secrets_t *secrets,
    const char *p, size_t len);
static sss_secret_error_t sss_secrets_add(sss_secrets_t *secrets,
    const char *hex);
static int sss_hex_digit(char c);
static int sss_blank(char c);


sss_secret_error_t
sss_secrets_parse(const char *text, size_t len, sss_secrets_t *secrets,
    unsigned *line)
{
    size_t               n;
    const char          *eol;
    sss_secret_error_t   error;

    sss_memory_wipe(secrets, sizeof(sss_secrets_t));

    *line = 0;

    while (len > 0) {
        eol = memchr(text, '\n', len);
        n = (eol == NULL) ? len : (size_t) (eol - text);

        (*line)++;

        error = sss_secrets_line(secrets, text, n);
        if (error != SSS_SECRET_OK) {
            goto failed;
        }

        if (n < len) {
            n++;
        }

        text += n;
        len -= n;
    }

    if (secrets->n == 0) {

        if (*line == 0) {
            *line = 1;
        }

        error = SSS_SECRET_EMPTY;
        goto failed;
    }

    return SSS_SECRET_OK;

failed:

    sss_memory_wipe(secrets, sizeof(sss_secrets_t));

    return error;
}


static sss_secret_error_t
sss_secrets_line(sss_secrets_t *secrets, const char *p, size_t len)
{
    const char  *comment;

    comment = memchr(p, '#', len);

    if (comment != NULL) {
        len = (size_t) (comment - p);
    }

    while (len > 0 && sss_blank(p[0])) {
        p++;
        len--;
    }

    while (len > 0 && sss_blank(p[len - 1])) {
        len--;
    }

    if (len == 0) {
        return SSS_SECRET_OK;
    }

    if (len != 2 * SSS_SECRET_SIZE) {
        return SSS_SECRET_LENGTH;
    }

    return sss_secrets_add(secrets, p);
}


static sss_secret_error_t
sss_secrets_add(sss_secrets_t *secrets, const char *hex)
{
    int       high, low;
    size_t    i;
    uint8_t  *value, differ;

    if (secrets->n == SSS_SECRETS_MAX) {
        return SSS_SECRET_MANY;
    }

    value = secrets->value[secrets->n];
    differ = 0;

    for (i = 0; i < SSS_SECRET_SIZE; i++) {
        high = sss_hex_digit(hex[2 * i]);
        low = sss_hex_digit(hex[2 * i + 1]);

        if (high < 0 || low < 0) {
            return SSS_SECRET_DIGIT;
        }

        value[i] = (uint8_t) (high << 4 | low);
        differ |= value[i] ^ value[0];
    }

    if (differ == 0) {
        return SSS_SECRET_WEAK;
    }

    for (i = 0; i < secrets->n; i++) {
        if (CRYPTO_memcmp(secrets->value[i], value, SSS_SECRET_SIZE) == 0) {
            return SSS_SECRET_TWICE;
        }
    }

    secrets->n++;

    return SSS_SECRET_OK;
}


static int
sss_hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c |= 0x20;

    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }

    return -1;
}


static int
sss_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}


int
sss_secrets_common(const sss_secrets_t *one, const sss_secrets_t *other)
{
    int     common;
    size_t  i, j;

    common = 0;

    for (i = 0; i < one->n; i++) {

        for (j = 0; j < other->n; j++) {
            common |= CRYPTO_memcmp(one->value[i], other->value[j],
                                    SSS_SECRET_SIZE)
                      == 0;
        }
    }

    return common;
}


const char *
sss_secret_strerror(sss_secret_error_t error)
{
    switch (error) {

    case SSS_SECRET_OK:
        return "no error";

    case SSS_SECRET_EMPTY:
        return "no secret in the file; write one as 64 hex digits on a line,"
               " for example the output of \"openssl rand -hex 32\"";

    case SSS_SECRET_LENGTH:
        return "a secret must be exactly 64 hex digits on a line of its own,"
               " for example the output of \"openssl rand -hex 32\"";

    case SSS_SECRET_DIGIT:
        return "a secret may contain only the hex digits 0-9 and a-f";

    case SSS_SECRET_MANY:
        return "more than 8 secrets; remove those no host uses any more";

    case SSS_SECRET_TWICE:
        return "this secret is in the file already; remove one of the lines";

    case SSS_SECRET_WEAK:
        return "all bytes of this secret are the same; replace it by the"
               " output of \"openssl rand -hex 32\"";
    }

    return "unknown error";
}


int
sss_hkdf(const uint8_t *key, size_t key_len, const uint8_t *salt,
    size_t salt_len, const uint8_t *info, size_t info_len, uint8_t *out,
    size_t size)
{
    int            rc;
    size_t         len;
    EVP_PKEY_CTX  *ctx;

    rc = -1;
    len = size;
    ctx = NULL;

    if (key_len > INT_MAX || salt_len > INT_MAX || info_len > INT_MAX) {
        goto done;
    }

    ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);

    if (ctx == NULL
        || EVP_PKEY_derive_init(ctx) <= 0
        || EVP_PKEY_CTX_set_hkdf_md(ctx, EVP_sha256()) <= 0
        || EVP_PKEY_CTX_set1_hkdf_key(ctx, key, (int) key_len) <= 0)
    {
        goto done;
    }

    /* RFC 5869: no salt, or no info, means the same as an empty one */

    if (salt_len > 0
        && EVP_PKEY_CTX_set1_hkdf_salt(ctx, salt, (int) salt_len) <= 0)
    {
        goto done;
    }

    if (info_len > 0
        && EVP_PKEY_CTX_add1_hkdf_info(ctx, info, (int) info_len) <= 0)
    {
        goto done;
    }

    if (EVP_PKEY_derive(ctx, out, &len) <= 0 || len != size) {
        goto done;
    }

    rc = 0;

done:

    if (rc != 0) {
        sss_memory_wipe(out, size);
    }

    EVP_PKEY_CTX_free(ctx);

    return rc;
}


int
sss_secret_mac_key(const uint8_t *secret, const char *info,
    sss_hmac_key_t *key)
{
    int      rc;
    uint8_t  bytes[SSS_HMAC_SIZE];

    rc = sss_hkdf(secret, SSS_SECRET_SIZE, NULL, 0, (const uint8_t *) info,
                  strlen(info), bytes, sizeof(bytes));

    sss_hmac_key(key, bytes, sizeof(bytes));
    sss_memory_wipe(bytes, sizeof(bytes));

    return rc;
}


int
sss_secret_tag(const uint8_t *secret, int forward_secrecy, uint8_t *tag)
{
    const char  *info;

    info = forward_secrecy ? SSS_INFO_TAG_FS : SSS_INFO_TAG;

    return sss_hkdf(secret, SSS_SECRET_SIZE, NULL, 0,
                    (const uint8_t *) info, strlen(info), tag, SSS_TAG_SIZE);
}


int
sss_secret_record_name(const uint8_t *secret, const char *what,
    const char *ns, size_t ns_len, char *name)
{
    size_t    what_len;
    uint8_t  *p, hash[SSS_NAME_HASH];
    uint8_t   info[sss_len(SSS_INFO_NAME) + 1 + SSS_NAME_WHAT
                   + SSS_NAME_SPACE];

    name[0] = '\0';

    what_len = strlen(what);

    if (what_len > SSS_NAME_WHAT || ns_len > SSS_NAME_SPACE) {
        return -1;
    }

    p = info;

    memcpy(p, SSS_INFO_NAME, sss_len(SSS_INFO_NAME));
    p += sss_len(SSS_INFO_NAME);

    *p++ = (uint8_t) what_len;

    memcpy(p, what, what_len);
    p += what_len;

    if (ns_len > 0) {
        memcpy(p, ns, ns_len);
        p += ns_len;
    }

    if (sss_hkdf(secret, SSS_SECRET_SIZE, NULL, 0, info, (size_t) (p - info),
                 hash, sizeof(hash))
        != 0)
    {
        return -1;
    }

    sss_name_write(hash, name);

    return 0;
}


int
sss_presence_name(const char *ns, size_t ns_len, char *name)
{
    int          rc;
    uint8_t      hash[EVP_MAX_MD_SIZE];
    EVP_MD_CTX  *ctx;

    rc = -1;
    name[0] = '\0';

    ctx = EVP_MD_CTX_new();

    if (ctx != NULL
        && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1
        && EVP_DigestUpdate(ctx, SSS_INFO_PRESENCE,
                            sss_len(SSS_INFO_PRESENCE)) == 1
        && EVP_DigestUpdate(ctx, ns, ns_len) == 1
        && EVP_DigestFinal_ex(ctx, hash, NULL) == 1)
    {
        sss_name_write(hash, name);
        rc = 0;
    }

    EVP_MD_CTX_free(ctx);

    return rc;
}
