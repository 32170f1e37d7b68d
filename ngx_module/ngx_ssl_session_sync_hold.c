
/*
 * Holding a ClientHello.
 *
 * OpenSSL asks for a session in the middle of a handshake and wants the
 * answer at once.  So a filter BIO in front of the socket reads the
 * ClientHello first.  If it offers a session that only memcached can have,
 * the filter keeps the bytes and says "retry", which to nginx is a client
 * that has not sent everything yet; when the answer is there, or its time is
 * up, the bytes go on and nginx is told to read.
 *
 * The filter is taken out as soon as OpenSSL has got every byte it read.
 */


#include "ngx_ssl_session_sync_early.h"


#define NGX_SSL_SESSION_SYNC_READ  4096

/*
 * What a ClientHello may have the filter keep: a record of the longest.  One
 * that is longer, or comes in very small records, is passed on unread, so that
 * a client cannot make a worker hold more than OpenSSL does by itself.
 */
#define NGX_SSL_SESSION_SYNC_MOST  16384


typedef enum {
    NGX_SSL_SESSION_SYNC_READING = 0,
    NGX_SSL_SESSION_SYNC_HELD,
    NGX_SSL_SESSION_SYNC_PASSING
} ngx_ssl_session_sync_hold_state_e;


typedef struct {
    ngx_ssl_session_sync_hold_state_e   state;
    SSL                                *ssl;
    ngx_connection_t                   *connection;
    sss_hello_t                        *hello;
    u_char                             *bytes;
    size_t                              size;
    size_t                              len;    /* read from the socket    */
    size_t                              pos;    /* passed on to OpenSSL    */
    ngx_ssl_session_sync_wait_t         wait;
} ngx_ssl_session_sync_hold_t;


static ngx_ssl_session_sync_hold_t *ngx_ssl_session_sync_hold_of(SSL *ssl);
static BIO *ngx_ssl_session_sync_hold_create(ngx_log_t *log);
static void ngx_ssl_session_sync_hold_destroy(
    ngx_ssl_session_sync_hold_t *hold);
static void ngx_ssl_session_sync_hold_drop(
    ngx_ssl_session_sync_hold_t *hold);
static void ngx_ssl_session_sync_hold_clear(
    ngx_ssl_session_sync_hold_t *hold);
static int ngx_ssl_session_sync_bio_read(BIO *bio, char *buf, int size);
static int ngx_ssl_session_sync_bio_write(BIO *bio, const char *buf, int n);
static long ngx_ssl_session_sync_bio_ctrl(BIO *bio, int cmd, long num,
    void *ptr);
static int ngx_ssl_session_sync_bio_destroy(BIO *bio);
static int ngx_ssl_session_sync_hold_fill(BIO *bio,
    ngx_ssl_session_sync_hold_t *hold);
static ngx_int_t ngx_ssl_session_sync_hold_room(
    ngx_ssl_session_sync_hold_t *hold);
static void ngx_ssl_session_sync_hold_decide(
    ngx_ssl_session_sync_hold_t *hold);
static void ngx_ssl_session_sync_hold_offer(
    ngx_ssl_session_sync_hold_t *hold, const sss_hello_offer_t *offer);
static ngx_int_t ngx_ssl_session_sync_hold_session(
    ngx_ssl_session_sync_hold_t *hold, const sss_hello_offer_t *offer);
static void ngx_ssl_session_sync_hold_handler(
    ngx_ssl_session_sync_wait_t *wait);
static void ngx_ssl_session_sync_hold_claimed(
    ngx_ssl_session_sync_wait_t *wait);
static void ngx_ssl_session_sync_hold_pass(
    ngx_ssl_session_sync_hold_t *hold);


static BIO_METHOD  *ngx_ssl_session_sync_bio;
static int          ngx_ssl_session_sync_bio_type;

/* The filter that was taken out last, for the next connection. */
static BIO         *ngx_ssl_session_sync_spare;


ngx_int_t
ngx_ssl_session_sync_hold_init(ngx_log_t *log)
{
    BIO_METHOD  *bio;

    if (ngx_ssl_session_sync_bio) {
        return NGX_OK;
    }

    ngx_ssl_session_sync_bio_type = BIO_get_new_index()|BIO_TYPE_FILTER;

    bio = BIO_meth_new(ngx_ssl_session_sync_bio_type, "ssl_session_sync");

    if (bio == NULL
        || BIO_meth_set_read(bio, ngx_ssl_session_sync_bio_read) != 1
        || BIO_meth_set_write(bio, ngx_ssl_session_sync_bio_write) != 1
        || BIO_meth_set_ctrl(bio, ngx_ssl_session_sync_bio_ctrl) != 1
        || BIO_meth_set_destroy(bio, ngx_ssl_session_sync_bio_destroy) != 1)
    {
        ngx_ssl_error(NGX_LOG_EMERG, log, 0, "BIO_meth_new() failed");
        return NGX_ERROR;
    }

    ngx_ssl_session_sync_bio = bio;

    return NGX_OK;
}


