
/* The keys: those that matter now on a time line, all of them in tables. */


#include "ngx_ssl_session_sync_html.h"


#define NGX_SSL_SESSION_SYNC_TOP  20        /* px of the time line: above */
#define NGX_SSL_SESSION_SYNC_ROW  44        /* and for each key           */


/* What is shown, seconds since the epoch. */

typedef struct {
    double       from;
    double       to;
    double       now;
} ngx_ssl_session_sync_span_t;


static ngx_uint_t ngx_ssl_session_sync_html_span(
    ngx_ssl_session_sync_snapshot_t *s, ngx_ssl_session_sync_span_t *span);
static void ngx_ssl_session_sync_html_line(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s, ngx_ssl_session_sync_span_t *span,
    ngx_uint_t n);
static void ngx_ssl_session_sync_html_key(ngx_buf_t *b,
    ngx_ssl_session_sync_span_t *span, const sss_key_t *key,
    const char *role, ngx_uint_t y);
static void ngx_ssl_session_sync_html_part(ngx_buf_t *b,
    ngx_ssl_session_sync_span_t *span, const char *what, double from,
    double to, ngx_uint_t y);
static void ngx_ssl_session_sync_html_now(ngx_buf_t *b,
    ngx_ssl_session_sync_span_t *span, ngx_uint_t n);
static void ngx_ssl_session_sync_html_legend(ngx_buf_t *b);
static double ngx_ssl_session_sync_html_x(ngx_ssl_session_sync_span_t *span,
    double seconds);
static void ngx_ssl_session_sync_html_key_table(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s, ngx_uint_t others);
static ngx_uint_t ngx_ssl_session_sync_html_other(const char *role);


void
ngx_ssl_session_sync_html_keys(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s)
{
    ngx_uint_t                   n;
    ngx_ssl_session_sync_span_t  span;

    ngx_ssl_session_sync_print(b, "<div class=\"card keys\"><h3>Keys</h3>\n"
                               "<p>A key encrypts tickets for ");
    ngx_ssl_session_sync_html_duration(b, s->cluster->key_rotation);
    ngx_ssl_session_sync_print(b, ", then decrypts for as long as they may "
                               "live, and is forgotten. Times are UTC.</p>\n");

    n = ngx_ssl_session_sync_html_span(s, &span);

    if (n) {
        ngx_ssl_session_sync_html_line(b, s, &span, n);
        ngx_ssl_session_sync_html_key_table(b, s, 0);
    }

    if (s->ring->n > n) {
        ngx_ssl_session_sync_print(b, "<details><summary>");
        ngx_ssl_session_sync_html_count(b, s->ring->n - n,
                                        "1 other key, which only decrypts",
                                        "other keys, which only decrypt");
        ngx_ssl_session_sync_print(b, "</summary>\n");
        ngx_ssl_session_sync_html_key_table(b, s, 1);
        ngx_ssl_session_sync_print(b, "</details>\n");
    }

    ngx_ssl_session_sync_print(b, "</div>\n");
}


/* Returns the number of keys on the line: next, current and previous. */

static ngx_uint_t
ngx_ssl_session_sync_html_span(ngx_ssl_session_sync_snapshot_t *s,
    ngx_ssl_session_sync_span_t *span)
{
    uint32_t          i;
    ngx_uint_t        n;
    const sss_key_t  *key;

    n = 0;
    span->now = (double) s->now / 1000;
    span->from = span->now;
    span->to = span->now + 1;

    for (i = 0; i < s->ring->n; i++) {
        key = &s->ring->keys[i];

        if (ngx_ssl_session_sync_html_other(
                                     ngx_ssl_session_sync_key_role(s, key)))
        {
            continue;
        }

        n++;
        span->from = ngx_min(span->from, (double) key->slot * key->rotation);
        span->to = ngx_max(span->to, (double) key->expires);
    }

    return n;
}


static void
ngx_ssl_session_sync_html_line(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s, ngx_ssl_session_sync_span_t *span,
    ngx_uint_t n)
{
    uint32_t          i;
    ngx_uint_t        y;
    const char       *role;
    const sss_key_t  *key;

    y = NGX_SSL_SESSION_SYNC_TOP;

    ngx_ssl_session_sync_print(b, "<svg class=\"line\" role=\"img\" "
                               "width=\"100%%\" height=\"%ui\" aria-label=\""
                               "When keys encrypt and decrypt, as in the "
                               "table that follows\">\n",
                               y + n * NGX_SSL_SESSION_SYNC_ROW);

    for (i = 0; i < s->ring->n; i++) {
        key = &s->ring->keys[i];
        role = ngx_ssl_session_sync_key_role(s, key);

        if (!ngx_ssl_session_sync_html_other(role)) {
            ngx_ssl_session_sync_html_key(b, span, key, role, y);
            y += NGX_SSL_SESSION_SYNC_ROW;
        }
    }

    ngx_ssl_session_sync_html_now(b, span, n);
    ngx_ssl_session_sync_print(b, "</svg>\n");
    ngx_ssl_session_sync_html_legend(b);
}


