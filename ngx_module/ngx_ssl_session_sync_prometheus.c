
/* The status in Prometheus' text format: all samples of a metric together. */


#include "ngx_ssl_session_sync_snapshot.h"


typedef enum {
    NGX_SSL_SESSION_SYNC_UP = 0,
    NGX_SSL_SESSION_SYNC_WHOLE,
    NGX_SSL_SESSION_SYNC_SUCCESS,
    NGX_SSL_SESSION_SYNC_LATENCY,
    NGX_SSL_SESSION_SYNC_CLOCK
} ngx_ssl_session_sync_gauge_e;


typedef struct {
    const char                    *name;
    const char                    *help;
    ngx_ssl_session_sync_gauge_e   kind;
} ngx_ssl_session_sync_gauge_t;


static void ngx_ssl_session_sync_metric(ngx_buf_t *b, const char *name,
    const char *type, const char *help);
static void ngx_ssl_session_sync_labels(ngx_buf_t *b, const char *name,
    ngx_ssl_session_sync_snapshot_t *s);
static void ngx_ssl_session_sync_label_value(ngx_buf_t *b,
    const ngx_str_t *value);
static void ngx_ssl_session_sync_state_metrics(ngx_buf_t *b,
    ngx_array_t *snapshots);
static void ngx_ssl_session_sync_membership_metrics(ngx_buf_t *b,
    ngx_array_t *snapshots);
static void ngx_ssl_session_sync_join_metrics(ngx_buf_t *b,
    ngx_array_t *snapshots);
static void ngx_ssl_session_sync_group_metrics(ngx_buf_t *b,
    ngx_array_t *snapshots, ngx_ssl_session_sync_group_t *group);
static void ngx_ssl_session_sync_event_metrics(ngx_buf_t *b,
    ngx_array_t *snapshots, ngx_ssl_session_sync_group_t *group);
static void ngx_ssl_session_sync_number_metric(ngx_buf_t *b,
    ngx_array_t *snapshots, ngx_ssl_session_sync_counter_t *counter);
static void ngx_ssl_session_sync_latency_metrics(ngx_buf_t *b,
    ngx_array_t *snapshots);
static void ngx_ssl_session_sync_key_metrics(ngx_buf_t *b,
    ngx_array_t *snapshots);
static void ngx_ssl_session_sync_server_gauges(ngx_buf_t *b,
    ngx_array_t *snapshots, ngx_ssl_session_sync_gauge_t *gauge);
static void ngx_ssl_session_sync_server_value(ngx_buf_t *b,
    sss_server_report_t *report, ngx_ssl_session_sync_gauge_e kind);
static void ngx_ssl_session_sync_trouble_metrics(ngx_buf_t *b,
    ngx_array_t *snapshots);
static void ngx_ssl_session_sync_server_tallies(ngx_buf_t *b,
    ngx_array_t *snapshots, ngx_ssl_session_sync_tally_t *tally);
static void ngx_ssl_session_sync_server_label(ngx_buf_t *b,
    ngx_ssl_session_sync_known_t *server);


static ngx_ssl_session_sync_gauge_t  ngx_ssl_session_sync_gauges[] = {

    { "server_up", "1 if memcached answered the last poll.",
      NGX_SSL_SESSION_SYNC_UP },

    { "server_whole", "1 if memcached has every key of this host.",
      NGX_SSL_SESSION_SYNC_WHOLE },

    { "server_last_success_seconds",
      "When memcached answered last, seconds since the epoch.",
      NGX_SSL_SESSION_SYNC_SUCCESS },

    { "server_latency_seconds", "Time of the last read.",
      NGX_SSL_SESSION_SYNC_LATENCY },

    { "server_clock_diff_seconds",
      "Clock of memcached minus clock of this host.",
      NGX_SSL_SESSION_SYNC_CLOCK },

    { NULL, NULL, NGX_SSL_SESSION_SYNC_UP }
};


