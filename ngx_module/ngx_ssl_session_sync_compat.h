
/*
 * All differences between versions of nginx and OpenSSL.  No other file of
 * ngx_module/ checks a version.  NGX_HAVE_... is what "config" has found in
 * nginx's headers: forks of nginx have versions of their own.
 */


#ifndef NGX_SSL_SESSION_SYNC_COMPAT_H_INCLUDED
#define NGX_SSL_SESSION_SYNC_COMPAT_H_INCLUDED


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>


#if (defined LIBRESSL_VERSION_NUMBER || defined OPENSSL_IS_BORINGSSL          \
     || defined OPENSSL_IS_AWSLC)
#error "AWS-LC, BoringSSL and LibreSSL have no SSL_CTX_set_session_ticket_cb()"
#endif

#if (OPENSSL_VERSION_NUMBER < 0x10101000L)
#error "ngx_ssl_session_sync needs OpenSSL 1.1.1 or later"
#endif


/*
 * OpenSSL 3 has two ticket callbacks.  The one with an HMAC_CTX is used: for
 * the other one, with an EVP_MAC, OpenSSL looks up HMAC and its digest on
 * every call.  OpenSSL prefers the other one if it is set, so it is reset.
 */

#include <openssl/hmac.h>

#if (OPENSSL_VERSION_NUMBER >= 0x30000000L)

#ifndef OPENSSL_SUPPRESS_DEPRECATED     /* until nginx 1.21.2 */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#endif

#define ngx_ssl_session_sync_set_ticket_cb(ssl_ctx, callback)                 \
    (SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl_ctx, NULL),                     \
     SSL_CTX_set_tlsext_ticket_key_cb(ssl_ctx, callback))

#else

#define ngx_ssl_session_sync_set_ticket_cb  SSL_CTX_set_tlsext_ticket_key_cb

#endif


/*
 * OpenSSL 3 fetches algorithms, which is done once; those of 1.1.1 are static.
 */

#if (OPENSSL_VERSION_NUMBER >= 0x30000000L)

#define ngx_ssl_session_sync_cipher(name)                                     \
    EVP_CIPHER_fetch(NULL, name, NULL)
#define ngx_ssl_session_sync_digest(name)                                     \
    EVP_MD_fetch(NULL, name, NULL)

#else

#define ngx_ssl_session_sync_cipher(name)                                     \
    EVP_get_cipherbyname(name)
#define ngx_ssl_session_sync_digest(name)                                     \
    EVP_get_digestbyname(name)

#endif


/* OpenSSL 3.3 returns a copy of the objects of a store. */

#if (OPENSSL_VERSION_NUMBER >= 0x30300000L)

#define ngx_ssl_session_sync_store_objects  X509_STORE_get1_objects
#define ngx_ssl_session_sync_free_objects(objects)                            \
    sk_X509_OBJECT_pop_free(objects, X509_OBJECT_free)

#else

#define ngx_ssl_session_sync_store_objects  X509_STORE_get0_objects
#define ngx_ssl_session_sync_free_objects(objects)

#endif


/*
 * nginx 1.29.2 and later select the server by name in a ClientHello callback,
 * before OpenSSL looks at the session that the client offers.
 */

#if (NGX_HAVE_SSL_CLIENT_HELLO_SNI && defined SSL_CLIENT_HELLO_SUCCESS)
#define NGX_SSL_SESSION_SYNC_EARLY_NAME  1
#define ngx_ssl_session_sync_name_chosen(c)  ((c)->ssl->sni_accepted)
#else
#define NGX_SSL_SESSION_SYNC_EARLY_NAME  0
#define ngx_ssl_session_sync_name_chosen(c)  0
#endif


/*
 * Since 1.21.6 nginx renews every TLS 1.3 ticket that is used, whichever key
 * it is under.
 */

#if (nginx_version >= 1021006)
#define NGX_SSL_SESSION_SYNC_RENEW_TLS13  1
#else
#define NGX_SSL_SESSION_SYNC_RENEW_TLS13  0
#endif


/*
 * Since 1.25.5 the stream module selects servers by name, and the type of its
 * TLS configuration has another name.
 */

#if (NGX_HAVE_STREAM_SSL_SRV_CONF)
#define NGX_SSL_SESSION_SYNC_STREAM_NAMES  1
#define ngx_stream_ssl_session_sync_tls_conf_t  ngx_stream_ssl_srv_conf_t
#else
#define ngx_stream_ssl_session_sync_tls_conf_t  ngx_stream_ssl_conf_t
#endif


/* Before 1.25.1 there was "ssl on", TLS without "listen ... ssl". */

#if (nginx_version >= 1025001)
#define ngx_http_ssl_session_sync_ssl_on(conf)  0
#else
#define ngx_http_ssl_session_sync_ssl_on(conf)  ((conf)->enable == 1)
#endif


/* Since 1.25.0 there are QUIC listeners, which always have TLS. */

#if (nginx_version >= 1025000)
#define ngx_ssl_session_sync_listen_tls(opt)  ((opt)->ssl || (opt)->quic)
#else
#define ngx_ssl_session_sync_listen_tls(opt)  ((opt)->ssl)
#endif


/*
 * Since 1.23.2 nginx keeps ticket keys in its shared session cache and rotates
 * them.  These keys and those of key files are in the same array.  It renews
 * tickets under any key but the first, unless the first one is a key of the
 * shared cache that is not in use yet.
 */

#if (nginx_version >= 1023002)

#define NGX_SSL_SESSION_SYNC_SHARED_KEYS  1
#define ngx_ssl_session_sync_file_keys_index  ngx_ssl_ticket_keys_index
#define ngx_ssl_session_sync_key_in_memory(key)  ((key)->shared)
#define ngx_ssl_session_sync_key_renews(key)  ((key)->expire != 0)
typedef ngx_ssl_ticket_key_t  ngx_ssl_session_sync_file_key_t;

#else

#define NGX_SSL_SESSION_SYNC_SHARED_KEYS  0
#define ngx_ssl_session_sync_file_keys_index                                  \
    ngx_ssl_session_ticket_keys_index
#define ngx_ssl_session_sync_key_in_memory(key)  0
#define ngx_ssl_session_sync_key_renews(key)  1
typedef ngx_ssl_session_ticket_key_t  ngx_ssl_session_sync_file_key_t;

#endif


#endif /* NGX_SSL_SESSION_SYNC_COMPAT_H_INCLUDED */
