
/*
 * The status as a page for a browser, without anything from elsewhere.  It has
 * everything without a script; with one it renews itself, and has a chart.
 */


#include "ngx_ssl_session_sync_html.h"


#define NGX_SSL_SESSION_SYNC_ROWS  32


static ngx_buf_t *ngx_ssl_session_sync_html_buf(ngx_pool_t *pool,
    ngx_array_t *snapshots);
static void ngx_ssl_session_sync_html_header(ngx_buf_t *b,
    ngx_array_t *snapshots);
static void ngx_ssl_session_sync_html_cluster(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s, ngx_uint_t i);
static void ngx_ssl_session_sync_html_state(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s);
static void ngx_ssl_session_sync_html_membership(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s);
static void ngx_ssl_session_sync_html_joins(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s);
static void ngx_ssl_session_sync_html_group(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s, ngx_ssl_session_sync_group_t *group);
static void ngx_ssl_session_sync_html_latency(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s);


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

    b = ngx_ssl_session_sync_html_buf(pool, snapshots);
    if (b == NULL) {
        return NULL;
    }

    ngx_ssl_session_sync_html_header(b, snapshots);

    s = snapshots->elts;

    for (i = 0; i < snapshots->nelts; i++) {
        ngx_ssl_session_sync_html_cluster(b, &s[i], i);
    }

    ngx_ssl_session_sync_print(b, "</main>\n<footer>\n<p>The same for "
                               "programs: <a href=\"?format=json\">JSON</a>, "
                               "<a href=\"?format=prometheus\">Prometheus</a>"
                               "</p>\n</footer>\n</body>\n</html>\n");

    return b;
}


/* Names are shorter than 128 bytes and escape to six times as much. */

static ngx_buf_t *
ngx_ssl_session_sync_html_buf(ngx_pool_t *pool, ngx_array_t *snapshots)
{
    size_t                            size;
    ngx_uint_t                        i;
    ngx_ssl_session_sync_snapshot_t  *s;

    s = snapshots->elts;
    size = 16384;

    for (i = 0; i < snapshots->nelts; i++) {
        size += 32768 + 16 * 6 * s[i].cluster->name.len
                + s[i].ring->n * 768
                + s[i].n_servers * (12288 + 8 * 6 * SSS_ADDRESS_TEXT
                                    + 4 * 6 * SSS_SERVER_ERROR);
    }

    return ngx_create_temp_buf(pool, size);
}


static void
ngx_ssl_session_sync_html_header(ngx_buf_t *b, ngx_array_t *snapshots)
{
    ngx_uint_t                        i;
    ngx_ssl_session_sync_snapshot_t  *s;

    ngx_ssl_session_sync_print(b, "<!DOCTYPE html>\n<html lang=\"en\">\n"
                               "<head>\n<meta charset=\"utf-8\">\n"
                               "<meta name=\"viewport\" "
                               "content=\"width=device-width, "
                               "initial-scale=1\">\n"
                               "<meta name=\"color-scheme\" "
                               "content=\"light dark\">\n"
                               "<title>TLS sessions of ");
    ngx_ssl_session_sync_html_string(b, ngx_cycle->hostname.data,
                                     ngx_cycle->hostname.len);
    ngx_ssl_session_sync_print(b, "</title>\n"
                               "<link rel=\"icon\" href=\"?asset=icon.svg\">"
                               "\n<link rel=\"stylesheet\" "
                               "href=\"?asset=page.css\">\n"
                               "<script src=\"?asset=page.js\" defer>"
                               "</script>\n</head>\n<body>\n"
                               "<header>\n<h1>TLS sessions of <span>");
    ngx_ssl_session_sync_html_string(b, ngx_cycle->hostname.data,
                                     ngx_cycle->hostname.len);
    ngx_ssl_session_sync_print(b, "</span></h1>\n<p>At <span id=\"taken\">");
    ngx_ssl_session_sync_html_date(b, ngx_ssl_session_sync_now() / 1000, 0);
    ngx_ssl_session_sync_print(b, "</span> UTC; ngx_ssl_session_sync %s, "
                               "nginx %s</p>\n"
                               "<p id=\"live\" data-keep></p>\n</header>\n",
                               NGX_SSL_SESSION_SYNC_VERSION, NGINX_VERSION);

    s = snapshots->elts;

    if (snapshots->nelts > 1) {
        ngx_ssl_session_sync_print(b, "<nav aria-label=\"Clusters\">\n<ul>");

        for (i = 0; i < snapshots->nelts; i++) {
            ngx_ssl_session_sync_print(b, "<li><a href=\"#cluster%ui\">", i);
            ngx_ssl_session_sync_html_string(b, s[i].cluster->name.data,
                                             s[i].cluster->name.len);
            ngx_ssl_session_sync_print(b, "</a></li>\n");
        }

        ngx_ssl_session_sync_print(b, "</ul>\n</nav>\n");
    }

    ngx_ssl_session_sync_print(b, "<main>\n");

    if (snapshots->nelts == 0) {
        ngx_ssl_session_sync_print(b, "<p>No ssl_session_sync_cluster is "
                                   "configured.</p>\n");
    }
}


