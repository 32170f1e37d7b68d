
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_stream.h>

#include "ngx_ssl_session_sync.h"


static ngx_int_t ngx_stream_ssl_session_sync_add_variables(ngx_conf_t *cf);
static ngx_int_t ngx_stream_ssl_session_sync_variable(
    ngx_stream_session_t *s, ngx_stream_variable_value_t *v, uintptr_t data);
static char *ngx_stream_ssl_session_sync_merge_srv_conf(ngx_conf_t *cf,
    void *parent, void *child);
static ngx_int_t ngx_stream_ssl_session_sync_init(ngx_conf_t *cf);


#if (NGX_SSL_SESSION_SYNC_STREAM_NAMES)

typedef ngx_int_t (*ngx_stream_ssl_session_sync_listener_pt)(ngx_conf_t *cf,
    ngx_stream_conf_addr_t *addr, ngx_ssl_session_sync_srv_conf_t *conf);

#define ngx_stream_ssl_session_sync_listen(sscf)  0

static ngx_int_t ngx_stream_ssl_session_sync_listeners(ngx_conf_t *cf,
    ngx_stream_ssl_session_sync_listener_pt handler);
static ngx_int_t ngx_stream_ssl_session_sync_mark(ngx_conf_t *cf,
    ngx_stream_conf_addr_t *addr, ngx_ssl_session_sync_srv_conf_t *conf);
static ngx_int_t ngx_stream_ssl_session_sync_check(ngx_conf_t *cf,
    ngx_stream_conf_addr_t *addr, ngx_ssl_session_sync_srv_conf_t *conf);
static SSL_CTX *ngx_stream_ssl_session_sync_select(ngx_connection_t *c,
    ngx_str_t *name);

#else

#define ngx_stream_ssl_session_sync_listen(sscf)            ((sscf)->listen)
#define ngx_stream_ssl_session_sync_listeners(cf, handler)  NGX_OK
#define ngx_stream_ssl_session_sync_select                  NULL

#endif