ngx_int_t
ngx_ssl_session_sync_hold_push(SSL *ssl)
{
    BIO                               *socket, *filter;
    ngx_connection_t                  *c;
    ngx_ssl_session_sync_hold_t       *hold;
    ngx_ssl_session_sync_handshake_t  *hs;

    c = ngx_ssl_get_connection(ssl);
    socket = SSL_get_rbio(ssl);

    /* QUIC's packets do not come through the BIO */

    if (socket == NULL || c->type != SOCK_STREAM || c->ssl->handshaked) {
        return NGX_DECLINED;
    }

    hs = ngx_ssl_session_sync_handshake(ssl);

    if (hs == NULL || hs->filtered) {
        return NGX_DECLINED;
    }

    filter = ngx_ssl_session_sync_hold_create(c->log);
    if (filter == NULL) {
        return NGX_DECLINED;
    }

    hold = BIO_get_data(filter);

    hold->ssl = ssl;
    hold->connection = c;

    /* the SSL drops its reference to the socket when it takes the filter */

    BIO_up_ref(socket);
    BIO_push(filter, socket);
    SSL_set0_rbio(ssl, filter);

    hs->filtered = 1;

    return NGX_OK;
}


ngx_int_t
ngx_ssl_session_sync_hold_pop(SSL *ssl)
{
    BIO                          *socket, *filter;
    ngx_ssl_session_sync_hold_t  *hold;

    hold = ngx_ssl_session_sync_hold_of(ssl);

    if (hold == NULL) {
        return NGX_OK;
    }

    if (hold->state != NGX_SSL_SESSION_SYNC_PASSING
        || hold->pos != hold->len)
    {
        return NGX_AGAIN;
    }

    ngx_log_debug0(NGX_LOG_DEBUG_EVENT, hold->connection->log, 0,
                   "ssl session sync: filter removed");

    filter = SSL_get_rbio(ssl);

    /* the reference to the socket goes from the filter to the SSL */

    socket = BIO_pop(filter);

    if (ngx_ssl_session_sync_spare == NULL && BIO_up_ref(filter)) {
        ngx_ssl_session_sync_hold_clear(hold);
        ngx_ssl_session_sync_spare = filter;
    }

    SSL_set0_rbio(ssl, socket);

    return NGX_OK;
}


/* NULL: the filter is not in. */

static ngx_ssl_session_sync_hold_t *
ngx_ssl_session_sync_hold_of(SSL *ssl)
{
    BIO  *bio;

    bio = SSL_get_rbio(ssl);

    if (bio == NULL || BIO_method_type(bio) != ngx_ssl_session_sync_bio_type)
    {
        return NULL;
    }

    return BIO_get_data(bio);
}


static BIO *
ngx_ssl_session_sync_hold_create(ngx_log_t *log)
{
    BIO                          *filter;
    ngx_ssl_session_sync_hold_t  *hold;

    filter = ngx_ssl_session_sync_spare;

    if (filter) {
        ngx_ssl_session_sync_spare = NULL;
        return filter;
    }

    hold = ngx_calloc(sizeof(ngx_ssl_session_sync_hold_t), log);
    if (hold == NULL) {
        return NULL;
    }

    hold->hello = sss_hello_create();
    filter = BIO_new(ngx_ssl_session_sync_bio);

    if (hold->hello == NULL || filter == NULL) {
        BIO_free(filter);
        ngx_ssl_session_sync_hold_destroy(hold);
        return NULL;
    }

    BIO_set_data(filter, hold);
    BIO_set_init(filter, 1);

    return filter;
}


static void
ngx_ssl_session_sync_hold_destroy(ngx_ssl_session_sync_hold_t *hold)
{
    sss_hello_destroy(hold->hello);

    if (hold->bytes) {
        ngx_free(hold->bytes);
    }

    ngx_free(hold);
}


/*
 * A filter whose bytes have all been passed on may stay for as long as the
 * client does not finish its ClientHello: without a large buffer.
 */

static void
ngx_ssl_session_sync_hold_drop(ngx_ssl_session_sync_hold_t *hold)
{
    ngx_free(hold->bytes);

    hold->bytes = NULL;
    hold->size = 0;
    hold->len = 0;
    hold->pos = 0;

    sss_hello_clear(hold->hello);
}


/* As new, but for a buffer of the usual size. */

