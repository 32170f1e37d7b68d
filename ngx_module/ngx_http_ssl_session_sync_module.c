
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_ssl_session_sync.h"
#include "ngx_http_ssl_session_sync_status.h"


typedef void (*ngx_http_ssl_session_sync_value_pt)(ngx_connection_t *c,
    ngx_str_t *value);
typedef ngx_int_t (*ngx_http_ssl_session_sync_listener_pt)(ngx_conf_t *cf,
    ngx_http_conf_addr_t *addr, ngx_ssl_session_sync_srv_conf_t *conf);


static ngx_int_t ngx_http_ssl_session_sync_add_variables(ngx_conf_t *cf);
static ngx_int_t ngx_http_ssl_session_sync_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static char *ngx_http_ssl_session_sync_merge_srv_conf(ngx_conf_t *cf,
    void *parent, void *child);
static ngx_int_t ngx_http_ssl_session_sync_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_ssl_session_sync_listeners(ngx_conf_t *cf,
    ngx_http_ssl_session_sync_listener_pt handler);
static ngx_int_t ngx_http_ssl_session_sync_mark(ngx_conf_t *cf,
    ngx_http_conf_addr_t *addr, ngx_ssl_session_sync_srv_conf_t *conf);
static ngx_int_t ngx_http_ssl_session_sync_check(ngx_conf_t *cf,
    ngx_http_conf_addr_t *addr, ngx_ssl_session_sync_srv_conf_t *conf);
static SSL_CTX *ngx_http_ssl_session_sync_select(ngx_connection_t *c,
    ngx_str_t *name);
static ngx_http_core_srv_conf_t *ngx_http_ssl_session_sync_server(
    ngx_http_virtual_names_t *names, ngx_str_t *name);
static char *ngx_http_ssl_session_sync_status(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);


