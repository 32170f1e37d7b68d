
/* How sessions came about: the rate, a bar, a table, and a place for a chart
 * over time, which the page's script draws. */


#include "ngx_ssl_session_sync_html.h"


#define NGX_SSL_SESSION_SYNC_KINDS  4


typedef struct {
    const char  *name;          /* in JSON, and the class for its color */
    const char  *title;
    const char  *means;
    size_t       offset;        /* in the counters */
} ngx_ssl_session_sync_kind_t;


static void ngx_ssl_session_sync_html_bar(ngx_buf_t *b, const uint64_t *n,
    uint64_t sum);
static void ngx_ssl_session_sync_html_kinds(ngx_buf_t *b, const uint64_t *n,
    uint64_t sum);


static ngx_ssl_session_sync_kind_t
    ngx_ssl_session_sync_kinds[NGX_SSL_SESSION_SYNC_KINDS] = {

    { "resumed_ticket", "by ticket", "resumed with a session ticket",
      offsetof(ngx_ssl_session_sync_counters_t, resumed) },

    { "resumed_id_local", "by ID, this host",
      "resumed, and this host had the session",
      offsetof(ngx_ssl_session_sync_counters_t, id_local) },

    { "resumed_id_remote", "by ID, memcached",
      "resumed with a session from memcached",
      offsetof(ngx_ssl_session_sync_counters_t, id_remote) },

    { "full", "full", "full handshakes, which begin a new session",
      offsetof(ngx_ssl_session_sync_counters_t, full) }
};


void
ngx_ssl_session_sync_html_handshakes(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s)
{
    uint64_t    n[NGX_SSL_SESSION_SYNC_KINDS], sum;
    ngx_uint_t  i;

    sum = 0;

    for (i = 0; i < NGX_SSL_SESSION_SYNC_KINDS; i++) {
        n[i] = *(ngx_atomic_t *) ((u_char *) &s->counters
                                  + ngx_ssl_session_sync_kinds[i].offset);
        sum += n[i];
    }

    ngx_ssl_session_sync_print(b, "<div class=\"top\">\n"
                               "<div class=\"card rate\">\n"
                               "<h3>Sessions resumed</h3>\n"
                               "<p class=\"big\">");

    if (sum) {
        ngx_ssl_session_sync_html_share(b, sum - s->counters.full, sum);
        ngx_ssl_session_sync_print(b, "</p>\n<p>of ");
        ngx_ssl_session_sync_html_count(b, sum, "one handshake",
                                        "handshakes");
        ngx_ssl_session_sync_print(b, " since the start</p>\n");

    } else {
        ngx_ssl_session_sync_print(b, "–</p>\n<p>no handshake since the start"
                                   "</p>\n");
    }

    ngx_ssl_session_sync_print(b, "<p class=\"recent\" data-keep></p>\n");

    ngx_ssl_session_sync_html_bar(b, n, sum);
    ngx_ssl_session_sync_html_kinds(b, n, sum);

    ngx_ssl_session_sync_print(b, "</div>\n"
                               "<figure class=\"card chart\" data-keep>\n"
                               "<figcaption><h3>How sessions come about now"
                               "</h3></figcaption>\n"
                               "<noscript><p>The chart over time is drawn by "
                               "a script. All else is here without one; load "
                               "the page again for newer numbers.</p>"
                               "</noscript>\n</figure>\n</div>\n");
}


static void
ngx_ssl_session_sync_html_bar(ngx_buf_t *b, const uint64_t *n, uint64_t sum)
{
    double      x, width;
    ngx_uint_t  i;

    ngx_ssl_session_sync_print(b, "<svg class=\"bar\" aria-hidden=\"true\" "
                               "width=\"100%%\" height=\"14\">");
    x = 0;

    for (i = 0; sum && i < NGX_SSL_SESSION_SYNC_KINDS; i++) {
        width = 100.0 * (double) n[i] / (double) sum;

        ngx_ssl_session_sync_print(b, "<rect class=\"%s\" x=\"%.2f%%\" "
                                   "width=\"%.2f%%\" height=\"14\"></rect>",
                                   ngx_ssl_session_sync_kinds[i].name, x,
                                   width);
        x += width;
    }

    ngx_ssl_session_sync_print(b, "</svg>\n");
}


static void
ngx_ssl_session_sync_html_kinds(ngx_buf_t *b, const uint64_t *n, uint64_t sum)
{
    ngx_uint_t                    i;
    ngx_ssl_session_sync_kind_t  *kind;

    ngx_ssl_session_sync_print(b, "<table class=\"kinds\"><caption>Handshakes "
                               "since the start</caption>\n<thead><tr>"
                               "<th scope=\"col\">how</th>"
                               "<th scope=\"col\">handshakes</th>"
                               "<th scope=\"col\">share</th></tr></thead>\n"
                               "<tbody>\n");

    for (i = 0; i < NGX_SSL_SESSION_SYNC_KINDS; i++) {
        kind = &ngx_ssl_session_sync_kinds[i];

        ngx_ssl_session_sync_print(b, "<tr><th scope=\"row\">"
                                   "<svg class=\"swatch\" width=\"12\" "
                                   "height=\"12\" aria-hidden=\"true\">"
                                   "<rect class=\"%s\" width=\"12\" "
                                   "height=\"12\" rx=\"3\"></rect></svg>%s "
                                   "<small>%s</small></th><td>",
                                   kind->name, kind->title, kind->means);

        ngx_ssl_session_sync_html_number(b, n[i]);
        ngx_ssl_session_sync_print(b, "</td><td>");

        if (sum) {
            ngx_ssl_session_sync_html_share(b, n[i], sum);
        } else {
            ngx_ssl_session_sync_print(b, "–");
        }

        ngx_ssl_session_sync_print(b, "</td></tr>\n");
    }

    ngx_ssl_session_sync_print(b, "</tbody></table>\n");
}
