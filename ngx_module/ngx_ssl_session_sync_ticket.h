
/*
 * Session tickets: what the files of OpenSSL's hooks share.
 *
 *     hooks     puts all hooks in their places; the info callback
 *     ticket    tickets under the shared STEKs
 *     plain     tickets as nginx makes them, under key files for one
 *     cipher    OpenSSL's contexts for one ticket
 */


#ifndef NGX_SSL_SESSION_SYNC_TICKET_H_INCLUDED
#define NGX_SSL_SESSION_SYNC_TICKET_H_INCLUDED


#include "ngx_ssl_session_sync_handshake.h"


/* What encrypts and authenticates a ticket; somebody else's memory. */

typedef struct {
    const u_char  *name;                /* SSS_KEY_NAME bytes              */
    const u_char  *aes;
    const u_char  *hmac;
    size_t         size;                /* of the AES and HMAC key: 16, 32 */
} ngx_ssl_session_sync_material_t;


/* ticket */

ngx_int_t ngx_ssl_session_sync_ticket_attach(ngx_ssl_session_sync_ctx_t *sync,
    ngx_log_t *log);

/* plain */

/*
 * A key of an ssl_session_ticket_key file of the SSL_CTX: the one of this
 * name.  NGX_DECLINED: there is none.
 */
ngx_int_t ngx_ssl_session_sync_file_key(SSL_CTX *ssl_ctx, const u_char *name,
    ngx_ssl_session_sync_material_t *material);

/*
 * OpenSSL's ticket callback as nginx of this version has it, for servers that
 * are "off" on a listener that synchronises.
 */
int ngx_ssl_session_sync_plain(ngx_connection_t *c, u_char *name, u_char *iv,
    EVP_CIPHER_CTX *cipher, HMAC_CTX *mac, int enc);

/*
 * Why a session may not resume at a server that is "off", NULL: as far as this
 * module knows it may.
 */
const char *ngx_ssl_session_sync_plain_refusal(
    ngx_ssl_session_sync_handshake_t *hs, SSL_SESSION *session);

/* cipher */

/* Fetches the algorithms, once for the process. */
ngx_int_t ngx_ssl_session_sync_cipher_init(ngx_log_t *log);

/*
 * Prepares a ticket: to encrypt it, with a new "iv", or to decrypt it.
 * NGX_ERROR, said in the log: OpenSSL failed.
 */
ngx_int_t ngx_ssl_session_sync_use(ngx_connection_t *c,
    ngx_ssl_session_sync_material_t *material, u_char *iv,
    EVP_CIPHER_CTX *cipher, HMAC_CTX *mac, int enc);

/*
 * What the ticket callback returns so that no ticket is issued.  Zero makes
 * OpenSSL send an empty one, which TLS 1.3 does not know and OpenSSL 1.1.1
 * sends all the same: there it is one that nobody can open.
 */
int ngx_ssl_session_sync_no_ticket(ngx_connection_t *c, u_char *name,
    u_char *iv, EVP_CIPHER_CTX *cipher, HMAC_CTX *mac);


#endif /* NGX_SSL_SESSION_SYNC_TICKET_H_INCLUDED */
