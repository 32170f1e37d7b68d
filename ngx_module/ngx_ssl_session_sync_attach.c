
/*
 * Attaches the SSL_CTXs of servers to the clusters that their
 * "ssl_session_sync NAME" directives name.
 *
 * The block of a cluster may come after the servers that name it.  So while
 * the configuration is read each directive only records a wish; clusters are
 * looked up when all has been read.
 */


#include "ngx_ssl_session_sync.h"


static char *ngx_ssl_session_sync_find(ngx_cycle_t *cycle,
    ngx_ssl_session_sync_conf_t *conf, ngx_ssl_session_sync_wish_t *wish,
    ngx_ssl_session_sync_cluster_t **found);
static char *ngx_ssl_session_sync_unused(ngx_cycle_t *cycle,
    ngx_ssl_session_sync_conf_t *conf);


void *
ngx_ssl_session_sync_create_srv_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_ssl_session_sync_srv_conf_t));
}


char *
ngx_ssl_session_sync_merge(ngx_conf_t *cf,
    ngx_ssl_session_sync_srv_conf_t *prev,
    ngx_ssl_session_sync_srv_conf_t *conf)
{
    if (conf->wish == NULL) {
        conf->wish = prev->wish;
    }

    ngx_conf_merge_str_value(conf->scope, prev->scope, "auto");

    if (conf->early == NGX_SSL_SESSION_SYNC_EARLY_UNSET) {
        conf->early = prev->early ? prev->early
                                  : NGX_SSL_SESSION_SYNC_EARLY_ONCE;
    }

    if (conf->early_file && (conf->wish == NULL || conf->wish->off)) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"ssl_session_sync_early_data\" in %s:%ui, but the "
                      "server does not synchronise; give it "
                      "ssl_session_sync, or remove the line",
                      conf->early_file, conf->early_line);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_ssl_session_sync_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_ssl_session_sync_srv_conf_t *sscf = conf;

    ngx_str_t                     *value;
    ngx_ssl_session_sync_conf_t   *main;
    ngx_ssl_session_sync_wish_t   *wish, **slot;

    if (sscf->wish) {
        return "is duplicate";
    }

    value = cf->args->elts;

    wish = ngx_pcalloc(cf->pool, sizeof(ngx_ssl_session_sync_wish_t));
    if (wish == NULL) {
        return NGX_CONF_ERROR;
    }

    wish->cluster = value[1];
    wish->file = cf->conf_file->file.name.data;
    wish->line = cf->conf_file->line;
    wish->kind = (ngx_uint_t) (uintptr_t) cmd->post;
    wish->off = (ngx_strcmp(value[1].data, "off") == 0);
    wish->all = (cf->cmd_type & cmd->offset) ? 1 : 0;

    main = ngx_ssl_session_sync_get_conf(cf->cycle);

    slot = ngx_array_push(&main->wishes);
    if (slot == NULL) {
        return NGX_CONF_ERROR;
    }

    *slot = wish;
    sscf->wish = wish;

    return NGX_CONF_OK;
}


char *
ngx_ssl_session_sync_set_scope(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_ssl_session_sync_srv_conf_t *sscf = conf;

    ngx_str_t  *value;

    if (sscf->scope.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "ssl_session_sync_scope cannot be empty; give "
                           "\"auto\" or a string that all servers of one "
                           "trust scope have in common");
        return NGX_CONF_ERROR;
    }

    sscf->scope = value[1];

    return NGX_CONF_OK;
}


char *
ngx_ssl_session_sync_set_early(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_ssl_session_sync_srv_conf_t *sscf = conf;

    ngx_str_t                    *value;
    ngx_ssl_session_sync_conf_t  *main;

    if (sscf->early) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "once") == 0) {
        sscf->early = NGX_SSL_SESSION_SYNC_EARLY_ONCE;

    } else if (ngx_strcmp(value[1].data, "off") == 0) {
        sscf->early = NGX_SSL_SESSION_SYNC_EARLY_OFF;

    } else if (ngx_strcmp(value[1].data, "any") == 0) {
        sscf->early = NGX_SSL_SESSION_SYNC_EARLY_ANY;

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\" of "
                           "ssl_session_sync_early_data; say \"once\", "
                           "\"off\" or \"any\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (!(cf->cmd_type & cmd->offset)) {
        sscf->early_file = cf->conf_file->file.name.data;
        sscf->early_line = cf->conf_file->line;
    }

    main = ngx_ssl_session_sync_get_conf(cf->cycle);

    if (sscf->early == NGX_SSL_SESSION_SYNC_EARLY_ANY && !main->any) {
        main->any = 1;

        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"ssl_session_sync_early_data any\": who has "
                           "recorded a request in early data can have it "
                           "carried out again, on every host of the "
                           "cluster");
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_ssl_session_sync_attach(ngx_conf_t *cf,
    ngx_ssl_session_sync_srv_conf_t *conf, SSL_CTX *ssl_ctx,
    ngx_uint_t verify, ngx_array_t *variables,
    ngx_ssl_session_sync_select_pt select)
{
    ngx_ssl_session_sync_ctx_t   *sync, **slot;
    ngx_ssl_session_sync_conf_t  *main;

    if (conf->wish == NULL || ssl_ctx == NULL) {
        return NGX_OK;
    }

    conf->wish->used = 1;

    if (conf->wish->off) {
        return NGX_OK;
    }

    sync = ngx_pcalloc(cf->pool, sizeof(ngx_ssl_session_sync_ctx_t));
    if (sync == NULL) {
        return NGX_ERROR;
    }

    sync->ssl_ctx = ssl_ctx;
    sync->wish = conf->wish;
    sync->select = select;
    sync->early = conf->early & 3;

    sync->trust.ssl_ctx = ssl_ctx;
    sync->trust.kind = conf->wish->kind;
    sync->trust.configured = conf->scope;
    sync->trust.verify = verify;
    sync->trust.variables = variables;

    main = ngx_ssl_session_sync_get_conf(cf->cycle);
    sync->conf = main;

    slot = ngx_array_push(&main->contexts);
    if (slot == NULL) {
        return NGX_ERROR;
    }

    *slot = sync;
    conf->sync = sync;

    return NGX_OK;
}


