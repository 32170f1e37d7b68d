
/*
 * A group: hosts that hold a key which is in no file and in no record, so that
 * what they once shared cannot be opened later with the secret alone.
 *
 * The key changes with each epoch.  That of the next epoch follows from that
 * of this one,
 *
 *     HKDF(key, no salt,
 *          "ngx_ssl_session_sync epoch 1" || id || next epoch, 4 bytes)
 *
 * and never the other way round, and the earlier key is wiped: it is needed
 * for no longer than half a rotation, for records of hosts that have not moved
 * on yet.  A ring is sealed under
 *
 *     HKDF(key || secret, no salt, "ngx_ssl_session_sync ring 1", 32 bytes)
 *
 * A host without forward secrecy has a group without a key, of which it is
 * always a member: rings are sealed under the secret.
 */


#ifndef SSS_GROUP_H_INCLUDED
#define SSS_GROUP_H_INCLUDED


#include "sss_label.h"


#define SSS_GROUP_KEY   32
#define SSS_GROUP_LEAP  512             /* epochs that are made up for at
                                           once, at the most               */


/* Belongs into memory of sss_memory_alloc(), or into a zone that is hidden. */

typedef struct {
    sss_label_t  label;                 /* its generation always holds     */
    uint64_t     since_ms;              /* when the epoch began, by the clock
                                           of this host, or before         */
    uint32_t     member;                /* 1: the rest is good             */
    uint32_t     earlier;               /* 1: "before" is, too             */
    uint8_t      key[SSS_GROUP_KEY];
    uint8_t      before[SSS_GROUP_KEY]; /* of the epoch before             */
} sss_group_t;


/* A member of none, of this generation. */
void sss_group_init(sss_group_t *group, uint32_t generation);

/*
 * Founds a group of the generation that "group" has.  Returns 0, or -1 without
 * randomness: a member of none then.
 */
int sss_group_found(sss_group_t *group, uint32_t poll_ms, uint64_t now_ms);

/* Wipes the keys; a member of none then.  The generation stays. */
void sss_group_leave(sss_group_t *group);

/*
 * Lets time pass: goes on to the next epoch when this one has lasted for one
 * rotation and "extra_ms", and forgets the earlier key half a rotation later.
 * The next epoch counts from the end of that rotation, whenever it is noticed,
 * so that members who do not see each other do not drift apart.  A clock that
 * went back begins the epoch anew.
 */
void sss_group_age(sss_group_t *group, uint64_t rotation_ms,
    uint64_t extra_ms, uint64_t now_ms);

/*
 * Goes on to an epoch that another member is in, which counts from where this
 * host's would have begun: a later one may be old already, and whoever learns
 * of it late keeps its key no longer for that.  Returns 0, also if it is not
 * later; -1 if it is too far ahead, or if OpenSSL fails.
 */
int sss_group_follow(sss_group_t *group, uint32_t epoch,
    uint64_t rotation_ms, uint64_t now_ms);

/*
 * The key of rings in an epoch, SSS_GROUP_KEY bytes, or the secret for a group
 * without a key.  Returns 0, or -1 if the key of that epoch is not known.
 */
int sss_group_ring_key(const sss_group_t *group, uint32_t epoch,
    const uint8_t *secret, uint8_t *key);

/* 1 if there is a key: the group has forward secrecy. */
int sss_group_secret(const sss_group_t *group);


#endif /* SSS_GROUP_H_INCLUDED */
