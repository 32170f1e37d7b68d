
/*
 * A group: hosts that share a key which is in their memory only, in no file
 * and in no record.  Rings are sealed under that key and the secret together,
 * so that whoever recorded memcached and gets the secret later opens nothing.
 *
 * The key changes with each epoch.  The key of the next epoch is derived from
 * that of the current one,
 *
 *     HKDF(key, no salt,
 *          "ngx_ssl_session_sync epoch 1" || id || next epoch, 4 bytes)
 *
 * which cannot be computed backwards.  The key of the epoch before is kept for
 * half a rotation, for records of hosts that have not gone on to the new epoch
 * yet, and is then wiped.  A ring is sealed under
 *
 *     HKDF(key || secret, no salt, "ngx_ssl_session_sync ring 1", 32 bytes)
 *
 * With "forward_secrecy off" a host is always a member of a group without a
 * key, and rings are sealed under the secret alone.
 */


#ifndef SSS_GROUP_H_INCLUDED
#define SSS_GROUP_H_INCLUDED


#include "sss_label.h"


#define SSS_GROUP_KEY   32
#define SSS_GROUP_LEAP  512             /* most epochs that a host goes on by
                                           at once                         */


/*
 * The group of which a host is a member.  It has secret keys: it belongs into
 * memory of sss_memory_alloc(), or into a zone after sss_memory_hide().
 */

typedef struct {
    sss_label_t  label;                 /* its generation is valid even for a
                                           host that is in no group        */
    uint64_t     since_ms;              /* when the epoch began, milliseconds
                                           since 1970 by this host's clock;
                                           never later than that           */
    uint32_t     member;                /* 1: "label" and "key" are valid  */
    uint32_t     earlier;               /* 1: "before" is valid            */
    uint8_t      key[SSS_GROUP_KEY];    /* of the current epoch            */
    uint8_t      before[SSS_GROUP_KEY]; /* of the epoch before             */
} sss_group_t;


/* Makes the host a member of no group, in this generation. */
void sss_group_init(sss_group_t *group, uint32_t generation);

/*
 * Founds a group with a random id and key, in the generation that "group" has.
 * The host is its only member.  Returns 0, or -1 if OpenSSL has no random
 * bytes: the host is a member of no group then.
 */
int sss_group_found(sss_group_t *group, uint32_t poll_ms, uint64_t now_ms);

/*
 * Wipes the keys, and makes the host a member of no group.  The generation
 * stays.
 */
void sss_group_leave(sss_group_t *group);

/*
 * Does what is due at "now_ms": goes on to the next epoch when the current one
 * is older than one rotation and "extra_ms", and wipes the key of the epoch
 * before half a rotation after the current one began.  The new epoch begins
 * exactly one rotation after the old one, even if the call comes later, so
 * that members which do not see each other stay in step.  If the clock was set
 * back, the current epoch begins at "now_ms".  All times are milliseconds
 * since 1970.
 */
void sss_group_age(sss_group_t *group, uint64_t rotation_ms,
    uint64_t extra_ms, uint64_t now_ms);

/*
 * Goes on to the epoch "epoch", in which another member was seen.  It counts
 * as begun when this host would have begun it, one rotation after the epoch
 * before, but not later than "now_ms": a host that learns of an epoch late
 * must not keep its key for longer than the others.  Returns 0, also if the
 * host is in this epoch or a later one already; -1 if the epoch is more than
 * SSS_GROUP_LEAP ahead, without a key, or if OpenSSL fails.
 */
int sss_group_follow(sss_group_t *group, uint32_t epoch,
    uint64_t rotation_ms, uint64_t now_ms);

/*
 * Computes the key under which rings are sealed in an epoch from the group's
 * key and the secret (SSS_SECRET_SIZE bytes), or copies the secret for a group
 * without a key.  "key" gets SSS_GROUP_KEY bytes, which the caller wipes.
 * Returns 0, or -1 if this host has no key of that epoch or OpenSSL fails.
 */
int sss_group_ring_key(const sss_group_t *group, uint32_t epoch,
    const uint8_t *secret, uint8_t *key);

/* 1 if the host is a member of a group that has a key, else 0. */
int sss_group_secret(const sss_group_t *group);


#endif /* SSS_GROUP_H_INCLUDED */
