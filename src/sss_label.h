
/*
 * The label of a ring's record: it says under which group's key, of which
 * generation and epoch, the ring was sealed.
 *
 * It comes before the sealed ring (sss_seal.h), in the clear, and is
 * authenticated with the secret.  So a host that has the secret, but not the
 * group's key, sees which group is there and can ask to be let in, and nobody
 * without the secret can forge a label.
 *
 *     offset  size  what
 *          0     4  "SSSL"
 *          4     1  format, 1
 *          5     3  zero
 *          8     4  generation, 1 or more
 *         12     4  epoch
 *         16     8  when the group was founded, milliseconds since the epoch
 *         24    16  the group's id
 *         40     4  longest poll interval of a member, milliseconds
 *         44     4  zero
 *         48    16  HMAC-SHA256(label key, first 48 bytes || namespace),
 *                   truncated
 *
 * With "forward_secrecy off" there is no group: epoch, time and id are zero.
 * Numbers are big-endian.  The label key is HKDF(secret, no salt,
 * "ngx_ssl_session_sync label 1", 32 bytes).
 */


#ifndef SSS_LABEL_H_INCLUDED
#define SSS_LABEL_H_INCLUDED


#include <stddef.h>
#include <stdint.h>

#include "sss_hmac.h"


#define SSS_LABEL_SIZE  64
#define SSS_GROUP_ID    16


/* The fields of a label, in the units of the record. */

typedef struct {
    uint32_t  generation;
    uint32_t  epoch;
    uint64_t  created;
    uint8_t   id[SSS_GROUP_ID];
    uint32_t  poll_ms;
} sss_label_t;


/*
 * Prepares the label key of a secret (SSS_SECRET_SIZE bytes).  Returns 0, or
 * -1 if OpenSSL fails.
 */
int sss_label_key(const uint8_t *secret, sss_hmac_key_t *key);

/* Writes a label with its MAC into "out", SSS_LABEL_SIZE bytes. */
void sss_label_write(const sss_label_t *label, const sss_hmac_key_t *key,
    const char *ns, size_t ns_len, uint8_t *out);

/*
 * Reads the label at the beginning of "len" bytes.  Returns 0, or -1 if they
 * do not begin with a label that was made with this key and namespace; "label"
 * is undefined then.  The MAC is compared in constant time.
 */
int sss_label_read(sss_label_t *label, const sss_hmac_key_t *key,
    const char *ns, size_t ns_len, const uint8_t *in, size_t len);

/* 1 if both labels are of the same group and generation, else 0. */
int sss_label_same(const sss_label_t *a, const sss_label_t *b);

/*
 * 1 if the group of "a" wins over that of "b", so that hosts of "b" are to
 * join it, else 0.  The higher generation wins, then the group that was
 * founded earlier, then the smaller id.
 */
int sss_label_beats(const sss_label_t *a, const sss_label_t *b);


#endif /* SSS_LABEL_H_INCLUDED */
