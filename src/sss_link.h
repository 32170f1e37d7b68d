
/*
 * A connection to one memcached server, which never waits: it is made, lost
 * and made again while its owner goes on.  Requests are written one after the
 * other, whatever is still to be answered, in memcached's text protocol.
 *
 * A server that leaves a question open for longer than the timeout, or sends
 * a thing that is no answer, loses its connection.  From then on, and until it
 * has answered a probe, it is not usable.
 */


#ifndef SSS_LINK_H_INCLUDED
#define SSS_LINK_H_INCLUDED


#include <stdint.h>

#include "sss_address.h"
#include "sss_request.h"


#define SSS_LINK_NAMES  64              /* in one "get", at the most       */


typedef struct sss_link_s  sss_link_t;


/*
 * Lookups that are over go to "done" with their result.  The eventfd "wake"
 * tells of names that are resolved.  Returns NULL without memory.
 */
sss_link_t *sss_link_create(const sss_address_t *address, unsigned timeout_ms,
    int wake, sss_queue_t *done);

/* Drops what is not over, lookups too. */
void sss_link_destroy(sss_link_t *link);

/* 1 if requests make sense: it is not known to be down. */
int sss_link_usable(const sss_link_t *link);

/* 1 if something is to be written, or answered. */
int sss_link_busy(const sss_link_t *link);

/* 1 if there is a connection, and something to be sent over it. */
int sss_link_pending(const sss_link_t *link);

/* 1 if the server has answered a probe since this was last asked. */
int sss_link_answered(sss_link_t *link);

/*
 * Asks for all names in the queue, up to SSS_LINK_NAMES, and empties it.  What
 * is to be taken is removed in the same breath.
 */
void sss_link_get(sss_link_t *link, sss_queue_t *lookups);

/* Stores.  Returns 0, or -1 if the server does not read what it is sent. */
int sss_link_put(sss_link_t *link, const char *name, const uint8_t *value,
    size_t len, uint32_t ttl);

/* Removes, likewise. */
int sss_link_remove(sss_link_t *link, const char *name);

/* Asks for a sign of life. */
void sss_link_probe(sss_link_t *link, uint64_t now);

/* Sends what was asked for. */
void sss_link_flush(sss_link_t *link, uint64_t now);

/* What to wait for. */
void sss_link_watch(const sss_link_t *link, sss_engine_watch_t *watch);

/* When sss_link_check() has work: sss_request_clock(), UINT64_MAX: never. */
uint64_t sss_link_due(const sss_link_t *link);

/* The descriptor is ready. */
void sss_link_event(sss_link_t *link, uint64_t now);

/* Minds the time, and the name that is being resolved. */
void sss_link_check(sss_link_t *link, uint64_t now);


#endif /* SSS_LINK_H_INCLUDED */
