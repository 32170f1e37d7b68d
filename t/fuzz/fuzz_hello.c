
/*
 * The first byte is the number of pieces, and so many bytes are their lengths,
 * which are repeated.  The rest is what a client sends.  It is fed at once and
 * in pieces, and to OpenSSL.
 */

#define _GNU_SOURCE                 /* memmem() */

#include "fuzz.h"

#include <openssl/ssl.h>

#include "sss_hello.h"


typedef struct {
    int                   called;
    sss_hello_rc_t        rc;
    sss_hello_offer_t     offer;
    const sss_hello_early_t
                         *early;        /* of the parser that is there     */
} fuzz_hello_t;


static void check_pieces(const uint8_t *cuts, size_t n, const uint8_t *wire,
    size_t size, const sss_hello_t *whole, sss_hello_rc_t expected);
static void check_same(const sss_hello_offer_t *a,
    const sss_hello_offer_t *b);
static void check_openssl(const uint8_t *wire, size_t size,
    fuzz_hello_t *seen);
static int seen_hello(SSL *ssl, int *alert, void *data);
static void check_names(SSL *ssl, const sss_hello_offer_t *offer);
static void check_psk(SSL *ssl, const sss_hello_offer_t *offer);
static void check_early(SSL *ssl, const fuzz_hello_t *seen);
static void check_versions(SSL *ssl, const sss_hello_offer_t *offer);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t         cuts;
    sss_hello_t   *hello;
    fuzz_hello_t   seen;

    if (size == 0 || size <= 1 + (size_t) data[0]) {
        return 0;
    }

    cuts = data[0];

    data++;
    size--;

    hello = sss_hello_create();
    fuzz_check(hello != NULL);

    memset(&seen, 0, sizeof(seen));

    seen.rc = sss_hello_feed(hello, data + cuts, size - cuts);

    if (seen.rc == SSS_HELLO_DONE) {
        fuzz_check(sss_hello_offer(hello) != NULL);
        seen.offer = *sss_hello_offer(hello);
        seen.early = sss_hello_early(hello);

    } else {
        fuzz_check(sss_hello_offer(hello) == NULL);
        fuzz_check(sss_hello_early(hello) == NULL);
    }

    check_pieces(data, cuts, data + cuts, size - cuts, hello, seen.rc);
    check_openssl(data + cuts, size - cuts, &seen);

    /* the result stays the same */

    if (seen.rc != SSS_HELLO_MORE) {
        fuzz_check(sss_hello_feed(hello, data, size) == seen.rc);
    }

    /* until it is cleared */

    sss_hello_clear(hello);

    fuzz_check(sss_hello_feed(hello, data + cuts, size - cuts) == seen.rc);
    fuzz_check(seen.rc != SSS_HELLO_DONE
               || memcmp(sss_hello_offer(hello), &seen.offer,
                         sizeof(seen.offer))
                  == 0);

    sss_hello_destroy(hello);

    return 0;
}


/* Every piece is an exact copy: a sanitizer sees a byte read too many. */

static void
check_pieces(const uint8_t *cuts, size_t n, const uint8_t *wire, size_t size,
    const sss_hello_t *whole, sss_hello_rc_t expected)
{
    size_t           i, len;
    uint8_t         *piece;
    sss_hello_t     *hello;
    sss_hello_rc_t   rc;

    hello = sss_hello_create();
    fuzz_check(hello != NULL);

    rc = SSS_HELLO_MORE;

    for (i = 0; size > 0; i++) {
        len = n > 0 ? (size_t) cuts[i % n] + 1 : 1;

        if (len > size) {
            len = size;
        }

        piece = malloc(len);
        fuzz_check(piece != NULL);
        memcpy(piece, wire, len);

        fuzz_check(rc == SSS_HELLO_MORE
                   || sss_hello_feed(hello, piece, len) == rc);

        if (rc == SSS_HELLO_MORE) {
            rc = sss_hello_feed(hello, piece, len);
        }

        free(piece);

        wire += len;
        size -= len;
    }

    fuzz_check(rc == expected);

    if (rc == SSS_HELLO_DONE) {
        check_same(sss_hello_offer(hello), sss_hello_offer(whole));
    }

    sss_hello_destroy(hello);
}


static void
check_same(const sss_hello_offer_t *a, const sss_hello_offer_t *b)
{
    fuzz_check(a->tls13 == b->tls13);
    fuzz_check(a->ticket == b->ticket);
    fuzz_check(a->psk == b->psk);
    fuzz_check(a->early == b->early);
    fuzz_check(a->sni_bad == b->sni_bad);

    fuzz_check(a->id_len <= SSS_HELLO_ID_MAX);
    fuzz_check(a->id_len == b->id_len);
    fuzz_check(memcmp(a->id, b->id, a->id_len) == 0);

    fuzz_check(a->psk_len <= SSS_HELLO_ID_MAX);
    fuzz_check(a->psk || a->psk_len == 0);
    fuzz_check(a->psk_len == b->psk_len);
    fuzz_check(memcmp(a->psk_id, b->psk_id, a->psk_len) == 0);

    fuzz_check(!a->sni_bad || a->sni.len == 0);
    fuzz_check(a->sni.len == b->sni.len);
    fuzz_check(memcmp(a->sni.name, b->sni.name, a->sni.len) == 0);
}


