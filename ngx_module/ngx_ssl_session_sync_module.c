
#include "ngx_ssl_session_sync.h"


static void *ngx_ssl_session_sync_create_conf(ngx_cycle_t *cycle);
static char *ngx_ssl_session_sync_init_conf(ngx_cycle_t *cycle, void *conf);


static ngx_command_t  ngx_ssl_session_sync_commands[] = {

    { ngx_string("ssl_session_sync_cluster"),
      NGX_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_ssl_session_sync_cluster_block,
      0,
      0,
      NULL },

      ngx_null_command
};


static ngx_core_module_t  ngx_ssl_session_sync_module_ctx = {
    ngx_string("ssl_session_sync"),
    ngx_ssl_session_sync_create_conf,
    ngx_ssl_session_sync_init_conf
};


ngx_module_t  ngx_ssl_session_sync_module = {
    NGX_MODULE_V1,
    &ngx_ssl_session_sync_module_ctx,      /* module context */
    ngx_ssl_session_sync_commands,         /* module directives */
    NGX_CORE_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_ssl_session_sync_init_process,     /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_ssl_session_sync_exit_process,     /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static void *
ngx_ssl_session_sync_create_conf(ngx_cycle_t *cycle)
{
    ngx_ssl_session_sync_conf_t  *conf;

    conf = ngx_pcalloc(cycle->pool, sizeof(ngx_ssl_session_sync_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&conf->clusters, cycle->pool, 2, sizeof(void *))
        != NGX_OK
        || ngx_array_init(&conf->wishes, cycle->pool, 4, sizeof(void *))
           != NGX_OK
        || ngx_array_init(&conf->contexts, cycle->pool, 8, sizeof(void *))
           != NGX_OK)
    {
        return NULL;
    }

    if (ngx_ssl_session_sync_hooks_init(cycle->log) != NGX_OK) {
        return NULL;
    }

    return conf;
}


static char *
ngx_ssl_session_sync_init_conf(ngx_cycle_t *cycle, void *conf)
{
    return ngx_ssl_session_sync_resolve(cycle, conf);
}
