
/*
 * The identity of a server: the names in its certificates.
 *
 * Names are compared, not fingerprints, so that sessions survive the renewal
 * of a certificate, and resume on hosts that have certificates of their own.
 */


#include "ngx_ssl_session_sync_trust.h"


/* The first byte of an entry in the list of names says what follows it. */

#define NGX_SSL_SESSION_SYNC_DNS       'D'  /* a DNS name, lower case      */
#define NGX_SSL_SESSION_SYNC_OTHER     'O'  /* another GeneralName in DER  */
#define NGX_SSL_SESSION_SYNC_PRINT     'F'  /* a certificate's fingerprint */
#define NGX_SSL_SESSION_SYNC_VARIABLE  'V'  /* a value of ssl_certificate  */


static ngx_int_t ngx_ssl_session_sync_certs(
    ngx_ssl_session_sync_trust_t *trust);
static ngx_int_t ngx_ssl_session_sync_cert_names(X509 *cert,
    ngx_array_t *names);
static ngx_int_t ngx_ssl_session_sync_alternative_names(
    GENERAL_NAMES *alternatives, ngx_array_t *names, ngx_uint_t *dns);
static ngx_int_t ngx_ssl_session_sync_common_names(X509 *cert,
    ngx_array_t *names);
static ngx_int_t ngx_ssl_session_sync_add_der(GENERAL_NAME *alternative,
    ngx_array_t *names);
static ngx_int_t ngx_ssl_session_sync_add_name(ngx_array_t *names,
    u_char type, const u_char *data, size_t len);
static ngx_int_t ngx_ssl_session_sync_hash_names(ngx_array_t *names,
    u_char *out);
static int ngx_libc_cdecl ngx_ssl_session_sync_cmp_names(const void *one,
    const void *two);


ngx_int_t
ngx_ssl_session_sync_identity(ngx_pool_t *pool,
    ngx_ssl_session_sync_trust_t *trust)
{
    X509        **cert;
    ngx_int_t     rc;
    ngx_str_t    *value;
    ngx_uint_t    i;
    ngx_pool_t   *temp;
    ngx_array_t   names;

    if (ngx_array_init(&trust->certs, pool, 2, sizeof(X509 *)) != NGX_OK
        || ngx_ssl_session_sync_certs(trust) != NGX_OK)
    {
        return NGX_ERROR;
    }

    temp = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, pool->log);
    if (temp == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_array_init(&names, temp, 8, sizeof(ngx_str_t));

    cert = trust->certs.elts;

    for (i = 0; rc == NGX_OK && i < trust->certs.nelts; i++) {
        rc = ngx_ssl_session_sync_cert_names(cert[i], &names);
    }

    if (trust->variables) {
        value = trust->variables->elts;

        for (i = 0; rc == NGX_OK && i < trust->variables->nelts; i++) {

            if (ngx_strlchr(value[i].data, value[i].data + value[i].len, '$'))
            {
                trust->any_name = 1;
            }

            rc = ngx_ssl_session_sync_add_name(&names,
                                               NGX_SSL_SESSION_SYNC_VARIABLE,
                                               value[i].data, value[i].len);
        }
    }

    if (rc == NGX_OK) {
        rc = ngx_ssl_session_sync_hash_names(&names, trust->names);
    }

    ngx_destroy_pool(temp);

    return rc;
}


ngx_uint_t
ngx_ssl_session_sync_covers(ngx_ssl_session_sync_trust_t *trust,
    sss_sni_t *sni)
{
    X509        **cert;
    ngx_uint_t    i;

    if (trust->any_name) {
        return 1;
    }

    cert = trust->certs.elts;

    for (i = 0; i < trust->certs.nelts; i++) {

        if (X509_check_host(cert[i], (char *) sni->name, sni->len, 0, NULL)
            == 1)
        {
            return 1;
        }
    }

    return 0;
}


/*
 * Lists the certificates of an SSL_CTX.  OpenSSL offers them one at a time, as
 * its current certificate, which is set back in the end.
 */

static ngx_int_t
ngx_ssl_session_sync_certs(ngx_ssl_session_sync_trust_t *trust)
{
    X509     *current, **cert;
    SSL_CTX  *ssl_ctx;

    ssl_ctx = trust->ssl_ctx;
    current = SSL_CTX_get0_certificate(ssl_ctx);

    if (SSL_CTX_set_current_cert(ssl_ctx, SSL_CERT_SET_FIRST) == 0) {
        return NGX_OK;
    }

    do {
        cert = ngx_array_push(&trust->certs);
        if (cert == NULL) {
            return NGX_ERROR;
        }

        *cert = SSL_CTX_get0_certificate(ssl_ctx);

    } while (SSL_CTX_set_current_cert(ssl_ctx, SSL_CERT_SET_NEXT));

    if (current) {
        (void) SSL_CTX_select_current_cert(ssl_ctx, current);
    }

    return NGX_OK;
}


/*
 * Adds the names of a certificate.  As for X509_check_host(), common names
 * count only if it has no DNS names among its subject alternative names.  A
 * certificate without any name has its fingerprint added, so that it equals
 * only itself.
 */