static void
ngx_ssl_session_sync_html_key(ngx_buf_t *b, ngx_ssl_session_sync_span_t *span,
    const sss_key_t *key, const char *role, ngx_uint_t y)
{
    double  starts, ends, created;

    starts = (double) key->slot * key->rotation;
    ends = starts + key->rotation;
    created = (double) key->created / 1000;

    ngx_ssl_session_sync_print(b, "<text class=\"%s\" x=\"0\" y=\"%ui\">%s "
                               "%02xd%02xd%02xd%02xd</text>\n",
                               role, y + 14, role, key->name[0],
                               key->name[1], key->name[2], key->name[3]);

    ngx_ssl_session_sync_html_part(b, span, "waits", created, starts, y + 20);
    ngx_ssl_session_sync_html_part(b, span, "encrypts", starts, ends, y + 20);
    ngx_ssl_session_sync_html_part(b, span, "decrypts", ends,
                                   (double) key->expires, y + 20);
}


static void
ngx_ssl_session_sync_html_part(ngx_buf_t *b,
    ngx_ssl_session_sync_span_t *span, const char *what, double from,
    double to, ngx_uint_t y)
{
    double  x1, x2;

    x1 = ngx_ssl_session_sync_html_x(span, from);
    x2 = ngx_ssl_session_sync_html_x(span, to);

    if (x2 > x1) {
        ngx_ssl_session_sync_print(b, "<rect class=\"%s\" x=\"%.3f%%\" "
                                   "y=\"%ui\" width=\"%.3f%%\" height=\"16\">"
                                   "</rect>\n", what, x1, y, x2 - x1);
    }
}


/* Over the bars, and not through the words above them. */

static void
ngx_ssl_session_sync_html_now(ngx_buf_t *b, ngx_ssl_session_sync_span_t *span,
    ngx_uint_t n)
{
    double       x;
    ngx_uint_t   i, y;
    const char  *anchor;

    x = ngx_ssl_session_sync_html_x(span, span->now);
    anchor = x < 8 ? "start" : x > 92 ? "end" : "middle";

    for (i = 0; i < n; i++) {
        y = NGX_SSL_SESSION_SYNC_TOP + i * NGX_SSL_SESSION_SYNC_ROW;

        ngx_ssl_session_sync_print(b, "<line class=\"now\" x1=\"%.3f%%\" "
                                   "x2=\"%.3f%%\" y1=\"%ui\" y2=\"%ui\">"
                                   "</line>\n",
                                   x, x, y + 16, y + 40);
    }

    ngx_ssl_session_sync_print(b, "<text class=\"now\" x=\"%.3f%%\" "
                               "y=\"13\" text-anchor=\"%s\">now</text>\n",
                               x, anchor);
}


static void
ngx_ssl_session_sync_html_legend(ngx_buf_t *b)
{
    ngx_uint_t  i;

    static const struct {
        const char  *name;
        const char  *title;
    } parts[] = {
        { "waits", "known to hosts, not used yet" },
        { "encrypts", "encrypts and decrypts" },
        { "decrypts", "only decrypts" }
    };

    ngx_ssl_session_sync_print(b, "<ul class=\"legend\" "
                               "aria-hidden=\"true\">");

    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        ngx_ssl_session_sync_print(b, "<li><svg class=\"swatch\" "
                                   "width=\"12\" height=\"12\"><rect "
                                   "class=\"%s\" x=\"1\" y=\"1\" "
                                   "width=\"10\" height=\"10\"></rect></svg>"
                                   "%s</li>", parts[i].name, parts[i].title);
    }

    ngx_ssl_session_sync_print(b, "</ul>\n");
}


/* Per cent of the width. */

static double
ngx_ssl_session_sync_html_x(ngx_ssl_session_sync_span_t *span,
    double seconds)
{
    double  x;

    x = 100 * (seconds - span->from) / (span->to - span->from);

    return x < 0 ? 0 : x > 100 ? 100 : x;
}


static void
ngx_ssl_session_sync_html_key_table(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s, ngx_uint_t others)
{
    uint32_t          i;
    uint64_t          now;
    const char       *role;
    const sss_key_t  *key;

    now = s->now / 1000;

    ngx_ssl_session_sync_print(b, "<table class=\"keys\"><caption>%s"
                               "</caption>\n<thead><tr>"
                               "<th scope=\"col\">key</th>"
                               "<th scope=\"col\">begins</th>"
                               "<th scope=\"col\">ends</th>"
                               "<th scope=\"col\">is forgotten</th>"
                               "</tr></thead>\n<tbody>\n",
                               others ? "Other keys" : "Keys of now");

    for (i = 0; i < s->ring->n; i++) {
        key = &s->ring->keys[i];
        role = ngx_ssl_session_sync_key_role(s, key);

        if (ngx_ssl_session_sync_html_other(role) != others) {
            continue;
        }

        ngx_ssl_session_sync_print(b, "<tr><th scope=\"row\">%s "
                                   "<code>%02xd%02xd%02xd%02xd</code></th>"
                                   "<td>", others ? "" : role, key->name[0],
                                   key->name[1], key->name[2], key->name[3]);

        ngx_ssl_session_sync_html_moment(b, key->slot * key->rotation, now);
        ngx_ssl_session_sync_print(b, "</td><td>");
        ngx_ssl_session_sync_html_moment(b, (key->slot + 1) * key->rotation,
                                         now);
        ngx_ssl_session_sync_print(b, "</td><td>");
        ngx_ssl_session_sync_html_moment(b, key->expires, now);
        ngx_ssl_session_sync_print(b, "</td></tr>\n");
    }

    ngx_ssl_session_sync_print(b, "</tbody></table>\n");
}


static ngx_uint_t
ngx_ssl_session_sync_html_other(const char *role)
{
    return ngx_strcmp(role, "other") == 0;
}