static ngx_command_t  ngx_stream_ssl_session_sync_commands[] = {

    { ngx_string("ssl_session_sync"),
      NGX_STREAM_MAIN_CONF|NGX_STREAM_SRV_CONF|NGX_CONF_TAKE1,
      ngx_ssl_session_sync_set,
      NGX_STREAM_SRV_CONF_OFFSET,
      NGX_STREAM_MAIN_CONF,
      (void *) NGX_SSL_SESSION_SYNC_STREAM },

    { ngx_string("ssl_session_sync_scope"),
      NGX_STREAM_MAIN_CONF|NGX_STREAM_SRV_CONF|NGX_CONF_TAKE1,
      ngx_ssl_session_sync_set_scope,
      NGX_STREAM_SRV_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_stream_module_t  ngx_stream_ssl_session_sync_module_ctx = {
    ngx_stream_ssl_session_sync_add_variables,   /* preconfiguration */
    ngx_stream_ssl_session_sync_init,            /* postconfiguration */

    NULL,                                        /* create main conf */
    NULL,                                        /* init main conf */

    ngx_ssl_session_sync_create_srv_conf,        /* create server conf */
    ngx_stream_ssl_session_sync_merge_srv_conf   /* merge server conf */
};


ngx_module_t  ngx_stream_ssl_session_sync_module = {
    NGX_MODULE_V1,
    &ngx_stream_ssl_session_sync_module_ctx,     /* module context */
    ngx_stream_ssl_session_sync_commands,        /* module directives */
    NGX_STREAM_MODULE,                           /* module type */
    NULL,                                        /* init master */
    NULL,                                        /* init module */
    NULL,                                        /* init process */
    NULL,                                        /* init thread */
    NULL,                                        /* exit thread */
    NULL,                                        /* exit process */
    NULL,                                        /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_str_t  ngx_stream_ssl_session_sync_variable_name =
    ngx_string("ssl_session_sync");


static ngx_int_t
ngx_stream_ssl_session_sync_add_variables(ngx_conf_t *cf)
{
    ngx_stream_variable_t  *var;

    var = ngx_stream_add_variable(cf,
                                  &ngx_stream_ssl_session_sync_variable_name,
                                  NGX_STREAM_VAR_CHANGEABLE);
    if (var == NULL) {
        return NGX_ERROR;
    }

    var->get_handler = ngx_stream_ssl_session_sync_variable;

    return NGX_OK;
}


static ngx_int_t
ngx_stream_ssl_session_sync_variable(ngx_stream_session_t *s,
    ngx_stream_variable_value_t *v, uintptr_t data)
{
    ngx_str_t  value;

    ngx_ssl_session_sync_outcome(s->connection, &value);

    if (value.len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->data = value.data;
    v->len = value.len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


static char *
ngx_stream_ssl_session_sync_merge_srv_conf(ngx_conf_t *cf, void *parent,
    void *child)
{
    return ngx_ssl_session_sync_merge(cf, parent, child);
}


static ngx_int_t
ngx_stream_ssl_session_sync_init(ngx_conf_t *cf)
{
    ngx_uint_t                               i;
    ngx_stream_core_srv_conf_t             **cscfp;
    ngx_stream_core_main_conf_t             *cmcf;
    ngx_ssl_session_sync_srv_conf_t         *conf;
    ngx_stream_ssl_session_sync_tls_conf_t  *sscf;

    /*
     * A server with ssl_certificate has an SSL_CTX even if it is on no TLS
     * listener, so those that are on one are marked first.
     */

    (void) ngx_stream_ssl_session_sync_listeners(cf,
                                            ngx_stream_ssl_session_sync_mark);

    cmcf = ngx_stream_conf_get_module_main_conf(cf, ngx_stream_core_module);

    cscfp = cmcf->servers.elts;

    for (i = 0; i < cmcf->servers.nelts; i++) {

        sscf = ngx_stream_get_module_srv_conf(cscfp[i]->ctx,
                                              ngx_stream_ssl_module);
        conf = ngx_stream_get_module_srv_conf(cscfp[i]->ctx,
                                         ngx_stream_ssl_session_sync_module);

        if (!conf->listen && !ngx_stream_ssl_session_sync_listen(sscf)) {
            continue;
        }

        if (ngx_ssl_session_sync_attach(cf, conf, sscf->ssl.ctx, sscf->verify,
                                        sscf->certificate_values
                                        ? sscf->certificates : NULL,
                                        ngx_stream_ssl_session_sync_select)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_stream_ssl_session_sync_listeners(cf,
                                            ngx_stream_ssl_session_sync_check);
}


#if (NGX_SSL_SESSION_SYNC_STREAM_NAMES)

/* Calls a handler for each server of each TLS listener. */

static ngx_int_t
ngx_stream_ssl_session_sync_listeners(ngx_conf_t *cf,
    ngx_stream_ssl_session_sync_listener_pt handler)
{
    ngx_uint_t                        i, j, k;
    ngx_stream_conf_addr_t           *addr;
    ngx_stream_conf_port_t           *port;
    ngx_stream_core_srv_conf_t      **cscfp;
    ngx_stream_core_main_conf_t      *cmcf;
    ngx_ssl_session_sync_srv_conf_t  *conf;

    cmcf = ngx_stream_conf_get_module_main_conf(cf, ngx_stream_core_module);

    if (cmcf->ports == NULL) {
        return NGX_OK;
    }

    port = cmcf->ports->elts;

    for (i = 0; i < cmcf->ports->nelts; i++) {

        addr = port[i].addrs.elts;

        for (j = 0; j < port[i].addrs.nelts; j++) {

            if (!addr[j].opt.ssl) {
                continue;
            }

            cscfp = addr[j].servers.elts;

            for (k = 0; k < addr[j].servers.nelts; k++) {

                conf = ngx_stream_get_module_srv_conf(cscfp[k]->ctx,
                                          ngx_stream_ssl_session_sync_module);

                if (handler(cf, &addr[j], conf) != NGX_OK) {
                    return NGX_ERROR;
                }
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_stream_ssl_session_sync_mark(ngx_conf_t *cf, ngx_stream_conf_addr_t*addr,
    ngx_ssl_session_sync_srv_conf_t *conf)
{
    conf->listen = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_stream_ssl_session_sync_check(ngx_conf_t *cf, ngx_stream_conf_addr_t*addr,
    ngx_ssl_session_sync_srv_conf_t *conf)
{
    ngx_ssl_session_sync_srv_conf_t  *def;

    def = ngx_stream_get_module_srv_conf(addr->default_server->ctx,
                                    ngx_stream_ssl_session_sync_module);

    return ngx_ssl_session_sync_check_listener(cf, def, conf,
                                               &addr->opt.addr_text);
}


static SSL_CTX *
ngx_stream_ssl_session_sync_select(ngx_connection_t *c, ngx_str_t *name)
{
    ngx_stream_session_t                    *s;
    ngx_stream_core_srv_conf_t              *cscf;
    ngx_stream_ssl_session_sync_tls_conf_t  *sscf;

    s = c->data;

    if (ngx_stream_find_virtual_server(s, name, &cscf) != NGX_OK) {
        return NULL;
    }

    sscf = ngx_stream_get_module_srv_conf(cscf->ctx, ngx_stream_ssl_module);

    return sscf->ssl.ctx;
}

#endif
