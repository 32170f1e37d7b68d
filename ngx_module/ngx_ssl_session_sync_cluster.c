
/*
 * The ssl_session_sync_cluster block: its directives, their defaults, and the
 * checks that "nginx -t" makes.
 */


#include "ngx_ssl_session_sync.h"


/* most "memcached" directives of a cluster; a name may be several servers */
#define NGX_SSL_SESSION_SYNC_LINES        16

/*
 * The highest "generation".  A cluster never goes back to a lower one, so a
 * number that was mistyped must leave room for higher ones.
 */
#define NGX_SSL_SESSION_SYNC_GENERATIONS  1000000


static char *ngx_ssl_session_sync_cluster_directive(ngx_conf_t *cf,
    ngx_command_t *dummy, void *conf);
static char *ngx_ssl_session_sync_memcached(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_ssl_session_sync_cluster_finish(ngx_conf_t *cf,
    ngx_ssl_session_sync_cluster_t *cluster);
static char *ngx_ssl_session_sync_cluster_times(ngx_conf_t *cf,
    ngx_ssl_session_sync_cluster_t *cluster);
static ngx_int_t ngx_ssl_session_sync_cluster_addresses(ngx_conf_t *cf,
    ngx_ssl_session_sync_cluster_t *cluster);
static char *ngx_ssl_session_sync_zone_size_gone(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static ngx_int_t ngx_ssl_session_sync_memcached_parameter(ngx_conf_t *cf,
    ngx_str_t *value, ngx_ssl_session_sync_server_t *server);


static ngx_command_t  ngx_ssl_session_sync_cluster_commands[] = {

    { ngx_string("memcached"),
      NGX_CONF_TAKE123,
      ngx_ssl_session_sync_memcached,
      0,
      0,
      NULL },

    { ngx_string("secret_file"),
      NGX_CONF_TAKE1,
      ngx_ssl_session_sync_secret_file,
      0,
      0,
      NULL },

    { ngx_string("auth_file"),
      NGX_CONF_TAKE1,
      ngx_ssl_session_sync_auth_file,
      0,
      0,
      NULL },

    { ngx_string("ssl_trusted_certificate"),
      NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      0,
      offsetof(ngx_ssl_session_sync_cluster_t, trusted),
      NULL },

    { ngx_string("ssl_certificate"),
      NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      0,
      offsetof(ngx_ssl_session_sync_cluster_t, certificate),
      NULL },

    { ngx_string("ssl_certificate_key"),
      NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      0,
      offsetof(ngx_ssl_session_sync_cluster_t, certificate_key),
      NULL },

    { ngx_string("namespace"),
      NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      0,
      offsetof(ngx_ssl_session_sync_cluster_t, ns),
      NULL },

    { ngx_string("key_rotation"),
      NGX_CONF_TAKE1,
      ngx_conf_set_sec_slot,
      0,
      offsetof(ngx_ssl_session_sync_cluster_t, key_rotation),
      NULL },

    { ngx_string("poll_interval"),
      NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      0,
      offsetof(ngx_ssl_session_sync_cluster_t, poll_interval),
      NULL },

    { ngx_string("lookup_timeout"),
      NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      0,
      offsetof(ngx_ssl_session_sync_cluster_t, lookup_timeout),
      NULL },

    { ngx_string("forward_secrecy"),
      NGX_CONF_TAKE1,
      ngx_conf_set_flag_slot,
      0,
      offsetof(ngx_ssl_session_sync_cluster_t, forward_secrecy),
      NULL },

    { ngx_string("generation"),
      NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      0,
      offsetof(ngx_ssl_session_sync_cluster_t, generation),
      NULL },

    { ngx_string("zone_size"),
      NGX_CONF_ANY,
      ngx_ssl_session_sync_zone_size_gone,
      0,
      0,
      NULL },

      ngx_null_command
};


char *
ngx_ssl_session_sync_cluster_block(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    char                             *rv;
    ngx_str_t                        *value;
    ngx_uint_t                        i;
    ngx_conf_t                        save;
    ngx_ssl_session_sync_conf_t      *sscf;
    ngx_ssl_session_sync_cluster_t   *cluster, **clusters, **slot;

    value = cf->args->elts;
    sscf = ngx_ssl_session_sync_get_conf(cf->cycle);

    if (value[1].len == 0 || value[1].len >= SSS_NAMESPACE_MAX
        || ngx_strcmp(value[1].data, "off") == 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "ssl_session_sync: a cluster cannot be named "
                           "\"%V\"; choose a name of 1 to %d characters that "
                           "is not \"off\"",
                           &value[1], SSS_NAMESPACE_MAX - 1);
        return NGX_CONF_ERROR;
    }

    clusters = sscf->clusters.elts;

    for (i = 0; i < sscf->clusters.nelts; i++) {
        if (clusters[i]->name.len == value[1].len
            && ngx_strncmp(clusters[i]->name.data, value[1].data,
                           value[1].len)
               == 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "ssl_session_sync: cluster \"%V\" is already "
                               "defined in %s:%ui; give one of the two "
                               "another name",
                               &value[1], clusters[i]->file,
                               clusters[i]->line);
            return NGX_CONF_ERROR;
        }
    }

    cluster = ngx_pcalloc(cf->pool, sizeof(ngx_ssl_session_sync_cluster_t));
    if (cluster == NULL) {
        return NGX_CONF_ERROR;
    }

    cluster->name = value[1];
    cluster->file = cf->conf_file->file.name.data;
    cluster->line = cf->conf_file->line;
    cluster->key_rotation = NGX_CONF_UNSET;
    cluster->poll_interval = NGX_CONF_UNSET_MSEC;
    cluster->lookup_timeout = NGX_CONF_UNSET_MSEC;
    cluster->forward_secrecy = NGX_CONF_UNSET;
    cluster->generation = NGX_CONF_UNSET;

    if (ngx_array_init(&cluster->servers, cf->pool, 2,
                       sizeof(ngx_ssl_session_sync_server_t))
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    slot = ngx_array_push(&sscf->clusters);
    if (slot == NULL) {
        return NGX_CONF_ERROR;
    }

    *slot = cluster;

    save = *cf;
    cf->handler = ngx_ssl_session_sync_cluster_directive;
    cf->handler_conf = (void *) cluster;

    rv = ngx_conf_parse(cf, NULL);

    *cf = save;

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    return ngx_ssl_session_sync_cluster_finish(cf, cluster);
}


static char *
ngx_ssl_session_sync_cluster_directive(ngx_conf_t *cf, ngx_command_t *dummy,
    void *conf)
{
    char           *rv;
    ngx_str_t      *name;
    ngx_command_t  *cmd;

    name = cf->args->elts;

    if (ngx_strcmp(name->data, "include") == 0) {

        if (cf->args->nelts != 2) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid number of arguments in \"include\" "
                               "directive");
            return NGX_CONF_ERROR;
        }

        return ngx_conf_include(cf, dummy, conf);
    }

    for (cmd = ngx_ssl_session_sync_cluster_commands; cmd->name.len; cmd++) {

        if (cmd->name.len != name->len
            || ngx_strcmp(cmd->name.data, name->data) != 0)
        {
            continue;
        }

        if (cf->args->nelts != 2
            && !(cmd->type & NGX_CONF_ANY)
            && !(cf->args->nelts == 3 && (cmd->type & NGX_CONF_TAKE2))
            && !(cf->args->nelts == 4 && (cmd->type & NGX_CONF_TAKE3)))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid number of arguments in \"%V\" "
                               "directive", name);
            return NGX_CONF_ERROR;
        }

        rv = cmd->set(cf, cmd, conf);

        if (rv != NGX_CONF_OK && rv != NGX_CONF_ERROR) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" directive %s",
                               name, rv);
            return NGX_CONF_ERROR;
        }

        return rv;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "unknown directive \"%V\" in "
                       "\"ssl_session_sync_cluster\"; it takes memcached, "
                       "secret_file, auth_file, ssl_trusted_certificate, "
                       "ssl_certificate, ssl_certificate_key, namespace, "
                       "key_rotation, poll_interval, lookup_timeout, "
                       "forward_secrecy, generation and include", name);

    return NGX_CONF_ERROR;
}


