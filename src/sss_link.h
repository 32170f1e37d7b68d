
/*
 * A connection to one memcached server, which never waits: it is made, lost
 * and made again while its owner goes on.
 *
 * A question that is left open for longer than its timeout has failed; its
 * answer is dropped, should it come after all.  When nothing is left that is
 * in time, the connection goes, as it does when what comes is no answer; only
 * after an exchange that is late the server is asked for a sign of life first.
 * The server is not usable for lookups from then on, or from the first lookup
 * that is late, until it has answered a probe.
 */


#ifndef SSS_LINK_H_INCLUDED
#define SSS_LINK_H_INCLUDED


#include <stdint.h>

#include "sss_address.h"
#include "sss_auth.h"
#include "sss_exchange.h"
#include "sss_request.h"
#include "sss_tls.h"


typedef struct sss_link_s  sss_link_t;


/* What all links of an engine have in common; it outlives them. */

typedef struct {
    unsigned           timeout_ms;      /* of a lookup, at least 1         */
    unsigned           patience_ms;     /* of an exchange for every sign of
                                           life, at least 1; three times as
                                           much is all there is            */
    int                quiet;           /* it connects when there is an
                                           exchange; else at once, and
                                           whenever the connection is lost */
    const sss_auth_t  *auth;            /* NULL: there is no password      */
    sss_tls_t         *tls;             /* of links with a host            */
    sss_queue_t       *done;            /* lookups that are over go here
                                           with their result               */
} sss_link_conf_t;


/*
 * "address" is a number or a path.  With "host" there is TLS, and this is whom
 * the certificate has to be of; NULL: none.  Returns NULL without memory.
 */
sss_link_t *sss_link_create(const sss_address_t *address, const char *host,
    const sss_link_conf_t *conf);

/* What is not over has failed, lookups and an exchange. */
void sss_link_destroy(sss_link_t *link);

/* 1 if lookups make sense: it is not known to be down. */
int sss_link_usable(const sss_link_t *link);

/* 1 if something is to be written, or answered. */
int sss_link_busy(const sss_link_t *link);

/* 1 if there is a connection, and something to be sent over it. */
int sss_link_pending(const sss_link_t *link);

/* 1 if the server has answered in time since this was last asked. */
int sss_link_answered(sss_link_t *link);

/* See sss_talk_get() and the like. */
void sss_link_get(sss_link_t *link, sss_queue_t *lookups);
int sss_link_put(sss_link_t *link, const char *name, const uint8_t *value,
    size_t len, uint32_t ttl);
int sss_link_remove(sss_link_t *link, const char *name);
int sss_link_add(sss_link_t *link, const char *name, const uint8_t *value,
    size_t len, uint64_t expires);
void sss_link_claim(sss_link_t *link, sss_request_t *request);

/* Asks for a sign of life. */
void sss_link_probe(sss_link_t *link, uint64_t now);

/*
 * Begins an exchange, for which a server that is down is tried at once.  One
 * that a lost connection has cut short is begun again, once: the server was
 * perhaps restarted.
 */
void sss_link_ask(sss_link_t *link, sss_exchange_t *x, uint64_t now);

/* Nobody waits for the exchange any more; its memory may go. */
void sss_link_forget(sss_link_t *link);

/* Sends what was asked for. */
void sss_link_flush(sss_link_t *link, uint64_t now);

/* What to wait for. */
void sss_link_watch(const sss_link_t *link, sss_engine_watch_t *watch);

/* When sss_link_check() has work: sss_request_clock(), UINT64_MAX: never. */
uint64_t sss_link_due(const sss_link_t *link);

/* The descriptor is ready. */
void sss_link_event(sss_link_t *link, uint64_t now);

/* Minds the time. */
void sss_link_check(sss_link_t *link, uint64_t now);


#endif /* SSS_LINK_H_INCLUDED */