static void
ngx_ssl_session_sync_hold_clear(ngx_ssl_session_sync_hold_t *hold)
{
    u_char       *bytes;
    sss_hello_t  *hello;

    hello = hold->hello;
    bytes = hold->bytes;

    if (bytes && hold->size != NGX_SSL_SESSION_SYNC_READ) {
        ngx_free(bytes);
        bytes = NULL;
    }

    ngx_memzero(hold, sizeof(ngx_ssl_session_sync_hold_t));
    sss_hello_clear(hello);

    hold->hello = hello;
    hold->bytes = bytes;
    hold->size = bytes ? NGX_SSL_SESSION_SYNC_READ : 0;
}


static int
ngx_ssl_session_sync_bio_read(BIO *bio, char *buf, int size)
{
    int                           n, more;
    ngx_ssl_session_sync_hold_t  *hold;

    hold = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);

    if (hold->state == NGX_SSL_SESSION_SYNC_READING) {

        n = ngx_ssl_session_sync_hold_fill(bio, hold);

        if (n <= 0 && hold->state == NGX_SSL_SESSION_SYNC_READING) {
            return n;
        }
    }

    if (hold->state == NGX_SSL_SESSION_SYNC_HELD) {
        BIO_set_retry_read(bio);
        return -1;
    }

    if (hold->pos < hold->len) {
        n = (int) ngx_min((size_t) size, hold->len - hold->pos);
        ngx_memcpy(buf, hold->bytes + hold->pos, n);
        hold->pos += n;

        /*
         * nginx has OpenSSL read ahead: what is left in the socket when it
         * gives up would make the kernel reset the connection
         */

        if (n < size && hold->len == hold->size) {
            more = BIO_read(BIO_next(bio), buf + n, size - n);
            n += ngx_max(more, 0);
        }

        if (hold->pos == hold->len
            && hold->size > NGX_SSL_SESSION_SYNC_READ)
        {
            ngx_ssl_session_sync_hold_drop(hold);
        }

        return n;
    }

    n = BIO_read(BIO_next(bio), buf, size);
    BIO_copy_next_retry(bio);

    return n;
}


/*
 * Reads until the ClientHello is there.  Returns what the last read did, 1
 * if the state has changed.
 */

static int
ngx_ssl_session_sync_hold_fill(BIO *bio, ngx_ssl_session_sync_hold_t *hold)
{
    int             n;
    sss_hello_rc_t  rc;

    for ( ;; ) {

        if (ngx_ssl_session_sync_hold_room(hold) != NGX_OK) {
            hold->state = NGX_SSL_SESSION_SYNC_PASSING;
            return 1;
        }

        n = BIO_read(BIO_next(bio), (char *) hold->bytes + hold->len,
                     (int) (hold->size - hold->len));

        if (n <= 0) {
            BIO_copy_next_retry(bio);

            if (!BIO_should_retry(bio)) {

                /* what has come may deserve an alert; then the end again */

                hold->state = NGX_SSL_SESSION_SYNC_PASSING;
            }

            return n;
        }

        rc = sss_hello_feed(hold->hello, hold->bytes + hold->len, n);
        hold->len += n;

        if (rc == SSS_HELLO_OTHER) {
            hold->state = NGX_SSL_SESSION_SYNC_PASSING;
            return 1;
        }

        if (rc == SSS_HELLO_DONE) {
            ngx_ssl_session_sync_hold_decide(hold);
            return 1;
        }
    }
}


static ngx_int_t
ngx_ssl_session_sync_hold_room(ngx_ssl_session_sync_hold_t *hold)
{
    size_t   size;
    u_char  *bytes;

    if (hold->len < hold->size) {
        return NGX_OK;
    }

    size = hold->size ? hold->size * 2 : NGX_SSL_SESSION_SYNC_READ;

    if (size > NGX_SSL_SESSION_SYNC_MOST) {
        return NGX_DECLINED;
    }

    bytes = ngx_alloc(size, hold->connection->log);
    if (bytes == NULL) {
        return NGX_ERROR;
    }

    if (hold->bytes) {
        ngx_memcpy(bytes, hold->bytes, hold->len);
        ngx_free(hold->bytes);
    }

    hold->bytes = bytes;
    hold->size = size;

    return NGX_OK;
}


static void
ngx_ssl_session_sync_hold_decide(ngx_ssl_session_sync_hold_t *hold)
{
    hold->state = NGX_SSL_SESSION_SYNC_PASSING;

    ngx_ssl_session_sync_hold_offer(hold, sss_hello_offer(hold->hello));
}


