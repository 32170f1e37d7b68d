
#include "ngx_ssl_session_sync_snapshot.h"


static void ngx_ssl_session_sync_snapshot(
    ngx_ssl_session_sync_snapshot_t *s);
static void ngx_ssl_session_sync_known(
    ngx_ssl_session_sync_snapshot_t *s);
static void ngx_ssl_session_sync_sum(ngx_ssl_session_sync_snapshot_t *s);
static void ngx_ssl_session_sync_sum_seats(
    ngx_ssl_session_sync_snapshot_t *s);
static const char *ngx_ssl_session_sync_state(
    ngx_ssl_session_sync_snapshot_t *s);


ngx_array_t *
ngx_ssl_session_sync_snapshots(ngx_pool_t *pool)
{
    ngx_uint_t                        i;
    ngx_array_t                      *snapshots;
    ngx_ssl_session_sync_conf_t      *conf;
    ngx_ssl_session_sync_cluster_t  **cluster;
    ngx_ssl_session_sync_snapshot_t  *s;

    conf = ngx_ssl_session_sync_get_conf((ngx_cycle_t *) ngx_cycle);
    cluster = conf->clusters.elts;

    snapshots = ngx_array_create(pool, conf->clusters.nelts + 1,
                                 sizeof(ngx_ssl_session_sync_snapshot_t));
    if (snapshots == NULL) {
        return NULL;
    }

    for (i = 0; i < conf->clusters.nelts; i++) {

        s = ngx_array_push(snapshots);
        if (s == NULL) {
            return NULL;
        }

        ngx_memzero(s, sizeof(ngx_ssl_session_sync_snapshot_t));
        s->cluster = cluster[i];

        ngx_ssl_session_sync_snapshot(s);
    }

    return snapshots;
}


ngx_buf_t *
ngx_ssl_session_sync_snapshot_buf(ngx_pool_t *pool, ngx_array_t *snapshots)
{
    size_t                            size;
    ngx_uint_t                        i;
    ngx_ssl_session_sync_snapshot_t  *s;

    s = snapshots->elts;
    size = 16384;

    /* a byte of a cluster's name may be escaped to six bytes */

    for (i = 0; i < snapshots->nelts; i++) {
        size += 8192 + 64 * 6 * s[i].cluster->name.len
                + s[i].ring->n * (512 + 4 * 6 * s[i].cluster->name.len)
                + s[i].n_servers * (8192 + 16 * 6 * (SSS_ADDRESS_TEXT
                                                + s[i].cluster->name.len));
    }

    return ngx_create_temp_buf(pool, size);
}


const char *
ngx_ssl_session_sync_key_role(ngx_ssl_session_sync_snapshot_t *s,
    const sss_key_t *key)
{
    uint64_t  slot;
    uint32_t  rotation;

    rotation = (uint32_t) s->cluster->key_rotation;
    slot = sss_slot(rotation, s->now);

    if (key == ngx_ssl_session_sync_key(s->cluster, s->ring, s->now)) {
        return "current";
    }

    if (key == sss_ring_slot(s->ring, rotation, slot + 1)) {
        return "next";
    }

    if (slot && key == sss_ring_slot(s->ring, rotation, slot - 1)) {
        return "previous";
    }

    return "other";
}


const char *
ngx_ssl_session_sync_server_state(sss_server_report_t *report)
{
    switch (report->state) {

    case SSS_SERVER_UP:
        return "up";

    case SSS_SERVER_DOWN:
        return "down";

    case SSS_SERVER_REFUSES:
        return "refuses";

    default:
        return "unknown";
    }
}


