
/*
 * Cluster secrets, which all hosts of a cluster have in their secret file, and
 * what is derived from them.
 *
 * A secret file has one secret on each line, as 64 hex digits; "#" begins a
 * comment.  A host seals its records with the first secret, and opens records
 * that were sealed with any of them.
 */


#ifndef SSS_SECRET_H_INCLUDED
#define SSS_SECRET_H_INCLUDED


#include <stddef.h>
#include <stdint.h>

#include "sss_hmac.h"


#define SSS_SECRET_SIZE   32    /* bytes of one secret                      */
#define SSS_SECRETS_MAX   8     /* most secrets in one file                 */
#define SSS_TAG_SIZE      8     /* bytes of a secret's public fingerprint   */
#define SSS_NAME_SIZE     46    /* bytes of a memcached key, including its
                                   terminating zero                         */


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
 * Reads the secrets in the "len" bytes of a secret file.  The caller owns
 * "secrets" and allocates it with sss_memory_alloc().  Returns SSS_SECRET_OK
 * or an error; with an error "*line" is the number of the line, from 1 on, and
 * "secrets" is wiped.
 */
sss_secret_error_t sss_secrets_parse(const char *text, size_t len,
    sss_secrets_t *secrets, unsigned *line);

/* 1 if the lists have a secret in common, else 0; takes constant time. */
int sss_secrets_common(const sss_secrets_t *one, const sss_secrets_t *other);

/*
 * A static sentence for the operator, which says what is wrong and expected.
 */
const char *sss_secret_strerror(sss_secret_error_t error);

/*
 * HKDF-SHA256 (RFC 5869): derives the "size" bytes of "out" from "key", "salt"
 * and "info"; a length of 0 means no salt or info.  Returns 0, or -1 if
 * OpenSSL fails; "out" is wiped then.
 */
int sss_hkdf(const uint8_t *key, size_t key_len, const uint8_t *salt,
    size_t salt_len, const uint8_t *info, size_t info_len, uint8_t *out,
    size_t size);

/*
 * Prepares HKDF(secret, no salt, info, 32 bytes) as an HMAC key.  "info" is a
 * zero-terminated string, whose zero is not included.  Returns 0, or -1 if
 * OpenSSL fails.
 */
int sss_secret_mac_key(const uint8_t *secret, const char *info,
    sss_hmac_key_t *key);

/*
 * Computes the public fingerprint of a secret, SSS_TAG_SIZE bytes.  It shows
 * whether two hosts have the same secret, and does not help to find it.  Hosts
 * with "forward_secrecy on" and "off" have different ones.  Returns 0, or -1
 * if OpenSSL fails.
 */
int sss_secret_tag(const uint8_t *secret, int forward_secrecy, uint8_t *tag);

/*
 * Computes the memcached key of the record "what" of a namespace: "sss1:" and
 * 40 hex digits, zero-terminated, SSS_NAME_SIZE bytes.  The digits are derived
 * from the secret, and look random to whoever does not have it.  Returns 0, or
 * -1 if OpenSSL fails.
 */
int sss_secret_record_name(const uint8_t *secret, const char *what,
    const char *ns, size_t ns_len, char *name);

/*
 * Computes the memcached key of the presence record of a namespace.  It has
 * the same form, but is an unkeyed SHA-256, so that hosts with any secret find
 * the record.  Returns 0, or -1 if OpenSSL fails.
 */
int sss_presence_name(const char *ns, size_t ns_len, char *name);


#endif /* SSS_SECRET_H_INCLUDED */
