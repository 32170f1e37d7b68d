
/* Claims, which never go to another server than the one they are for. */


#include <stdlib.h>

#include "sss_engine_inside.h"


sss_engine_queue_t
sss_engine_claim(sss_engine_t *engine, size_t place, const sss_claim_t *claim,
    void *data, sss_request_t **lookup)
{
    sss_request_t  *request;

    if (engine->stats.open || !sss_engine_usable(engine, place)) {
        return SSS_ENGINE_OPEN;
    }

    request = sss_request_create(SSS_REQUEST_CLAIM, claim->log);

    if (request != NULL) {
        request->place = place;
        request->server = engine->ids[place];
        request->claim = malloc(sizeof(sss_claim_t));

        if (request->claim == NULL) {
            sss_request_free(request);
            return SSS_ENGINE_FULL;
        }

        *request->claim = *claim;
    }

    return sss_engine_queue(engine, request, data, lookup);
}


/* Other servers may have come since it was queued. */

size_t
sss_engine_claimed(sss_engine_t *engine, const sss_request_t *request)
{
    size_t  i;

    i = request->place;

    return engine->ids[i] == request->server && sss_engine_usable(engine, i)
           ? i : SSS_SERVERS_MAX;
}


void
sss_engine_lay(sss_engine_t *engine, size_t place, const char *ns,
    size_t ns_len, uint64_t slot)
{
    char      name[SSS_NAME_SIZE];
    unsigned  shard;

    if (!sss_engine_usable(engine, place)) {
        return;
    }

    for (shard = 0; shard < SSS_CLAIM_SHARDS; shard++) {
        sss_claim_name(ns, ns_len, slot, shard, name);

        (void) sss_link_add(engine->links[place], name,
                            (const uint8_t *) SSS_CLAIM_EMPTY, SSS_CLAIM_LOG,
                            SSS_CLAIM_TTL);
    }
}


void
sss_engine_badge(sss_engine_t *engine, size_t place, const char *ns,
    size_t ns_len, uint64_t id, uint64_t now)
{
    char      name[SSS_NAME_SIZE];
    uint8_t   badge[SSS_CLAIM_BADGE];
    uint64_t  expires;

    if (id == 0 || !sss_engine_usable(engine, place)) {
        return;
    }

    expires = sss_claim_badge_expires(now);

    sss_claim_badge(id, expires, badge);
    sss_claim_name(ns, ns_len, 0, SSS_CLAIM_SHARDS, name);

    (void) sss_link_add(engine->links[place], name, badge, sizeof(badge),
                        expires);
}
