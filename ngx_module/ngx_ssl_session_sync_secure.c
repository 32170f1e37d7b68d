
/*
 * TLS to memcached: reads the trusted certificates, and the hosts' certificate
 * and key, with the configuration, as the user that starts nginx.
 */


#include "ngx_ssl_session_sync.h"


typedef const char *(*ngx_ssl_session_sync_load_pt)(sss_tls_t *tls,
    const char *file);


static char *ngx_ssl_session_sync_secure_load(ngx_conf_t *cf,
    ngx_ssl_session_sync_cluster_t *cluster, const char *directive,
    ngx_str_t *file, ngx_ssl_session_sync_load_pt load, const char *wanted);
static void ngx_ssl_session_sync_secure_cleanup(void *data);


char *
ngx_ssl_session_sync_secure(ngx_conf_t *cf,
    ngx_ssl_session_sync_cluster_t *cluster)
{
    char                           *rv;
    ngx_uint_t                      i, secure;
    ngx_pool_cleanup_t             *cln;
    ngx_ssl_session_sync_server_t  *server;

    server = cluster->servers.elts;
    secure = 0;

    for (i = 0; i < cluster->servers.nelts; i++) {
        secure |= server[i].secure;
    }

    if ((cluster->certificate.len == 0) != (cluster->certificate_key.len == 0))
    {
        return ngx_ssl_session_sync_refuse(cf, cluster,
                   "\"ssl_certificate\" and \"ssl_certificate_key\" need "
                   "each other; give both if memcached asks for a "
                   "certificate, and else none of them");
    }

    if (!secure) {

        if (cluster->trusted.len || cluster->certificate.len) {
            return ngx_ssl_session_sync_refuse(cf, cluster,
                       "there are certificates for memcached, but no server "
                       "has the parameter \"ssl\"; add it, or remove them");
        }

        return NGX_CONF_OK;
    }

    if (cluster->trusted.len == 0) {
        return ngx_ssl_session_sync_refuse(cf, cluster,
                   "\"memcached ... ssl\" needs \"ssl_trusted_certificate\", "
                   "a file with the certificate of the authority that has "
                   "signed those of memcached");
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_CONF_ERROR;
    }

    cluster->tls = sss_tls_create();
    if (cluster->tls == NULL) {
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_ssl_session_sync_secure_cleanup;
    cln->data = cluster->tls;

    rv = ngx_ssl_session_sync_secure_load(cf, cluster,
             "ssl_trusted_certificate", &cluster->trusted, sss_tls_trust,
             "certificates in PEM, each of which is trusted, are");

    if (rv != NGX_CONF_OK || cluster->certificate.len == 0) {
        return rv;
    }

    rv = ngx_ssl_session_sync_secure_load(cf, cluster,
             "ssl_certificate", &cluster->certificate, sss_tls_certificate,
             "a certificate in PEM, and then those that lead to its "
             "authority, is");

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    return ngx_ssl_session_sync_secure_load(cf, cluster,
               "ssl_certificate_key", &cluster->certificate_key, sss_tls_key,
               "the key of \"ssl_certificate\" in PEM, without a password, "
               "is");
}


static char *
ngx_ssl_session_sync_secure_load(ngx_conf_t *cf,
    ngx_ssl_session_sync_cluster_t *cluster, const char *directive,
    ngx_str_t *file, ngx_ssl_session_sync_load_pt load, const char *wanted)
{
    const char  *error;

    if (ngx_conf_full_name(cf->cycle, file, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    error = load(cluster->tls, (const char *) file->data);

    if (error == NULL) {
        return NGX_CONF_OK;
    }

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "ssl_session_sync: cluster \"%V\": %s \"%V\" cannot be "
                  "used: %s; %s expected in a file that the user who starts "
                  "nginx can read in %s:%ui",
                  &cluster->name, directive, file, error, wanted,
                  cluster->file, cluster->line);

    return NGX_CONF_ERROR;
}


static void
ngx_ssl_session_sync_secure_cleanup(void *data)
{
    sss_tls_destroy(data);
}
