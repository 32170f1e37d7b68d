
#include <string.h>

#include <openssl/rand.h>

#include "sss_group.h"
#include "sss_memory.h"
#include "sss_number.h"
#include "sss_secret.h"


#define SSS_GROUP_EPOCH  "ngx_ssl_session_sync epoch 1"
#define SSS_GROUP_RING   "ngx_ssl_session_sync ring 1"


static int sss_group_next(sss_group_t *group);


void
sss_group_init(sss_group_t *group, uint32_t generation)
{
    sss_memory_wipe(group, sizeof(sss_group_t));

    group->label.generation = generation;
}


int
sss_group_found(sss_group_t *group, uint32_t poll_ms, uint64_t now_ms)
{
    sss_group_leave(group);

    if (RAND_bytes(group->label.id, SSS_GROUP_ID) != 1
        || RAND_bytes(group->key, SSS_GROUP_KEY) != 1)
    {
        sss_group_leave(group);
        return -1;
    }

    group->label.created = now_ms;
    group->label.poll_ms = poll_ms;
    group->since_ms = now_ms;
    group->member = 1;

    return 0;
}


void
sss_group_leave(sss_group_t *group)
{
    sss_group_init(group, group->label.generation);
}


void
sss_group_age(sss_group_t *group, uint64_t rotation_ms, uint64_t extra_ms,
    uint64_t now_ms)
{
    unsigned  i;
    uint64_t  due_ms;

    if (!sss_group_secret(group)) {
        return;
    }

    if (group->since_ms > now_ms) {
        group->since_ms = now_ms;
    }

    due_ms = rotation_ms + extra_ms;

    for (i = 0; i < SSS_GROUP_LEAP && now_ms - group->since_ms >= due_ms; i++)
    {
        if (sss_group_next(group) != 0) {
            return;
        }

        group->since_ms += rotation_ms;

        /*
         * Epochs after the first one are overdue by a whole rotation: the
         * random delay, which lets one host be first, has no use for them.
         */

        due_ms = rotation_ms;
    }

    if (i == SSS_GROUP_LEAP) {
        group->since_ms = now_ms;
    }

    if (group->earlier && now_ms - group->since_ms >= rotation_ms / 2) {
        sss_memory_wipe(group->before, SSS_GROUP_KEY);
        group->earlier = 0;
    }
}


int
sss_group_follow(sss_group_t *group, uint32_t epoch, uint64_t rotation_ms,
    uint64_t now_ms)
{
    if (epoch <= group->label.epoch) {
        return 0;
    }

    if (!sss_group_secret(group)
        || epoch - group->label.epoch > SSS_GROUP_LEAP)
    {
        return -1;
    }

    while (group->label.epoch < epoch) {
        if (sss_group_next(group) != 0) {
            return -1;
        }

        group->since_ms += rotation_ms;
    }

    if (group->since_ms > now_ms) {
        group->since_ms = now_ms;
    }

    return 0;
}


int
sss_group_ring_key(const sss_group_t *group, uint32_t epoch,
    const uint8_t *secret, uint8_t *key)
{
    int             rc;
    uint8_t         both[SSS_GROUP_KEY + SSS_SECRET_SIZE];
    const uint8_t  *of_epoch;

    if (!group->member) {
        return -1;
    }

    if (!sss_group_secret(group)) {
        memcpy(key, secret, SSS_SECRET_SIZE);
        return 0;
    }

    if (epoch == group->label.epoch) {
        of_epoch = group->key;

    } else if (group->earlier && epoch + 1 == group->label.epoch) {
        of_epoch = group->before;

    } else {
        return -1;
    }

    memcpy(both, of_epoch, SSS_GROUP_KEY);
    memcpy(both + SSS_GROUP_KEY, secret, SSS_SECRET_SIZE);

    rc = sss_hkdf(both, sizeof(both), NULL, 0,
                  (const uint8_t *) SSS_GROUP_RING,
                  sizeof(SSS_GROUP_RING) - 1, key, SSS_GROUP_KEY);

    sss_memory_wipe(both, sizeof(both));

    return rc;
}


int
sss_group_secret(const sss_group_t *group)
{
    return group->member && group->label.created != 0;
}


static int
sss_group_next(sss_group_t *group)
{
    uint8_t  *p, next[SSS_GROUP_KEY];
    uint8_t   info[sizeof(SSS_GROUP_EPOCH) - 1 + SSS_GROUP_ID + 4];

    if (group->label.epoch == UINT32_MAX) {
        return -1;
    }

    p = info;

    memcpy(p, SSS_GROUP_EPOCH, sizeof(SSS_GROUP_EPOCH) - 1);
    p += sizeof(SSS_GROUP_EPOCH) - 1;

    memcpy(p, group->label.id, SSS_GROUP_ID);
    (void) sss_put32(p + SSS_GROUP_ID, group->label.epoch + 1);

    if (sss_hkdf(group->key, SSS_GROUP_KEY, NULL, 0, info, sizeof(info), next,
                 sizeof(next))
        != 0)
    {
        return -1;
    }

    memcpy(group->before, group->key, SSS_GROUP_KEY);
    memcpy(group->key, next, SSS_GROUP_KEY);

    sss_memory_wipe(next, sizeof(next));

    group->label.epoch++;
    group->earlier = 1;

    return 0;
}