ngx_buf_t *
ngx_ssl_session_sync_status_prometheus(ngx_pool_t *pool)
{
    ngx_buf_t                     *b;
    ngx_array_t                   *snapshots;
    ngx_ssl_session_sync_gauge_t  *gauge;
    ngx_ssl_session_sync_group_t  *group;
    ngx_ssl_session_sync_tally_t  *tally;

    snapshots = ngx_ssl_session_sync_snapshots(pool);
    if (snapshots == NULL) {
        return NULL;
    }

    b = ngx_ssl_session_sync_snapshot_buf(pool, snapshots);
    if (b == NULL) {
        return NULL;
    }

    ngx_ssl_session_sync_metric(b, "info", "gauge", "Versions.");

    b->last = ngx_slprintf(b->last, b->end,
                           "ssl_session_sync_info{version=\"%s\","
                           "nginx=\"%s\"} 1\n",
                           NGX_SSL_SESSION_SYNC_VERSION, NGINX_VERSION);

    ngx_ssl_session_sync_state_metrics(b, snapshots);
    ngx_ssl_session_sync_membership_metrics(b, snapshots);
    ngx_ssl_session_sync_join_metrics(b, snapshots);

    for (group = ngx_ssl_session_sync_groups; group->name; group++) {
        ngx_ssl_session_sync_group_metrics(b, snapshots, group);
    }

    ngx_ssl_session_sync_key_metrics(b, snapshots);

    for (gauge = ngx_ssl_session_sync_gauges; gauge->name; gauge++) {
        ngx_ssl_session_sync_server_gauges(b, snapshots, gauge);
    }

    ngx_ssl_session_sync_trouble_metrics(b, snapshots);

    for (tally = ngx_ssl_session_sync_tallies; tally->name; tally++) {
        ngx_ssl_session_sync_server_tallies(b, snapshots, tally);
    }

    return b;
}


static void
ngx_ssl_session_sync_metric(ngx_buf_t *b, const char *name, const char *type,
    const char *help)
{
    b->last = ngx_slprintf(b->last, b->end,
                           "# HELP ssl_session_sync_%s %s\n"
                           "# TYPE ssl_session_sync_%s %s\n",
                           name, help, name, type);
}


/* Leaves the braces open for more labels. */

static void
ngx_ssl_session_sync_labels(ngx_buf_t *b, const char *name,
    ngx_ssl_session_sync_snapshot_t *s)
{
    b->last = ngx_slprintf(b->last, b->end, "ssl_session_sync_%s{cluster=\"",
                           name);
    ngx_ssl_session_sync_label_value(b, &s->cluster->name);
    b->last = ngx_slprintf(b->last, b->end, "\"");
}


static void
ngx_ssl_session_sync_label_value(ngx_buf_t *b, const ngx_str_t *value)
{
    size_t  i;

    for (i = 0; i < value->len && b->end - b->last > 2; i++) {

        switch (value->data[i]) {

        case '\n':
            *b->last++ = '\\';
            *b->last++ = 'n';
            break;

        case '\\':
        case '"':
            *b->last++ = '\\';
            /* fall through */

        default:
            *b->last++ = value->data[i];
        }
    }
}


static void
ngx_ssl_session_sync_state_metrics(ngx_buf_t *b, ngx_array_t *snapshots)
{
    ngx_uint_t                        i;
    ngx_ssl_session_sync_snapshot_t  *s;

    s = snapshots->elts;

    ngx_ssl_session_sync_metric(b, "state", "gauge",
                                "1 for the state a cluster is in.");

    for (i = 0; i < snapshots->nelts; i++) {
        ngx_ssl_session_sync_labels(b, "state", &s[i]);
        b->last = ngx_slprintf(b->last, b->end, ",state=\"%s\"} 1\n",
                               s[i].state);
    }

    ngx_ssl_session_sync_metric(b, "foreign_secret", "gauge",
                                "1 if a host uses another secret.");

    for (i = 0; i < snapshots->nelts; i++) {
        ngx_ssl_session_sync_labels(b, "foreign_secret", &s[i]);
        b->last = ngx_slprintf(b->last, b->end, "} %d\n",
                               s[i].report.foreign ? 1 : 0);
    }

    ngx_ssl_session_sync_metric(b, "clock_warning", "gauge",
                                "1 if clocks differ too much.");

    for (i = 0; i < snapshots->nelts; i++) {
        ngx_ssl_session_sync_labels(b, "clock_warning", &s[i]);
        b->last = ngx_slprintf(b->last, b->end, "} %ui\n",
                               s[i].clock_warning);
    }
}