static char *
ngx_ssl_session_sync_memcached(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_ssl_session_sync_cluster_t  *cluster = conf;

    ngx_str_t                      *value;
    ngx_uint_t                      i;
    const char                     *error;
    sss_address_t                   address;
    ngx_ssl_session_sync_server_t  *server, added;

    value = cf->args->elts;
    server = cluster->servers.elts;

    error = sss_address_parse((char *) value[1].data, value[1].len, &address);

    if (error != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid address \"%V\" of memcached: %s",
                           &value[1], error);
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&added, sizeof(ngx_ssl_session_sync_server_t));

    added.text = value[1];

    for (i = 2; i < cf->args->nelts; i++) {
        if (ngx_ssl_session_sync_memcached_parameter(cf, &value[i], &added)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    if (added.secure && address.port == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "memcached \"%V\" is a Unix-domain socket, which "
                           "cannot have \"ssl\"; nothing that goes over it "
                           "leaves this host, remove the parameter",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < cluster->servers.nelts; i++) {
        if (server[i].text.len == value[1].len
            && ngx_strncmp(server[i].text.data, value[1].data, value[1].len)
               == 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "memcached \"%V\" is given twice; remove one "
                               "of the two lines", &value[1]);
            return NGX_CONF_ERROR;
        }
    }

    if (cluster->servers.nelts == NGX_SSL_SESSION_SYNC_LINES) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "a cluster takes %d memcached servers at the "
                           "most; remove \"%V\"",
                           NGX_SSL_SESSION_SYNC_LINES, &value[1]);
        return NGX_CONF_ERROR;
    }

    server = ngx_array_push(&cluster->servers);
    if (server == NULL) {
        return NGX_CONF_ERROR;
    }

    *server = added;
    server->weight = added.weight ? added.weight : 1;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_ssl_session_sync_memcached_parameter(ngx_conf_t *cf, ngx_str_t *value,
    ngx_ssl_session_sync_server_t *server)
{
    ngx_int_t  weight;

    weight = NGX_ERROR;

    if (ngx_strcmp(value->data, "ssl") == 0 && !server->secure) {
        server->secure = 1;
        return NGX_OK;
    }

    if (ngx_strncmp(value->data, "weight=", 7) == 0 && server->weight == 0) {
        weight = ngx_atoi(value->data + 7, value->len - 7);
    }

    if (weight == NGX_ERROR || weight == 0 || weight > 1000) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\" of memcached; "
                           "\"ssl\", or \"weight=\" and a number from 1 to "
                           "1000 is expected, each once", value);
        return NGX_ERROR;
    }

    server->weight = weight;

    return NGX_OK;
}


