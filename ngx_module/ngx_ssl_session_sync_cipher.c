
#include "ngx_ssl_session_sync_ticket.h"


static const EVP_CIPHER  *ngx_ssl_session_sync_aes128;
static const EVP_CIPHER  *ngx_ssl_session_sync_aes256;
static const EVP_MD      *ngx_ssl_session_sync_sha256;


ngx_int_t
ngx_ssl_session_sync_cipher_init(ngx_log_t *log)
{
    if (ngx_ssl_session_sync_sha256) {
        return NGX_OK;
    }

    ngx_ssl_session_sync_aes128 = ngx_ssl_session_sync_cipher("AES-128-CBC");
    ngx_ssl_session_sync_aes256 = ngx_ssl_session_sync_cipher("AES-256-CBC");
    ngx_ssl_session_sync_sha256 = ngx_ssl_session_sync_digest("SHA256");

    if (ngx_ssl_session_sync_aes128 == NULL
        || ngx_ssl_session_sync_aes256 == NULL
        || ngx_ssl_session_sync_sha256 == NULL)
    {
        ngx_ssl_error(NGX_LOG_EMERG, log, 0,
                      "ssl_session_sync: OpenSSL has no AES-CBC or SHA-256");
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_ssl_session_sync_use(ngx_connection_t *c,
    ngx_ssl_session_sync_material_t *material, u_char *iv,
    EVP_CIPHER_CTX *cipher, HMAC_CTX *mac, int enc)
{
    const EVP_CIPHER  *aes;

    aes = (material->size == 16) ? ngx_ssl_session_sync_aes128
                                 : ngx_ssl_session_sync_aes256;

    if ((enc && RAND_bytes(iv, EVP_CIPHER_iv_length(aes)) != 1)
        || HMAC_Init_ex(mac, material->hmac, (int) material->size,
                        ngx_ssl_session_sync_sha256, NULL)
           != 1
        || EVP_CipherInit_ex(cipher, aes, NULL, material->aes, iv, enc) != 1)
    {
        ngx_ssl_error(NGX_LOG_ALERT, c->log, 0,
                      "ssl_session_sync: a ticket cannot be %s",
                      enc ? "encrypted" : "decrypted");
        return NGX_ERROR;
    }

    return NGX_OK;
}


int
ngx_ssl_session_sync_no_ticket(ngx_connection_t *c, u_char *name, u_char *iv,
    EVP_CIPHER_CTX *cipher, HMAC_CTX *mac)
{
    int                              rc;
    u_char                           keys[80];
    ngx_ssl_session_sync_material_t  material;

    if (SSL_version(c->ssl->connection) != TLS1_3_VERSION) {
        return 0;
    }

    material.name = keys;
    material.hmac = keys + 16;
    material.aes = keys + 48;
    material.size = 32;

    rc = -1;

    if (RAND_bytes(keys, sizeof(keys)) == 1
        && ngx_ssl_session_sync_use(c, &material, iv, cipher, mac, 1)
           == NGX_OK)
    {
        ngx_memcpy(name, keys, SSS_KEY_NAME);
        rc = 1;
    }

    ngx_explicit_memzero(keys, sizeof(keys));

    return rc;
}
