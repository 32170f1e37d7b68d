
/*
 * A flight of early data is claimed in memcached.
 *
 * That is worth a message only if OpenSSL would accept the flight, so that its
 * ticket is opened and judged here first; OpenSSL does so again.
 */


#include "ngx_ssl_session_sync_early.h"


#define NGX_SSL_SESSION_SYNC_TICKET_MAX  16384


typedef struct {
    const sss_key_t  *key;              /* the STEK                        */
    uint64_t          sent;             /* when, as the client says        */
    uint64_t          badge;            /* of the server for its claims    */
} ngx_ssl_session_sync_early_ticket_t;


static ngx_int_t ngx_ssl_session_sync_early_ticket(SSL *ssl,
    ngx_ssl_session_sync_handshake_t *hs, const sss_hello_early_t *offer,
    ngx_ssl_session_sync_early_ticket_t *ticket);
static SSL_SESSION *ngx_ssl_session_sync_early_open(
    ngx_ssl_session_sync_cluster_t *cluster, const sss_key_t *key,
    const sss_hello_early_t *offer, uint32_t *add, ngx_log_t *log);
static ngx_uint_t ngx_ssl_session_sync_early_fresh(SSL_SESSION *session,
    uint32_t age, uint64_t *sent);


ngx_int_t
ngx_ssl_session_sync_early_claim(SSL *ssl,
    ngx_ssl_session_sync_handshake_t *hs, const sss_hello_early_t *offer,
    ngx_ssl_session_sync_wait_t *wait)
{
    u_char                                hash[SSS_HMAC_SIZE], nonce[8];
    ngx_ssl_session_sync_early_t         *early;
    ngx_ssl_session_sync_cluster_t       *cluster;
    ngx_ssl_session_sync_counters_t      *counters;
    ngx_ssl_session_sync_early_ticket_t   ticket;

    early = hs->early;
    cluster = hs->sync->cluster;

    if (cluster->lookups == NULL || cluster->early_worker == NULL
        || ngx_ssl_session_sync_early_ticket(ssl, hs, offer, &ticket)
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    early->state = NGX_SSL_SESSION_SYNC_EARLY_UNSURE;
    counters = ngx_ssl_session_sync_counters(cluster);

    early->place = ngx_ssl_session_sync_badge_find(cluster, ticket.badge);

    if (early->place == SSS_SERVERS_MAX) {
        (void) ngx_atomic_fetch_add(&counters->early_servers, 1);
        return NGX_DECLINED;
    }

    sss_session_flight(cluster->lookups->keys, ticket.key, offer->identity,
                       offer->identity_len, offer->binder, offer->binder_len,
                       hash);

    if (sss_session_nonce(cluster->lookups->keys, nonce, sizeof(nonce)) != 0)
    {
        return NGX_DECLINED;
    }

    sss_claim_init(&early->claim, (char *) cluster->ns.data, cluster->ns.len,
                   sss_claim_slot(ticket.sent), hash, nonce, ticket.badge);

    early->asked = sss_request_clock();
    wait->cluster = cluster;

    if (ngx_ssl_session_sync_claim(wait, early->place, &early->claim)
        == NGX_AGAIN)
    {
        return NGX_AGAIN;
    }

    (void) ngx_atomic_fetch_add(&counters->early_unanswered, 1);

    return NGX_DECLINED;
}


/*
 * Opens a ticket and judges it as OpenSSL and the rule for sessions will:
 * NGX_OK if its early data may be accepted, as far as that goes.
 */

static ngx_int_t
ngx_ssl_session_sync_early_ticket(SSL *ssl,
    ngx_ssl_session_sync_handshake_t *hs, const sss_hello_early_t *offer,
    ngx_ssl_session_sync_early_ticket_t *ticket)
{
    uint32_t                         add;
    ngx_uint_t                       good;
    SSL_SESSION                     *session;
    ngx_connection_t                *c;
    ngx_ssl_session_sync_cluster_t  *cluster;

    cluster = hs->sync->cluster;

    if (offer->identity_len < SSS_TICKET_OVERHEAD
        || offer->identity_len > NGX_SSL_SESSION_SYNC_TICKET_MAX)
    {
        return NGX_DECLINED;
    }

    ticket->key = sss_ring_find(ngx_ssl_session_sync_view(cluster),
                                offer->identity);

    if (ticket->key == NULL
        || ticket->key->expires <= ngx_ssl_session_sync_now() / 1000)
    {
        return NGX_DECLINED;
    }

    c = ngx_ssl_get_connection(ssl);

    session = ngx_ssl_session_sync_early_open(cluster, ticket->key, offer,
                                              &add, c->log);
    if (session == NULL) {
        return NGX_DECLINED;
    }

    good = ngx_ssl_session_sync_early_fresh(session, offer->age - add,
                                            &ticket->sent)
           && ngx_ssl_session_sync_refusal(&hs->sync->trust, session,
                                    &hs->sni,
                                    ngx_ssl_session_sync_generation(cluster),
                                    ngx_ssl_session_sync_limit(ssl, hs->sync))
              == NULL;

    ticket->badge = ngx_ssl_session_sync_badge_of(session);

    SSL_SESSION_free(session);

    return good ? NGX_OK : NGX_DECLINED;
}


static SSL_SESSION *
ngx_ssl_session_sync_early_open(ngx_ssl_session_sync_cluster_t *cluster,
    const sss_key_t *key, const sss_hello_early_t *offer, uint32_t *add,
    ngx_log_t *log)
{
    long           len;
    u_char        *plain;
    SSL_SESSION   *session;
    const u_char  *p;

    session = NULL;

    plain = ngx_alloc(offer->identity_len, log);
    if (plain == NULL) {
        return NULL;
    }

    len = sss_ticket_open(cluster->early_worker->opener, key, offer->identity,
                          offer->identity_len, plain);

    if (len > 0 && sss_ticket_age_add(plain, (size_t) len, add) == 0) {
        p = plain;
        session = d2i_SSL_SESSION(NULL, &p, len);

        if (session == NULL) {
            ERR_clear_error();
        }
    }

    if (len > 0) {
        ngx_explicit_memzero(plain, (size_t) len);
    }

    ngx_free(plain);

    return session;
}


/*
 * As OpenSSL will see it, whose clock may go on by a second until then; "age"
 * is the client's, in milliseconds.
 */

static ngx_uint_t
ngx_ssl_session_sync_early_fresh(SSL_SESSION *session, uint32_t age,
    uint64_t *sent)
{
    int64_t  made, old;

    made = (int64_t) SSL_SESSION_get_time(session);
    old = (int64_t) time(NULL) - made;

    *sent = (uint64_t) (made + age / 1000);

    return made > 0
           && old >= 0
           && old <= (int64_t) SSL_SESSION_get_timeout(session)
           && (int64_t) age <= old * 1000 + 2000
           && (int64_t) age + 10000 >= old * 1000;
}


void
ngx_ssl_session_sync_early_answer(ngx_ssl_session_sync_handshake_t *hs,
    ngx_ssl_session_sync_wait_t *wait)
{
    ngx_atomic_t                     *counter;
    sss_claim_rc_t                    rc;
    ngx_connection_t                 *c;
    ngx_ssl_session_sync_early_t     *early;
    ngx_ssl_session_sync_cluster_t   *cluster;
    ngx_ssl_session_sync_counters_t  *counters;

    early = hs->early;
    cluster = wait->cluster;
    counters = ngx_ssl_session_sync_counters(cluster);

    if (wait->rc == SSS_ENGINE_FAILED) {
        (void) ngx_atomic_fetch_add(&counters->early_unanswered, 1);
        return;
    }

    ngx_ssl_session_sync_badge_seen(cluster, early->place, &wait->reply);

    early->offset = ngx_ssl_session_sync_early_offset();

    rc = sss_claim_judge(&early->claim, &wait->reply, wait->value, wait->len,
                         (uint64_t) time(NULL));

    switch (rc) {

    case SSS_CLAIM_FIRST:
        early->state = NGX_SSL_SESSION_SYNC_EARLY_CLAIMED;
        return;

    case SSS_CLAIM_REPLAY:
        early->state = NGX_SSL_SESSION_SYNC_EARLY_REPLAY;
        return;

    case SSS_CLAIM_TIME:
        counter = &counters->early_clock;
        break;

    case SSS_CLAIM_SERVER:
        cluster->early_sh->lost |= (wait->reply.after.id == 0);
        counter = &counters->early_servers;
        break;

    case SSS_CLAIM_LOST:
        cluster->early_sh->lost = 1;
        counter = &counters->early_forgotten;
        break;

    default:
        counter = &counters->early_forgotten;
    }

    (void) ngx_atomic_fetch_add(counter, 1);

    c = wait->connection;

    ngx_log_error(NGX_LOG_INFO, c->log, 0,
                  "ssl_session_sync: early data is refused: %s",
                  sss_claim_strerror(rc));
}