static void
ngx_ssl_session_sync_hold_offer(ngx_ssl_session_sync_hold_t *hold,
    const sss_hello_offer_t *offer)
{
    const sss_hello_early_t           *early;
    ngx_ssl_session_sync_handshake_t  *hs;

    if (offer->sni_bad) {
        return;
    }

    hs = ngx_ssl_session_sync_known(hold->ssl);

    ngx_ssl_session_sync_announce(hold->ssl, hs, &offer->sni);

    if (ngx_ssl_session_sync_hold_session(hold, offer) == NGX_AGAIN) {
        hold->state = NGX_SSL_SESSION_SYNC_HELD;
    }

    early = offer->tls13 ? sss_hello_early(hold->hello) : NULL;

    if (early == NULL) {
        return;
    }

    /* its session is in a ticket then, so that there was none to look up */

    if (hold->state != NGX_SSL_SESSION_SYNC_HELD) {
        hold->wait.handler = ngx_ssl_session_sync_hold_claimed;
        hold->wait.data = hold;
        hold->wait.connection = hold->connection;
    }

    if (ngx_ssl_session_sync_early_offer(hold->ssl, early, &hold->wait)
        == NGX_AGAIN)
    {
        hold->state = NGX_SSL_SESSION_SYNC_HELD;
    }
}


static ngx_int_t
ngx_ssl_session_sync_hold_session(ngx_ssl_session_sync_hold_t *hold,
    const sss_hello_offer_t *offer)
{
    char                               name[SSS_NAME_SIZE];
    ngx_uint_t                         single;
    ngx_ssl_session_sync_ctx_t        *listener;
    ngx_ssl_session_sync_handshake_t  *hs;

    listener = ngx_ssl_session_sync_of(hold->connection->ssl->session_ctx);

    if (listener == NULL || !listener->ids
        || ngx_ssl_session_sync_wanted(hold->ssl, offer, name, &single)
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    hs = ngx_ssl_session_sync_known(hold->ssl);
    hs->answer = SSS_ENGINE_FAILED;

    hold->wait.cluster = hs->sync->cluster;
    hold->wait.handler = ngx_ssl_session_sync_hold_handler;
    hold->wait.data = hold;

    return ngx_ssl_session_sync_lookup(&hold->wait, name, single);
}


static void
ngx_ssl_session_sync_hold_handler(ngx_ssl_session_sync_wait_t *wait)
{
    ngx_ssl_session_sync_hold_t       *hold;
    ngx_ssl_session_sync_handshake_t  *hs;

    hold = wait->data;

    hs = ngx_ssl_session_sync_handshake(hold->ssl);

    hs->answer = wait->rc;
    hs->record = wait->value;
    hs->record_len = wait->len;
    wait->value = NULL;

    ngx_ssl_session_sync_hold_pass(hold);
}


static void
ngx_ssl_session_sync_hold_claimed(ngx_ssl_session_sync_wait_t *wait)
{
    ngx_ssl_session_sync_hold_t  *hold;

    hold = wait->data;

    ngx_ssl_session_sync_early_answer(ngx_ssl_session_sync_known(hold->ssl),
                                      wait);
    free(wait->value);
    wait->value = NULL;

    ngx_ssl_session_sync_hold_pass(hold);
}


static void
ngx_ssl_session_sync_hold_pass(ngx_ssl_session_sync_hold_t *hold)
{
    ngx_event_t  *rev;

    rev = hold->connection->read;

    hold->state = NGX_SSL_SESSION_SYNC_PASSING;

    ngx_post_event(rev, &ngx_posted_events);
}


static int
ngx_ssl_session_sync_bio_write(BIO *bio, const char *buf, int n)
{
    int  rc;

    rc = BIO_write(BIO_next(bio), buf, n);
    BIO_copy_next_retry(bio);

    return rc;
}


static long
ngx_ssl_session_sync_bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
    ngx_ssl_session_sync_hold_t  *hold;

    hold = BIO_get_data(bio);

    if (cmd == BIO_CTRL_PENDING && hold && hold->pos < hold->len) {
        return (long) (hold->len - hold->pos);
    }

    if (BIO_next(bio) == NULL) {
        return 0;
    }

    return BIO_ctrl(BIO_next(bio), cmd, num, ptr);
}


/* Taken out, or the connection is closed, held or not. */

static int
ngx_ssl_session_sync_bio_destroy(BIO *bio)
{
    ngx_ssl_session_sync_hold_t  *hold;

    hold = BIO_get_data(bio);

    if (hold) {
        ngx_ssl_session_sync_cancel(&hold->wait);
        ngx_ssl_session_sync_hold_destroy(hold);
    }

    BIO_set_data(bio, NULL);
    BIO_set_init(bio, 0);

    return 1;
}
