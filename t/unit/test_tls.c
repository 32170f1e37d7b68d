
/* The TLS client, with an OpenSSL server in the same process. */


#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "authority.h"
#include "sss_tls.h"


#define NAME  "memcached.site.example"


typedef struct {
    authority_t  good;
    authority_t  other;
} fixture_t;

typedef struct {
    SSL_CTX     *ctx;
    SSL         *ssl;
    int          fd[2];                 /* the client's, the server's      */
} server_t;


static int
setup(void **state)
{
    fixture_t  *f;

    f = calloc(1, sizeof(fixture_t));
    assert_non_null(f);

    signal(SIGPIPE, SIG_IGN);

    authority_make(&f->good);
    authority_make(&f->other);

    *state = f;

    return 0;
}


static int
teardown(void **state)
{
    fixture_t  *f;

    f = *state;

    authority_free(&f->good);
    authority_free(&f->other);
    free(f);

    return 0;
}


static void
server_make(server_t *s, const authority_t *authority, const char *names,
    long seconds, int version)
{
    X509      *certificate;
    EVP_PKEY  *key;

    memset(s, 0, sizeof(server_t));

    key = key_make();
    certificate = certificate_make(key, names, seconds, authority);

    s->ctx = SSL_CTX_new(TLS_server_method());
    assert_non_null(s->ctx);
    assert_int_equal(SSL_CTX_use_certificate(s->ctx, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(s->ctx, key), 1);
    SSL_CTX_set_max_proto_version(s->ctx, version);

    X509_free(certificate);
    EVP_PKEY_free(key);
}


static void
server_accept(server_t *s)
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM|SOCK_NONBLOCK, 0, s->fd),
                     0);

    s->ssl = SSL_new(s->ctx);
    assert_non_null(s->ssl);
    SSL_set_fd(s->ssl, s->fd[1]);
    SSL_set_accept_state(s->ssl);
}


static void
server_leave(server_t *s)
{
    /* OpenSSL does not resume a session unless its connection was shut down */

    SSL_set_shutdown(s->ssl, SSL_SENT_SHUTDOWN|SSL_RECEIVED_SHUTDOWN);
    SSL_free(s->ssl);
    close(s->fd[0]);
    close(s->fd[1]);
}


/* Runs both sides in turns, until the client has a result. */

static sss_tls_rc_t
shake(sss_tls_peer_t *peer, server_t *s)
{
    unsigned      i;
    sss_tls_rc_t  rc;

    server_accept(s);
    assert_int_equal(sss_tls_begin(peer, s->fd[0]), 0);

    rc = SSS_TLS_AGAIN;

    for (i = 0; i < 100 && rc == SSS_TLS_AGAIN; i++) {
        rc = sss_tls_handshake(peer);
        (void) SSL_do_handshake(s->ssl);
        ERR_clear_error();
    }

    assert_int_not_equal(rc, SSS_TLS_AGAIN);

    return rc;
}


static sss_tls_peer_t *
peer_make(sss_tls_t **tls, const authority_t *authority, const char *host)
{
    sss_tls_peer_t  *peer;

    *tls = sss_tls_create();
    assert_non_null(*tls);
    assert_null(sss_tls_trust(*tls, authority->file));

    peer = sss_tls_peer_create(*tls, host);
    assert_non_null(peer);

    return peer;
}


/* More bytes than a socket takes at once all arrive. */