ngx_int_t
ngx_ssl_session_sync_check_listener(ngx_conf_t *cf,
    ngx_ssl_session_sync_srv_conf_t *def,
    ngx_ssl_session_sync_srv_conf_t *conf, ngx_str_t *listen)
{
    if (def->sync || conf->sync == NULL) {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "\"ssl_session_sync %V\" in %s:%ui cannot work on the "
                  "listener %V, whose default server has no "
                  "ssl_session_sync: the sessions of a listener belong to "
                  "its default server; enable ssl_session_sync there (and "
                  "switch it \"off\" in the servers that must not have it)",
                  &conf->wish->cluster, conf->wish->file, conf->wish->line,
                  listen);

    return NGX_ERROR;
}


char *
ngx_ssl_session_sync_resolve(ngx_cycle_t *cycle,
    ngx_ssl_session_sync_conf_t *conf)
{
    char                             *rv;
    time_t                            timeout;
    ngx_uint_t                        i, early;
    ngx_ssl_session_sync_ctx_t      **sync;
    ngx_ssl_session_sync_wish_t     **wish;
    ngx_ssl_session_sync_cluster_t   *cluster, **clusters;

    wish = conf->wishes.elts;

    for (i = 0; i < conf->wishes.nelts; i++) {
        if (wish[i]->off) {
            continue;
        }

        rv = ngx_ssl_session_sync_find(cycle, conf, wish[i], &cluster);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    rv = ngx_ssl_session_sync_unused(cycle, conf);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    early = 0;
    sync = conf->contexts.elts;

    for (i = 0; i < conf->contexts.nelts; i++) {

        rv = ngx_ssl_session_sync_find(cycle, conf, sync[i]->wish, &cluster);
        if (rv != NGX_CONF_OK) {
            return rv;
        }

        sync[i]->cluster = cluster;
        cluster->attached++;
        early |= SSL_CTX_get_max_early_data(sync[i]->ssl_ctx) > 0;

        timeout = SSL_CTX_get_timeout(sync[i]->ssl_ctx);
        cluster->retention = ngx_max(cluster->retention, timeout);

        sync[i]->trust.ns = cluster->ns;

        if (ngx_ssl_session_sync_trust_init(cycle->pool, &sync[i]->trust)
            != NGX_OK)
        {
            ngx_ssl_error(NGX_LOG_EMERG, cycle->log, 0,
                          "ssl_session_sync: what a server trusts cannot be "
                          "read from its certificates");
            return NGX_CONF_ERROR;
        }

        if (ngx_ssl_session_sync_hooks_attach(sync[i], cycle->log)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    /* whether it is offered is a matter of the listener */

    for (i = 0; early && i < conf->contexts.nelts; i++) {
        sync[i]->cluster->early |=
                     (sync[i]->wish->kind == NGX_SSL_SESSION_SYNC_HTTP
                      && sync[i]->early == NGX_SSL_SESSION_SYNC_EARLY_ONCE);
    }

    clusters = conf->clusters.elts;

    for (i = 0; i < conf->clusters.nelts; i++) {
        if (ngx_ssl_session_sync_zone_size(clusters[i], cycle->log)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_ssl_session_sync_find(ngx_cycle_t *cycle,
    ngx_ssl_session_sync_conf_t *conf, ngx_ssl_session_sync_wish_t *wish,
    ngx_ssl_session_sync_cluster_t **found)
{
    ngx_uint_t                        i;
    ngx_ssl_session_sync_cluster_t  **cluster;

    cluster = conf->clusters.elts;

    for (i = 0; i < conf->clusters.nelts; i++) {

        if (cluster[i]->name.len == wish->cluster.len
            && ngx_strncmp(cluster[i]->name.data, wish->cluster.data,
                           wish->cluster.len)
               == 0)
        {
            *found = cluster[i];
            return NGX_CONF_OK;
        }
    }

    ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                  "ssl_session_sync: unknown cluster \"%V\" in %s:%ui; "
                  "define it with \"ssl_session_sync_cluster %V { ... }\" "
                  "at the top level, or say \"off\"",
                  &wish->cluster, wish->file, wish->line, &wish->cluster);

    return NGX_CONF_ERROR;
}


static char *
ngx_ssl_session_sync_unused(ngx_cycle_t *cycle,
    ngx_ssl_session_sync_conf_t *conf)
{
    ngx_uint_t                     i;
    ngx_ssl_session_sync_wish_t  **wish;

    wish = conf->wishes.elts;

    for (i = 0; i < conf->wishes.nelts; i++) {

        /*
         * Outside of a server{} the directive is allowed even if no server has
         * TLS, as nginx's own ssl_ directives are.
         */

        if (wish[i]->used || wish[i]->off || wish[i]->all) {
            continue;
        }

        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "\"ssl_session_sync %V\" in %s:%ui, but no TLS is "
                      "configured there; move it to a server with "
                      "\"listen ... ssl\" and \"ssl_certificate\", or "
                      "remove it",
                      &wish[i]->cluster, wish[i]->file, wish[i]->line);

        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}