static ngx_int_t
ngx_ssl_session_sync_cert_names(X509 *cert, ngx_array_t *names)
{
    u_char          print[EVP_MAX_MD_SIZE];
    ngx_int_t       rc;
    ngx_uint_t      dns, before;
    unsigned int    len;
    GENERAL_NAMES  *alternatives;

    dns = 0;
    rc = NGX_OK;
    before = names->nelts;

    alternatives = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);

    if (alternatives) {
        rc = ngx_ssl_session_sync_alternative_names(alternatives, names,
                                                    &dns);
        GENERAL_NAMES_free(alternatives);
    }

    if (rc == NGX_OK && !dns) {
        rc = ngx_ssl_session_sync_common_names(cert, names);
    }

    if (rc != NGX_OK || names->nelts > before) {
        return rc;
    }

    if (X509_digest(cert, EVP_sha256(), print, &len) != 1) {
        return NGX_ERROR;
    }

    return ngx_ssl_session_sync_add_name(names, NGX_SSL_SESSION_SYNC_PRINT,
                                         print, len);
}


static ngx_int_t
ngx_ssl_session_sync_alternative_names(GENERAL_NAMES *alternatives,
    ngx_array_t *names, ngx_uint_t *dns)
{
    int            i, type;
    ngx_int_t      rc;
    ASN1_STRING   *string;
    GENERAL_NAME  *alternative;

    for (i = 0; i < sk_GENERAL_NAME_num(alternatives); i++) {

        alternative = sk_GENERAL_NAME_value(alternatives, i);
        string = GENERAL_NAME_get0_value(alternative, &type);

        if (type == GEN_DNS) {
            *dns = 1;

            rc = ngx_ssl_session_sync_add_name(names,
                                               NGX_SSL_SESSION_SYNC_DNS,
                                               ASN1_STRING_get0_data(string),
                                               ASN1_STRING_length(string));
        } else {
            rc = ngx_ssl_session_sync_add_der(alternative, names);
        }

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_ssl_session_sync_common_names(X509 *cert, ngx_array_t *names)
{
    int        i, len;
    u_char    *name;
    ngx_int_t  rc;

    i = -1;

    for ( ;; ) {
        i = X509_NAME_get_index_by_NID(X509_get_subject_name(cert),
                                       NID_commonName, i);
        if (i < 0) {
            return NGX_OK;
        }

        len = ASN1_STRING_to_UTF8(&name, X509_NAME_ENTRY_get_data(
                      X509_NAME_get_entry(X509_get_subject_name(cert), i)));
        if (len < 0) {
            ERR_clear_error();
            continue;
        }

        rc = ngx_ssl_session_sync_add_name(names, NGX_SSL_SESSION_SYNC_DNS,
                                           name, len);
        OPENSSL_free(name);

        if (rc != NGX_OK) {
            return rc;
        }
    }
}


static ngx_int_t
ngx_ssl_session_sync_add_der(GENERAL_NAME *alternative, ngx_array_t *names)
{
    int        len;
    u_char    *der;
    ngx_int_t  rc;

    der = NULL;
    len = i2d_GENERAL_NAME(alternative, &der);

    if (len < 0) {
        return NGX_ERROR;
    }

    rc = ngx_ssl_session_sync_add_name(names, NGX_SSL_SESSION_SYNC_OTHER,
                                       der, len);
    OPENSSL_free(der);

    return rc;
}


static ngx_int_t
ngx_ssl_session_sync_add_name(ngx_array_t *names, u_char type,
    const u_char *data, size_t len)
{
    ngx_str_t  *name;

    name = ngx_array_push(names);
    if (name == NULL) {
        return NGX_ERROR;
    }

    name->len = 1 + len;
    name->data = ngx_pnalloc(names->pool, name->len);
    if (name->data == NULL) {
        return NGX_ERROR;
    }

    name->data[0] = type;

    if (type == NGX_SSL_SESSION_SYNC_DNS) {
        ngx_strlow(name->data + 1, (u_char *) data, len);

    } else {
        ngx_memcpy(name->data + 1, data, len);
    }

    return NGX_OK;
}


/* Hashes the list, sorted and without duplicates. */

static ngx_int_t
ngx_ssl_session_sync_hash_names(ngx_array_t *names, u_char *out)
{
    u_char       len[4];
    ngx_int_t    rc;
    ngx_str_t   *name;
    ngx_uint_t   i;
    EVP_MD_CTX  *md;

    name = names->elts;

    ngx_qsort(name, names->nelts, sizeof(ngx_str_t),
              ngx_ssl_session_sync_cmp_names);

    md = EVP_MD_CTX_new();
    if (md == NULL) {
        return NGX_ERROR;
    }

    rc = NGX_ERROR;

    if (EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1) {
        goto done;
    }

    for (i = 0; i < names->nelts; i++) {

        if (i > 0
            && ngx_ssl_session_sync_cmp_names(&name[i - 1], &name[i]) == 0)
        {
            continue;
        }

        len[0] = (u_char) (name[i].len >> 24);
        len[1] = (u_char) (name[i].len >> 16);
        len[2] = (u_char) (name[i].len >> 8);
        len[3] = (u_char) name[i].len;

        if (EVP_DigestUpdate(md, len, sizeof(len)) != 1
            || EVP_DigestUpdate(md, name[i].data, name[i].len) != 1)
        {
            goto done;
        }
    }

    if (EVP_DigestFinal_ex(md, out, NULL) == 1) {
        rc = NGX_OK;
    }

done:

    EVP_MD_CTX_free(md);

    return rc;
}


static int ngx_libc_cdecl
ngx_ssl_session_sync_cmp_names(const void *one, const void *two)
{
    int               rc;
    const ngx_str_t  *a = one, *b = two;

    rc = ngx_memcmp(a->data, b->data, ngx_min(a->len, b->len));

    if (rc != 0 || a->len == b->len) {
        return rc;
    }

    return a->len < b->len ? -1 : 1;
}
