
/*
 * A link: the connection to one memcached server.  It is made, and made again
 * after it was lost, without ever blocking its owner.
 *
 * A request that is not answered within its timeout has failed; if its answer
 * comes later it is read and dropped.  The connection is closed when no
 * request is left whose time is not up, and when the server sends something
 * that is no answer.  If the only late request is an exchange, the server is
 * first sent a probe, since lookups may still work.
 *
 * After the connection was closed, or after a lookup was late, the server is
 * not usable for lookups until it has answered a probe.
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


/* The parameters of all links of an engine; the structure outlives them. */

typedef struct {
    unsigned           timeout_ms;      /* of a lookup, at least 1         */
    unsigned           patience_ms;     /* at least 1: an exchange fails when
                                           the server has sent and taken
                                           nothing for so long, and after
                                           three times as long in any case */
    int                quiet;           /* 1: connects when there is an
                                           exchange; 0: connects at once, and
                                           again when the connection is lost */
    const sss_auth_t  *auth;            /* NULL: there is no password      */
    sss_tls_t         *tls;             /* for links with a "host"         */
    sss_queue_t       *done;            /* lookups that have ended are added
                                           here with their result          */
} sss_link_conf_t;


/*
 * Creates a link to a server.  "address" is a numeric address or a path.  If
 * "host" is not NULL the connection uses TLS, and the server's certificate
 * must be valid for this name or address.  Returns NULL without memory.
 */
sss_link_t *sss_link_create(const sss_address_t *address, const char *host,
    const sss_link_conf_t *conf);

/* Closes the connection.  Lookups and an exchange under way fail. */
void sss_link_destroy(sss_link_t *link);

/* 1 if lookups may be sent to this server, 0 if it is known to be down. */
int sss_link_usable(const sss_link_t *link);

/* 1 if bytes wait to be sent, or a request waits for its answer. */
int sss_link_busy(const sss_link_t *link);

/* 1 if there is a connection that can take bytes, and bytes to be sent. */
int sss_link_pending(const sss_link_t *link);

/* 1 if a lookup or probe was answered in time since the last call. */
int sss_link_answered(sss_link_t *link);

/* See sss_talk_get() and the like. */
void sss_link_get(sss_link_t *link, sss_queue_t *lookups);
int sss_link_put(sss_link_t *link, const char *name, const uint8_t *value,
    size_t len, uint32_t ttl);
int sss_link_remove(sss_link_t *link, const char *name);
int sss_link_add(sss_link_t *link, const char *name, const uint8_t *value,
    size_t len, uint64_t expires);
void sss_link_claim(sss_link_t *link, sss_request_t *request);

/*
 * Adds a probe, a lookup of a name that does not exist, whose answer shows
 * that the server is up.  All times "now" are of sss_request_clock().
 */
void sss_link_probe(sss_link_t *link, uint64_t now);

/*
 * Begins an exchange, and connects at once if there is no connection.  If the
 * connection is lost before the answer, the exchange is begun a second time,
 * since the server may just have been restarted.
 */
void sss_link_ask(sss_link_t *link, sss_exchange_t *x, uint64_t now);

/* Gives the exchange up; the caller may free its memory. */
void sss_link_forget(sss_link_t *link);

/* Sends as many of the bytes that wait as the socket takes. */
void sss_link_flush(sss_link_t *link, uint64_t now);

/* Says which descriptor to watch, and for what. */
void sss_link_watch(const sss_link_t *link, sss_engine_watch_t *watch);

/*
 * When sss_link_check() is to be called at the latest, in the time of
 * sss_request_clock(); UINT64_MAX: no need.
 */
uint64_t sss_link_due(const sss_link_t *link);

/* Handles an event of the descriptor. */
void sss_link_event(sss_link_t *link, uint64_t now);

/* Handles timeouts, and connects again when that is due. */
void sss_link_check(sss_link_t *link, uint64_t now);


#endif /* SSS_LINK_H_INCLUDED */