static void
ngx_ssl_session_sync_membership_metrics(ngx_buf_t *b, ngx_array_t *snapshots)
{
    ngx_uint_t                        i, j;
    uint64_t                          value;
    ngx_ssl_session_sync_snapshot_t  *s;

    static const struct {
        const char  *name;
        const char  *help;
    } gauges[] = {
        { "generation", "Generation of keys that is in force." },
        { "generation_configured", "Generation in the configuration." },
        { "group_member", "1 if this host is in a group." },
        { "group_mixed", "1 if hosts differ in forward_secrecy." },
        { "group_epoch", "Epoch of the group." },
        { "group_wait_seconds",
          "For how long this host has been waiting to be let in." }
    };

    s = snapshots->elts;

    for (j = 0; j < sizeof(gauges) / sizeof(gauges[0]); j++) {

        ngx_ssl_session_sync_metric(b, gauges[j].name, "gauge",
                                    gauges[j].help);

        for (i = 0; i < snapshots->nelts; i++) {

            const uint64_t  values[] = {
                s[i].label.generation, (uint64_t) s[i].cluster->generation,
                s[i].member, s[i].report.mixed, s[i].label.epoch,
                s[i].waits_ms / 1000
            };

            value = values[j];

            ngx_ssl_session_sync_labels(b, gauges[j].name, &s[i]);
            b->last = ngx_slprintf(b->last, b->end, "} %uL\n", value);
        }
    }
}


static void
ngx_ssl_session_sync_join_metrics(ngx_buf_t *b, ngx_array_t *snapshots)
{
    ngx_uint_t                        i, j;
    ngx_ssl_session_sync_snapshot_t  *s;

    static const struct {
        const char  *name;
        size_t       offset;
    } results[] = {
        { "made", offsetof(sss_admission_counts_t, made) },
        { "answered", offsetof(sss_admission_counts_t, answered) },
        { "refused", offsetof(sss_admission_counts_t, refused) },
        { "given_up", offsetof(sss_admission_counts_t, given_up) },
        { "founded", offsetof(sss_admission_counts_t, founded) }
    };

    s = snapshots->elts;

    ngx_ssl_session_sync_metric(b, "group_joins_total", "counter",
                                "What became of requests to be let into a "
                                "group, of the worker that polls.");

    for (i = 0; i < snapshots->nelts; i++) {

        for (j = 0; j < sizeof(results) / sizeof(results[0]); j++) {

            ngx_ssl_session_sync_labels(b, "group_joins_total", &s[i]);
            b->last = ngx_slprintf(b->last, b->end, ",result=\"%s\"} %uL\n",
                                   results[j].name,
                                   *(uint64_t *) ((u_char *)
                                                  &s[i].report.joins
                                                  + results[j].offset));
        }
    }
}


static void
ngx_ssl_session_sync_group_metrics(ngx_buf_t *b, ngx_array_t *snapshots,
    ngx_ssl_session_sync_group_t *group)
{
    ngx_ssl_session_sync_counter_t  *counter;

    if (group->metric) {
        ngx_ssl_session_sync_event_metrics(b, snapshots, group);

    } else {
        for (counter = group->counters; counter->name; counter++) {
            ngx_ssl_session_sync_number_metric(b, snapshots, counter);
        }
    }

    if (group->latency) {
        ngx_ssl_session_sync_latency_metrics(b, snapshots);
    }
}


/* One metric, whose samples differ in the label "event". */

static void
ngx_ssl_session_sync_event_metrics(ngx_buf_t *b, ngx_array_t *snapshots,
    ngx_ssl_session_sync_group_t *group)
{
    ngx_uint_t                        i;
    ngx_ssl_session_sync_counter_t   *counter;
    ngx_ssl_session_sync_snapshot_t  *s;

    s = snapshots->elts;

    ngx_ssl_session_sync_metric(b, group->metric, "counter", group->help);

    for (i = 0; i < snapshots->nelts; i++) {

        for (counter = group->counters; counter->name; counter++) {

            ngx_ssl_session_sync_labels(b, group->metric, &s[i]);
            b->last = ngx_slprintf(b->last, b->end, ",event=\"%s\"} %uA\n",
                                   counter->name,
                                   ngx_ssl_session_sync_counted(&s[i],
                                                                counter));
        }
    }
}


