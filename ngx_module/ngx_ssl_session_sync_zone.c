
/*
 * The shared memory zone of a cluster.  It stays at a reload.  If its size
 * changes its keys are copied, and only a change of the namespace or of all
 * secrets drops them.
 *
 * Its size follows from the configuration.  Of the keys that a host makes, one
 * encrypts, one is for the next slot, and a retired one stays until
 * "retention" (the longest ssl_session_timeout) and half a rotation have
 * passed since the end of its slot.  So there are at most
 *
 *     (retention + key_rotation / 2) / key_rotation + 3
 *
 * at a time.  Hosts that cannot reach each other each make keys of their own
 * for the same slots, and hosts with another rotation have other keys; when
 * they meet, the zone must hold all of these.  It has room for eight times as
 * many keys as one host makes, and for 4,096 at least: with the default values
 * a fleet may be in a thousand parts then.  Pages without keys are never
 * touched, so unused room costs no memory.  If a zone is full nevertheless,
 * the keys that expire first are dropped (sss_ring_add()).
 */


#include "ngx_ssl_session_sync.h"


/* most keys of a ring that fit into one record of memcached */
#define NGX_SSL_SESSION_SYNC_RING_MAX   8192
#define NGX_SSL_SESSION_SYNC_RING_MIN   4096

/* sizes are rounded up, so that a slightly longer timeout needs no new zone */
#define NGX_SSL_SESSION_SYNC_RING_STEP  1024


static ngx_ssl_session_sync_cluster_t *ngx_ssl_session_sync_zone_before(
    ngx_ssl_session_sync_cluster_t *cluster);
static ngx_uint_t ngx_ssl_session_sync_zone_related(
    ngx_ssl_session_sync_cluster_t *cluster,
    ngx_ssl_session_sync_cluster_t *old);
static ngx_int_t ngx_ssl_session_sync_zone_name(ngx_conf_t *cf,
    ngx_ssl_session_sync_cluster_t *cluster,
    ngx_ssl_session_sync_cluster_t *old, ngx_str_t *name);
static size_t ngx_ssl_session_sync_zone_bytes(ngx_uint_t capacity);
static ngx_int_t ngx_ssl_session_sync_zone_init(ngx_shm_zone_t *zone,
    void *data);
static void ngx_ssl_session_sync_zone_servers(
    ngx_ssl_session_sync_cluster_t *cluster);
static ngx_int_t ngx_ssl_session_sync_zone_create(
    ngx_ssl_session_sync_cluster_t *cluster, ngx_shm_zone_t *zone);
static void ngx_ssl_session_sync_zone_inherit(
    ngx_ssl_session_sync_cluster_t *cluster, ngx_shm_zone_t *zone);
static ngx_int_t ngx_ssl_session_sync_zone_first(
    ngx_ssl_session_sync_cluster_t *cluster, ngx_log_t *log);
static ngx_uint_t ngx_ssl_session_sync_make_keys(
    ngx_ssl_session_sync_cluster_t *cluster, sss_ring_t *ring,
    ngx_uint_t next, ngx_log_t *log);


ngx_int_t
ngx_ssl_session_sync_zone_add(ngx_conf_t *cf,
    ngx_ssl_session_sync_cluster_t *cluster)
{
    ngx_str_t                        name;
    ngx_ssl_session_sync_cluster_t  *old;

    old = ngx_ssl_session_sync_zone_before(cluster);

    if (ngx_ssl_session_sync_zone_name(cf, cluster, old, &name) != NGX_OK) {
        return NGX_ERROR;
    }

    /* the size is 0 until the timeouts of all servers have been read */

    cluster->zone = ngx_shared_memory_add(cf, &name, 0,
                                          &ngx_ssl_session_sync_module);
    if (cluster->zone == NULL) {
        return NGX_ERROR;
    }

    cluster->zone->init = ngx_ssl_session_sync_zone_init;
    cluster->zone->data = cluster;

    return NGX_OK;
}


/* The cluster of this name in the previous configuration, or NULL. */

