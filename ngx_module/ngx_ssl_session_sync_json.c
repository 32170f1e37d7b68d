
/* The status as JSON. */


#include "ngx_ssl_session_sync_snapshot.h"


static void ngx_ssl_session_sync_json_cluster(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s);
static void ngx_ssl_session_sync_json_group(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s, ngx_ssl_session_sync_group_t *group);
static void ngx_ssl_session_sync_json_membership(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s);
static void ngx_ssl_session_sync_json_latency(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s);
static void ngx_ssl_session_sync_json_keys(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s);
static void ngx_ssl_session_sync_json_server(ngx_buf_t *b,
    ngx_ssl_session_sync_known_t *server);
static void ngx_ssl_session_sync_json_reads(ngx_buf_t *b,
    sss_server_report_t *report);
static void ngx_ssl_session_sync_json_string(ngx_buf_t *b, const char *name,
    const u_char *data, size_t len);


ngx_buf_t *
ngx_ssl_session_sync_status_json(ngx_pool_t *pool)
{
    uint64_t                          now;
    ngx_buf_t                        *b;
    ngx_uint_t                        i;
    ngx_array_t                      *snapshots;
    const char                       *openssl;
    ngx_ssl_session_sync_snapshot_t  *s;

    snapshots = ngx_ssl_session_sync_snapshots(pool);
    if (snapshots == NULL) {
        return NULL;
    }

    b = ngx_ssl_session_sync_snapshot_buf(pool, snapshots);
    if (b == NULL) {
        return NULL;
    }

    now = ngx_ssl_session_sync_now();
    openssl = OpenSSL_version(OPENSSL_VERSION);

    b->last = ngx_slprintf(b->last, b->end,
                           "{\"version\":\"%s\",\"nginx\":\"%s\",",
                           NGX_SSL_SESSION_SYNC_VERSION, NGINX_VERSION);

    ngx_ssl_session_sync_json_string(b, "openssl", (u_char *) openssl,
                                     ngx_strlen(openssl));

    b->last = ngx_slprintf(b->last, b->end, ",\"time\":%uL.%03uL,",
                           now / 1000, now % 1000);

    ngx_ssl_session_sync_json_string(b, "host", ngx_cycle->hostname.data,
                                     ngx_cycle->hostname.len);

    b->last = ngx_slprintf(b->last, b->end, ",\"pid\":%P,\"clusters\":[",
                           ngx_pid);

    s = snapshots->elts;

    for (i = 0; i < snapshots->nelts; i++) {
        if (i) {
            b->last = ngx_slprintf(b->last, b->end, ",");
        }

        ngx_ssl_session_sync_json_cluster(b, &s[i]);
    }

    b->last = ngx_slprintf(b->last, b->end, "]}\n");

    return b;
}


static void
ngx_ssl_session_sync_json_cluster(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s)
{
    ngx_uint_t                       i;
    ngx_ssl_session_sync_group_t    *group;
    ngx_ssl_session_sync_cluster_t  *cluster;

    cluster = s->cluster;

    b->last = ngx_slprintf(b->last, b->end, "{");

    ngx_ssl_session_sync_json_string(b, "name", cluster->name.data,
                                     cluster->name.len);
    b->last = ngx_slprintf(b->last, b->end, ",");
    ngx_ssl_session_sync_json_string(b, "namespace", cluster->ns.data,
                                     cluster->ns.len);

    b->last = ngx_slprintf(b->last, b->end,
                           ",\"state\":\"%s\",\"key_rotation\":%T,"
                           "\"poll_interval_ms\":%M,\"retention\":%T,"
                           "\"attached\":%ui,\"speaker\":%uA,"
                           "\"ring_version\":%uL,\"ring_capacity\":%uD,"
                           "\"foreign_secret\":%s,\"clock_warning\":%s",
                           s->state, cluster->key_rotation,
                           cluster->poll_interval, cluster->retention,
                           cluster->attached, cluster->sh->speaker,
                           cluster->version, cluster->sh->board.capacity,
                           s->report.foreign ? "true" : "false",
                           s->clock_warning ? "true" : "false");

    ngx_ssl_session_sync_json_membership(b, s);

    for (group = ngx_ssl_session_sync_groups; group->name; group++) {
        ngx_ssl_session_sync_json_group(b, s, group);
    }

    ngx_ssl_session_sync_json_keys(b, s);

    b->last = ngx_slprintf(b->last, b->end, ",\"servers\":[");

    for (i = 0; i < s->n_servers; i++) {

        if (i) {
            b->last = ngx_slprintf(b->last, b->end, ",");
        }

        ngx_ssl_session_sync_json_server(b, &s->servers[i]);
    }

    b->last = ngx_slprintf(b->last, b->end, "]}");
}