static void
check_openssl(const uint8_t *wire, size_t size, fuzz_hello_t *seen)
{
    int              rc;
    BIO             *in, *out;
    SSL             *ssl;

    static SSL_CTX  *ctx;

    if (ctx == NULL) {
        ctx = SSL_CTX_new(TLS_server_method());
        fuzz_check(ctx != NULL);
    }

    SSL_CTX_set_client_hello_cb(ctx, seen_hello, seen);

    ssl = SSL_new(ctx);
    in = BIO_new_mem_buf(wire, (int) size);
    out = BIO_new(BIO_s_mem());
    fuzz_check(ssl != NULL && in != NULL && out != NULL);

    /* an empty BIO means "retry", not the end */

    BIO_set_mem_eof_return(in, -1);

    SSL_set_bio(ssl, in, out);

    rc = SSL_accept(ssl);

    /* the parser must not want more bytes where OpenSSL does not */

    if (seen->rc == SSS_HELLO_MORE) {
        fuzz_check(SSL_get_error(ssl, rc) == SSL_ERROR_WANT_READ);
    }

    SSL_free(ssl);
}


/* OpenSSL's callback: compares what OpenSSL has read of this ClientHello. */

static int
seen_hello(SSL *ssl, int *alert, void *data)
{
    size_t                n;
    fuzz_hello_t         *seen;
    const uint8_t        *p;

    seen = data;
    seen->called = 1;

    fuzz_check(seen->rc != SSS_HELLO_MORE);

    if (seen->rc == SSS_HELLO_DONE) {
        n = SSL_client_hello_get0_session_id(ssl, &p);

        fuzz_check(n == seen->offer.id_len);
        fuzz_check(memcmp(p, seen->offer.id, n) == 0);

        n = 0;

        (void) SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_session_ticket, &p,
                                         &n);
        fuzz_check(seen->offer.ticket == (n > 0));

        check_names(ssl, &seen->offer);
        check_psk(ssl, &seen->offer);
        check_early(ssl, seen);
        check_versions(ssl, &seen->offer);
    }

    *alert = SSL_AD_INTERNAL_ERROR;

    return SSL_CLIENT_HELLO_ERROR;
}


static void
check_names(SSL *ssl, const sss_hello_offer_t *offer)
{
    size_t          n;
    sss_sni_t       sni;
    const uint8_t  *p;

    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &p, &n)
        != 1)
    {
        fuzz_check(!offer->sni_bad && offer->sni.len == 0);
        return;
    }

    fuzz_check((sss_sni_parse(p, n, &sni) != 0) == offer->sni_bad);
    fuzz_check(sni.len == offer->sni.len);
    fuzz_check(memcmp(sni.name, offer->sni.name, sni.len) == 0);
}


static void
check_psk(SSL *ssl, const sss_hello_offer_t *offer)
{
    size_t          n, len;
    const uint8_t  *p;

    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_psk, &p, &n) != 1) {
        fuzz_check(!offer->psk);
        return;
    }

    fuzz_check(offer->psk && n >= 4);

    len = (size_t) p[2] << 8 | p[3];

    fuzz_check(len > 0 && n >= 4 + len + 4);

    /*
     * the ID is one of the identities, and the first one if that has its
     * length
     */

    if (len == SSS_HELLO_ID_MAX) {
        fuzz_check(offer->psk_len == len);
        fuzz_check(memcmp(p + 4, offer->psk_id, len) == 0);
        return;
    }

    fuzz_check(offer->psk_len == 0
               || (offer->psk_len == SSS_HELLO_ID_MAX
                   && memmem(p, n, offer->psk_id, SSS_HELLO_ID_MAX)));
}


/* The first identity, and a binder that lies behind all identities. */

static void
check_early(SSL *ssl, const fuzz_hello_t *seen)
{
    size_t                    n, len, all;
    const uint8_t            *p;
    const sss_hello_early_t  *early;

    early = seen->early;

    n = 0;
    fuzz_check(seen->offer.early
               == SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_early_data, &p,
                                            &n));

    if (early == NULL) {
        return;
    }

    fuzz_check(seen->offer.early && seen->offer.psk);
    fuzz_check(SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_psk, &p, &n) == 1);

    all = (size_t) p[0] << 8 | p[1];
    len = (size_t) p[2] << 8 | p[3];

    fuzz_check(early->identity_len == len && len > 0);
    fuzz_check(memcmp(early->identity, p + 4, len) == 0);

    fuzz_check(early->binder_len >= SSS_HELLO_BINDER_MIN);
    fuzz_check(early->binder_len <= SSS_HELLO_BINDER_MAX);
    fuzz_check(all + 5 + early->binder_len <= n);
    fuzz_check(p[all + 4] == early->binder_len);
    fuzz_check(memcmp(early->binder, p + all + 5, early->binder_len) == 0);
}


static void
check_versions(SSL *ssl, const sss_hello_offer_t *offer)
{
    size_t          i, n;
    unsigned        tls13;
    const uint8_t  *p;

    tls13 = 0;

    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_supported_versions, &p,
                                  &n)
        == 1)
    {
        for (i = 1; i + 1 < n; i += 2) {
            tls13 |= p[i] == 3 && p[i + 1] == 4;
        }
    }

    fuzz_check(offer->tls13 == tls13);
}