static void
ngx_ssl_session_sync_snapshot(ngx_ssl_session_sync_snapshot_t *s)
{
    int64_t                          diff;
    ngx_uint_t                       i;
    sss_server_report_t             *server;
    ngx_ssl_session_sync_cluster_t  *cluster;

    cluster = s->cluster;

    s->now = ngx_ssl_session_sync_now();
    s->ring = ngx_ssl_session_sync_view(cluster);

    ngx_shmtx_lock(&cluster->shpool->mutex);
    s->report = cluster->sh->report;
    s->label = cluster->sh->group.label;
    s->member = sss_group_secret(&cluster->sh->group);
    s->epoch_since = cluster->sh->group.since_ms;
    ngx_shmtx_unlock(&cluster->shpool->mutex);

    if (s->report.waits && s->now > s->report.waits_ms) {
        s->waits_ms = s->now - s->report.waits_ms;
    }

    for (i = 0; i < SSS_SERVERS_MAX; i++) {

        server = &s->report.server[i];
        diff = server->clock_diff < 0 ? -server->clock_diff
                                      : server->clock_diff;

        if (server->clock_known && diff * 2 > cluster->key_rotation) {
            s->clock_warning = 1;
        }
    }

    ngx_ssl_session_sync_known(s);

    s->state = ngx_ssl_session_sync_state(s);

    ngx_ssl_session_sync_sum(s);
    ngx_ssl_session_sync_sum_seats(s);
}


/*
 * Lists the servers of the last poll, in the order of their directives; before
 * the first poll, the directives.
 */

static void
ngx_ssl_session_sync_known(ngx_ssl_session_sync_snapshot_t *s)
{
    ngx_uint_t                      i, line, polled;
    sss_server_report_t            *report;
    ngx_ssl_session_sync_known_t   *known;
    ngx_ssl_session_sync_server_t  *server;

    static sss_server_report_t  none;

    server = s->cluster->servers.elts;
    polled = (s->report.polls != 0);

    for (line = 0; line < s->cluster->servers.nelts; line++) {

        for (i = 0; i < (polled ? SSS_SERVERS_MAX : 1); i++) {

            report = polled ? &s->report.server[i] : &none;

            if (polled && (report->id == 0 || report->line != line)) {
                continue;
            }

            known = &s->servers[s->n_servers++];

            known->line = server[line].text;
            known->address = server[line].text;
            known->weight = server[line].weight;
            known->report = report;

            if (report->address[0]) {
                known->address.data = (u_char *) report->address;
                known->address.len = ngx_strlen(report->address);
            }
        }
    }
}


static void
ngx_ssl_session_sync_sum(ngx_ssl_session_sync_snapshot_t *s)
{
    ngx_uint_t                        i, j;
    ngx_atomic_t                     *from, *to;
    ngx_ssl_session_sync_counters_t  *worker, *sum;

    sum = &s->counters;

    for (i = 0; i < NGX_SSL_SESSION_SYNC_COUNTERS; i++) {

        worker = &s->cluster->sh->counters[i];

        from = (ngx_atomic_t *) worker;
        to = (ngx_atomic_t *) sum;

        for (j = 0; j < sizeof(*sum) / sizeof(ngx_atomic_t); j++) {
            to[j] += from[j];
        }
    }
}


static void
ngx_ssl_session_sync_sum_seats(ngx_ssl_session_sync_snapshot_t *s)
{
    ngx_uint_t                    i, waiting, open;
    ngx_atomic_uint_t             pid;
    ngx_ssl_session_sync_seat_t  *seat;

    for (i = 0; i < NGX_SSL_SESSION_SYNC_SEATS; i++) {

        seat = &s->cluster->sh->seats[i];

        pid = seat->pid;
        waiting = seat->waiting;
        open = seat->open;

        if (pid == 0 || (waiting == 0 && open == 0)) {
            continue;
        }

        /* the numbers of a worker that was killed are still there */

        if (kill((ngx_pid_t) pid, 0) == -1 && ngx_errno == NGX_ESRCH) {
            continue;
        }

        s->waiting += waiting;
        s->open += open;
    }
}


static const char *
ngx_ssl_session_sync_state(ngx_ssl_session_sync_snapshot_t *s)
{
    ngx_uint_t  i, up;

    if (s->cluster->servers.nelts == 0) {
        return "local";
    }

    if (s->report.polls == 0) {
        return "starting";
    }

    /* servers that refuse to store keys do not count */

    up = 0;

    for (i = 0; i < s->n_servers; i++) {
        up += (s->servers[i].report->state == SSS_SERVER_UP);
    }

    if (s->report.reached == 0 || up == 0) {
        return "cut off";
    }

    if (s->report.foreign && !s->report.company) {
        return "alone";
    }

    if (s->cluster->forward_secrecy && !s->member) {
        return "joining";
    }

    return "ok";
}