static char *
ngx_ssl_session_sync_zone_size_gone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    return "does not exist any more: the size of the zone follows from "
           "\"key_rotation\" and \"ssl_session_timeout\"; remove the line";
}


static char *
ngx_ssl_session_sync_cluster_finish(ngx_conf_t *cf,
    ngx_ssl_session_sync_cluster_t *cluster)
{
    char  *rv;

    ngx_conf_init_value(cluster->key_rotation, 3600);
    ngx_conf_init_msec_value(cluster->poll_interval, 2000);
    ngx_conf_init_msec_value(cluster->lookup_timeout, 50);
    ngx_conf_init_value(cluster->forward_secrecy, 1);
    ngx_conf_init_value(cluster->generation, 1);

    if (cluster->ns.data == NULL) {
        cluster->ns = cluster->name;
    }

    if (cluster->ns.len == 0 || cluster->ns.len >= SSS_NAMESPACE_MAX) {
        return ngx_ssl_session_sync_refuse(cf, cluster,
                   "\"namespace\" must have 1 to 127 characters");
    }

    rv = ngx_ssl_session_sync_cluster_times(cf, cluster);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (cluster->generation < 1
        || cluster->generation > NGX_SSL_SESSION_SYNC_GENERATIONS)
    {
        return ngx_ssl_session_sync_refuse(cf, cluster,
                   "\"generation\" must be from 1 to 1000000; raise it by 1 "
                   "to drop all keys and sessions of the cluster");
    }

    if (ngx_ssl_session_sync_cluster_addresses(cf, cluster) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (cluster->servers.nelts) {

        if (cluster->secret_file.len == 0) {
            return ngx_ssl_session_sync_refuse(cf, cluster,
                       "\"memcached\" needs a \"secret_file\", without which "
                       "keys would leave this host in the clear; write 64 "
                       "random hex digits (openssl rand -hex 32) into a file "
                       "of mode 600 and name it here");
        }

    }

    rv = ngx_ssl_session_sync_secure(cf, cluster);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (ngx_ssl_session_sync_zone_add(cf, cluster) != NGX_OK
        || ngx_ssl_session_sync_early_zone(cf, cluster) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_ssl_session_sync_cluster_times(ngx_conf_t *cf,
    ngx_ssl_session_sync_cluster_t *cluster)
{
    if (cluster->key_rotation <= 0) {
        return ngx_ssl_session_sync_refuse(cf, cluster,
                   "\"key_rotation\" cannot be 0; give the time for which "
                   "one key encrypts, such as 1h");
    }

    if (cluster->key_rotation > 366 * 24 * 3600) {
        return ngx_ssl_session_sync_refuse(cf, cluster,
                   "\"key_rotation\" is longer than a year; keys that old "
                   "give no forward secrecy, choose 1h to 1d");
    }

    if (cluster->poll_interval == 0) {
        return ngx_ssl_session_sync_refuse(cf, cluster,
                   "\"poll_interval\" cannot be 0; give the time between "
                   "two looks at the shared keys, such as 2s");
    }

    if (cluster->lookup_timeout == 0) {
        return ngx_ssl_session_sync_refuse(cf, cluster,
                   "\"lookup_timeout\" cannot be 0; give the longest time "
                   "a handshake may wait, such as 50ms");
    }

    if (cluster->poll_interval
        > (ngx_msec_t) cluster->key_rotation * 1000 / 4)
    {
        return ngx_ssl_session_sync_refuse(cf, cluster,
                   "\"poll_interval\" must be at most a quarter of "
                   "\"key_rotation\", so that every host has a key before "
                   "any host uses it; shorten the one or lengthen the other");
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_ssl_session_sync_cluster_addresses(ngx_conf_t *cf,
    ngx_ssl_session_sync_cluster_t *cluster)
{
    ngx_uint_t                      i;
    ngx_ssl_session_sync_server_t  *server;

    server = cluster->servers.elts;

    cluster->addresses = ngx_palloc(cf->pool, sizeof(sss_address_t)
                                              * (cluster->servers.nelts + 1));
    if (cluster->addresses == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < cluster->servers.nelts; i++) {
        (void) sss_address_parse((char *) server[i].text.data,
                                 server[i].text.len, &cluster->addresses[i]);
    }

    return NGX_OK;
}


char *
ngx_ssl_session_sync_refuse(ngx_conf_t *cf,
    ngx_ssl_session_sync_cluster_t *cluster, const char *what)
{
    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "ssl_session_sync: cluster \"%V\": %s in %s:%ui",
                  &cluster->name, what, cluster->file, cluster->line);

    return NGX_CONF_ERROR;
}
