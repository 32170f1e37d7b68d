
/*
 * What all workers of a host know about early data, in a zone of its own: it
 * outlives a reload.
 */


#include "ngx_ssl_session_sync_early.h"


#define NGX_SSL_SESSION_SYNC_ONCE_PLACES  65536
#define NGX_SSL_SESSION_SYNC_ONCE_ZONE    (2 * 1024 * 1024)


static ngx_int_t ngx_ssl_session_sync_early_zone_init(ngx_shm_zone_t *zone,
    void *data);
static ngx_int_t ngx_ssl_session_sync_early_table(ngx_slab_pool_t *shpool,
    ngx_ssl_session_sync_early_shm_t *sh);


ngx_int_t
ngx_ssl_session_sync_early_zone(ngx_conf_t *cf,
    ngx_ssl_session_sync_cluster_t *cluster)
{
    ngx_str_t  name;

    name.len = sizeof("ssl_session_sync_early:") - 1 + cluster->name.len;

    name.data = ngx_pnalloc(cf->pool, name.len);
    if (name.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(ngx_cpymem(name.data, "ssl_session_sync_early:",
                          sizeof("ssl_session_sync_early:") - 1),
               cluster->name.data, cluster->name.len);

    cluster->early_zone = ngx_shared_memory_add(cf, &name,
                                               NGX_SSL_SESSION_SYNC_ONCE_ZONE,
                                               &ngx_ssl_session_sync_module);
    if (cluster->early_zone == NULL) {
        return NGX_ERROR;
    }

    cluster->early_zone->init = ngx_ssl_session_sync_early_zone_init;
    cluster->early_zone->data = cluster;

    return NGX_OK;
}


static ngx_int_t
ngx_ssl_session_sync_early_zone_init(ngx_shm_zone_t *zone, void *data)
{
    ngx_slab_pool_t                   *shpool;
    ngx_ssl_session_sync_cluster_t    *cluster = zone->data;
    ngx_ssl_session_sync_early_shm_t  *sh;

    shpool = (ngx_slab_pool_t *) zone->shm.addr;
    sh = shpool->data;

    if (data == NULL && !zone->shm.exists) {

        sh = ngx_slab_calloc(shpool,
                             sizeof(ngx_ssl_session_sync_early_shm_t));

        if (sh == NULL || RAND_bytes(sh->secret, sizeof(sh->secret)) != 1) {
            return NGX_ERROR;
        }

        shpool->data = sh;
    }

    cluster->early_sh = sh;

    /* memory that nobody needs is not touched */

    if (cluster->early && sh->once == NULL) {
        return ngx_ssl_session_sync_early_table(shpool, sh);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_ssl_session_sync_early_table(ngx_slab_pool_t *shpool,
    ngx_ssl_session_sync_early_shm_t *sh)
{
    void  *table;

    table = ngx_slab_alloc(shpool,
                           sss_once_size(NGX_SSL_SESSION_SYNC_ONCE_PLACES));

    if (table == NULL) {
        return NGX_ERROR;
    }

    sh->once = sss_once_init(table, NGX_SSL_SESSION_SYNC_ONCE_PLACES);

    return NGX_OK;
}


void
ngx_ssl_session_sync_early_hash(ngx_ssl_session_sync_cluster_t *cluster,
    const sss_hello_early_t *offer, u_char *hash)
{
    u_char          text[SHA256_DIGEST_LENGTH + SSS_HELLO_BINDER_MAX];
    u_char          mac[SSS_HMAC_SIZE];
    sss_hmac_key_t  key;

    sss_hmac_key(&key, cluster->early_sh->secret,
                 sizeof(cluster->early_sh->secret));

    (void) SHA256(offer->identity, offer->identity_len, text);
    ngx_memcpy(text + SHA256_DIGEST_LENGTH, offer->binder, offer->binder_len);

    sss_hmac(&key, text, SHA256_DIGEST_LENGTH + offer->binder_len, mac);
    ngx_memcpy(hash, mac, SSS_ONCE_HASH);
}


sss_once_rc_t
ngx_ssl_session_sync_early_once(ngx_ssl_session_sync_cluster_t *cluster,
    const u_char *hash, uint64_t now, uint64_t until)
{
    sss_once_rc_t     rc;
    ngx_slab_pool_t  *shpool;

    if (cluster->early_sh->once == NULL) {
        return SSS_ONCE_FULL;
    }

    shpool = (ngx_slab_pool_t *) cluster->early_zone->shm.addr;

    ngx_shmtx_lock(&shpool->mutex);

    rc = sss_once_take(cluster->early_sh->once, hash, now, until);

    ngx_shmtx_unlock(&shpool->mutex);

    return rc;
}
