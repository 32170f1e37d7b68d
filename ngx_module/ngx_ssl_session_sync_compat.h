
/*
 * Every difference between versions of nginx and OpenSSL, in one place.
 */


#ifndef NGX_SSL_SESSION_SYNC_COMPAT_H_INCLUDED
#define NGX_SSL_SESSION_SYNC_COMPAT_H_INCLUDED


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>


#if (OPENSSL_VERSION_NUMBER < 0x10101000L)
#error "ngx_ssl_session_sync needs OpenSSL 1.1.1 or later"
#endif

#if (defined LIBRESSL_VERSION_NUMBER || defined OPENSSL_IS_BORINGSSL)
#error "ngx_ssl_session_sync needs OpenSSL, not a fork of it"
#endif


/*
 * The ticket callback works with an HMAC_CTX.  For an EVP_MAC, which OpenSSL 3
 * has as well and prefers, it looks HMAC and the digest up on every call.
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


/* OpenSSL 3 has algorithms to fetch, once; 1.1.1 has static ones. */

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


/* OpenSSL 3.3 returns the objects of a store as a copy, safe to walk. */

#if (OPENSSL_VERSION_NUMBER >= 0x30300000L)

#define ngx_ssl_session_sync_store_objects  X509_STORE_get1_objects
#define ngx_ssl_session_sync_free_objects(objects)                            \
    sk_X509_OBJECT_pop_free(objects, X509_OBJECT_free)

#else

#define ngx_ssl_session_sync_store_objects  X509_STORE_get0_objects
#define ngx_ssl_session_sync_free_objects(objects)

#endif


/* nginx 1.29.2 selects the server by name before OpenSSL sees a ticket. */

#if (nginx_version >= 1029002 && defined SSL_CLIENT_HELLO_SUCCESS)
#define NGX_SSL_SESSION_SYNC_EARLY_NAME  1
#define ngx_ssl_session_sync_name_chosen(c)  ((c)->ssl->sni_accepted)
#else
#define NGX_SSL_SESSION_SYNC_EARLY_NAME  0
#define ngx_ssl_session_sync_name_chosen(c)  0
#endif


/* nginx 1.21.6 renews every ticket of TLS 1.3, older ones do not. */

#if (nginx_version >= 1021006)
#define NGX_SSL_SESSION_SYNC_RENEW_TLS13  1
#else
#define NGX_SSL_SESSION_SYNC_RENEW_TLS13  0
#endif


/*
 * nginx 1.25.5 has servers by name in stream, and renamed the configuration
 * of its TLS.
 */

#if (nginx_version >= 1025005)
#define NGX_SSL_SESSION_SYNC_STREAM_NAMES  1
#define ngx_stream_ssl_session_sync_tls_conf_t  ngx_stream_ssl_srv_conf_t
#else
#define ngx_stream_ssl_session_sync_tls_conf_t  ngx_stream_ssl_conf_t
#endif


/* Until nginx 1.25.1 a server could have TLS without "listen ... ssl". */

#if (nginx_version >= 1025001)
#define ngx_http_ssl_session_sync_ssl_on(conf)  0
#else
#define ngx_http_ssl_session_sync_ssl_on(conf)  ((conf)->enable == 1)
#endif


/* nginx 1.25.0 has QUIC listeners, with TLS of their own. */

#if (nginx_version >= 1025000)
#define ngx_ssl_session_sync_listen_tls(opt)  ((opt)->ssl || (opt)->quic)
#else
#define ngx_ssl_session_sync_listen_tls(opt)  ((opt)->ssl)
#endif


/*
 * nginx 1.23.2 rotates ticket keys in its shared cache, and keeps them and
 * those of key files in one array.  It renews tickets under any key but the
 * first, if that key is in use.
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