static void
ngx_ssl_session_sync_html_cluster(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s, ngx_uint_t i)
{
    ngx_ssl_session_sync_group_t  *group;

    ngx_ssl_session_sync_print(b, "<section class=\"cluster\" id=\"cluster%ui"
                               "\" aria-labelledby=\"name%ui\">\n"
                               "<h2 id=\"name%ui\">", i, i, i);
    ngx_ssl_session_sync_html_string(b, s->cluster->name.data,
                                     s->cluster->name.len);
    ngx_ssl_session_sync_html_state(b, s);
    ngx_ssl_session_sync_print(b, "</h2>\n");

    ngx_ssl_session_sync_html_wrong(b, s);
    ngx_ssl_session_sync_html_handshakes(b, s);
    ngx_ssl_session_sync_html_keys(b, s);
    ngx_ssl_session_sync_html_servers(b, s);

    ngx_ssl_session_sync_print(b, "<h3>Numbers since the start</h3>\n"
                               "<div class=\"numbers\">\n");

    for (group = ngx_ssl_session_sync_groups; group->name; group++) {
        ngx_ssl_session_sync_html_group(b, s, group);
    }

    ngx_ssl_session_sync_html_membership(b, s);
    ngx_ssl_session_sync_print(b, "</div>\n</section>\n");
}


static void
ngx_ssl_session_sync_html_state(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s)
{
    ngx_uint_t   i;
    const char  *mark, *means;

    static const struct {
        const char  *state;
        const char  *mark;
        const char  *means;
    } states[] = {
        { "ok", "good", "this host shares its keys with the others" },
        { "local", "good", "a cluster of this host alone, without memcached" },
        { "joining", "quiet", "this host has keys of its own" },
        { "starting", "quiet", "" }
    };

    mark = "bad";
    means = "";

    for (i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (ngx_strcmp(s->state, states[i].state) == 0) {
            mark = states[i].mark;
            means = states[i].means;
        }
    }

    ngx_ssl_session_sync_print(b, " <span class=\"state %s\">%s</span> "
                               "<small>%s</small>", mark, s->state, means);
}