static void
ngx_ssl_session_sync_json_membership(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s)
{
    u_char                  *id;
    sss_admission_counts_t  *joins;

    id = s->label.id;
    joins = &s->report.joins;

    b->last = ngx_slprintf(b->last, b->end,
                           ",\"generation\":{\"configured\":%i,"
                           "\"in_force\":%uD},"
                           "\"group\":{\"forward_secrecy\":%s,"
                           "\"mixed\":%s,\"member\":%s,",
                           s->cluster->generation, s->label.generation,
                           s->cluster->forward_secrecy ? "true" : "false",
                           s->report.mixed ? "true" : "false",
                           s->member ? "true" : "false");

    if (s->member) {
        b->last = ngx_slprintf(b->last, b->end,
                               "\"id\":\"%02xd%02xd%02xd%02xd\","
                               "\"founded\":%uL.%03uL,\"epoch\":%uD,"
                               "\"epoch_since\":%uL.%03uL,",
                               id[0], id[1], id[2], id[3],
                               s->label.created / 1000,
                               s->label.created % 1000, s->label.epoch,
                               s->epoch_since / 1000, s->epoch_since % 1000);
    }

    b->last = ngx_slprintf(b->last, b->end,
                           "\"waits_seconds\":%uL.%03uL,"
                           "\"joins\":{\"made\":%uL,\"answered\":%uL,"
                           "\"refused\":%uL,\"given_up\":%uL,"
                           "\"founded\":%uL}}",
                           s->waits_ms / 1000, s->waits_ms % 1000,
                           joins->made, joins->answered, joins->refused,
                           joins->given_up, joins->founded);
}


static void
ngx_ssl_session_sync_json_group(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s, ngx_ssl_session_sync_group_t *group)
{
    ngx_ssl_session_sync_counter_t  *counter;

    b->last = ngx_slprintf(b->last, b->end, ",\"%s\":{", group->name);

    for (counter = group->counters; counter->name; counter++) {
        b->last = ngx_slprintf(b->last, b->end, "%s\"%s\":%uA",
                               counter == group->counters ? "" : ",",
                               counter->name,
                               ngx_ssl_session_sync_counted(s, counter));
    }

    if (group->latency) {
        ngx_ssl_session_sync_json_latency(b, s);
    }

    b->last = ngx_slprintf(b->last, b->end, "}");
}


static void
ngx_ssl_session_sync_json_latency(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s)
{
    ngx_uint_t  i;

    b->last = ngx_slprintf(b->last, b->end, ",\"latency_us\":[");

    for (i = 0; i < SSS_ENGINE_BUCKETS; i++) {
        b->last = ngx_slprintf(b->last, b->end, "%s%uA", i ? "," : "",
                               s->counters.latency[i]);
    }

    b->last = ngx_slprintf(b->last, b->end, "],\"latency_sum_us\":%uA",
                           s->counters.latency_us);
}


