
/* Claims, whose logs never move. */


#include <stdlib.h>

#include "sss_engine_inside.h"


static sss_engine_queue_t sss_engine_ask_at(sss_engine_t *engine,
    size_t place, int look, const sss_claim_t *claim, void *data,
    sss_request_t **lookup);


sss_engine_queue_t
sss_engine_claim(sss_engine_t *engine, const sss_claim_t *claim, void *data,
    sss_request_t **lookup)
{
    return sss_engine_ask_at(engine, sss_engine_home(engine, claim->log), 0,
                             claim, data, lookup);
}


sss_engine_queue_t
sss_engine_look(sss_engine_t *engine, size_t place, const sss_claim_t *claim,
    void *data, sss_request_t **lookup)
{
    return sss_engine_ask_at(engine, place, 1, claim, data, lookup);
}


static sss_engine_queue_t
sss_engine_ask_at(sss_engine_t *engine, size_t place, int look,
    const sss_claim_t *claim, void *data, sss_request_t **lookup)
{
    sss_request_t  *request;

    if (engine->stats.open || place == SSS_SERVERS_MAX
        || !sss_engine_usable(engine, place))
    {
        return SSS_ENGINE_OPEN;
    }

    request = sss_request_create(SSS_REQUEST_CLAIM, claim->log);

    if (request != NULL) {
        request->place = place;
        request->look = (unsigned) look & 1;
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

    i = request->look ? request->place
                      : sss_engine_home(engine, request->name);

    return i != SSS_SERVERS_MAX && sss_engine_usable(engine, i)
           ? i : SSS_SERVERS_MAX;
}


void
sss_engine_lay(sss_engine_t *engine, size_t place, const char *ns,
    size_t ns_len, uint64_t slot)
{
    char      name[SSS_NAME_SIZE];
    size_t    i;
    unsigned  shard;
    uint8_t   log[SSS_CLAIM_LOG], mark[SSS_CLAIM_MARK];

    sss_claim_log(log);
    sss_claim_mark(engine->hash, mark);

    for (shard = 0; shard < SSS_CLAIM_SHARDS; shard++) {
        sss_claim_name(ns, ns_len, slot, shard, name);
        i = sss_engine_home(engine, name);

        if (i != SSS_SERVERS_MAX && (place == SSS_SERVERS_MAX || i == place)
            && sss_link_usable(engine->links[i]))
        {
            (void) sss_link_add(engine->links[i], name, log, sizeof(log),
                                SSS_CLAIM_TTL);
        }
    }

    sss_claim_name(ns, ns_len, slot, SSS_CLAIM_SHARDS, name);

    for (i = 0; i < SSS_SERVERS_MAX; i++) {

        if (sss_engine_usable(engine, i)
            && (place == SSS_SERVERS_MAX || i == place))
        {
            (void) sss_link_add(engine->links[i], name, mark, sizeof(mark),
                                sss_claim_mark_expires(slot));
        }
    }
}


uint64_t
sss_engine_hash(const sss_engine_t *engine)
{
    return engine->hash;
}


/*
 * Of a claim.  What the path of a socket leads to is another server on every
 * host, so that it may only be the only one.
 */

size_t
sss_engine_home(sss_engine_t *engine, const char *name)
{
    size_t  i;

    i = sss_spread_find(engine->fixed, engine->all, name);

    if (i != SSS_SERVERS_MAX && engine->n > 1
        && engine->servers[i].address.port == 0)
    {
        return SSS_SERVERS_MAX;
    }

    return i;
}