static void
ngx_ssl_session_sync_number_metric(ngx_buf_t *b, ngx_array_t *snapshots,
    ngx_ssl_session_sync_counter_t *counter)
{
    ngx_uint_t                        i;
    ngx_ssl_session_sync_snapshot_t  *s;

    s = snapshots->elts;

    ngx_ssl_session_sync_metric(b, counter->metric, counter->type,
                                counter->help);

    for (i = 0; i < snapshots->nelts; i++) {
        ngx_ssl_session_sync_labels(b, counter->metric, &s[i]);
        b->last = ngx_slprintf(b->last, b->end, "} %uA\n",
                               ngx_ssl_session_sync_counted(&s[i], counter));
    }
}


/* A histogram's buckets add up: each has what is in those before it. */

static void
ngx_ssl_session_sync_latency_metrics(ngx_buf_t *b, ngx_array_t *snapshots)
{
    ngx_uint_t                        i, j, us;
    ngx_atomic_uint_t                 n;
    ngx_ssl_session_sync_snapshot_t  *s;

    s = snapshots->elts;

    ngx_ssl_session_sync_metric(b, "lookup_seconds", "histogram",
                                "Time of lookups.");

    for (i = 0; i < snapshots->nelts; i++) {

        n = 0;

        for (j = 0; j < SSS_ENGINE_BUCKETS; j++) {

            n += s[i].counters.latency[j];
            us = (ngx_uint_t) 64 << j;

            ngx_ssl_session_sync_labels(b, "lookup_seconds_bucket", &s[i]);

            if (j == SSS_ENGINE_BUCKETS - 1) {
                b->last = ngx_slprintf(b->last, b->end, ",le=\"+Inf\"} ");

            } else {
                b->last = ngx_slprintf(b->last, b->end,
                                       ",le=\"%ui.%06ui\"} ",
                                       us / 1000000, us % 1000000);
            }

            b->last = ngx_slprintf(b->last, b->end, "%uA\n", n);
        }

        ngx_ssl_session_sync_labels(b, "lookup_seconds_sum", &s[i]);
        b->last = ngx_slprintf(b->last, b->end, "} %uA.%06uA\n",
                               s[i].counters.latency_us / 1000000,
                               s[i].counters.latency_us % 1000000);

        ngx_ssl_session_sync_labels(b, "lookup_seconds_count", &s[i]);
        b->last = ngx_slprintf(b->last, b->end, "} %uA\n", n);
    }
}


static void
ngx_ssl_session_sync_key_metrics(ngx_buf_t *b, ngx_array_t *snapshots)
{
    uint32_t                          k;
    ngx_uint_t                        i;
    const sss_key_t                  *key;
    ngx_ssl_session_sync_snapshot_t  *s;

    s = snapshots->elts;

    ngx_ssl_session_sync_metric(b, "keys", "gauge", "Keys in the ring.");

    for (i = 0; i < snapshots->nelts; i++) {
        ngx_ssl_session_sync_labels(b, "keys", &s[i]);
        b->last = ngx_slprintf(b->last, b->end, "} %uD\n", s[i].ring->n);
    }

    ngx_ssl_session_sync_metric(b, "key_starts_seconds", "gauge",
                                "When a key begins to encrypt, seconds "
                                "since the epoch.");

    for (i = 0; i < snapshots->nelts; i++) {

        for (k = 0; k < s[i].ring->n; k++) {
            key = &s[i].ring->keys[k];

            ngx_ssl_session_sync_labels(b, "key_starts_seconds", &s[i]);
            b->last = ngx_slprintf(b->last, b->end,
                                   ",name=\"%02xd%02xd%02xd%02xd\","
                                   "role=\"%s\"} %uL\n",
                                   key->name[0], key->name[1], key->name[2],
                                   key->name[3],
                                   ngx_ssl_session_sync_key_role(&s[i], key),
                                   key->slot * key->rotation);
        }
    }
}


static void
ngx_ssl_session_sync_server_gauges(ngx_buf_t *b, ngx_array_t *snapshots,
    ngx_ssl_session_sync_gauge_t *gauge)
{
    ngx_uint_t                        i, j;
    sss_server_report_t              *report;
    ngx_ssl_session_sync_snapshot_t  *s;

    s = snapshots->elts;

    ngx_ssl_session_sync_metric(b, gauge->name, "gauge", gauge->help);

    for (i = 0; i < snapshots->nelts; i++) {

        for (j = 0; j < s[i].n_servers; j++) {

            report = s[i].servers[j].report;

            if (gauge->kind == NGX_SSL_SESSION_SYNC_CLOCK
                && !report->clock_known)
            {
                continue;
            }

            ngx_ssl_session_sync_labels(b, gauge->name, &s[i]);
            ngx_ssl_session_sync_server_label(b, &s[i].servers[j]);
            ngx_ssl_session_sync_server_value(b, report, gauge->kind);
        }
    }
}


