
/*
 * Early data (0-RTT), which whoever has recorded it may send again, to every
 * host that has the STEK of its ticket.  A flight that the rule "once" is for
 * is accepted only if no host has accepted it before; else it is refused,
 * which costs the client a round trip and nothing else.
 *
 * What speaks against a flight is found in several places; nothing here speaks
 * for one but that all of them have been passed.
 */


#include "ngx_ssl_session_sync_early.h"


static ngx_ssl_session_sync_early_t *ngx_ssl_session_sync_early_of(SSL *ssl,
    ngx_ssl_session_sync_handshake_t *hs);
static ngx_uint_t ngx_ssl_session_sync_early_here(SSL *ssl,
    ngx_ssl_session_sync_handshake_t *hs, const sss_hello_early_t *offer);
static ngx_ssl_session_sync_early_e ngx_ssl_session_sync_early_decide(
    SSL *ssl, ngx_ssl_session_sync_handshake_t *hs,
    ngx_ssl_session_sync_ctx_t *sync);
static ngx_uint_t ngx_ssl_session_sync_early_in_time(
    ngx_ssl_session_sync_early_t *early);


ngx_int_t
ngx_ssl_session_sync_early_offer(SSL *ssl, const sss_hello_early_t *offer,
    ngx_ssl_session_sync_wait_t *wait)
{
    uint64_t                           options;
    ngx_ssl_session_sync_early_t      *early;
    ngx_ssl_session_sync_cluster_t    *cluster;
    ngx_ssl_session_sync_handshake_t  *hs;

    hs = ngx_ssl_session_sync_known(ssl);

    if (SSL_get_max_early_data(ssl) == 0) {
        return NGX_DECLINED;
    }

    early = ngx_ssl_session_sync_early_of(ssl, hs);

    if (early == NULL || hs->sync == NULL
        || hs->sync->early != NGX_SSL_SESSION_SYNC_EARLY_ONCE)
    {
        return NGX_DECLINED;
    }

    cluster = hs->sync->cluster;
    early->sync = hs->sync;

    ngx_ssl_session_sync_early_hash(cluster, offer, early->hash);

    if (cluster->servers.nelts == 0) {

        if (ngx_ssl_session_sync_early_here(ssl, hs, offer)) {
            early->state = NGX_SSL_SESSION_SYNC_EARLY_HERE;
        }

        return NGX_DECLINED;
    }

    options = ngx_ssl_session_sync_options(ssl, hs);

    if (options & SSL_OP_NO_TICKET) {
        early->state = NGX_SSL_SESSION_SYNC_EARLY_SINGLE;
        return NGX_DECLINED;
    }

    return ngx_ssl_session_sync_early_claim(ssl, hs, offer, wait);
}


/* Made if need be; NULL without memory. */

static ngx_ssl_session_sync_early_t *
ngx_ssl_session_sync_early_of(SSL *ssl, ngx_ssl_session_sync_handshake_t *hs)
{
    ngx_connection_t  *c;

    if (hs->early == NULL) {
        c = ngx_ssl_get_connection(ssl);

        hs->early = ngx_pcalloc(c->pool,
                                sizeof(ngx_ssl_session_sync_early_t));
    }

    return hs->early;
}


/*
 * STEKs and sessions of a cluster without memcached are gone with the memory
 * that says what was accepted.  Key files are not.
 */

static ngx_uint_t
ngx_ssl_session_sync_early_here(SSL *ssl,
    ngx_ssl_session_sync_handshake_t *hs, const sss_hello_early_t *offer)
{
    if (ngx_ssl_session_sync_options(ssl, hs) & SSL_OP_NO_TICKET) {
        return 1;
    }

    return offer->identity_len > SSS_KEY_NAME
           && sss_ring_find(ngx_ssl_session_sync_view(hs->sync->cluster),
                            offer->identity)
              != NULL;
}


int
ngx_ssl_session_sync_early_allow(SSL *ssl, void *data)
{
    ngx_ssl_session_sync_ctx_t        *sync;
    ngx_ssl_session_sync_early_t      *early;
    ngx_ssl_session_sync_handshake_t  *hs;

    sync = ngx_ssl_session_sync_of(SSL_get_SSL_CTX(ssl));

    /* a server that is "off" does as nginx does */

    if (sync == NULL) {
        return 1;
    }

    hs = ngx_ssl_session_sync_handshake(ssl);
    early = hs ? ngx_ssl_session_sync_early_of(ssl, hs) : NULL;

    if (early == NULL) {
        return 0;
    }

    early->state = ngx_ssl_session_sync_early_decide(ssl, hs, sync);

    ngx_ssl_session_sync_early_count(hs,
                               ngx_ssl_session_sync_counters(sync->cluster));

    return early->state == NGX_SSL_SESSION_SYNC_EARLY_ACCEPTED;
}


