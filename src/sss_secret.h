
/*
 * Cluster secrets: what the hosts of a cluster share, and what is derived
 * from it.
 *
 * A secret file has one secret a line, 64 hex digits, "#" starts a comment.
 * The first secret seals, every one opens.
 */


#ifndef SSS_SECRET_H_INCLUDED
#define SSS_SECRET_H_INCLUDED


#include <stddef.h>
#include <stdint.h>

#include "sss_hmac.h"


#define SSS_SECRET_SIZE   32    /* bytes of one secret                      */
#define SSS_SECRETS_MAX   8     /* lines of one secret file                 */
#define SSS_TAG_SIZE      8     /* public fingerprint of a secret           */
#define SSS_NAME_SIZE     46    /* memcached key, with its terminating zero */


typedef struct {
    size_t    n;
    uint8_t   value[SSS_SECRETS_MAX][SSS_SECRET_SIZE];
} sss_secrets_t;


typedef enum {
    SSS_SECRET_OK = 0,
    SSS_SECRET_EMPTY,           /* no secret in the whole text            */
    SSS_SECRET_LENGTH,          /* a secret is not 64 hex digits          */
    SSS_SECRET_DIGIT,           /* a character is no hex digit            */
    SSS_SECRET_MANY,            /* more than SSS_SECRETS_MAX              */
    SSS_SECRET_TWICE,           /* the same secret on two lines           */
    SSS_SECRET_WEAK             /* all 32 bytes are the same              */
} sss_secret_error_t;


/*
 * Reads secrets from the "len" bytes of a secret file.  "secrets" is the
 * caller's and belongs into memory of sss_memory_alloc().  On an error
 * "*line" is the number, from 1, of the offending line, and the secrets are
 * wiped.
 */
sss_secret_error_t sss_secrets_parse(const char *text, size_t len,
    sss_secrets_t *secrets, unsigned *line);

/* 1 if some secret is in both lists, else 0.  Constant time in the secrets. */
int sss_secrets_common(const sss_secrets_t *one, const sss_secrets_t *other);

/* A sentence for the operator: what is wrong and what to do. */
const char *sss_secret_strerror(sss_secret_error_t error);

/*
 * HKDF-SHA256 (RFC 5869) over "key" with "salt" and "info", "size" bytes
 * into "out".  Returns 0, or -1 if OpenSSL fails; "out" is wiped then.
 */
int sss_hkdf(const uint8_t *key, size_t key_len, const uint8_t *salt,
    size_t salt_len, const uint8_t *info, size_t info_len, uint8_t *out,
    size_t size);

/*
 * Makes HKDF(secret, no salt, info, 32 bytes) ready as a key of MACs; "info"
 * is a string without its zero.  Returns 0, or -1 if OpenSSL fails.
 */
int sss_secret_mac_key(const uint8_t *secret, const char *info,
    sss_hmac_key_t *key);

/*
 * The public fingerprint of a secret, SSS_TAG_SIZE bytes: enough to see that
 * two hosts have different secrets, nothing that helps to find one.  That of
 * a host with forward secrecy is another one than that of a host without.
 * Returns 0, or -1.
 */
int sss_secret_tag(const uint8_t *secret, int forward_secrecy, uint8_t *tag);

/*
 * The memcached key of the record "what" of a namespace under a secret:
 * "sss1:" and 40 hex digits of a keyed hash, zero-terminated, SSS_NAME_SIZE
 * bytes.  Without the secret it cannot be told from noise.  Returns 0, or -1.
 */
int sss_secret_record_name(const uint8_t *secret, const char *what,
    const char *ns, size_t ns_len, char *name);

/*
 * The memcached key of the presence record of a namespace, which hosts with
 * any secret find: the same form, an unkeyed SHA-256.  Returns 0, or -1.
 */
int sss_presence_name(const char *ns, size_t ns_len, char *name);


#endif /* SSS_SECRET_H_INCLUDED */