static ngx_ssl_session_sync_cluster_t *
ngx_ssl_session_sync_zone_before(ngx_ssl_session_sync_cluster_t *cluster)
{
    ngx_uint_t                        i;
    ngx_ssl_session_sync_conf_t      *conf;
    ngx_ssl_session_sync_cluster_t  **old;

    if (ngx_is_init_cycle(ngx_cycle)) {
        return NULL;
    }

    conf = ngx_ssl_session_sync_get_conf((ngx_cycle_t *) ngx_cycle);
    if (conf == NULL) {
        return NULL;
    }

    old = conf->clusters.elts;

    for (i = 0; i < conf->clusters.nelts; i++) {

        if (old[i]->sh
            && old[i]->name.len == cluster->name.len
            && ngx_strncmp(old[i]->name.data, cluster->name.data,
                           cluster->name.len)
               == 0)
        {
            return old[i];
        }
    }

    return NULL;
}


/*
 * 1 if the cluster may take over the keys of "old", its predecessor in the
 * previous configuration: if both have the same namespace and a secret in
 * common.  Else the keys of one fleet might become those of another, or
 * outlive a secret that was changed because it had leaked.
 */

static ngx_uint_t
ngx_ssl_session_sync_zone_related(ngx_ssl_session_sync_cluster_t *cluster,
    ngx_ssl_session_sync_cluster_t *old)
{
    if (cluster->ns.len != old->ns.len
        || ngx_strncmp(cluster->ns.data, old->ns.data, old->ns.len) != 0)
    {
        return 0;
    }

    if (cluster->secrets == NULL || old->secrets == NULL) {
        return cluster->secrets == old->secrets;
    }

    return sss_secrets_common(cluster->secrets, old->secrets);
}


/*
 * Makes the zone's name.  nginx hands a zone on to the next configuration if
 * that has one with the same name.  For a zone that must begin empty the name
 * therefore gets a random suffix; workers of the previous configuration keep
 * theirs.
 */

static ngx_int_t
ngx_ssl_session_sync_zone_name(ngx_conf_t *cf,
    ngx_ssl_session_sync_cluster_t *cluster,
    ngx_ssl_session_sync_cluster_t *old, ngx_str_t *name)
{
    u_char  *p, random[8];

    name->len = sizeof("ssl_session_sync:") - 1 + cluster->name.len;

    if (old) {
        name->len = ngx_max(name->len + 1 + 2 * sizeof(random),
                            old->zone->shm.name.len);
    }

    name->data = ngx_pnalloc(cf->pool, name->len);
    if (name->data == NULL) {
        return NGX_ERROR;
    }

    if (old && ngx_ssl_session_sync_zone_related(cluster, old)) {
        name->len = old->zone->shm.name.len;
        ngx_memcpy(name->data, old->zone->shm.name.data, name->len);

        return NGX_OK;
    }

    /* a prefix, since the zones of all modules must differ in their names */

    p = ngx_cpymem(name->data, "ssl_session_sync:",
                   sizeof("ssl_session_sync:") - 1);
    p = ngx_cpymem(p, cluster->name.data, cluster->name.len);

    if (old) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "ssl_session_sync: the zone of cluster \"%V\" starts "
                      "empty: its namespace is another than before, or none "
                      "of its secrets is one of those before",
                      &cluster->name);

        if (RAND_bytes(random, sizeof(random)) != 1) {
            ngx_ssl_error(NGX_LOG_EMERG, cf->log, 0,
                          "ssl_session_sync: RAND_bytes() failed");
            return NGX_ERROR;
        }

        *p++ = ':';
        p = ngx_hex_dump(p, random, sizeof(random));
    }

    name->len = p - name->data;

    return NGX_OK;
}


