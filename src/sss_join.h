
/*
 * How a host comes into a group: the request it leaves at the door, and the
 * answer of a member.
 *
 * A request:
 *
 *     offset  size  what
 *          0     4  "SSSJ"
 *          4     1  format, 1
 *          5     1  kind, 1
 *          6     2  length of the public key of X-Wing, 1216 or 0
 *          8     4  generation
 *         12     4  zero
 *         16    16  id of the group
 *         32    32  public key of X25519
 *         64     n  public key of X-Wing, from hosts whose OpenSSL has it
 *     64 + n    16  HMAC-SHA256(join key, all before || namespace), cut
 *
 * An answer:
 *
 *          0     4  "SSSJ"
 *          4     1  format, 1
 *          5     1  kind, 2
 *          6     2  KEM, as HPKE numbers them (sss_kem.h)
 *          8    32  SHA-256 of the request
 *         40     n  "enc" of that KEM, 32 or 1120 bytes
 *     40 + n    92  sealed, see below
 *    132 + n    16  HMAC, as above
 *
 * The join key is HKDF(secret, no salt, "ngx_ssl_session_sync join 1",
 * 32 bytes).  What is sealed is one message of HPKE (RFC 9180): mode_psk,
 * HKDF-SHA256, AES-256-GCM; the psk is the secret, psk_id its tag (8 bytes),
 * info "ngx_ssl_session_sync join 1" || namespace, aad the hash of the
 * request.  Its 76 bytes: generation 4, epoch 4, when the group was founded 8,
 * id 16, longest poll interval 4, milliseconds since the epoch began 8, key
 * 32.  Numbers are big-endian.
 */


#ifndef SSS_JOIN_H_INCLUDED
#define SSS_JOIN_H_INCLUDED


#include "sss_aead.h"
#include "sss_group.h"
#include "sss_kem.h"
#include "sss_secret.h"


#define SSS_JOIN_HASH     32
#define SSS_JOIN_MAC      16
#define SSS_JOIN_HEAD     64
#define SSS_JOIN_PLAIN    76
#define SSS_JOIN_REQUEST  (SSS_JOIN_HEAD + SSS_KEM_PUBLIC + SSS_JOIN_MAC)
#define SSS_JOIN_ANSWER                                                       \
    (8 + SSS_JOIN_HASH + SSS_KEM_SENT + SSS_JOIN_PLAIN + SSS_AEAD_TAG         \
     + SSS_JOIN_MAC)


typedef enum {
    SSS_JOIN_NOTHING = 0,       /* neither, or not made with this secret   */
    SSS_JOIN_ASKS,
    SSS_JOIN_ANSWERS
} sss_join_kind_t;


/* One secret, ready for use; secret memory. */

typedef struct {
    const uint8_t   *secret;
    uint8_t          tag[SSS_TAG_SIZE];
    sss_hmac_key_t   mac;
    const char      *ns;
    size_t           ns_len;
} sss_join_key_t;


/* A host that waits to be let in; secret memory. */

typedef struct {
    sss_label_t      group;             /* into which                      */
    uint8_t          x25519[SSS_KEM_PRIVATE];
    uint8_t          xwing[SSS_KEM_PRIVATE];
    uint8_t          hash[SSS_JOIN_HASH];
    uint8_t          request[SSS_JOIN_REQUEST];
    size_t           len;               /* of the request, 0: nobody waits */
    uint64_t         begun_ms;
} sss_join_t;


/* Returns 0, or -1.  "ns" and "secret" are the caller's. */
int sss_join_key(sss_join_key_t *key, const uint8_t *secret, const char *ns,
    size_t ns_len);

/* Makes the keys and the request.  Returns 0, or -1 if OpenSSL fails. */
int sss_join_begin(sss_join_t *join, const sss_join_key_t *key,
    const sss_label_t *group, uint64_t now_ms);

/* Wipes the keys: whatever is still sent for them opens to nobody. */
void sss_join_end(sss_join_t *join);

/* What "len" bytes are.  Constant time in the MAC. */
sss_join_kind_t sss_join_kind(const sss_join_key_t *key, const uint8_t *in,
    size_t len);

/* 1 if a request, which sss_join_kind() has seen, is for this group. */
int sss_join_asks_for(const uint8_t *request, const sss_label_t *group);

/* 1 if such a request, of "len" bytes, has this hash. */
int sss_join_has_hash(const uint8_t *request, size_t len, const uint8_t *hash);

/* 1 if such an answer is for a request with this hash. */
int sss_join_answers(const uint8_t *answer, const uint8_t *hash);

/*
 * Answers a request, which sss_join_kind() has seen, with the key of a group:
 * up to SSS_JOIN_ANSWER bytes into "out".  Returns their number, 0 if OpenSSL
 * fails.
 */
size_t sss_join_answer(const sss_join_key_t *key, const sss_group_t *group,
    const uint8_t *request, size_t len, uint64_t now_ms, uint8_t *out);

/*
 * Opens such an answer: "group" becomes that which was asked for, with this
 * host as a member.  Its epoch is as old as the answer says, and as much older
 * as the request is: an answer that somebody held back makes nothing younger.
 * Returns 0, or -1: "group" is as it was.
 */
int sss_join_open(const sss_join_t *join, const sss_join_key_t *key,
    const uint8_t *answer, size_t len, uint64_t now_ms, sss_group_t *group);


#endif /* SSS_JOIN_H_INCLUDED */