static void
exchange(sss_tls_peer_t *peer, server_t *s)
{
    int             n;
    size_t          sent, came, back;
    ssize_t         rc;
    static uint8_t  out[1 << 20], in[1 << 14];

    sent = came = 0;
    memset(out, 'x', sizeof(out));

    while (came < sizeof(out)) {

        if (sent < sizeof(out)) {
            rc = sss_tls_write(peer, out + sent, sizeof(out) - sent);
            assert_true(rc > 0 || (rc == -1 && errno == EAGAIN));
            sent += rc > 0 ? (size_t) rc : 0;
        }

        n = SSL_read(s->ssl, in, sizeof(in));
        came += n > 0 ? (size_t) n : 0;
        ERR_clear_error();
    }

    /* one record is read completely */

    assert_int_equal(SSL_write(s->ssl, out, sizeof(in)), sizeof(in));

    for (back = 0; back < sizeof(in); back += (size_t) rc) {
        rc = sss_tls_read(peer, in, sizeof(in));
        assert_true(rc > 0);
    }

    assert_int_equal(sss_tls_read(peer, in, sizeof(in)), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(ERR_peek_error(), 0);
}


static void
test_resumption(void **state)
{
    size_t           i, k;
    server_t         s;
    sss_tls_t       *tls;
    fixture_t       *f;
    const char      *name;
    sss_tls_peer_t  *peer;

    static const int  versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

    f = *state;

    for (i = 0; i < unit_count(versions); i++) {
        server_make(&s, &f->good, "DNS:" NAME, 3600, versions[i]);
        peer = peer_make(&tls, &f->good, NAME);

        for (k = 0; k < 3; k++) {
            assert_int_equal(shake(peer, &s), SSS_TLS_DONE);

            if (k == 0) {
                name = SSL_get_servername(s.ssl, TLSEXT_NAMETYPE_host_name);
                assert_non_null(name);
                assert_string_equal(name, NAME);
            }

            assert_int_equal(sss_tls_resumed(peer), k > 0);
            exchange(peer, &s);
            sss_tls_end(peer);
            server_leave(&s);
        }

        sss_tls_peer_destroy(peer);
        sss_tls_destroy(tls);
        SSL_CTX_free(s.ctx);
    }
}


static void
test_who(void **state)
{
    static const struct {
        const char  *host;
        const char  *names;
        long         seconds;
        const char  *why;               /* NULL: it succeeds               */
    } cases[] = {
        { NAME, "DNS:" NAME, 3600, NULL },
        { NAME ".", "DNS:" NAME, 3600, NULL },
        { NAME, "DNS:*.site.example", 3600, NULL },
        { NAME, "DNS:mem*.site.example", 3600, "ostname mismatch" },
        { NAME, "DNS:other.example", 3600, "ostname mismatch" },
        { NAME, "IP:192.0.2.1", 3600, "ostname mismatch" },
        { NAME, "DNS:" NAME, -3600, "certificate has expired" },
        { "192.0.2.1", "IP:192.0.2.1", 3600, NULL },
        { "192.0.2.1", "DNS:192.0.2.1", 3600, "IP address mismatch" },
        { "192.0.2.1", "IP:192.0.2.2", 3600, "IP address mismatch" },
        { "2001:db8::1", "IP:2001:db8:0::1", 3600, NULL },
        { "2001:db8::1", "IP:2001:db8::2", 3600, "IP address mismatch" }
    };

    size_t           i;
    server_t         s;
    sss_tls_t       *tls;
    fixture_t       *f;
    sss_tls_peer_t  *peer;

    f = *state;

    for (i = 0; i < 2 * unit_count(cases); i++) {
        server_make(&s, &f->good, cases[i / 2].names, cases[i / 2].seconds,
                    i % 2 ? TLS1_3_VERSION : TLS1_2_VERSION);
        peer = peer_make(&tls, &f->good, cases[i / 2].host);

        if (cases[i / 2].why == NULL) {
            assert_int_equal(shake(peer, &s), SSS_TLS_DONE);

        } else {
            assert_int_equal(shake(peer, &s), SSS_TLS_FAILED);
            assert_non_null(strstr(sss_tls_reason(peer), cases[i / 2].why));
        }

        sss_tls_peer_destroy(peer);
        server_leave(&s);
        sss_tls_destroy(tls);
        SSL_CTX_free(s.ctx);
    }
}


/* Another authority, an old version, no TLS at all, and an end. */

static void
test_refused(void **state)
{
    char             byte;
    server_t         s;
    sss_tls_t       *tls;
    fixture_t       *f;
    sss_tls_peer_t  *peer;

    f = *state;

    server_make(&s, &f->good, "DNS:" NAME, 3600, TLS1_3_VERSION);
    peer = peer_make(&tls, &f->other, NAME);
    assert_int_equal(shake(peer, &s), SSS_TLS_FAILED);
    assert_non_null(strstr(sss_tls_reason(peer),
                           "the certificate is refused: "));
    server_leave(&s);
    SSL_CTX_free(s.ctx);

    server_make(&s, &f->other, "DNS:" NAME, 3600, TLS1_1_VERSION);
    SSL_CTX_set_min_proto_version(s.ctx, TLS1_VERSION);
    assert_int_equal(shake(peer, &s), SSS_TLS_FAILED);
    assert_non_null(strstr(sss_tls_reason(peer), "TLS: "));
    server_leave(&s);

    server_accept(&s);
    assert_int_equal(sss_tls_begin(peer, s.fd[0]), 0);
    assert_int_equal(sss_tls_handshake(peer), SSS_TLS_AGAIN);
    assert_int_equal(write(s.fd[1], "ERROR\r\n", 7), 7);
    assert_int_equal(sss_tls_handshake(peer), SSS_TLS_FAILED);
    assert_non_null(strstr(sss_tls_reason(peer), "TLS: "));
    server_leave(&s);

    server_accept(&s);
    assert_int_equal(sss_tls_begin(peer, s.fd[0]), 0);
    assert_int_equal(sss_tls_handshake(peer), SSS_TLS_AGAIN);
    shutdown(s.fd[1], SHUT_RDWR);
    assert_int_equal(sss_tls_handshake(peer), SSS_TLS_FAILED);
    server_leave(&s);
    SSL_CTX_free(s.ctx);

    /* after all of this a correct server is accepted */

    server_make(&s, &f->other, "DNS:" NAME, 3600, TLS1_3_VERSION);
    assert_int_equal(shake(peer, &s), SSS_TLS_DONE);
    SSL_shutdown(s.ssl);
    assert_int_equal(sss_tls_read(peer, &byte, 1), 0);
    sss_tls_peer_destroy(peer);
    server_leave(&s);
    SSL_CTX_free(s.ctx);
    sss_tls_destroy(tls);
}


/*
 * A server that asks for client certificates and has no session ID context
 * aborts a handshake in which one of its sessions is offered.  That must
 * happen only once.
 */

static void
test_sessions_are_no_good(void **state)
{
    unsigned         i, failed;
    server_t         s;
    sss_tls_t       *tls;
    fixture_t       *f;
    sss_tls_peer_t  *peer;

    f = *state;
    failed = 0;

    server_make(&s, &f->good, "DNS:" NAME, 3600, TLS1_2_VERSION);
    SSL_CTX_set_verify(s.ctx, SSL_VERIFY_PEER, NULL);
    peer = peer_make(&tls, &f->good, NAME);

    for (i = 0; i < 6; i++) {
        failed += (shake(peer, &s) == SSS_TLS_FAILED);
        sss_tls_end(peer);
        server_leave(&s);
    }

    assert_int_equal(failed, 1);

    sss_tls_peer_destroy(peer);
    sss_tls_destroy(tls);
    SSL_CTX_free(s.ctx);
}


static void
test_files(void **state)
{
    sss_tls_t  *tls;
    fixture_t  *f;

    f = *state;

    tls = sss_tls_create();
    assert_non_null(tls);

    assert_non_null(sss_tls_trust(tls, "/nonexistent"));
    assert_non_null(sss_tls_trust(tls, "/dev/null"));
    assert_non_null(sss_tls_certificate(tls, "/nonexistent"));
    assert_null(sss_tls_certificate(tls, f->good.file));
    assert_non_null(sss_tls_key(tls, f->good.file));
    assert_int_equal(ERR_peek_error(), 0);

    sss_tls_destroy(tls);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_resumption),
        cmocka_unit_test(test_who),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_sessions_are_no_good),
        cmocka_unit_test(test_files)
    };

    return cmocka_run_group_tests_name("tls", tests, setup, teardown);
}
