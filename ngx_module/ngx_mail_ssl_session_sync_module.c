
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_mail.h>

#include "ngx_ssl_session_sync.h"


static char *ngx_mail_ssl_session_sync_merge_srv_conf(ngx_conf_t *cf,
    void *parent, void *child);


static ngx_command_t  ngx_mail_ssl_session_sync_commands[] = {

    { ngx_string("ssl_session_sync"),
      NGX_MAIL_MAIN_CONF|NGX_MAIL_SRV_CONF|NGX_CONF_TAKE1,
      ngx_ssl_session_sync_set,
      NGX_MAIL_SRV_CONF_OFFSET,
      NGX_MAIL_MAIN_CONF,
      (void *) NGX_SSL_SESSION_SYNC_MAIL },

    { ngx_string("ssl_session_sync_scope"),
      NGX_MAIL_MAIN_CONF|NGX_MAIL_SRV_CONF|NGX_CONF_TAKE1,
      ngx_ssl_session_sync_set_scope,
      NGX_MAIL_SRV_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_mail_module_t  ngx_mail_ssl_session_sync_module_ctx = {
    NULL,                                      /* protocol */

    NULL,                                      /* create main conf */
    NULL,                                      /* init main conf */

    ngx_ssl_session_sync_create_srv_conf,      /* create server conf */
    ngx_mail_ssl_session_sync_merge_srv_conf   /* merge server conf */
};


ngx_module_t  ngx_mail_ssl_session_sync_module = {
    NGX_MODULE_V1,
    &ngx_mail_ssl_session_sync_module_ctx,     /* module context */
    ngx_mail_ssl_session_sync_commands,        /* module directives */
    NGX_MAIL_MODULE,                           /* module type */
    NULL,                                      /* init master */
    NULL,                                      /* init module */
    NULL,                                      /* init process */
    NULL,                                      /* init thread */
    NULL,                                      /* exit thread */
    NULL,                                      /* exit process */
    NULL,                                      /* exit master */
    NGX_MODULE_V1_PADDING
};


/*
 * Mail modules have no postconfiguration handler, so servers are attached
 * here.  This module comes after ngx_mail_ssl_module, which has made its
 * SSL_CTX when its own configuration was merged.
 */

static char *
ngx_mail_ssl_session_sync_merge_srv_conf(ngx_conf_t *cf, void *parent,
    void *child)
{
    ngx_mail_ssl_conf_t  *sscf;

    if (ngx_ssl_session_sync_merge(cf, parent, child) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    sscf = ngx_mail_conf_get_module_srv_conf(cf, ngx_mail_ssl_module);

    if (ngx_ssl_session_sync_attach(cf, child, sscf->ssl.ctx, sscf->verify,
                                    NULL, NULL)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}
