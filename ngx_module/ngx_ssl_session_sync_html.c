
/* The status as a page for a browser, without anything from elsewhere. */


#include "ngx_ssl_session_sync_snapshot.h"


static void ngx_ssl_session_sync_html_cluster(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s);
static void ngx_ssl_session_sync_html_membership(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s);
static void ngx_ssl_session_sync_html_group(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s, ngx_ssl_session_sync_group_t *group);
static void ngx_ssl_session_sync_html_latency(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s);
static void ngx_ssl_session_sync_html_keys(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s);
static void ngx_ssl_session_sync_html_servers(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s);
static void ngx_ssl_session_sync_html_time(ngx_buf_t *b, uint64_t seconds);
static void ngx_ssl_session_sync_html_string(ngx_buf_t *b, u_char *data,
    size_t len);


static const char  ngx_ssl_session_sync_html_head[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<meta charset=\"utf-8\">\n"
    "<title>TLS sessions</title>\n"
    "<style>\n"
    ":root { color-scheme: light dark; font-family: sans-serif }\n"
    "table { border-collapse: collapse; margin: 1em 2em 1em 0;"
    " display: inline-table; vertical-align: top }\n"
    "caption, th { text-align: left }\n"
    "caption { font-weight: bold }\n"
    "th { font-weight: normal }\n"
    "th, td { padding: .1em .8em .1em 0 }\n"
    "td { font-variant-numeric: tabular-nums }\n"
    "</style>\n";


ngx_buf_t *
ngx_ssl_session_sync_status_html(ngx_pool_t *pool)
{
    ngx_buf_t                        *b;
    ngx_uint_t                        i;
    ngx_array_t                      *snapshots;
    ngx_ssl_session_sync_snapshot_t  *s;

    snapshots = ngx_ssl_session_sync_snapshots(pool);
    if (snapshots == NULL) {
        return NULL;
    }

    b = ngx_ssl_session_sync_snapshot_buf(pool, snapshots);
    if (b == NULL) {
        return NULL;
    }

    b->last = ngx_slprintf(b->last, b->end, "%s<h1>TLS sessions of ",
                           ngx_ssl_session_sync_html_head);
    ngx_ssl_session_sync_html_string(b, ngx_cycle->hostname.data,
                                     ngx_cycle->hostname.len);
    b->last = ngx_slprintf(b->last, b->end, "</h1>\n<p>");
    ngx_ssl_session_sync_html_time(b, ngx_ssl_session_sync_now() / 1000);
    b->last = ngx_slprintf(b->last, b->end,
                           ", version %s, nginx %s</p>\n",
                           NGX_SSL_SESSION_SYNC_VERSION, NGINX_VERSION);

    s = snapshots->elts;

    for (i = 0; i < snapshots->nelts; i++) {
        ngx_ssl_session_sync_html_cluster(b, &s[i]);
    }

    b->last = ngx_slprintf(b->last, b->end, "</html>\n");

    return b;
}


static void
ngx_ssl_session_sync_html_cluster(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s)
{
    ngx_ssl_session_sync_group_t  *group;

    b->last = ngx_slprintf(b->last, b->end, "<h2>");
    ngx_ssl_session_sync_html_string(b, s->cluster->name.data,
                                     s->cluster->name.len);
    b->last = ngx_slprintf(b->last, b->end, ": %s</h2>\n", s->state);

    if (s->report.foreign) {
        b->last = ngx_slprintf(b->last, b->end,
                               "<p>A host uses another secret.</p>\n");
    }

    if (s->clock_warning) {
        b->last = ngx_slprintf(b->last, b->end,
                               "<p>Clocks differ too much.</p>\n");
    }

    ngx_ssl_session_sync_html_membership(b, s);

    for (group = ngx_ssl_session_sync_groups; group->name; group++) {
        ngx_ssl_session_sync_html_group(b, s, group);
    }

    ngx_ssl_session_sync_html_keys(b, s);
    ngx_ssl_session_sync_html_servers(b, s);
}


static void
ngx_ssl_session_sync_html_membership(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s)
{
    u_char  *id;

    id = s->label.id;

    if (s->report.mixed) {
        b->last = ngx_slprintf(b->last, b->end,
                               "<p>Other hosts have another setting of "
                               "forward_secrecy, and share no keys with this "
                               "one.</p>\n");
    }

    b->last = ngx_slprintf(b->last, b->end,
                           "<table><caption>Group</caption>\n"
                           "<tr><th>generation in force<td>%uD\n"
                           "<tr><th>generation configured<td>%i\n"
                           "<tr><th>forward secrecy<td>%s\n",
                           s->label.generation, s->cluster->generation,
                           s->cluster->forward_secrecy ? "on" : "off");

    if (s->member) {
        b->last = ngx_slprintf(b->last, b->end,
                               "<tr><th>group<td>%02xd%02xd%02xd%02xd\n"
                               "<tr><th>founded<td>",
                               id[0], id[1], id[2], id[3]);
        ngx_ssl_session_sync_html_time(b, s->label.created / 1000);
        b->last = ngx_slprintf(b->last, b->end,
                               "\n<tr><th>epoch<td>%uD\n",
                               s->label.epoch);
    }

    if (s->report.waits) {
        b->last = ngx_slprintf(b->last, b->end,
                               "<tr><th>seconds of waiting to be let in"
                               "<td>%uL\n", s->waits_ms / 1000);
    }

    b->last = ngx_slprintf(b->last, b->end,
                           "<tr><th>joined<td>%uL\n"
                           "<tr><th>others let in<td>%uL\n"
                           "<tr><th>answers refused<td>%uL\n"
                           "<tr><th>groups given up<td>%uL\n"
                           "<tr><th>groups founded<td>%uL\n</table>\n",
                           s->report.joins.made, s->report.joins.answered,
                           s->report.joins.refused,
                           s->report.joins.given_up,
                           s->report.joins.founded);
}


static void
ngx_ssl_session_sync_html_group(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s, ngx_ssl_session_sync_group_t *group)
{
    ngx_ssl_session_sync_counter_t  *counter;

    b->last = ngx_slprintf(b->last, b->end, "<table><caption>%s</caption>\n",
                           group->title);

    for (counter = group->counters; counter->name; counter++) {
        b->last = ngx_slprintf(b->last, b->end, "<tr><th>%s<td>%uA\n",
                               counter->title,
                               ngx_ssl_session_sync_counted(s, counter));
    }

    if (group->latency) {
        ngx_ssl_session_sync_html_latency(b, s);
    }

    b->last = ngx_slprintf(b->last, b->end, "</table>\n");
}


static void
ngx_ssl_session_sync_html_latency(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s)
{
    ngx_uint_t  i;

    b->last = ngx_slprintf(b->last, b->end,
                           "<tr><th>microseconds, all<td>%uA\n",
                           s->counters.latency_us);

    for (i = 0; i < SSS_ENGINE_BUCKETS; i++) {

        /* the last bucket has what is in none before it */

        b->last = ngx_slprintf(b->last, b->end,
                               "<tr><th>%s %ui us<td>%uA\n",
                               i < SSS_ENGINE_BUCKETS - 1 ? "below" : "from",
                               (ngx_uint_t) 64
                               << ngx_min(i, SSS_ENGINE_BUCKETS - 2),
                               s->counters.latency[i]);
    }
}


static void
ngx_ssl_session_sync_html_keys(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s)
{
    uint32_t          i;
    const sss_key_t  *key;

    b->last = ngx_slprintf(b->last, b->end,
                           "<table><caption>Keys</caption>\n"
                           "<tr><th>name<th>role<th>starts<th>ends"
                           "<th>expires\n");

    for (i = 0; i < s->ring->n; i++) {
        key = &s->ring->keys[i];

        b->last = ngx_slprintf(b->last, b->end,
                               "<tr><td>%02xd%02xd%02xd%02xd<td>%s<td>",
                               key->name[0], key->name[1], key->name[2],
                               key->name[3],
                               ngx_ssl_session_sync_key_role(s, key));

        ngx_ssl_session_sync_html_time(b, key->slot * key->rotation);
        b->last = ngx_slprintf(b->last, b->end, "<td>");
        ngx_ssl_session_sync_html_time(b, (key->slot + 1) * key->rotation);
        b->last = ngx_slprintf(b->last, b->end, "<td>");
        ngx_ssl_session_sync_html_time(b, key->expires);
        b->last = ngx_slprintf(b->last, b->end, "\n");
    }

    b->last = ngx_slprintf(b->last, b->end, "</table>\n");
}


static void
ngx_ssl_session_sync_html_servers(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s)
{
    ngx_uint_t                     i;
    sss_server_report_t           *report;
    ngx_ssl_session_sync_known_t  *server;
    ngx_ssl_session_sync_tally_t  *tally;

    if (s->cluster->servers.nelts == 0) {
        return;
    }

    b->last = ngx_slprintf(b->last, b->end,
                           "<table><caption>memcached</caption>\n"
                           "<tr><th>address<th>weight<th>state<th>keys"
                           "<th>all keys<th>polls<th>errors<th>bad records"
                           "<th>writes<th>conflicts<th>us<th>last error\n");

    for (i = 0; i < s->n_servers; i++) {
        server = &s->servers[i];
        report = server->report;

        b->last = ngx_slprintf(b->last, b->end, "<tr><td>");
        ngx_ssl_session_sync_html_string(b, server->address.data,
                                         server->address.len);
        b->last = ngx_slprintf(b->last, b->end,
                               "<td>%ui<td>%s<td>%uD<td>%s",
                               server->weight,
                               ngx_ssl_session_sync_server_state(report),
                               report->keys, report->whole ? "yes" : "no");

        for (tally = ngx_ssl_session_sync_tallies; tally->name; tally++) {
            b->last = ngx_slprintf(b->last, b->end, "<td>%uL",
                                   ngx_ssl_session_sync_tallied(report,
                                                                tally));
        }

        b->last = ngx_slprintf(b->last, b->end, "<td>%uD<td>",
                               report->latency_us);
        ngx_ssl_session_sync_html_string(b, (u_char *) report->error,
                                         ngx_strlen(report->error));
        b->last = ngx_slprintf(b->last, b->end, "\n");
    }

    b->last = ngx_slprintf(b->last, b->end, "</table>\n");
}


static void
ngx_ssl_session_sync_html_time(ngx_buf_t *b, uint64_t seconds)
{
    if ((size_t) (b->end - b->last)
        > sizeof("Mon, 28 Sep 1970 06:00:00 GMT"))
    {
        b->last = ngx_http_time(b->last, (time_t) seconds);
    }
}


static void
ngx_ssl_session_sync_html_string(ngx_buf_t *b, u_char *data, size_t len)
{
    size_t  escaped;

    escaped = ngx_escape_html(NULL, data, len);

    if (len + escaped < (size_t) (b->end - b->last)) {
        b->last = (u_char *) ngx_escape_html(b->last, data, len);
    }
}