static ngx_command_t  ngx_http_ssl_session_sync_commands[] = {

    { ngx_string("ssl_session_sync"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_TAKE1,
      ngx_ssl_session_sync_set,
      NGX_HTTP_SRV_CONF_OFFSET,
      NGX_HTTP_MAIN_CONF,
      (void *) NGX_SSL_SESSION_SYNC_HTTP },

    { ngx_string("ssl_session_sync_scope"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_TAKE1,
      ngx_ssl_session_sync_set_scope,
      NGX_HTTP_SRV_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("ssl_session_sync_early_data"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_TAKE1,
      ngx_ssl_session_sync_set_early,
      NGX_HTTP_SRV_CONF_OFFSET,
      NGX_HTTP_MAIN_CONF,
      NULL },

    { ngx_string("ssl_session_sync_status"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_ssl_session_sync_status,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_ssl_session_sync_module_ctx = {
    ngx_http_ssl_session_sync_add_variables,   /* preconfiguration */
    ngx_http_ssl_session_sync_init,            /* postconfiguration */

    NULL,                                      /* create main conf */
    NULL,                                      /* init main conf */

    ngx_ssl_session_sync_create_srv_conf,      /* create server conf */
    ngx_http_ssl_session_sync_merge_srv_conf,  /* merge server conf */

    NULL,                                      /* create location conf */
    NULL                                       /* merge location conf */
};


ngx_module_t  ngx_http_ssl_session_sync_module = {
    NGX_MODULE_V1,
    &ngx_http_ssl_session_sync_module_ctx,     /* module context */
    ngx_http_ssl_session_sync_commands,        /* module directives */
    NGX_HTTP_MODULE,                           /* module type */
    NULL,                                      /* init master */
    NULL,                                      /* init module */
    NULL,                                      /* init process */
    NULL,                                      /* init thread */
    NULL,                                      /* exit thread */
    NULL,                                      /* exit process */
    NULL,                                      /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_http_variable_t  ngx_http_ssl_session_sync_variables[] = {

    { ngx_string("ssl_session_sync"), NULL,
      ngx_http_ssl_session_sync_variable,
      (uintptr_t) ngx_ssl_session_sync_outcome, NGX_HTTP_VAR_CHANGEABLE, 0 },

    { ngx_string("ssl_session_sync_early_data"), NULL,
      ngx_http_ssl_session_sync_variable,
      (uintptr_t) ngx_ssl_session_sync_early_outcome,
      NGX_HTTP_VAR_CHANGEABLE, 0 },

      ngx_http_null_variable
};


static ngx_int_t
ngx_http_ssl_session_sync_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_ssl_session_sync_variables; v->name.len; v++) {

        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_ssl_session_sync_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_ssl_session_sync_value_pt  outcome;

    ngx_str_t  value;

    outcome = (ngx_http_ssl_session_sync_value_pt) data;

    outcome(r->connection, &value);

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
ngx_http_ssl_session_sync_merge_srv_conf(ngx_conf_t *cf, void *parent,
    void *child)
{
    return ngx_ssl_session_sync_merge(cf, parent, child);
}


static ngx_int_t
ngx_http_ssl_session_sync_init(ngx_conf_t *cf)
{
    ngx_uint_t                        i;
    ngx_http_ssl_srv_conf_t          *sscf;
    ngx_http_core_srv_conf_t        **cscfp;
    ngx_http_core_main_conf_t        *cmcf;
    ngx_ssl_session_sync_srv_conf_t  *conf;

    /*
     * A server with ssl_certificate has an SSL_CTX even if it is on no TLS
     * listener, so those that are on one are marked first.
     */

    (void) ngx_http_ssl_session_sync_listeners(cf,
                                            ngx_http_ssl_session_sync_mark);

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    cscfp = cmcf->servers.elts;

    for (i = 0; i < cmcf->servers.nelts; i++) {

        sscf = ngx_http_get_module_srv_conf(cscfp[i]->ctx,
                                            ngx_http_ssl_module);
        conf = ngx_http_get_module_srv_conf(cscfp[i]->ctx,
                                         ngx_http_ssl_session_sync_module);

        if (!conf->listen && !ngx_http_ssl_session_sync_ssl_on(sscf)) {
            continue;
        }

        if (ngx_ssl_session_sync_attach(cf, conf, sscf->ssl.ctx, sscf->verify,
                                        sscf->certificate_values
                                        ? sscf->certificates : NULL,
                                        ngx_http_ssl_session_sync_select)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_http_ssl_session_sync_listeners(cf,
                                            ngx_http_ssl_session_sync_check);
}


/* Calls a handler for each server of each TLS listener. */

static ngx_int_t
ngx_http_ssl_session_sync_listeners(ngx_conf_t *cf,
    ngx_http_ssl_session_sync_listener_pt handler)
{
    ngx_uint_t                        i, j, k;
    ngx_http_conf_addr_t             *addr;
    ngx_http_conf_port_t             *port;
    ngx_http_core_srv_conf_t        **cscfp;
    ngx_http_core_main_conf_t        *cmcf;
    ngx_ssl_session_sync_srv_conf_t  *conf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    if (cmcf->ports == NULL) {
        return NGX_OK;
    }

    port = cmcf->ports->elts;

    for (i = 0; i < cmcf->ports->nelts; i++) {

        addr = port[i].addrs.elts;

        for (j = 0; j < port[i].addrs.nelts; j++) {

            if (!ngx_ssl_session_sync_listen_tls(&addr[j].opt)) {
                continue;
            }

            cscfp = addr[j].servers.elts;

            for (k = 0; k < addr[j].servers.nelts; k++) {

                conf = ngx_http_get_module_srv_conf(cscfp[k]->ctx,
                                          ngx_http_ssl_session_sync_module);

                if (handler(cf, &addr[j], conf) != NGX_OK) {
                    return NGX_ERROR;
                }
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_ssl_session_sync_mark(ngx_conf_t *cf, ngx_http_conf_addr_t *addr,
    ngx_ssl_session_sync_srv_conf_t *conf)
{
    conf->listen = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_ssl_session_sync_check(ngx_conf_t *cf, ngx_http_conf_addr_t *addr,
    ngx_ssl_session_sync_srv_conf_t *conf)
{
    ngx_ssl_session_sync_srv_conf_t  *def;

    def = ngx_http_get_module_srv_conf(addr->default_server->ctx,
                                    ngx_http_ssl_session_sync_module);

    return ngx_ssl_session_sync_check_listener(cf, def, conf,
                                               &addr->opt.addr_text);
}


static SSL_CTX *
ngx_http_ssl_session_sync_select(ngx_connection_t *c, ngx_str_t *name)
{
    ngx_http_connection_t     *hc;
    ngx_http_ssl_srv_conf_t   *sscf;
    ngx_http_core_srv_conf_t  *cscf;

    hc = c->data;
    cscf = NULL;

    if (hc->addr_conf->virtual_names) {
        cscf = ngx_http_ssl_session_sync_server(hc->addr_conf->virtual_names,
                                                name);
    }

    if (cscf == NULL) {
        return NULL;
    }

    sscf = ngx_http_get_module_srv_conf(cscf->ctx, ngx_http_ssl_module);

    return sscf->ssl.ctx;
}


/*
 * Looks a server up by name in the same way as nginx does in OpenSSL's
 * servername callback, which comes after the ticket callback.
 */

static ngx_http_core_srv_conf_t *
ngx_http_ssl_session_sync_server(ngx_http_virtual_names_t *names,
    ngx_str_t *name)
{
    ngx_http_core_srv_conf_t  *cscf;

    cscf = ngx_hash_find_combined(&names->names,
                                  ngx_hash_key(name->data, name->len),
                                  name->data, name->len);

#if (NGX_PCRE)
    {
    ngx_uint_t  i;

    for (i = 0; cscf == NULL && i < names->nregex; i++) {
        if (ngx_regex_exec(names->regex[i].regex->regex, name, NULL, 0) >= 0)
        {
            cscf = names->regex[i].server;
        }
    }
    }
#endif

    return cscf;
}


static char *
ngx_http_ssl_session_sync_status(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_ssl_session_sync_status_handler;

    return NGX_CONF_OK;
}