static ngx_ssl_session_sync_early_e
ngx_ssl_session_sync_early_decide(SSL *ssl,
    ngx_ssl_session_sync_handshake_t *hs, ngx_ssl_session_sync_ctx_t *sync)
{
    uint64_t                          now;
    ngx_uint_t                        good;
    ngx_ssl_session_sync_early_t     *early;
    ngx_ssl_session_sync_counters_t  *counters;

    if (sync->early == NGX_SSL_SESSION_SYNC_EARLY_ANY) {
        return NGX_SSL_SESSION_SYNC_EARLY_ACCEPTED;
    }

    if (sync->early == NGX_SSL_SESSION_SYNC_EARLY_OFF) {
        return NGX_SSL_SESSION_SYNC_EARLY_OFFERED;
    }

    early = hs->early;
    counters = ngx_ssl_session_sync_counters(sync->cluster);

    if (!hs->filtered) {

        /* QUIC, where nothing can be held */

        (void) ngx_atomic_fetch_add(&counters->early_unheld, 1);
        return NGX_SSL_SESSION_SYNC_EARLY_UNSURE;
    }

    switch (early->state) {

    case NGX_SSL_SESSION_SYNC_EARLY_HERE:
        good = 1;
        break;

    case NGX_SSL_SESSION_SYNC_EARLY_SINGLE:
        good = hs->remote;
        break;

    case NGX_SSL_SESSION_SYNC_EARLY_CLAIMED:
        good = ngx_ssl_session_sync_early_in_time(early);
        break;

    case NGX_SSL_SESSION_SYNC_EARLY_REPLAY:
        return early->state;

    default:
        good = 0;
    }

    if (!good || early->sync != sync) {
        return NGX_SSL_SESSION_SYNC_EARLY_UNSURE;
    }

    /* the binder is known to be right: others could not fill the table */

    now = (uint64_t) time(NULL);

    switch (ngx_ssl_session_sync_early_once(sync->cluster, early->hash, now,
                                            now + SSS_CLAIM_WINDOW + 2))
    {

    case SSS_ONCE_TAKEN:
        return NGX_SSL_SESSION_SYNC_EARLY_ACCEPTED;

    case SSS_ONCE_AGAIN:
        return NGX_SSL_SESSION_SYNC_EARLY_REPLAY;

    case SSS_ONCE_FULL:
        (void) ngx_atomic_fetch_add(&counters->early_full, 1);
        return NGX_SSL_SESSION_SYNC_EARLY_UNSURE;

    default:
        (void) ngx_atomic_fetch_add(&counters->early_clock, 1);
        return NGX_SSL_SESSION_SYNC_EARLY_UNSURE;
    }
}


/*
 * What a claim is worth ends with the time by which the log was older than it
 * had to be, and goes by the clock that it was compared with.
 */

static ngx_uint_t
ngx_ssl_session_sync_early_in_time(ngx_ssl_session_sync_early_t *early)
{
    int64_t   moved;
    uint64_t  now;

    now = sss_request_clock();
    moved = ngx_ssl_session_sync_early_offset() - early->offset;

    return now - early->asked <= SSS_CLAIM_HASTE * 1000000
           && moved <= 1000000 && moved >= -1000000;
}


void
ngx_ssl_session_sync_early_allowance(SSL *ssl,
    ngx_ssl_session_sync_ctx_t *sync)
{
    ngx_ssl_session_sync_handshake_t  *hs;

    hs = ngx_ssl_session_sync_known(ssl);

    if (sync->early == NGX_SSL_SESSION_SYNC_EARLY_ONCE
        && (hs == NULL || !hs->filtered))
    {
        (void) SSL_set_max_early_data(ssl, 0);
    }
}


int64_t
ngx_ssl_session_sync_early_offset(void)
{
    struct timeval  tv;

    ngx_gettimeofday(&tv);

    return (int64_t) tv.tv_sec * 1000000 + tv.tv_usec
           - (int64_t) sss_request_clock();
}


void
ngx_ssl_session_sync_early_outcome(ngx_connection_t *c, ngx_str_t *value)
{
    ngx_ssl_session_sync_early_t      *early;
    ngx_ssl_session_sync_handshake_t  *hs;

    ngx_str_null(value);

    if (c->ssl == NULL
        || ngx_ssl_session_sync_of(SSL_get_SSL_CTX(c->ssl->connection))
           == NULL)
    {
        return;
    }

    hs = ngx_ssl_session_sync_known(c->ssl->connection);
    early = hs ? hs->early : NULL;

    if (early == NULL) {
        return;
    }

    switch (early->state) {

    case NGX_SSL_SESSION_SYNC_EARLY_ACCEPTED:
        ngx_str_set(value, "accepted");
        break;

    case NGX_SSL_SESSION_SYNC_EARLY_REPLAY:
        ngx_str_set(value, "replay");
        break;

    case NGX_SSL_SESSION_SYNC_EARLY_UNSURE:
        ngx_str_set(value, "unsure");
        break;

    default:
        ngx_str_set(value, "off");
    }
}


void
ngx_ssl_session_sync_early_count(ngx_ssl_session_sync_handshake_t *hs,
    ngx_ssl_session_sync_counters_t *counters)
{
    if (hs->early == NULL || hs->early->counted) {
        return;
    }

    hs->early->counted = 1;

    switch (hs->early->state) {

    case NGX_SSL_SESSION_SYNC_EARLY_ACCEPTED:
        (void) ngx_atomic_fetch_add(&counters->early_accepted, 1);
        break;

    case NGX_SSL_SESSION_SYNC_EARLY_REPLAY:
        (void) ngx_atomic_fetch_add(&counters->early_replay, 1);
        break;

    case NGX_SSL_SESSION_SYNC_EARLY_UNSURE:
        (void) ngx_atomic_fetch_add(&counters->early_unsure, 1);
        break;

    default:
        (void) ngx_atomic_fetch_add(&counters->early_off, 1);
    }
}