static void
ngx_ssl_session_sync_server_value(ngx_buf_t *b, sss_server_report_t *report,
    ngx_ssl_session_sync_gauge_e kind)
{
    switch (kind) {

    case NGX_SSL_SESSION_SYNC_UP:
        b->last = ngx_slprintf(b->last, b->end, "%d\n",
                               report->state == SSS_SERVER_UP ? 1 : 0);
        break;

    case NGX_SSL_SESSION_SYNC_WHOLE:
        b->last = ngx_slprintf(b->last, b->end, "%d\n",
                               report->whole ? 1 : 0);
        break;

    case NGX_SSL_SESSION_SYNC_SUCCESS:
        b->last = ngx_slprintf(b->last, b->end, "%uL.%03uL\n",
                               report->success_ms / 1000,
                               report->success_ms % 1000);
        break;

    case NGX_SSL_SESSION_SYNC_LATENCY:
        b->last = ngx_slprintf(b->last, b->end, "%uD.%06uD\n",
                               report->latency_us / 1000000,
                               report->latency_us % 1000000);
        break;

    case NGX_SSL_SESSION_SYNC_CLOCK:
        b->last = ngx_slprintf(b->last, b->end, "%L\n", report->clock_diff);
        break;
    }
}


/* The sentence is a label, so that an alert can say it. */

static void
ngx_ssl_session_sync_trouble_metrics(ngx_buf_t *b, ngx_array_t *snapshots)
{
    ngx_str_t                         trouble;
    ngx_uint_t                        i, j;
    ngx_ssl_session_sync_known_t     *server;
    ngx_ssl_session_sync_snapshot_t  *s;

    s = snapshots->elts;

    ngx_ssl_session_sync_metric(b, "server_trouble", "gauge",
                                "1 if memcached answers and is of no use "
                                "for keys.");

    for (i = 0; i < snapshots->nelts; i++) {

        for (j = 0; j < s[i].n_servers; j++) {

            server = &s[i].servers[j];
            trouble.data = (u_char *) sss_server_trouble(server->report);
            trouble.len = ngx_strlen(trouble.data);

            ngx_ssl_session_sync_labels(b, "server_trouble", &s[i]);
            b->last = ngx_slprintf(b->last, b->end, ",trouble=\"");
            ngx_ssl_session_sync_label_value(b, &trouble);
            b->last = ngx_slprintf(b->last, b->end, "\"");
            ngx_ssl_session_sync_server_label(b, server);
            b->last = ngx_slprintf(b->last, b->end, "%d\n",
                                   trouble.len ? 1 : 0);
        }
    }
}


static void
ngx_ssl_session_sync_server_tallies(ngx_buf_t *b, ngx_array_t *snapshots,
    ngx_ssl_session_sync_tally_t *tally)
{
    u_char                            name[64];
    ngx_uint_t                        i, j;
    ngx_ssl_session_sync_known_t     *server;
    ngx_ssl_session_sync_snapshot_t  *s;

    s = snapshots->elts;

    (void) ngx_snprintf(name, sizeof(name), "server_%s_total%Z", tally->name);

    ngx_ssl_session_sync_metric(b, (char *) name, "counter", tally->help);

    for (i = 0; i < snapshots->nelts; i++) {

        for (j = 0; j < s[i].n_servers; j++) {

            server = &s[i].servers[j];

            ngx_ssl_session_sync_labels(b, (char *) name, &s[i]);
            ngx_ssl_session_sync_server_label(b, server);
            b->last = ngx_slprintf(b->last, b->end, "%uL\n",
                                   ngx_ssl_session_sync_tallied(server->report,
                                                                tally));
        }
    }
}


static void
ngx_ssl_session_sync_server_label(ngx_buf_t *b,
    ngx_ssl_session_sync_known_t *server)
{
    b->last = ngx_slprintf(b->last, b->end, ",server=\"");
    ngx_ssl_session_sync_label_value(b, &server->address);
    b->last = ngx_slprintf(b->last, b->end, "\"} ");
}