ngx_int_t
ngx_ssl_session_sync_zone_size(ngx_ssl_session_sync_cluster_t *cluster,
    ngx_log_t *log)
{
    time_t                           rotation;
    ngx_uint_t                       own, capacity;
    ngx_ssl_session_sync_cluster_t  *old;

    rotation = cluster->key_rotation;
    own = (cluster->retention + (rotation + 1) / 2) / rotation + 3;

    if (2 * own > NGX_SSL_SESSION_SYNC_RING_MAX) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "ssl_session_sync: cluster \"%V\" would have to keep "
                      "%ui keys, more than fit into one record of "
                      "memcached: \"key_rotation\" of %T seconds is too "
                      "short for an \"ssl_session_timeout\" of %T seconds "
                      "in %s:%ui; lengthen the one or shorten the other",
                      &cluster->name, 2 * own, rotation, cluster->retention,
                      cluster->file, cluster->line);
        return NGX_ERROR;
    }

    capacity = ngx_align(8 * own, NGX_SSL_SESSION_SYNC_RING_STEP);
    capacity = ngx_max(capacity, NGX_SSL_SESSION_SYNC_RING_MIN);
    capacity = ngx_min(capacity, NGX_SSL_SESSION_SYNC_RING_MAX);

    /*
     * A zone never shrinks at a reload: keys that were made for a longer
     * timeout still have to be kept for so long.
     */

    old = ngx_ssl_session_sync_zone_before(cluster);

    if (old && ngx_ssl_session_sync_zone_related(cluster, old)) {
        capacity = ngx_max(capacity, old->sh->board.capacity);
    }

    cluster->capacity = capacity;
    cluster->zone->shm.size = ngx_ssl_session_sync_zone_bytes(capacity);

    return NGX_OK;
}


/*
 * The size of a zone in bytes, with what nginx's slab allocator needs for
 * itself, rounded up to whole pages.
 */

static size_t
ngx_ssl_session_sync_zone_bytes(ngx_uint_t capacity)
{
    size_t  size;

    size = offsetof(ngx_ssl_session_sync_shm_t, board)
           + sss_board_size(capacity);

    return ngx_align(size + size / 64 + 4 * ngx_pagesize, ngx_pagesize);
}


ngx_ssl_session_sync_counters_t *
ngx_ssl_session_sync_counters(ngx_ssl_session_sync_cluster_t *cluster)
{
    return &cluster->sh->counters[ngx_worker % NGX_SSL_SESSION_SYNC_COUNTERS];
}


ngx_ssl_session_sync_seat_t *
ngx_ssl_session_sync_sit_down(ngx_ssl_session_sync_cluster_t *cluster)
{
    ngx_uint_t                    i;
    ngx_atomic_uint_t             pid;
    ngx_ssl_session_sync_seat_t  *seat;

    for (i = 0; i < NGX_SSL_SESSION_SYNC_SEATS; i++) {

        seat = &cluster->sh->seats[i];
        pid = seat->pid;

        if (pid && pid != (ngx_atomic_uint_t) ngx_pid
            && (kill((ngx_pid_t) pid, 0) == 0 || ngx_errno != NGX_ESRCH))
        {
            continue;
        }

        if (ngx_atomic_cmp_set(&seat->pid, pid, ngx_pid)) {
            seat->waiting = 0;
            seat->open = 0;
            return seat;
        }
    }

    return NULL;
}


uint64_t
ngx_ssl_session_sync_now(void)
{
    ngx_time_t  *tp;

    tp = ngx_timeofday();

    return (uint64_t) tp->sec * 1000 + tp->msec;
}


const sss_key_t *
ngx_ssl_session_sync_key(ngx_ssl_session_sync_cluster_t *cluster,
    const sss_ring_t *ring, uint64_t now)
{
    uint64_t  settle;

    settle = 0;

    if (!cluster->sh->used) {
        cluster->sh->used = 1;
    }

    if (cluster->servers.nelts) {
        settle = ngx_min(6 * (uint64_t) cluster->poll_interval,
                         (uint64_t) cluster->key_rotation * 500);
    }

    return sss_ring_settled(ring, (uint32_t) cluster->key_rotation, now,
                            settle);
}


sss_ring_t *
ngx_ssl_session_sync_view(ngx_ssl_session_sync_cluster_t *cluster)
{
    uint64_t     version;
    sss_ring_t  *ring;

    if (sss_board_version(&cluster->sh->board) == cluster->version) {
        return cluster->view;
    }

    version = sss_board_read(&cluster->sh->board, cluster->spare);

    if (version != 0) {
        ring = cluster->view;
        cluster->view = cluster->spare;
        cluster->spare = ring;
        cluster->version = version;

        sss_ring_wipe(ring);
    }

    return cluster->view;
}