static void
ngx_ssl_session_sync_html_membership(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s)
{
    u_char  *id;

    id = s->label.id;

    ngx_ssl_session_sync_print(b, "<div class=\"card\"><h4>Group of hosts</h4>"
                               "\n<dl>\n<dt>forward secrecy</dt><dd>%s</dd>\n"
                               "<dt>generation in force</dt><dd>%uD</dd>\n"
                               "<dt>generation configured</dt><dd>%i</dd>\n",
                               s->cluster->forward_secrecy ? "on" : "off",
                               s->label.generation, s->cluster->generation);

    if (s->member) {
        ngx_ssl_session_sync_print(b, "<dt>group</dt><dd><code>"
                                   "%02xd%02xd%02xd%02xd</code></dd>\n"
                                   "<dt>founded</dt><dd>",
                                   id[0], id[1], id[2], id[3]);
        ngx_ssl_session_sync_html_moment(b, s->label.created / 1000,
                                         s->now / 1000);
        ngx_ssl_session_sync_print(b, "</dd>\n<dt>epoch</dt><dd>%uD, since ",
                                   s->label.epoch);
        ngx_ssl_session_sync_html_moment(b, s->epoch_since / 1000,
                                         s->now / 1000);
        ngx_ssl_session_sync_print(b, "</dd>\n");
    }

    if (s->report.waits) {
        ngx_ssl_session_sync_print(b, "<dt>waits to be let in for</dt><dd>");
        ngx_ssl_session_sync_html_duration(b, s->waits_ms / 1000);
        ngx_ssl_session_sync_print(b, "</dd>\n");
    }

    ngx_ssl_session_sync_print(b, "</dl>\n");

    ngx_ssl_session_sync_html_joins(b, s);

    ngx_ssl_session_sync_print(b, "</div>\n");
}


static void
ngx_ssl_session_sync_html_joins(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s)
{
    ngx_ssl_session_sync_row_t  rows[] = {
        { "times this host was let in", s->report.joins.made, NULL },
        { "other hosts let in", s->report.joins.answered, NULL },
        { "answers refused", s->report.joins.refused,
          ngx_ssl_session_sync_number_advice("joins", "refused") },
        { "groups given up", s->report.joins.given_up,
          ngx_ssl_session_sync_number_advice("joins", "given_up") },
        { "groups founded", s->report.joins.founded, NULL }
    };

    ngx_ssl_session_sync_html_rows(b, "Members", rows,
                                   sizeof(rows) / sizeof(rows[0]));
}


static void
ngx_ssl_session_sync_html_group(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s, ngx_ssl_session_sync_group_t *group)
{
    ngx_uint_t                       n;
    ngx_ssl_session_sync_row_t       rows[NGX_SSL_SESSION_SYNC_ROWS];
    ngx_ssl_session_sync_counter_t  *counter;

    /* these have a place of their own */

    if (ngx_strcmp(group->name, "handshakes") == 0) {
        return;
    }

    n = 0;

    for (counter = group->counters;
         counter->name && n < NGX_SSL_SESSION_SYNC_ROWS;
         counter++)
    {
        rows[n].title = counter->title;
        rows[n].value = ngx_ssl_session_sync_counted(s, counter);
        rows[n].advice = ngx_ssl_session_sync_number_advice(group->name,
                                                            counter->name);
        n++;
    }

    ngx_ssl_session_sync_print(b, "<div class=\"card\"><h4>%s</h4>\n",
                               group->title);

    if (group->latency) {
        ngx_ssl_session_sync_html_latency(b, s);
    }

    ngx_ssl_session_sync_html_rows(b, group->title, rows, n);

    ngx_ssl_session_sync_print(b, "</div>\n");
}


static void
ngx_ssl_session_sync_html_latency(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s)
{
    uint64_t    n[SSS_LATENCY_BUCKETS], sum;
    ngx_uint_t  i;

    sum = 0;

    for (i = 0; i < SSS_LATENCY_BUCKETS; i++) {
        n[i] = s->counters.latency[i];
        sum += n[i];
    }

    if (sum) {
        ngx_ssl_session_sync_print(b, "<p>A lookup takes ");
        ngx_ssl_session_sync_html_us(b, s->counters.latency_us / sum);
        ngx_ssl_session_sync_print(b, " on the average.</p>\n");
    }

    ngx_ssl_session_sync_html_histogram(b, "lookups", n);
}