static void
ngx_ssl_session_sync_json_keys(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s)
{
    uint32_t          i;
    const sss_key_t  *key;

    b->last = ngx_slprintf(b->last, b->end, ",\"keys\":[");

    for (i = 0; i < s->ring->n; i++) {
        key = &s->ring->keys[i];

        b->last = ngx_slprintf(b->last, b->end,
                               "%s{\"name\":\"%02xd%02xd%02xd%02xd\","
                               "\"role\":\"%s\",\"slot\":%uL,"
                               "\"rotation\":%uD,\"created\":%uL.%03uL,"
                               "\"starts\":%uL,\"ends\":%uL,"
                               "\"expires\":%uL}",
                               i ? "," : "",
                               key->name[0], key->name[1], key->name[2],
                               key->name[3],
                               ngx_ssl_session_sync_key_role(s, key),
                               key->slot, key->rotation,
                               key->created / 1000, key->created % 1000,
                               key->slot * key->rotation,
                               (key->slot + 1) * key->rotation,
                               key->expires);
    }

    b->last = ngx_slprintf(b->last, b->end, "]");
}


static void
ngx_ssl_session_sync_json_server(ngx_buf_t *b,
    ngx_ssl_session_sync_known_t *server)
{
    const char                    *trouble;
    sss_server_report_t           *report;
    ngx_ssl_session_sync_tally_t  *tally;

    report = server->report;

    b->last = ngx_slprintf(b->last, b->end, "{");

    ngx_ssl_session_sync_json_string(b, "address", server->address.data,
                                     server->address.len);

    b->last = ngx_slprintf(b->last, b->end, ",");

    ngx_ssl_session_sync_json_string(b, "memcached", server->line.data,
                                     server->line.len);

    b->last = ngx_slprintf(b->last, b->end,
                           ",\"weight\":%ui,\"state\":\"%s\","
                           "\"last_success\":%uL.%03uL,",
                           server->weight,
                           ngx_ssl_session_sync_server_state(report),
                           report->success_ms / 1000,
                           report->success_ms % 1000);

    for (tally = ngx_ssl_session_sync_tallies; tally->name; tally++) {
        b->last = ngx_slprintf(b->last, b->end, "\"%s\":%uL,", tally->name,
                               ngx_ssl_session_sync_tallied(report, tally));
    }

    b->last = ngx_slprintf(b->last, b->end,
                           "\"latency_us\":%uD,", report->latency_us);

    ngx_ssl_session_sync_json_reads(b, report);

    b->last = ngx_slprintf(b->last, b->end, "\"clock_diff\":");

    if (report->clock_known) {
        b->last = ngx_slprintf(b->last, b->end, "%L", report->clock_diff);

    } else {
        b->last = ngx_slprintf(b->last, b->end, "null");
    }

    b->last = ngx_slprintf(b->last, b->end, ",\"whole\":%s,\"keys\":%uD,",
                           report->whole ? "true" : "false", report->keys);

    ngx_ssl_session_sync_json_string(b, "error", (u_char *) report->error,
                                     ngx_strlen(report->error));

    b->last = ngx_slprintf(b->last, b->end, ",");

    trouble = sss_server_trouble(report);

    ngx_ssl_session_sync_json_string(b, "trouble", (u_char *) trouble,
                                     ngx_strlen(trouble));

    b->last = ngx_slprintf(b->last, b->end, "}");
}


static void
ngx_ssl_session_sync_json_reads(ngx_buf_t *b, sss_server_report_t *report)
{
    ngx_uint_t  i;

    b->last = ngx_slprintf(b->last, b->end, "\"reads_us\":[");

    for (i = 0; i < SSS_LATENCY_BUCKETS; i++) {
        b->last = ngx_slprintf(b->last, b->end, "%s%uL", i ? "," : "",
                               report->reads[i]);
    }

    b->last = ngx_slprintf(b->last, b->end, "],");
}


static void
ngx_ssl_session_sync_json_string(ngx_buf_t *b, const char *name,
    const u_char *data, size_t len)
{
    size_t  escaped;

    b->last = ngx_slprintf(b->last, b->end, "\"%s\":\"", name);

    escaped = ngx_escape_json(NULL, (u_char *) data, len);

    if (len + escaped < (size_t) (b->end - b->last)) {
        b->last = (u_char *) ngx_escape_json(b->last, (u_char *) data, len);
    }

    b->last = ngx_slprintf(b->last, b->end, "\"");
}
