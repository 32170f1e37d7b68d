
/*
 * The group of this host, and the generation of its keys.  Both are kept in
 * the zone, so that they outlive a worker and a reload, and nowhere else.
 */


#include "ngx_ssl_session_sync.h"


/* bytes of a group's id that logs show, as many as of a key's name */
#define NGX_SSL_SESSION_SYNC_GROUP_SHOWN  4

/* a host that has waited for more polls than that to be let in logs it */
#define NGX_SSL_SESSION_SYNC_GROUP_WAIT   6


uint32_t
ngx_ssl_session_sync_generation(ngx_ssl_session_sync_cluster_t *cluster)
{
    return *(volatile uint32_t *) &cluster->sh->group.label.generation;
}


void
ngx_ssl_session_sync_group_raise(ngx_ssl_session_sync_cluster_t *cluster,
    ngx_log_t *log)
{
    uint32_t      before;
    sss_group_t  *group;

    group = &cluster->sh->group;

    ngx_shmtx_lock(&cluster->shpool->mutex);

    before = group->label.generation;

    if (before < (uint32_t) cluster->generation) {

        sss_group_init(group, (uint32_t) cluster->generation);
        cluster->sh->turns++;

        (void) ngx_ssl_session_sync_zone_change(cluster, NULL, 1, 0, log);
    }

    ngx_shmtx_unlock(&cluster->shpool->mutex);

    if (before < (uint32_t) cluster->generation) {
        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "ssl_session_sync: generation %i of cluster \"%V\" "
                      "begins: all keys and sessions of generation %uD are "
                      "dropped",
                      cluster->generation, &cluster->name, before);
    }
}


void
ngx_ssl_session_sync_group_begin(ngx_ssl_session_sync_cluster_t *cluster)
{
    ngx_shmtx_lock(&cluster->shpool->mutex);

    *cluster->group = cluster->sh->group;
    cluster->turn = cluster->sh->turns;

    ngx_shmtx_unlock(&cluster->shpool->mutex);
}


ngx_int_t
ngx_ssl_session_sync_group_end(ngx_ssl_session_sync_cluster_t *cluster,
    sss_ring_t *ring, sss_sync_report_t *report, ngx_log_t *log)
{
    uint32_t      now, then;
    ngx_int_t     rc;
    ngx_uint_t    replace;
    sss_group_t  *group;

    rc = NGX_OK;
    group = &cluster->sh->group;

    ngx_shmtx_lock(&cluster->shpool->mutex);

    then = cluster->group->label.generation;
    now = group->label.generation;

    /*
     * If the zone has a higher generation, a reload has raised it during the
     * poll, whose result is dropped.
     */

    if (then >= now) {

        replace = (then > now
                   || (report->replaced && !cluster->sh->used));

        if (then > now || cluster->sh->turns == cluster->turn) {
            *group = *cluster->group;
            cluster->sh->turns++;
        }

        rc = ngx_ssl_session_sync_zone_change(cluster, ring, replace, 0, log);
    }

    ngx_shmtx_unlock(&cluster->shpool->mutex);

    sss_memory_wipe(cluster->group, sizeof(sss_group_t));

    return rc;
}


void
ngx_ssl_session_sync_group_log(ngx_ssl_session_sync_cluster_t *cluster,
    sss_sync_report_t *report, ngx_log_t *log)
{
    u_char                  id[2 * NGX_SSL_SESSION_SYNC_GROUP_SHOWN];
    sss_admission_counts_t *joins, *seen;

    joins = &report->joins;
    seen = &cluster->seen.joins;

    (void) ngx_hex_dump(id, cluster->sh->group.label.id,
                        NGX_SSL_SESSION_SYNC_GROUP_SHOWN);

    if (report->raised) {
        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "ssl_session_sync: generation %uD of cluster \"%V\" is "
                      "in force on another host: all keys and sessions of "
                      "lower ones are dropped",
                      ngx_ssl_session_sync_generation(cluster),
                      &cluster->name);
    }

    if (joins->given_up != seen->given_up) {
        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "ssl_session_sync: no host answers for a group of "
                      "cluster \"%V\" that memcached has records of: it is "
                      "given up, with the keys that only its hosts had",
                      &cluster->name);
    }

    if (joins->founded != seen->founded) {
        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "ssl_session_sync: this host has founded group %*s of "
                      "cluster \"%V\"",
                      sizeof(id), id, &cluster->name);
    }

    if (joins->made != seen->made) {
        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "ssl_session_sync: this host is in group %*s of cluster "
                      "\"%V\"",
                      sizeof(id), id, &cluster->name);
    }
}


void
ngx_ssl_session_sync_group_complain(ngx_ssl_session_sync_cluster_t *cluster,
    sss_sync_report_t *report, ngx_log_t *log)
{
    uint64_t  now;

    now = ngx_ssl_session_sync_now();

    if (report->mixed
        && ngx_ssl_session_sync_complaint(cluster,
                                          NGX_SSL_SESSION_SYNC_MIXED))
    {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "ssl_session_sync: other hosts of cluster \"%V\" have "
                      "\"forward_secrecy %s\", and share no keys with this "
                      "one; give all hosts the same",
                      &cluster->name, cluster->forward_secrecy ? "off" : "on");
    }

    if (report->waits && now > report->waits_ms
        && now - report->waits_ms > NGX_SSL_SESSION_SYNC_GROUP_WAIT
                                    * (uint64_t) cluster->poll_interval
                                    + 5000
        && ngx_ssl_session_sync_complaint(cluster,
                                          NGX_SSL_SESSION_SYNC_WAITS))
    {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "ssl_session_sync: this host has been waiting for %uL "
                      "seconds to be let into the group of cluster \"%V\"; "
                      "until then other hosts do not resume its sessions: "
                      "see that they reach the same memcached servers",
                      (now - report->waits_ms) / 1000, &cluster->name);
    }
}