ngx_int_t
ngx_ssl_session_sync_zone_update(ngx_ssl_session_sync_cluster_t *cluster,
    const sss_ring_t *ring, ngx_uint_t replace, ngx_uint_t next,
    ngx_log_t *log)
{
    ngx_int_t  rc;

    ngx_shmtx_lock(&cluster->shpool->mutex);

    rc = ngx_ssl_session_sync_zone_change(cluster, ring, replace, next, log);

    ngx_shmtx_unlock(&cluster->shpool->mutex);

    return rc;
}


ngx_int_t
ngx_ssl_session_sync_zone_change(ngx_ssl_session_sync_cluster_t *cluster,
    const sss_ring_t *ring, ngx_uint_t replace, ngx_uint_t next,
    ngx_log_t *log)
{
    ngx_int_t    rc;
    ngx_uint_t   changed;
    sss_ring_t  *scratch;

    scratch = cluster->scratch;
    changed = 0;

    if (sss_board_read(&cluster->sh->board, scratch) == 0) {
        /* cannot happen, since this process holds the writers' lock */
        sss_ring_wipe(scratch);
    }

    if (replace) {
        sss_ring_wipe(scratch);
        changed = 1;
    }

    if (ring) {
        changed += sss_ring_learn(scratch, ring, ngx_ssl_session_sync_now());
    }

    changed += sss_ring_expire(scratch, ngx_ssl_session_sync_now());
    changed += ngx_ssl_session_sync_make_keys(cluster, scratch, next, log);

    if (changed) {
        sss_board_write(&cluster->sh->board, scratch);
    }

    rc = scratch->n ? NGX_OK : NGX_ERROR;

    sss_ring_wipe(scratch);

    return rc;
}


static ngx_uint_t
ngx_ssl_session_sync_make_keys(ngx_ssl_session_sync_cluster_t *cluster,
    sss_ring_t *ring, ngx_uint_t next, ngx_log_t *log)
{
    uint64_t    now, slot, last;
    uint32_t    rotation;
    sss_key_t  *key;
    ngx_uint_t  made;

    made = 0;
    rotation = (uint32_t) cluster->key_rotation;
    now = ngx_ssl_session_sync_now();
    slot = sss_slot(rotation, now);
    last = slot;

    if (next && now - slot * rotation * 1000 >= (uint64_t) rotation * 500) {
        last++;
    }

    for ( /* void */ ; slot <= last; slot++) {

        if (sss_ring_slot(ring, rotation, slot)) {
            continue;
        }

        key = sss_memory_alloc(sizeof(sss_key_t));
        if (key == NULL) {
            return made;
        }

        if (sss_key_generate(key, rotation, slot, now,
                             (uint32_t) cluster->retention)
            == 0)
        {
            key->learned = now;
            made += sss_ring_add(ring, key);

        } else {
            ngx_log_error(NGX_LOG_ALERT, log, 0,
                          "ssl_session_sync: no random bytes for a key of "
                          "cluster \"%V\"", &cluster->name);
        }

        sss_memory_free(key, sizeof(sss_key_t));
    }

    return made;
}


