
/* memcached servers: how each of them is, in words, and how fast. */


#include "ngx_ssl_session_sync_html.h"


#define NGX_SSL_SESSION_SYNC_TALLIES  16


static void ngx_ssl_session_sync_html_server(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s,
    ngx_ssl_session_sync_known_t *server);
static void ngx_ssl_session_sync_html_facts(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s,
    ngx_ssl_session_sync_known_t *server);
static void ngx_ssl_session_sync_html_clock(ngx_buf_t *b,
    sss_server_report_t *report);
static void ngx_ssl_session_sync_html_tallies(ngx_buf_t *b,
    sss_server_report_t *report);


void
ngx_ssl_session_sync_html_servers(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s)
{
    ngx_uint_t  i;

    if (s->cluster->servers.nelts == 0) {
        return;
    }

    ngx_ssl_session_sync_print(b, "<h3>memcached servers</h3>\n"
                               "<div class=\"servers\">\n");

    for (i = 0; i < s->n_servers; i++) {
        ngx_ssl_session_sync_html_server(b, s, &s->servers[i]);
    }

    ngx_ssl_session_sync_print(b, "</div>\n");
}


static void
ngx_ssl_session_sync_html_server(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s, ngx_ssl_session_sync_known_t *server)
{
    const char           *mark;
    sss_server_report_t  *report;

    report = server->report;

    mark = report->state == SSS_SERVER_UNKNOWN ? "quiet"
           : report->state != SSS_SERVER_UP ? "bad"
           : sss_server_trouble(report)[0] || !report->whole ? "warn"
           : "good";

    ngx_ssl_session_sync_print(b, "<article class=\"card server\"><h4>"
                               "<span class=\"address\">");
    ngx_ssl_session_sync_html_string(b, server->address.data,
                                     server->address.len);
    ngx_ssl_session_sync_print(b, "</span> <span class=\"state %s\">%s</span>"
                               "</h4>\n", mark,
                               ngx_ssl_session_sync_server_state(report));

    ngx_ssl_session_sync_html_facts(b, s, server);
    ngx_ssl_session_sync_html_histogram(b, "polls", report->reads);
    ngx_ssl_session_sync_html_tallies(b, report);

    ngx_ssl_session_sync_print(b, "</article>\n");
}


static void
ngx_ssl_session_sync_html_facts(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s, ngx_ssl_session_sync_known_t *server)
{
    sss_server_report_t  *report;

    report = server->report;

    ngx_ssl_session_sync_print(b, "<dl>\n");

    if (server->line.len != server->address.len
        || ngx_strncmp(server->line.data, server->address.data,
                       server->line.len)
           != 0)
    {
        ngx_ssl_session_sync_print(b, "<dt>configured as</dt><dd>");
        ngx_ssl_session_sync_html_string(b, server->line.data,
                                         server->line.len);
        ngx_ssl_session_sync_print(b, "</dd>\n");
    }

    ngx_ssl_session_sync_print(b, "<dt>answered last</dt><dd>");

    if (report->success_ms) {
        ngx_ssl_session_sync_html_moment(b, report->success_ms / 1000,
                                         s->now / 1000);
        ngx_ssl_session_sync_print(b, "</dd>\n<dt>its last answer took</dt>"
                                   "<dd>");
        ngx_ssl_session_sync_html_us(b, report->latency_us);
        ngx_ssl_session_sync_print(b, "</dd>\n");

    } else {
        ngx_ssl_session_sync_print(b, "never</dd>\n");
    }

    if (report->state == SSS_SERVER_UP) {
        ngx_ssl_session_sync_print(b, "<dt>keys</dt><dd>");
        ngx_ssl_session_sync_html_number(b, report->keys);
        ngx_ssl_session_sync_print(b, "%s</dd>\n",
                                   report->whole
                                   ? ", all that this host has"
                                   : ", not all that this host has");
    }

    ngx_ssl_session_sync_html_clock(b, report);

    if (server->weight != 1) {
        ngx_ssl_session_sync_print(b, "<dt>weight</dt><dd>%ui</dd>\n",
                                   server->weight);
    }

    if (report->error[0]) {
        ngx_ssl_session_sync_print(b, "<dt>last error</dt><dd>");
        ngx_ssl_session_sync_html_text(b, report->error);
        ngx_ssl_session_sync_print(b, "</dd>\n");
    }

    ngx_ssl_session_sync_print(b, "</dl>\n");
}


/* memcached counts whole seconds, so that one says nothing. */

static void
ngx_ssl_session_sync_html_clock(ngx_buf_t *b, sss_server_report_t *report)
{
    if (!report->clock_known
        || (report->clock_diff >= -1 && report->clock_diff <= 1))
    {
        return;
    }

    ngx_ssl_session_sync_print(b, "<dt>its clock</dt><dd>");
    ngx_ssl_session_sync_html_duration(b, report->clock_diff < 0
                                          ? -(uint64_t) report->clock_diff
                                          : (uint64_t) report->clock_diff);
    ngx_ssl_session_sync_print(b, " %s this host's</dd>\n",
                               report->clock_diff < 0 ? "behind" : "before");
}


static void
ngx_ssl_session_sync_html_tallies(ngx_buf_t *b, sss_server_report_t *report)
{
    ngx_uint_t                     n;
    ngx_ssl_session_sync_row_t     rows[NGX_SSL_SESSION_SYNC_TALLIES];
    ngx_ssl_session_sync_tally_t  *tally;

    n = 0;

    for (tally = ngx_ssl_session_sync_tallies;
         tally->name && n < NGX_SSL_SESSION_SYNC_TALLIES;
         tally++)
    {
        rows[n].title = tally->help;
        rows[n].value = ngx_ssl_session_sync_tallied(report, tally);
        rows[n].advice = ngx_ssl_session_sync_number_advice("servers",
                                                            tally->name);
        n++;
    }

    ngx_ssl_session_sync_print(b, "<details><summary>Counters</summary>\n");
    ngx_ssl_session_sync_html_rows(b, "Counters", rows, n);
    ngx_ssl_session_sync_print(b, "</details>\n");
}