static ngx_int_t
ngx_ssl_session_sync_zone_init(ngx_shm_zone_t *zone, void *data)
{
    ngx_ssl_session_sync_cluster_t  *old = data;
    ngx_ssl_session_sync_cluster_t  *cluster = zone->data;

    cluster->shpool = (ngx_slab_pool_t *) zone->shm.addr;

    if (old || zone->shm.exists) {
        cluster->sh = old ? old->sh : cluster->shpool->data;
        cluster->cycle = ++cluster->sh->cycles;
        ngx_ssl_session_sync_zone_servers(cluster);
        return ngx_ssl_session_sync_zone_first(cluster, zone->shm.log);
    }

    if (sss_memory_hide(zone->shm.addr, zone->shm.size) != 0) {
        ngx_log_error(NGX_LOG_WARN, zone->shm.log, ngx_errno,
                      "ssl_session_sync: the keys of cluster \"%V\" cannot "
                      "be kept out of core dumps on this system",
                      &cluster->name);
    }

    if (ngx_ssl_session_sync_zone_create(cluster, zone) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_ssl_session_sync_zone_inherit(cluster, zone);
    ngx_ssl_session_sync_zone_servers(cluster);

    return ngx_ssl_session_sync_zone_first(cluster, zone->shm.log);
}


static void
ngx_ssl_session_sync_zone_servers(ngx_ssl_session_sync_cluster_t *cluster)
{
    uint32_t                        hash;
    ngx_uint_t                      i;
    ngx_ssl_session_sync_server_t  *server;

    /*
     * Reports refer to servers by number, so they are of no use after the list
     * of servers has changed.
     */

    ngx_crc32_init(hash);

    server = cluster->servers.elts;

    for (i = 0; i < cluster->servers.nelts; i++) {
        ngx_crc32_update(&hash, server[i].text.data, server[i].text.len + 1);
    }

    ngx_crc32_final(hash);

    if (cluster->sh->servers != hash) {
        cluster->sh->servers = hash;
        cluster->sh->synced = 0;
        ngx_memzero(&cluster->sh->report, sizeof(sss_sync_report_t));
    }
}


static ngx_int_t
ngx_ssl_session_sync_zone_create(ngx_ssl_session_sync_cluster_t *cluster,
    ngx_shm_zone_t *zone)
{
    size_t  size;

    size = offsetof(ngx_ssl_session_sync_shm_t, board)
           + sss_board_size(cluster->capacity);

    cluster->sh = ngx_slab_alloc(cluster->shpool, size);

    if (cluster->sh == NULL) {
        /* cannot happen, since the size was computed for this */
        return NGX_ERROR;
    }

    ngx_memzero(cluster->sh, offsetof(ngx_ssl_session_sync_shm_t, board));
    sss_board_init(&cluster->sh->board, cluster->capacity);
    sss_group_init(&cluster->sh->group, (uint32_t) cluster->generation);

    if (RAND_bytes(cluster->sh->host, sizeof(cluster->sh->host)) != 1) {
        ngx_ssl_error(NGX_LOG_EMERG, zone->shm.log, 0,
                      "ssl_session_sync: RAND_bytes() failed");
        return NGX_ERROR;
    }

    cluster->shpool->data = cluster->sh;

    return NGX_OK;
}


/*
 * Copies the keys of the previous configuration's zone.  If the size has
 * changed, nginx allocates a new zone, and a cluster without memcached would
 * lose its keys.
 */

static void
ngx_ssl_session_sync_zone_inherit(ngx_ssl_session_sync_cluster_t *cluster,
    ngx_shm_zone_t *zone)
{
    sss_ring_t                      *from, *to;
    ngx_ssl_session_sync_cluster_t  *old;

    old = ngx_ssl_session_sync_zone_before(cluster);

    if (old == NULL || !ngx_ssl_session_sync_zone_related(cluster, old)) {
        return;
    }

    from = sss_ring_create(old->sh->board.capacity);
    to = sss_ring_create(cluster->sh->board.capacity);

    if (from && to && sss_board_read(&old->sh->board, from) != 0) {
        sss_ring_copy(to, from);
        sss_board_write(&cluster->sh->board, to);
        ngx_memcpy(cluster->sh->counters, old->sh->counters,
                   sizeof(cluster->sh->counters));
    }

    ngx_shmtx_lock(&old->shpool->mutex);

    cluster->sh->group = old->sh->group;
    cluster->sh->used = old->sh->used;

    ngx_shmtx_unlock(&old->shpool->mutex);

    sss_ring_destroy(from);
    sss_ring_destroy(to);
}


/*
 * Called in the master, before there are workers: removes keys of lower
 * generations, and makes the first key of a cluster without memcached.
 */

static ngx_int_t
ngx_ssl_session_sync_zone_first(ngx_ssl_session_sync_cluster_t *cluster,
    ngx_log_t *log)
{
    ngx_int_t  rc;

    cluster->scratch = sss_ring_create(cluster->sh->board.capacity);
    if (cluster->scratch == NULL) {
        return NGX_ERROR;
    }

    rc = NGX_OK;

    ngx_ssl_session_sync_group_raise(cluster, log);

    if (cluster->servers.nelts == 0) {
        rc = ngx_ssl_session_sync_zone_update(cluster, NULL, 0, 0, log);
    }

    sss_ring_destroy(cluster->scratch);
    cluster->scratch = NULL;

    return rc;
}
